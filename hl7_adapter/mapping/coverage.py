"""How a patient is insured: IN1 of a patient's message, as the hospital system says it and as we do."""

from __future__ import annotations

from app.identity.models import Patient
from app.insurance import covering
from app.kernel.uow import Uow
from hl7_adapter.er7 import Field, Message, segment
from hl7_adapter.mapping.reading import Reader
from hl7_adapter.mapping.refusals import refuse


def cover(uow: Uow, patient: Patient, message: Message, insurance_no: str) -> None:
    """The patient is insured as IN1-2 and IN1-36 (else PID-3 type HC) say; the same again keeps what is used of it.

    A message without IN1 leaves the coverage as it is. Refuses an unknown plan (103) and a missing number (101).
    """
    reader = Reader(message)
    plan = reader.text("IN1-2.1", at_most=40)
    if not plan:
        return
    policy_code = reader.codes.ours("insurance_plan", plan)
    if policy_code is None:
        raise refuse("plan_unknown", 103, "IN1-2", "in no table of plans; agree on the sender's codes in the console")
    member_no = reader.text("IN1-36", at_most=40) or insurance_no
    if not member_no:
        raise refuse("field_missing", 101, "IN1-36", "the insured person's number is required")
    known = covering.coverage_of(uow, patient.id)
    if known and (known.policy_code, covering.member_no_of(uow, known)) == (policy_code, member_no):
        return
    covering.bind_coverage(uow, patient_id=patient.id, policy_code=policy_code, member_no=member_no)


def insured(uow: Uow, patient: Patient) -> list[list[Field]]:
    """IN1 with the policy and the insured person's number; nothing for who is not insured."""
    known = covering.coverage_of(uow, patient.id)
    if known is None:
        return []
    policy = covering.policy_by_code(uow, known.policy_code)
    member_no = covering.member_no_of(uow, known)
    return [segment("IN1", {1: 1, 2: (policy.code, policy.name), 3: "NHSA", 36: member_no})]
