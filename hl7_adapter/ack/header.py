"""The head of a message: who sent it, what it is, and whether it can be taken at all."""

import re
from dataclasses import dataclass

from hl7_adapter.ack.table import ErrorAt
from hl7_adapter.er7 import (
    DEFAULT,
    LINES_AT_MOST,
    REPETITIONS_AT_MOST,
    Delimiters,
    Message,
    Segment,
    canonical_label,
    codec_of,
    parse,
)

_VERSIONS = "2.1 2.2 2.3 2.3.1 2.4 2.5 2.5.1 2.6 2.7 2.7.1 2.8 2.8.1 2.8.2 2.9 2.9.1"
VERSIONS = frozenset(_VERSIONS.split())
"""HL7 table 0104."""

PROCESSING_IDS = frozenset({"P", "D", "T"})
"""HL7 table 0103: production, debugging, training."""

# HL7 table 0076 of v2.1 to v2.8.2: types that tell or ask something, and those that carry an MSA in every version.
_TOLD_TYPES = """
    ADT BAR BPS BTS CCF CCM CCQ CCR CCU CRM CSU DBC DBU DEL DEO DER DFT DPR DRC DRG DSR EAC EAN EAR EHC EQQ ESR
    ESU INR INU LSR LSU MDM MFD MFN MFQ NMD NMQ OMB OMD OMG OMI OML OMN OMP OMQ OMS OPL OPU ORM ORU OSM OSQ OUL
    PEX PGL PIN PMU PPG PPP PPR QBP QCN QRY QSB QSX QVR RAS RDE RDO RDS REF RGV RQA RQC RQI RQP RQQ SCN SDN SDR
    SIU SLN SLR SMD SPQ SQM SRM SSR SSU STC STI SUR TCR TCU UDM VQQ VXQ VXU
"""
_ANSWER_TYPES = """
    ACK ADR ARD BRP BRT CCI CQU DOC EDR ERP MCF MFK MFR NMR OPR ORA ORB ORD ORF ORG ORI ORL ORN ORP ORR ORS ORX
    OSR OSU PPT PPV PRR PTR QCK RAR RCI RCL RDR RDY RER RGR ROR RPA RPI RPL RPR RRA RRD RRE RRG RRI RRO RSP RTB
    SQR SRR TBR VXR VXX
"""
_ANSWERS = frozenset(_ANSWER_TYPES.split())
MESSAGE_TYPES = _ANSWERS | frozenset(_TOLD_TYPES.split())
"""HL7 table 0076."""

_NO_MARKS = "MSH-1 and MSH-2 do not declare delimiters: marks of punctuation, a different one for each level"
_OTHER_MARKS = "MSH-2 declares other delimiters than the message is written with: MSH-9 would be repeated"
_ENDLESS = f"more than {LINES_AT_MOST} lines, or {REPETITIONS_AT_MOST} repetitions"
_EVENT = re.compile(r"[A-Z][A-Z0-9]{2}")


@dataclass(frozen=True, slots=True)
class Header:
    """What MSH says; texts are unescaped and without blanks at their ends, '' where nothing is said.

    `sender` and `receiver` are (application, facility) as written, still escaped, for the echo; so is
    `control_id_written`. `charset` is a label for MSH-18 that names what the message really was in.
    `accept_condition` and `application_condition` are MSH-15 and MSH-16. `is_answer`: it answers one of ours, and
    answering it would start a circle.
    """

    message: Message
    sender: tuple[str, str]
    receiver: tuple[str, str]
    message_type: str
    event: str
    structure: str
    control_id: str
    control_id_written: str
    processing_id: str
    version: str
    accept_condition: str
    application_condition: str
    charset: str
    is_answer: bool

    @property
    def delimiters(self) -> Delimiters:
        """The sender's delimiters, or the usual ones when it declared none."""
        return self.message.delimiters


@dataclass(frozen=True, slots=True)
class HeaderProblem:
    """A message that cannot be taken: answer AR with `errors`; `header` holds what could be read."""

    header: Header
    errors: tuple[ErrorAt, ...]


def read_header(raw: bytes, default_charset: str = "utf-8") -> Header | HeaderProblem:
    """Read the head of any bytes; never raises.

    A byte order mark, blanks, LF line ends, a message type without its event and fields shifted by one are taken as
    they are. HeaderProblem when there is no readable MSH, or one that declares other delimiters than it is written
    with, or lines without end (code 100), no MSH-10 (101), an unknown message type (200), an event that is no event
    code (201), another processing id than P, D, T (202) or an unknown version (203).
    An event that is well formed but unknown is no problem of the header.
    """
    message = parse(raw, default_charset)
    headers = message.segments("MSH")
    if not headers or not message.readable:
        fault = ErrorAt(100, "MSH-2", _NO_MARKS) if headers else ErrorAt(100, "MSH", "no readable MSH segment")
        return HeaderProblem(_header(message, Segment("MSH", DEFAULT, message.decoded.codec)), (fault,))
    header = _header(message, headers[0])
    if message.endless:
        return HeaderProblem(header, (ErrorAt(100, "MSH", _ENDLESS),))
    repetition = message.delimiters.repetition
    if repetition and repetition in headers[0].written(9):
        return HeaderProblem(header, (ErrorAt(100, "MSH-2", _OTHER_MARKS),))
    faults = _faults(header)
    return HeaderProblem(header, faults) if faults else header


def _header(message: Message, msh: Segment) -> Header:
    def said(path: str) -> str:
        return msh.get(path).strip()

    message_type = said("9.1").upper()
    return Header(
        message=message,
        sender=(msh.written(3), msh.written(4)),
        receiver=(msh.written(5), msh.written(6)),
        message_type=message_type,
        event=said("9.2").upper(),
        structure=said("9.3"),
        control_id=said("10"),
        control_id_written=msh.written(10),
        processing_id=said("11.1"),
        version=said("12.1"),
        accept_condition=said("15").upper(),
        application_condition=said("16").upper(),
        charset=_answer_label(message),
        is_answer=message_type in _ANSWERS or "MSA" in message,
    )


def _answer_label(message: Message) -> str:
    """The sender's own label when it was true, else the right one for the bytes that came."""
    decoded = message.decoded
    if decoded.label and codec_of(decoded.label) == decoded.codec:
        return decoded.label
    return canonical_label(decoded.codec)


def _faults(header: Header) -> tuple[ErrorAt, ...]:
    kind = "this message type is not known" if header.message_type else "there is no message type"
    purpose = "the processing id is not P, D or T" if header.processing_id else "there is no processing id: P, D or T"
    version = "this version of HL7 is not known" if header.version else "there is no version of HL7, such as 2.5.1"
    checks = (
        (bool(header.control_id), 101, "MSH-10", "the message has no control id"),
        (header.message_type in MESSAGE_TYPES, 200, "MSH-9.1", kind),
        (not header.event or _EVENT.fullmatch(header.event), 201, "MSH-9.2", "this is not an event code"),
        (header.processing_id in PROCESSING_IDS, 202, "MSH-11.1", purpose),
        (header.version in VERSIONS, 203, "MSH-12.1", version),
    )
    return tuple(ErrorAt(code, place, words) for passed, code, place, words in checks if not passed)
