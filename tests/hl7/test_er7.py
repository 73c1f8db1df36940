"""The text of a message: what is written is read again unchanged, and nothing a stranger sends is an exception."""

import itertools
import string
import time

import hl7
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hl7_adapter.er7 import (
    NULL,
    AsWritten,
    Delimiters,
    build,
    decode,
    escape,
    parse,
    read_delimiters,
    segment,
    unescape,
)
from tests.hl7.files import ALL, message

ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
HOSTILE_TEXT = st.text(st.sampled_from("|^~\\&#FSTRE.brXZ0A\r\n\t\x0b\x1c\x00\x7f 珅𠮷é"), max_size=40)
OWN_DELIMITERS = st.permutations(sorted(string.punctuation)).map(
    lambda marks: read_delimiters(marks[0], "".join(marks[1:5]))
)
CHINESE_HEADERS = [
    "adt_a04_utf8",
    "adt_a04_gb18030",
    "adt_a04_gbk_undeclared",
    "adt_a04_bom",
    "adt_a04_lf",
    "adt_a04_crlf",
    "adt_a04_charset_early",
]


def trap_characters() -> list[str]:
    """Every two-byte GB18030 character whose second byte is a delimiter of HL7."""
    pairs = (bytes([lead, trail]) for lead in range(0x81, 0xFF) for trail in b"\\^|~")
    return [char for pair in pairs if len(char := pair.decode("gb18030", "ignore")) == 1 and char.isprintable()]


@given(ANY_TEXT | HOSTILE_TEXT)
def test_a_value_is_read_as_it_was_written(text):
    raw = build([["MSH", None, None, text], ["ZZZ", text, (text, "x"), [("x", ("y", text, "z"))]]])

    read = parse(raw)

    assert [s.name for s in read] == ["MSH", "ZZZ"]
    assert read.get("MSH-3") == text
    assert read.get("ZZZ-1") == text
    assert read.get("ZZZ-2.1") == text
    assert read.get("ZZZ-3.2.2") == text


@given(ANY_TEXT | HOSTILE_TEXT, OWN_DELIMITERS)
def test_a_value_survives_any_delimiters(text, delimiters):
    header = ["MSH", delimiters.field, delimiters.encoding_characters]

    read = parse(build([header, ["ZZZ", [("a", text), ("b", ("c", text))]]]))

    assert read.delimiters == delimiters
    assert read.get("ZZZ-1.2") == text
    assert read.get("ZZZ-1[2].2.2") == text
    assert unescape(escape(text, delimiters), delimiters) == text


def test_a_character_with_a_delimiter_in_its_bytes_stays_whole():
    for char in trap_characters():
        header = ["MSH", None, None, char]
        read = parse(build([header, ["PID", None, None, ("1", char), (char * 2, "名")]], "GB 18030-2000"))

        assert read.decoded.codec == "gb18030"
        assert (read.get("MSH-3"), read.get("PID-3.2")) == (char, char)
        assert (read.get("PID-4.1"), read.get("PID-4.2")) == (char * 2, "名")


def test_there_are_as_many_trap_characters_as_the_standard_has():
    assert len(trap_characters()) >= 464
    assert set("珅琟璡誠瑋") <= set(trap_characters())


@given(
    st.binary(max_size=400)
    | st.sampled_from(ALL)
    .map(lambda name: message(name[:-4]))
    .flatmap(lambda raw: st.integers(0, len(raw)).map(lambda cut: raw[:cut]))
)
def test_any_bytes_are_read_and_encoded_again_unchanged(raw):
    read = parse(raw)

    assert read.encode() == raw
    for part in read:
        assert all(rep.text is not None for number in range(len(part) + 1) for rep in part.reps(number))


@pytest.mark.parametrize("name", ALL)
def test_every_message_file_is_encoded_again_unchanged(name):
    raw = message(name[:-4])

    assert parse(raw).encode() == raw


@pytest.mark.parametrize("name", CHINESE_HEADERS)
def test_the_same_patient_is_read_in_every_character_set_and_line_end(name):
    read = parse(message(name))

    assert not read.decoded.doubtful
    assert read.get("PID-5.2") == "诚瑋"
    assert read["PID-3[2].1"] == "11010119900307803X"
    assert read.get("PV1-3.1") == "内科"
    assert read.get("PV1-19") == "V20260302001"
    assert [rep.get(5) for rep in read.segments("PID")[0].reps(3)] == ["PI", "NNCHN", "HC"]


@pytest.mark.parametrize(
    ("label", "codec"),
    [("UNICODE UTF-8", "utf-8"), ("UTF-8", "utf-8"), ("utf8  ", "utf-8"), ("UNICODE", "utf-8"), ("GBK", "gb18030"),
     ("gb18030", "gb18030"), ("GB 18030-2000", "gb18030"), ("GB2312", "gb18030"), ("BIG-5", "cp950"),
     ("8859/1", "iso8859-1"), ("8859/15", "iso8859-15"), ("ASCII~GBK", "ascii")],
)  # fmt: skip
@pytest.mark.parametrize("early", [0, 1])
def test_a_declared_character_set_is_believed(label, codec, early):
    header = "MSH|^~\\&|A|B|C|D|||ADT^A04|1|P|2.4" + "|" * (6 - early) + label + "|" * early + "\rPID|1||"

    assert decode(header.encode()).codec == codec


@pytest.mark.parametrize(
    "label", ["GBK", "GB 18030-2000", "GB2312", "BIG-5", "8859/1", "8859/15", "ASCII", "WINDOWS-1252"]
)
@pytest.mark.parametrize("name", ["张三丰", "珅|瑋^婷", "Größe^Frédérique"])
def test_utf_8_under_the_name_of_another_set_is_utf_8(label, name):
    told = f"MSH|^~\\&|A|B|C|D|||ADT^A04|1|P|2.5||||||{label}\rPID|1||P1||{name}\r"
    double = label[:2] in ("GB", "BI")
    if double and not name[0] > "\u07ff":
        return

    read = parse(told.encode())

    assert (read.decoded.codec, read.decoded.doubtful, read.encode()) == ("utf-8", True, told.encode())
    assert name in read.decoded.text


@pytest.mark.parametrize(("label", "codec"), [("GBK", "gb18030"), ("BIG-5", "cp950")])
def test_what_is_as_declared_is_never_taken_for_utf_8(label, codec):
    """Also where its bytes could be those of UTF-8: each such character, alone and beside another; a whole name."""
    encoded = (chr(at).encode(codec, "ignore") for at in range(0x80, 0x10000))
    could = [char for char in encoded if len(char) == 2 and is_utf8(char)]
    head = f"MSH|^~\\&|A|B|C|D|||ADT^A04|1|P|2.5||||||{label}\rPID|1||P1||".encode()

    taken_for = {decode(head + one + other).codec for one in could for other in (b"", could[0], could[-1])}

    assert len(could) > 100
    assert taken_for == {codec}
    if codec == "gb18030":
        assert is_utf8("琚鸿安".encode(codec))
        assert "琚鸿安" in decode(head + "琚鸿安".encode(codec)).text


def is_utf8(raw):
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def test_a_byte_order_mark_may_stand_behind_blank_lines_or_alone_on_its_line():
    plain = message("adt_a04_utf8")

    for before in (b"\xef\xbb\xbf\r\n", b"\r\n\xef\xbb\xbf", b" \n\xef\xbb\xbf\n\n"):
        read = parse(before + plain)
        assert (read.readable, read.get("PID-5.2"), read.encode()) == (True, "诚瑋", before + plain)


def test_bytes_that_break_their_declaration_are_still_read_and_marked():
    raw = message("adt_a04_gb18030").replace(b"GB 18030-2000", b"UNICODE UTF-8")

    read = parse(raw)

    assert read.decoded.doubtful
    assert read.get("PID-5.2") == "诚瑋"
    assert read.encode() == raw


def test_an_undeclared_set_is_the_callers_default():
    raw = "MSH|^~\\&|A\rPID|1||é".encode("iso8859-1")

    assert parse(raw, "8859/1").get("PID-3") == "é"


def test_escapes_are_understood_and_unknown_ones_kept():
    obx = parse(message("oru_r01_lines_in_text")).segments("OBX")

    assert len(obx) == 1
    assert obx[0].get("5") == "两肺纹理清晰。\n心影不大。\n未见异常 50\\% off C:\\tmp\\x & 甲"
    assert (
        unescape("\\H\\bold\\N\\ \\Zq\\ \\.sp2\\ \\X80\\ \\X4\\ a\\")
        == "\\H\\bold\\N\\ \\Zq\\ \\.sp2\\ \\X80\\ \\X4\\ a\\"
    )


def test_custom_delimiters_are_used_for_everything():
    read = parse(message("orm_o01_custom_delimiters"))

    assert read.delimiters == Delimiters("$", "%", "~", "!", "@")
    assert read.get("PID-5.1") == "Price is 5$10 | 7 & 8"
    assert read.get("PID-5.2") == "San%"


def test_orders_are_groups_of_their_own():
    first, second = parse(message("omp_o09_two_orders")).groups("ORC")

    assert (first.get("ORC-2"), first.get("RXO-1.2"), first.get("FT1-11")) == ("L1", "阿莫西林胶囊 0.25g*24粒", "31.50")
    assert (second.get("ORC-2"), second.get("RXO-1.1"), second.get("FT1-15")) == ("L2", "86900002", "0.00")
    assert len(second.segments("FT1")) == 1
    assert second.get("PID-3") == ""


def test_paths_count_from_one_and_absent_values_are_empty():
    read = parse(b'MSH|^~\\&|A\rOBX|1|ST|a^b&c~d\rOBX|2||""\r')

    assert read.get("MSH-1") == "|"
    assert read.get("MSH-2") == "^~\\&"
    assert read.get("OBX-3") == "a^b&c"
    assert read.get("OBX-3.2.2") == "c"
    assert read.get("OBX-3[2].1") == "d"
    assert read.get("OBX[2]-3") == NULL
    assert [read.get(path) for path in ("OBX-3[3]", "OBX-9", "OBX[3]-1", "NTE-1", "OBX-3.1.2")] == [""] * 5
    assert "OBX" in read
    assert "NTE" not in read
    with pytest.raises(KeyError):
        read["OBX-9"]
    with pytest.raises(ValueError, match="not a path"):
        read.get("pid 3")


@pytest.mark.parametrize("raw", [b"MSH||A|B|C", b"MSHAbcdefg", b"MSH", b"MSH|", b"MSH|ABC|D", b"PID|1", b"", b"\r\n"])
def test_without_readable_delimiters_the_message_says_so(raw):
    assert not parse(raw).readable


@pytest.mark.parametrize("marks", ["^^\\&", "^~~&", "^~\\~", "^~\\^", "^~&&", "^^", "^~\\\\\\^", "^^~~\\\\&&"])
def test_two_levels_with_one_character_declare_no_delimiters(marks):
    assert not parse(f"MSH|{marks}|A\rPID|1||x^y&z\r".encode()).readable


def test_delimiters_are_read_as_they_are_declared_or_not_at_all():
    marks = "|^~\\&#"
    for declared in map("".join, itertools.product(marks, repeat=4)):
        meant = declared.removesuffix("\\") if declared.endswith("\\\\") else declared
        read = read_delimiters("|", declared)
        assert (read is not None) == (len({"|", *meant}) == 1 + len(meant)), declared
        assert read is None or read.encoding_characters == meant


@pytest.mark.parametrize("marks", ["^~\\&", "^~\\\\&", "^~\\&#", "^~\\&amp;", "^~\\&&", "^~\\\\\\\\&"])
def test_habits_of_writing_delimiters_are_understood(marks):
    read = parse(f"MSH|{marks}|A\rPID|1||x^y&z\r".encode())

    assert (read.get("PID-3.2.1"), read.get("PID-3.2.2"), read.get("MSH-3")) == ("y", "z", "A")


def test_the_builder_writes_field_numbers_repetitions_and_its_character_set():
    raw = build(
        [
            segment("MSH", {3: "MENZHEN", 9: ("ADT", "A04", "ADT_A01"), 10: "1", 12: "2.5.1"}),
            segment("PID", {1: 1, 3: [("P1", None, None, "HIS", "PI"), ("X", "", "", "", "NNCHN")], 7: NULL, 9: ""}),
            segment("ZEC", {1: AsWritten("a^b\\T\\c\rPID|2")}),
        ]
    )

    assert raw == (
        b"MSH|^~\\&|MENZHEN||||||ADT^A04^ADT_A01|1||2.5.1||||||UNICODE UTF-8\r"
        b'PID|1||P1^^^HIS^PI~X^^^^NNCHN||||""\r'
        b"ZEC|a^b\\T\\c\\X0D\\PID|2\r"
    )


def test_the_builder_refuses_what_would_change_the_message():
    with pytest.raises(ValueError, match="unknown character set"):
        build([["MSH"]], "KLINGON")
    with pytest.raises(UnicodeEncodeError):
        build([["MSH", None, None, "珅"]], "8859/1")
    with pytest.raises(ValueError, match="segment name"):
        build([["MSH"], ["P|D", "x"]])
    with pytest.raises(ValueError, match="begins with MSH"):
        build([["PID"]])
    with pytest.raises(ValueError, match="nested deeper"):
        build([["MSH"], ["PID", ("a", ("b", ("c", "d")))]])


@given(st.lists(st.text("abc珅", min_size=1, max_size=5), min_size=1, max_size=4))
def test_another_reader_sees_the_same_components(values):
    raw = build([["MSH", None, None, "A"], ["ZZZ", tuple(values)]])

    theirs = hl7.parse(raw.decode())

    assert [str(part) for part in theirs.segment("ZZZ")[1][0]] == values or str(theirs.segment("ZZZ")[1]) == values[0]


def test_a_text_of_two_hundred_thousand_raw_lines_is_put_together_at_once():
    """Base64 with its line ends, in one OBX-5; putting the lines on one by one would take minutes."""
    lines = ["QUJD" * 19] * 200_000
    began = time.perf_counter()

    text = parse(("MSH|^~\\&|A\rOBX|1|ED|P||" + "\r\n".join(lines) + "\rOBX|2|ST|Q||x\r").encode())

    assert [text.get("OBX[2]-5"), text.get("OBX-5")] == ["x", "\n".join(lines)]
    assert time.perf_counter() - began < 5
