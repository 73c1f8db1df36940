"""The bag goes into the patient's hands, once; and for two minutes a mistake can be taken back."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select

from app import events
from app.identity.models import Patient
from app.kernel import audit, moves
from app.kernel.ids import new_public_id
from app.kernel.uow import Uow
from app.pharmacy.contents import contents_of
from app.pharmacy.errors import (
    AlreadyCollected,
    BagCancelled,
    BagNotMatched,
    ChecksMissing,
    NotServedHere,
    ReasonMissing,
    TooLateToUndo,
    WrongWindow,
)
from app.pharmacy.models import Bag, Check, Dispense, DispenseLine
from app.pharmacy.picking import bag_by_public_id
from app.pharmacy.rules import UNDO_WITHIN, missing_checks
from app.pharmacy.scanning import Terminal, is_held_by
from app.pharmacy.states import (
    BAG,
    DISPENSE,
    BagAction,
    BagState,
    CheckKind,
    DispenseAction,
    DispenseState,
    IdentityFact,
)
from app.prescription.models import Prescription
from app.prescription.rules import is_word


def hand_over(
    uow: Uow, *, bag_public_id: str, terminal: Terminal, checks: Collection[CheckKind], identity_fact: IdentityFact
) -> Dispense:
    """The bag is in the patient's hands and what was dispensed is on record, exactly once.

    The terminal must hold the bag, its label must have been matched, all four checks made, and the person asked for
    one fact. Refuses `already_collected` (also the second tap), `cancelled`, `not_served_here`, `bag_not_matched`,
    `checks_missing`. `BagCollected` is told once in a bag's life, also when a hand-over is undone and made again.
    """
    bag = _locked(uow, bag_public_id)
    _refuse_unfit(uow, bag, terminal, checks)
    if terminal.staff_id is None:
        raise NotServedHere
    is_first = uow.session.scalars(select(Dispense.id).where(Dispense.bag_id == bag.id)).first() is None
    try:
        moves.move(
            uow,
            BAG,
            bag,
            BagAction.HAND_OVER,
            collected_at=uow.now(),
            collected_window=bag.window_code,
            collected_by=terminal.staff_id,
        )
    except moves.IllegalMove as error:  # the same bag was handed over in another unit since it was read
        raise AlreadyCollected(**_since(bag)) from error
    dispense = _record(uow, bag, terminal, identity_fact)
    _record_checks(uow, dispense, checks)
    audit.record(uow, "bag.hand_over", "bag", bag.public_id, terminal=terminal.code, identity=identity_fact.value)
    if is_first:
        uow.publish(events.BagCollected(bag.id, bag.prescription_id, bag.patient_id))
    return dispense


def _locked(uow: Uow, bag_public_id: str) -> Bag:
    """The bag as it stands, its prescription locked first.

    Whoever takes a prescription back locks in that order too, so that neither waits for the other in a circle.
    """
    bag = bag_by_public_id(uow, bag_public_id)
    uow.session.execute(select(Prescription.id).where(Prescription.id == bag.prescription_id).with_for_update())
    uow.session.refresh(bag)
    return bag


def _refuse_unfit(uow: Uow, bag: Bag, terminal: Terminal, checks: Collection[CheckKind]) -> None:
    if bag.state == BagState.COLLECTED:
        raise AlreadyCollected(**_since(bag))
    if bag.state == BagState.CANCELLED:
        raise BagCancelled
    if not is_held_by(uow, bag, terminal):
        raise NotServedHere
    if bag.matched_at is None:
        raise BagNotMatched(bin=bag.bin_no)
    missing = missing_checks(checks)
    if missing:
        raise ChecksMissing(missing=missing)


def _since(bag: Bag) -> dict[str, object]:
    collected_at = bag.collected_at.isoformat() if bag.collected_at else ""
    return {"collected_at": collected_at, "window": bag.collected_window}


def _record(uow: Uow, bag: Bag, terminal: Terminal, identity_fact: IdentityFact) -> Dispense:
    dispense = Dispense(
        public_id=new_public_id(),
        bag_id=bag.id,
        prescription_id=bag.prescription_id,
        patient_id=bag.patient_id,
        state=DISPENSE.initial,
        handed_over_at=uow.now(),
        window_code=bag.window_code,
        terminal_code=terminal.code,
        picker_id=bag.picker_id,
        checker_id=bag.checker_id,
        staff_id=terminal.staff_id,
        identity_fact=identity_fact,
    )
    uow.session.add(dispense)
    uow.session.flush()
    uow.session.add_all(
        DispenseLine(
            dispense_id=dispense.id,
            line_no=each.line.line_no,
            drug_code=each.line.drug_code,
            drug_name=each.line.drug_name,
            spec=each.line.spec,
            quantity=each.quantity,
            unit=each.line.unit,
        )
        for each in contents_of(uow, bag)
        if each.quantity
    )
    return dispense


def _record_checks(uow: Uow, dispense: Dispense, checks: Collection[CheckKind]) -> None:
    uow.session.add_all(
        Check(dispense_id=dispense.id, kind=check, staff_id=dispense.staff_id, checked_at=uow.now())
        for check in sorted(set(checks))
    )


def undo_hand_over(uow: Uow, *, bag_public_id: str, terminal: Terminal, reason: str) -> Bag:
    """The bag stands in its bin again and its dispense counts as a mistake at the window.

    Refuses `illegal_move` when it is not collected, `too_late_to_undo` after two minutes, `wrong_window` elsewhere
    than where it left, `reason_missing` when `reason` is blank or over 200 characters. The prescription stays
    dispensed for the hospital system, which is told of returns by another way.
    """
    bag = bag_by_public_id(uow, bag_public_id)
    words = " ".join(reason.split())
    if bag.collected_at is not None and bag.collected_at + UNDO_WITHIN < uow.now():
        raise TooLateToUndo(minutes=int(UNDO_WITHIN.total_seconds() // 60))
    if bag.collected_at is not None and terminal.window_code not in {"", bag.collected_window}:
        raise WrongWindow(window=bag.collected_window)
    if not is_word(words, 200, may_be_empty=False):
        raise ReasonMissing
    moves.move(
        uow,
        BAG,
        bag,
        BagAction.UNDO,
        collected_at=None,
        collected_window="",
        collected_by=None,
        serving_terminal="",
        serving_until=None,
        matched_at=None,
    )
    moves.move(uow, DISPENSE, _standing(uow, bag), DispenseAction.UNDO, undone_at=uow.now(), undo_reason=words)
    audit.record(uow, "bag.undo_hand_over", "bag", bag.public_id, terminal=terminal.code)
    return bag


def just_handed_over(uow: Uow, *, window_code: str, limit: int = 5) -> list[tuple[Bag, str]]:
    """What the window can still take back, each with the masked name, newest first."""
    rows = uow.session.execute(
        select(Bag, Patient.name_masked)
        .join(Patient, Patient.id == Bag.patient_id)
        .where(
            Bag.state == BagState.COLLECTED,
            Bag.collected_window == window_code,
            Bag.collected_at >= uow.now() - UNDO_WITHIN,
        )
        .order_by(Bag.collected_at.desc())
        .limit(limit)
    )
    return [(bag, name) for bag, name in rows]


def _standing(uow: Uow, bag: Bag) -> Dispense:
    return uow.session.scalars(
        select(Dispense).where(Dispense.bag_id == bag.id, Dispense.state == DispenseState.COMPLETED)
    ).one()


def let_go(uow: Uow, *, bag_public_id: str, terminal: Terminal) -> None:
    """The terminal no longer serves the bag, so that any other may; quiet when it did not hold it."""
    bag = bag_by_public_id(uow, bag_public_id)
    if bag.state == BagState.BEING_SERVED and bag.serving_terminal == terminal.code:
        _release(uow, bag, "let_go")


def release_forgotten(uow: Uow, *, limit: int = 100) -> int:
    """Bags whose two minutes at a window are over stand in their bins again; returns how many. A job calls this."""
    forgotten = uow.session.scalars(
        select(Bag)
        .where(Bag.state == BagState.BEING_SERVED, Bag.serving_until < uow.now())
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    for bag in forgotten:
        _release(uow, bag, "lease_over")
    return len(forgotten)


def _release(uow: Uow, bag: Bag, why: str) -> None:
    moves.move(uow, BAG, bag, BagAction.LET_GO, why=why, serving_terminal="", serving_until=None, matched_at=None)
