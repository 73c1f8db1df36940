"""Every character that goes on paper is in one of our two font files, or is written out so that it can be read.

A printer draws a character it has no picture for as an empty box, and two patients with a rare name would look alike.
So the rule is: a character of the small file is printed with it; one of the wide file only (rare names) is printed with
that; one in neither is printed as its Unicode number in brackets, `[U+20BB7]`, and reported to whoever asked.
"""

import struct
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "fonts"
SMALL_FACE = "NotoSansSC-sub-Regular.ttf"
WIDE_FACE = "NotoSansSC-wide-Regular.ttf"
FACES = (SMALL_FACE, WIDE_FACE)
# Line ends and tabs are laid out, not drawn.
_LAID_OUT = "\n\r\t"
_SFNT_HEADER_BYTES, _SFNT_ENTRY_BYTES = 12, 16
_SEGMENTED_COVERAGE = 12


@cache
def characters_of(face: str) -> frozenset[str]:
    """The characters one of our font files has a picture for, read from the font itself."""
    font = (FOLDER / face).read_bytes()
    table_count = struct.unpack_from(">H", font, 4)[0]
    entries = (
        struct.unpack_from(">4sLLL", font, _SFNT_HEADER_BYTES + _SFNT_ENTRY_BYTES * i) for i in range(table_count)
    )
    cmap_at = next(offset for tag, _, offset, _ in entries if tag == b"cmap")
    return frozenset(chr(point) for span in _spans(font, cmap_at) for point in span)


def _spans(font: bytes, cmap_at: int) -> list[range]:
    """The code points of a font's character map (OpenType cmap, subtable format 12), as ranges."""
    subtable_count = struct.unpack_from(">H", font, cmap_at + 2)[0]
    for i in range(subtable_count):
        at = cmap_at + struct.unpack_from(">HHL", font, cmap_at + 4 + 8 * i)[2]
        if struct.unpack_from(">H", font, at)[0] == _SEGMENTED_COVERAGE:
            group_count = struct.unpack_from(">L", font, at + 12)[0]
            groups = struct.iter_unpack(">LLL", font[at + 16 : at + 16 + 12 * group_count])
            return [range(first, last + 1) for first, last, _ in groups]
    raise ValueError("the font has no character map of format 12")


def covering(text: str) -> tuple[str, ...]:
    """The font files a text is printed with, the small one first; empty when none is needed."""
    return tuple(face for face in FACES if not characters_of(face).isdisjoint(text))


def missing_from(text: str) -> tuple[str, ...]:
    """The characters of a text that no font file of ours holds, each once, in order of appearance."""
    small, wide = characters_of(SMALL_FACE), characters_of(WIDE_FACE)
    return tuple(dict.fromkeys(c for c in text if c not in small and c not in wide and c not in _LAID_OUT))


def written_out(text: str) -> tuple[str, tuple[str, ...]]:
    """The text as it can be printed, and the characters that had to be written as their number, as in `[U+20BB7]`."""
    missing = missing_from(text)
    return text.translate({ord(c): f"[U+{ord(c):04X}]" for c in missing}), missing
