"""The statements on which two windows may meet: one of them wins."""

from __future__ import annotations

from sqlalchemy import or_, update

from app.kernel.inserts import insert_into
from app.kernel.uow import Uow
from app.pharmacy.models import Bag, Scan
from app.pharmacy.rules import LEASE
from app.pharmacy.states import BagState, ScanCode, ScanKind, Verdict


def claim_bag(uow: Uow, *, bag_id: int, terminal_code: str) -> bool:
    """True when the terminal now holds the bag for two minutes; False while another one does, or it is not ready.

    A fresh claim forgets whether the bag's label was matched.
    """
    now = uow.now()
    may_take = or_(
        Bag.state == BagState.READY,
        (Bag.state == BagState.BEING_SERVED) & or_(Bag.serving_terminal == terminal_code, Bag.serving_until < now),
    )
    claimed = uow.session.scalar(
        update(Bag)
        .where(Bag.id == bag_id, may_take)
        .values(serving_terminal=terminal_code, serving_until=now + LEASE, matched_at=None)
        .returning(Bag.id),
        execution_options={"synchronize_session": False},
    )
    return claimed is not None


def begin_scan(uow: Uow, values: dict[str, object]) -> int | None:
    """The new scan's key; None when one with this nonce is there. Of two that come at once the second waits."""
    return uow.session.scalar(
        insert_into(uow, Scan).values(values).on_conflict_do_nothing(index_elements=["nonce"]).returning(Scan.id)
    )


def unanswered(kind: ScanKind) -> dict[str, object]:
    """What a scan's row says until it is answered in the same unit."""
    return {"kind": kind, "verdict": Verdict.REFUSED, "code": ScanCode.UNKNOWN_CODE, "facts": {}}
