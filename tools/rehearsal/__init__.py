"""Rehearsing with the simulated hospital system: `flask hl7 simulate` plays a day and compares the two ledgers.

`house` plays patients, doctors and pharmacists by the application's services, `till` stands for the payment provider,
`command` joins them with the simulator in `sandbox/his`. Nothing of it is loaded before the command is typed.
"""

from __future__ import annotations

import importlib
from pathlib import Path

import click
from flask import Flask
from flask.cli import with_appcontext

DEMO = Path("demo-data")


def register(application: Flask) -> None:
    """`flask hl7 simulate` is known."""
    group = application.cli.commands["hl7"]
    assert isinstance(group, click.Group)
    group.add_command(simulate_command)


@click.command("simulate")
@click.option("--script", default="hostile", show_default=True, help="quiet, hostile, or a file of your own")
@click.option("--visits", type=click.IntRange(1, 9999), help="how many; else the script says it")
@click.option("--faults", type=click.FloatRange(0, 50), help="of 100 tries to send or receive so many meet a mishap")
@click.option("--seed", help="another seed, other mishaps")
@click.option("--app", default="", metavar="HOST:PORT", help="where the adapter listens; else as the settings say")
@click.option(
    "--demo", default=DEMO, show_default=True, type=click.Path(path_type=Path), help="the running demo's folder"
)
@click.option("--listen", default=0, help="be the hospital system on this port; 0: the running sandbox is")
@click.option("--house/--no-house", default=True, help="play patients, doctors and pharmacists too")
@click.pass_context
@with_appcontext
def simulate_command(context: click.Context, /, **_given: object) -> None:
    """Play a hospital's day against this installation and compare both ledgers; exit code 0 without a difference."""
    importlib.import_module("tools.rehearsal.command").simulate(**context.params)
