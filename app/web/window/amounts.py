"""What a cashier types: amounts and a card's slip, and what is wrong with it, said at its field."""

from __future__ import annotations

import unicodedata

from flask_babel import gettext
from flask_babel import lazy_gettext as _l

from app.kernel.errors import BadInput, VisitError
from app.kernel.money import parse_yuan
from app.payment.errors import SlipUsed, TenderNotValid
from app.web import work

Flaws = dict[str, str]
MISTYPED = (BadInput, TenderNotValid, SlipUsed)
NOT_AN_AMOUNT = _l("请填写金额，例如 25 或 25.50")


def amount(name: str) -> int:
    """The field's amount of yuan in fen; an empty field is nought, figures of any width are taken."""
    text = unicodedata.normalize("NFKC", work.typed(name, 16))
    try:
        return parse_yuan(text) if text else 0
    except ValueError:
        raise BadInput(fields={name: "not_an_amount"}) from None


def flaws_of(error: VisitError) -> Flaws:
    """What is wrong, by the field it is wrong in."""
    if isinstance(error, BadInput):
        return {"tendered": str(NOT_AN_AMOUNT)}
    if isinstance(error, SlipUsed):
        return {"slip_no": gettext("这张刷卡凭证今天已经付过另一笔，请核对签购单上的凭证号")}
    if error.facts.get("why") == "too_little":
        return {"tendered": gettext("收到的金额少于应收")}
    if error.facts.get("why") == "too_much":
        return {"tendered": gettext("金额太大，请核对")}
    return {"slip_no": gettext("终端号或凭证号有误：照签购单填写，凭证号只有数字")}
