"""Money: the split into insurance and own part, and both ways to pay by WeChat."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from tools.play.browser import Page, StepFailed
from tools.play.codes import code_on
from tools.play.visit import PHONE, Visit, shown_within, wait_for

Seen = Mapping[str, object]
PARTS = {"fund_fen": "医保统筹支付", "other_fen": "其他基金支付", "account_fen": "个人账户支付", "cash_fen": "个人自付"}


def pay(visit: Visit, page_address: str, bill: str) -> dict[str, object]:
    """The patient asks to pay, pays at WeChat, and the bill is paid once WeChat's signed notification is here."""
    phone = visit.phone
    page = phone.open(page_address)
    form = page.form(f"/bills/{bill}/pay")
    agreed = {"consent": "yes"} if "consent" in form.choices else {}
    page = phone.send(page, form, **agreed)
    call_up = _call_up(page)
    order = {"openid": visit["openid"]}
    if call_up:
        order["prepay_id"] = call_up["package"].removeprefix("prepay_id=")
        visit.world.open(f"/wxpay/cashier?{urlencode(call_up)}&prepay_id={quote(order['prepay_id'])}")
    else:
        order["code_url"] = code_on(page)
        visit.note(f"QR {order['code_url']}")
    paid: Any = visit.world.json("POST", "/sandbox/wxpay/pay", order)
    wait_for("the payment", lambda: not phone.open(f"/bills/{bill}/paying").url.endswith("/paying"))
    return {
        "by": "JSAPI" if call_up else "NATIVE",
        **({"agreed": "self-pay"} if agreed else {}),
        "amount_fen": paid["amount"]["total"],
        "transaction": paid["transaction_id"],
        "bill": phone.open(f"/bills/{bill}").value_of("合计"),
    }


def _call_up(page: Page) -> dict[str, str]:
    """What the page hands to WeChat's payment sheet; empty when it shows a code instead."""
    for _, value in page.markup.attributes:
        if value.startswith("{") and "prepay_id" in value:
            return {name: str(each) for name, each in json.loads(value).items()}
    return {}


def split(visit: Visit) -> Seen:
    """The bill says what insurance pays, what the account pays and what is left, with a reason on every line."""
    page = _bill_page(visit)
    visit["drug_bill"] = page.url.rsplit("/", 1)[-1]
    total = page.amount_of("合计") or 0
    # The page leaves out who pays nothing.
    parts = {name: page.amount_of(label) or 0 for name, label in PARTS.items()}
    if not total or sum(parts.values()) != total:
        raise StepFailed(f"{parts} do not add up to {total}")
    if not parts.get("fund_fen"):
        raise StepFailed(f"insurance pays nothing of {total} fen for an insured patient")
    return {"total_fen": total, **parts, "classes": sorted(set(re.findall(r"[甲乙丙]类", page.words)))}


def _bill_page(visit: Visit) -> Page:
    """The drugs' bill, as soon as it is there."""

    def look() -> Page | None:
        for address in visit.phone.open("/bills").links(r"/bills/[^/]+$"):
            if not address.endswith(visit["bill"]):
                return visit.phone.open(address)
        return None

    return wait_for("the drugs' bill", look)


def pay_self(visit: Visit) -> Seen:
    """The patient's part is paid by scanning the code that the page shows (Native)."""
    visit.phone.session.headers["User-Agent"] = PHONE
    address = f"/bills/{visit['drug_bill']}"
    seen = pay(visit, address, visit["drug_bill"])
    shown_within(visit.phone, address, "已支付")
    return seen
