"""Papers to print in tests: one ordinary invoice, and what differs in each test."""

from dataclasses import replace
from datetime import date

from app.paper.invoice import InvoiceDetail, InvoiceItem, InvoicePaper

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
        name=f"阿莫西林胶囊 第{i}行", specification="0.25g×24粒", quantity="2 盒", amount_fen=1860, insurance_class="甲类"
    )
    for i in range(1, 31)
)
