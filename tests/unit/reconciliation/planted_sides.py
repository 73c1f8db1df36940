"""The same day as Alipay, the insurer and the hospital system tell it, with every difference that each can have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import BinaryIO

from sqlalchemy import func, insert, select

from app.insurance import covering
from app.insurance.models import Settlement, Split, SplitSource
from app.insurance.rules import Usage
from app.insurance.states import SettlementState, SplitState
from app.kernel.ids import new_public_id
from app.kernel.uow import Uow
from app.payment.models import Bill, PaymentOrder, Refund
from app.payment.states import RefundState
from app.prescription.models import Prescription, PrescriptionKind, PrescriptionSource
from app.prescription.states import PrescriptionState
from app.reconciliation.ports import DayTotals, Settled
from app.reconciliation.states import CaseKind, CaseState, Subject
from tests.unit.reconciliation.planted import Day, Found
from tests.unit.reconciliation.statements import alipay_row, batch, booking, packed, payment, refund

TOTAL_FEN, FUND_FEN, ACCOUNT_FEN = 10_000, 6_000, 1_000


def plant_alipay(day: Day, *, open_here: tuple[str, int]) -> tuple[list[str], Found]:
    """Rows of Alipay's statement, and what each must be found as; `open_here` is an order nobody told us was paid."""
    noon, last = day.begins + timedelta(hours=12), day.ends - timedelta(seconds=30)
    first = day.ends + timedelta(seconds=30)
    found: Found = {}

    def expect(number: str, kind: CaseKind, state: CaseState = CaseState.OPEN) -> None:
        found[Subject.REFUND if number.startswith("rf") else Subject.PAYMENT, number] = (kind, state)

    rows = [alipay_row(*open_here, noon)]
    expect(open_here[0], CaseKind.OPEN_HERE, CaseState.REPAIRED)
    unknown, missing = day.number("mz"), day.order(noon, provider="alipay")
    rows.append(alipay_row(unknown, 2500, noon))
    expect(unknown, CaseKind.ONLY_THERE)
    expect(missing, CaseKind.ONLY_HERE)
    differs, twice = day.order(noon, provider="alipay"), day.order(noon, provider="alipay")
    rows += [
        alipay_row(differs, 2501, noon),
        alipay_row(twice, 2500, noon),
        alipay_row(twice, 2500, last).replace("2026112922001", "2026112922009"),
    ]
    expect(differs, CaseKind.AMOUNT_DIFFERS)
    expect(twice, CaseKind.TWICE_THERE)
    told_today, told_tomorrow = day.order(first, provider="alipay"), day.order(last, provider="alipay")
    rows.append(alipay_row(told_today, 2500, last))
    expect(told_today, CaseKind.OTHER_DAY, CaseState.EXPLAINED)
    expect(told_tomorrow, CaseKind.OTHER_DAY, CaseState.WAITING)
    agreed = day.refund(RefundState.SUCCEEDED, noon, provider="alipay")
    under_way = day.refund(RefundState.SENT, None, provider="alipay")
    lost = day.refund(RefundState.SUCCEEDED, noon, provider="alipay")
    rows += [alipay_row("mzold", 700, noon, refund_no=number) for number in (agreed, under_way)]
    expect(under_way, CaseKind.OPEN_HERE)
    expect(lost, CaseKind.ONLY_HERE)
    return rows, found


@dataclass
class Books:
    """The insurer's own books, kept apart from ours, and its way to compare (see `app.couriers.fsi_statements`).

    `standing` is {setl_id: (msgid, kind of insurance, total, fund, account)}.
    """

    standing: dict[str, tuple[str, str, int, int, int]] = field(default_factory=dict)

    def is_equal(self, ours: DayTotals) -> bool:
        rows = [row for row in self.standing.values() if row[1] == ours.insutype]
        sums = (len(rows), *(sum(row[place] for row in rows) for place in (2, 3, 4)))
        return sums == (ours.count, ours.total_fen, ours.fund_fen, ours.account_fen)

    def pack(self, settled: Iterable[Settled], into: BinaryIO) -> None:
        into.writelines(
            f"{each.setl_id} {each.total_fen} {each.fund_fen} {each.account_fen}\n".encode() for each in settled
        )

    def differences(self, _ours: DayTotals, packed_rows: BinaryIO, into: BinaryIO) -> None:
        packed_rows.seek(0)
        told = {row.split()[0].decode(): tuple(int(text) for text in row.split()[1:]) for row in packed_rows}
        into.write(packed(result="".join(self._lines(told)).encode()))

    def _lines(self, told: dict[str, tuple[int, ...]]) -> Iterator[str]:
        for setl_id in sorted({*told, *self.standing}):
            msgid, _, *amounts = self.standing.get(setl_id, ("null", "", *told.get(setl_id, ())))
            if setl_id not in self.standing:
                result = "2"
            elif setl_id not in told:
                result = "1"
            elif tuple(amounts) != told[setl_id]:
                result = "000103"
            else:
                continue
            yuan = "\t".join(f"{fen // 100}.{fen % 100:02d}" for fen in amounts)
            yield f"P1\tV1\t{setl_id}\t{msgid}\t{result}\t000\tnull\t{yuan}\n"


@dataclass
class Insured:
    """Settlements of the day in our books, and the insurer's."""

    day: Day
    books: Books = field(default_factory=Books)
    _coverage_id: int = 0

    def settle(
        self, count: int, *, at: datetime, state: SettlementState = SettlementState.SETTLED, kind: str = "310"
    ) -> list[tuple[str, str]]:
        """So many settlements stand in both books; gives each one's batch and settlement number."""
        made: list[tuple[str, str]] = []
        with self.day.units.open() as uow:
            prescription_id, split_id = (
                (uow.session.scalar(select(func.max(kept.id))) or 0) + 1 for kept in (Prescription, Split)
            )
            coverage_id = self._coverage(uow)
            is_settled = state is SettlementState.SETTLED
            facts = []
            for place in range(count):
                batch_no, setl_id = new_public_id(), self.day.number("S")
                message_id = self.day.number("H")[:30]
                made.append((batch_no, setl_id))
                self.books.standing[setl_id] = (message_id, kind, TOTAL_FEN, FUND_FEN, ACCOUNT_FEN)
                told = setl_id if is_settled else None
                facts.append((prescription_id + place, split_id + place, batch_no, told, message_id))
            patient_id = self.day.who.patient.id
            uow.session.execute(insert(Prescription), [_prescription(key, patient_id, at) for key, *_ in facts])
            uow.session.execute(
                insert(Split), [_split(key, rx, patient_id, coverage_id, at, is_settled) for rx, key, *_ in facts]
            )
            uow.session.execute(
                insert(Settlement),
                [
                    _settlement(rx, key, patient_id, coverage_id, batch_no, at)
                    | {"setl_id": setl_id, "message_id": message_id, "state": state, "insutype": kind}
                    | {"settled_at": at if is_settled else None}
                    for rx, key, batch_no, setl_id, message_id in facts
                ],
            )
        return made

    def _coverage(self, uow: Uow) -> int:
        if not self._coverage_id:
            self._coverage_id = covering.bind_coverage(
                uow, patient_id=self.day.who.patient.id, policy_code="resident", member_no="M00000001", usage=Usage()
            ).id
        return self._coverage_id


def _prescription(key: int, patient_id: int, at: datetime) -> dict[str, object]:
    return {
        "id": key,
        "public_id": new_public_id(),
        "number": f"P{key}",
        "version": 1,
        "issuer": "desk",
        "source": PrescriptionSource.DESK,
        "kind": PrescriptionKind.ORDINARY,
        "patient_id": patient_id,
        "prescriber_code": "D1",
        "prescriber_name": "张伟",
        "department_name": "消化内科",
        "diagnosis_sealed": "",
        "content_index": "",
        "total_fen": TOTAL_FEN,
        "state": PrescriptionState.PAID,
        "issued_at": at,
        "received_at": at,
        "valid_until": at + timedelta(days=3),
    }


def _split(key: int, rx: int, patient_id: int, coverage_id: int, at: datetime, is_settled: bool) -> dict[str, object]:
    cash_fen = TOTAL_FEN - FUND_FEN - ACCOUNT_FEN
    return {
        "id": key,
        "public_id": new_public_id(),
        "prescription_id": rx,
        "patient_id": patient_id,
        "coverage_id": coverage_id,
        "policy_code": "resident",
        "source": SplitSource.INSURER,
        "year": at.year,
        "state": SplitState.SETTLED if is_settled else SplitState.VOID,
        "made_at": at,
        "total_fen": TOTAL_FEN,
        **dict.fromkeys(("full_self_fen", "over_limit_fen", "pre_self_fen", "deductible_fen", "other_fen"), 0),
        "in_scope_fen": TOTAL_FEN,
        "fund_fen": FUND_FEN,
        "account_fen": ACCOUNT_FEN,
        "cash_fen": cash_fen,
        "rules": [],
    }


def _settlement(
    rx: int, split_id: int, patient_id: int, coverage_id: int, batch_no: str, at: datetime
) -> dict[str, object]:
    return {
        "public_id": new_public_id(),
        "prescription_id": rx,
        "patient_id": patient_id,
        "coverage_id": coverage_id,
        "coverage_version": 1,
        "split_id": split_id,
        "batch_no": batch_no,
        "mdtrt_id": "V1",
        "due_at": at,
        "asked_at": at,
    }


def plant_insurer(insured: Insured, *, ordinary: int) -> Found:
    """Every difference with the insurer among so many that both know alike."""
    day, books = insured.day, insured.books
    noon = day.begins + timedelta(hours=12)
    insured.settle(ordinary, at=noon)
    insured.settle(1, at=noon, kind="390")
    (gone, gone_id), (dearer, dearer_id), (moved, moved_id) = insured.settle(3, at=noon)
    ((unknown, _),) = insured.settle(1, at=noon, state=SettlementState.UNDOING)
    # 23:59 here and 00:01 there, and the other way round.
    ((told_tomorrow, tomorrow_id),) = insured.settle(1, at=day.ends - timedelta(seconds=30))
    ((told_today, _),) = insured.settle(1, at=day.ends + timedelta(seconds=30))
    del books.standing[gone_id], books.standing[tomorrow_id]
    message_id, kind, total, fund, account = books.standing[dearer_id]
    books.standing[dearer_id] = (message_id, kind, total, fund + 1, account)
    # The patient's own part and the total moved together: insurance bears the same, and still both sides differ.
    message_id, kind, total, fund, account = books.standing[moved_id]
    books.standing[moved_id] = (message_id, kind, total + 5, fund, account)
    books.standing["S0strange"] = ("Hstrange", "310", TOTAL_FEN, FUND_FEN, ACCOUNT_FEN)
    return {
        (Subject.SETTLEMENT, gone): (CaseKind.ONLY_HERE, CaseState.OPEN),
        (Subject.SETTLEMENT, dearer): (CaseKind.AMOUNT_DIFFERS, CaseState.OPEN),
        (Subject.SETTLEMENT, moved): (CaseKind.DISPUTED, CaseState.OPEN),
        (Subject.SETTLEMENT, unknown): (CaseKind.OPEN_HERE, CaseState.OPEN),
        (Subject.SETTLEMENT, "S0strange"): (CaseKind.ONLY_THERE, CaseState.OPEN),
        (Subject.SETTLEMENT, told_tomorrow): (CaseKind.OTHER_DAY, CaseState.WAITING),
        (Subject.SETTLEMENT, told_today): (CaseKind.OTHER_DAY, CaseState.EXPLAINED),
    }


def plant_hospital(day: Day) -> tuple[bytes, Found]:
    """The hospital system's books of the day: all that we told, but for one of each kind of difference.

    What it differs in was paid by WeChat Pay, whose trade bill has it, too.
    """
    noon = day.begins + timedelta(hours=12)
    for _ in range(4):
        day.trade.append(payment(day.order(noon), 2500, noon))
    day.trade.append(refund(day.refund(RefundState.SUCCEEDED, noon), 700, noon))
    with day.units.open(reads_only=True) as uow:
        in_day = (Bill.paid_at >= day.begins, Bill.paid_at < day.ends)
        paid = list(
            uow.session.execute(select(Bill.public_id, Bill.total_fen, Bill.paid_at).where(*in_day).order_by(Bill.id))
        )
        back = list(
            uow.session.execute(
                select(Refund.public_id, Refund.amount_fen, Refund.finished_at)
                .join(PaymentOrder, PaymentOrder.id == Refund.payment_order_id)
                .where(Refund.state == RefundState.SUCCEEDED, PaymentOrder.settles_bill)
                .where(Refund.finished_at >= day.begins, Refund.finished_at < day.ends)
                .order_by(Refund.id)
            )
        )
    (lost, *_), (changed, changed_fen, at), (doubled, doubled_fen, _) = paid[-3:]
    (lost_back, *_) = back[-1]
    told = [booking(number, fen, at=paid_at) for number, fen, paid_at in paid[:-3]]
    told += [booking(number, fen, at=done_at, kind="CD") for number, fen, done_at in back[:-1]]
    told += [booking(changed, changed_fen + 1, at=at)]
    told += [booking(doubled, doubled_fen, at=at), booking(doubled, doubled_fen, at=at, control_id="Hagain")]
    told += [booking("OWN1", 900, at=noon).replace("OWN1-1-PY", "OWN1")]
    return batch(told).encode(), {
        (Subject.PAYMENT, lost): (CaseKind.ONLY_HERE, CaseState.OPEN),
        (Subject.REFUND, lost_back): (CaseKind.ONLY_HERE, CaseState.OPEN),
        (Subject.PAYMENT, changed): (CaseKind.AMOUNT_DIFFERS, CaseState.OPEN),
        (Subject.PAYMENT, doubled): (CaseKind.TWICE_THERE, CaseState.OPEN),
        (Subject.PAYMENT, "OWN1"): (CaseKind.ONLY_THERE, CaseState.OPEN),
    }
