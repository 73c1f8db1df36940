"""What is to be in a bag: the prescription's drugs without the pieces whose money went back."""

from __future__ import annotations

from dataclasses import dataclass

from app.kernel.uow import Uow
from app.payment import service as payment
from app.pharmacy.models import Bag
from app.prescription import service as prescription
from app.prescription.models import PrescriptionLine


@dataclass(frozen=True)
class Content:
    """A line of the prescription in the bag: `quantity` pieces of it, `refunded` others were given back."""

    line: PrescriptionLine
    quantity: int
    refunded: int


def contents_of(uow: Uow, bag: Bag) -> tuple[Content, ...]:
    """The bag's drugs line by line, those of which nothing is left too, so that somebody can take them out."""
    back = {line.line_no: line.refunded_quantity for line in payment.lines_of(uow, bag.bill_id)}
    lines = prescription.lines_of(uow, bag.prescription_id)
    return tuple(Content(line, line.quantity - back.get(line.line_no, 0), back.get(line.line_no, 0)) for line in lines)
