"""What the operator types: `flask --app wsgi …`."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict

import click
from flask import Flask

from app.cli import invariants
from app.cli.clients import fhir_command
from app.cli.doctor import SIGNS, WELL, examine, exit_code
from app.cli.loading import hospital_command
from app.cli.rotating import rotate
from app.cli.seed import seed
from app.cli.voicing import voice_command
from app.identity import second_step, staffing
from app.identity.rules import ROLES
from app.kernel import audit
from app.kernel.errors import VisitError
from app.kernel.uow import Actor
from app.runtime import runtime

OPERATOR = Actor("job", "operator")


def register_commands(app: Flask) -> None:
    """The hospital's commands are known to `flask`."""
    commands = (
        seed_command,
        doctor_command,
        invariants_command,
        hospital_command,
        staff_command,
        audit_command,
        keys_command,
        fhir_command,
        voice_command,
    )
    for command in commands:
        app.cli.add_command(command)


@click.command("seed")
def seed_command() -> None:
    """Fill the database with the demo hospital; quiet when it is there."""
    if not runtime().settings.is_demo:
        raise click.ClickException("the demo hospital is for MENZHEN_MODE=demo only")
    with runtime().units.open(OPERATOR) as uow:
        seed(uow)
    click.echo("the demo hospital stands")


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="one JSON object per finding")
def doctor_command(as_json: bool) -> None:
    """Look the installation over; exit code 0 well, 1 limping, 2 broken."""
    findings = examine(runtime())
    for finding in findings:
        if as_json:
            click.echo(json.dumps(asdict(finding), ensure_ascii=False))
        else:
            fix = f"\n    fix: {finding.fix}" if finding.state != WELL and finding.fix else ""
            click.echo(f"{SIGNS[finding.state]} {finding.name}: {finding.seen}{fix}")
    sys.exit(exit_code(findings))


@click.command("invariants")
def invariants_command() -> None:
    """Count the rows that break a promise; exit code 1 when there are any."""
    with runtime().units.open(OPERATOR, reads_only=True) as uow:
        counts = invariants.broken(uow)
    for name in sorted(invariants.statements()):
        click.echo(f"{counts.get(name, 0):6d} {name}")
    sys.exit(1 if counts else 0)


@click.group("staff")
def staff_command() -> None:
    """Who works in the hospital."""


@staff_command.command("add")
@click.argument("login")
@click.option("--name", required=True, help="the name colleagues see")
@click.option("--role", "roles", multiple=True, required=True, type=click.Choice(ROLES), help="may be given again")
@click.option("--practitioner", default="", help="the doctor's code in the schedule")
@click.password_option(help="at least ten characters; asked for when left out")
def staff_add_command(login: str, name: str, roles: tuple[str, ...], practitioner: str, password: str) -> None:
    """Let a staff member log in; the first administrator is made this way."""
    try:
        with runtime().units.open(OPERATOR) as uow:
            staffing.file_staff(
                uow, login=login, name=name, roles=roles, practitioner_code=practitioner, password=password
            )
    except VisitError as error:
        raise click.ClickException(error.code) from error
    click.echo(f"{login} can log in")


@staff_command.command("forget-phone")
@click.argument("login")
def staff_forget_phone_command(login: str) -> None:
    """Take the second step off a log-in, as when the only administrator has lost the phone."""
    with runtime().units.open(OPERATOR) as uow:
        staff = staffing.by_login(uow, login)
        if staff is None:
            raise click.ClickException(f"nobody logs in as {login}")
        second_step.take_away(uow, staff)
    click.echo(f"{login} logs in without a phone, and puts a new one on file where that is demanded")


@click.group("audit")
def audit_command() -> None:
    """The audit trail."""


@audit_command.command("verify")
def verify_command() -> None:
    """Check every sealed row; exit code 1 and the place when one does not fit."""
    with runtime().units.open(OPERATOR, reads_only=True) as uow:
        flaw = audit.verify(uow)
    click.echo(flaw or "every sealed row stands as it was sealed")
    sys.exit(1 if flaw else 0)


@click.group("keys")
def keys_command() -> None:
    """The keys of sealed personal data."""


@keys_command.command("rotate")
def rotate_command() -> None:
    """Write every sealed value with the first key of MENZHEN_DATA_KEYS."""
    click.echo(f"{rotate(runtime().units)} rows written with key {runtime().units.keys.writing_key_id}")
