"""The decision table of acknowledgement: which fault gets which code, and who wants which answer."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

Mode = Literal["auto", "original", "enhanced"]
"""How a peer is answered: `original` once, by what became of the message (IHE, and usual in China whatever MSH-15
says); `enhanced` first for having stored it (CA), later for what became of it; `auto` as MSH-15 and MSH-16 ask."""


@dataclass(frozen=True, slots=True)
class ErrorAt:
    """One fault: `code` of HL7 table 0357, `location` as a path like `PID-3[2].1` ('' for nowhere), words for people.

    `text` must name no person: it is sent, stored and logged.
    """

    code: int
    location: str
    text: str


class Refusal(NamedTuple):
    """What a code of HL7 table 0357 leads to: `answer` is the MSA-1 it calls for, `words` its name in the table."""

    answer: Literal["AA", "AE", "AR"]
    words: str


# HL7 v2.5.1 section 2.9.2 and table 0357. AR: the message as such cannot be taken, and no part of it was looked at.
# AE: it was understood and something in it is wrong. A fault in MSH is always AR, whatever its code (`answer_code`).
REFUSALS: dict[int, Refusal] = {
    0: Refusal("AA", "Message accepted"),
    100: Refusal("AR", "Segment sequence error"),
    101: Refusal("AE", "Required field missing"),
    102: Refusal("AE", "Data type error"),
    103: Refusal("AE", "Table value not found"),
    200: Refusal("AR", "Unsupported message type"),
    201: Refusal("AR", "Unsupported event code"),
    202: Refusal("AR", "Unsupported processing id"),
    203: Refusal("AR", "Unsupported version id"),
    204: Refusal("AE", "Unknown key identifier"),
    205: Refusal("AE", "Duplicate key identifier"),
    206: Refusal("AE", "Application record locked"),
    207: Refusal("AE", "Application internal error"),
}


class Condition(NamedTuple):
    """When an answer is wanted, by whether the message was accepted."""

    if_accepted: bool
    if_refused: bool


# HL7 table 0155, for MSH-15 (having stored it) and MSH-16 (what became of it).
CONDITIONS: dict[str, Condition] = {
    "AL": Condition(if_accepted=True, if_refused=True),
    "NE": Condition(if_accepted=False, if_refused=False),
    "ER": Condition(if_accepted=False, if_refused=True),
    "SU": Condition(if_accepted=True, if_refused=False),
}


class Wanted(NamedTuple):
    """Which answers a message gets: `accept` is CA, CR or CE at once, `application` AA, AE or AR."""

    accept: bool
    application: bool


def wanted_answers(accept_condition: str, application_condition: str, *, accepted: bool, mode: Mode) -> Wanted:
    """Which answers a message with these MSH-15 and MSH-16 gets from a peer's mode.

    In enhanced mode an empty or unknown condition means NE, as HL7 v2.5.1 section 2.9.3 has it; when both are empty
    `auto` is original mode (section 2.9.2).
    """
    if mode == "original" or (mode == "auto" and not accept_condition and not application_condition):
        return Wanted(accept=False, application=True)
    accept, application = (CONDITIONS.get(c, CONDITIONS["NE"]) for c in (accept_condition, application_condition))
    if mode == "enhanced" and not accept_condition:
        accept = CONDITIONS["AL"]
    column = 0 if accepted else 1
    return Wanted(accept=accept[column], application=application[column])
