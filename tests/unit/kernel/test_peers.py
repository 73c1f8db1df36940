"""What is agreed with another system: found by its name, changed by one at a time, every change kept."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import select

from app.kernel import peers
from app.kernel.audit import AuditEvent
from app.kernel.errors import NotFound, TooMany
from app.kernel.peer_rules import may_send
from app.kernel.peers import AckMode, BadPeer, Peer, PeerChanged, PeerTaken
from app.kernel.uow import Actor, Units

HIS = Peer(name="住院系统", application="HIS", facility="HOSPITAL", addresses=("10.1.0.0/16",))
BOSS = Actor("staff", "boss")


def filed(units: Units, wanted: Peer = HIS) -> Peer:
    with units.open(BOSS) as uow:
        return peers.file_peer(uow, wanted)


def test_a_peer_is_found_by_what_it_writes_and_a_stranger_gets_the_defaults(units: Units) -> None:
    made = filed(units)

    with units.open(reads_only=True) as uow:
        found = peers.peer_for(uow, "HIS", "HOSPITAL")
        stranger = peers.peer_for(uow, "HIS", "OTHER")

    assert found == made
    assert (found.is_known, found.version, found.addresses) == (True, 1, ("10.1.0.0/16",))
    assert stranger == Peer(application="HIS", facility="OTHER")
    assert not stranger.is_known


def test_one_sender_is_on_file_once(units: Units) -> None:
    made = filed(units)
    other = filed(units, replace(HIS, application="LIS"))

    with pytest.raises(PeerTaken):
        filed(units, replace(HIS, name="again"))
    with pytest.raises(PeerTaken), units.open(BOSS) as uow:
        peers.amend_peer(uow, replace(other, application=made.application))


def test_every_change_says_who_and_what(units: Units) -> None:
    made = filed(units)

    with units.open(Actor("staff", "it")) as uow:
        peers.amend_peer(uow, replace(made, ack_mode=AckMode.ENHANCED, messages_per_minute=60))

    with units.open(reads_only=True) as uow:
        second, first = peers.changes_of(uow, made.public_id)
        changed = select(AuditEvent).where(AuditEvent.action == "hl7.peer_changed").order_by(AuditEvent.id)
        trail = uow.session.scalars(changed).all()
    assert (first.version, first.by_ref, first.terms["application"]) == (1, "boss", (None, "HIS"))
    assert (second.version, second.by_ref) == (2, "it")
    assert second.terms == {"ack_mode": ("original", "enhanced"), "messages_per_minute": (0, 60)}
    assert trail[-1].detail == {"version": 2, "terms": ["ack_mode", "messages_per_minute"]}


def test_of_ten_that_change_one_agreement_at_once_one_does(units: Units) -> None:
    made = filed(units)

    def amend(number: int) -> bool:
        try:
            with units.open(BOSS) as uow:
                peers.amend_peer(uow, replace(made, messages_per_minute=number))
        except PeerChanged:
            return False
        return True

    with ThreadPoolExecutor(10) as staff:
        done = list(staff.map(amend, range(1, 11)))

    assert sum(done) == 1
    with units.open(reads_only=True) as uow:
        assert [change.version for change in peers.changes_of(uow, made.public_id)] == [2, 1]


def test_nothing_changed_is_no_version(units: Units) -> None:
    made = filed(units)

    with units.open(BOSS) as uow:
        assert peers.amend_peer(uow, made).version == 1


def test_a_pause_is_quiet_when_it_comes_twice(units: Units) -> None:
    made = filed(units)

    with units.open(BOSS) as uow:
        paused = [peers.pause(uow, made.public_id), peers.pause(uow, made.public_id)]
        resumed = peers.resume(uow, made.public_id)

    assert [(each.is_paused, each.version) for each in paused] == [(True, 2), (True, 2)]
    assert (resumed.is_paused, resumed.version) == (False, 3)


@pytest.mark.parametrize(
    ("term", "value"),
    [
        ("name", " "),
        ("name", "x" * 81),
        ("application", ""),
        ("application", "HIS\r"),
        ("facility", "x" * 228),
        ("charset", "KLINGON"),
        ("addresses", ("10.1.0.0/33",)),
        ("addresses", ("10.1.0.1/16",)),
        ("addresses", ("his.example",)),
        ("addresses", ("10.1.0.1",) * 51),
        ("max_frame_bytes", 1023),
        ("max_frame_bytes", 16 * 1024 * 1024 + 1),
        ("messages_per_minute", -1),
        ("retry_codes", ("20",)),
        ("out_host", "his example"),
        ("out_port", 65536),
        ("out_charset", ""),
    ],
)
def test_what_cannot_be_agreed_is_named(units: Units, term: str, value: object) -> None:
    with pytest.raises(BadPeer) as refusal:
        filed(units, replace(HIS, **{term: value}))

    fields = refusal.value.facts["fields"]
    assert isinstance(fields, dict)
    assert term in fields


def test_a_host_needs_a_port(units: Units) -> None:
    with pytest.raises(BadPeer):
        filed(units, replace(HIS, out_host="his.example"))


def test_a_peer_nobody_filed_is_not_found(units: Units) -> None:
    with pytest.raises(NotFound), units.open(reads_only=True) as uow:
        peers.peer(uow, "x" * 26)


def test_a_peer_may_send_so_much_a_minute(units: Units) -> None:
    made = filed(units, replace(HIS, messages_per_minute=2))

    for _ in range(2):
        with units.open() as uow:
            peers.count_message(uow, made)

    with pytest.raises(TooMany), units.open() as uow:
        peers.count_message(uow, made)


@pytest.mark.parametrize(
    ("address", "networks", "may"),
    [
        ("10.1.2.3", (), True),
        ("10.1.2.3", ("10.1.0.0/16",), True),
        ("::ffff:10.1.2.3", ("10.1.0.0/16",), True),
        ("10.2.2.3", ("10.1.0.0/16", "192.168.1.7"), False),
        ("192.168.1.7", ("10.1.0.0/16", "192.168.1.7"), True),
        ("fd00::1", ("fd00::/8",), True),
        ("fd00::1", ("10.1.0.0/16",), False),
        ("", ("10.1.0.0/16",), False),
        ("", (), True),
    ],
)
def test_who_may_send_from_where(address: str, networks: tuple[str, ...], may: bool) -> None:
    assert may_send(address, networks) is may
