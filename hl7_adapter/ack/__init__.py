"""The answer to a message: whether it can be taken, which code it gets, its bytes, and how many answers go out.

Knows the standard's rules of acknowledgement and nothing of what a message does.
"""

from hl7_adapter.ack.answer import Reply, answer_code, build_ack
from hl7_adapter.ack.header import MESSAGE_TYPES, PROCESSING_IDS, VERSIONS, Header, HeaderProblem, read_header
from hl7_adapter.ack.replies import Verdict, each_of, replies
from hl7_adapter.ack.table import CONDITIONS, REFUSALS, ErrorAt, Mode, Refusal, Wanted, wanted_answers

__all__ = [
    "CONDITIONS",
    "MESSAGE_TYPES",
    "PROCESSING_IDS",
    "REFUSALS",
    "VERSIONS",
    "ErrorAt",
    "Header",
    "HeaderProblem",
    "Mode",
    "Refusal",
    "Reply",
    "Verdict",
    "Wanted",
    "answer_code",
    "build_ack",
    "each_of",
    "read_header",
    "replies",
    "wanted_answers",
]
