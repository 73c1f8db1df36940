"""The clips of the waiting room's voice, made once."""

from __future__ import annotations

import shutil

import click

from app.paper import voice


@click.group("voice")
def voice_command() -> None:
    """The clips by which boards call patients."""


@voice_command.command("render")
@click.argument("folder", type=click.Path(file_okay=False))
def render(folder: str) -> None:
    """Make what FOLDER lacks by espeak-ng; recorded clips stay as they are."""
    if voice.missing(folder) and shutil.which("espeak-ng") is None:
        raise click.ClickException("espeak-ng is not installed: sudo apt-get install espeak-ng, or record the clips")
    click.echo(f"{voice.render_missing(folder)} clips made in {folder}")
