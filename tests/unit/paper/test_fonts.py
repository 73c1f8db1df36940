"""Fonts: what can be printed is known before it is printed, and nothing becomes an empty box."""

import pytest
from fontTools.ttLib import TTFont
from hypothesis import given
from hypothesis import strategies as st

from app.paper.fonts import FACES, FOLDER, SMALL_FACE, WIDE_FACE, characters_of, covering, missing_from, written_out

GB2312 = {bytes((row, cell)).decode("gb2312", "ignore") for row in range(0xA1, 0xF8) for cell in range(0xA1, 0xFF)} - {
    ""
}


@pytest.mark.parametrize("face", FACES)
def test_we_read_the_same_characters_from_a_font_as_fonttools(face):
    assert characters_of(face) == {chr(point) for point in TTFont(FOLDER / face).getBestCmap()}


@pytest.mark.parametrize("face", FACES)
def test_the_fonts_are_plain_truetype_under_a_licence_that_lies_beside_them(face):
    font = TTFont(FOLDER / face)

    assert "glyf" in font
    assert not {"GSUB", "GPOS", "CFF ", "fvar"} & set(font.keys())
    assert "Source" not in font["name"].getDebugName(1)
    assert "SIL OPEN FONT LICENSE" in (FOLDER / "OFL.txt").read_text()


def test_the_fonts_stay_small():
    assert (FOLDER / SMALL_FACE).stat().st_size < 2_500_000
    assert (FOLDER / WIDE_FACE).stat().st_size < 8_000_000


def test_the_small_font_holds_all_of_gb2312_and_the_signs_of_medicine():
    assert characters_of(SMALL_FACE) >= GB2312
    assert set("℃μµ≤≥①¥×·±%‰℉ⅣαβγΩ│┌Äéü䶮喆堃") <= characters_of(SMALL_FACE)


def test_the_two_fonts_share_no_character():
    assert characters_of(SMALL_FACE).isdisjoint(characters_of(WIDE_FACE))


def test_every_han_character_of_gbk_can_be_printed():
    gbk = {bytes((row, cell)).decode("gbk", "ignore") for row in range(0x81, 0xFF) for cell in range(0x40, 0xFF)}
    han = {character for character in gbk if len(character) == 1 and 0x4E00 <= ord(character) <= 0x9FA5}

    assert len(han) == 20_902
    assert missing_from("".join(sorted(han))) == ()


@pytest.mark.parametrize(
    ("text", "faces"),
    [("", ()), ("张三", (SMALL_FACE,)), ("䶮", (SMALL_FACE,)), ("㐂", (WIDE_FACE,)), ("张㐂", FACES), ("𠮷", ())],
)
def test_a_text_knows_the_fonts_it_needs(text, faces):
    assert covering(text) == faces


def test_a_character_in_no_font_is_written_as_its_number_and_reported():
    assert written_out("𠮷野䶮𠮷\x00") == ("[U+20BB7]野䶮[U+20BB7][U+0000]", ("𠮷", "\x00"))


@given(st.text())
def test_whatever_is_written_the_result_can_be_printed(text):
    printable, missing = written_out(text)

    assert missing_from(printable) == ()
    assert (printable == text) == (missing == ())
