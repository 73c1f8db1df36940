"""A paid bill of an insured patient whose insurer settled it, and what becomes of it when some of it goes back."""

from __future__ import annotations

from sqlalchemy import select

from app.insurance import settling
from app.insurance.models import Split
from app.invoice.models import Invoice
from app.kernel.moves import Move
from app.kernel.uow import Actor
from app.ledger import proving
from app.payment import claims
from app.payment.models import Bill, Refund
from app.payment.states import BillState
from app.prescription import service as prescriptions
from app.prescription.models import Prescription
from tests import factories
from tests.factories_prescription import line
from tests.factories_settlement import House

# Thirty of class A (507.00) and one of class B (22.40, of which 20.16 is in scope): 200.00 of the scope is the
# deductible, the fund pays 60 % of the rest, the account 30.00.
WHOLE = (196_30, 0, 30_00, 303_10)
# The thirty alone, as the insurer settles them.
REST = (184_20, 0, 30_00, 292_80)


def paid(home: House) -> Prescription:
    made = home.prescribed(line("AML5", 30), line("OME20"))
    home.work()
    home.pay(home.bill(made))
    home.work()
    assert home.bill(made).state is BillState.PAID
    assert shares(home.bill(made)) == WHOLE
    return made


def shares(row: Bill | Split) -> tuple[int, int, int, int]:
    return row.fund_fen, row.other_fen, row.account_fen, row.cash_fen


def ask(home: House, made: Prescription, pieces: dict[int, int], *, limit_fen: int = 10**9) -> None:
    with home.units.open() as uow:
        cashier = factories.staff(uow, "finance")
    with home.units.open(cashier) as uow:
        bill = uow.session.get_one(Bill, home.bill(made).id)
        claims.ask(uow, bill, pieces, reason="药品退回", limit_fen=limit_fen)


def refunds_of(home: House, made: Prescription) -> list[Refund]:
    with home.units.open(reads_only=True) as uow:
        return list(uow.session.scalars(select(Refund).where(Refund.bill_id == home.bill(made).id).order_by(Refund.id)))


def states(home: House) -> list[str]:
    return [row["state"] for row in home.books()]


def sent(home: House, action: str) -> int:
    with home.units.open(reads_only=True) as uow:
        moves = select(Move).where(Move.machine == "settlement", Move.action == action)
        return len(uow.session.scalars(moves).all())


def invoiced(home: House, made: Prescription) -> int:
    """What the invoices of the bill come to, blue and red together."""
    with home.units.open(reads_only=True) as uow:
        return sum(uow.session.scalars(select(Invoice.total_fen).where(Invoice.bill_id == home.bill(made).id)))


def assert_all_is_back(home: House, made: Prescription) -> None:
    assert home.bill(made).state is BillState.REFUNDED
    assert home.used() == (0, 0, 30_00)
    came, went = home.paid_and_returned()
    assert came == went
    assert "settled" not in states(home)
    assert invoiced(home, made) == 0
    assert_ledger_holds(home)


def assert_ledger_holds(home: House) -> None:
    with home.units.open(reads_only=True) as uow:
        assert proving.flaws(uow) == []


def give_all_back(home: House, made: Prescription) -> None:
    with home.units.open(Actor("staff", "s1")) as uow:
        prescriptions.take_back(uow, public_id=made.public_id, reason="过敏")


def step(home: House) -> None:
    """The insurer is asked what is due, once."""
    settling.work_due(home.units, home.insurer)
