"""From the paid bill to the bag in its bin: who picks, who checks, at which window it will be fetched."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select

from app import events
from app.identity.models import Patient
from app.kernel import audit, counters, moves
from app.kernel.errors import NotFound
from app.kernel.uow import Uow
from app.pharmacy.errors import SamePerson
from app.pharmacy.models import Bag, Window
from app.pharmacy.rules import free_bin
from app.pharmacy.states import BAG, IN_THE_PHARMACY, BagAction, BagState


def open_window(uow: Uow, *, code: str, name: str, location: str = "", bins: int = 40) -> Window:
    """The pharmacy has a window `code` where bags are fetched; called again, its name, place and bins change."""
    window = uow.session.scalars(select(Window).where(Window.code == code)).first()
    if window is None:
        window = Window(code=code)
        uow.session.add(window)
    window.name, window.location, window.bins, window.is_open = name, location, bins, True
    uow.session.flush()
    return window


def windows(uow: Uow) -> list[Window]:
    """Every window of the pharmacy, by code."""
    return list(uow.session.scalars(select(Window).order_by(Window.code)))


def window_by_code(uow: Uow, code: str) -> Window | None:
    """The window called `code`."""
    return uow.session.scalars(select(Window).where(Window.code == code)).first()


def queue_bag(uow: Uow, bag: Bag) -> None:
    """The paid bag waits to be picked for the window with the fewest bags, with a bin and a number for eyes.

    When no window is open it waits without one, and gets the window of whoever starts to pick it.
    """
    window = _shortest(uow)
    moves.move(
        uow,
        BAG,
        bag,
        BagAction.PAY,
        queued_at=uow.now(),
        number=f"Y{counters.next_number(uow, f'bag.{uow.today().isoformat()}'):03d}",
        **(_place(uow, window) if window else {}),
    )
    uow.publish(events.BagQueued(bag.id, bag.patient_id))


def _shortest(uow: Uow) -> Window | None:
    waiting = (
        select(func.count())
        .select_from(Bag)
        .where(Bag.window_code == Window.code, Bag.state.in_(IN_THE_PHARMACY))
        .scalar_subquery()
    )
    return uow.session.scalars(select(Window).where(Window.is_open).order_by(waiting, Window.code).limit(1)).first()


def _place(uow: Uow, window: Window) -> dict[str, Any]:
    """Where the bag will stand; the window's row is locked, so that two bags are not given the same empty bin."""
    uow.session.execute(select(Window.id).where(Window.id == window.id).with_for_update())
    taken = uow.session.scalars(
        select(Bag.bin_no).where(Bag.window_code == window.code, Bag.state.in_(IN_THE_PHARMACY))
    ).all()
    return {"window_code": window.code, "bin_no": free_bin(taken, window.bins)}


def start_picking(uow: Uow, *, bag_public_id: str, picker_id: int, window_code: str = "") -> Bag:
    """The staff member picks the bag's drugs; `window_code` is used only for a bag that has no window yet.

    Refuses `illegal_move` when somebody picks it already or it is cancelled.
    """
    bag = bag_by_public_id(uow, bag_public_id)
    window = None if bag.window_code else window_by_code(uow, window_code)
    place = _place(uow, window) if window else {}
    moves.move(uow, BAG, bag, BagAction.START_PICKING, picker_id=picker_id, **place)
    audit.record(uow, "bag.pick", "bag", bag.public_id)
    return bag


def mark_ready(uow: Uow, *, bag_public_id: str, checker_id: int) -> Bag:
    """A second person has checked the bag and it stands in its bin; the patient is told by who follows.

    Refuses `same_person` when the checker is the picker, `illegal_move` when the bag is not being picked.
    """
    bag = bag_by_public_id(uow, bag_public_id)
    if bag.state == BagState.PICKING and bag.picker_id == checker_id:
        raise SamePerson
    moves.move(uow, BAG, bag, BagAction.CHECK, checker_id=checker_id, ready_at=uow.now())
    audit.record(uow, "bag.check", "bag", bag.public_id)
    uow.publish(events.BagReady(bag.id, bag.patient_id))
    return bag


def bag_by_public_id(uow: Uow, public_id: str) -> Bag:
    """The bag for somebody who works in the pharmacy; NotFound when there is none. Patients use `bag_of_account`."""
    bag = uow.session.scalars(select(Bag).where(Bag.public_id == public_id)).first()
    if bag is None:
        raise NotFound
    return bag


def masked_name_of(uow: Uow, bag: Bag) -> str:
    """The patient's name as it may stand on a label and on a screen others see."""
    return uow.session.get_one(Patient, bag.patient_id).name_masked


def queue(uow: Uow, *, window_code: str = "") -> list[tuple[Bag, str]]:
    """The bags that are picked, ready or being served, each with the masked name, longest waiting first.

    Of one window, and of no window yet; of all windows when `window_code` is ''.
    """
    wanted = Bag.window_code.in_((window_code, "")) if window_code else Bag.id > 0
    rows = uow.session.execute(
        select(Bag, Patient.name_masked)
        .join(Patient, Patient.id == Bag.patient_id)
        .where(Bag.state.in_(IN_THE_PHARMACY), wanted)
        .order_by(Bag.queued_at, Bag.id)
    )
    return [(bag, name) for bag, name in rows]


def uncollected(uow: Uow, *, hours: int = 4, limit: int = 200) -> list[tuple[Bag, str]]:
    """The bags that stand in their bins for longer than `hours`, each with the masked name, oldest first."""
    before = uow.now().timestamp() - hours * 3600
    return [
        (bag, name)
        for bag, name in queue(uow)
        if bag.state == BagState.READY and bag.ready_at is not None and bag.ready_at.timestamp() < before
    ][:limit]
