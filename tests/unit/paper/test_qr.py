"""QR codes: what is drawn is what was meant, and scanners read it small, blurred and from a terminal window."""

import re
import secrets
from xml.etree import ElementTree as ET

import pytest
from PIL import Image

from app.paper import qr
from tests.unit.paper.reading import codes_in

URL = "https://menzhen.example/c/lobby-east-1"


def drawn(path: str, side: int, module_px: int) -> Image.Image:
    """The picture of a path, with the quiet zone, drawn without any of the code that made the path."""
    picture = Image.new("L", (side + 8, side + 8), 255)
    x, y = 0, 0
    for move_x, move_y, length in re.findall(r"m(-?\d+) (\d+)h(\d+)", path.removeprefix("M0 .5")):
        x, y = x + int(move_x), y + int(move_y)
        for _ in range(int(length)):
            picture.putpixel((x + 4, y + 4), 0)
            x += 1
    return picture.resize((picture.width * module_px,) * 2, Image.Resampling.NEAREST)


def a_pickup_code() -> str:
    return "".join(secrets.choice("0123456789") for _ in range(22))


def path_of(svg: str) -> str:
    return re.search(r'stroke="#000" d="([^"]+)"', svg)[1]


def test_three_hundred_pickup_codes_are_read_at_a_fifth_of_their_size():
    codes = [a_pickup_code() for _ in range(300)]

    pictures = [drawn(path_of(qr.pickup_svg(code, label="取药码")), 21, 10) for code in codes]
    small = [picture.resize((58, 58), Image.Resampling.BILINEAR) for picture in pictures]

    assert [codes_in(picture) for picture in small] == [[code] for code in codes]


def test_every_pickup_code_has_twenty_one_modules():
    assert 'viewBox="-4 -4 29 29"' in qr.pickup_svg("9" * 22, label="取药码")


@pytest.mark.parametrize("code", ["", "1" * 21, "1" * 23, "1" * 21 + "a", "１" * 22, "1" * 21 + "\n"])
def test_what_is_not_a_pickup_code_is_not_drawn(code):
    with pytest.raises(ValueError, match="22 digits"):
        qr.pickup_svg(code, label="取药码")


@pytest.mark.parametrize("level", ["L", "M", "Q", "H"])
def test_a_path_draws_exactly_its_text(level):
    side = len(qr.matrix(URL, version=None, level=level))

    assert codes_in(drawn(qr.svg_path(URL, version=None, level=level), side, 4)) == [URL]


def test_a_text_too_long_for_its_version_is_refused():
    with pytest.raises(ValueError, match="version"):
        qr.svg(URL, version=1, label="")


def test_the_drawing_is_well_formed_small_and_has_a_name():
    svg = qr.url_svg(URL, label='扫码挂号 <"&')

    root = ET.fromstring(svg)
    assert (root.get("role"), root.get("aria-label")) == ("img", '扫码挂号 <"&')
    assert len(qr.pickup_svg("1" * 22, label="")) < 1_300


def test_the_code_in_a_terminal_window_is_read():
    lines = qr.terminal_qr(URL).split("\n")

    picture = Image.new("L", (len(lines[0]), 2 * len(lines)), 0)
    for y, line in enumerate(lines):
        for x, sign in enumerate(line):
            picture.putpixel((x, 2 * y), 255 if sign in "█▀" else 0)
            picture.putpixel((x, 2 * y + 1), 255 if sign in "█▄" else 0)
    assert {len(line) for line in lines} == {len(lines[0])}
    assert codes_in(picture.resize((picture.width * 5, picture.height * 5), Image.Resampling.NEAREST)) == [URL]
