"""Labels and posters: a thermal printer's black dots and a phone's camera are enough to read them."""

from dataclasses import replace

import pytest
from PIL import ImageDraw

from app.paper.labels import LabelLine, render_label
from app.paper.poster import render_poster
from tests.unit.paper.reading import OUR_FONTS, codes_in, fonts_of, page_count, picture_of, text_of
from tests.unit.paper.samples import LABEL, POSTER

LONG = LabelLine(drug="注射用盐酸头孢吡肟氯化钠注射液" * 6, dose="静脉滴注每次一袋每日两次缓慢滴注" * 3)


def test_a_label_says_where_whose_what_and_who():
    text = text_of(render_label(LABEL))

    for words in ("A-03-12", "张*明", "B0042", "3 号窗口", "第 1/2 袋", "调配 王药师", "核对 赵药师"):
        assert words in text
    for line in LABEL.lines:
        assert line.dose in text


def test_the_bags_code_is_read_from_a_thermal_printers_dots(tmp_path):
    picture = picture_of(render_label(LABEL), tmp_path, dots_per_inch=203, one_bit=True)

    assert picture.size == (480, 320)
    assert codes_in(picture) == [LABEL.bag_code]


def test_a_bag_with_many_medicines_gets_more_labels_with_the_whole_head():
    pdf = render_label(LABEL)

    assert page_count(pdf) == 2
    assert text_of(pdf).count("A-03-12") == 2
    assert "签 2/2" in text_of(pdf)


@pytest.mark.parametrize("lines", [(), (LONG,), (LONG, LONG)])
def test_a_label_never_runs_over(lines, tmp_path):
    pdf = render_label(replace(LABEL, lines=lines))

    assert page_count(pdf) == 1
    assert "核对 赵药师" in text_of(pdf)
    if lines:
        assert "…见处方" in text_of(pdf)


def test_a_long_name_leaves_the_pickup_number_readable(tmp_path):
    pdf = render_label(replace(LABEL, patient_name_masked="阿**********·麦麦提"))

    assert "B0042" in text_of(pdf)
    assert codes_in(picture_of(pdf, tmp_path, dots_per_inch=203, one_bit=True)) == [LABEL.bag_code]


def test_a_poster_is_one_page_and_its_code_is_read_from_afar(tmp_path):
    pdf = render_poster(POSTER)

    assert page_count(pdf) == 1
    assert fonts_of(pdf) <= OUR_FONTS
    for words in (POSTER.hospital, POSTER.title, POSTER.place, POSTER.url):
        assert words in text_of(pdf)
    assert codes_in(picture_of(pdf, tmp_path, dots_per_inch=25)) == [POSTER.url]


def test_a_damaged_poster_is_still_read(tmp_path):
    picture = picture_of(render_poster(POSTER), tmp_path, dots_per_inch=72)

    ImageDraw.Draw(picture).ellipse((290, 420, 318, 448), fill=255)

    assert codes_in(picture) == [POSTER.url]
