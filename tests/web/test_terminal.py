"""The bag is picked by one, checked by another, and leaves once, in the right hands."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.pharmacy.models import Bag, Dispense, Scan
from app.pharmacy.states import ScanCode
from tests.web.work_fixtures import House, follow, hidden, house, json_scan, nonce

__all__ = ["house"]
CHECKS = ["form", "drugs", "incompatibility", "reasonable_use"]
HANDED = {"check": CHECKS, "identity": "phone_tail"}


def served(house: House):
    """A bag at the window of a pharmacist who scanned its patient's code."""
    _, bag = house.ready_bag()
    pharmacist = house.browser("checker")
    answer = pharmacist.post("/terminal/scan", data={"digits": house.code(bag), "nonce": nonce()})
    assert answer.location == f"/terminal/bags/{bag.public_id}"
    return pharmacist, bag


def match(pharmacist, bag: Bag, label: str):
    return pharmacist.post(f"/terminal/bags/{bag.public_id}/match", data={"bag_code": label, "nonce": nonce()})


def test_only_pharmacists_open_the_terminal(house: House) -> None:
    for login in ("doctor", "nurse", "reviewer", "clerk", "boss"):
        answer = house.browser(login).get("/terminal/")

        assert answer.status_code == 403
        assert "not_allowed" in answer.text


def test_a_terminal_without_a_window_chooses_one_first(house: House) -> None:
    pharmacist = house.app.test_client()
    pharmacist.post("/staff/login", data={"login": "checker", "password": "demo-2026"})

    first = pharmacist.get("/terminal/")
    scan = pharmacist.post("/terminal/scan", data={"digits": "1", "nonce": nonce()})
    unknown = pharmacist.post("/terminal/window", data={"window": "W9"})
    ready = follow(pharmacist, pharmacist.post("/terminal/window", data={"window": "W1"}))

    assert first.location == "/terminal/window"
    assert (scan.status_code, "window_not_chosen" in scan.text) == (409, True)
    assert unknown.status_code == 404
    assert "请扫患者的取药码" in ready.text


def test_whoever_logs_in_again_stands_at_the_same_window_with_the_same_bag(house: House) -> None:
    pharmacist, bag = served(house)
    pharmacist.post("/staff/logout")

    pharmacist.post("/staff/login", data={"login": "checker", "password": "demo-2026"})
    still = pharmacist.get(f"/terminal/bags/{bag.public_id}").text
    pharmacist.post("/staff/logout")
    pharmacist.post("/staff/login", data={"login": "picker", "password": "demo-2026"})

    assert "请扫药袋条码" in still
    assert pharmacist.get("/terminal/").location == "/terminal/window"


def test_one_picks_and_another_checks(house: House) -> None:
    _, bag = house.queued_bag()
    picker, checker = house.browser("picker"), house.browser("checker")
    path = f"/terminal/picking/{bag.public_id}"

    listed = picker.get("/terminal/picking")
    started = follow(picker, picker.post(f"{path}/start"))
    alone = picker.post(f"{path}/ready")
    done = follow(checker, checker.post(f"{path}/ready"))

    assert bag.number in listed.text
    assert "张秀英" not in listed.text + started.text
    assert "等待另一位药师核对" in started.text
    assert (alone.status_code, "same_person" in alone.text) == (409, True)
    assert "可以取药" in done.text
    assert house.audited("bag.read") >= 1


def test_a_scan_serves_the_bag_and_shows_whose_it_is(house: House) -> None:
    pharmacist, bag = served(house)

    page = pharmacist.get(f"/terminal/bags/{bag.public_id}").text

    assert "张秀英" in page
    assert 'data-sound="granted"' in page
    assert f"W1-{bag.bin_no:02d}" in page
    assert "布洛芬" in page
    assert house.audited("bag.read") >= 1


def test_the_bag_leaves_once(house: House) -> None:
    pharmacist, bag = served(house)
    digits = house.code(bag)

    matched = follow(pharmacist, match(pharmacist, bag, bag.bag_code))
    done = follow(pharmacist, pharmacist.post(f"/terminal/bags/{bag.public_id}/hand-over", data=HANDED))
    second = follow(pharmacist, pharmacist.post("/terminal/scan", data={"digits": digits, "nonce": nonce()}))
    tap = pharmacist.post(f"/terminal/bags/{bag.public_id}/hand-over", data=HANDED)

    assert "药袋相符" in matched.text
    assert "已发药" in done.text
    assert "already_collected" in second.text
    assert "已经取过了" in second.text
    assert (tap.status_code, "already_collected" in tap.text) == (409, True)
    with house.units.open() as uow:
        assert len(uow.session.scalars(select(Dispense)).all()) == 1


def test_the_wrong_bag_is_refused_with_both_bins(house: House) -> None:
    _, other = house.ready_bag("李建国")
    pharmacist, bag = served(house)

    page = follow(pharmacist, match(pharmacist, bag, other.bag_code)).text
    handed = follow(pharmacist, pharmacist.post(f"/terminal/bags/{bag.public_id}/hand-over", data=HANDED)).text

    assert "wrong_bag" in page
    assert 'data-sound="refused"' in page
    assert f"W1-{bag.bin_no:02d}" in page
    assert f"W1-{other.bin_no:02d}" in page
    assert "还没有扫描药袋" in handed or "须扫描药袋" in handed
    assert house.bag(bag).state.value == "being_served"


@pytest.mark.parametrize("label", ["2000000000000", "12", "", "x" * 300, "https://example.test/c/1"])
def test_a_label_that_is_none_is_refused(house: House, label: str) -> None:
    pharmacist, bag = served(house)

    answer = match(pharmacist, bag, label)

    assert answer.status_code == 302
    assert re.search("unknown_bag|not_a_bag_label", pharmacist.get(answer.location).text)


def test_nothing_leaves_without_all_checks_and_the_identity(house: House) -> None:
    pharmacist, bag = served(house)
    match(pharmacist, bag, bag.bag_code)
    path = f"/terminal/bags/{bag.public_id}/hand-over"

    three = follow(pharmacist, pharmacist.post(path, data={"check": CHECKS[:3], "identity": "phone_tail"})).text
    nobody = follow(pharmacist, pharmacist.post(path, data={"check": CHECKS, "identity": "a look"})).text

    assert "四项核对必须全部完成" in three
    assert "请先核对一项身份信息" in nobody
    assert house.bag(bag).state.value == "being_served"


def test_a_hand_over_is_undone_within_two_minutes_with_a_reason(house: House) -> None:
    pharmacist, bag = served(house)
    match(pharmacist, bag, bag.bag_code)
    pharmacist.post(f"/terminal/bags/{bag.public_id}/hand-over", data=HANDED)
    path = f"/terminal/bags/{bag.public_id}/undo"

    offered = pharmacist.get("/terminal/").text
    bare = pharmacist.post(path, data={"reason": " "})
    undone = follow(pharmacist, pharmacist.post(path, data={"reason": "拿错了"}))

    assert "刚刚发出" in offered
    assert (bare.status_code, "reason_missing" in bare.text) == (422, True)
    assert "已撤销发药" in undone.text
    assert house.bag(bag).state.value == "ready"


def test_it_is_too_late_to_undo_after_two_minutes(house: House) -> None:
    pharmacist, bag = served(house)
    match(pharmacist, bag, bag.bag_code)
    pharmacist.post(f"/terminal/bags/{bag.public_id}/hand-over", data=HANDED)
    house.clock.step(minutes=3)

    late = pharmacist.post(f"/terminal/bags/{bag.public_id}/undo", data={"reason": "拿错了"})

    assert (late.status_code, "too_late_to_undo" in late.text) == (409, True)
    assert "撤销发药" not in pharmacist.get(f"/terminal/bags/{bag.public_id}/done").text


def test_a_bag_nobody_finished_asks_for_a_new_scan_and_shows_nobody(house: House) -> None:
    pharmacist, bag = served(house)
    house.clock.step(minutes=3)

    page = pharmacist.get(f"/terminal/bags/{bag.public_id}")

    assert page.status_code == 200
    assert "not_served_here" in page.text
    assert "张秀英" not in page.text


def test_a_screenshot_is_refused_five_minutes_later(house: House) -> None:
    _, bag = house.ready_bag()
    digits = house.code(bag)
    house.clock.step(minutes=5)
    pharmacist = house.browser("checker")

    page = follow(pharmacist, pharmacist.post("/terminal/scan", data={"digits": digits, "nonce": nonce()})).text

    assert "code_expired" in page
    assert "取药码已过期" in page


def test_machines_get_ids_and_codes_only_and_the_same_answer_twice(house: House) -> None:
    _, bag = house.ready_bag()
    pharmacist = house.browser("checker")
    said = {"digits": house.code(bag), "nonce": nonce(), "occurred_at": "2026-11-23T09:29:00+08:00"}

    first, second = (
        pharmacist.post("/terminal/scan", json=said, headers={"Accept": "application/json"}) for _ in range(2)
    )
    other = pharmacist.post("/terminal/scan", json=said | {"digits": "1"}, headers={"Accept": "application/json"})

    assert first.json == {
        "verdict": "granted",
        "code": "ok",
        "scan": first.json["scan"],
        "bag": bag.public_id,
        "facts": {"bin": bag.bin_no, "number": bag.number},
        "is_repeat": False,
    }
    assert second.json == {**first.json, "is_repeat": True}
    assert (other.status_code, other.json["code"]) == (409, "nonce_reused")
    with house.units.open() as uow:
        (scan,) = uow.session.scalars(select(Scan)).all()
    assert scan.scanned_at - scan.occurred_at == timedelta(minutes=1)


def test_every_answer_has_its_words(house: House) -> None:
    from app.web.terminal.verdicts import WORDS, verdict_facts

    with house.app.test_request_context():
        for code in ScanCode:
            shown = verdict_facts(code, {})

            assert code in WORDS
            assert shown["kind"] in {"granted", "refused", "warn"}
            assert shown["title"]


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"nonce": "short"},
        {"nonce": "n" * 100},
        {"nonce": "\x00" * 20},
        {"nonce": "good-nonce", "digits": "1" * 10_000},
        {"nonce": "good-nonce", "digits": "\ud800\x00\x1b'; DROP TABLE bag; --"},
        {"nonce": "good-nonce", "digits": "１２３４", "occurred_at": "yesterday"},
        {"nonce": "good-nonce", "occurred_at": "0001-01-01T00:00:00+14:00"},
        {"nonce": "good-nonce", "occurred_at": "9999-12-31T23:59:59-12:00"},
        {"nonce": ["a", "b"], "digits": {"a": 1}},
    ],
)
def test_hostile_scans_never_break_the_page(house: House, said) -> None:
    pharmacist = house.browser("checker")
    form = {name: str(value).encode("utf-8", "replace").decode() for name, value in said.items()}

    answers = [
        pharmacist.post("/terminal/scan", data=form),
        pharmacist.post("/terminal/scan", json=said, headers={"Accept": "application/json"}),
        pharmacist.post("/terminal/scan", data="{", content_type="application/json"),
        pharmacist.get("/terminal/scans/%00"),
        pharmacist.get("/terminal/bags/%2e%2e%2f"),
        pharmacist.post("/terminal/bags/nosuchbag/hand-over", data=HANDED),
    ]

    assert all(answer.status_code < 500 for answer in answers), [answer.status_code for answer in answers]


def test_the_label_is_a_pdf_and_the_gun_can_be_tried(house: House) -> None:
    _, bag = house.ready_bag()
    pharmacist = house.browser("checker")

    label = pharmacist.get(f"/terminal/picking/{bag.public_id}/label.pdf")
    set_up = pharmacist.get("/terminal/set-up").text
    tried = follow(pharmacist, pharmacist.post("/terminal/set-up", data={"code": "9012345678901234567890"}))

    assert label.status_code in {200, 503}
    assert label.data.startswith(b"%PDF") or "pdf_unavailable" in label.text
    assert "9012345678901234567890" in set_up
    assert "设置正确" in tried.text


def test_uncollected_bags_are_listed_after_four_hours(house: House) -> None:
    _, bag = house.ready_bag()
    before = house.browser("checker").get("/terminal/uncollected").text
    house.clock.step(hours=5)
    after = house.browser("checker").get("/terminal/uncollected").text

    assert bag.number not in before
    assert bag.number in after


def test_a_second_window_hears_that_the_first_serves_the_bag(house: House) -> None:
    _, bag = house.ready_bag()
    first, second = house.browser("checker"), house.browser("picker")

    granted = json_scan(first, house.code(bag))
    refused = json_scan(second, house.code(bag))

    assert (granted.json["code"], refused.json["code"]) == ("ok", "being_served")
    assert hidden(second.get("/terminal/").text, "nonce")
