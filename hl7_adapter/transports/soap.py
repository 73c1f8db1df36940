"""A message as text in a SOAP envelope, as hospital platforms send it: in CDATA, as an operation's argument."""

import codecs
import re
from dataclasses import dataclass, field
from typing import NoReturn
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from hl7_adapter.er7 import codec_of, parse

ENVELOPES = frozenset({"http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope"})
DEPTH_AT_MOST = 32
ELEMENTS_AT_MOST = 1000
_PIECE = 64 * 1024  # no tag is longer; only the message itself is
_DECLARED = re.compile(rb"""\A\s*<\?xml[^>]{0,80}?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})""")
_BEGINS = re.compile(r"[\s\ufeff]*(MSH|FHS|BHS)")


class BadEnvelope(Exception):
    """The body is no envelope with a message in it; the words name no person."""


@dataclass
class Envelope:
    """A message and what it was wrapped in: the envelope's namespace, and the operation's (namespace, name)."""

    namespace: str
    operation: tuple[str, str]
    message: bytes

    def answer(self, raw: bytes) -> bytes:
        """The answer in the same envelope: `<operation>Response`, in it `<operation>Result` with CDATA."""
        space, name = self.operation
        text = parse(raw).decoded.text.replace("]]>", "]]]]><![CDATA[>")
        declared = f" xmlns={quoteattr(space)}" if space else ""
        inner = f"<{name}Response{declared}><{name}Result><![CDATA[{text}]]></{name}Result></{name}Response>"
        return _wrapped(self.namespace, inner)


def fault(words: str) -> bytes:
    """A SOAP 1.1 fault of the sender's making."""
    inner = f"<soap:Fault><faultcode>soap:Client</faultcode><faultstring>{escape(words)}</faultstring></soap:Fault>"
    return _wrapped("http://schemas.xmlsoap.org/soap/envelope/", inner)


def read_envelope(body: bytes, charset: str = "") -> Envelope:
    """The first text in the envelope's body that begins with MSH (or FHS, BHS); raises BadEnvelope.

    `charset` is what the transport says of the document; else its own declaration holds, else UTF-8. XML makes every
    line end a line feed, so the message comes with CR again, in the character set that its MSH-18 names when it can be
    written in that, else in UTF-8 with a byte order mark. A document type or an entity of its own is refused.
    """
    reading = _Reading()
    parser = expat.ParserCreate("utf-8", " ")
    parser.buffer_text = True
    parser.StartElementHandler = reading.start
    parser.EndElementHandler = reading.end
    parser.CharacterDataHandler = reading.text
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = _no_document_type
    try:
        _read(parser, _as_text(body, charset).encode())
    except expat.ExpatError as wrong:
        raise BadEnvelope(f"not well-formed XML (line {wrong.lineno})") from None
    if not reading.found:
        raise BadEnvelope("no text in the envelope's body begins with MSH")
    return Envelope(reading.namespace, reading.operation, _as_sent(reading.found))


def _read(parser: expat.XMLParserType, document: bytes) -> None:
    """The document piece by piece: all lines wait meanwhile, so no tag may be as long as a whole message."""
    for start in range(0, len(document), _PIECE):
        parser.Parse(document[start : start + _PIECE], False)
        if start - parser.CurrentByteIndex > _PIECE:
            raise BadEnvelope("a tag is too long")
    parser.Parse(b"", True)


@dataclass
class _Reading:
    """What has been seen of the document so far; `path` are the open elements as (namespace, name)."""

    path: list[tuple[str, str]] = field(default_factory=list)
    namespace: str = ""
    operation: tuple[str, str] = ("", "")
    found: str = ""
    elements: int = 0
    _text: list[str] = field(default_factory=list)

    def start(self, tag: str, _attributes: object) -> None:
        self._look()
        space, _, name = tag.rpartition(" ")
        self.path.append((space, name))
        if len(self.path) == 1 and (space not in ENVELOPES or name != "Envelope"):
            raise BadEnvelope("the document is no SOAP envelope")
        self.elements += 1
        if len(self.path) > DEPTH_AT_MOST or self.elements > ELEMENTS_AT_MOST:
            raise BadEnvelope("nested too deep, or too many elements")
        self.namespace = self.path[0][0]

    def end(self, _tag: str) -> None:
        self._look()
        self.path.pop()

    def text(self, text: str) -> None:
        self._text.append(text)

    def _look(self) -> None:
        text = "".join(self._text)
        self._text.clear()
        is_inside = len(self.path) > 2 and self.path[1] == (self.namespace, "Body")
        if is_inside and not self.found and _BEGINS.match(text):
            self.found, self.operation = text, self.path[2]


def _no_document_type(*_declared: object) -> NoReturn:
    raise BadEnvelope("a document type is not taken")


def _as_text(body: bytes, charset: str) -> str:
    declared = _DECLARED.match(body[:200])
    label = charset or (declared[1].decode("ascii") if declared else "") or "utf-8"
    codec = codec_of(label)
    if codec is None:
        raise BadEnvelope("the document's character set is not known")
    try:
        return body.removeprefix(codecs.BOM_UTF8).decode(codec)
    except UnicodeDecodeError:
        raise BadEnvelope("the document is not in the character set that it names") from None


def _as_sent(text: str) -> bytes:
    text = text.strip("\ufeff \t\r\n").replace("\r\n", "\r").replace("\n", "\r") + "\r"
    label = parse(text.encode()).decoded.label
    try:
        return text.encode(codec_of(label) or "ascii")
    except UnicodeEncodeError:
        return codecs.BOM_UTF8 + text.encode()


def _wrapped(namespace: str, inner: str) -> bytes:
    head = f'<?xml version="1.0" encoding="UTF-8"?><soap:Envelope xmlns:soap={quoteattr(namespace)}><soap:Body>'
    return f"{head}{inner}</soap:Body></soap:Envelope>".encode()
