"""How the hospital system says that a patient is insured: IN1 of a patient's message."""

from __future__ import annotations

from app.identity.models import Patient
from app.insurance import covering
from app.insurance.policies import SELF_PAY
from app.kernel.uow import Uow
from hl7_adapter.er7 import Message
from hl7_adapter.mapping.reading import Reader
from hl7_adapter.mapping.refusals import refuse

# IN1-2: our policies by their own codes, and by the national code of the insurance type 险种 (insutype of
# transaction 1101: 310 职工基本医疗保险, 390 城乡居民基本医疗保险). '""' ends a coverage.
PLANS = {
    "employee": "employee",
    "310": "employee",
    "retired": "retired",
    "resident": "resident",
    "390": "resident",
    "out_of_town": "out_of_town",
    "self_pay": SELF_PAY,
}


def cover(uow: Uow, patient: Patient, message: Message, insurance_no: str) -> None:
    """The patient is insured as IN1-2 and IN1-36 (else PID-3 type HC) say; the same again keeps what is used of it.

    A message without IN1 leaves the coverage as it is. Refuses an unknown plan (103) and a missing number (101).
    """
    reader = Reader(message)
    plan = reader.text("IN1-2.1", at_most=40)
    if not plan:
        return
    policy_code = PLANS.get(plan.lower())
    if policy_code is None:
        raise refuse("plan_unknown", 103, "IN1-2", f"the plan is none of {', '.join(PLANS)}")
    member_no = reader.text("IN1-36", at_most=40) or insurance_no
    if not member_no:
        raise refuse("field_missing", 101, "IN1-36", "the insured person's number is required")
    known = covering.coverage_of(uow, patient.id)
    if known and (known.policy_code, covering.member_no_of(uow, known)) == (policy_code, member_no):
        return
    covering.bind_coverage(uow, patient_id=patient.id, policy_code=policy_code, member_no=member_no)
