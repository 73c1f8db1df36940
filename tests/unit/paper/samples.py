"""Papers to print in tests: an ordinary one of each kind, changed by each test as it needs."""

from dataclasses import replace
from datetime import date

from app.paper.invoice import InvoiceDetail, InvoiceItem, InvoicePaper
from app.paper.labels import LabelLine, LabelPaper
from app.paper.poster import PosterPaper

ORDINARY = InvoicePaper(
    code="44060126",
    number="0000000017",
    check_code="a1b2c3",
    issued_on=date(2026, 11, 20),
    payer="张晓明",
    payer_document_masked="1101**********002X",
    items=(InvoiceItem(category="西药费", amount_fen=16250), InvoiceItem(category="挂号费", amount_fen=2500)),
    business_number="P20261120000017",
    institution_type="三级甲等综合医院",
    sex="男",
    outpatient_number="M0000017",
    visit_day=date(2026, 11, 20),
    insurance_type="职工基本医疗保险",
    insurance_number="4401****0017",
    fund_fen=9875,
    other_fen=0,
    account_fen=4000,
    cash_fen=4875,
    self_part_fen=6375,
    self_fee_fen=2500,
    negotiated_drug_fen=0,
    payee="示范市人民医院",
    reviewer="李复核",
    cashier="王收款",
    verify_text="https://menzhen.example/verify/44060126-0000000017-a1b2c3",
    is_fiscal=False,
)

RED = replace(
    ORDINARY,
    number="0000000018",
    items=tuple(InvoiceItem(category=item.category, amount_fen=-item.amount_fen) for item in ORDINARY.items),
    fund_fen=-9875,
    account_fen=-4000,
    cash_fen=-4875,
    self_part_fen=-6375,
    self_fee_fen=-2500,
    original_code="44060126",
    original_number="0000000017",
)

DETAILS = tuple(
    InvoiceDetail(
        name=f"阿莫西林胶囊 第{i}行",
        specification="0.25g×24粒",
        quantity="2 盒",
        amount_fen=1860,
        insurance_class="甲类",
    )
    for i in range(1, 31)
)

LABEL = LabelPaper(
    bin_name="A-03-12",
    window="3 号窗口",
    patient_name_masked="张*明",
    pickup_number="B0042",
    bag_index=1,
    bag_count=2,
    bag_code="9120000000000000000427",
    lines=(
        LabelLine(drug="阿莫西林胶囊 0.25g×24粒", dose="口服 每次 0.5g 每日 3 次"),
        LabelLine(
            drug="注射用盐酸头孢吡肟氯化钠注射液（双室袋，一次性使用）0.5g:100ml", dose="静脉滴注 每次 1 袋 每日 2 次"
        ),
        LabelLine(drug="布洛芬缓释胶囊 0.3g×20粒", dose="口服 每次 1 粒 必要时"),
    ),
    prepared_by="王药师",
    checked_by="赵药师",
)

POSTER = PosterPaper(
    hospital="示范市人民医院",
    title="扫码挂号，不用排队",
    place="门诊大厅 东门入口 1 号立牌",
    url="https://menzhen.example/c/lobby-east-1",
)
