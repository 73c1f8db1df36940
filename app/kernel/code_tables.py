"""What the codes of the hospital's other systems mean here: one table for all of them, and each system's own words.

A table stands in the program until somebody changes it; from then on it is what was last saved, every version kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, ClassVar

from sqlalchemy import String, UniqueConstraint, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel import audit
from app.kernel.db import Row
from app.kernel.errors import BadInput, NotFound, Refused
from app.kernel.hot import Hot
from app.kernel.uow import Uow
from app.kernel.usual_codes import USUAL, CodeTable

CODES_AT_MOST = 500
CODE_CHARS = 80
_LEFT_OUT = str.maketrans("", "", " \t-_")
_READ = "hl7_code_tables"  # where a session keeps what it has read of them


class BadCodes(BadInput):
    """A line is no `code = meaning` with a meaning that the table knows (facts: lines)."""

    code: ClassVar[str] = "bad_codes"


class CodesChanged(Refused):
    """Somebody else has changed the table meanwhile; look at it again."""

    code: ClassVar[str] = "codes_changed"


class Hl7CodeTable(Row):
    """A table that was changed, as it is now: `codes` is {their code: ours}."""

    __tablename__ = "hl7_code_table"

    name: Mapped[str] = mapped_column(String(40), unique=True)
    codes: Mapped[dict[str, Any]]
    version: Mapped[int]


class Hl7CodeTableVersion(Row):
    """One change of a table: appended, never edited."""

    __tablename__ = "hl7_code_table_version"
    __table_args__ = (UniqueConstraint("name", "version"),)

    name: Mapped[str] = mapped_column(String(40))
    version: Mapped[int]
    changed_at: Mapped[datetime]
    by_kind: Mapped[str] = mapped_column(String(16))
    by_ref: Mapped[str] = mapped_column(String(64))
    before: Mapped[dict[str, Any]]
    after: Mapped[dict[str, Any]]


@dataclass(frozen=True)
class Shown:
    """A table as it is in force; version 0 is the program's own."""

    name: str
    table: CodeTable
    codes: Mapping[str, str]
    version: int


@dataclass(frozen=True)
class Edit:
    """One change of a table: codes added or altered with their meaning, and codes taken out ('' for a meaning)."""

    version: int
    changed_at: datetime
    by_ref: str
    codes: dict[str, tuple[str, str]]


def normal(code: str) -> str:
    """A code as it is compared: in capitals, without blanks, dashes and underscores (`Checked-in` is CHECKEDIN)."""
    return code.translate(_LEFT_OUT).upper()


def read_lines(name: str, lines: Iterable[str]) -> dict[str, str]:
    """`code = meaning` line by line; empty lines say nothing. Refuses `bad_codes` with the numbers of the lines."""
    found: dict[str, str] = {}
    wrong = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        code, mark, ours = (part.strip() for part in line.rpartition("="))
        if not mark or not is_pair(name, code, ours) or normal(code) in found:
            wrong.append(number)
        found[normal(code)] = ours
    if wrong or len(found) > CODES_AT_MOST:
        raise BadCodes(lines=wrong)
    return found


def is_pair(name: str, code: str, ours: str) -> bool:
    """True when the table may say that `code` means `ours`."""
    known = USUAL[name].ours
    is_text = all(text.isprintable() and 0 < len(text) <= CODE_CHARS for text in (code, ours))
    return is_text and bool(normal(code)) and (not known or ours in known)


def tables(uow: Uow) -> list[Shown]:
    """Every table as it is in force."""
    changed = {row.name: row for row in uow.session.scalars(select(Hl7CodeTable))}
    return [_shown(name, changed.get(name)) for name, usual in USUAL.items() if usual.is_for_all]


def table(uow: Uow, name: str) -> Shown:
    """One table as it is in force; NotFound."""
    if name not in USUAL or not USUAL[name].is_for_all:
        raise NotFound
    return _shown(name, _row(uow, name))


def _shown(name: str, row: Hl7CodeTable | None) -> Shown:
    usual = USUAL[name]
    return Shown(name, usual, row.codes if row else usual.codes, row.version if row else 0)


def _row(uow: Uow, name: str) -> Hl7CodeTable | None:
    return uow.session.scalars(select(Hl7CodeTable).where(Hl7CodeTable.name == name)).first()


def save(uow: Uow, name: str, lines: Sequence[str], *, version: int) -> Shown:
    """The table says what the lines say, one version on; unchanged, it stays the version it is.

    Refuses `bad_codes`, `codes_changed` when `version` is not the one in force; NotFound.
    """
    shown = table(uow, name)
    after, before = read_lines(name, lines), dict(shown.codes)
    if after == before:
        return shown
    if shown.version != version:
        raise CodesChanged
    uow.session.info.pop(_READ, None)
    try:
        with uow.session.begin_nested():
            _write(uow, name, after, version)
    except IntegrityError:
        raise CodesChanged from None
    uow.session.add(
        Hl7CodeTableVersion(
            name=name,
            version=version + 1,
            changed_at=uow.now(),
            by_kind=uow.actor.kind,
            by_ref=uow.actor.ref,
            before=before,
            after=after,
        )
    )
    audit.record(uow, "hl7.codes_changed", "hl7_code_table", name, version=version + 1)
    return Shown(name, shown.table, after, version + 1)


def _write(uow: Uow, name: str, codes: dict[str, str], version: int) -> None:
    if version == 0:
        uow.session.add(Hl7CodeTable(name=name, codes=codes, version=1))
        return
    change = update(Hl7CodeTable).where(Hl7CodeTable.name == name, Hl7CodeTable.version == version)
    done = uow.session.scalar(
        change.values(codes=codes, version=version + 1).returning(Hl7CodeTable.id),
        execution_options={"synchronize_session": False},
    )
    if done is None:
        raise CodesChanged


def edits_of(uow: Uow, name: str) -> list[Edit]:
    """How the table became what it is, newest first."""
    kept = select(Hl7CodeTableVersion).where(Hl7CodeTableVersion.name == name)
    return [_edit(row) for row in uow.session.scalars(kept.order_by(Hl7CodeTableVersion.version.desc()))]


def _edit(row: Hl7CodeTableVersion) -> Edit:
    names = [code for code in {**row.before, **row.after} if row.before.get(code) != row.after.get(code)]
    codes = {code: (row.before.get(code, ""), row.after.get(code, "")) for code in names}
    return Edit(row.version, row.changed_at, row.by_ref, codes)


class Codes:
    """What one system's codes mean: its own table first, then the hospital's, then the program's."""

    def __init__(self, uow: Uow | None = None, lines: Iterable[str] = ()) -> None:
        """`lines` are the system's own, `table: code = meaning`; the hospital's tables are read when first asked."""
        self._uow = uow
        self._own = own_codes(tuple(lines))
        self._hospitals: Mapping[str, Mapping[str, str]] | None = None

    def ours(self, name: str, told: str) -> str | None:
        """Our meaning of a code, None for one that no table has; '' has none."""
        code = normal(told)
        own = self._own.get(name, {}).get(code)
        return own if own is not None else self._in_force(name).get(code)

    def _in_force(self, name: str) -> Mapping[str, str]:
        if self._hospitals is None:
            self._hospitals = _hospitals(self._uow) if self._uow else {}
        return self._hospitals.get(name, USUAL[name].codes)


def _hospitals(uow: Uow) -> Mapping[str, Mapping[str, str]]:
    """The hospital's own tables, read once in a transaction however many messages share it."""
    read: Mapping[str, Mapping[str, str]] | None = uow.session.info.get(_READ)
    if read is None:
        read = uow.session.info[_READ] = dict(_CODES.rows(uow, {}))  # type: ignore[arg-type]
    return read


_CODES = Hot(select(Hl7CodeTable.name, Hl7CodeTable.codes))


@lru_cache(maxsize=256)
def own_codes(lines: tuple[str, ...]) -> Mapping[str, Mapping[str, str]]:
    """A system's own lines as {table: {code: meaning}}; what is no such line says nothing."""
    found: dict[str, dict[str, str]] = {}
    for line in lines:
        parts = own_code(line)
        if parts:
            name, code, ours = parts
            found.setdefault(name, {})[normal(code)] = ours
    return found


def own_code(line: str) -> tuple[str, str, str] | None:
    """`sex: 男性 = male` as its three parts; None when it is not that, or the table has no such meaning."""
    name, mark, rest = (part.strip() for part in line.partition(":"))
    code, sign, ours = (part.strip() for part in rest.rpartition("="))
    return (name, code, ours) if mark and sign and name in USUAL and is_pair(name, code, ours) else None
