"""What the operator types about programs of other systems: `flask --app wsgi fhir client …`."""

from __future__ import annotations

import json
from typing import IO

import click

from app.identity import assertions, clients
from app.identity.clients import SCOPES
from app.kernel.errors import VisitError
from app.kernel.uow import Actor
from app.runtime import runtime

OPERATOR = Actor("job", "operator")


@click.group("fhir")
def fhir_command() -> None:
    """Who may read and book by FHIR."""


@fhir_command.group("client")
def client_command() -> None:
    """Programs of other systems."""


@client_command.command("add")
@click.argument("name")
@click.option("--scope", "scopes", multiple=True, required=True, type=click.Choice(SCOPES), help="may be given again")
@click.option("--keys", "keys_file", type=click.File("rb"), help="a JWK set with the public keys by which it signs")
def client_add_command(name: str, scopes: tuple[str, ...], keys_file: IO[bytes] | None) -> None:
    """Let a program ask for tokens, by its keys or by a secret that is printed this once and kept nowhere."""
    public_keys = _keys_in(keys_file) if keys_file else []
    try:
        with runtime().units.open(OPERATOR) as uow:
            client, secret = clients.file_client(uow, name=name, scopes=scopes, public_keys=public_keys)
    except VisitError as error:
        raise click.ClickException(error.code) from error
    click.echo(f"client_id     {client.public_id}" + (f"\nclient_secret {secret}" if secret else ""))


def _keys_in(file: IO[bytes]) -> list[dict[str, str]]:
    try:
        return assertions.read_keys(json.load(file))
    except ValueError as error:
        raise click.ClickException(str(error)) from error


@client_command.command("keys")
@click.argument("client_id")
@click.argument("keys_file", type=click.File("rb"))
def client_keys_command(client_id: str, keys_file: IO[bytes]) -> None:
    """Let the program sign with these public keys (a JWK set) from now on; its secret, or the keys before, end."""
    public_keys = _keys_in(keys_file)
    try:
        with runtime().units.open(OPERATOR) as uow:
            clients.keep_keys(uow, client_id, public_keys)
    except VisitError as error:
        raise click.ClickException(error.code) from error
    click.echo(f"{client_id} signs with {', '.join(key['kid'] for key in public_keys)}")


@client_command.command("list")
def client_list_command() -> None:
    """Show every program, what it may do, and since when it may not any more."""
    with runtime().units.open(OPERATOR, reads_only=True) as uow:
        for client in clients.list_clients(uow):
            ended = f"ended {client.ended_at:%Y-%m-%d}" if client.ended_at else "in force"
            proof = "signs" if client.public_keys else "secret"
            click.echo(f"{client.public_id} {ended:16} {proof:6} {client.name}: {' '.join(client.scopes)}")


@client_command.command("end")
@click.argument("client_id")
def client_end_command(client_id: str) -> None:
    """Give the program no more tokens; those it holds open nothing from now on."""
    try:
        with runtime().units.open(OPERATOR) as uow:
            clients.end_client(uow, client_id)
    except VisitError as error:
        raise click.ClickException(error.code) from error
    click.echo(f"{client_id} may not ask any more")
