"""A call is a row of clips, the recorded ones first, the others made once; it says number and room, nothing more."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from flask import Flask

from app.paper import voice

# Stands for the program on machines without it: it writes down what it was asked.
PROGRAM = """#!/bin/sh
while [ $# -gt 1 ]; do case "$1" in -w) file="$2";; -v) voice="$2";; esac; shift; done
printf '%s:%s' "$voice" "$1" > "$file"
"""


@pytest.mark.parametrize(
    ("number", "room", "clips"),
    [
        ("A012", "305", "qing A 0 1 2 hao dao 3 0 5 zhenshi"),
        ("B120", "3-05", "qing B 1 2 0 hao dao 3 0 5 zhenshi"),
        ("A001", "东区b", "qing A 0 0 1 hao dao B zhenshi"),
        ("A001", "", "qing A 0 0 1 hao"),
        ("A００1", "٣", "qing A 1 hao"),
    ],
)
def test_number_and_room_are_spelled(number: str, room: str, clips: str) -> None:
    said = voice.clips_of_call(number, room)

    assert " ".join(said) == clips
    assert set(said) <= set(voice.SAID)


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "espeak-ng").write_text(PROGRAM)
    (folder / "espeak-ng").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def test_what_was_recorded_stays_and_the_rest_is_made_once(program: None, tmp_path: Path) -> None:
    folder = tmp_path / "voice"
    folder.mkdir()
    (folder / "A.mp3").write_bytes(b"recorded")

    made = [voice.render_missing(str(folder)) for _ in range(2)]

    assert made == [len(voice.SAID) - 1, 0]
    assert voice.missing(str(folder)) == []
    assert voice.find(str(folder), "A") == folder / "A.mp3"
    assert (folder / "0.wav").read_text() == "cmn-latn-pinyin:零"
    (folder / "0.ogg").write_bytes(b"recorded later")
    assert voice.find(str(folder), "0") == folder / "0.ogg"


@pytest.mark.parametrize("clip", ["", "..", "../voice/A", "a", "张秀英", "A.mp3"])
def test_nothing_but_a_clip_is_found(tmp_path: Path, clip: str) -> None:
    (tmp_path / "A.mp3").write_bytes(b"recorded")
    (tmp_path / "a.mp3").write_bytes(b"no clip")

    assert voice.find(str(tmp_path), clip) is None
    assert voice.find("", "A") is None


def test_without_the_program_the_command_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from app.cli.voicing import voice_command

    app = Flask("command")
    app.cli.add_command(voice_command)
    monkeypatch.setenv("PATH", str(tmp_path))

    told = app.test_cli_runner().invoke(args=["voice", "render", str(tmp_path / "voice")])

    assert told.exit_code == 1
    assert "apt-get install espeak-ng" in told.output
