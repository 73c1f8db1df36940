"""Messages on their way through the Official Account under the numbers that the console's people entered."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from string import Formatter

import pytest
from sqlalchemy import select

from app.cli.seed import _templates as enter_all
from app.couriers.wechat_oa import OfficialAccount
from app.identity import logins
from app.identity.service import openid_of_account
from app.kernel.uow import Units
from app.notifications import delivery, service, templates
from app.notifications.models import Message
from app.notifications.ports import Letter, Sent
from app.notifications.states import Channel
from app.notifications.words import WORDS
from config import OfficialAccountSettings
from tests import factories
from tests.conftest import SetClock
from tests.contracts.test_wechat_oa import new_openid, received, settings_for
from tests.factories import Person
from tests.sandbox.fixtures import RunningSandbox

PARAMS: dict[str, object] = {
    "number": "A012",
    "room": "3-05",
    "rooms": "3-05/3-11",
    "window": "1号窗口",
    "place": "",
    "amount_fen": 1250,
    "total_fen": 6250,
    "covered_fen": 5000,
    "minutes": 10,
}


class Texts:
    """Takes every text message."""

    def __init__(self) -> None:
        self.letters: list[Letter] = []

    def send(self, letter: Letter) -> Sent:
        self.letters.append(letter)
        return Sent(letter.client_ref)


@pytest.fixture
def texts() -> Texts:
    return Texts()


@pytest.fixture
def who(units: Units, sandbox: RunningSandbox, clock: SetClock) -> Person:
    clock.at(datetime.now(UTC))
    with units.open() as uow:
        made = factories.person(uow)
        logins.remember_openid(uow, made.account, new_openid(sandbox))
    return made


def tell(units: Units, who: Person, template: str = "called") -> None:
    with units.open() as uow:
        params = PARAMS | {"at": uow.now(), "until_at": uow.now(), "to_day": uow.today(), "due_day": uow.today()}
        service.tell(uow, patient_id=who.patient.id, template=template, dedupe=template, params=params, link="/visits")


def deliver(units: Units, account: OfficialAccount, texts: Texts) -> list[tuple[str, str, str]]:
    couriers = {Channel.WECHAT: account, Channel.SMS: texts}
    delivery.deliver(units, couriers, base_url="https://hospital.example")
    with units.open(reads_only=True) as uow:
        found = uow.session.scalars(select(Message).order_by(Message.id))
        return [(message.channel.value, message.state.value, message.reason) for message in found]


def enter(units: Units, number: str, *, version: int, room: str = "thing4") -> None:
    keywords = {"number": "character_string1", "room": room}
    with units.open() as uow:
        templates.save(uow, "called", number=number, keywords=keywords, fixed_lines=[], version=version)


def openid_of(units: Units, who: Person) -> str:
    with units.open(reads_only=True) as uow:
        return openid_of_account(uow, who.account.id)


def test_the_demo_hospitals_numbers_carry_every_message(
    units: Units, sandbox: RunningSandbox, who: Person, texts: Texts
) -> None:
    with units.open() as uow:
        enter_all(uow)
        assert templates.without_number(uow) == []
    for name in WORDS:
        tell(units, who, name)

    fates = deliver(units, OfficialAccount(settings_for(sandbox), units), texts)

    assert set(fates) == {("wechat", "sent", "")}
    assert {str(one["template_id"]) for one in received(sandbox, openid_of(units, who))} == {
        f"Demo-{name}" for name in WORDS
    }


def test_a_message_without_a_number_goes_by_text_and_says_why(
    units: Units, sandbox: RunningSandbox, who: Person, texts: Texts
) -> None:
    tell(units, who)

    fates = deliver(units, OfficialAccount(settings_for(sandbox), units), texts)

    assert fates == [("wechat", "failed", "no_template"), ("sms", "sent", "")]
    assert texts.letters[0].fields["room"] == "3-05"


@pytest.mark.parametrize(
    ("entered", "reason"),
    [(("Demo-of-yesterday", "thing4"), "unknown_template"), (("Demo-called", "thing9"), "wrong_keywords")],
)
def test_what_the_account_does_not_know_goes_by_text_until_it_is_mended(
    units: Units, sandbox: RunningSandbox, who: Person, texts: Texts, entered: tuple[str, str], reason: str
) -> None:
    account = OfficialAccount(settings_for(sandbox), units)
    enter(units, entered[0], version=0, room=entered[1])
    tell(units, who)
    assert deliver(units, account, texts) == [("wechat", "failed", reason), ("sms", "sent", "")]
    with units.open() as uow:
        shown = {one.name: one.refused for one in templates.templates(uow, refused_since=uow.now() - timedelta(days=7))}
        assert (shown["called"], shown["booked"]) == (1, 0)

    enter(units, "Demo-called", version=1)
    with units.open() as uow:
        service.tell(uow, patient_id=who.patient.id, template="called", dedupe="2", params=PARAMS, link="/visits")

    assert deliver(units, account, texts)[2:] == [("wechat", "sent", "")]


def test_a_message_that_waited_goes_under_the_number_of_the_day_it_goes(
    units: Units, sandbox: RunningSandbox, who: Person, texts: Texts, clock: SetClock
) -> None:
    enter(units, "Demo-of-yesterday", version=0)
    tell(units, who)
    nobody = OfficialAccount(OfficialAccountSettings(base_url="http://127.0.0.1:9"), units)
    assert deliver(units, nobody, texts) == [("wechat", "queued", "")]

    enter(units, "Demo-called", version=1)
    clock.step(seconds=60)

    assert deliver(units, OfficialAccount(settings_for(sandbox), units), texts) == [("wechat", "sent", "")]


def test_every_field_of_every_message_has_a_usual_keyword() -> None:
    for name, words in WORDS.items():
        spoken = {field for text in (words.body_zh, words.body_en) for _, field, _, _ in Formatter().parse(text)}
        assert spoken - {None} <= set(templates.USUAL), name
