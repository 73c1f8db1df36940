"""The platform's book: what it takes, under which number, and what takes it back."""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Callable
from typing import Any

from sandbox.clock import now, wall_clock
from sandbox.store import insert

KNOWN, BAD, ABSENT = "E0002", "E0003", "E0004"
CATEGORIES = (
    *("诊察费", "检查费", "化验费", "治疗费", "手术费", "卫生材料费"),
    *("西药费", "中药饮片", "中成药费", "一般诊疗费", "挂号费", "其他门(急)诊收费"),
)
REGION, FORM = "44", "0601"


class Refusal(Exception):
    """The platform says no, with its code and words."""

    def __init__(self, code: str, words: str) -> None:
        """Keep both."""
        super().__init__(words)
        self.code = code


Answer = dict[str, Any]
Method = Callable[[sqlite3.Connection, Answer, str], Answer]


def fen(amount: object) -> int:
    """Whole fen of an amount in yuan with at most two decimals; Refusal for anything else."""
    yuan, _, decimals = str(amount).partition(".")
    if not yuan.isdecimal() or not (decimals.isdecimal() or not decimals) or len(decimals) > 2:
        raise Refusal(BAD, f"金额 {amount}")
    return int(yuan) * 100 + int(decimals.ljust(2, "0") or 0)


def _demand(holds: object, words: str) -> None:
    if not holds:
        raise Refusal(BAD, words)


def issue(db: sqlite3.Connection, asked: Answer, page: str) -> Answer:
    """A blue bill under the next number; a business number is taken once."""
    bus_no = str(asked.get("busNo", ""))
    _demand(bus_no and asked.get("payer") and asked.get("placeCode"), "busNo, payer, placeCode 必填")
    total = _adds_up(asked)
    if db.execute("SELECT 1 FROM fiscal_bill WHERE bus_no = ?", (bus_no,)).fetchone():
        raise Refusal(KNOWN, f"业务流水号 {bus_no} 已开票")
    return _told(_file(db, bus_no, total, asked, None), page)


def _adds_up(asked: Answer) -> int:
    """The total, when items, details and ways of paying all come to it."""
    total = fen(asked.get("totalAmt"))
    items, details = asked.get("chargeDetail"), asked.get("listDetail")
    _demand(isinstance(items, list) and items and isinstance(details, list), "chargeDetail, listDetail 必填")
    names = [item.get("chargeName") for item in items or []]
    _demand(names == [name for name in CATEGORIES if name in names], "收费项目不在票样中，或次序不对")
    _demand(sum(fen(item.get("amt")) for item in items or []) == total, "收费项目之和不等于总金额")
    _demand(sum(fen(item.get("amt")) for item in details or []) == total, "清单之和不等于总金额")
    paid = {name: fen(asked.get(name)) for name in ("fundPay", "otherfundPay", "accountPay", "selfCashPay")}
    _demand(sum(paid.values()) == total, "支付方式之和不等于总金额")
    own = paid["accountPay"] + paid["selfCashPay"]
    _demand(fen(asked.get("selfConceitedAmt")) + fen(asked.get("selfPayAmt")) == own, "自付加自费不等于账户加现金")
    return total


def write_off(db: sqlite3.Connection, asked: Answer, page: str) -> Answer:
    """A red bill that takes a blue one back; a bill is taken back once."""
    blue = _find(db, asked)
    if db.execute("SELECT 1 FROM fiscal_bill WHERE original = ?", (blue["token"],)).fetchone():
        raise Refusal(KNOWN, "已开红票")
    return _told(_file(db, f"{blue['bus_no']}R", -blue["total"], asked, blue["token"]), page, prefix="eScarlet")


def states(db: sqlite3.Connection, asked: Answer, page: str) -> Answer:
    """A blue bill by its numbers or its business number, and the red one that took it back, if any."""
    blue = _find(db, asked)
    red = db.execute("SELECT * FROM fiscal_bill WHERE original = ?", (blue["token"],)).fetchone()
    told = _told(blue, page) | {"state": "1", "isScarlet": "1" if red else "0"}
    if red is None:
        return told
    taken_back = _told(red, page, prefix="scarlet")
    return told | {"scarletPictureUrl": taken_back.pop("pictureUrl")} | taken_back


METHODS: dict[str, Method] = {
    "invoiceEBillOutpatient": issue,
    "invEBillRegistration": issue,
    "writeOffEBill": write_off,
    "getEBillStatesByBillInfo": states,
}


def _find(db: sqlite3.Connection, asked: Answer) -> sqlite3.Row:
    row: sqlite3.Row | None = db.execute(
        "SELECT * FROM fiscal_bill WHERE original IS NULL AND (bus_no = ? OR (batch_code = ? AND number = ?))",
        (str(asked.get("busNo", "")), str(asked.get("billBatchCode", "")), str(asked.get("billNo", ""))),
    ).fetchone()
    if row is None:
        raise Refusal(ABSENT, "票据不存在")
    return row


def _file(db: sqlite3.Connection, bus_no: str, total: int, asked: Answer, original: str | None) -> sqlite3.Row:
    batch_code = f"{REGION}{FORM}{wall_clock(now(), '%y')}"
    last = db.execute("SELECT max(number) FROM fiscal_bill WHERE batch_code = ?", (batch_code,)).fetchone()[0]
    return insert(
        db,
        "fiscal_bill",
        token=secrets.token_hex(16),
        bus_no=bus_no,
        batch_code=batch_code,
        number=f"{int(last or 0) + 1:010d}",
        check_code=secrets.token_hex(3),
        total=total,
        body=json.dumps(asked, ensure_ascii=False),
        original=original,
        issued_at=now(),
    )


def _told(bill: sqlite3.Row, page: str, prefix: str = "") -> Answer:
    """A bill by the names the protocol has for it: bare for a blue one, with a prefix for a red one."""
    names = {"BillBatchCode": "batch_code", "BillNo": "number", "Random": "check_code"}
    numbers = {
        (prefix + name if prefix else name[:1].lower() + name[1:]): bill[column] for name, column in names.items()
    }
    created = wall_clock(bill["issued_at"], "%Y%m%d%H%M%S000")
    return numbers | {"createTime": created, "pictureUrl": f"{page}/{bill['token']}"}
