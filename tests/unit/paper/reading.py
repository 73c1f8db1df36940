"""Papers are judged the way the window judges them: by their text, their fonts and their picture."""

import io
import subprocess
from pathlib import Path

import zxingcpp
from PIL import Image
from pypdf import PdfReader

OUR_FONTS = {"Noto-Sans-SC-sub", "Noto-Sans-SC-wide"}


def text_of(pdf: bytes) -> str:
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages)


def page_count(pdf: bytes) -> int:
    return len(PdfReader(io.BytesIO(pdf)).pages)


def size_of(pdf: bytes) -> tuple[float, float]:
    """Width and height of the first page in millimetres."""
    box = PdfReader(io.BytesIO(pdf)).pages[0].mediabox
    return float(box.width) / 72 * 25.4, float(box.height) / 72 * 25.4


def fonts_of(pdf: bytes) -> set[str]:
    """The names of the fonts on the pages; each must be embedded."""
    names = set()
    for page in PdfReader(io.BytesIO(pdf)).pages:
        for font in page["/Resources"].get("/Font", {}).values():
            descendant = font.get_object()["/DescendantFonts"][0].get_object()
            assert "/FontFile2" in descendant["/FontDescriptor"].get_object()
            names.add(font.get_object()["/BaseFont"].partition("+")[2])
    return names


def picture_of(pdf: bytes, folder: Path, *, dots_per_inch: int, one_bit: bool = False) -> Image.Image:
    (folder / "paper.pdf").write_bytes(pdf)
    colours = "-mono" if one_bit else "-gray"
    command = ["pdftoppm", "-r", str(dots_per_inch), colours, "-singlefile", "paper.pdf", "paper"]
    subprocess.run(command, cwd=folder, check=True)
    return Image.open(folder / ("paper.pbm" if one_bit else "paper.pgm")).convert("L")


def codes_in(picture: Image.Image) -> list[str]:
    return [found.text for found in zxingcpp.read_barcodes(picture)]
