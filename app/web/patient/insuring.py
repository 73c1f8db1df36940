"""Insurance on the phone: by which card a family member is insured, and the choices when it cannot be settled by."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _l

from app.identity import service as identity
from app.identity.models import Patient
from app.insurance import binding, choosing, consents, covering, errors
from app.insurance import service as insurance
from app.insurance.models import Split
from app.kernel.errors import Refused, TryLater
from app.kernel.uow import Uow
from app.payment import service as payment
from app.prescription import service as prescriptions
from app.runtime import runtime
from app.web import edge, show
from app.web.patient import blueprint

LONGEST_LINE_NO = 6
KINDS = {
    binding.INSURANCE_CARD: (_l("医保卡"), _l("卡面上的卡号")),
    binding.TOKEN: (_l("医保电子凭证"), _l("凭证二维码下方的字符，五分钟内有效")),
}
FLAWS: dict[type[Refused | TryLater], object] = {
    errors.MemberNumberNotValid: _l("请填写 4 至 40 位字母或数字"),
    errors.CardNotAccepted: _l("医保中心没有找到这张卡或凭证，请核对后重试"),
    errors.CardOfAnother: _l("这张卡或凭证不是就诊人本人的"),
    errors.PolicyUnknown: _l("这种医保不能在线使用，请到窗口办理"),
    errors.InsurerUnavailable: _l("医保中心暂时没有回应，请稍后再试"),
    errors.CoverageBusy: _l("医保中心暂时没有回应，请稍后再试"),
}


@blueprint.get("/patients/<patient_id>/insurance")
def insurance_of(patient_id: str) -> edge.Answer:
    """How the family member is insured, and the form that changes it."""
    return _page(identity.patient_of_account(edge.current_uow(), patient_id))


def _page(patient: Patient, kind: str = binding.INSURANCE_CARD, flaw: str = "", status: int = 200) -> edge.Answer:
    uow = edge.current_uow()
    kinds = [{"value": value, "label": str(label), "note": str(note)} for value, (label, note) in KINDS.items()]
    return render_template(
        "patient/insurance.html",
        name=identity.name_of(uow, patient),
        public_id=patient.public_id,
        facts=_facts(uow, patient),
        can_bind=runtime().couriers.insurer is not None,
        kinds=kinds,
        kind=kind,
        typed=request.form.get("number", ""),
        errors=[{"field": "number", "text": flaw}] if flaw else [],
    ), status


def _facts(uow: Uow, patient: Patient) -> list[dict[str, str]]:
    coverage = covering.coverage_of(uow, patient.id)
    if coverage is None:
        return []
    policy = covering.policy_by_code(uow, coverage.policy_code)
    number = covering.member_no_of(uow, coverage)
    return [
        {"label": gettext("险种"), "value": show.in_language(policy.name, policy.name_en)},
        {"label": gettext("医保编号"), "value": f"…{number[-4:]}"},
        {"label": gettext("个人账户余额"), "value": show.yuan(coverage.account_balance_fen)},
    ]


@blueprint.post("/patients/<patient_id>/insurance")
def bind_insurance(patient_id: str) -> edge.Answer:
    """The insurer says who the card or token is; ten tries an hour."""
    edge.limit("insurance", edge.actor().ref, at_most=10, window_seconds=3600)
    patient = identity.patient_of_account(edge.current_uow(), patient_id)
    insurer, kind = runtime().couriers.insurer, request.form.get("kind", "")
    kind = kind if kind in KINDS else binding.INSURANCE_CARD
    edge.finish_unit()
    try:
        if insurer is None:
            raise errors.InsurerUnavailable
        binding.bind(runtime().units, insurer, edge.actor(), patient_id, kind, request.form.get("number", ""))
    except tuple(FLAWS) as refusal:
        edge.note_refusal(refusal)
        return _page(patient, kind, str(FLAWS[type(refusal)]), refusal.http_status)
    flash(gettext("医保已绑定"), "ok")
    return redirect(url_for("patient.insurance_of", patient_id=patient_id))


@blueprint.post("/prescriptions/<prescription_id>/insurance")
def ask_insurer_again(prescription_id: str) -> edge.Answer:
    """The insurer is asked anew what it would pay."""
    uow = edge.current_uow()
    choosing.ask_again(uow, prescriptions.of_account(uow, prescription_id))
    flash(gettext("正在重新向医保查询，好了会通知您"), "ok")
    return redirect(url_for("patient.prescription", prescription_id=prescription_id))


@blueprint.post("/prescriptions/<prescription_id>/self-pay")
def pay_all_oneself(prescription_id: str) -> edge.Answer:
    """The patient does not want to wait for insurance and pays all of it."""
    uow = edge.current_uow()
    choosing.pay_self(uow, prescriptions.of_account(uow, prescription_id))
    flash(gettext("已改为自费，请支付"), "ok")
    return redirect(url_for("patient.prescription", prescription_id=prescription_id))


@blueprint.get("/bills/<bill_id>/decline")
def ask_decline(bill_id: str) -> edge.Answer:
    """Asks whether the line that no insurance covers shall really be left out."""
    uow = edge.current_uow()
    split = insurance.split_of(uow, payment.bill_of_account(uow, bill_id).split_id)
    line = _asked_line(uow, split, request.args.get("line", ""))
    if line is None:
        return redirect(url_for("patient.bill", bill_id=bill_id))
    return render_template("patient/decline.html", bill_id=bill_id, line=line)


def _asked_line(uow: Uow, split: Split | None, asked: str) -> dict[str, object] | None:
    found = next((row for row in consents.uncovered(uow, split) if str(row.line_no) == asked), None) if split else None
    return {"line_no": asked, "name": found.drug_name, "amount": show.yuan(found.amount_fen)} if found else None


@blueprint.post("/bills/<bill_id>/decline")
def decline(bill_id: str) -> edge.Answer:
    """The line is left out, and the rest goes back to the pharmacist's review."""
    uow = edge.current_uow()
    split = insurance.split_of(uow, payment.bill_of_account(uow, bill_id).split_id)
    asked = request.form.get("line", "")
    if split is None or not asked.isdecimal() or len(asked) > LONGEST_LINE_NO:
        raise errors.LineNotOptional
    rest = choosing.decline(uow, split, int(asked))
    flash(gettext("已告诉医生您不要这个药"), "ok")
    if rest is None:
        return redirect(url_for("patient.bill", bill_id=bill_id))
    return redirect(url_for("patient.prescription", prescription_id=rest.public_id))
