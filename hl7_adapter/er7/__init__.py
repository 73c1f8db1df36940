"""The text of an HL7 v2 message ("vertical bar" notation, ER7): read lazily, written safely, in any character set met.

`parse` never raises, whatever the bytes; `build` never lets a value become structure.
"""

from hl7_adapter.er7.builder import AsWritten, Field, Part, build, segment
from hl7_adapter.er7.charset import Decoded, canonical_label, codec_of, decode
from hl7_adapter.er7.delimiters import DEFAULT, Delimiters, read_delimiters
from hl7_adapter.er7.escape import escape, escape_controls, unescape
from hl7_adapter.er7.lexer import LINES_AT_MOST, NULL, REPETITIONS_AT_MOST, Group, Message, Repetition, Segment, parse
from hl7_adapter.er7.path import Place, message_place

__all__ = [
    "DEFAULT",
    "LINES_AT_MOST",
    "NULL",
    "REPETITIONS_AT_MOST",
    "AsWritten",
    "Decoded",
    "Delimiters",
    "Field",
    "Group",
    "Message",
    "Part",
    "Place",
    "Repetition",
    "Segment",
    "build",
    "canonical_label",
    "codec_of",
    "decode",
    "escape",
    "escape_controls",
    "message_place",
    "parse",
    "read_delimiters",
    "segment",
    "unescape",
]
