"""The message files of these tests, by name."""

import tomllib
from pathlib import Path

_FOLDER = Path(__file__).parent / "messages"
_VISIT = Path(__file__).parent / "visit"
OF_THE_VISIT = sorted(path.stem for path in _VISIT.glob("*.hl7"))
ALL = sorted(path.name for path in _FOLDER.glob("*.hl7"))


def message(name: str) -> bytes:
    """The bytes of a message file."""
    return (_FOLDER / f"{name}.hl7").read_bytes()


def numbered(number: int) -> bytes:
    """A small message whose control id is a number."""
    return f"MSH|^~\\&|A|B|C|D|20260302||ADT^A04|N{number}|P|2.5.1\r".encode()


def visit(name: str) -> bytes:
    """A message of the visit, kept with LF for eyes and sent with CR."""
    return (_VISIT / f"{name}.hl7").read_bytes().replace(b"\n", b"\r")


def expected(name: str) -> dict[str, object]:
    """What stands beside the message: `answer` MSA-1, `state` of its row, and `code`, `error`, `place` of a refusal."""
    return tomllib.loads((_VISIT / f"{name}.toml").read_text())
