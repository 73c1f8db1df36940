"""Alipay's own ledger: a trade begins when the payer opens it, is paid once, and never gives back more than it took."""

from __future__ import annotations

import re
import secrets
import sqlite3
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sandbox.clock import CHINA, now, wall_clock
from sandbox.store import insert

BUYER = "2088102169481075"
_NUMBER = re.compile(r"[0-9A-Za-z_]{1,64}", re.ASCII)


class Refusal(Exception):
    """Alipay says no: code 40004 with this sub_code."""

    def __init__(self, sub_code: str) -> None:
        """Keeps the code, e.g. `ACQ.TRADE_NOT_EXIST`."""
        super().__init__(sub_code)
        self.sub_code = sub_code


def fen(text: object) -> int:
    """`12.80` as fen; refused when it is no amount."""
    match = re.fullmatch(r"(\d{1,9})(?:\.(\d{1,2}))?", str(text), re.ASCII)
    if match is None:
        raise Refusal("ACQ.INVALID_PARAMETER")
    return int(match[1]) * 100 + int((match[2] or "").ljust(2, "0"))


def yuan(amount: int) -> str:
    """Fen as the wire writes them."""
    return f"{amount // 100}.{amount % 100:02d}"


def find(db: sqlite3.Connection, out_trade_no: object) -> sqlite3.Row | None:
    """The trade with this number, closed on the way when its time to pay is over."""
    db.execute(
        "UPDATE alipay_trade SET state = 'TRADE_CLOSED' WHERE out_trade_no = ? AND state = 'WAIT_BUYER_PAY'"
        " AND expires_at <= ?",
        (str(out_trade_no), now()),
    )
    row: sqlite3.Row | None = db.execute(
        "SELECT * FROM alipay_trade WHERE out_trade_no = ?", (str(out_trade_no),)
    ).fetchone()
    return row


def seen(db: sqlite3.Connection, out_trade_no: object) -> sqlite3.Row:
    """The trade, which Alipay knows because somebody opened it; Refusal otherwise."""
    trade = find(db, out_trade_no)
    if trade is None or trade["state"] == "UNSEEN":
        raise Refusal("ACQ.TRADE_NOT_EXIST")
    return trade


def offer(db: sqlite3.Connection, content: Mapping[str, Any], notify_url: str, return_url: str = "") -> sqlite3.Row:
    """A code or a page for the order exists; the same number with another amount or subject is refused."""
    number, subject = str(content.get("out_trade_no", "")), str(content.get("subject", ""))
    total, expires_at = fen(content.get("total_amount")), _expiry(content.get("time_expire"))
    if not _NUMBER.fullmatch(number) or not subject or total == 0:
        raise Refusal("ACQ.INVALID_PARAMETER")
    trade = find(db, number)
    if trade is None:
        return insert(
            db,
            "alipay_trade",
            out_trade_no=number,
            subject=subject,
            total_fen=total,
            code=secrets.token_hex(12),
            notify_url=notify_url,
            return_url=return_url,
            state="UNSEEN",
            created_at=now(),
            expires_at=expires_at,
        )
    if (trade["total_fen"], trade["subject"]) != (total, subject):
        raise Refusal("ACQ.CONTEXT_INCONSISTENT")
    if trade["state"] == "TRADE_SUCCESS":
        raise Refusal("ACQ.TRADE_HAS_SUCCESS")
    if trade["state"] == "TRADE_CLOSED":
        raise Refusal("ACQ.TRADE_HAS_CLOSE")
    return trade


def _expiry(text: object) -> float:
    if text is None:
        return now() + 15 * 86400
    try:
        moment = datetime.strptime(str(text), "%Y-%m-%d %H:%M:%S").replace(tzinfo=CHINA).timestamp()
    except ValueError:
        raise Refusal("ACQ.INVALID_PARAMETER") from None
    if moment <= now():
        raise Refusal("ACQ.INVALID_PARAMETER")
    return moment


def open_by_payer(db: sqlite3.Connection, reference: str) -> sqlite3.Row:
    """The payer looks at the order (by number or code): from now on it is a trade; Refusal past its time."""
    row = db.execute("SELECT out_trade_no FROM alipay_trade WHERE ? IN (out_trade_no, code)", (reference,)).fetchone()
    trade = find(db, row["out_trade_no"] if row else reference)
    if trade is None:
        raise Refusal("ACQ.TRADE_NOT_EXIST")
    if trade["state"] == "UNSEEN":
        if trade["expires_at"] <= now():
            raise Refusal("ACQ.TRADE_NOT_EXIST")
        db.execute(
            "UPDATE alipay_trade SET state = 'WAIT_BUYER_PAY', trade_no = ? WHERE out_trade_no = ?",
            (wall_clock(now(), "%Y%m%d") + "22001" + str(secrets.randbelow(10**15)).zfill(15), trade["out_trade_no"]),
        )
    found = find(db, trade["out_trade_no"])
    assert found is not None
    return found


def pay(db: sqlite3.Connection, reference: str) -> sqlite3.Row:
    """The payer pays; a trade that is paid or closed is refused."""
    trade = open_by_payer(db, reference)
    if trade["state"] != "WAIT_BUYER_PAY":
        raise Refusal("ACQ.TRADE_HAS_SUCCESS" if trade["paid_at"] else "ACQ.TRADE_HAS_CLOSE")
    db.execute(
        "UPDATE alipay_trade SET state = 'TRADE_SUCCESS', paid_at = ? WHERE out_trade_no = ?",
        (now(), trade["out_trade_no"]),
    )
    paid = find(db, trade["out_trade_no"])
    assert paid is not None
    return paid


def close(db: sqlite3.Connection, content: Mapping[str, Any]) -> dict[str, str]:
    """The trade can no longer be paid; one that nobody opened is not known, and one that is paid is refused."""
    trade = seen(db, content.get("out_trade_no"))
    if trade["state"] == "TRADE_SUCCESS":
        raise Refusal("ACQ.REASON_TRADE_STATUS_INVALID")
    db.execute("UPDATE alipay_trade SET state = 'TRADE_CLOSED' WHERE out_trade_no = ?", (trade["out_trade_no"],))
    return {"out_trade_no": trade["out_trade_no"], "trade_no": trade["trade_no"]}


def query(db: sqlite3.Connection, content: Mapping[str, Any]) -> dict[str, str]:
    """The trade as it stands."""
    trade = seen(db, content.get("out_trade_no"))
    told = {
        "out_trade_no": trade["out_trade_no"],
        "trade_no": trade["trade_no"],
        "trade_status": trade["state"],
        "total_amount": yuan(trade["total_fen"]),
        "buyer_logon_id": "159****5620",
    }
    if trade["paid_at"]:
        told |= {"send_pay_date": wall_clock(trade["paid_at"]), "buyer_user_id": BUYER}
    return told


def refund(db: sqlite3.Connection, content: Mapping[str, Any]) -> dict[str, str]:
    """Money goes back at once; the same request number again moves nothing (fund_change N)."""
    row = db.execute("SELECT * FROM alipay_trade WHERE trade_no = ?", (str(content.get("trade_no")),)).fetchone()
    if row is None:
        raise Refusal("ACQ.TRADE_NOT_EXIST")
    amount, number = fen(content.get("refund_amount")), str(content.get("out_request_no", ""))
    known = db.execute("SELECT * FROM alipay_refund WHERE out_request_no = ?", (number,)).fetchone()
    if known is not None and (known["refund_fen"], known["out_trade_no"]) != (amount, row["out_trade_no"]):
        raise Refusal("ACQ.DISCORDANT_REPEAT_REQUEST")
    if known is None:
        _give_back(db, row, number, amount)
    total = db.execute(
        "SELECT coalesce(sum(refund_fen), 0) FROM alipay_refund WHERE out_trade_no = ?", (row["out_trade_no"],)
    ).fetchone()[0]
    return {
        "trade_no": row["trade_no"],
        "out_trade_no": row["out_trade_no"],
        "refund_fee": yuan(total),
        "fund_change": "N" if known else "Y",
    }


def _give_back(db: sqlite3.Connection, trade: sqlite3.Row, number: str, amount: int) -> None:
    done = db.execute(
        "SELECT coalesce(sum(refund_fen), 0) FROM alipay_refund WHERE out_trade_no = ?", (trade["out_trade_no"],)
    ).fetchone()[0]
    if trade["state"] != "TRADE_SUCCESS" or not number or amount == 0:
        raise Refusal("ACQ.TRADE_STATUS_ERROR")
    if done + amount > trade["total_fen"]:
        raise Refusal("ACQ.REFUND_AMT_NOT_EQUAL_TOTAL")
    insert(
        db,
        "alipay_refund",
        out_request_no=number,
        out_trade_no=trade["out_trade_no"],
        refund_fen=amount,
        created_at=now(),
    )
    if done + amount == trade["total_fen"]:
        db.execute("UPDATE alipay_trade SET state = 'TRADE_CLOSED' WHERE out_trade_no = ?", (trade["out_trade_no"],))


def query_refund(db: sqlite3.Connection, content: Mapping[str, Any]) -> dict[str, str]:
    """The refund when there is one; else an answer that names none, as Alipay gives it."""
    trade = seen(db, content.get("out_trade_no"))
    known = db.execute(
        "SELECT * FROM alipay_refund WHERE out_request_no = ? AND out_trade_no = ?",
        (str(content.get("out_request_no")), trade["out_trade_no"]),
    ).fetchone()
    if known is None:
        return {}
    return {
        "out_trade_no": trade["out_trade_no"],
        "out_request_no": known["out_request_no"],
        "refund_amount": yuan(known["refund_fen"]),
        "refund_status": "REFUND_SUCCESS",
    }
