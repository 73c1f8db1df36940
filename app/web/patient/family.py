"""For whom the account acts: oneself and family members, bound by identity card."""

from __future__ import annotations

from collections.abc import Mapping

from flask import flash, redirect, render_template, request, session, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _l

from app.identity import service as identity
from app.identity.errors import (
    BadIdNumber,
    BadName,
    CannotBind,
    ConsentTextChanged,
    GuardianConsentNeeded,
    GuardianNameMissing,
    IdentityConflict,
    TooManyPatients,
)
from app.identity.models import Patient, Relation
from app.identity.rules import age_on, mask_id_number
from app.kernel.errors import Refused
from app.kernel.uow import Uow
from app.web import consent_words, edge, show
from app.web.paths import lead_back, own_path
from app.web.patient import blueprint

CHOSEN = "patient"
# A refusal of binding, the field it speaks of, and its words.
FLAWS: dict[type[Refused], tuple[str, object]] = {
    BadName: ("name", _l("请填写证件上的姓名")),
    BadIdNumber: ("id_number", _l("身份证号码有误，请对照证件核对 18 位号码")),
    CannotBind: ("name", _l("信息与医院登记的不一致。请核对，或携带证件到窗口办理绑定")),
    IdentityConflict: ("id_number", _l("该证件号需要人工核对，请携带证件到窗口办理")),
    GuardianConsentNeeded: ("guardian", _l("就诊人未满 14 周岁，请由监护人填写并同意")),
    GuardianNameMissing: ("guardian", _l("请填写监护人证件上的姓名")),
    ConsentTextChanged: ("consent", _l("同意书有更新，请重新阅读并勾选")),
    TooManyPatients: ("name", _l("一个账号最多添加 6 位就诊人，请先解除不再需要的")),
}


def chosen_patient(uow: Uow) -> Patient | None:
    """The family member whose pages are shown: the one chosen last, else the first; None when nobody is bound."""
    bound = [patient for patient, _ in identity.patients_of(uow)]
    wanted = session.get(CHOSEN, "")
    return next((patient for patient in bound if patient.public_id == wanted), bound[0] if bound else None)


def names(uow: Uow) -> dict[int, str]:
    """The full names of everybody the account may act for, by the patient's key."""
    return {patient.id: identity.name_of(uow, patient) for patient, _ in identity.patients_of(uow)}


def switch_of(uow: Uow, patient: Patient) -> dict[str, str]:
    """The line at the top of a page that says whose it is and leads to the others."""
    return {"name": identity.name_of(uow, patient), "href": url_for("patient.patients")}


@blueprint.get("/patients")
def patients() -> edge.Answer:
    """Everybody the account may act for."""
    uow = edge.current_uow()
    current = chosen_patient(uow)
    rows = [
        {
            "public_id": patient.public_id,
            "title": show.with_note(identity.name_of(uow, patient), show.RELATIONS[relation]),
            "facts": _facts(uow, patient),
            "is_current": current is not None and patient.id == current.id,
            "proof": show.proof_tag(patient.proof),
            "consent": consent_words.told(uow, patient),
        }
        for patient, relation in identity.patients_of(uow)
    ]
    return render_template("patient/patients.html", patients=rows)


def _facts(uow: Uow, patient: Patient) -> str:
    age = gettext("%(years)s 岁", years=age_on(patient.birth_date, uow.today())) if patient.birth_date else ""
    number = mask_id_number(identity.id_number_of(uow, patient))
    return " · ".join(fact for fact in (str(show.SEXES[patient.sex]), age, number) if fact)


@blueprint.get("/patients/new")
def new_patient() -> edge.Answer:
    """The form that binds a person."""
    has_self = any(relation == Relation.SELF for _, relation in identity.patients_of(edge.current_uow()))
    relation = Relation.PARENT if has_self else Relation.SELF
    return _form({"relation": relation.value, "next": own_path(request.args.get("next", ""))})


def _form(typed: Mapping[str, str], flaw: tuple[str, str] = ("", ""), status: int = 200) -> edge.Answer:
    relations = [{"value": relation.value, "label": str(words)} for relation, words in show.RELATIONS.items()]
    errors = [{"field": flaw[0], "text": flaw[1]}] if flaw[1] else []
    asks_guardian = flaw[0] in {"guardian", "consent"} or "guardian" in typed
    return render_template(
        "patient/patient_new.html",
        typed=typed,
        relations=relations,
        errors=errors,
        error_of=dict([flaw]),
        consent=consent_words.asked_for() if asks_guardian else None,
    ), status


@blueprint.post("/patients")
def bind() -> edge.Answer:
    """The account acts for the person; ten tries an hour, so that nobody finds out by trying who is on record.

    For a child the form comes back once with what a guardian has to say.
    """
    edge.limit("bind", edge.actor().ref, at_most=10, window_seconds=3600)
    typed = {name: request.form.get(name, "") for name in ("name", "id_number", "relation", "next")}
    typed |= {name: request.form[name] for name in ("guardian", "guardianship") if name in request.form}
    relation = typed["relation"] if typed["relation"] in set(Relation) else Relation.OTHER.value
    try:
        patient = identity.bind_patient(
            edge.current_uow(),
            name=typed["name"],
            id_number=typed["id_number"],
            relation=Relation(relation),
            consent=consent_words.read(request.form),
        )
    except tuple(FLAWS) as refusal:
        edge.drop_unit()
        edge.note_refusal(refusal)
        field, words = FLAWS[type(refusal)]
        return _form(typed, (field, str(words)), refusal.http_status)
    session[CHOSEN] = patient.public_id
    flash(gettext("已添加就诊人"), "ok")
    return redirect(lead_back(typed["next"]) if own_path(typed["next"]) else url_for("patient.patients"))


@blueprint.post("/patients/<patient_id>/choose")
def choose_patient(patient_id: str) -> edge.Answer:
    """The pages show this family member from now on."""
    session[CHOSEN] = identity.patient_of_account(edge.current_uow(), patient_id).public_id
    return redirect(url_for("patient.home"))


@blueprint.get("/patients/<patient_id>/unbind")
def ask_unbind(patient_id: str) -> edge.Answer:
    """Asks whether the account shall really act no longer for the person."""
    uow = edge.current_uow()
    patient = identity.patient_of_account(uow, patient_id)
    return render_template(
        "patient/patient_unbind.html", name=identity.name_of(uow, patient), public_id=patient.public_id
    )


@blueprint.post("/patients/<patient_id>/unbind")
def unbind(patient_id: str) -> edge.Answer:
    """The account acts for the person no longer; what they booked stays."""
    identity.unbind_patient(edge.current_uow(), patient_id)
    flash(gettext("已解除绑定"), "ok")
    return redirect(url_for("patient.patients"))
