"""The message files of these tests, by name."""

from pathlib import Path

_FOLDER = Path(__file__).parent / "messages"
ALL = sorted(path.name for path in _FOLDER.glob("*.hl7"))


def message(name: str) -> bytes:
    """The bytes of a message file."""
    return (_FOLDER / f"{name}.hl7").read_bytes()


def numbered(number: int) -> bytes:
    """A small message whose control id is a number."""
    return f"MSH|^~\\&|A|B|C|D|20260302||ADT^A04|N{number}|P|2.5.1\r".encode()
