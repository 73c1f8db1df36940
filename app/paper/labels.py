"""The label of a medicine bag: 60 by 40 mm, for the thermal printers that pharmacies have (203 dots per inch).

A bag with more lines than one label holds gets more labels, each with the whole head, so that none means less.
"""

from dataclasses import dataclass
from unicodedata import east_asian_width

from app.paper import qr
from app.paper.fonts import written_out
from app.paper.sheet import image_of, printed

LINES_PER_LABEL = 2
# Widths in Han characters: what one row holds, two rows of small print, and the large print beside the number.
_ROW_WIDTH, _SMALL_PRINT_WIDTH = 21.0, 58.0
_NAME_WIDTH = 4.0
_NARROW = 0.58
_CUT = "…见处方"


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelLine:
    """One medicine in the bag and how to take it."""

    drug: str
    dose: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelPaper:
    """What stands on a bag. The name comes masked; the bag's code is what the scanner at the window reads."""

    bin_name: str
    window: str
    patient_name_masked: str
    pickup_number: str
    bag_index: int
    bag_count: int
    bag_code: str
    lines: tuple[LabelLine, ...]
    prepared_by: str
    checked_by: str


def render_label(label: LabelPaper) -> bytes:
    """The bag's labels as a PDF, one page per label; at least one, also for a bag without lines.

    A text too long for its row is set in two rows of small print; one too long for that ends in `…见处方` (see the
    prescription). Raises PdfUnavailable or PdfFailed of `app.paper.worker`.
    """
    lines = [(_fitted(line.drug), _fitted(line.dose)) for line in label.lines]
    starts = range(0, max(len(lines), 1), LINES_PER_LABEL)
    return printed(
        "label.html",
        label=label,
        long_name=_width(label.patient_name_masked) > _NAME_WIDTH,
        pages=[lines[start : start + LINES_PER_LABEL] for start in starts],
        code_image=image_of(qr.svg(label.bag_code, version=None, label="")),
    )


def _fitted(text: str) -> tuple[str, bool]:
    """The text as it fits, and whether it needs small print."""
    text, _ = written_out(text)
    if _width(text) <= _ROW_WIDTH:
        return text, False
    if _width(text) <= _SMALL_PRINT_WIDTH:
        return text, True
    kept = text
    while _width(kept + _CUT) > _SMALL_PRINT_WIDTH:
        kept = kept[:-1]
    return kept + _CUT, True


def _width(text: str) -> float:
    """How wide a text is, in Han characters."""
    return sum(1.0 if east_asian_width(character) in "WFA" else _NARROW for character in text)
