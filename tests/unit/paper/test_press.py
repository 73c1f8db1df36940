"""The printing process: it fetches nothing, keeps to its time, and is replaced when it breaks."""

import os
import signal
import subprocess
import sys
import threading
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from app.paper.worker import PdfFailed, PdfUnavailable, Press, pdf_available
from tests.unit.paper.reading import fonts_of, text_of

PARAGRAPH = "<p style='font-family: Noto Sans SC sub'>处方已审核</p>"
ENDLESS = "<table>" + "<tr><td>一<td>二<td>三" * 200_000


@pytest.fixture
def press():
    press = Press()
    yield press
    press.close()


@pytest.fixture
def curious_server():
    """A server that notes every address asked of it."""
    asked = []

    class Notes(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(404)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Notes)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()


def greedy_document(outside: str) -> str:
    """A document that tries every way out that HTML, CSS and SVG know."""
    svg = f'<svg xmlns="http://www.w3.org/2000/svg"><image href="{outside}/in-svg" width="9" height="9"/></svg>'
    return f"""<link rel=stylesheet href="{outside}/style"><link rel=attachment href="file:///etc/passwd">
        <style>@import "{outside}/import"; @font-face {{ font-family: x; src: url({outside}/font) }}
        p {{ background: url("{outside}/background"); font-family: x, "Noto Sans SC sub" }}</style>
        <img src="{outside}/img"><img src="file:///etc/passwd"><object data="{outside}/object"></object>
        <embed src="file:///etc/passwd"><iframe src="file:///etc/passwd"></iframe>
        <img src="data:image/svg+xml;base64,{b64encode(svg.encode()).decode()}">
        <a rel=attachment href="file:///etc/passwd">一</a><p>正文</p>"""


def process_id(press: Press) -> int:
    return press._process.pid


def test_this_installation_can_print():
    assert pdf_available() == (True, "")


def test_a_document_fetches_nothing_from_outside(press, curious_server):
    outside, asked = curious_server

    pdf = press.print_pdf(greedy_document(outside))

    assert asked == []
    assert "正文" in text_of(pdf)
    assert "root:" not in text_of(pdf)
    assert b"/EmbeddedFile" not in pdf


def test_without_the_fetcher_the_same_document_reaches_outside(curious_server):
    outside, asked = curious_server
    bare = "import sys, weasyprint; weasyprint.HTML(string=sys.argv[1]).write_pdf('/dev/null')"

    subprocess.run([sys.executable, "-c", bare, greedy_document(outside)], check=True, capture_output=True)

    assert {"/style", "/import", "/background", "/img", "/in-svg"} <= set(asked)


def test_no_font_of_the_machine_is_used(press):
    pdf = press.print_pdf("<p style='font-family: DejaVu Sans, serif'>abc 一 𠮷</p>")

    assert fonts_of(pdf) <= {"Noto-Sans-SC-sub", "Noto-Sans-SC-wide"}


def test_the_process_is_told_nothing_of_our_settings(press, monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "canary")

    press.start()

    assert b"canary" not in Path(f"/proc/{process_id(press)}/environ").read_bytes()


def test_weasyprint_is_never_loaded_by_those_who_ask_for_a_paper():
    asking = "import sys, app.paper.invoice, app.paper.labels, app.paper.poster; print('weasyprint' in sys.modules)"

    seen = subprocess.run([sys.executable, "-c", asking], check=True, capture_output=True, text=True)

    assert seen.stdout == "False\n"


def test_a_document_that_takes_too_long_is_given_up_and_the_next_one_is_printed():
    press = Press(document_seconds=1.0)

    with pytest.raises(PdfFailed, match="TimeoutError"):
        press.print_pdf(ENDLESS)

    assert "处方已审核" in text_of(press.print_pdf(PARAGRAPH))
    press.close()


def test_a_process_that_was_killed_is_replaced(press):
    press.start()
    first = process_id(press)

    os.kill(first, signal.SIGKILL)
    pdfs = []
    for _ in range(2):
        try:
            pdfs.append(press.print_pdf(PARAGRAPH))
        except PdfFailed:  # the death was not yet visible: this one paper is asked for again
            continue

    assert pdfs
    assert process_id(press) != first


def test_a_process_is_replaced_after_its_share_of_documents():
    press = Press(documents=2)
    seen = []

    for _ in range(4):
        press.start()
        seen.append(process_id(press))
        press.print_pdf(PARAGRAPH)

    assert [seen[0] == seen[1], seen[1] == seen[2], seen[2] == seen[3]] == [True, False, True]
    press.close()


@pytest.mark.long
def test_the_process_does_not_grow_with_what_it_prints(press):
    """A font configuration of its own for each document, as WeasyPrint makes it unasked, would be 70 MB by now."""

    def megabytes_after(documents: int) -> float:
        for _ in range(documents):
            press.print_pdf(PARAGRAPH)
        status = Path(f"/proc/{process_id(press)}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024

    warm = megabytes_after(30)
    later = megabytes_after(200)

    assert later - warm < 8
    assert later < 100


def test_many_threads_get_each_their_own_paper(press):
    def ask(number: int) -> bool:
        return f"第{number}号" in text_of(press.print_pdf(f"<p style='font-family: Noto Sans SC sub'>第{number}号</p>"))

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(ask, range(24)))


def test_without_weasyprint_the_reason_is_told_and_remembered(press, monkeypatch):
    bare_python = sys._base_executable
    if subprocess.run([bare_python, "-I", "-c", "import weasyprint"], check=False, capture_output=True).returncode == 0:
        pytest.skip("the Python beneath this environment has a WeasyPrint of its own")
    monkeypatch.setattr(sys, "executable", bare_python)

    for _ in range(2):
        with pytest.raises(PdfUnavailable, match="weasyprint"):
            press.print_pdf(PARAGRAPH)
