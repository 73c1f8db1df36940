"""A patient's insurance by their card or electronic token: the insurer is asked who that is before it is believed."""

from __future__ import annotations

from app.events import PatientInsured
from app.identity import service as identity
from app.insurance import claims, covering, errors
from app.insurance.models import Coverage
from app.insurance.policies import INSURED_AS, OUT_OF_TOWN
from app.insurance.ports import AnswerFlawed, Certificate, Insurer, InsurerAway, InsurerRefused, Person
from app.insurance.rules import Usage
from app.kernel.uow import Actor, Units

TOKEN, IDENTITY_CARD, INSURANCE_CARD = "01", "02", "03"


def bind(units: Units, insurer: Insurer, actor: Actor, patient_public_id: str, kind: str, number: str) -> None:
    """The patient of the asking account is insured as the insurer says (1101): policy, and what the account holds.

    A token is good once and for minutes, so what is kept for later is the identity number it stood for. Opens units of
    its own. Refuses NotFound, `member_no_not_valid`, `card_not_accepted`, `card_of_another`, `insurer_unavailable`,
    and `policy_unknown` for a kind of person that this house has no policy for.
    """
    with units.open(actor, reads_only=True) as uow:
        patient = identity.patient_of_account(uow, patient_public_id)
        covering.check_member_no(number)
        certificate = Certificate(kind, number.strip(), identity.name_of(uow, patient))
    try:
        person = insurer.identify(certificate)
    except InsurerRefused:
        raise errors.CardNotAccepted from None
    except (InsurerAway, AnswerFlawed):
        raise errors.InsurerUnavailable from None
    with units.open(actor) as uow:
        if not claims.is_patient(uow, patient.id, person):
            raise errors.CardOfAnother
        is_card = kind != TOKEN
        covering.bind_coverage(
            uow,
            patient_id=patient.id,
            policy_code=policy_of(person),
            member_no=number if is_card else person.id_number,
            usage=_usage(covering.coverage_of(uow, patient.id), uow.today().year, person),
            certificate_kind=kind if is_card else IDENTITY_CARD,
        )
        uow.publish(PatientInsured(patient.id))


def policy_of(person: Person) -> str:
    """Under which of our policies the insurer's person is estimated; '' for a kind we have none for."""
    return INSURED_AS.get((person.insutype, person.psn_type), "") if person.is_local else OUT_OF_TOWN


def _usage(known: Coverage | None, year: int, person: Person) -> Usage:
    """What we know to be used of the year, with the balance that the insurer told."""
    used = covering.usage_of(known, year) if known else Usage()
    return Usage(used.deductible_used_fen, used.cap_used_fen, person.balance_fen)
