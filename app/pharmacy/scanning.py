"""What happens when something is scanned at a window: every scan is stored with its answer, and answered once."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select

from app.kernel import audit, moves
from app.kernel.errors import NotFound
from app.kernel.ids import new_public_id
from app.kernel.uow import Uow
from app.payment.models import Bill
from app.pharmacy import sql
from app.pharmacy.errors import NonceReused
from app.pharmacy.models import Bag, Scan
from app.pharmacy.picking import bag_by_public_id
from app.pharmacy.rules import CodeStatus, check_nonce, is_bag_code, read_pickup_code
from app.pharmacy.states import BAG, BagAction, BagState, ScanCode, ScanKind, Verdict

_CODE_OF_STATUS = {
    CodeStatus.MALFORMED: ScanCode.NOT_A_PICKUP_CODE,
    CodeStatus.POSTER: ScanCode.POSTER_CODE,
    CodeStatus.EXPIRED: ScanCode.CODE_EXPIRED,
    # A code that was right an hour ago and one that never was look the same, and are told the same.
    CodeStatus.FORGED: ScanCode.CODE_EXPIRED,
}
_CODE_OF_STATE = {
    BagState.UNPAID: ScanCode.UNPAID,
    BagState.QUEUED: ScanCode.NOT_READY,
    BagState.PICKING: ScanCode.NOT_READY,
    BagState.COLLECTED: ScanCode.ALREADY_COLLECTED,
    BagState.CANCELLED: ScanCode.CANCELLED,
}
_PLACELESS = (BagState.UNPAID, BagState.COLLECTED, BagState.CANCELLED)


@dataclass(frozen=True)
class Terminal:
    """Where it is scanned and by whom; `window_code` '' serves every window's bags."""

    code: str
    window_code: str
    staff_id: int | None


@dataclass(frozen=True)
class ScanResult:
    """The stored answer to a scan; `bag_public_id` is '' unless granted, `facts` never hold personal data.

    facts by code: unpaid {amount_fen}; not_ready {stage, number}; wrong_window {window};
    already_collected {collected_at (ISO, UTC), window}; wrong_bag {expected_bin, expected_window, scanned_bin,
    scanned_window}; ok {bin, number}.
    """

    scan_public_id: str
    verdict: Verdict
    code: ScanCode
    bag_public_id: str
    facts: dict[str, object]
    kind: ScanKind
    is_repeat: bool = False


@dataclass
class _Answer:
    code: ScanCode
    bag: Bag | None = None
    facts: dict[str, object] = field(default_factory=dict)


def bag_for_code(uow: Uow, *, digits: str, key: bytes) -> tuple[Bag | None, ScanCode]:
    """The bag whose pickup code was scanned, and `ok`; else what is wrong with the code.

    Codes: `code_expired`, `unknown_code`, `not_a_pickup_code`, `poster_code`. The bag comes also with `code_expired`,
    for the record only.
    """
    read = read_pickup_code(key, digits, uow.now())
    bag = uow.session.scalars(select(Bag).where(Bag.pickup_no12 == read.id12)).first() if read.id12 else None
    if read.id12 and bag is None:
        return None, ScanCode.UNKNOWN_CODE
    return bag, _CODE_OF_STATUS.get(read.status, ScanCode.OK)


def redeem(
    uow: Uow, *, digits: str, nonce: str, terminal: Terminal, key: bytes, occurred_at: datetime | None = None
) -> ScanResult:
    """The scan of a patient's code is stored and answered; `ok` gives the bag to this terminal for two minutes.

    Returned and never raised, so that a refused scan is kept too; the same nonce again gets the stored answer.
    `occurred_at` is when a terminal without network scanned; the code is judged now. Codes: `ok`,
    `already_collected`, `unpaid`, `not_ready`, `wrong_window`, `being_served`, `cancelled`, `code_expired`,
    `unknown_code`, `not_a_pickup_code`, `poster_code`. Raises only `bad_nonce`, and
    `nonce_reused` when the nonce was another scan's.
    """
    scan, is_new = _begin(uow, ScanKind.PICKUP, digits, nonce, terminal, occurred_at)
    if not is_new:
        return _result(uow, scan, is_repeat=True)
    bag, code = bag_for_code(uow, digits=digits, key=key)
    answer = _serve(uow, bag, terminal) if bag is not None and code == ScanCode.OK else _Answer(code, bag)
    return _finish(uow, scan, answer)


def _serve(uow: Uow, bag: Bag, terminal: Terminal) -> _Answer:
    """Takes the bag to the terminal when it may have it; two that try at once: the claim's one statement decides."""
    if not _is_at_wrong_window(bag, terminal) and sql.claim_bag(uow, bag_id=bag.id, terminal_code=terminal.code):
        uow.session.refresh(bag)
        moves.move(uow, BAG, bag, BagAction.SERVE, why=terminal.code)
        return _Answer(ScanCode.OK, bag, {"bin": bag.bin_no, "number": bag.number})
    uow.session.refresh(bag)
    if bag.state not in _PLACELESS and _is_at_wrong_window(bag, terminal):
        return _Answer(ScanCode.WRONG_WINDOW, bag, {"window": bag.window_code})
    code = _CODE_OF_STATE.get(bag.state, ScanCode.BEING_SERVED)
    return _Answer(code, bag, _facts(uow, bag, code))


def _is_at_wrong_window(bag: Bag, terminal: Terminal) -> bool:
    return bool(bag.window_code and terminal.window_code and bag.window_code != terminal.window_code)


def _facts(uow: Uow, bag: Bag, code: ScanCode) -> dict[str, object]:
    if code == ScanCode.UNPAID:
        return {"amount_fen": uow.session.get_one(Bill, bag.bill_id).cash_fen}
    if code == ScanCode.NOT_READY:
        return {"stage": bag.state.value, "number": bag.number}
    if code == ScanCode.ALREADY_COLLECTED and bag.collected_at is not None:
        return {"collected_at": bag.collected_at.isoformat(), "window": bag.collected_window}
    return {}


def match_bag(uow: Uow, *, bag_public_id: str, bag_code: str, nonce: str, terminal: Terminal) -> ScanResult:
    """The label of the bag in the pharmacist's hand is compared with the patient's bag; `ok` lets it be handed over.

    Returned, stored and repeated like `redeem`. Codes: `ok`, `wrong_bag` (both bins in the facts), `unknown_bag`,
    `not_a_bag_label`, `not_served_here` (this terminal does not hold the patient's bag). NotFound for no such bag.
    """
    wanted = bag_by_public_id(uow, bag_public_id)
    scan, is_new = _begin(uow, ScanKind.BAG, f"{bag_public_id}:{bag_code}", nonce, terminal, None)
    if not is_new:
        return _result(uow, scan, is_repeat=True)
    return _finish(uow, scan, _compare(uow, wanted, bag_code.strip(), terminal))


def _compare(uow: Uow, wanted: Bag, bag_code: str, terminal: Terminal) -> _Answer:
    if not is_held_by(uow, wanted, terminal):
        return _Answer(ScanCode.NOT_SERVED_HERE, wanted)
    if not is_bag_code(bag_code):
        return _Answer(ScanCode.NOT_A_BAG_LABEL, wanted)
    in_hand = uow.session.scalars(select(Bag).where(Bag.bag_code == bag_code)).first()
    if in_hand is None:
        return _Answer(ScanCode.UNKNOWN_BAG, wanted)
    if in_hand.id == wanted.id:
        wanted.matched_at = uow.now()
        return _Answer(ScanCode.OK, wanted, {"bin": wanted.bin_no, "number": wanted.number})
    wanted.matched_at = None
    both = {
        "expected_bin": wanted.bin_no,
        "expected_window": wanted.window_code,
        "scanned_bin": in_hand.bin_no,
        "scanned_window": in_hand.window_code,
    }
    return _Answer(ScanCode.WRONG_BAG, wanted, both)


def scan_of(uow: Uow, *, public_id: str, terminal: Terminal) -> ScanResult:
    """The stored answer to a scan of this terminal; NotFound for any other."""
    scan = uow.session.scalars(
        select(Scan).where(Scan.public_id == public_id, Scan.terminal_code == terminal.code)
    ).first()
    if scan is None:
        raise NotFound
    return _result(uow, scan, is_repeat=True)


def is_held_by(uow: Uow, bag: Bag, terminal: Terminal) -> bool:
    """True while the terminal serves the bag and its two minutes are not over."""
    return (
        bag.state == BagState.BEING_SERVED
        and bag.serving_terminal == terminal.code
        and bag.serving_until is not None
        and bag.serving_until >= uow.now()
    )


def _begin(
    uow: Uow, kind: ScanKind, what: str, nonce: str, terminal: Terminal, occurred_at: datetime | None
) -> tuple[Scan, bool]:
    """The scan's row and whether it is new.

    A nonce that stands for another scan is refused: the stored answer may be another patient's, as when a page is
    taken from the browser's history and scanned into again.
    """
    check_nonce(nonce)
    what_index = uow.keys.index(f"{kind}:{terminal.code}:{what}", "scan")
    values = sql.unanswered(kind) | {
        "public_id": new_public_id(),
        "nonce": nonce,
        "what_index": what_index,
        "terminal_code": terminal.code,
        "window_code": terminal.window_code,
        "staff_id": terminal.staff_id,
        "scanned_at": uow.now(),
        "occurred_at": occurred_at or uow.now(),
    }
    made = sql.begin_scan(uow, values)
    if made is not None:
        return uow.session.get_one(Scan, made), True
    scan = uow.session.scalars(select(Scan).where(Scan.nonce == nonce)).one()
    if scan.what_index != what_index:
        raise NonceReused
    return scan, False


def _finish(uow: Uow, scan: Scan, answer: _Answer) -> ScanResult:
    scan.bag_id = answer.bag.id if answer.bag else None
    scan.code, scan.facts = answer.code, answer.facts
    scan.verdict = Verdict.GRANTED if answer.code == ScanCode.OK else Verdict.REFUSED
    audit.record(
        uow,
        f"scan.{scan.kind.value}",
        "bag",
        answer.bag.public_id if answer.bag else "",
        outcome=answer.code.value,
        terminal=scan.terminal_code,
    )
    uow.session.flush()
    return _result(uow, scan)


def _result(uow: Uow, scan: Scan, *, is_repeat: bool = False) -> ScanResult:
    is_open = scan.code == ScanCode.OK and scan.bag_id is not None
    bag_public_id = uow.session.get_one(Bag, scan.bag_id).public_id if is_open else ""
    return ScanResult(scan.public_id, scan.verdict, scan.code, bag_public_id, dict(scan.facts), scan.kind, is_repeat)
