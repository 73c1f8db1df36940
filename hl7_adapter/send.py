"""Sends one message file and says in words what was answered: `python -m hl7_adapter.send FILE --host --port`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from hl7_adapter.er7 import parse
from hl7_adapter.mllp import NoAnswer, send_once

_WORDS = {
    "AA": "accepted",
    "CA": "stored, the answer follows",
    "AE": "refused: something in it is wrong",
    "CE": "refused: it could not be stored",
    "AR": "rejected: it cannot be taken at all",
    "CR": "rejected: it cannot be taken at all",
}
# Control characters, those of eight bits among them; only a line end is our own.
_COMMANDS = {code: "?" for code in (*range(0x20), *range(0x7F, 0xA0)) if code != 0x0A}


def main(arguments: list[str] | None = None) -> int:
    """The exit code: 0 accepted, 1 refused, 2 no answer or nobody there."""
    parser = argparse.ArgumentParser(prog="python -m hl7_adapter.send", description=__doc__)
    parser.add_argument("file", type=Path, help="one HL7 v2 message; line ends of any kind")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=2575)
    parser.add_argument("--timeout", type=float, default=30, metavar="SECONDS")
    given = parser.parse_args(arguments)
    try:
        raw = given.file.read_bytes().replace(b"\r\n", b"\r").replace(b"\n", b"\r")
        answer = send_once(given.host, given.port, raw, given.timeout)
    except NoAnswer as silence:
        return _say(2, f"no answer: {silence}; send it again with the same control id")
    except (OSError, ValueError) as failure:
        return _say(2, f"not sent: {failure}")
    return _told(answer)


def _told(answer: bytes) -> int:
    message = parse(answer)
    code = message.get("MSA-1")
    lines = [f"{code}: {_WORDS.get(code, 'not an answer of the standard')} (message {message.get('MSA-2')})"]
    for error in message.segments("ERR"):
        place = error.written(2).replace("^", " ")
        words = error.get("8") or error.get("3.2") or error.get("1")
        lines.append(f"  {error.get('3.1')} at {place or 'no place'}: {words}")
    if message.get("SCH-2.1"):
        lines.append(f"  appointment {message.get('SCH-2.1')}")
    return _say(0 if code in ("AA", "CA") else 1, "\n".join(lines))


def _say(code: int, words: str) -> int:
    sys.stdout.write(legible(words) + "\n")
    return code


def legible(words: str) -> str:
    """The words, with a question mark for whatever in them could be a stranger's command to the terminal."""
    return words.translate(_COMMANDS)


if __name__ == "__main__":
    sys.exit(main())
