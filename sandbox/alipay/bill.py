"""Alipay's statement of a China day (业务明细 and its summary, GBK, packed), from the ledger, with ordered flaws."""

from __future__ import annotations

import io
import re
import secrets
import sqlite3
import zipfile
from collections.abc import Mapping
from typing import Any

from sandbox.alipay.trades import Refusal, yuan
from sandbox.clock import now, parse_rfc3339, wall_clock
from sandbox.errors import ApiError
from sandbox.switches import take_switches
from sandbox.world import World

URL_SECONDS = 30
METHOD = "alipay.data.dataservice.bill.downloadurl.query"
HEAD = (
    "支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,对方账户,订单金额（元）,"
    "商家实收（元）,支付宝红包（元）,集分宝（元）,支付宝优惠（元）,商家优惠（元）,券核销金额（元）,券名称,商家红包消费金额（元）,"
    "卡消费金额（元）,退款批次号/请求号,服务费（元）,分润（元）,备注"
)
BEGINS = f"#{'-' * 41}业务明细列表{'-' * 40}"
ENDS = f"#{'-' * 41}业务明细列表结束{'-' * 36}"
FLAWS = ("bill_half", "bill_utf8", "bill_lost")


def order_bill(world: World, db: sqlite3.Connection, content: Mapping[str, Any]) -> dict[str, str]:
    """The address of the day's statement, good for half a minute; Refusal for another type, or a day without trade."""
    day = str(content.get("bill_date", ""))
    if content.get("bill_type") != "trade" or not re.fullmatch(r"\d{4}-\d\d-\d\d", day, re.ASCII):
        raise Refusal("isv.invalid-parameter")
    start = parse_rfc3339(f"{day}T00:00:00+08:00")
    flaws = take_switches(db, "alipay", FLAWS)
    lines, counted = _lines(db, start)
    if not lines:
        raise Refusal("isp.bill_not_exist")
    del lines[: 1 if "bill_lost" in flaws else 0]
    packed = _packed(world, day, lines, counted, "utf-8" if "bill_utf8" in flaws else "gbk")
    packed = packed[: len(packed) // 2] if "bill_half" in flaws else packed
    token = secrets.token_urlsafe(32)
    db.execute("INSERT INTO alipay_bill VALUES (?, ?, ?)", (token, packed, now() + URL_SECONDS))
    return {"bill_download_url": f"{world.settings.public_url}/alipay/billdownload?token={token}"}


def _lines(db: sqlite3.Connection, start: float) -> tuple[list[str], str]:
    day = (start, start + 86400)
    paid = db.execute("SELECT * FROM alipay_trade WHERE paid_at >= ? AND paid_at < ? ORDER BY paid_at", day).fetchall()
    back = db.execute(
        "SELECT t.*, r.out_request_no, r.refund_fen, r.created_at AS back_at FROM alipay_refund r"
        " JOIN alipay_trade t USING (out_trade_no) WHERE r.created_at >= ? AND r.created_at < ? ORDER BY back_at",
        day,
    ).fetchall()
    lines = [_line(row, row["total_fen"], row["paid_at"], "") for row in paid]
    lines += [_line(row, -row["refund_fen"], row["back_at"], row["out_request_no"]) for row in back]
    taken, given = sum(row["total_fen"] for row in paid), sum(row["refund_fen"] for row in back)
    counted = (
        f"#交易合计：{len(paid)}笔，商家实收共{yuan(taken)}元，商家优惠共0.00元\r\n"
        f"#退款合计：{len(back)}笔，商家实收退款共-{yuan(given)}元，商家优惠退款共0.00元\r\n"
    )
    return lines, counted


def _line(trade: sqlite3.Row, amount: int, at: float, request_no: str) -> str:
    money = f"{'-' if amount < 0 else ''}{yuan(abs(amount))}"
    kind = "退款" if request_no else "交易"
    head = (trade["trade_no"], trade["out_trade_no"], kind, trade["subject"], wall_clock(trade["created_at"]))
    middle = (wall_clock(at), "", "", "", "", "*安(159****5620)", money, money)
    tail = ("0.00", "0.00", "0.00", "0.00", "0.00", "", "0.00", "0.00", request_no, "0.00", "0.00", "")
    return ",".join(f"{cell}\t" for cell in (*head, *middle, *tail))


def _packed(world: World, day: str, lines: list[str], counted: str, encoding: str) -> bytes:
    begun = (
        f"#支付宝业务明细查询\r\n#账号：[{world.keys.alipay_seller_id}0156]\r\n"
        f"#起始日期：[{day} 00:00:00]   终止日期：[{day} 23:59:59]\r\n{BEGINS}\r\n{HEAD}\r\n"
    )
    text = begun + "".join(f"{line}\r\n" for line in lines) + f"{ENDS}\r\n{counted}#导出时间：[{wall_clock(now())}]\r\n"
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as packed:
        name = f"{world.keys.alipay_seller_id}0156_{day.replace('-', '')}_业务明细"
        packed.writestr(f"{name}.csv", text.encode(encoding))
        packed.writestr(f"{name}(汇总).csv", f"#支付宝业务汇总查询\r\n{counted}".encode(encoding))
    return made.getvalue()


def fetch_bill(world: World, token: str) -> bytes:
    """The statement behind an address; ApiError 404 once its half minute is over."""
    row = world.store.one("SELECT content FROM alipay_bill WHERE token = ? AND expires_at > ?", token, now())
    if row is None:
        raise ApiError(404, "NOT_FOUND", "下载链接已失效")
    return bytes(row["content"])
