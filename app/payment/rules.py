"""What payment decides without looking anything up."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from app.payment.errors import TenderNotValid
from app.payment.models import BillLine, PayMethod, Purpose

ORDER_MINUTES = 30
# WeChat Pay takes no order that lapses within a minute (直连商户 JSAPI 下单, time_expire).
SHORTEST_LIFE = timedelta(seconds=90)

WINDOW = "window"  # the provider of what is paid to a cashier
MOST_TENDERED_FEN = 1_000_000_00
_TERMINAL_NO = re.compile(r"[0-9A-Za-z]{1,16}", re.ASCII)
_SLIP_NO = re.compile(r"[0-9]{1,12}", re.ASCII)

# Shown to the payer by the provider, so it names the fee and nothing of the illness or the department.
DESCRIPTIONS = {Purpose.REGISTRATION: "门诊挂号费", Purpose.PRESCRIPTION: "门诊药费"}

REFUND_WORDS = {
    "late": "付款超时，费用退回",
    "surplus": "重复付款，费用退回",
    "too_late": "号源已释放，费用退回",
    "cancelled": "预约已取消，费用退回",
    "voided": "处方已作废，费用退回",
    "not_settled": "医保结算未成功，费用退回",
    "by_staff": "部分费用退回",
}


def expiry(now: datetime, hold_ends_at: datetime | None) -> datetime:
    """When an order made `now` stops being payable: after 30 minutes, or with the hold if that ends sooner."""
    latest = now + timedelta(minutes=ORDER_MINUTES)
    return min(latest, hold_ends_at) if hold_ends_at else latest


def lapse(wall_now: datetime, now: datetime, expires_at: datetime) -> datetime:
    """`expires_at` of the hospital's clock in the provider's time: whole seconds, never under its shortest life."""
    return (wall_now + max(expires_at - now, SHORTEST_LIFE)).replace(microsecond=0)


def live_key(provider: str, method: PayMethod, account_id: int | None) -> str:
    """Who is asked, where and how; a code belongs to whoever scans it, any other order to one payer."""
    how = method.value if provider == "wechat" else f"{provider}:{method}"
    return how if method is PayMethod.NATIVE else f"{how}:{account_id}"


def refund_topic(provider: str) -> str:
    """Under what refunds wait for their provider, so that one that is away holds up none of another's."""
    return f"refund.{provider}"


@dataclass(frozen=True)
class Tender:
    """What is handed over at the window: cash, or a card's payment on the terminal with its slip number 凭证号."""

    method: PayMethod
    tendered_fen: int = 0
    terminal_no: str = ""
    slip_no: str = ""


def check_tender(tender: Tender, amount_fen: int) -> None:
    """Passes what pays `amount_fen`; refuses `tender_not_valid` (`too_little`, `too_much`, `slip`, `method`)."""
    if tender.method is PayMethod.CASH:
        if tender.tendered_fen < amount_fen:
            raise TenderNotValid(why="too_little")
        if tender.tendered_fen > MOST_TENDERED_FEN:
            raise TenderNotValid(why="too_much")
    elif tender.method is PayMethod.CARD:
        check_slip(tender)
    else:
        raise TenderNotValid(why="method")


def check_slip(tender: Tender) -> None:
    """Passes a terminal's and a slip's number as they are printed; refuses `tender_not_valid` (`slip`)."""
    if not _TERMINAL_NO.fullmatch(tender.terminal_no) or not _SLIP_NO.fullmatch(tender.slip_no):
        raise TenderNotValid(why="slip")


def slip_reference(tender: Tender, day: date) -> str:
    """A slip's name among all payments: slips of one terminal begin anew, but not within a day."""
    return f"P{tender.terminal_no}-{day:%y%m%d}-{int(tender.slip_no)}"


PAYERS = ("fund_fen", "other_fen", "account_fen", "cash_fen")


@dataclass(frozen=True)
class Part:
    """So many pieces of a bill's line with what each payer bore of them."""

    line_no: int
    quantity: int
    fund_fen: int
    other_fen: int
    account_fen: int
    cash_fen: int

    @property
    def insured_fen(self) -> int:
        """What insurance bore, the personal account included."""
        return self.fund_fen + self.other_fen + self.account_fen


def part_of(line: BillLine, quantity: int) -> Part:
    """The next `quantity` pieces of the line to go back.

    Each payer's share follows the pieces that are back by then, rounded down; the last piece gives back all that is
    left, so that all together give back exactly what was paid, in however many steps.
    """
    before, after = line.refunded_quantity, line.refunded_quantity + quantity
    if after == line.quantity:
        return Part(line.line_no, quantity, **left_of(line))
    shares = {
        payer: getattr(line, payer) * after // line.quantity - getattr(line, payer) * before // line.quantity
        for payer in PAYERS
    }
    return Part(line.line_no, quantity, **shares)


def left_of(line: BillLine) -> dict[str, int]:
    """What each payer still bears of the line, by the line's columns."""
    return {payer: getattr(line, payer) - getattr(line, f"refunded_{payer}") for payer in PAYERS}
