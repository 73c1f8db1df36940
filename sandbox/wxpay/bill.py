"""The trade bill (交易账单) and the fund flow (资金账单) of a China day, from the ledger itself, with ordered flaws."""

from __future__ import annotations

import gzip
import hashlib
import re
import secrets
import sqlite3
from collections.abc import Mapping

from sandbox.clock import now, parse_rfc3339, wall_clock
from sandbox.errors import ApiError
from sandbox.switches import take_switches
from sandbox.world import World
from sandbox.wxpay.forms import demand

URL_SECONDS = 300
HEAD = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,"
    "应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,"
    "手续费,费率,订单金额,申请退款金额,费率备注"
)
SUM_HEAD = "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
FLOW_HEAD = (
    "记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额(元),账户结余(元),"
    "资金变更提交申请人,备注,业务凭证号"
)
FLOW_SUM_HEAD = "资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额"
FLAWS = ("bill_creating", "bill_half", "bill_altered", "bill_gbk", "bill_bom", "bill_lost")


def _yuan(amount_fen: int) -> str:
    return f"{amount_fen // 100}.{amount_fen % 100:02d}"


def _line(cells: tuple[str, ...]) -> str:
    return ",".join("`" + cell for cell in cells)


def _row(world: World, order: sqlite3.Row, refund: sqlite3.Row | None) -> str:
    keys, total = world.keys, _yuan(order["total_fen"])
    at = _refunded_at(refund) if refund else order["paid_at"]
    back = _yuan(refund["refund_fen"]) if refund else "0.00"
    head = (wall_clock(at), keys.appid, keys.mchid, "0", "", order["transaction_id"], order["out_trade_no"])
    kind = (order["openid"], order["trade_type"], "REFUND" if refund else "SUCCESS", "OTHERS", "CNY")
    refund_ids = (refund["refund_id"], refund["out_refund_no"]) if refund else ("0", "0")
    outcome = ("ORIGINAL", refund["state"]) if refund else ("", "")
    settled = "0.00" if refund else total
    money = (settled, "0.00", *refund_ids, back, "0.00", *outcome)
    tail = (order["description"], order["attach"], "0.00000", "0.60%", settled, back, "")
    return _line(head + kind + money + tail)


def _refunded_at(refund: sqlite3.Row) -> float:
    """When the refund went through, or was asked for while it is under way."""
    return float(refund["success_at"] or refund["created_at"])


def _trade(world: World, start: float, is_lossy: bool) -> str:
    day = (start, start + 86400)
    paid = world.store.rows("SELECT * FROM wxpay_order WHERE paid_at >= ? AND paid_at < ? ORDER BY paid_at", *day)
    back = world.store.rows(
        "SELECT * FROM wxpay_refund WHERE coalesce(success_at, created_at) >= ?"
        " AND coalesce(success_at, created_at) < ? ORDER BY 1",
        *day,
    )
    if not paid and not back:
        raise ApiError(400, "NO_STATEMENT_EXIST", "请求的账单文件不存在")
    lines = [_row(world, order, None) for order in paid]
    for refund in back:
        order = world.store.one("SELECT * FROM wxpay_order WHERE out_trade_no = ?", refund["out_trade_no"])
        if order is not None:
            lines.append(_row(world, order, refund))
    del lines[: 1 if is_lossy else 0]
    total = sum(order["total_fen"] for order in paid)
    returned = _yuan(sum(refund["refund_fen"] for refund in back))
    sums = (str(len(lines)), _yuan(total), returned, "0.00", "0.00", _yuan(total), returned)
    return "\r\n".join((HEAD, *lines, SUM_HEAD, _line(sums), ""))


def _flow(world: World, start: float, is_lossy: bool) -> str:
    """What moved the account: each payment in, each refund that went through out, in the order of time."""
    day = (start, start + 86400)
    moved = [
        (row["paid_at"], row["transaction_id"], row["out_trade_no"], row["total_fen"])
        for row in world.store.rows("SELECT * FROM wxpay_order WHERE paid_at >= ? AND paid_at < ?", *day)
    ]
    moved += [
        (row["success_at"], row["refund_id"], row["out_refund_no"], -row["refund_fen"])
        for row in world.store.rows("SELECT * FROM wxpay_refund WHERE success_at >= ? AND success_at < ?", *day)
    ]
    if not moved:
        raise ApiError(400, "NO_STATEMENT_EXIST", "请求的账单文件不存在")
    lines, balance = [], 0
    for place, (at, foreign, ours, amount_fen) in enumerate(sorted(moved)[1 if is_lossy else 0 :], 1):
        balance += amount_fen
        kind, way = ("交易", "收入") if amount_fen > 0 else ("退款", "支出")
        money = (_yuan(abs(amount_fen)), f"{'-' if balance < 0 else ''}{_yuan(abs(balance))}")
        lines.append(
            _line((wall_clock(at), foreign, f"{int(start)}{place:08d}", kind, kind, way, *money, "system", "", ours))
        )
    ins, outs = [fen for *_, fen in moved if fen > 0], [-fen for *_, fen in moved if fen < 0]
    sums = (str(len(lines)), str(len(ins)), _yuan(sum(ins)), str(len(outs)), _yuan(sum(outs)))
    return "\r\n".join((FLOW_HEAD, *lines, FLOW_SUM_HEAD, _line(sums), ""))


def order_bill(world: World, wanted: Mapping[str, str], *, is_flow: bool = False) -> dict[str, str]:
    """Make the bill of `bill_date` and answer its SHA1 (over the unzipped text) and an address good for five minutes.

    ApiError 400 `PARAM_ERROR`, `STATEMENT_CREATING` when ordered so, or `NO_STATEMENT_EXIST` on a day without trade.
    The present day is allowed here.
    """
    bill_date = wanted.get("bill_date", "")
    demand(re.fullmatch(r"\d{4}-\d\d-\d\d", bill_date), "bill_date: YYYY-MM-DD")
    demand(wanted.get("bill_type", "ALL") == "ALL", "bill_type: ALL")
    demand(wanted.get("account_type", "BASIC") == "BASIC", "account_type: BASIC")
    try:
        start = parse_rfc3339(f"{bill_date}T00:00:00+08:00")
    except ValueError:
        raise ApiError(400, "PARAM_ERROR", "bill_date: no such day") from None
    with world.store.write() as db:
        flaws = take_switches(db, "wxpay", FLAWS)
    if "bill_creating" in flaws:
        raise ApiError(400, "STATEMENT_CREATING", "账单生成中")
    plain = (_flow if is_flow else _trade)(world, start, "bill_lost" in flaws).encode(_encoding(flaws))
    plain = plain[: len(plain) // 2] if "bill_half" in flaws else plain
    token = secrets.token_urlsafe(32)
    content = gzip.compress(plain) if wanted.get("tar_type") == "GZIP" else plain
    with world.store.write() as db:
        db.execute("INSERT INTO wxpay_bill VALUES (?, ?, ?)", (token, content, now() + URL_SECONDS))
    address = f"http://127.0.0.1:{world.settings.http_port}/v3/billdownload/file?token={token}"
    told = plain + b" " if "bill_altered" in flaws else plain
    return {"hash_type": "SHA1", "hash_value": hashlib.sha1(told).hexdigest(), "download_url": address}  # noqa: S324


def _encoding(flaws: Mapping[str, float]) -> str:
    return "gbk" if "bill_gbk" in flaws else "utf-8-sig" if "bill_bom" in flaws else "utf-8"


def fetch_bill(world: World, token: str) -> bytes:
    """The bill behind an address; ApiError 404 `NO_STATEMENT_EXIST` once its five minutes are over."""
    row = world.store.one("SELECT content FROM wxpay_bill WHERE token = ? AND expires_at > ?", token, now())
    if row is None:
        raise ApiError(404, "NO_STATEMENT_EXIST", "下载链接已失效")
    return bytes(row["content"])
