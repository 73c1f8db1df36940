"""A provider's statement as the provider writes it: rows of cells with their backtick, and the block of sums."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import BinaryIO

from app.kernel.money import yuan_text
from app.reconciliation.ports import StatementAbsent, StatementKind
from app.reconciliation.reading import CHINA

# 下载交易账单, bill_type=ALL: 27 columns.
TRADE_HEAD = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,"
    "应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,"
    "手续费,费率,订单金额,申请退款金额,费率备注"
)
TRADE_SUM = "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
FUNDS_HEAD = (
    "记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额(元),账户结余(元),"
    "资金变更提交申请人,备注,业务凭证号"
)
FUNDS_SUM = "资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额"


def cells(*values: str) -> str:
    return ",".join("`" + value for value in values)


def wall(at: datetime) -> str:
    return at.astimezone(CHINA).strftime("%Y-%m-%d %H:%M:%S")


def payment(number: str, fen: int, at: datetime, *, foreign_no: str = "", goods: str = "门诊挂号费") -> str:
    yuan, foreign_no = yuan_text(fen), foreign_no or f"T{number[2:]}"
    head = (wall(at), "wx0123456789abcdef", "1900000001", "0", "", foreign_no, number, "oPayer", "NATIVE", "SUCCESS")
    return cells(
        *head,
        "OTHERS",
        "CNY",
        yuan,
        "0.00",
        "0",
        "0",
        "0.00",
        "0.00",
        "",
        "",
        goods,
        "",
        "0.00000",
        "0.60%",
        yuan,
        "0.00",
        "",
    )


def refund(number: str, fen: int, at: datetime, *, state: str = "SUCCESS", order: str = "mzold") -> str:
    yuan = yuan_text(fen)
    head = (wall(at), "wx0123456789abcdef", "1900000001", "0", "", f"T{order[2:]}", order, "oPayer", "NATIVE", "REFUND")
    back = (f"R{number[2:]}", number, yuan, "0.00", "ORIGINAL", state)
    return cells(*head, "OTHERS", "CNY", "0.00", "0.00", *back, "门诊挂号费", "", "0.00000", "0.60%", "0.00", yuan, "")


def flow(foreign_no: str, fen: int, at: datetime, kind: str = "交易") -> str:
    way = "收入" if fen > 0 else "支出"
    yuan = yuan_text(abs(fen))
    return cells(wall(at), foreign_no, f"F{foreign_no}", kind, kind, way, yuan, "1000.00", "system", "无", foreign_no)


def trade_lines(rows: Iterable[str]) -> Iterator[str]:
    """The statement of these rows, line by line."""
    yield TRADE_HEAD
    count = 0
    for row in rows:
        count += 1
        yield row
    yield TRADE_SUM
    yield cells(str(count), "0.00", "0.00", "0.00", "0.00", "0.00", "0.00")


def funds_lines(rows: Iterable[str]) -> Iterator[str]:
    """The fund flow of these rows, line by line."""
    rows = list(rows)
    return iter((FUNDS_HEAD, *rows, FUNDS_SUM, cells(str(len(rows)), "0", "0.00", "0", "0.00")))


def content(lines: Iterable[str], encoding: str = "utf-8") -> bytes:
    return "".join(f"{line}\r\n" for line in lines).encode(encoding)


@dataclass
class Provider:
    """Hands out the statements it was given; a day without one is absent."""

    trade: dict[date, bytes]
    funds: dict[date, bytes]

    def fetch(self, kind: StatementKind, day: date, into: BinaryIO) -> str:
        plain = (self.trade if kind is StatementKind.TRADE else self.funds).get(day)
        if plain is None:
            raise StatementAbsent
        into.write(gzip.compress(plain))
        return hashlib.sha1(plain, usedforsecurity=False).hexdigest()
