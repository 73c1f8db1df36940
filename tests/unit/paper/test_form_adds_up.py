"""What the ministry's form must tell, read back from the finished paper: by its text, and by its picture."""

from __future__ import annotations

import io
import itertools
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from pypdf import PdfReader

from app.paper.invoice import CATEGORIES, FORMS, InvoiceItem, InvoicePaper, render_invoice, render_invoices
from tests.unit.paper.reading import codes_in, picture_of
from tests.unit.paper.samples import DETAILS, ORDINARY, RED

# The samples of 支付结算办法 annex 1, each with the forms that it allows.
CAPITALS = {
    140950: {"壹仟肆佰零玖元伍角", "壹仟肆佰零玖元伍角整"},
    600714: {"陆仟零柒元壹角肆分"},
    1640902: {"壹万陆仟肆佰零玖元零贰分"},
    32504: {"叁佰贰拾伍元零肆分"},
    168032: {"壹仟陆佰捌拾元零叁角贰分", "壹仟陆佰捌拾元叁角贰分"},
    10700053: {"壹拾万柒仟元零伍角叁分", "壹拾万零柒仟元伍角叁分"},
}
# 其他信息 in the order of the form.
OTHER = (
    *("业务流水号", "医疗机构类型", "性别", "门诊号", "就诊日期", "医保类型", "医保编号", "医保统筹基金支付"),
    *("其他支付", "个人账户支付", "个人现金支付", "个人自付", "个人自费", "谈判药费"),
)
ALL_CATEGORIES = replace(
    ORDINARY,
    items=tuple(InvoiceItem(category=name, amount_fen=1000 + place) for place, name in enumerate(CATEGORIES)),
    fund_fen=6000,
    other_fen=66,
    account_fen=3000,
    cash_fen=3000,
    self_part_fen=4000,
    self_fee_fen=2000,
)


def costing(total_fen: int) -> InvoicePaper:
    """An ordinary invoice over so much, all of it paid in cash."""
    return replace(
        ORDINARY,
        items=(InvoiceItem(category="西药费", amount_fen=total_fen),),
        fund_fen=0,
        account_fen=0,
        cash_fen=total_fen,
        self_part_fen=0,
        self_fee_fen=total_fen,
    )


def rows_on(pdf: bytes) -> list[str]:
    """Each page as it is laid out, read row by row."""
    return [page.extract_text(extraction_mode="layout") for page in PdfReader(io.BytesIO(pdf)).pages]


def fen_after(label: str, page: str) -> int:
    """The amount that stands behind a label in its row; 0 for a dash."""
    found = re.search(rf"{re.escape(label)}[：）]?\s*(—|-?[0-9]+\.[0-9]{{2}})", page)
    assert found is not None, label
    return 0 if found[1] == "—" else int(found[1].replace(".", ""))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("paper", [ORDINARY, RED, ALL_CATEGORIES], ids=["blue", "red", "every category"])
def test_items_and_ways_of_paying_come_to_the_same_total(paper: InvoicePaper, form: str) -> None:
    page = rows_on(render_invoice(paper, form))[0]

    items = [fen_after(name, page) for name in CATEGORIES]
    paid = [fen_after(name, page) for name in ("医保统筹基金支付", "其他支付", "个人账户支付", "个人现金支付")]
    assert sum(items) == sum(paid) == fen_after("（小写", page) == paper.total_fen
    assert fen_after("个人自付", page) + fen_after("个人自费", page) == paid[2] + paid[3]
    assert {name: fen for name, fen in zip(CATEGORIES, items, strict=True) if fen} == {
        item.category: item.amount_fen for item in paper.items
    }


def test_other_information_stands_whole_and_in_the_order_of_the_form() -> None:
    page = rows_on(render_invoice(ALL_CATEGORIES))[0]

    places = [page.index(f"{name}：") for name in OTHER]
    assert places == sorted(places)


def test_the_samples_of_the_payment_rules_are_written_as_they_allow() -> None:
    pages = rows_on(render_invoices([costing(total_fen) for total_fen in CAPITALS]))

    for (total_fen, allowed), page in zip(CAPITALS.items(), pages, strict=True):
        written = re.search(r"（大写）\s*(\S+)", page)
        assert written is not None
        assert written[1] in allowed
        assert fen_after("（小写", page) == total_fen


def test_a_document_number_is_never_whole_on_paper() -> None:
    page = rows_on(render_invoice(ORDINARY))[0]

    assert re.search(r"统一社会信用代码：1101\*{10}002X", page)
    assert not re.search(r"(?<![0-9])[0-9]{17}[0-9X]", page)


def words_of(pdf: bytes, folder: Path) -> list[tuple[str, tuple[float, float, float, float]]]:
    """Every word of the first page with its place, in points from the upper left."""
    (folder / "words.pdf").write_bytes(pdf)
    command = ["pdftotext", "-bbox", "-f", "1", "-l", "1", "words.pdf", "-"]
    told = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout
    found = re.findall(r'<word xMin="(.+?)" yMin="(.+?)" xMax="(.+?)" yMax="(.+?)">(.*?)</word>', told)
    return [(word, (float(left), float(top), float(right), float(low))) for left, top, right, low, word in found]


def not_drawn(pdf: bytes, folder: Path) -> list[str]:
    """Words that the text has and the picture has not."""
    picture = picture_of(pdf, folder, dots_per_inch=144)
    return [
        word
        for word, box in words_of(pdf, folder)
        if picture.crop(tuple(round(2 * edge) for edge in box)).getextrema()[0] > 200
    ]


def overlapping(pdf: bytes, folder: Path) -> list[tuple[str, str]]:
    """Pairs of words of which one covers a fifth of the other's height and of its width."""
    pairs = []
    for (one, a), (other, b) in itertools.combinations(words_of(pdf, folder), 2):
        wide, high = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
        if wide > (min(a[2] - a[0], b[2] - b[0])) / 5 and high > min(a[3] - a[1], b[3] - b[1]) / 5:
            pairs.append((one, other))
    return pairs


@pytest.mark.parametrize("form", FORMS)
def test_every_word_is_seen_in_the_picture_and_none_covers_another(form: str, tmp_path: Path) -> None:
    pdf = render_invoice(replace(ALL_CATEGORIES, details=DETAILS[:3]), form)

    assert len(words_of(pdf, tmp_path)) > 60
    assert not_drawn(pdf, tmp_path) == []
    assert overlapping(pdf, tmp_path) == []
    assert codes_in(picture_of(pdf, tmp_path, dots_per_inch=150)) == [ORDINARY.verify_text]


@pytest.mark.parametrize(
    ("style", "found"), [("color: white", not_drawn), ("margin-top: -20px; line-height: 20px", overlapping)]
)
def test_a_hidden_or_covered_word_would_be_found(style: str, found: object, tmp_path: Path) -> None:
    import weasyprint

    markup = f'<p style="line-height: 20px; margin: 0">amount</p><p style="margin: 0; {style}">covered</p>'
    assert found(weasyprint.HTML(string=markup).write_pdf(), tmp_path)  # type: ignore[operator]
