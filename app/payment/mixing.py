"""Insurance's part and the patient's in one payment inside WeChat: asked for, and known to be paid by asking.

The order of the cash part and the mixed order have one number. Nothing of either settles the bill before the provider,
asked, says that both are paid, and the insurer names its settlement; then both settle it in one unit.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select

from app.identity import service as identity
from app.identity.models import Patient, Relation
from app.insurance import by_order
from app.insurance import service as insurance
from app.insurance.by_order import Basis
from app.insurance.errors import SplitChanged
from app.insurance.ports import AnswerFlawed, InsurerAway, InsurerRefused, MobileCentre, PayOrder
from app.kernel.moves import move
from app.kernel.uow import Actor, Units, Uow
from app.payment import asking, rules, service, sql
from app.payment.asking import Asked
from app.payment.errors import NotMixed, PaymentUnavailable, PaymentUnclear
from app.payment.mixed_ports import MixedAsking, MixedFact, MixedProvider, Named
from app.payment.mixed_rules import ORDER_TYPES, MixedSums
from app.payment.models import Bill, MixedOrder, PaymentOrder, PayMethod, Purpose
from app.payment.ports import Asking, PaymentProvider, ProviderAway, ProviderRefused
from app.payment.states import MIXED_ORDER, MixedOrderAction, MixedOrderState, OrderState

LEASE_SECONDS = 30
QUERY_SECONDS = 20
WAIT_SECONDS, WAITS = 0.1, 100
PLACE = "mixed_order.pay_token:{}"
WECHAT = "wechat"


@dataclass(frozen=True)
class Partners:
    """Whom a mixed payment needs: the provider's plain orders, its mixed ones, and the insurer's payment centre."""

    payments: PaymentProvider
    mixed: MixedProvider
    centre: MobileCentre


@dataclass(frozen=True)
class Brief:
    """A mixed order as it is worked on between units; `basis` is None once it was placed."""

    mixed_id: int
    order: PaymentOrder
    state: MixedOrderState
    mix_trade_no: str
    pay_order: PayOrder | None
    openid: str
    people: tuple[Named, Named | None]
    basis: Basis | None
    purpose: Purpose


def may_mix(uow: Uow, bill: Bill) -> bool:
    """Whether the bill has both parts, with the insurer's figures, and the asking account can be named to it."""
    insured_fen = bill.fund_fen + bill.other_fen + bill.account_fen
    if not bill.cash_fen or not insured_fen or not insurance.settles_later(uow, bill.split_id):
        return False
    return _people(uow, bill) is not None


def start(units: Units, partners: Partners, actor: Actor, bill_public_id: str) -> Asked:
    """The bill is asked for as a whole, its page opens both parts at once; a second tap gets the same order.

    Opens units of its own, the network lies between them. Refuses as `asking.start` does, and `not_mixed`.
    """
    try:
        brief, is_ours = _plan(units, actor, bill_public_id)
    except SplitChanged:
        with units.open(actor, reads_only=True) as uow:
            bill_id = service.bill_of_account(uow, bill_public_id).id
        raise SplitChanged(bill=asking.bill_again(units, actor, bill_id)) from None
    if brief.state is MixedOrderState.PLACED:
        return _asked(partners, bill_public_id, brief)
    if not is_ours:
        return _asked(partners, bill_public_id, _wait(units, actor, brief.mixed_id, bill_public_id))
    try:
        return _asked(partners, bill_public_id, _ask(units, partners, actor, brief))
    except (ProviderAway, InsurerAway):
        _lose_sight(units, actor, brief)
        raise PaymentUnclear(bill=bill_public_id) from None
    except (ProviderRefused, InsurerRefused, AnswerFlawed):
        _hasten(units, brief.mixed_id)
        raise PaymentUnavailable(bill=bill_public_id) from None


def _plan(units: Units, actor: Actor, bill_public_id: str) -> tuple[Brief, bool]:
    with units.open(actor) as uow:
        bill = service.locked(uow, service.bill_of_account(uow, bill_public_id).id)
        asking.refuse_unless_open(uow, bill)
        asking.settle_insurance(uow, bill)
        if not may_mix(uow, bill):
            raise NotMixed(bill=bill_public_id)
        asking.openid_of(uow, actor)
        key = rules.live_key(WECHAT, PayMethod.MIXED, actor.id)
        order = next((each for each in asking.live_orders(uow, bill) if each.live_key == key), None)
        mixed = of_order(uow, order.id) if order else _new(uow, bill, key)
        assert mixed is not None
        brief = _brief(uow, mixed, actor)
        if brief.order.expires_at <= uow.now() or mixed.state not in {MixedOrderState.CREATED, MixedOrderState.PLACED}:
            raise PaymentUnclear(bill=bill_public_id)
        return brief, sql.take_mixed(uow, mixed.id, until=uow.now() + timedelta(seconds=LEASE_SECONDS))


def _new(uow: Uow, bill: Bill, key: str) -> MixedOrder:
    order = asking.new_order(uow, bill, WECHAT, PayMethod.MIXED, key)
    mixed = MixedOrder(
        payment_order_id=order.id,
        split_id=bill.split_id,
        query_due_at=uow.now() + timedelta(seconds=LEASE_SECONDS + QUERY_SECONDS),
    )
    uow.session.add(mixed)
    uow.session.flush()
    return mixed


def of_order(uow: Uow, order_id: int) -> MixedOrder | None:
    """The mixed order of this payment order; None for a plain one."""
    return uow.session.scalars(select(MixedOrder).where(MixedOrder.payment_order_id == order_id)).first()


def _brief(uow: Uow, mixed: MixedOrder, actor: Actor) -> Brief:
    order = uow.session.get_one(PaymentOrder, mixed.payment_order_id)
    bill = uow.session.get_one(Bill, order.bill_id)
    people = _people(uow, bill)
    if people is None:
        raise NotMixed(bill=bill.public_id)
    openid = identity.openid_of_account(uow, actor.id or 0)
    basis = by_order.basis_of(uow, mixed.split_id)
    return Brief(
        mixed.id,
        order,
        mixed.state,
        mixed.mix_trade_no or "",
        pay_order_of(uow, mixed),
        openid,
        people,
        basis,
        bill.purpose,
    )


def pay_order_of(uow: Uow, mixed: MixedOrder) -> PayOrder | None:
    """The insurer's pay order of the mixed order; None before there is one."""
    if not mixed.pay_order_id:
        return None
    return PayOrder(mixed.pay_order_id, uow.keys.open(mixed.pay_token_sealed, PLACE.format(mixed.id)))


def _people(uow: Uow, bill: Bill) -> tuple[Named, Named | None] | None:
    """Who pays and, if that is another, for whom; None when either has no identity number on file."""
    payer = next((patient for patient, relation in identity.patients_of(uow) if relation is Relation.SELF), None)
    if payer is None:
        return None
    patient = uow.session.get_one(Patient, bill.patient_id)
    named = [_named(uow, each) for each in (payer, patient)]
    if not all(each.id_number for each in named):
        return None
    return named[0], None if patient.id == payer.id else named[1]


def _named(uow: Uow, patient: Patient) -> Named:
    return Named(identity.name_of(uow, patient), identity.id_number_of(uow, patient))


def _ask(units: Units, partners: Partners, actor: Actor, brief: Brief) -> Brief:
    """6201, the cash part's prepay and the mixed order, each kept before the next; every number is used again."""
    order, basis = brief.order, brief.basis
    if basis is None:
        raise InsurerRefused("the figures stand no longer")
    pay_order = brief.pay_order
    if pay_order is None:
        pay_order = partners.centre.upload(basis.visit, basis.claim, basis.quoted.lines, order.out_trade_no)
        _keep_pay_order(units, actor, brief.mixed_id, pay_order)
    if not order.prepay_id:
        wanted = Asking(order.out_trade_no, order.amount_fen, order.description, order.lapses_at)
        answer = partners.payments.prepay_jsapi(wanted, brief.openid)
        order = asking.keep_answer(units, actor, order, answer)
    payer, relative = brief.people
    fact = partners.mixed.place(
        MixedAsking(
            order.out_trade_no,
            ORDER_TYPES[brief.purpose],
            brief.openid,
            payer,
            relative,
            sums_of(basis, order.amount_fen),
            pay_order.pay_order_id,
            pay_order.pay_token,
            order.prepay_id,
            order.created_at,
        )
    )
    return _keep_placed(units, actor, brief, fact)


def sums_of(basis: Basis, cash_fen: int) -> MixedSums:
    """The order's sums as the insurer quoted them."""
    sums = basis.quoted.sums
    return MixedSums(sums.total_fen, sums.fund_fen, sums.account_fen, sums.other_fen, sums.cash_fen, cash_fen)


def _keep_pay_order(units: Units, actor: Actor, mixed_id: int, order: PayOrder) -> None:
    with units.open(actor) as uow:
        mixed = uow.session.get_one(MixedOrder, mixed_id, with_for_update=True)
        mixed.pay_order_id = order.pay_order_id
        mixed.pay_token_sealed = uow.keys.seal(order.pay_token, PLACE.format(mixed.id))


def _keep_placed(units: Units, actor: Actor, brief: Brief, fact: MixedFact) -> Brief:
    with units.open(actor) as uow:
        mixed = uow.session.get_one(MixedOrder, brief.mixed_id, with_for_update=True)
        keep_placed(uow, mixed, fact)
        return _brief(uow, mixed, actor)


def keep_placed(uow: Uow, mixed: MixedOrder, fact: MixedFact) -> None:
    """The provider has the order; quiet when that was known."""
    if MIXED_ORDER.may(mixed.state, MixedOrderAction.PLACE):
        due_at = uow.now() + timedelta(seconds=QUERY_SECONDS)
        move(
            uow,
            MIXED_ORDER,
            mixed,
            MixedOrderAction.PLACE,
            mix_trade_no=fact.mix_trade_no,
            asked_until=None,
            query_due_at=due_at,
        )


def _wait(units: Units, actor: Actor, mixed_id: int, bill_public_id: str) -> Brief:
    """What another tap of the same moment is asking for, once it has it."""
    for _ in range(WAITS):
        with units.open(actor, reads_only=True) as uow:
            mixed = uow.session.get_one(MixedOrder, mixed_id)
            if mixed.state is not MixedOrderState.CREATED:
                found = _brief(uow, mixed, actor)
                break
        time.sleep(WAIT_SECONDS)
    else:
        raise PaymentUnclear(bill=bill_public_id)
    if found.state is not MixedOrderState.PLACED:
        raise PaymentUnclear(bill=bill_public_id)
    return found


def _lose_sight(units: Units, actor: Actor, brief: Brief) -> None:
    """Nobody can say whether the order was placed; it is asked about soon, and never placed under another number."""
    if brief.order.state == OrderState.CREATED:
        asking.lose_sight(units, actor, brief.order)
    with units.open(actor) as uow:
        mixed = uow.session.get_one(MixedOrder, brief.mixed_id, with_for_update=True)
        if MIXED_ORDER.may(mixed.state, MixedOrderAction.LOSE_SIGHT):
            due_at = uow.now() + timedelta(seconds=QUERY_SECONDS)
            move(uow, MIXED_ORDER, mixed, MixedOrderAction.LOSE_SIGHT, asked_until=None, query_due_at=due_at)


def _hasten(units: Units, mixed_id: int) -> None:
    """An order that was refused is looked at, and ended, at the next bell."""
    with contextlib.suppress(ProviderAway), units.open(Actor("job", "payment")) as uow:
        mixed = uow.session.get_one(MixedOrder, mixed_id, with_for_update=True)
        mixed.asked_until, mixed.query_due_at = None, uow.now()


def _asked(partners: Partners, bill_public_id: str, brief: Brief) -> Asked:
    order = brief.order
    return Asked(
        bill_public_id,
        out_trade_no=order.out_trade_no,
        amount_fen=order.amount_fen,
        method=PayMethod.MIXED,
        prepay_id=order.prepay_id,
        expires_at=order.expires_at,
        call_up=partners.mixed.call_up(brief.mix_trade_no, order.prepay_id),
    )
