"""Every recipient is told once; each message has one fate, and where WeChat fails a text takes its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import select

from app.identity import logins
from app.kernel.errors import NotFound
from app.kernel.moves import IllegalMove, move
from app.kernel.uow import Units
from app.notifications import delivery, service
from app.notifications.errors import CourierAway, CourierRefused
from app.notifications.models import Message
from app.notifications.ports import Letter, Sent
from app.notifications.states import FINAL, MESSAGE, MOVES, Channel, MessageAction, MessageState
from tests import factories
from tests.conftest import SetClock

BASE_URL = "https://hospital.example"


@dataclass
class Courier:
    """A provider's counter: takes letters or answers what the test says."""

    answers: list[Exception] = field(default_factory=list)
    letters: list[Letter] = field(default_factory=list)
    dies_next: bool = False

    def send(self, letter: Letter) -> Sent:
        if self.answers:
            raise self.answers.pop(0)
        self.letters.append(letter)
        if self.dies_next:
            self.dies_next = False
            raise KeyboardInterrupt
        return Sent(f"id-{letter.client_ref}")


@pytest.fixture
def couriers() -> dict[Channel, Courier]:
    return {Channel.WECHAT: Courier(), Channel.SMS: Courier()}


def person(units: Units, *, openid: str = "") -> factories.Person:
    with units.open() as uow:
        who = factories.person(uow)
        if openid:
            logins.remember_openid(uow, who.account, openid)
    return who


def tell(units: Units, who: factories.Person, *, dedupe: str = "called:1:1", template: str = "called") -> int:
    with units.open() as uow:
        return len(
            service.tell(
                uow,
                patient_id=who.patient.id,
                template=template,
                dedupe=dedupe,
                params={"number": "A012", "room": "3-05", "at": uow.now()},
                link="/visits/abc",
            )
        )


def deliver(units: Units, couriers: Mapping[Channel, Courier]) -> int:
    return delivery.deliver(units, couriers, base_url=BASE_URL)


def fates(units: Units) -> list[tuple[str, str, str]]:
    with units.open() as uow:
        found = uow.session.scalars(select(Message).order_by(Message.id))
        return [(message.channel.value, message.state.value, message.reason) for message in found]


def result(units: Units, couriers: dict[Channel, Courier], status: str, *, nth: int = 0) -> bool:
    letter = couriers[Channel.WECHAT].letters[nth]
    with units.open() as uow:
        return delivery.receive_result(uow, f"id-{letter.client_ref}", status)


def test_a_recipient_is_told_once_however_often_it_happens(units: Units, couriers: dict[Channel, Courier]) -> None:
    who = person(units)

    assert [tell(units, who), tell(units, who), tell(units, who, dedupe="called:1:2")] == [1, 0, 1]

    assert deliver(units, couriers) == 2
    assert deliver(units, couriers) == 0
    assert fates(units) == [("sms", "sent", ""), ("sms", "sent", "")]
    letter = couriers[Channel.SMS].letters[0]
    assert (letter.body, letter.url) == ("A012，请现在到3-05诊室。", f"{BASE_URL}/visits/abc")
    assert letter.fields == {"number": "A012", "room": "3-05", "at": "11-23 09:30"}


def test_wechat_is_taken_where_the_account_has_it_and_its_word_is_final(
    units: Units, couriers: dict[Channel, Courier]
) -> None:
    who = person(units, openid="o1")
    tell(units, who)
    deliver(units, couriers)
    assert fates(units) == [("wechat", "sent", "")]

    assert result(units, couriers, "success") is True
    assert result(units, couriers, "failed:user block") is False

    assert fates(units) == [("wechat", "delivered", "")]


def test_a_result_that_comes_before_we_noted_the_sending_is_kept(
    units: Units, couriers: dict[Channel, Courier]
) -> None:
    who = person(units, openid="o1")
    tell(units, who)
    with units.open() as uow:
        message = uow.session.scalars(select(Message)).one()
        delivery.receive_result(uow, f"id-{message.public_id}", "success")

    deliver(units, couriers)

    assert fates(units) == [("wechat", "delivered", "")]


@pytest.mark.parametrize("how", ["at_once", "later"])
def test_who_blocked_us_gets_a_text_once(units: Units, couriers: dict[Channel, Courier], how: str) -> None:
    who = person(units, openid="o1")
    tell(units, who)
    if how == "at_once":
        couriers[Channel.WECHAT].answers.append(CourierRefused("blocked", is_final=True))
    deliver(units, couriers)
    if how == "later":
        result(units, couriers, "failed:user block")

    deliver(units, couriers)

    assert fates(units) == [("wechat", "failed", "blocked"), ("sms", "sent", "")]
    with units.open(who.actor) as uow:
        assert [note.title for note in service.inbox_of_account(uow, locale="zh_Hans_CN")] == ["请就诊"]


def test_a_system_failure_of_wechat_is_a_fate_without_a_text(units: Units, couriers: dict[Channel, Courier]) -> None:
    who = person(units, openid="o1")
    tell(units, who)
    deliver(units, couriers)

    result(units, couriers, "failed: system failed")

    assert fates(units) == [("wechat", "failed", "system")]


def test_a_provider_that_is_away_is_asked_again_under_the_same_reference(
    units: Units, couriers: dict[Channel, Courier], clock: SetClock
) -> None:
    who = person(units)
    tell(units, who)
    couriers[Channel.SMS].answers += [CourierAway(), CourierRefused("rate_limited", is_final=False), ValueError("?")]

    for _ in range(3):
        assert deliver(units, couriers) == 1
        assert fates(units) == [("sms", "queued", "")]
        clock.step(seconds=60)
    assert deliver(units, couriers) == 1

    assert fates(units) == [("sms", "sent", "")]


def test_wechat_that_stays_away_gives_way_to_a_text(
    units: Units, couriers: dict[Channel, Courier], clock: SetClock
) -> None:
    who = person(units, openid="o1")
    tell(units, who, template="reported", dedupe="reported:1")
    couriers[Channel.WECHAT].answers += [CourierAway() for _ in range(20)]

    for _ in range(20):
        deliver(units, couriers)
        clock.step(minutes=5)

    assert fates(units) == [("wechat", "failed", "gave_up"), ("sms", "sent", "")]
    assert len(couriers[Channel.WECHAT].answers) == 20 - delivery.GIVE_UP_TRIES


def test_a_text_is_tried_for_as_long_as_it_is_of_use(
    units: Units, couriers: dict[Channel, Courier], clock: SetClock
) -> None:
    who = person(units)
    tell(units, who, template="booked", dedupe="booked:1")
    couriers[Channel.SMS].answers += [CourierAway() for _ in range(100)]

    for _ in range(23):
        deliver(units, couriers)
        assert fates(units) == [("sms", "queued", "")]
        clock.step(hours=1)
    clock.step(hours=2)
    deliver(units, couriers)

    assert fates(units) == [("sms", "suppressed", "too_late")]


def test_a_provider_that_is_away_is_asked_once_a_batch(units: Units, couriers: dict[Channel, Courier]) -> None:
    for number in range(10):
        tell(units, person(units), dedupe=f"called:{number}")
    couriers[Channel.SMS].answers += [CourierAway()]

    deliver(units, couriers)

    assert couriers[Channel.SMS].letters == []
    assert len(fates(units)) == 10


def test_a_call_that_nobody_could_deliver_in_time_is_not_delivered_late(
    units: Units, couriers: dict[Channel, Courier], clock: SetClock
) -> None:
    who = person(units)
    tell(units, who)

    clock.step(minutes=21)
    deliver(units, couriers)

    assert fates(units) == [("sms", "suppressed", "too_late")]
    assert couriers[Channel.SMS].letters == []


def test_a_sender_that_died_after_the_provider_took_the_letter_hands_over_the_same_reference(
    units: Units, couriers: dict[Channel, Courier], clock: SetClock
) -> None:
    who = person(units)
    tell(units, who, template="reported", dedupe="reported:1")
    couriers[Channel.SMS].dies_next = True
    with pytest.raises(KeyboardInterrupt):
        deliver(units, couriers)
    assert deliver(units, couriers) == 0

    clock.step(seconds=delivery.LEASE_SECONDS + 1)
    assert deliver(units, couriers) == 1

    assert fates(units) == [("sms", "sent", "")]
    assert len({letter.client_ref for letter in couriers[Channel.SMS].letters}) == 1
    assert len(couriers[Channel.SMS].letters) == 2


def test_a_message_nobody_can_write_does_not_hold_up_the_others(units: Units, couriers: dict[Channel, Courier]) -> None:
    broken, whole = person(units), person(units)
    tell(units, broken)
    tell(units, whole)
    with units.open() as uow:
        uow.session.merge(broken.account).phone_sealed = whole.account.phone_sealed

    deliver(units, couriers)

    assert fates(units) == [("sms", "failed", "bad_message"), ("sms", "sent", "")]


def test_an_account_without_any_address_reads_its_inbox(units: Units, couriers: dict[Channel, Courier]) -> None:
    who = person(units)
    with units.open() as uow:
        uow.session.merge(who.account).phone_sealed = ""

    tell(units, who)

    assert fates(units) == [("inapp", "delivered", "")]
    assert deliver(units, couriers) == 0


def test_the_inbox_is_ones_own(units: Units) -> None:
    who, stranger = person(units), person(units)
    tell(units, who)
    with units.open(who.actor) as uow:
        note = service.inbox_of_account(uow, locale="zh_Hans_CN")[0]
        assert (note.is_read, service.unread_count(uow)) == (False, 1)

    with units.open(stranger.actor) as uow:
        assert service.inbox_of_account(uow, locale="zh_Hans_CN") == []
        with pytest.raises(NotFound):
            service.open_message(uow, note.public_id)

    with units.open(who.actor) as uow:
        assert service.open_message(uow, note.public_id).link == "/visits/abc"
        assert service.unread_count(uow) == 0


def test_the_console_sees_every_fate(units: Units, couriers: dict[Channel, Courier]) -> None:
    who = person(units, openid="o1")
    tell(units, who)
    deliver(units, couriers)

    with units.open() as uow:
        assert [message.template for message in service.messages(uow, state="sent")] == ["called"]
        assert service.messages(uow, state="failed") == []
        assert service.fates(uow, since=uow.now()) == [(Channel.WECHAT, MessageState.SENT, "", 1)]


@pytest.mark.parametrize("state", MessageState)
@pytest.mark.parametrize("action", MessageAction)
def test_a_fate_is_never_left(units: Units, state: MessageState, action: MessageAction) -> None:
    who = person(units)
    uow = units.begin()
    try:
        times: dict[str, Any] = {"sent_at": uow.now(), "final_at": uow.now() if state in FINAL else None}
        message = Message(
            account_id=who.account.id,
            patient_id=who.patient.id,
            channel=Channel.SMS,
            template="called",
            params={},
            link="/",
            dedupe_key="k",
            state=state,
            made_at=uow.now(),
            **times,
        )
        uow.session.add(message)
        uow.session.flush()
        then = MOVES.get((state, action))

        if then is None:
            with pytest.raises(IllegalMove):
                move(uow, MESSAGE, message, action)
        else:
            assert state not in FINAL
            assert move(uow, MESSAGE, message, action, final_at=uow.now() if then in FINAL else None) == then
    finally:
        units.drop(uow)


def test_every_state_is_reached_and_every_action_used() -> None:
    assert set(MOVES.values()) | {MESSAGE.initial} == set(MessageState)
    assert {action for _, action in MOVES} == set(MessageAction)
