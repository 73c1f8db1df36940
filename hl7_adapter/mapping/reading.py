"""Reads values out of a message: dates, amounts, numbers and words; what cannot be read is refused with its place."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, date, datetime, timedelta, timezone
from itertools import takewhile
from zoneinfo import ZoneInfo

from app.kernel.money import parse_yuan
from app.kernel.uow import Uow
from hl7_adapter.er7 import NULL, Group, Message, Repetition
from hl7_adapter.mapping.coded import codes_of
from hl7_adapter.mapping.refusals import at, refuse

_TIME = re.compile(
    r"(\d{4})-?(\d{2})-?(\d{2})(?:[ T]?(\d{2})(?::?(\d{2})(?::?(\d{2})(?:\.\d+)?)?)?)?"
    r"(?:Z|([+-])(\d{2})(?::?(\d{2}))?)?",
    re.ASCII,
)
_PART_OF_A_DATE = re.compile(r"\d{4}(?:-?\d{2})?", re.ASCII)
_WHOLE = re.compile(r"(\d{1,9})(?:\.0+)?", re.ASCII)
VISIT_NUMBER_AT_MOST = 20
CLOCKS_DIFFER = timedelta(days=1)
MOST_REPETITIONS = 1000
_CONTROL = "a control character in it; perhaps MSH-18 names another character set than the message is in"
_CURRENCIES = frozenset({"", "CNY", "RMB"})


class Reader:
    """Reads a message, or a part of it; knows where the part's segments stand in the whole message."""

    def __init__(self, group: Group) -> None:
        """Reads `group`; `occurrences` says for each segment name which of that name the group's first one is."""
        self.group = group
        self.codes = codes_of(group)
        self.occurrences: dict[str, int] = {}

    def place(self, path: str) -> str:
        """Where `path` of this part stands in the whole message."""
        segment, _, field = path.partition("-")
        return at(segment, self.occurrences.get(segment, 1), field)

    def text(self, path: str, at_most: int = 200) -> str:
        """One line of text, '' when absent or deleted; refuses `text_not_valid` (102)."""
        return self.checked(path, self.group.get(path), at_most)

    def checked(self, path: str, written: str, at_most: int = 200) -> str:
        """What `text` makes of `written`, which stands at `path`."""
        text = written.replace("\r", " ").replace("\n", " ").strip()
        if text == NULL:
            return ""
        if any(unicodedata.category(char) in ("Cc", "Cs") for char in text):
            raise refuse("text_not_valid", 102, self.place(path), _CONTROL)
        if len(text) > at_most:
            words = f"{len(text)} characters where {at_most} is the most"
            raise refuse("text_not_valid", 102, self.place(path), words)
        return text

    def repetitions(self, field: str) -> list[tuple[int, Repetition]]:
        """The repetitions of a field of the group's first such segment that hold anything, with their numbers.

        Refuses `too_many_repetitions` (102) beyond a thousand: no field of a visit has that many.
        """
        name, _, number = field.partition("-")
        first = next(iter(self.group.segments(name)), None)
        found = first.numbered_reps(int(number)) if first else []
        if len(found) > MOST_REPETITIONS:
            raise refuse("too_many_repetitions", 102, self.place(field), f"more than {MOST_REPETITIONS} repetitions")
        return found

    def parts(self, starts: str) -> list[Reader]:
        """One reader for each group in this part that begins with a segment named `starts`."""
        seen = {name: occurrence - 1 for name, occurrence in self.occurrences.items()}
        made: list[Reader] = []
        groups = iter(self.group.groups(starts))
        for segment in self.group:
            if segment.name == starts:
                made.append(Reader(next(groups)))
            seen[segment.name] = seen.get(segment.name, 0) + 1
            if made:
                made[-1].codes = self.codes
                made[-1].occurrences.setdefault(segment.name, seen[segment.name])
        return made

    def before(self, name: str) -> Reader:
        """This part up to its first segment called `name`."""
        kept = Reader(Group(list(takewhile(lambda segment: segment.name != name, self.group))))
        kept.occurrences, kept.codes = self.occurrences, self.codes
        return kept

    def coded(self, table: str, *paths: str) -> str:
        """Our meaning of the code at the first of `paths` that holds any; '' for none, or one that no table has."""
        return self.codes.ours(table, self.first_text(*paths)) or ""

    def first_text(self, *paths: str, at_most: int = 200) -> str:
        """The text at the first of `paths` that holds any, '' when none does."""
        return next((text for path in paths if (text := self.text(path, at_most))), "")

    def visit_number(self) -> str | None:
        """PV1-19 as far as it can be a number of ours; a longer one is the sender's own, and names no visit here."""
        number = self.text("PV1-19.1")
        return number if 0 < len(number) <= VISIT_NUMBER_AT_MOST else None

    def needed(self, *paths: str, at_most: int = 200) -> str:
        """The text at the first of `paths` that holds any; refuses `field_missing` (101) at the first path."""
        text = self.first_text(*paths, at_most=at_most)
        if not text:
            raise refuse("field_missing", 101, self.place(paths[0]), "this field is required")
        return text

    def whole(self, *paths: str) -> int:
        """The whole number at the first of `paths` that holds any; refuses `field_missing`, `number_not_valid`."""
        found = _WHOLE.fullmatch(self.needed(*paths))
        if found is None:
            path = next(path for path in paths if self.text(path))
            raise refuse("number_not_valid", 102, self.place(path), "not a whole number")
        return int(found[1])

    def fen(self, field: str) -> int | None:
        """The amount of a composite price (CP) or plain number such as `FT1-11`, in fen; None when absent.

        Refuses `amount_not_valid` (102) for more than two decimals, `currency_not_valid` (103) for other money.
        """
        amount = self.text(f"{field}.1.1")
        if not amount:
            return None
        if self.text(f"{field}.1.2").upper() not in _CURRENCIES:
            raise refuse("currency_not_valid", 103, self.place(field), "amounts are in CNY")
        try:
            return parse_yuan(amount)
        except ValueError as wrong:
            words = "not an amount of yuan with at most two decimals"
            raise refuse("amount_not_valid", 102, self.place(field), words) from wrong

    def instant(self, path: str, zone: ZoneInfo) -> datetime | None:
        """The moment in UTC, without an offset in the hospital's time; None when absent; refuses `time_not_valid`."""
        text = self._time(path)
        return _read_instant(text, zone, self.place(path)) if text else None

    def _time(self, path: str) -> str:
        """A time as it is written, without what some senders put behind it (TS.2: `19800101^D`)."""
        return self.text(path if "." in path else f"{path}.1")

    def past_instant(self, uow: Uow, *paths: str) -> datetime:
        """The moment at the first of `paths` that holds one, else now.

        Refuses `time_not_valid`, and `time_in_future` (102) when it is more than a day ahead of our clock.
        """
        for path in paths:
            told = self.instant(path, uow.zone)
            if told is not None and told > uow.now() + CLOCKS_DIFFER:
                raise refuse("time_in_future", 102, self.place(path), "this cannot have happened yet")
            if told is not None:
                return told
        return uow.now()

    def day(self, path: str) -> date | None:
        """The calendar day; None when absent or when only year or month are known; refuses `time_not_valid`."""
        return self.day_written(path, self._time(path))

    def day_written(self, path: str, text: str) -> date | None:
        """The day that `text` at `path` means; as `day`."""
        if not text or _PART_OF_A_DATE.fullmatch(text):
            return None
        return _moment(text, ZoneInfo("UTC"), self.place(path)).date()

    def birth_day(self, path: str, today: date) -> date | None:
        """The day of a birth that has been; refuses `time_not_valid`, also for a day that is still to come."""
        day = self.day(path)
        if day is not None and day > today:
            raise refuse("time_not_valid", 102, self.place(path), "a day that is still to come")
        return day


def _read_instant(text: str, zone: ZoneInfo, place: str) -> datetime:
    return _moment(text, zone, place).astimezone(UTC)


def _moment(text: str, zone: ZoneInfo, place: str) -> datetime:
    """The moment as it is written (HL7 TS: `20261123093000.123+0800`; ISO 8601 is taken too)."""
    found = _TIME.fullmatch(text)
    words = "not a point in time; written YYYYMMDD, YYYYMMDDHHMM or YYYYMMDDHHMMSS, with or without +0800"
    if found is None or not 1850 <= int(found[1]) <= 2200:
        raise refuse("time_not_valid", 102, place, words)
    try:
        moment = datetime(*(int(part or 0) for part in found.groups()[:6]), tzinfo=zone)  # type: ignore[misc,arg-type]
        if text.endswith("Z"):
            moment = moment.replace(tzinfo=UTC)
        elif found[7]:
            offset = timedelta(hours=int(found[8]), minutes=int(found[9] or 0)) * (-1 if found[7] == "-" else 1)
            moment = moment.replace(tzinfo=timezone(offset))
    except ValueError as wrong:
        raise refuse("time_not_valid", 102, place, words) from wrong
    return moment


def readers(message: Message, starts: str) -> list[Reader]:
    """One reader for each group that begins with a segment named `starts`, with its places in the whole message."""
    return Reader(message).parts(starts)
