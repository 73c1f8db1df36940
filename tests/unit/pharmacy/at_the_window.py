"""What a pharmacist does at the window, in one call each."""

from __future__ import annotations

from app.kernel.ids import new_public_id
from app.kernel.uow import Uow
from app.pharmacy import handing, scanning
from app.pharmacy.models import Bag, Dispense
from app.pharmacy.scanning import ScanResult, Terminal
from app.pharmacy.states import CheckKind, IdentityFact
from tests import factories_pharmacy as make

ALL_CHECKS = tuple(CheckKind)


def scan(uow: Uow, digits: str, terminal: Terminal, nonce: str = "") -> ScanResult:
    return scanning.redeem(uow, digits=digits, nonce=nonce or new_public_id(), terminal=terminal, key=make.KEY)


def match(uow: Uow, bag: Bag, label: str, terminal: Terminal) -> ScanResult:
    return scanning.match_bag(
        uow, bag_public_id=bag.public_id, bag_code=label, nonce=new_public_id(), terminal=terminal
    )


def give(uow: Uow, bag: Bag, terminal: Terminal) -> Dispense:
    return handing.hand_over(
        uow,
        bag_public_id=bag.public_id,
        terminal=terminal,
        checks=ALL_CHECKS,
        identity_fact=IdentityFact.PHONE_TAIL,
    )


def collect(uow: Uow, bag: Bag, terminal: Terminal) -> Dispense:
    scan(uow, make.code_of(uow, bag), terminal)
    match(uow, bag, bag.bag_code, terminal)
    return give(uow, bag, terminal)
