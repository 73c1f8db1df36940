"""What a scan's answer says on the screen: a colour with its icon and sound, big words, and what to do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _l

from app.pharmacy.states import BagState, ScanCode
from app.web import show

Facts = Mapping[str, Any]
# Kind (granted, warn: something to do here; refused: no drugs now), big words, what to do.
WORDS: dict[ScanCode, tuple[str, object, object]] = {
    ScanCode.OK: ("granted", _l("可以取药"), _l("请取出药袋，再扫描药袋条码。")),
    ScanCode.ALREADY_COLLECTED: ("warn", _l("已经取过了"), _l("请勿重复发药。")),
    ScanCode.UNPAID: ("refused", _l("尚未支付"), _l("请患者在手机上支付后再来。")),
    ScanCode.NOT_READY: ("warn", _l("药还没有配好"), _l("请患者稍候，配好后会收到通知。")),
    ScanCode.WRONG_WINDOW: ("warn", _l("请到别的窗口"), _l("这袋药不在本窗口。")),
    ScanCode.BEING_SERVED: ("warn", _l("别的窗口正在处理"), _l("两分钟后仍未完成时可以再扫。")),
    ScanCode.CANCELLED: ("refused", _l("已取消"), _l("处方已作废或已退费，请勿发药。")),
    ScanCode.CODE_EXPIRED: ("refused", _l("取药码已过期"), _l("请患者刷新手机页面，出示新的码；截图无效。")),
    ScanCode.UNKNOWN_CODE: ("refused", _l("不认识这个码"), _l("请核对是否为本院取药码。")),
    ScanCode.NOT_A_PICKUP_CODE: ("refused", _l("这不是取药码"), _l("请患者打开手机上的取药码页面。")),
    ScanCode.POSTER_CODE: ("refused", _l("这是海报码"), _l("海报码用于预约挂号，不能取药。")),
    ScanCode.WRONG_BAG: ("refused", _l("药袋不对"), _l("请放回这一袋，取出正确的药袋。")),
    ScanCode.UNKNOWN_BAG: ("refused", _l("不认识这个药袋"), _l("标签不是本院药袋的标签，请重新打印。")),
    ScanCode.NOT_A_BAG_LABEL: ("refused", _l("这不是药袋标签"), _l("请扫描药袋上的条码。")),
    ScanCode.NOT_SERVED_HERE: ("warn", _l("请重新扫描取药码"), _l("已超过两分钟，或被别的窗口接走。")),
}
STAGES = {BagState.QUEUED: _l("等待配药"), BagState.PICKING: _l("正在配药")}


def verdict_facts(code: ScanCode, facts: Facts) -> dict[str, object]:
    """`kind`, `title`, `text`, `code` for the verdict, and `bins` (label, place) where places matter."""
    kind, title, text = WORDS[code]
    detail = _DETAILS.get(code, _nothing)(facts)
    return {
        "kind": kind,
        "title": str(title),
        "text": f"{detail} {text}".strip(),
        "code": code.value,
        "bins": _bins(code, facts),
    }


def _nothing(_facts: Facts) -> str:
    return ""


def _collected(facts: Facts) -> str:
    at = show.moment(datetime.fromisoformat(str(facts["collected_at"]))) if facts.get("collected_at") else "—"
    return str(gettext("%(time)s 已在 %(window)s 取走。", time=at, window=facts.get("window", "") or "—"))


def _unpaid(facts: Facts) -> str:
    return str(gettext("待付 %(amount)s。", amount=show.yuan(int(facts.get("amount_fen", 0)))))


def _not_ready(facts: Facts) -> str:
    stage = next((str(words) for state, words in STAGES.items() if state.value == facts.get("stage")), "")
    return f"{facts.get('number', '')} {stage}".strip() + "。"


def _wrong_window(facts: Facts) -> str:
    return str(gettext("请到 %(window)s。", window=facts.get("window", "")))


_DETAILS: dict[ScanCode, Callable[[Facts], str]] = {
    ScanCode.ALREADY_COLLECTED: _collected,
    ScanCode.UNPAID: _unpaid,
    ScanCode.NOT_READY: _not_ready,
    ScanCode.WRONG_WINDOW: _wrong_window,
}


def _bins(code: ScanCode, facts: Facts) -> list[dict[str, str]]:
    if code == ScanCode.WRONG_BAG:
        return [
            {"label": gettext("应取"), "place": bin_name(facts.get("expected_window"), facts.get("expected_bin"))},
            {"label": gettext("手中"), "place": bin_name(facts.get("scanned_window"), facts.get("scanned_bin"))},
        ]
    if code == ScanCode.OK and facts.get("bin"):
        return [{"label": gettext("药格"), "place": str(facts["bin"])}]
    return []


def bin_name(window: object, number: object) -> str:
    """W1-07: a bin as it is written on the shelf and the label."""
    digits = f"{number:02d}" if isinstance(number, int) else str(number or "—")
    return f"{window}-{digits}" if window else digits
