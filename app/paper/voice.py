"""Calls by voice: a few dozen short clips, recorded by a person or made once by espeak-ng; a call is a row of them.

Only numbers and rooms are said, never a name.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

_DIGITS = "零一二三四五六七八九"
# clip: what is said. 请 A 零 一 二 号 到 三 零 五 诊室
SAID = {
    "qing": "请",
    "hao": "号",
    "dao": "到",
    "zhenshi": "诊室",
    **{str(digit): word for digit, word in enumerate(_DIGITS)},
    **{letter: letter for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"},
}
KINDS = {".mp3": "audio/mpeg", ".ogg": "audio/ogg", ".wav": "audio/wav"}  # in this order a clip is looked for
_SPELLED = re.compile("[A-Z0-9]", re.ASCII)
# 1.51's own Mandarin voice reads some characters as English; this one does not (espeak-ng/espeak-ng issue 1370).
_VOICE, _WORDS_PER_MINUTE = "cmn-latn-pinyin", "140"


def clips_of_call(number: str, room: str) -> list[str]:
    """The clips that call A012 to room 3-05, in their order; what has no clip is left out."""
    return ["qing", *_spelled(number), "hao", *(["dao", *_spelled(room), "zhenshi"] if _spelled(room) else [])]


def _spelled(text: str) -> list[str]:
    return _SPELLED.findall(text.upper())


def find(folder: str, clip: str) -> Path | None:
    """The clip's file in the folder; None for an unknown clip, one that is not there, or no folder."""
    if not folder or clip not in SAID:
        return None
    files = (Path(folder) / f"{clip}{suffix}" for suffix in KINDS)
    return next((file for file in files if file.is_file()), None)


def missing(folder: str) -> list[str]:
    """The clips that the folder lacks."""
    return [clip for clip in SAID if find(folder, clip) is None]


def render_missing(folder: str) -> int:
    """What the folder lacks is made by espeak-ng; a recorded clip is never touched. How many were made."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    lacking = missing(folder)
    for clip in lacking:
        file = Path(folder) / f"{clip}.wav"
        command = ["espeak-ng", "-v", _VOICE, "-s", _WORDS_PER_MINUTE, "-w", str(file), SAID[clip]]
        subprocess.run(command, check=True, capture_output=True, timeout=20)
    return len(lacking)
