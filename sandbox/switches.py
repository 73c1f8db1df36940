"""Misfortunes one can order: the next notification is lost, the hospital system is slow, and so on."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from sandbox.errors import ApiError
from sandbox.store import Store

MODES: dict[str, dict[str, str]] = {
    "wxpay": {
        "drop": "通知丢失 · notification lost",
        "delay": "通知延迟 · notification late",
        "twice": "通知重复 · notification twice",
        "signtest": "签名探测 · signature probe first",
        "altered": "内容被改 · body altered first",
        "old": "旧签名 · signed 24 h ago first",
        "wrong_key": "错误密钥 · foreign key first",
        "api_late": "网关做了却答得慢 · gateway acts, answers late",
        "api_down": "网关故障 · gateway down",
        "med_ins_fail": "收了现金医保失败 · cash taken, insurer fails",
        "bill_creating": "账单生成中 · bill not ready",
        "bill_half": "账单截断 · bill cut in half",
        "bill_altered": "账单摘要不符 · wrong SHA1 of the bill",
        "bill_gbk": "账单为 GBK · bill in GBK",
        "bill_bom": "账单带 BOM · bill with a BOM",
        "bill_lost": "账单缺第一笔 · bill without its first row",
    },
    "alipay": {
        "drop": "通知丢失 · notification lost",
        "delay": "通知延迟 · notification late",
        "twice": "通知重复 · notification twice",
        "altered": "内容被改 · body altered first",
        "wrong_key": "错误密钥 · foreign key first",
        "api_late": "网关做了却答得慢 · gateway acts, answers late",
        "api_down": "网关故障 · gateway down",
        "bill_half": "账单截断 · bill cut in half",
        "bill_utf8": "账单为 UTF-8 · bill in UTF-8",
        "bill_lost": "账单缺第一笔 · bill without its first row",
    },
    "wxoa": {
        "token_invalid": "凭证失效 · 40001",
        "quota": "次数用完 · 45009",
        "system_failed": "发送失败 · failed: system failed",
    },
    "sms": {"fail": "发送失败 · not delivered", "down": "平台故障 · 503"},
    "insurer": {
        "down": "医保故障 · 503",
        "slow": "医保慢 · slow",
        "late": "做了却答得晚 · settles, answers late",
        "wrong_sum": "金额不平 · sums do not add up",
        "wrong_person": "他人的结算 · another person's",
        "twice": "重发旧回答 · answer to another message",
        "stmt_half": "对账结果截断 · 3202 file cut in half",
        "stmt_gbk": "对账结果为 GBK · 3202 file in GBK",
        "stmt_bom": "对账结果带 BOM · 3202 file with a BOM",
        "no_cancel": "拒绝撤销结算 · will not take a settlement back",
    },
    "fiscal": {
        "down": "平台故障 · 503",
        "slow": "平台慢 · slow",
        "late": "开了票却答得晚 · issues, answers late",
        "refuse": "拒绝开票 · refuses",
    },
    "his": {
        "ae207": "应用出错 · AE 207",
        "silent": "做了却不应答 · acts, never answers",
        "late": "做了却应答慢 · acts, answers late",
        "booking_silent": "预约做了却不应答 · books, never answers",
        "refuse": "不接受预约 · refuses a booking",
        "undecided": "预约待定 · booking pending",
    },
}


def set_switch(store: Store, provider: str, mode: str, scope: str, seconds: float) -> None:
    """Order a misfortune: `scope` is `next` (once), `all` (until switched off) or `off`.

    ApiError 400 `UNKNOWN_SWITCH` for a mode or scope that is none. Setting it twice keeps the last.
    """
    if mode not in MODES.get(provider, {}) or scope not in {"next", "all", "off"} or not 0 <= seconds <= 3600:
        raise ApiError(400, "UNKNOWN_SWITCH", f"no switch {provider}/{mode}/{scope}")
    with store.write() as db:
        db.execute("DELETE FROM switch WHERE provider = ? AND mode = ?", (provider, mode))
        if scope != "off":
            db.execute("INSERT INTO switch VALUES (?, ?, ?, ?)", (provider, mode, scope, seconds))


def take_switches(db: sqlite3.Connection, provider: str, modes: Iterable[str]) -> dict[str, float]:
    """The misfortunes that strike now, with their seconds; those ordered for `next` are used up."""
    struck = {}
    for mode in modes:
        row = db.execute(
            "SELECT scope, seconds FROM switch WHERE provider = ? AND mode = ?", (provider, mode)
        ).fetchone()
        if row is None:
            continue
        struck[mode] = float(row["seconds"])
        if row["scope"] == "next":
            db.execute("DELETE FROM switch WHERE provider = ? AND mode = ?", (provider, mode))
    return struck
