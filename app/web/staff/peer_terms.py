"""What can be agreed with another system, term by term: its words on the page, and what a form says of it."""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Mapping

from flask_babel import gettext
from flask_babel import lazy_gettext as _l

from app.kernel.code_tables import own_code
from app.kernel.field_rules import read_rule
from app.kernel.peer_rules import CHARSETS
from app.kernel.peers import (
    AckMode,
    OtherFacility,
    PatientLevel,
    Peer,
    RefusedBooking,
    ReusedId,
    UnknownEvent,
    UnknownPatient,
)
from app.kernel.usual_codes import USUAL
from app.web import show, work

LABELS: dict[str, object] = {
    "name": _l("名称"),
    "application": _l("发送系统 (MSH-3)"),
    "facility": _l("发送机构 (MSH-4)"),
    "ack_mode": _l("应答方式"),
    "charset": _l("未声明时的字符集"),
    "addresses": _l("允许的地址"),
    "certificate": _l("必须出示的证书"),
    "max_frame_bytes": _l("每条消息最多字节"),
    "messages_per_minute": _l("每分钟最多消息"),
    "unknown_event": _l("没有作用的事件"),
    "reused_id": _l("控制号重复而内容不同"),
    "unknown_patient": _l("患者没有建档"),
    "facilities": _l("本院的名称"),
    "other_facility": _l("发给别家医院的消息"),
    "field_rules": _l("字段约定"),
    "codes": _l("代码对照"),
    "retry_codes": _l("可重发的错误码"),
    "out_host": _l("发往的主机"),
    "out_port": _l("发往的端口"),
    "out_tls": _l("用 TLS 发送"),
    "out_charset": _l("发出的字符集"),
    "refused_booking": _l("它不接受的预约"),
    "answers_orders": _l("处方逐条应答 (ORP^O10 RRE^O12 ORR^O02)，不用 ACK"),
    "is_asked_first": _l("新患者先问它有没有病案号 (QBP^Q22)"),
    "patient_level": _l("怎样告诉它患者资料"),
    "decides_bookings": _l("预约由它决定：它应答 SRM 以前号只是留着，不接受就退号退款"),
    "is_paused": _l("暂停"),
}
HINTS: dict[str, object] = {
    "application": _l("与消息里写的完全相同，包括 ^ 后面的部分"),
    "facility": _l("与消息里写的完全相同；消息里没有就不填"),
    "addresses": _l("每行一个地址或网段，例如 10.1.0.0/16；不填则不限"),
    "certificate": _l("证书里的名称（通用名或 DNS 名）；不填则不限，只有用 TLS 并要求客户端证书时才有"),
    "max_frame_bytes": _l("1024 到 16777216"),
    "messages_per_minute": _l("0 为不限；超过时应答 AE 207，请对方稍后再发"),
    "facilities": _l("对方在 MSH-6 和 PV1-3.4 里怎样写本院，每行一个；不填则不比较"),
    "field_rules": _l(
        "每行一个：消息（可省）、字段、用法 R RE O C X、处置 error warning ignore，例如 ORM^O01 PV1-19 R error"
    ),
    "codes": _l("每行一个：表: 对方的代码 = 我们的代码，例如 sex: 男性 = male；先于全院的代码表"),
    "retry_codes": _l("HL7 表 0357 的三位数字，用空格分开；对方以这些码拒绝时会再发"),
    "out_host": _l("不填则按部署设置"),
    "out_port": _l("填了主机就要填端口"),
}
CHOICES: dict[str, tuple[tuple[enum.StrEnum, object], ...]] = {
    "ack_mode": (
        (AckMode.ORIGINAL, _l("原始方式：一次应答 (AA AE AR)")),
        (AckMode.ENHANCED, _l("增强方式：先收妥 (CA CE CR)，再应答")),
        (AckMode.AUTO, _l("自动：按 MSH-15 和 MSH-16")),
    ),
    "unknown_event": ((UnknownEvent.FILED, _l("归档，应答 AA")), (UnknownEvent.REFUSED, _l("拒绝，应答 AR 201"))),
    "reused_id": ((ReusedId.PROCESS, _l("照常处理并标记")), (ReusedId.REFUSE, _l("拒绝，应答 AE 205"))),
    "other_facility": (
        (OtherFacility.FLAG, _l("照常处理并标记")),
        (OtherFacility.REFUSE, _l("拒绝，应答 AE 204")),
    ),
    "refused_booking": (
        (RefusedBooking.PERSON, _l("留给人处理")),
        (RefusedBooking.GIVE_BACK, _l("自动退号退款并通知患者")),
    ),
    "patient_level": (
        (PatientLevel.VISIT, _l("按就诊：ADT^A04、A08")),
        (PatientLevel.PERSON, _l("没有就诊时按人员：ADT^A28、A31")),
    ),
    "unknown_patient": (
        (UnknownPatient.REFUSE, _l("拒绝，应答 AE 204")),
        (UnknownPatient.PARK, _l("收妥，等患者建档后处理")),
        (UnknownPatient.CREATE, _l("按消息里的 PID 建档")),
    ),
}
LINES_SAID_AT_MOST = 5
_LINES: dict[str, Callable[[str], object]] = {"field_rules": read_rule, "codes": own_code}
_YES, _NO = _l("是"), _l("否")
_SEPARATORS = re.compile(r"[\s,;，；]+")


def typed_peer(known: Peer) -> Peer:
    """What the form says is agreed with `known` (public id, pause and version are the known one's)."""
    return Peer(
        name=work.typed("name", 81),
        application=work.typed("application", 228),
        facility=work.typed("facility", 228),
        ack_mode=AckMode(_chosen("ack_mode", AckMode)),
        charset=work.typed("charset", 40),
        addresses=_words("addresses"),
        certificate=work.typed("certificate", 254),
        max_frame_bytes=_number("max_frame_bytes"),
        messages_per_minute=_number("messages_per_minute"),
        unknown_event=UnknownEvent(_chosen("unknown_event", UnknownEvent)),
        reused_id=ReusedId(_chosen("reused_id", ReusedId)),
        unknown_patient=UnknownPatient(_chosen("unknown_patient", UnknownPatient)),
        facilities=_lines("facilities"),
        other_facility=OtherFacility(_chosen("other_facility", OtherFacility)),
        field_rules=_lines("field_rules"),
        codes=_lines("codes"),
        retry_codes=_words("retry_codes"),
        out_host=work.typed("out_host", 254),
        out_port=_number("out_port"),
        out_tls=work.typed("out_tls", 3) == "yes",
        out_charset=work.typed("out_charset", 40),
        refused_booking=RefusedBooking(_chosen("refused_booking", RefusedBooking)),
        is_asked_first=work.typed("is_asked_first", 3) == "yes",
        patient_level=PatientLevel(_chosen("patient_level", PatientLevel)),
        answers_orders=work.typed("answers_orders", 3) == "yes",
        decides_bookings=work.typed("decides_bookings", 3) == "yes",
        is_paused=known.is_paused,
        public_id=known.public_id,
        version=_number("version") if known.public_id else 0,
    )


def _chosen(name: str, kind: type[enum.StrEnum]) -> str:
    return work.one_of(work.typed(name, 16), kind, str(getattr(Peer(), name)))


def _number(name: str) -> int:
    """The whole number that was typed; -1, which no rule allows, for anything else. Nothing is 0."""
    text = work.typed(name, 16)
    found = work.whole(text)
    return found if found is not None else -1 if text else 0


def _words(name: str) -> tuple[str, ...]:
    return tuple(word for word in _SEPARATORS.split(work.typed(name, 4000)) if word)


def _lines(name: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in work.typed(name, 20_000).splitlines() if line.strip())


def options() -> dict[str, list[tuple[str, str]]]:
    """What can be chosen, for the form's lists."""
    chosen = {name: [(word.value, str(words)) for word, words in pairs] for name, pairs in CHOICES.items()}
    charsets = [(label, label) for label in CHARSETS]
    return {**chosen, "charset": charsets, "out_charset": charsets}


def fields(peer: Peer) -> dict[str, str]:
    """The terms as a form shows them."""
    shown = {name: str(value) for name, value in peer.agreed().items()}
    listed = {name: "\n".join(getattr(peer, name)) for name in ("addresses", "facilities", "field_rules", "codes")}
    return shown | listed | {"retry_codes": " ".join(peer.retry_codes)}


def said(name: str, value: object) -> str:
    """A term's value in words."""
    for word, words in CHOICES.get(name, ()):
        if value == word.value:
            return str(words)
    if isinstance(value, bool):
        return str(_YES if value else _NO)
    if isinstance(value, list):
        return ", ".join(str(each) for each in value) or "—"
    return "—" if value in (None, "") else str(value)


def errors(faults: Mapping[str, str], wanted: Peer) -> dict[str, str]:
    """For each term that cannot be agreed, what to do about it; of lines, which and why."""
    said_of = {name: gettext("“%(label)s”不能这样填写", label=str(LABELS[name])) for name in faults}
    for name, is_right in _LINES.items():
        wrong = [(number, line) for number, line in enumerate(getattr(wanted, name), start=1) if not is_right(line)]
        if wrong:
            faults_of_lines = [_line_fault(name, number, line) for number, line in wrong[:LINES_SAID_AT_MOST]]
            if more := len(wrong[LINES_SAID_AT_MOST:]):
                faults_of_lines.append(gettext("另有 %(count)s 行也不能这样填写", count=more))
            said_of[name] = gettext("；").join(faults_of_lines)
    return said_of


def _line_fault(name: str, number: int, line: str) -> str:
    """What is wrong with a line of rules or codes, in words that say how it is written."""
    table, mark, rest = (part.strip() for part in line.partition(":"))
    if name == "codes" and mark and table not in USUAL:
        known = show.listed(USUAL)
        return str(
            gettext("第 %(line)s 行：没有叫 %(table)s 的表，有 %(known)s", line=number, table=table, known=known)
        )
    if name == "codes" and mark and "=" in rest and USUAL[table].ours:
        known = show.listed(USUAL[table].ours)
        words = gettext("第 %(line)s 行：%(table)s 表里我们的代码只有 %(known)s", line=number, table=table, known=known)
        return str(words)
    return str(gettext("“%(label)s”第 %(line)s 行不能这样填写", label=str(LABELS[name]), line=number))
