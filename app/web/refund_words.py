"""A bill's refunds in words: how much goes back to whom, and who is at work on it."""

from __future__ import annotations

from flask_babel import gettext
from flask_babel import lazy_gettext as _l

from app.kernel.uow import Uow
from app.payment import service as payment
from app.payment.models import Bill, Refund
from app.payment.states import WITH_INSURER, RefundState
from app.web import show

# The kind is a tag's colour and icon; the note says what happens next.
_WORDS = {
    RefundState.REVERSING: ("info", _l("医保撤销中"), _l("医保先撤回原来的结算，收到回复后退款。")),
    RefundState.RESETTLING: ("info", _l("医保重新结算中"), _l("留下的部分由医保重新结算，差额随后退回。")),
    RefundState.REQUESTED: ("wait", _l("等待退款"), _l("退款已提交，原路退回。")),
    RefundState.SENT: ("info", _l("退款中"), _l("支付平台正在处理，一般几分钟内到账。")),
    RefundState.SUCCEEDED: ("ok", _l("已退款"), ""),
    RefundState.FAILED: ("bad", _l("退款未成功"), _l("医院正在处理，不需要您操作。")),
}
# Why money goes back that nobody asked back.
_WHY = {
    "late": _l("付款晚于取消或超时。"),
    "surplus": _l("重复付款，多付的退回。"),
    "too_late": _l("付款时号源已释放。"),
    "not_settled": _l("医保结算未成功。"),
}
_AT_WINDOW = _l("请带身份证件或原银行卡到收费窗口取回。")


def rows_of(uow: Uow, bill: Bill) -> list[dict[str, str]]:
    """The bill's refunds, the newest first; nothing for a bill of which nothing goes back."""
    return [_row(refund, at_window=at_window) for refund, at_window in payment.all_refunds_of(uow, bill.id)]


def _row(refund: Refund, *, at_window: bool) -> dict[str, str]:
    kind, words, note = _WORDS[refund.state]
    waits_there = at_window and refund.state == RefundState.REQUESTED
    return {
        "title": _amount(refund),
        "kind": kind,
        "state": str(words),
        "note": " ".join(
            each
            for each in (
                show.moment(refund.requested_at),
                str(_WHY.get(refund.reason, "")),
                _insured(refund),
                str(_AT_WINDOW if waits_there else note),
            )
            if each
        ),
    }


def _amount(refund: Refund) -> str:
    """What comes back to the patient; not known before what is left is settled anew."""
    is_open = refund.resettles and not refund.ends_bill and refund.state in WITH_INSURER
    if is_open:
        return str(gettext("退款金额待医保确定"))
    return str(gettext("退款 %(amount)s", amount=show.yuan(refund.amount_fen)))


def _insured(refund: Refund) -> str:
    insured_fen = refund.fund_fen + refund.other_fen + refund.account_fen
    return str(gettext("另有 %(amount)s 退回医保。", amount=show.yuan(insured_fen))) if insured_fen else ""
