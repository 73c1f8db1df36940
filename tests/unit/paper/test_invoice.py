"""The invoice on paper: every field is there, in our fonts, and it says what it is and what it is not."""

import logging
from dataclasses import replace

import pytest

from app.paper.fonts import FACES, characters_of
from app.paper.invoice import CATEGORIES, InvoiceItem, render_invoice, render_invoices
from tests.unit.paper.reading import OUR_FONTS, codes_in, fonts_of, page_count, picture_of, size_of, text_of
from tests.unit.paper.samples import DETAILS, ORDINARY, RED

NOT_FISCAL = "非财政票据"


@pytest.fixture(scope="module")
def ordinary() -> bytes:
    return render_invoice(ORDINARY)


def test_every_field_of_the_ministrys_form_is_on_one_page(ordinary):
    text = text_of(ordinary)

    for field in ("44060126", "0000000017", "a1b2c3", "2026-11-20", "张晓明", "1101**********002X", "P20261120000017"):
        assert field in text
    for field in (
        "三级甲等综合医院",
        "男",
        "M0000017",
        "职工基本医疗保险",
        "4401****0017",
        "示范市人民医院",
        "李复核",
        "王收款",
    ):
        assert field in text
    for amount in ("98.75", "0.00", "40.00", "48.75", "63.75", "25.00", "162.50", "187.50", "壹佰捌拾柒元伍角"):
        assert amount in text
    assert page_count(ordinary) == 1


def test_the_twelve_categories_stand_in_the_ministrys_order(ordinary):
    lines = text_of(ordinary)

    left, right = CATEGORIES[:6], CATEGORIES[6:]
    for column in (left, right):
        places = [lines.index(category) for category in column]
        assert places == sorted(places)


def test_only_our_fonts_are_used_and_every_character_is_in_them(ordinary):
    ours = frozenset().union(*(characters_of(face) for face in FACES))

    assert fonts_of(ordinary) == {"Noto-Sans-SC-sub"}
    assert set(text_of(ordinary)) - {"\n"} <= ours


def test_a_rare_name_is_printed_and_an_impossible_one_is_written_out(caplog):
    with caplog.at_level(logging.WARNING):
        pdf = render_invoice(replace(ORDINARY, payer="㐂䶮𠮷"))

    assert "㐂䶮[U+20BB7]" in text_of(pdf)
    assert fonts_of(pdf) == OUR_FONTS
    assert "U+20BB7" in caplog.text
    assert "㐂" not in caplog.text


def test_the_code_on_the_invoice_is_read_from_its_picture(ordinary, tmp_path):
    assert codes_in(picture_of(ordinary, tmp_path, dots_per_inch=150)) == [ORDINARY.verify_text]


def test_the_same_invoice_gives_the_same_bytes(ordinary):
    assert render_invoice(ORDINARY) == ordinary


def test_an_invoice_that_is_not_fiscal_says_so_and_a_fiscal_one_does_not(ordinary):
    assert NOT_FISCAL in text_of(ordinary)
    assert "Not a fiscal receipt" in text_of(ordinary)
    assert NOT_FISCAL not in text_of(render_invoice(replace(ORDINARY, is_fiscal=True)))


def test_a_red_letter_invoice_names_what_it_takes_back(ordinary):
    text = text_of(render_invoice(RED))

    assert "红字" in text
    assert "冲销原票据 代码 44060126 号码 0000000017" in text
    assert "（负数）壹佰捌拾柒元伍角" in text
    assert "-187.50" in text
    assert "红字" not in text_of(ordinary)


def test_a_reprint_is_marked_and_the_first_print_is_not(ordinary):
    text = text_of(render_invoice(replace(ORDINARY, reprint_no=2)))

    assert "补打" in text
    assert "第 2 次" in text
    assert "补打" not in text_of(ordinary)


def test_details_follow_as_an_annex_that_names_its_invoice_on_every_page():
    pdf = render_invoice(replace(ORDINARY, details=DETAILS))

    text = text_of(pdf)
    assert page_count(pdf) == 3
    assert all(line.name in text for line in DETAILS)
    assert text.count("票据号码 0000000017") == 3
    assert "第 3 页 共 3 页" in text


def test_long_texts_wrap_and_nothing_is_lost():
    long = replace(
        ORDINARY,
        payer="阿卜杜热合曼·麦麦提依明江" * 3,
        payee="示范市第一人民医院暨附属妇女儿童医院" * 2,
        insurance_number="9" * 40,
    )

    text = text_of(render_invoice(long)).replace("\n", "")

    assert page_count(render_invoice(long)) == 1
    assert text.count("阿卜杜热合曼·麦麦提依明江") == 3
    assert "9" * 40 in text


def test_markup_in_a_name_is_printed_as_it_is_written():
    assert "<img src=x>{{1}}" in text_of(render_invoice(replace(ORDINARY, payer="<img src=x>{{1}}")))


@pytest.mark.parametrize(
    "change",
    [
        {"cash_fen": 4876},
        {"items": (*ORDINARY.items, InvoiceItem(category="杂费", amount_fen=0))},
        {"items": (*ORDINARY.items, InvoiceItem(category="挂号费", amount_fen=0))},
        {"items": RED.items, "fund_fen": -18750, "account_fen": 0, "cash_fen": 0},
    ],
)
def test_an_invoice_that_does_not_add_up_is_not_made(change):
    with pytest.raises(ValueError, match=r"categories|totals|negative"):
        replace(ORDINARY, **change)


@pytest.mark.parametrize(("form", "millimetres", "pages"), [("a4", (210, 297), 1), ("241", (241, 139.7), 2)])
def test_every_form_holds_the_same_fields_on_its_own_paper(ordinary, tmp_path, form, millimetres, pages):
    pdf = render_invoice(replace(ORDINARY, details=DETAILS[:8]), form)

    assert page_count(pdf) == pages
    assert size_of(pdf) == pytest.approx(millimetres, abs=0.1)
    assert set(text_of(ordinary).split()) - {"第", "1", "页", "共"} <= set(text_of(pdf).split())
    assert all(line.name in text_of(pdf) for line in DETAILS[:8])
    assert codes_in(picture_of(pdf, tmp_path, dots_per_inch=150)) == [ORDINARY.verify_text]


def test_a_single_detail_is_told_where_it_costs_no_sheet():
    invoice = replace(ORDINARY, details=DETAILS[:1])

    assert [page_count(render_invoice(invoice, form)) for form in ("a5", "a4", "241")] == [1, 1, 1]
    assert DETAILS[0].name in text_of(render_invoice(invoice, "a4"))


def test_invoices_printed_in_one_go_count_their_own_pages():
    pdf = render_invoices([ORDINARY, replace(RED, details=DETAILS[:2])])

    text = text_of(pdf)
    assert page_count(pdf) == 3
    assert "第 1 页 共 1 页" in text
    assert "第 2 页 共 2 页" in text
    assert "共 3 页" not in text


@pytest.mark.parametrize("form", ["a4", "241"])
def test_long_texts_stay_on_the_page_of_every_form(form):
    long = replace(ORDINARY, payer="阿卜杜热合曼·麦麦提依明江" * 3, payee="示范市第一人民医院暨附属妇女儿童医院" * 2)

    assert page_count(render_invoice(long, form)) == 1
