"""The cashier's pages: find who pays, take cash or a card's slip, hand back what was refunded, print the receipt."""

from __future__ import annotations

from collections.abc import Callable

from flask import flash, redirect, request, url_for
from flask_babel import gettext

from app.identity import finding, for_staff
from app.identity import service as identity
from app.identity.models import Patient
from app.identity.rules import mask_id_number
from app.insurance import consents
from app.insurance import service as insurance
from app.insurance.errors import SplitChanged
from app.kernel import audit
from app.kernel.uow import Uow
from app.paper.receipt import ReceiptPaper, render_receipt
from app.payment import cashier as till
from app.payment import service as payment
from app.payment import shifts
from app.payment.models import Bill, CashierEntry, PaymentOrder, PayMethod, Refund
from app.payment.rules import Tender
from app.payment.states import BillState
from app.registration import service as registration
from app.registration.visit_code import read_digits
from app.runtime import runtime
from app.web import edge, paper_words, show, show_work, work
from app.web.printing import printed
from app.web.window import CASHIER, PLACE, blueprint
from app.web.window.amounts import MISTYPED, Flaws, amount, flaws_of

MOST_SEARCHES_PER_HOUR = 300


@blueprint.get("/cashier")
@work.needs(CASHIER)
def cashier() -> edge.Answer:
    """The box for the visit's code and the field for a number; without a shift, the way to begin one."""
    return work.page("window/cashier.html", PLACE, shift=shifts.standing(edge.current_uow()))


@blueprint.post("/cashier/find")
@work.needs(CASHIER)
def find_payer() -> edge.Answer:
    """Leads to whoever the visit's code, or a visit's, hospital's or identity number names; the search is on record."""
    edge.limit("window.payer", edge.actor().ref, at_most=MOST_SEARCHES_PER_HOUR, window_seconds=3600)
    uow, number = edge.current_uow(), work.typed("digits", 64).upper()
    found = _named(uow, number)
    audit.record(
        uow, "patient.search", "patient", found.public_id if found else "", outcome="ok" if found else "not_found"
    )
    if found is None:
        flash(gettext("没有这个号码的患者"), "warn")
        return redirect(url_for("window.cashier"))
    return redirect(url_for("window.payer", patient_id=found.public_id))


def _named(uow: Uow, number: str) -> Patient | None:
    visit = registration.registration_by_visit_number(uow, read_digits(number) or number)
    if visit is not None:
        return for_staff.patient_by_id(uow, visit.patient_id)
    named = finding.find(uow, finding.Wanted(number=number)) if number else []
    return named[0] if len(named) == 1 else None


@blueprint.get("/cashier/patients/<patient_id>")
@work.needs(CASHIER)
def payer(patient_id: str) -> edge.Answer:
    """The patient's bills, those to be paid first, and what waits here to be handed back; the look is on record."""
    return _payer_page(for_staff.patient_by_public_id(edge.current_uow(), patient_id))


def _payer_page(found: Patient, flaws: Flaws | None = None) -> str:
    uow = edge.current_uow()
    return work.page(
        "window/payer.html",
        PLACE,
        typed=request.form,
        flaws=flaws or {},
        banner=_banner(uow, found),
        bills=[_row(bill) for bill in till.bills_of_patient(uow, found.id)],
        refunds=[_refund(refund, order) for refund, order in till.refunds_at_window(uow, found.id)],
        waiting=till.waiting_for_insurer(uow, found.id),
        shift=shifts.standing(uow),
    )


def _banner(uow: Uow, patient: Patient) -> dict[str, object]:
    number = identity.id_number_of(uow, patient)
    return work.patient_banner(uow, patient, mask_id_number(number) if number else "")


def _row(bill: Bill) -> dict[str, object]:
    return {
        "title": str(show_work.PURPOSES[bill.purpose]),
        "at": show.moment(bill.opened_at),
        "amount": show.yuan(bill.cash_fen),
        "tag": {"kind": show.state_kind(bill.state), "words": show.state_words(bill.state)},
        "href": url_for("window.bill", bill_id=bill.public_id),
    }


def _refund(refund: Refund, order: PaymentOrder) -> dict[str, object]:
    return {
        "title": str(show_work.REFUND_REASONS.get(refund.reason, refund.reason)),
        "amount": show.yuan(refund.amount_fen),
        "is_card": order.method is PayMethod.CARD,
        "href": url_for("window.hand_back", refund_id=refund.public_id),
    }


@blueprint.get("/cashier/bills/<bill_id>")
@work.needs(CASHIER)
def bill(bill_id: str) -> edge.Answer:
    """One bill line by line, and while it is open the two ways to pay it here."""
    return _bill_page(bill_id)


def _bill_page(bill_id: str, flaws: Flaws | None = None) -> str:
    uow = edge.current_uow()
    found = till.bill_for_window(uow, bill_id)
    patient = for_staff.patient_by_id(uow, found.patient_id)
    return work.page(
        "window/bill.html",
        PLACE,
        typed=request.form,
        flaws=flaws or {},
        banner=_banner(uow, patient),
        bill=_row(found),
        bill_id=bill_id,
        is_open=found.state == BillState.OPEN,
        is_free=found.cash_fen == 0,
        lines=[_line(line) for line in payment.lines_of(uow, found.id)],
        uncovered=_uncovered(uow, found),
        to_agree=_to_agree(uow, found),
        back=url_for("window.payer", patient_id=patient.public_id),
        shift=shifts.standing(uow),
    )


def _to_agree(uow: Uow, found: Bill) -> str:
    """What the patient must be told is not covered, and agree to, before it is charged."""
    split = insurance.split_of(uow, found.split_id)
    waiting = consents.without_consent(uow, split) if split and found.state == BillState.OPEN else []
    return show.listed(f"{line.drug_name} {show.yuan(line.amount_fen)}" for line in waiting)


def _uncovered(uow: Uow, found: Bill) -> str:
    """The drugs that no insurance covers and nobody has agreed to pay yet."""
    split = insurance.split_of(uow, found.split_id) if found.state == BillState.OPEN else None
    return show.listed(line.drug_name for line in consents.without_consent(uow, split)) if split else ""


@blueprint.post("/cashier/bills/<bill_id>/agree")
@work.needs(CASHIER)
def agree(bill_id: str) -> edge.Answer:
    """The patient at the window agrees to pay what no insurance covers; the cashier who heard it is on record."""
    uow = edge.current_uow()
    split = insurance.split_of(uow, till.bill_for_window(uow, bill_id).split_id)
    if split is not None:
        consents.agree(uow, split)
    return redirect(url_for("window.bill", bill_id=bill_id))


def _line(line: object) -> dict[str, str]:
    facts = vars(line)
    return {
        "name": facts["name"],
        "spec": f"{facts['spec']} × {facts['quantity']} {facts['unit']}".strip(" ×"),
        "amount": show.yuan(facts["amount_fen"]),
        "insurance": show.yuan(facts["fund_fen"] + facts["other_fen"]),
        "self": show.yuan(facts["account_fen"] + facts["cash_fen"]),
    }


@blueprint.post("/cashier/bills/<bill_id>/cash")
@work.needs(CASHIER)
def take_cash(bill_id: str) -> edge.Answer:
    """Cash was handed over: the bill is paid, and the page says what to give back."""
    return _take(bill_id, lambda: Tender(PayMethod.CASH, amount("tendered")))


@blueprint.post("/cashier/bills/<bill_id>/card")
@work.needs(CASHIER)
def take_card(bill_id: str) -> edge.Answer:
    """The card terminal printed its slip: the bill is paid by it."""
    return _take(bill_id, _slip)


def _slip() -> Tender:
    return Tender(PayMethod.CARD, 0, work.typed("terminal_no", 16), work.typed("slip_no", 12))


def _take(bill_id: str, handed_over: Callable[[], Tender]) -> edge.Answer:
    if work.typed("consent", 4) == "yes":
        uow = edge.current_uow()
        split = insurance.split_of(uow, till.bill_for_window(uow, bill_id).split_id)
        if split is not None:
            consents.agree(uow, split)
    edge.finish_unit()
    try:
        taken = till.take(runtime().units, edge.actor(), bill_id, handed_over())
    except MISTYPED as error:
        return _bill_page(bill_id, flaws_of(error)), 422
    except SplitChanged as changed:
        flash(gettext("医保金额有变，请按新的金额收费"), "warn")
        return redirect(url_for("window.bill", bill_id=changed.facts["bill"]))
    if not taken.entry_public_id:
        flash(gettext("无需付款，已确认"), "ok")
        return redirect(url_for("window.bill", bill_id=bill_id))
    return redirect(url_for("window.receipt", entry_id=taken.entry_public_id))


@blueprint.post("/cashier/refunds/<refund_id>/hand-back")
@work.needs(CASHIER)
def hand_back(refund_id: str) -> edge.Answer:
    """The refund is in the patient's hands, or back on the card by the terminal's slip."""
    try:
        entry = till.hand_back(edge.current_uow(), refund_public_id=refund_id, tender=_slip())
    except MISTYPED as error:
        edge.drop_unit()
        patient_id = till.payee(edge.current_uow(), refund_id)
        return _payer_page(for_staff.patient_by_id(edge.current_uow(), patient_id), flaws_of(error)), 422
    return redirect(url_for("window.receipt", entry_id=entry.public_id))


@blueprint.get("/cashier/receipts/<entry_id>")
@work.needs(CASHIER)
def receipt(entry_id: str) -> edge.Answer:
    """What was taken and what to give back, in large figures, and the receipt to print."""
    uow = edge.current_uow()
    entry, order, paid = till.receipt_of(uow, entry_id)
    patient = for_staff.patient_by_id(uow, paid.patient_id)
    is_cash = entry.method is PayMethod.CASH
    return work.page(
        "window/receipt.html",
        PLACE,
        banner=_banner(uow, patient),
        is_back=entry.amount_fen < 0,
        amount=show.yuan(abs(entry.amount_fen)),
        change=show.yuan(entry.change_fen) if is_cash and entry.amount_fen > 0 else "",
        facts=_facts(entry, order),
        pdf_href=url_for("window.receipt_pdf", entry_id=entry_id),
        bill_href=url_for("window.bill", bill_id=paid.public_id),
        back=url_for("window.payer", patient_id=patient.public_id),
    )


def _facts(entry: CashierEntry, order: PaymentOrder) -> list[dict[str, str]]:
    rows = [
        (gettext("收费单号"), order.out_trade_no),
        (gettext("方式"), str(show_work.METHODS[entry.method])),
        (gettext("时间"), show_work.exact(entry.made_at)),
    ]
    if entry.method is PayMethod.CARD:
        rows += [(gettext("终端号"), entry.terminal_no), (gettext("凭证号"), entry.slip_no)]
    elif entry.amount_fen > 0:
        rows += [(gettext("收到"), show.yuan(entry.tendered_fen)), (gettext("找零"), show.yuan(entry.change_fen))]
    return [{"label": label, "value": value} for label, value in rows]


@blueprint.get("/cashier/receipts/<entry_id>.pdf")
@work.needs(CASHIER)
def receipt_pdf(entry_id: str) -> edge.Answer:
    """The receipt as a PDF for a printer with paper of 80 mm; refuses `pdf_unavailable`."""
    uow = edge.current_uow()
    entry, order, paid = till.receipt_of(uow, entry_id)
    patient = for_staff.patient_by_id(uow, paid.patient_id)
    clerk = for_staff.colleague(uow)
    with paper_words.of_hospital():
        paper = ReceiptPaper(
            hospital=runtime().settings.hospital_name,
            is_back=entry.amount_fen < 0,
            payer=patient.name_masked,
            purpose=str(show_work.PURPOSES[paid.purpose]),
            amount_fen=abs(entry.amount_fen),
            facts=tuple((row["label"], row["value"]) for row in _facts(entry, order)),
            cashier=clerk.name if clerk else "",
        )
    return work.pdf(printed(lambda: render_receipt(paper)), f"receipt-{entry_id}")
