"""The same code that fetches the drugs brings the invoices, and each print is counted."""

from __future__ import annotations

import re

import pytest

from app.invoice import filing
from app.invoice.states import PrintCode
from app.registration.visit_code import to_digits
from app.web.window.pages import WORDS
from tests.factories_invoice import Platform
from tests.unit.paper.reading import size_of, text_of
from tests.web.work_fixtures import House, follow, house, nonce

__all__ = ["house"]


def scan(clerk, digits: str):
    return clerk.post("/window/scan", data={"digits": digits, "nonce": nonce()})


def test_only_invoice_clerks_open_the_window(house: House) -> None:
    for login in ("doctor", "checker", "it"):
        assert house.browser(login).get("/window/").status_code == 403


def test_the_code_brings_the_visits_invoices(house: House) -> None:
    _, bag = house.ready_bag()
    clerk = house.browser("clerk")

    page = follow(clerk, scan(clerk, house.code(bag))).text

    assert "可以打印" in page
    assert page.count("票据号码") == 2
    assert "挂号费" in page
    assert house.audited("invoice.read") >= 2


def test_a_second_print_says_that_it_is_one(house: House) -> None:
    _, bag = house.ready_bag()
    clerk = house.browser("clerk")

    first = follow(clerk, scan(clerk, house.code(bag))).text
    second = follow(clerk, scan(clerk, house.code(bag))).text

    assert "首次打印" in first
    assert "第 1 次补打" in second


def test_what_the_fiscal_platform_refused_is_asked_for_again_by_a_clerk(house: House) -> None:
    house.booked()
    platform = Platform(refuses="E0003")
    filing.file_due(house.units, platform)
    clerk = house.browser("clerk")

    listed = clerk.get("/window/").text
    (again,) = re.findall(r"/window/filings/[a-z0-9]+/again", listed)
    answer = follow(clerk, clerk.post(again))

    assert "E0003" in listed
    assert "已重新申请开票" in answer.text
    platform.refuses = ""
    assert filing.file_due(house.units, platform) == 1
    assert "E0003" not in clerk.get("/window/").text


def test_a_visit_number_brings_them_too(house: House) -> None:
    _, held = house.booked()
    clerk = house.browser("clerk")

    found = follow(clerk, clerk.post("/window/visit", data={"visit_number": held.visit_number, "nonce": nonce()}))
    unknown = follow(clerk, clerk.post("/window/visit", data={"visit_number": "V1", "nonce": nonce()}))

    assert "张秀英" in found.text
    assert "unknown_visit" in unknown.text


def test_the_visits_own_code_brings_them_too(house: House) -> None:
    _, held = house.booked()
    clerk = house.browser("clerk")

    found = follow(clerk, scan(clerk, to_digits(held.visit_number)))
    typed = follow(clerk, scan(clerk, held.visit_number.lower()))
    unknown = follow(clerk, scan(clerk, to_digits("V26112300000000")))

    assert "张秀英" in found.text
    assert "张秀英" in typed.text
    assert "unknown_visit" in unknown.text


def test_the_pdf_is_for_the_window_that_asked(house: House) -> None:
    _, bag = house.ready_bag()
    clerk = house.browser("clerk")
    answer = scan(clerk, house.code(bag))
    page = clerk.get(answer.location).text
    href = next((part.split('"')[0] for part in page.split('href="') if ".pdf" in part.split('"')[0]), "")

    pdf = clerk.get(href) if href else None
    elsewhere = house.browser("clerk").get(href or answer.location)

    assert pdf is None or (pdf.status_code, pdf.data[:4]) == (200, b"%PDF")
    assert elsewhere.status_code == 404


def test_an_old_code_is_refused_in_words(house: House) -> None:
    _, bag = house.ready_bag()
    digits = house.code(bag)
    house.clock.step(minutes=6)
    clerk = house.browser("clerk")

    page = follow(clerk, scan(clerk, digits)).text

    assert "code_expired" in page
    assert "取药码已过期" in page


def test_every_answer_has_its_words() -> None:
    assert set(WORDS) == set(PrintCode)


@pytest.mark.parametrize(
    "said", [{}, {"nonce": "x"}, {"nonce": "12345678", "digits": "\x00" * 9}, {"digits": "1" * 5000}]
)
@pytest.mark.parametrize("path", ["/window/scan", "/window/visit"])
def test_hostile_input_never_breaks_the_page(house: House, path: str, said: dict[str, str]) -> None:
    answer = house.browser("clerk").post(path, data=said)

    assert answer.status_code < 500


def test_all_of_a_visits_invoices_are_printed_in_one_go_on_the_chosen_paper(house: House) -> None:
    _, bag = house.ready_bag()
    clerk = house.browser("clerk")
    asked = scan(clerk, house.code(bag)).location
    page = clerk.get(asked).text

    on_a5 = clerk.get(f"{asked}.pdf").data
    chosen = follow(clerk, clerk.post("/window/paper", data={"form": "241", "print": asked.rpartition("/")[2]})).text
    on_strip = clerk.get(f"{asked}.pdf").data

    assert "全部打印（2 张）" in page
    assert '<option value="241" selected>' in chosen
    assert [size_of(pdf)[0] for pdf in (on_a5, on_strip)] == pytest.approx([210, 241], abs=0.1)
    assert text_of(on_a5).count("第 1 页 共 1 页") == 2
    assert house.browser("clerk").get(f"{asked}.pdf").status_code == 404
    assert clerk.post("/window/paper", data={"form": "a0"}).status_code == 422
