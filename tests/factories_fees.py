"""A department whose registration fee goes through the insurer, and places held there by an insured patient."""

from __future__ import annotations

from dataclasses import dataclass, replace

from app.insurance.policies import CONSULTATION_FEE
from app.kernel.uow import Uow
from app.payment.models import Bill
from app.registration import service as registrations
from app.registration.models import Registration
from app.rulebook import service as rulebook
from app.rulebook.service import Where
from app.scheduling.models import ClinicSession
from tests import factories
from tests.factories_settlement import House

FEE_FEN = 50_00


def insure_fees(uow: Uow, department: str = "GI") -> None:
    """The department's registration fee goes through the insurer from now on."""
    rulebook.write(uow, Where(department_code=department), {"fee_insurance_code": CONSULTATION_FEE})


@dataclass
class Desk:
    """A house with such a department, and one patient's way through it."""

    house: House
    clinic: factories.Clinic

    def hold(self, session: ClinicSession | None = None) -> Registration:
        """The patient taps on a time."""
        return factories.held(self.house.units, self.house.who, session or self.clinic.session)

    def quoted(self, session: ClinicSession | None = None) -> Registration:
        """A held place of which the insurer has said what it would pay."""
        made = self.hold(session)
        self.house.work()
        return made

    def booked(self, session: ClinicSession | None = None) -> Registration:
        """A place whose fee patient and insurer have paid."""
        made = self.quoted(session)
        self.house.pay(self.bill(made))
        self.house.work()
        return made

    def bill(self, made: Registration) -> Bill:
        return self.house.bill(made)

    def cancel(self, made: Registration) -> None:
        with self.house.units.open(self.house.who.actor) as uow:
            registrations.cancel(uow, public_id=made.public_id)

    def now(self, made: Registration) -> Registration:
        with self.house.units.open(reads_only=True) as uow:
            return uow.session.get_one(Registration, made.id)


def desk(house: House, *, fee_fen: int = FEE_FEN, is_insured: bool = True) -> Desk:
    """The department GI of the house, where the doctor sits tomorrow afternoon."""
    with house.units.open() as uow:
        today = factories.clinic(uow, fee_fen=fee_fen)
        clinic = replace(today, session=factories.another_session(uow, today.practitioner, fee_fen=fee_fen))
        if is_insured:
            insure_fees(uow)
    return Desk(house, clinic)
