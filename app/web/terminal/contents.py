"""A bag's drugs as the pharmacist reads them, with what was given back and must not be in it."""

from __future__ import annotations

from collections.abc import Sequence

from flask_babel import gettext

from app.pharmacy.contents import Content
from app.web import show_work


def rows(contents: Sequence[Content]) -> list[list[str]]:
    """Name, strength, how to take it, and how many pieces are in the bag."""
    return [[*show_work.drug_row(each.line)[:3], _pieces(each)] for each in contents]


def _pieces(each: Content) -> str:
    left = f"{each.quantity} {each.line.unit}"
    return left if not each.refunded else gettext("%(left)s（已退 %(back)s，不发）", left=left, back=each.refunded)


def warning(contents: Sequence[Content]) -> str:
    """How many pieces are to be taken out; '' when none."""
    back = sum(each.refunded for each in contents)
    return gettext("已退费 %(count)s 件，请从药袋中取出，不要发给患者。", count=back) if back else ""
