"""Finance brings the bank's statement of the card terminals: compared at once, or refused at its line and column."""

from __future__ import annotations

import io
from datetime import date

from sqlalchemy import func, select
from werkzeug.test import TestResponse

from app.payment import service as payment
from app.reconciliation.models import Run, StatementRow
from app.registration import service as registration
from tests import factories
from tests.unit.reconciliation.statements import pos_file, slip
from tests.web.test_day_end import a_day_later
from tests.web.work_fixtures import House, follow, house

__all__ = ["house"]
BRING = "/staff/reconciliation/pos"


def paid_by_card(house: House, slip_no: str) -> None:
    with house.units.open() as uow:
        who = factories.person(uow)
    with house.units.open(who.actor) as uow:
        session, patient = house.clinic.session.public_id, who.patient.public_id
        registration.hold(uow, session_public_id=session, patient_public_id=patient)
    with house.units.open(who.actor, reads_only=True) as uow:
        (bill,) = payment.list_of_account(uow)
    cashier = house.browser("cashier")
    cashier.post("/window/cashier/shift", data={"float": "200"})
    sent = {"terminal_no": "T0000001", "slip_no": slip_no}
    assert cashier.post(f"/window/cashier/bills/{bill.public_id}/card", data=sent).status_code == 302


def bring(house: House, day: date, file: bytes, login: str = "finance") -> tuple[TestResponse, str]:
    """The answer, and the page that it leads to."""
    browser = house.browser(login)
    answer = browser.post(BRING, data={"day": str(day), "file": (io.BytesIO(file), "pos.csv")})
    return answer, follow(browser, answer).text if answer.status_code == 302 else answer.text


def test_the_banks_day_is_brought_and_laid_beside_the_windows(house: House) -> None:
    paid_by_card(house, "000123")
    at = house.clock.now()
    day = a_day_later(house)
    before = house.browser("finance").get(f"/staff/reconciliation/day?day={day}").text

    _, short = bring(house, day, pos_file([]))
    _, whole = bring(house, day, pos_file([slip("123", 2500, at)], "gb18030"))

    assert "上传银行刷卡对账单" in before
    assert "按签购单核对" in before
    assert "银行刷卡：1 笔差错待处理" in short
    assert "已读入 1 笔并核对" in whole
    assert "银行刷卡：1 笔差错待处理" not in whole
    assert house.audited("reconciliation.bring") == 2


def test_a_flawed_file_is_refused_at_its_place_and_leaves_nothing(house: House) -> None:
    day, at = a_day_later(house), house.clock.now()
    good = slip("1", 2500, at)

    refused = {
        "第 4 行“交易金额”：金额应为大于零的元": pos_file([good, slip("2", 2500, at).replace("25.00", "二十五")]),
        "“凭证号”：缺少必要的列": pos_file([good]).replace("凭证号".encode(), "流水号".encode()),
        "不是文本文件": b"\x00",
    }

    for words, file in refused.items():
        answer, page = bring(house, day, file)
        assert (answer.status_code, words in page) == (422, True), words
        assert f'value="{day}"' in page, "the day that was chosen stands there still"
    assert bring(house, day, b"", login="operations")[0].status_code == 403
    with house.units.open(reads_only=True) as uow:
        assert [uow.session.scalar(select(func.count()).select_from(kept)) for kept in (Run, StatementRow)] == [0, 0]
    today, page = bring(house, house.clock.now().date(), pos_file([good]))
    assert (today.status_code, "当日还没有结束" in page) == (409, True)
