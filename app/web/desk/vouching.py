"""What the registration desk vouches for: who somebody is (实名), and that a child's guardian has signed."""

from __future__ import annotations

from flask import flash, redirect, request, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _l

from app.identity import for_staff as people
from app.identity import guardians, proofs
from app.identity.errors import GuardianConsentNeeded
from app.identity.models import IdentityProof, Patient
from app.kernel.uow import Uow
from app.web import consent_words, edge, show, work
from app.web.desk import NURSE, REGISTRAR, blueprint

# What somebody shows; the word is what the audit trail keeps.
DOCUMENTS: dict[str, object] = {
    "id_card": _l("居民身份证原件"),
    "household_register": _l("户口簿"),
    "birth_certificate": _l("出生医学证明"),
    "passport": _l("护照或通行证"),
    "officer_card": _l("军官证或士兵证"),
}


def vouched(uow: Uow, patient: Patient) -> dict[str, object]:
    """What the patient's page at the desk says of both, with the forms to change it."""
    ref = patient.public_id
    return {
        "proof": show.proof_tag(patient.proof),
        "is_proven": patient.proof != IdentityProof.UNVERIFIED,
        "documents": [(word, str(words)) for word, words in DOCUMENTS.items()],
        "prove": url_for("desk.prove", patient_id=ref),
        "take_back": url_for("desk.take_back_proof", patient_id=ref),
        "consent": consent_words.told(uow, patient),
        "asked": consent_words.asked_for(),
        "give": url_for("desk.record_consent", patient_id=ref),
        "withdraw": url_for("desk.withdraw_consent", patient_id=ref),
    }


def _back_to(patient_id: str) -> edge.Answer:
    return redirect(url_for("desk.at_window", patient_id=patient_id))


@blueprint.post("/patients/<patient_id>/proof")
@work.needs(NURSE, REGISTRAR)
def prove(patient_id: str) -> edge.Answer:
    """The person was seen with a document and is verified; refuses `reason_required` for an unknown one."""
    uow = edge.current_uow()
    shown = work.one_of(work.typed("document", 24), DOCUMENTS)
    proofs.prove_at_desk(uow, people.patient_by_public_id(uow, patient_id), reason=shown)
    flash(gettext("已实名核验"), "ok")
    return _back_to(patient_id)


@blueprint.post("/patients/<patient_id>/proof/take-back")
@work.needs(NURSE, REGISTRAR)
def take_back_proof(patient_id: str) -> edge.Answer:
    """The person is verified no longer, for a reason that is kept; refuses `reason_required`."""
    uow = edge.current_uow()
    patient = people.patient_by_public_id(uow, patient_id)
    proofs.take_back(uow, patient, reason=work.typed("reason", 120))
    flash(gettext("已撤销实名核验"), "warn")
    return _back_to(patient_id)


@blueprint.post("/patients/<patient_id>/consent")
@work.needs(NURSE, REGISTRAR)
def record_consent(patient_id: str) -> edge.Answer:
    """A paper that the guardian has signed is on record; refuses `guardian_consent_needed` without its tick."""
    uow = edge.current_uow()
    said = consent_words.read(request.form)
    if said is None:
        raise GuardianConsentNeeded
    guardians.give(uow, people.patient_by_public_id(uow, patient_id), said)
    flash(gettext("已记录监护人同意"), "ok")
    return _back_to(patient_id)


@blueprint.post("/patients/<patient_id>/consent/withdraw")
@work.needs(NURSE, REGISTRAR)
def withdraw_consent(patient_id: str) -> edge.Answer:
    """The guardian has taken the consent back; what was booked stands."""
    uow = edge.current_uow()
    guardians.withdraw(uow, people.patient_by_public_id(uow, patient_id))
    flash(gettext("已撤回监护人同意"), "ok")
    return _back_to(patient_id)
