"""QR codes as one small SVG path each, drawn sharp at any size, and as text for a terminal window.

The module matrix comes from `qrcode`; the drawing is ours, because one path of runs is a quarter of the bytes.
"""

import re
import struct
import zlib
from typing import Any

from markupsafe import Markup
from qrcode.constants import ERROR_CORRECT_H, ERROR_CORRECT_L, ERROR_CORRECT_M, ERROR_CORRECT_Q
from qrcode.main import QRCode

QUIET_MODULES = 4
_LEVELS = {"L": ERROR_CORRECT_L, "M": ERROR_CORRECT_M, "Q": ERROR_CORRECT_Q, "H": ERROR_CORRECT_H}
_PICKUP_CODE = re.compile(r"[0-9]{22}", re.ASCII)
# One mask for every pickup code makes a redraw seven times cheaper; a test decodes hundreds of codes drawn with it.
_PICKUP_MASK = 3
# The sign for (upper module dark, lower module dark) on a terminal whose ground is dark: light modules are painted.
_HALF_BLOCKS = {(False, False): "█", (False, True): "▀", (True, False): "▄", (True, True): " "}


def matrix(text: str, *, version: int | None, level: str = "M", mask: int | None = None) -> list[list[bool]]:
    """The modules of the QR code without its quiet zone, True for dark.

    `version` None takes the smallest that fits. ValueError when the text does not fit the version asked for.
    """
    code: Any = QRCode(version=version, error_correction=_LEVELS[level], border=0, mask_pattern=mask)
    code.add_data(text)
    code.make(fit=True)
    if version is not None and code.version != version:
        raise ValueError(f"the text needs QR version {code.version}, not {version}")
    return [[bool(dark) for dark in row] for row in code.get_matrix()]


def svg_path(text: str, *, version: int | None, level: str = "M", mask: int | None = None) -> str:
    """The `d` of an SVG path that draws the code with a stroke of width 1: one horizontal run of dark modules each.

    The first module's corner is at 0,0; one module is one unit.
    """
    return _runs(matrix(text, version=version, level=level, mask=mask))


def svg(text: str, *, version: int | None, label: str, level: str = "M", module_px: int = 8) -> Markup:
    """A complete inline SVG with the quiet zone of four modules; `label` is what a screen reader says for it."""
    return _drawn(matrix(text, version=version, level=level), label, module_px)


def pickup_svg(code: str, *, label: str, module_px: int = 10) -> Markup:
    """The pickup code of 22 digits, always version 1-M (21 modules). ValueError when it is not 22 digits."""
    if _PICKUP_CODE.fullmatch(code) is None:
        raise ValueError("a pickup code has 22 digits")
    return _drawn(matrix(code, version=1, mask=_PICKUP_MASK), label, module_px)


def url_svg(url: str, *, label: str, module_px: int = 6) -> Markup:
    """An address as the smallest code that holds it, for posters and verify pages."""
    return svg(url, version=None, label=label, module_px=module_px)


def url_png(url: str) -> bytes:
    """An address as the smallest code that holds it, one pixel a module: a printed page lays it out fastest."""
    modules = matrix(url, version=None)
    side = len(modules) + 2 * QUIET_MODULES
    light = "1" * side
    rows = [light] * QUIET_MODULES
    rows += ["1" * QUIET_MODULES + "".join("01"[not dark] for dark in row) + "1" * QUIET_MODULES for row in modules]
    rows += [light] * QUIET_MODULES
    width = -(-side // 8)
    pixels = b"".join(b"\0" + int(row.ljust(8 * width, "0"), 2).to_bytes(width) for row in rows)
    header = struct.pack(">LLBBBBB", side, side, 1, 0, 0, 0, 0)  # one bit a pixel, grey
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(pixels, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(map(_chunk, parts))


def _chunk(part: tuple[bytes, bytes]) -> bytes:
    """A chunk of a PNG: its length, its kind, what it holds, and their checksum."""
    kind, content = part
    return struct.pack(">L", len(content)) + kind + content + struct.pack(">L", zlib.crc32(kind + content))


def terminal_qr(text: str) -> str:
    """The code in half-block characters for a terminal window with a dark ground, two rows of modules per line."""
    modules = matrix(text, version=None, level="L")
    side = len(modules) + 2 * QUIET_MODULES
    light = [False] * side
    padded = [[False] * QUIET_MODULES + row + [False] * QUIET_MODULES for row in modules]
    rows = [light] * QUIET_MODULES + padded + [light] * (QUIET_MODULES + side % 2)
    pairs = zip(rows[::2], rows[1::2], strict=True)
    return "\n".join("".join(_HALF_BLOCKS[pair] for pair in zip(upper, lower, strict=True)) for upper, lower in pairs)


def _drawn(modules: list[list[bool]], label: str, module_px: int) -> Markup:
    """The SVG around the path: white ground, quiet zone, sharp edges, a name for those who do not see it."""
    side = len(modules) + 2 * QUIET_MODULES
    return Markup(
        '<svg xmlns="http://www.w3.org/2000/svg" class="qr" role="img" aria-label="{label}" width="{px}" height="{px}"'
        ' viewBox="-{quiet} -{quiet} {side} {side}" shape-rendering="crispEdges">'
        '<path fill="#fff" d="M-{quiet}-{quiet}h{side}v{side}h-{side}z"/><path stroke="#000" d="{runs}"/></svg>'
    ).format(label=label, px=side * module_px, quiet=QUIET_MODULES, side=side, runs=_runs(modules))


def _runs(modules: list[list[bool]]) -> str:
    """Dark runs as relative moves: `m` to the start of a run in the middle of its row, `h` along it."""
    path, at_x, at_y = "M0 .5", 0, 0
    for y, row in enumerate(modules):
        for run in re.finditer("1+", "".join("1" if dark else "0" for dark in row)):
            path += f"m{run.start() - at_x} {y - at_y}h{len(run[0])}"
            at_x, at_y = run.end(), y
    return path
