"""The poster in the lobby: one QR code that opens registration and remembers which poster it was."""

from dataclasses import dataclass

from app.paper import qr
from app.paper.sheet import image_of, printed


@dataclass(frozen=True, slots=True, kw_only=True)
class PosterPaper:
    """What stands on a poster; the address carries the channel's code and nothing about a person."""

    hospital: str
    title: str
    place: str
    url: str


def render_poster(poster: PosterPaper) -> bytes:
    """The poster as a one-page PDF on A4. Raises PdfUnavailable or PdfFailed of `app.paper.worker`."""
    return printed("poster.html", poster=poster, code_image=image_of(qr.url_svg(poster.url, label="")))
