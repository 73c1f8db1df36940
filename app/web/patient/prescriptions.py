"""A prescription as the patient reads it: the drugs, how to take them, and what becomes of it."""

from __future__ import annotations

from flask import render_template, url_for
from flask_babel import gettext

from app.insurance import cases, choosing
from app.insurance import service as insurance
from app.insurance.models import SplitSource
from app.insurance.states import SettlementState
from app.kernel.uow import Uow
from app.payment import service as payment
from app.payment.models import Purpose
from app.pharmacy import service as pharmacy
from app.prescription import service as prescriptions
from app.prescription.models import Prescription
from app.web import edge, show
from app.web.patient import blueprint, family
from app.web.patient.bills import lines_of_split


@blueprint.get("/prescriptions/<prescription_id>")
def prescription(prescription_id: str) -> edge.Answer:
    """One prescription."""
    uow = edge.current_uow()
    found = prescriptions.of_account(uow, prescription_id)
    return render_template(
        "patient/prescription.html",
        kind=show.state_kind(found.state),
        state=show.state_words(found.state),
        facts=_facts(uow, found),
        lines=[
            {
                "name": line.drug_name,
                "note": f"{show.amount_words(line.spec)} · {show.usage_words(line)}",
                "quantity": show.amount_words(f"{line.quantity} {line.unit}"),
            }
            for line in prescriptions.lines_of(uow, found.id)
        ],
        insured=_insured(uow, found),
        **_links(uow, found),
    )


def _insured(uow: Uow, found: Prescription) -> dict[str, object]:
    """Where the question to the insurer stands, and what the patient can do beside waiting; {} when nothing is open."""
    case = cases.newest_of(uow, found)
    if case is None or not choosing.is_payable(found):
        return {}
    split = insurance.live_split_of(uow, found)
    if split is not None and split.source is not SplitSource.ESTIMATE:
        return {}
    is_asking = case.state is SettlementState.WANTED
    under_way = {} if case.state in choosing.UNDER_WAY else _choices(found, is_asking=is_asking)
    return {
        "is_asking": is_asking,
        "is_clearing": case.state in choosing.UNDER_WAY,
        "estimate": lines_of_split(uow, split) if split else [],
        "amount": show.yuan(split.cash_fen) if split else "",
        **under_way,
    }


def _choices(found: Prescription, *, is_asking: bool) -> dict[str, str]:
    again = url_for("patient.ask_insurer_again", prescription_id=found.public_id)
    return {
        "again_href": "" if is_asking else again,
        "self_href": url_for("patient.pay_all_oneself", prescription_id=found.public_id),
    }


def _facts(uow: Uow, found: Prescription) -> list[dict[str, str]]:
    return [
        {"label": gettext("就诊人"), "value": family.names(uow)[found.patient_id]},
        {"label": gettext("处方号"), "value": found.number},
        {"label": gettext("开方"), "value": f"{found.department_name} {found.prescriber_name}"},
        {"label": gettext("时间"), "value": show.moment(found.issued_at)},
        {"label": gettext("诊断"), "value": prescriptions.diagnosis_of(uow, found).text},
        {"label": gettext("有效期至"), "value": show.last_day(found.valid_until)},
        {"label": gettext("金额"), "value": show.yuan(found.total_fen)},
    ]


def _links(uow: Uow, found: Prescription) -> dict[str, str]:
    bill = payment.newest_bill_of(uow, Purpose.PRESCRIPTION, found.id)
    bag = pharmacy.bag_of_prescription_of_account(uow, found.id)
    return {
        "bill_href": url_for("patient.bill", bill_id=bill.public_id) if bill else "",
        "pickup_href": url_for("patient.pickup", bag_id=bag.public_id) if bag and bag.window_code else "",
    }
