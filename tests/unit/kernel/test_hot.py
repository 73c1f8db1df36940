"""A hot statement does what the session does, at the same moment in the eyes of whoever asks within the unit."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import bindparam, create_engine, func, select, update
from sqlalchemy.exc import IntegrityError

from app.identity.models import Account, Patient, PatientIdentifier
from app.kernel import audit, hot, hot_rows, once
from app.kernel.audit import AuditEvent
from app.kernel.db import Base, engine_options, prepare
from app.kernel.errors import NotAllowed
from app.kernel.unit_session import CannotTurnBack, Rows
from app.kernel.uow import Actor, Units, Uow


def account(uow: Uow, number: int) -> Account:
    return Account(phone_sealed="", phone_index=f"{number:032x}", created_at=uow.now())


def count(uow: Uow, table: type[Account] | type[AuditEvent]) -> int:
    return uow.session.scalar(select(func.count()).select_from(table)) or 0


def test_a_row_put_is_as_if_it_had_been_added_and_flushed(units: Units) -> None:
    with units.open() as uow:
        made = account(uow, 1)
        hot.put(uow, made)
        assert uow.session.get_one(Account, made.id) is made
        made.is_elder = True

    with units.open() as uow:
        found = uow.session.get_one(Account, made.id)
        assert found is not made
        assert (found.public_id, found.locale, found.is_elder) == (made.public_id, "zh_Hans_CN", True)
        assert found.created_at == made.created_at


def test_what_is_put_off_is_there_for_whoever_asks(units: Units) -> None:
    with units.open() as uow:
        hot.put_later(uow, account(uow, 1))
        audit.record(uow, "test.deed", "account", "x")

        assert (count(uow, Account), count(uow, AuditEvent)) == (1, 1)


def test_what_is_put_off_stands_when_the_unit_is_finished(units: Units) -> None:
    with units.open() as uow:
        hot.put_later(uow, account(uow, 1))
        hot.put_later(uow, account(uow, 2))

    with units.open() as uow:
        assert count(uow, Account) == 2


def test_what_is_put_off_falls_with_the_unit(units: Units) -> None:
    def fall() -> None:
        with units.open() as uow:
            hot.put_later(uow, account(uow, 1))
            raise RuntimeError("the unit falls")

    with pytest.raises(RuntimeError, match="falls"):
        fall()

    with units.open() as uow:
        assert count(uow, Account) == 0


def test_what_was_put_off_before_a_part_that_is_undone_stands(units: Units) -> None:
    with units.open() as uow:
        hot.put_later(uow, account(uow, 1))
        part = uow.session.begin_nested()
        hot.put_later(uow, account(uow, 2))
        part.rollback()

    with units.open() as uow:
        assert list(uow.session.scalars(select(Account.phone_index))) == [f"{1:032x}"]


@pytest.mark.parametrize("put", [hot.put, hot.put_later])
def test_what_the_table_refuses_is_refused_as_usual(units: Units, put: object) -> None:
    def twice() -> None:
        with units.open() as uow:
            put(uow, account(uow, 1))  # type: ignore[operator]
            put(uow, account(uow, 1))  # type: ignore[operator]

    with pytest.raises(IntegrityError):
        twice()

    with units.open() as uow:
        assert count(uow, Account) == 0


def test_a_refused_row_is_said_in_the_words_of_its_writer(units: Units) -> None:
    def twice(*, within_a_part: bool) -> None:
        with units.open() as uow:
            hot.put(uow, account(uow, 1))
            part = uow.session.begin_nested() if within_a_part else None
            audit.record(uow, "test.deed", "account", "x")
            hot.put_later(uow, account(uow, 1), refused_as=NotAllowed)
            assert part is None, "a part of the unit puts nothing off"

    for within_a_part in (False, True):
        with pytest.raises(NotAllowed):
            twice(within_a_part=within_a_part)

    with units.open() as uow:
        assert (count(uow, Account), count(uow, AuditEvent)) == (0, 0)


def test_what_touches_the_same_row_is_done_in_its_order(units: Units) -> None:
    """As one statement the second would not see what the first did."""
    with units.open(Actor("patient", "somebody")) as uow:
        once.begin(uow, "k", "hash")
        once.remember(uow, "k", "/first")
        once.remember(uow, "k", "/second")
        audit.record(uow, "test.deed", "account", "x")

    with pytest.raises(once.DoneBefore) as done, units.open(Actor("patient", "somebody")) as uow:
        once.begin(uow, "k", "hash")
    assert done.value.location == "/second"


def test_who_rides_along_refuses_before_the_question_is_answered(units: Units) -> None:
    heard: list[object] = []
    ask = hot.Hot(select(Account.id).where(Account.phone_index == bindparam("p_index")))

    def refuse(found: Rows) -> None:
        heard.append(found)
        raise NotAllowed

    def asked(question: Callable[[Uow], object]) -> None:
        with units.open() as uow:
            ask.ride(uow, {"p_index": f"{1:032x}"}, refuse)
            question(uow)

    for question in (lambda uow: ask.first(uow, {"p_index": "x"}), lambda uow: count(uow, Account), lambda _uow: None):
        with pytest.raises(NotAllowed):
            asked(question)
    assert heard == [[], [], []]


def test_a_found_row_is_the_one_the_unit_has_already(units: Units) -> None:
    found = hot.Found(
        Account,
        which=lambda all_of_it: all_of_it.where(Account.phone_index == bindparam("p_index")),
        also=(Account.id + 1,),
    )
    with units.open() as uow:
        made = account(uow, 1)
        hot.put(uow, made)
        assert found.first(uow, {"p_index": made.phone_index}) == (made, made.id + 1)
        assert found.first(uow, {"p_index": "nobody's"}) is None

    with units.open() as uow:
        row = found.first(uow, {"p_index": made.phone_index})
        assert row is not None
        assert row[0] is uow.session.get_one(Account, made.id)
        assert (row[0].created_at, row[0].is_elder) == (made.created_at, False)


def test_a_row_the_unit_has_is_asked_for_anew_only_when_it_may_be_another(units: Units) -> None:
    with units.open() as uow:
        made = account(uow, 1)
        hot.put(uow, made)
    with units.open() as uow:
        had = uow.session.get_one(Account, made.id)
        uow.session.execute(
            update(Account).values(is_elder=True).execution_options(synchronize_session=False)  # as another unit does
        )
        assert uow.session.get(Account, made.id) is had
        assert not had.is_elder
        assert uow.session.get_one(Account, made.id, populate_existing=True).is_elder

        uow.session.execute(update(Account).values(is_elder=False).execution_options(synchronize_session=False))
        uow.session.expire(had)
        assert uow.session.get_one(Account, made.id) is had
        assert not had.is_elder
        assert uow.session.get(Account, made.id + 1) is None


def test_keys_are_given_once(units: Units) -> None:
    keys = []
    for number in range(hot.KEYS_AT_ONCE + 3):
        with units.open() as uow:
            made = account(uow, number)
            hot.put(uow, made)
            keys.append(made.id)

    assert len(set(keys)) == hot.KEYS_AT_ONCE + 3


def test_rows_put_off_stand_before_those_that_refer_to_them(units: Units) -> None:
    def person() -> Patient:
        return Patient(name_sealed="", name_masked="", birth_date=None, merged_into_id=None, created_at=uow.now())

    with units.open() as uow:
        known = person()
        hot.put(uow, known)
        hot.put_later(uow, PatientIdentifier(patient_id=known.id, system="his", value="1"))
        new = person()
        hot.put_later(uow, new)
        hot.put_later(uow, PatientIdentifier(patient_id=new.id, system="his", value="2"))

    with units.open(reads_only=True) as uow:
        found = uow.session.execute(select(PatientIdentifier.value, PatientIdentifier.patient_id)).all()
    assert dict(found) == {"1": known.id, "2": new.id}  # type: ignore[arg-type]


def test_many_rows_put_off_are_as_each_was_told(units: Units) -> None:
    details = [{"what": "张三 \\ \" ' %(x)s {}", "none": None}, {}, {"deep": {"list": [1, True, "é"]}}]
    with units.open(Actor("staff", "S1")) as uow:
        for detail in details:
            audit.record(uow, "test.deed", "account", "x", **detail)

    with units.open(reads_only=True) as uow:
        rows = uow.session.scalars(select(AuditEvent).order_by(AuditEvent.id)).all()
        assert [row.detail for row in rows] == details
        assert {(row.happened_at, row.actor_kind, row.actor_ref) for row in rows} == {(uow.now(), "staff", "S1")}


def test_a_row_changed_later_is_so_at_once_in_its_unit(units: Units) -> None:
    with units.open() as uow:
        made = account(uow, 1)
        hot.put_later(uow, made)
        hot_rows.change_later(uow, Account, made.id, {"locale": "en", "is_elder": True})
        assert (made.locale, made.is_elder) == ("en", True)

    with units.open(reads_only=True) as uow:
        assert uow.session.execute(select(Account.locale, Account.is_elder)).all() == [("en", True)]


def test_a_change_happens_only_from_what_the_row_was(units: Units) -> None:
    with units.open() as uow:
        made = account(uow, 1)
        hot.put(uow, made)
        assert not hot_rows.change(uow, made, {"is_elder": True}, only_if={"locale": "en"})
        assert not made.is_elder
        assert hot_rows.change(uow, made, {"is_elder": True}, only_if={"locale": "zh_Hans_CN"})
        assert made.is_elder


def test_a_part_that_fails_before_it_writes_needs_no_way_back(units: Units) -> None:
    with units.open() as uow:
        uow.session.in_one_piece = True
        hot.put_later(uow, account(uow, 1))
        with suppress(KeyError), uow.session.part():
            count(uow, Account)
            raise KeyError

    with units.open(reads_only=True) as uow:
        assert count(uow, Account) == 1


def by_session(uow: Uow) -> None:
    uow.session.add(account(uow, 2))


def by_hot_statement(uow: Uow) -> None:
    hot.put(uow, account(uow, 2))


def put_off(uow: Uow) -> None:
    hot.put_later(uow, account(uow, 2))


def by_statement(uow: Uow) -> None:
    uow.session.execute(update(Account).values(locale="en"))


@pytest.mark.parametrize("write", [by_session, by_hot_statement, put_off, by_statement])
def test_a_part_that_fails_after_it_has_written_takes_its_unit_along(
    units: Units, write: Callable[[Uow], None]
) -> None:
    def fall(*, in_one_piece: bool) -> None:
        with units.open() as uow:
            uow.session.in_one_piece = in_one_piece
            hot.put_later(uow, account(uow, 1))
            with suppress(KeyError), uow.session.part():
                write(uow)
                raise KeyError

    with pytest.raises(CannotTurnBack):
        fall(in_one_piece=True)
    with units.open(reads_only=True) as uow:
        assert count(uow, Account) == 0

    fall(in_one_piece=False)
    with units.open(reads_only=True) as uow:
        assert uow.session.execute(select(Account.phone_index, Account.locale)).all() == [(f"{1:032x}", "zh_Hans_CN")]


def test_a_statement_that_was_run_on_sqlite_is_as_good_on_any_other_database(units: Units, tmp_path: Path) -> None:
    """Each reads its columns in its own way: SQLite has instants as text."""
    found = hot.Found(Account, which=lambda every: every.where(Account.id == bindparam("p_id")))
    url = f"sqlite:///{tmp_path / 'other.db'}"
    engine = create_engine(url, **engine_options(url, pool_size=1))
    prepare(engine)
    Base.metadata.create_all(engine)

    for each in (Units(engine, units.clock, units.keys, units.zone, units.story), units):
        with each.open() as uow:
            uow.session.add(made := account(uow, 1))
            uow.session.flush()
        with each.open() as uow:
            assert found.row(uow, {"p_id": made.id}).created_at == uow.now()
    engine.dispose()
