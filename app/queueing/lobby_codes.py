"""The code on a lobby's screen: it changes every half minute and names nobody, only the lobby and when it was shown.

Pure. A code reads `<window>-<sign>`: the half minute it belongs to, and 16 hex digits that only we can make of it.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable
from datetime import datetime

from app.queueing.errors import LobbyCodeExpired, LobbyCodeForged

SHOWN_SECONDS = 30
WINDOWS = 2  # the present half minute's code is taken, and the one before: whoever scanned it has to tap yet
_SIGN_DIGITS = 16
_CODE = re.compile(rf"([0-9a-f]{{1,12}})-([0-9a-f]{{{_SIGN_DIGITS}}})", re.ASCII)
Sign = Callable[[str], str]  # hex digits that nobody else can make of the text


def window_of(now: datetime) -> int:
    """The number of the half minute that `now` is in."""
    return int(now.timestamp()) // SHOWN_SECONDS


def code_of(lobby: str, window: int, sign: Sign) -> str:
    """What the lobby's screen shows in that half minute."""
    return f"{window:x}-{_signed(lobby, window, sign)}"


def _signed(lobby: str, window: int, sign: Sign) -> str:
    return sign(f"{lobby}:{window}")[:_SIGN_DIGITS]


def accept(code: str, lobby: str, now: datetime, sign: Sign) -> None:
    """Quiet for a code that the lobby's screen shows or has just shown.

    Refuses `lobby_code_forged` for one that no screen of this lobby ever showed, `lobby_code_expired` for an old one.
    """
    read = _CODE.fullmatch(code)
    if read is None:
        raise LobbyCodeForged
    window = int(read[1], 16)
    if not hmac.compare_digest(_signed(lobby, window, sign), read[2]):
        raise LobbyCodeForged
    if not 0 <= window_of(now) - window < WINDOWS:
        raise LobbyCodeExpired
