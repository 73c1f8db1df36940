"""The numbers (模板编号) under which the Official Account knows our messages, and its keywords for our fields.

Each message begins without a number and with the usual keywords; from then on it is what was last saved, every version
kept. A message is sent under the version that is in force at that moment, also one that has waited.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from sqlalchemy import Select, func, select, tuple_
from sqlalchemy.exc import IntegrityError

from app.kernel import audit
from app.kernel.errors import BadInput, NotFound, Refused
from app.kernel.uow import Uow
from app.notifications.models import Message, WechatTemplate
from app.notifications.ports import Numbered
from app.notifications.states import Channel
from app.notifications.words import WORDS, fields_of

FIXED_CHARS = 20
FIXED_AT_MOST = 8
NOT_AS_NUMBERED = frozenset({"no_template", "unknown_template", "wrong_keywords"})
"""Why the account does not take a message as it is entered here."""
# A keyword's beginning is its kind (模板消息 参数类型), which decides length and characters; the account counts them.
USUAL: Mapping[str, str] = {
    "number": "character_string1",
    "at": "time2",
    "due_day": "date3",
    "room": "thing4",
    "rooms": "thing4",
    "window": "thing5",
    "place": "thing6",
    "amount": "amount7",
    "total": "amount8",
    "covered": "amount9",
    "until_at": "time10",
    "to_day": "date11",
    "minutes": "number12",
}
_NUMBER = re.compile(r"[A-Za-z0-9_-]{6,64}", re.ASCII)
_KEYWORD = re.compile(r"[a-z][a-z_]{1,31}[0-9]{0,3}", re.ASCII)
_AS_SHOWN = re.compile(r"\{\{\s*(\w+)\.DATA\s*\}\}", re.ASCII)  # how WeChat's console writes a keyword


class BadTemplate(BadInput):
    """A number or keyword is none, or stands twice (facts: fields, a code for each of number, fixed, field.NAME)."""

    code: ClassVar[str] = "bad_template"


class TemplateChanged(Refused):
    """Somebody else has changed the template meanwhile; look at it again."""

    code: ClassVar[str] = "template_changed"


@dataclass(frozen=True)
class Shown:
    """One of our messages and how the account knows it; version 0 is as the program has it, without a number.

    `refused` is how often the account did not take it of late.
    """

    name: str
    number: str
    keywords: Mapping[str, str]
    fixed: Mapping[str, str]
    version: int
    refused: int = 0


def templates(uow: Uow, *, refused_since: datetime) -> list[Shown]:
    """Every message in the order of the visit, as it is in force."""
    rows = {row.name: row for row in uow.session.scalars(_newest())}
    refused = _refused(uow, refused_since)
    return [_shown(name, rows.get(name), refused.get(name, 0)) for name in WORDS]


def template(uow: Uow, name: str) -> Shown:
    """One message as it is in force; NotFound."""
    if name not in WORDS:
        raise NotFound
    return _shown(name, _row(uow, name))


def in_force(uow: Uow, name: str) -> Numbered | None:
    """How the account knows the message at this moment; None where it has no number."""
    row = _row(uow, name)
    return Numbered(row.number, row.keywords, row.fixed) if row and row.number else None


def without_number(uow: Uow) -> list[str]:
    """The names of the messages that cannot be sent by WeChat."""
    numbered = {row.name for row in uow.session.scalars(_newest()) if row.number}
    return [name for name in WORDS if name not in numbered]


def versions_of(uow: Uow, name: str) -> Sequence[WechatTemplate]:
    """Every version that was saved, newest first."""
    return uow.session.scalars(_versions(name)).all()


def save(
    uow: Uow, name: str, *, number: str, keywords: Mapping[str, str], fixed_lines: Iterable[str], version: int
) -> Shown:
    """The message goes under `number` from now on, one version on; unchanged, it stays the version it is.

    Refuses `bad_template`, and `template_changed` when `version` is not the one in force; NotFound.
    """
    shown = template(uow, name)
    wanted = _read(name, number, keywords, fixed_lines)
    if wanted == Numbered(shown.number, shown.keywords, shown.fixed):
        return shown
    if shown.version != version:
        raise TemplateChanged
    row = WechatTemplate(
        name=name,
        version=version + 1,
        number=wanted.number,
        keywords=dict(wanted.keywords),
        fixed=dict(wanted.fixed),
        saved_at=uow.now(),
        by_ref=uow.actor.ref,
    )
    try:
        with uow.session.begin_nested():
            uow.session.add(row)
    except IntegrityError:
        raise TemplateChanged from None
    audit.record(uow, "message.template", "wechat_template", name, version=row.version, number=row.number)
    return _shown(name, row)


def _read(name: str, number: str, keywords: Mapping[str, str], fixed_lines: Iterable[str]) -> Numbered:
    """What was typed, as it is kept; refuses `bad_template` with a code for each field that is wrong."""
    wrong: dict[str, str] = {}
    if number and not _NUMBER.fullmatch(number):
        wrong["number"] = "no_number"
    told = {field: _keyword(keywords.get(field, "")) for field in fields_of(name)}
    wrong |= {
        f"field.{field}": "no_keyword" for field, keyword in told.items() if keyword and not _KEYWORD.fullmatch(keyword)
    }
    pairs = [_pair(line) for line in fixed_lines if line.strip()]
    if len(pairs) > FIXED_AT_MOST or not all(_is_pair(*pair) for pair in pairs):
        wrong["fixed"] = "no_lines"
    all_keywords = [*filter(None, told.values()), *(keyword for keyword, _ in pairs)]
    if not all_keywords:
        wrong["fixed"] = "no_keywords"
    elif twice := {keyword for keyword in all_keywords if all_keywords.count(keyword) > 1}:
        wrong |= {f"field.{field}": "twice" for field, keyword in told.items() if keyword in twice}
        wrong |= {"fixed": "twice"} if twice & {keyword for keyword, _ in pairs} else {}
    if wrong:
        raise BadTemplate(fields=wrong)
    return Numbered(number, told, dict(pairs))


def _keyword(typed: str) -> str:
    shown = _AS_SHOWN.fullmatch(typed.strip())
    return shown[1] if shown else typed.strip()


def _pair(line: str) -> tuple[str, str]:
    keyword, _, words = line.partition("=")
    return _keyword(keyword), words.strip()


def _is_pair(keyword: str, words: str) -> bool:
    return bool(_KEYWORD.fullmatch(keyword)) and 0 < len(words) <= FIXED_CHARS and words.isprintable()


def _shown(name: str, row: WechatTemplate | None, refused: int = 0) -> Shown:
    if row is not None:
        return Shown(name, row.number, row.keywords, row.fixed, row.version, refused)
    fields = fields_of(name)
    fixed = {} if fields else {"thing1": WORDS[name].title_zh}
    return Shown(name, "", {field: USUAL[field] for field in fields}, fixed, 0, refused)


def _row(uow: Uow, name: str) -> WechatTemplate | None:
    return uow.session.scalars(_versions(name).limit(1)).first()


def _versions(name: str) -> Select[WechatTemplate]:
    return select(WechatTemplate).where(WechatTemplate.name == name).order_by(WechatTemplate.version.desc())


def _newest() -> Select[WechatTemplate]:
    newest = select(WechatTemplate.name, func.max(WechatTemplate.version)).group_by(WechatTemplate.name)
    return select(WechatTemplate).where(tuple_(WechatTemplate.name, WechatTemplate.version).in_(newest))


def _refused(uow: Uow, since: datetime) -> dict[str, int]:
    rows = uow.session.execute(
        select(Message.template, func.count(Message.id))
        .where(Message.channel == Channel.WECHAT, Message.reason.in_(NOT_AS_NUMBERED), Message.made_at >= since)
        .group_by(Message.template)
    )
    return {row[0]: row[1] for row in rows}
