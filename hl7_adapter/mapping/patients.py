"""Patients as the hospital system tells of them: PID becomes a patient on file, or finds the one who is."""

from __future__ import annotations

from app.identity import service as identity
from app.identity.errors import BadName, BadPhone
from app.identity.merging import standing_patient
from app.identity.models import Patient, Sex
from app.identity.rules import read_phone
from app.identity.service import PatientFromHis
from app.kernel import audit
from app.kernel.code_tables import Codes
from app.kernel.uow import Uow
from hl7_adapter.er7 import NULL, Message
from hl7_adapter.mapping.coverage import cover
from hl7_adapter.mapping.reading import Reader
from hl7_adapter.mapping.refusals import refuse

_HOSPITAL, _IDENTITY_CARD, _INSURANCE = "hospital", "identity_card", "insurance_card"
_NOT_SAID = ""
NUMBER_AT_MOST = 64


def file_patient(uow: Uow, message: Message, _peer: str) -> str:
    """ADT^A04, A08, A28, A31: the patient of PID is on file as told, and how they are insured; gives the public id."""
    whole = the_only_patient(message)
    patient = file_person(uow, whole)
    cover(uow, patient, message, _number(whole, _INSURANCE))
    return patient.public_id


def file_person(uow: Uow, reader: Reader) -> Patient:
    """The patient of the reader's PID is on file as told.

    An empty field leaves what is on file, `""` deletes it (HL7 v2.5.1 section 2.6). A phone that cannot get messages
    (a landline, a typing mistake) keeps nobody from being a patient: it is left out, which the audit trail says.
    Refuses `field_missing` (101) for a new patient without a name.
    """
    phone, is_usable = _phone(reader)
    told = PatientFromHis(
        mrn=number_told(reader),
        name=name_told(reader) or None,
        sex=sex_called(reader.codes, reader.group.get("PID-8.1"), reader.place("PID-8")),
        birth_date=reader.birth_day("PID-7", uow.today()),
        id_number=_number(reader, _IDENTITY_CARD) or None,
        phone=phone,
        insurance_no=_number(reader, _INSURANCE) or None,
    )
    try:
        patient = identity.file_patient_from_his(uow, told)
    except BadName as nameless:
        if told.name is not None:
            raise
        words = "no patient is on file under this number, and one without a name cannot be put there"
        raise refuse("field_missing", 101, reader.place("PID-5"), words) from nameless
    if not is_usable:
        audit.record(uow, "hl7.phone_left_out", "patient", patient.public_id)
    return patient


def patient_of(uow: Uow, message: Message) -> Patient:
    """The one patient of the message who is on file; refuses as `person_of` does, and `several_patients` (102)."""
    return person_of(uow, the_only_patient(message))


def person_of(uow: Uow, reader: Reader) -> Patient:
    """The patient of the reader's PID who is on file; one whose record was merged is who it was merged into.

    Refuses `field_missing` (101), `patient_unknown` (204).
    """
    patient = standing_patient(uow, "his", number_told(reader))
    if patient is None:
        place, _ = _hospital_number(reader)
        raise refuse("patient_unknown", 204, place, "no patient is on file under this number; send ADT A04 first")
    return patient


def the_only_patient(message: Message) -> Reader:
    """A reader of a message that is about one patient; refuses `several_patients` (102) at the second."""
    if len(message.segments("PID")) > 1:
        raise refuse("several_patients", 102, "PID[2]-3", "a message of this type tells of one patient")
    return Reader(message)


def hospital_number(message: Message) -> str:
    """The hospital's number of the message's first patient; refuses `field_missing` (101)."""
    return number_told(Reader(message))


def number_told(reader: Reader) -> str:
    """The hospital's number of the patient, from PID-3; refuses `field_missing` (101)."""
    _, number = _hospital_number(reader)
    if not number:
        raise refuse("field_missing", 101, reader.place("PID-3"), "the hospital's number of the patient is required")
    return number


def card_told(reader: Reader) -> str:
    """The patient's identity card number, '' without one."""
    return _number(reader, _IDENTITY_CARD)


def number_in(reader: Reader, field: str) -> str:
    """The hospital's number in a field of identifiers (MRG-1), '' without one."""
    return _of_the_hospital(_numbers(reader, field))[1]


def _hospital_number(reader: Reader) -> tuple[str, str]:
    return _of_the_hospital(_numbers(reader))


def _of_the_hospital(numbers: list[tuple[str, str, str]]) -> tuple[str, str]:
    """The number of the hospital's own type, or of none; without one, the first whose type nobody knows."""
    own = [(place, value) for place, value, kind in numbers if kind == _HOSPITAL]
    other = [(place, value) for place, value, kind in numbers if kind == _NOT_SAID]
    return next(iter(own + other), ("", ""))


def _number(reader: Reader, wanted: str) -> str:
    return next((value for _, value, kind in _numbers(reader) if kind == wanted), "")


def _numbers(reader: Reader, field: str = "PID-3") -> list[tuple[str, str, str]]:
    """Place, value and our type of each number in the field, in order; one without a type is the hospital's own.

    A type that no table has is ''; what of such a type no number can be (a magnetic stripe) is left out.
    """
    found = []
    for number, repetition in reader.repetitions(field):
        path, value = f"{field}[{number}].1", repetition.get(1)
        written = repetition.get(5).strip()
        kind = (reader.codes.ours("number_type", written) or _NOT_SAID) if written else _HOSPITAL
        if kind == _NOT_SAID and (len(value.strip()) > NUMBER_AT_MOST or not value.isprintable()):
            continue
        value = reader.checked(path, value, at_most=NUMBER_AT_MOST)
        if value:
            found.append((reader.place(path), value, kind))
    return found


def name_told(reader: Reader) -> str:
    """The patient's name, '' without one.

    It is one component, family and given name, or the given name alone: senders do all three.
    """
    family, given = reader.text("PID-5.1.1", at_most=100), reader.text("PID-5.2.1", at_most=100)
    return joined_name(family, given)


def joined_name(family: str, given: str) -> str:
    """张 and 三 become 张三, Smith and Ann become Smith Ann."""
    between = " " if family.isascii() and given.isascii() and family and given else ""
    return f"{family}{between}{given}"


def sex_called(codes: Codes, told: str, place: str) -> Sex | None:
    """The sex by any of its names, None for ''; refuses `sex_not_valid` (103) at `place`."""
    name = told.strip()
    if name == NULL:
        return Sex.UNKNOWN
    ours = codes.ours("sex", name)
    if name and ours is None:
        raise refuse("sex_not_valid", 103, place, "in no table of sexes; agree on the sender's codes in the console")
    return Sex(ours) if ours else None


def _phone(reader: Reader) -> tuple[str | None, bool]:
    """The mobile number of PID-13 and True; None for unchanged, '' for deleted; False when none there is usable.

    XTN holds it in component 1 (before v2.5), 12, or 6 and 7.
    """
    repetitions = [rep for _, rep in reader.repetitions("PID-13")]
    if any(rep.raw == NULL for rep in repetitions):
        return "", True
    told = [text for rep in repetitions for text in (rep.get(12), rep.get(1), rep.get(6) + rep.get(7)) if text]
    for text in told:
        try:
            return read_phone(text), True
        except BadPhone:
            continue
    return None, not told
