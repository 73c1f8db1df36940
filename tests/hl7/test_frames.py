"""Where a message begins and ends: however a stream is cut, the same messages come out."""

import pytest

from hl7_adapter.mllp import MAX_FRAME_BYTES, FrameDecoder, FrameTooLong, frame
from tests.hl7.files import message, numbered


def frames_of(*chunks: bytes, limit: int = MAX_FRAME_BYTES) -> list[bytes]:
    """All messages that come out when the chunks go in one after the other."""
    decoder, found = FrameDecoder(limit), []
    for chunk in chunks:
        decoder.feed(chunk)
        while (raw := decoder.next_frame()) is not None:
            found.append(raw)
    return found


def test_a_frame_cut_at_every_byte_is_one_message():
    raw = message("adt_a04_gb18030")
    block = frame(raw)

    assert all(frames_of(block[:cut], block[cut:]) == [raw] for cut in range(len(block) + 1))


def test_a_frame_dripping_byte_by_byte_is_one_message():
    raw = message("adt_a04_utf8")

    assert frames_of(*(bytes([byte]) for byte in frame(raw) * 2)) == [raw, raw]


def test_many_frames_in_one_read_come_out_in_order():
    raws = [numbered(number) for number in range(50)]

    assert frames_of(b"".join(map(frame, raws))) == raws


def test_junk_between_frames_is_skipped_and_counted():
    decoder = FrameDecoder()

    decoder.feed(b"hello\r\n" + frame(b"MSH|1") + b"\r\nGET / HTTP" + frame(b"MSH|2") + b"x")

    assert [decoder.next_frame() for _ in range(3)] == [b"MSH|1", b"MSH|2", None]
    assert decoder.junk_bytes == len(b"hello" + b"GET / HTTP" + b"x")
    assert decoder.held_bytes == 0


def test_a_missing_return_after_the_end_is_tolerated():
    assert frames_of(b"\x0bMSH|1\x1c", b"\x0bMSH|2\x1c\x0d", b"\x0b\x1c\x0d") == [b"MSH|1", b"MSH|2", b""]


def test_a_frame_begun_anew_counts_once_and_a_tab_in_a_text_stays():
    assert frames_of(b"\x0bMSH|1|half\x0bMSH|1|whole\x1c\x0d") == [b"MSH|1|whole"]
    assert frames_of(b"\x0bMSH|1|a\x0bb\x1c\x0d") == [b"MSH|1|a\x0bb"]


@pytest.mark.parametrize("ended", [False, True])
def test_a_frame_over_the_limit_is_refused_after_those_before_it(ended):
    decoder = FrameDecoder(100)
    decoder.feed(frame(b"x" * 100) + b"\x0b" + b"y" * 101 + (b"\x1c\x0d" if ended else b""))

    assert decoder.next_frame() == b"x" * 100
    with pytest.raises(FrameTooLong):
        decoder.next_frame()


def test_a_message_with_the_end_byte_is_not_framed():
    with pytest.raises(ValueError, match="0x1C"):
        frame(b"MSH|\x1c|")


def test_the_limit_is_sixteen_mebibytes_unless_told_otherwise():
    decoder = FrameDecoder()

    decoder.feed(b"\x0b" + b"x" * MAX_FRAME_BYTES)
    assert decoder.next_frame() is None

    decoder.feed(b"x")
    with pytest.raises(FrameTooLong):
        decoder.next_frame()
