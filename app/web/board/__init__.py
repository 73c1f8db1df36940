"""The waiting room's screens: numbers, masked names and rooms, for everybody's eyes, changing nothing."""

from __future__ import annotations

from app.web import edge, work

blueprint = work.surface("board", prefix="/board", guard=edge.open_to_all)

from app.web.board import lobby as lobby  # noqa: E402 - the pages hang on the blueprint above
from app.web.board import pages as pages  # noqa: E402
from app.web.board import voice as voice  # noqa: E402
