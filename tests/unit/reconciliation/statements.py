"""A provider's statement as the provider writes it: rows of cells with their backtick, and the block of sums."""

from __future__ import annotations

import gzip
import hashlib
import io
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import BinaryIO

from app.kernel.money import yuan_text
from app.reconciliation.ports import StatementAbsent, StatementKind
from app.reconciliation.rows import CHINA

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
# 业务明细, as 支付宝商家中心 gives it: 25 columns.
ALIPAY_HEAD = (
    "支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,对方账户,订单金额（元）,"
    "商家实收（元）,支付宝红包（元）,集分宝（元）,支付宝优惠（元）,商家优惠（元）,券核销金额（元）,券名称,商家红包消费金额（元）,"
    "卡消费金额（元）,退款批次号/请求号,服务费（元）,分润（元）,备注"
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


def alipay_row(number: str, fen: int, at: datetime, *, refund_no: str = "", goods: str = "门诊挂号费") -> str:
    """A payment of the order `number`, or with `refund_no` money that went back of it."""
    yuan = f"{'-' if refund_no else ''}{yuan_text(fen)}"
    head = (f"2026112922001{number[2:]}", number, "退款" if refund_no else "交易", goods, wall(at), wall(at))
    tail = (*("0.00",) * 5, "", *("0.00",) * 2, refund_no, *("0.00",) * 2, "")
    return ",".join(f"{cell}\t" for cell in (*head, "", "", "", "", "*安(159****5620)", yuan, yuan, *tail))


def alipay_text(rows: Iterable[str]) -> str:
    """The list of these rows between its lines."""
    rows = list(rows)
    back = sum(",退款\t," in row for row in rows)
    return "".join(
        f"{line}\r\n"
        for line in (
            "#支付宝业务明细查询",
            "#账号：[20881021694810750156]",
            "#起始日期：[2026年11月29日 00:00:00]   终止日期：[2026年11月30日 00:00:00]",
            "#-----------------------------------------业务明细列表----------------------------------------",
            ALIPAY_HEAD,
            *rows,
            "#-----------------------------------------业务明细列表结束------------------------------------",
            f"#交易合计：{len(rows) - back}笔，商家实收共0.00元，商家优惠共0.00元",
            f"#退款合计：{back}笔，商家实收退款共-0.00元，商家优惠退款共0.00元",
            "#导出时间：[2026年11月30日 09:00:00]",
        )
    )


POS_HEAD = "商户号,终端号,交易时间,交易类型,卡号,交易金额,凭证号,参考号"


def slip(slip_no: str, fen: int, at: datetime, *, kind: str = "消费", terminal_no: str = "T0000001") -> str:
    """A transaction of a card terminal as the bank tells it."""
    yuan = f"{'-' if kind != '消费' else ''}{yuan_text(fen)}"
    return f"898100,{terminal_no},{wall(at)},{kind},622202******1234,{yuan},{slip_no},R{slip_no}"


def pos_file(rows: Iterable[str], encoding: str = "utf-8-sig") -> bytes:
    """The bank's statement of the card terminals, with its title and its line of sums."""
    rows = list(rows)
    return content(["收单对账单", POS_HEAD, *rows, f"合计,{len(rows)} 笔,,,,,,"], encoding)


def packed(**files: bytes) -> bytes:
    """Files in a ZIP, in their order."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as package:
        for name, plain in files.items():
            package.writestr(name, plain)
    return made.getvalue()


def alipay_file(rows: Iterable[str], encoding: str = "gbk") -> bytes:
    """The statement as it is downloaded: the summary stands before the list."""
    return packed(summary="#支付宝业务汇总查询\r\n".encode("gbk"), details=alipay_text(rows).encode(encoding))


def booking(number: str, *amounts: int, at: datetime, kind: str = "PY", control_id: str = "") -> str:
    """A DFT^P03 as the hospital system books it: a line of our transaction `number` for each amount in fen."""
    stamp = at.astimezone(CHINA).strftime("%Y%m%d%H%M%S+0800")
    lines = "".join(
        f"FT1|{place}|{number}-{place}-{kind}||{stamp}||{kind}|IBU300^布洛芬|||1|{yuan_text(fen)}&CNY\r"
        for place, fen in enumerate(amounts, 1)
    )
    told_as = control_id or f"H{number}"
    head = f"MSH|^~\\&|HIS|H|MENZHEN|H|20261130||DFT^P03^DFT_P03|{told_as}|P|2.5.1\r"
    return f"{head}EVN|P03\rPID|1||P1\r{lines}"


def batch(bookings: Iterable[str], *, sums: str = "") -> str:
    """The bookings between FHS and FTS, counted."""
    bookings = list(bookings)
    heads = "FHS|^~\\&|HIS|H\rBHS|^~\\&|HIS|H|MENZHEN|H|||DFT^P03|20261129\r"
    return heads + "".join(bookings) + f"BTS|{len(bookings)}||{sums}\rFTS|1\r"


@dataclass
class Files:
    """Hands out a day's file as it is, from whoever says no sum of it."""

    by_day: dict[date, bytes]

    def fetch(self, _kind: StatementKind, day: date, into: BinaryIO) -> str:
        if day not in self.by_day:
            raise StatementAbsent
        into.write(self.by_day[day])
        return ""
