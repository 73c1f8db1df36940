"""What the operator types about programs of other systems: `flask --app wsgi fhir client …`."""

from __future__ import annotations

import click

from app.identity import clients
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
def client_add_command(name: str, scopes: tuple[str, ...]) -> None:
    """Let a program ask for tokens; its secret is printed this once and kept nowhere."""
    try:
        with runtime().units.open(OPERATOR) as uow:
            client, secret = clients.file_client(uow, name=name, scopes=scopes)
    except VisitError as error:
        raise click.ClickException(error.code) from error
    click.echo(f"client_id     {client.public_id}\nclient_secret {secret}")


@client_command.command("list")
def client_list_command() -> None:
    """Show every program, what it may do, and since when it may not any more."""
    with runtime().units.open(OPERATOR, reads_only=True) as uow:
        for client in clients.list_clients(uow):
            ended = f"ended {client.ended_at:%Y-%m-%d}" if client.ended_at else "in force"
            click.echo(f"{client.public_id} {ended:16} {client.name}: {' '.join(client.scopes)}")


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
