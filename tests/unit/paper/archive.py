"""What keeps a PDF from being PDF/A-2b (ISO 19005-2), as far as papers like ours can fail: each fault is named.

It reads the file as written, and knows nothing of the program that wrote it.
"""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from typing import Any

from fontTools.ttLib import TTFont
from pypdf import PdfReader
from pypdf.generic import ContentStream, DictionaryObject, StreamObject

_TITLE = ".//{http://purl.org/dc/elements/1.1/}title//{http://www.w3.org/1999/02/22-rdf-syntax-ns#}li"
_TOOL = "{http://ns.adobe.com/xap/1.0/}CreatorTool"
_PDFAID = "{http://www.aiim.org/pdfa/ns/id/}"
_FORBIDDEN_KEYS = ("/OpenAction", "/AA", "/OCProperties", "/Requirements", "/PresSteps")
_FORBIDDEN_FILTERS = {"/LZWDecode", "/Crypt"}
_CMYK = {b"k", b"K"}


def faults(pdf: bytes) -> list[str]:
    """The names of all faults, none for a file that can be archived."""
    reader = PdfReader(io.BytesIO(pdf))
    found = [*_frame(pdf, reader), *_metadata(reader), *_intent(reader), *_objects(reader)]
    for page in reader.pages:
        found += [*_fonts(page), *_graphics(page), *_operators(page, reader)]
    return sorted(set(found))


def _frame(pdf: bytes, reader: PdfReader) -> Iterator[str]:
    if not re.match(rb"%PDF-1\.[4-7]\n%[\x80-\xff]{4,}", pdf):
        yield "header"
    if "/ID" not in reader.trailer:
        yield "file identifier"
    if reader.is_encrypted or "/Encrypt" in reader.trailer:
        yield "encryption"
    root = reader.root_object
    yield from (key for key in _FORBIDDEN_KEYS if key in root)
    names = root.get("/Names", {})
    yield from (key for key in ("/JavaScript", "/EmbeddedFiles", "/AlternatePresentations") if key in names)
    form = root.get("/AcroForm", {})
    if form.get("/NeedAppearances") or "/XFA" in form:
        yield "form"


def _metadata(reader: PdfReader) -> Iterator[str]:
    stream = reader.root_object.get("/Metadata")
    if stream is None:
        yield "metadata"
        return
    text = stream.get_object().get_data().decode()
    tree = ET.fromstring(re.sub(r"<\?xpacket.*?\?>", "", text))
    described = {key: value for each in tree.iter() for key, value in each.attrib.items()}
    if (described.get(f"{_PDFAID}part"), described.get(f"{_PDFAID}conformance")) != ("2", "B"):
        yield "pdfaid"
    info = reader.metadata or {}
    said = {"Title": tree.findtext(_TITLE), "Creator": described.get(_TOOL) or tree.findtext(f".//{_TOOL}")}
    yield from (f"metadata and info differ: {name}" for name in said if said[name] != info.get(f"/{name}"))


def _intent(reader: PdfReader) -> Iterator[str]:
    intents = [each.get_object() for each in reader.root_object.get("/OutputIntents", [])]
    if [each.get("/S") for each in intents] != ["/GTS_PDFA1"]:
        yield "output intent"
        return
    profile = intents[0]["/DestOutputProfile"].get_object()
    content = profile.get_data()
    if profile.get("/N") != 3 or content[36:40] != b"acsp" or content[16:20] != b"RGB ":
        yield "colour profile"


def _objects(reader: PdfReader) -> Iterator[str]:
    for number in range(1, int(reader.trailer["/Size"])):
        found = reader.get_object(number)
        if not isinstance(found, DictionaryObject):
            continue
        if found.get("/S") in {"/JavaScript", "/Launch", "/Sound", "/Movie", "/ResetForm", "/ImportData", "/GoToR"}:
            yield "action"
        if found.get("/Type") == "/Annot" and (found.get("/F", 0) & 0b111 != 0b100 or not _may_stand(found)):
            yield "annotation"
        filters = found.get("/Filter", [])
        if isinstance(found, StreamObject) and _FORBIDDEN_FILTERS & {str(each) for each in [filters, *filters][:3]}:
            yield "filter"
        if isinstance(found, StreamObject) and "/F" in found:
            yield "external stream"


def _may_stand(annotation: DictionaryObject) -> bool:
    """A signature without a place on the page is the only one that needs no appearance."""
    left, bottom, right, top = (float(each) for each in annotation["/Rect"])
    return annotation.get("/Subtype") == "/Widget" and (left, bottom) == (right, top)


def _fonts(page: Any) -> Iterator[str]:
    for font in (each.get_object() for each in page["/Resources"]["/Font"].values()):
        if font["/Subtype"] != "/Type0" or font["/Encoding"] != "/Identity-H" or "/ToUnicode" not in font:
            yield "font: encoding"
            continue
        below = font["/DescendantFonts"][0].get_object()
        descriptor = below["/FontDescriptor"].get_object()
        if "/FontFile2" not in descriptor or "/CIDToGIDMap" not in below:
            yield "font: not embedded"
            continue
        if not re.fullmatch(r"/[A-Z]{6}\+.+", font["/BaseFont"]):
            yield "font: no subset tag"
        yield from _widths(below, TTFont(io.BytesIO(descriptor["/FontFile2"].get_object().get_data())))


def _widths(below: DictionaryObject, program: TTFont) -> Iterator[str]:
    """Widths in the file are those in the font, and every glyph that is told of is there."""
    order, metrics = program.getGlyphOrder(), program["hmtx"]
    unit = 1000 / program["head"].unitsPerEm
    told = [each.get_object() for each in below["/W"]]
    for first, widths in zip(told[::2], told[1::2], strict=True):
        for glyph, width in enumerate(widths, start=int(first)):
            if glyph >= len(order):
                yield "font: glyph missing"
            elif abs(metrics[order[glyph]][0] * unit - float(width)) > 1:
                yield "font: widths"


def _graphics(page: Any) -> Iterator[str]:
    resources = page["/Resources"]
    for state in (each.get_object() for each in resources.get("/ExtGState", {}).values()):
        is_mixed = state.get("/BM", "/Normal") != "/Normal" or state.get("/SMask", "/None") != "/None"
        if is_mixed or float(state.get("/ca", 1)) < 1 or float(state.get("/CA", 1)) < 1:
            yield "transparency"
        if "/TR" in state or "/HTP" in state:
            yield "transfer function"
    for drawn in (each.get_object() for each in resources.get("/XObject", {}).values()):
        yield from _drawn(drawn)


def _drawn(drawn: DictionaryObject) -> Iterator[str]:
    if drawn["/Subtype"] == "/PS" or {"/Ref", "/OPI", "/Alternates"} & set(drawn):
        yield "external picture"
    if str(drawn.get("/Interpolate")) == "True":
        yield "interpolated picture"
    if drawn["/Subtype"] == "/Image" and drawn.get("/ColorSpace") not in {"/DeviceRGB", "/DeviceGray"}:
        yield "picture's colours"
    if {"/SMask", "/Group"} & set(drawn):
        yield "transparency"


def _operators(page: Any, reader: PdfReader) -> Iterator[str]:
    for _, operator in ContentStream(page.get_contents(), reader).operations:
        if operator in _CMYK:
            yield "CMYK"
