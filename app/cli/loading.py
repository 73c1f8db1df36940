"""Reads a real hospital from a folder of CSV files, as a spreadsheet writes them: all of it, or nothing and why."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
from marshmallow import ValidationError

from app.cli.hospital_files import TABLES, Row, Table
from app.kernel.errors import VisitError
from app.kernel.uow import Actor, Uow
from app.runtime import runtime

OPERATOR = Actor("job", "operator")
MOST_SHOWN = 50
LONGEST_FILE = 64 * 1024 * 1024


@dataclass(frozen=True)
class Flaw:
    """What is wrong where: `line` counts from 1, the header's; `column` is '' when it is the whole row."""

    file: str
    line: int
    column: str
    words: str

    def __str__(self) -> str:
        """As an editor jumps to it."""
        return f"{self.file}:{self.line}: {self.column + ': ' if self.column else ''}{self.words}"


class HasFlaws(Exception):
    """The folder cannot be loaded as it is; nothing of it was kept."""

    def __init__(self, flaws: list[Flaw]) -> None:
        """Every flaw that was found."""
        super().__init__(f"{len(flaws)} flaws")
        self.flaws = flaws


def load(uow: Uow, folder: Path) -> dict[str, int]:
    """The hospital is as the folder's files say: {file: rows}; a file that is not there leaves its table alone.

    Loaded again, rows with a known code are changed and none is taken away. Raises HasFlaws, after which the caller
    drops the unit.
    """
    counts, flaws = {}, []
    for table in TABLES:
        path = folder / table.file
        if path.is_file():
            rows, wrong = _read(table, path)
            wrong += _file(uow, table, rows)
            counts[table.file] = len(rows)
            flaws += wrong
    if not counts:
        flaws.append(Flaw(str(folder), 1, "", f"none of {', '.join(table.file for table in TABLES)} is here"))
    if flaws:
        raise HasFlaws(flaws)
    return counts


def _file(uow: Uow, table: Table, rows: list[tuple[int, Row]]) -> list[Flaw]:
    flaws = []
    for line, row in rows:
        try:
            table.file_row(uow, row)
        except VisitError as error:
            flaws.append(Flaw(table.file, line, "", f"{error.code}: {' '.join((error.__doc__ or '').split())}"))
    return flaws


def _read(table: Table, path: Path) -> tuple[list[tuple[int, Row]], list[Flaw]]:
    try:
        reader = csv.DictReader(io.StringIO(_text_of(path), newline=""), strict=True)
        missing = [name for name in _must_have(table) if name not in (reader.fieldnames or ())]
        if missing:
            return [], [Flaw(table.file, 1, ", ".join(missing), "this column is missing")]
        return _checked(table, reader)
    except (UnicodeDecodeError, csv.Error) as error:
        return [], [Flaw(table.file, 1, "", f"this is no CSV file in UTF-8 or GB18030 ({error})")]


def _text_of(path: Path) -> str:
    """The file's text: a spreadsheet in China saves GB18030 unless it is told otherwise."""
    raw = path.read_bytes()[:LONGEST_FILE]
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("gb18030")


def _must_have(table: Table) -> list[str]:
    return [name for name, field in table.schema.fields.items() if field.required]


def _checked(table: Table, reader: csv.DictReader[str]) -> tuple[list[tuple[int, Row]], list[Flaw]]:
    rows: list[tuple[int, Row]] = []
    flaws: list[Flaw] = []
    for told in reader:
        cells = {name or "": (value or "").strip() if isinstance(value, str) else value for name, value in told.items()}
        if not any(cells.values()):
            continue
        try:
            known = {name: value for name, value in cells.items() if value not in ("", None)}
            rows.append((reader.line_num, table.schema.load(known)))
        except ValidationError as error:
            flaws += _flaws_of(table, reader.line_num, error)
    return rows, flaws


def _flaws_of(table: Table, line: int, error: ValidationError) -> Iterator[Flaw]:
    for column, words in error.messages_dict.items():
        yield Flaw(table.file, line, str(column), "; ".join(str(word) for word in words))


@click.group("hospital")
def hospital_command() -> None:
    """The hospital's own departments, doctors, drugs, insurance figures, windows and posters."""


@hospital_command.command("files")
@click.option("--write", "folder", type=click.Path(file_okay=False, path_type=Path), help="empty files, to fill in")
def files_command(folder: Path | None) -> None:
    """Name the files and their columns; a column in brackets may be left out."""
    for table in TABLES:
        must = _must_have(table)
        click.echo(f"{table.file}: {', '.join(name if name in must else f'[{name}]' for name in table.columns)}")
        if folder is not None and not (folder / table.file).exists():
            folder.mkdir(parents=True, exist_ok=True)
            (folder / table.file).write_text(",".join(table.columns) + "\n", encoding="utf-8-sig")


@hospital_command.command("load")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--try", "is_trial", is_flag=True, help="say what is wrong and keep nothing")
def load_command(folder: Path, is_trial: bool) -> None:
    """Load the folder's files; with a flaw anywhere nothing is kept and each is named by file and line."""
    units = runtime().units
    uow = units.begin(OPERATOR)
    try:
        counts = load(uow, folder)
    except HasFlaws as error:
        units.drop(uow)
        for flaw in error.flaws[:MOST_SHOWN]:
            click.echo(str(flaw), err=True)
        raise click.ClickException(f"{len(error.flaws)} flaws; nothing was kept") from error
    if is_trial:
        units.drop(uow)
    else:
        units.finish(uow)
    for file, rows in counts.items():
        click.echo(f"{file}: {rows} rows")
    click.echo("nothing was kept: this was a trial" if is_trial else "the hospital is as the files say")
