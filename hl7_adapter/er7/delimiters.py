"""The five characters a sender parts its fields with, as its MSH-1 and MSH-2 declare them."""

import re
import string
from dataclasses import dataclass, replace
from functools import lru_cache

_ALLOWED = frozenset(string.punctuation)
_ESCAPE_AGAIN = re.compile(r"(?<=^..\\)\\+")


@dataclass(frozen=True, slots=True)
class Delimiters:
    """The delimiters of one message; an empty string is a level the sender did not declare and that never splits.

    `truncation` exists since HL7 v2.7 (section 2.5.5.2) and is usually empty.
    """

    field: str = "|"
    component: str = "^"
    repetition: str = "~"
    escape: str = "\\"
    subcomponent: str = "&"
    truncation: str = ""

    @property
    def encoding_characters(self) -> str:
        """The text of MSH-2."""
        return self.component + self.repetition + self.escape + self.subcomponent + self.truncation

    @lru_cache(maxsize=256)  # noqa: B019 - a value of a few characters; a hospital's senders use one or two
    def completed(self) -> "Delimiters":
        """These delimiters with every level the sender left out, the usual mark for it where that is still free.

        For answers, which may need a level that the sender's own message did without.
        """
        marks = {"component": "^", "repetition": "~", "escape": "\\", "subcomponent": "&"}
        used = {self.field, *self.encoding_characters}
        for level, usual in marks.items():
            marks[level] = getattr(self, level) or next(mark for mark in usual + string.punctuation if mark not in used)
            used.add(marks[level])
        return replace(self, **marks)


DEFAULT = Delimiters()


@lru_cache(maxsize=256)
def read_delimiters(field_separator: str, encoding_characters: str) -> Delimiters | None:
    r"""The delimiters that MSH-1 and MSH-2 declare, or None when they cannot be meant as delimiters.

    A delimiter is an ASCII punctuation mark; letters, digits, blanks and controls are refused, because a value could
    then not be told from structure. Two levels with one character are refused for the same reason. Only the escape
    character may be a backslash written twice, since `^~\\&` (copied out of program text) is common. A fifth character
    is the truncation character; anything after it is ignored.
    """
    marks = _ESCAPE_AGAIN.sub("", encoding_characters)
    levels = (field_separator, *marks[:4])
    if len(levels) < 2 or not _ALLOWED.issuperset(levels) or len(set(levels)) < len(levels):
        return None
    truncation = marks[4] if len(marks) > 4 and marks[4] in _ALLOWED.difference(levels) else ""
    component, repetition, escape, subcomponent = (*marks[:4], "", "", "")[:4]
    return Delimiters(field_separator, component, repetition, escape, subcomponent, truncation)
