"""The invoice's PDF: processor time a page, bytes and memory, beside WeasyPrint without our care and reportlab."""

from __future__ import annotations

import dataclasses
import io
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from jinja2 import Environment, FileSystemLoader
from pypdf import PdfReader

from app.kernel.money import capitals, yuan_text
from app.paper import invoice as form
from app.paper import qr, sheet, worker
from app.paper.press import PDF, read_frame, write_frame
from bench.figures import Figure, median_ratio

STOCK_FONT = "Noto Sans CJK SC"
ROOT = Path(__file__).resolve().parent.parent
SAMPLE = form.InvoicePaper(
    code="11060126",
    number="0000000000",
    check_code="482913",
    issued_on=date(2026, 11, 23),
    payer="张秀英",
    payer_document_masked="1101**********0024",
    items=(
        form.InvoiceItem(category="西药费", amount_fen=16250),
        form.InvoiceItem(category="中成药费", amount_fen=3860),
        form.InvoiceItem(category="挂号费", amount_fen=2500),
    ),
    business_number="2026112300000017",
    institution_type="综合医院",
    sex="女",
    outpatient_number="V2026112300017",
    visit_day=date(2026, 11, 23),
    insurance_type="职工医保（退休）",
    insurance_number="1101********0024",
    fund_fen=12000,
    other_fen=0,
    account_fen=4000,
    cash_fen=6610,
    self_part_fen=8110,
    self_fee_fen=2500,
    negotiated_drug_fen=0,
    payee="仁和示范医院",
    reviewer="自助结算",
    cashier="自助结算",
    verify_text="https://menzhen.example/verify/11060126/0000000000?c=482913",
    is_fiscal=False,
)


def invoices(count: int) -> list[form.InvoicePaper]:
    """As many invoices, each with its own number and payer."""
    return [
        dataclasses.replace(SAMPLE, number=f"{number:010d}", payer=f"张秀{'英兰芳琴梅'[number % 5]}")
        for number in range(1, count + 1)
    ]


@dataclass(frozen=True)
class Run:
    """Milliseconds of processor time for the first page and for one of the later, kB a page, MB at the end."""

    first_ms: float
    steady_ms: float
    kb: float
    rss_mb: float
    pdf: bytes


@dataclass(frozen=True)
class Printer:
    """How a printing process is started, and how its input is made of an invoice; the work of both is counted."""

    start: Callable[[], subprocess.Popen[bytes]]
    fill: Callable[[form.InvoicePaper], bytes]

    def run(self, papers: list[form.InvoicePaper]) -> Run:
        """All papers through a new process, in turn."""
        process = self.start()
        assert process.stdin is not None
        assert process.stdout is not None
        read_frame(process.stdout)  # it is ready
        spent, answer = [], b""
        for paper in papers:
            before = time.process_time_ns() + _cpu_ns(process.pid)
            write_frame(process.stdin, self.fill(paper))
            answer = read_frame(process.stdout) or b""
            spent.append((time.process_time_ns() + _cpu_ns(process.pid) - before) / 1e6)
            if answer[:1] != PDF:
                raise SystemExit("a page was not printed")
        rss_mb = _rss_mb(process.pid)
        process.communicate()
        later = spent[len(spent) // 3 :]
        return Run(spent[0], statistics.median(later), len(answer) / 1000, rss_mb, answer[1:])


def _cpu_ns(pid: int) -> int:
    """Processor time of all threads of a process."""
    return sum(int(each.read_text().split()[0]) for each in Path(f"/proc/{pid}/task").glob("*/schedstat"))


def _rss_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def _peer(name: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "bench.invoice_printers", name]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT)


def _ours(paper: form.InvoicePaper) -> bytes:
    return sheet.filled("invoice.html", [form.rows_of(paper, form.FORMS[form.USUAL_FORM])]).encode()


_TEMPLATES = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True)
_TEMPLATES.filters.update(yuan=yuan_text, capitals=capitals)


def _stock(paper: form.InvoicePaper) -> bytes:
    amounts = {item.category: item.amount_fen for item in paper.items}
    items = [(category, amounts.get(category)) for category in form.CATEGORIES]
    code = qr.url_svg(paper.verify_text, label="", module_px=3)
    pairs = list(zip(items[:6], items[6:], strict=True))
    return _TEMPLATES.get_template("invoice_stock.html").render(invoice=paper, item_rows=pairs, qr=code).encode()


def _drawn(paper: form.InvoicePaper) -> bytes:
    """Every text of the invoice with its place on the half sheet, in millimetres from its lower left."""
    amounts = {item.category: yuan_text(item.amount_fen) for item in paper.items}
    texts = [(12, 118, f"票据代码：{paper.code}"), (95, 118, f"票据号码：{paper.number}")]
    texts += [
        (12, 111, f"交款人统一社会信用代码：{paper.payer_document_masked}"),
        (95, 111, f"校验码：{paper.check_code}"),
    ]
    texts += [(12, 104, f"交款人：{paper.payer}"), (95, 104, f"开票日期：{paper.issued_on.isoformat()}")]
    texts += [(30, 96, "项目名称"), (75, 96, "金额（元）"), (124, 96, "项目名称"), (169, 96, "金额（元）")]
    right = []
    for place, category in enumerate(form.CATEGORIES):
        x, y = 12 + place // 6 * 94, 89.5 - place % 6 * 6.5
        texts.append((x, y, category))
        right.append((x + 89, y, amounts.get(category, "—")))
    texts.append((12, 50.5, f"金额合计（大写）　{capitals(paper.total_fen)}"))
    right.append((197, 50.5, f"（小写）{yuan_text(paper.total_fen)}"))
    others = (
        (("业务流水号", paper.business_number), ("医疗机构类型", paper.institution_type), ("性别", paper.sex)),
        (
            ("门诊号", paper.outpatient_number),
            ("就诊日期", paper.visit_day.isoformat()),
            ("医保类型", paper.insurance_type),
        ),
        (("医保编号", paper.insurance_number), ("医保统筹基金支付", yuan_text(paper.fund_fen))),
        (("其他支付", yuan_text(paper.other_fen)), ("个人账户支付", yuan_text(paper.account_fen))),
        (("个人现金支付", yuan_text(paper.cash_fen)), ("个人自付", yuan_text(paper.self_part_fen))),
        (("个人自费", yuan_text(paper.self_fee_fen)), ("谈判药费", yuan_text(paper.negotiated_drug_fen))),
        (("收款单位（章）", paper.payee), ("复核人", paper.reviewer), ("收款人", paper.cashier)),
    )
    for row, fields in enumerate(others):
        texts += [(12 + 62 * column, 44 - 5.6 * row, f"{name}：{text}") for column, (name, text) in enumerate(fields)]
    texts += [(12, 4, f"票据代码 {paper.code} 票据号码 {paper.number}"), (175, 4, "第 1 页 共 1 页")]
    drawn = {
        "title": f"医疗门诊收费票据 {paper.code} {paper.number}",
        "heading": "医疗门诊收费票据（电子）",
        "notice": "非财政票据，仅供演示／内部使用 Not a fiscal receipt",
        "texts": texts,
        "amounts": right,
        "lines": [100.5 - 6.5 * row for row in range(9)],
        "columns": [11, 58, 105, 152, 199],
        "code": paper.verify_text,
    }
    return json.dumps(drawn).encode()


PRINTERS = {
    "ours": Printer(worker.started_process, _ours),
    "stock": Printer(lambda: _peer("stock"), _stock),
    "reportlab": Printer(lambda: _peer("reportlab"), _drawn),
}


def _demand_same_content(runs: dict[str, Run]) -> None:
    """SystemExit when one of the printers left a field out: its speed would say nothing."""
    last = {name: _letters(run.pdf) for name, run in runs.items()}
    wanted = [str(value) for value in dataclasses.asdict(SAMPLE).values() if isinstance(value, str) and value]
    wanted = [text for text in wanted if text not in {SAMPLE.number, SAMPLE.payer, SAMPLE.verify_text}]
    wanted += [*form.CATEGORIES, yuan_text(SAMPLE.total_fen), capitals(SAMPLE.total_fen)]
    for name, text in last.items():
        missing = [each for each in wanted if each not in text]
        if missing:
            raise SystemExit(f"{name} leaves out {missing}")


def _letters(pdf: bytes) -> str:
    return "".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages).replace("\n", "")


def measure(*, quick: bool) -> Iterator[Figure]:
    """`peer` is WeasyPrint without our care, `floor` is reportlab; ratios are ours over the peer's."""
    fonts = subprocess.run(["fc-list", STOCK_FONT], capture_output=True, text=True, check=False).stdout
    if not fonts:
        raise SystemExit("the peer needs its font: apt-get install -y --no-install-recommends fonts-noto-cjk")
    rounds, pages = (3, 12) if quick else (5, 40)
    runs: dict[str, list[Run]] = {name: [] for name in PRINTERS}
    for number in range(rounds):
        names = list(PRINTERS)
        for name in names[number % 3 :] + names[: number % 3]:
            runs[name].append(PRINTERS[name].run(invoices(pages)))
    _demand_same_content({name: each[-1] for name, each in runs.items()})
    for metric, unit, of in METRICS:
        values = {name: [of(run) for run in each] for name, each in runs.items()}
        middle = {name: round(statistics.median(each), 2) for name, each in values.items()}
        ratio = round(median_ratio(values["ours"], values["stock"]), 3)
        yield Figure(metric, unit, middle["ours"], rounds, middle["stock"], middle["reportlab"], ratio)


METRICS: tuple[tuple[str, str, Callable[[Run], float]], ...] = (
    ("ms_steady", "ms", lambda run: run.steady_ms),
    ("ms_first", "ms", lambda run: run.first_ms),
    ("kb", "kB", lambda run: run.kb),
    ("rss", "MB", lambda run: run.rss_mb),
)
