"""Reading what WeChat pushes to us: one flat XML message of at most a few kilobytes."""

from __future__ import annotations

from dataclasses import dataclass
from xml.etree import ElementTree as ET

LARGEST_BYTES = 64 * 1024


class NotAPush(ValueError):
    """The body is not a message WeChat would send."""


@dataclass(frozen=True)
class Push:
    """A push: its kind in WeChat's words, the sender's openid, and for a message's fate its id and status."""

    kind: str
    openid: str
    message_id: str
    status: str
    event_key: str


def read_push(body: bytes) -> Push:
    """The push in `body`; NotAPush for anything else, document types and entities included."""
    is_wide = b"\x00" in body  # UTF-16, in which a document type reads otherwise
    if len(body) > LARGEST_BYTES or is_wide or b"<!" in body.replace(b"<![CDATA[", b""):
        raise NotAPush("too large, or with a document type")
    try:
        root = ET.fromstring(body)  # noqa: S314 - bodies with a document type were refused above
    except (ET.ParseError, LookupError, ValueError) as error:  # an encoding nobody knows is a LookupError
        raise NotAPush("not XML") from error
    if root.tag != "xml":
        raise NotAPush("not a message")
    said = {child.tag: (child.text or "").strip() for child in root}
    return Push(
        kind=said.get("Event") or said.get("MsgType", ""),
        openid=said.get("FromUserName", ""),
        message_id=said.get("MsgID") or said.get("MsgId", ""),
        status=said.get("Status", ""),
        event_key=said.get("EventKey", ""),
    )
