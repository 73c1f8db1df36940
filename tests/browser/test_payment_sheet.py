"""WeChat's payment sheet as the page opens it: a mixed order's only after WeChat knows the page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser
SCRIPT = (Path(__file__).resolve().parents[2] / "app/static/js/pay.js").read_text(encoding="utf-8")
# WeChat's bridge and script, which say in which order they were called.
WECHAT = """
window.calls = [];
window.WeixinJSBridge = {invoke: function (name) { window.calls.push(name); }};
"""
SDK = """
window.wx = {
  ready: function (then) { window.then = then; },
  error: function (otherwise) { window.otherwise = otherwise; },
  config: function (known) { window.calls.push('config ' + known.signature + ' ' + known.jsApiList.join()); }
};
"""


def opened(browser: Browser, call_up: dict[str, str], sdk: str = "", config: str = "") -> Page:
    page = browser.new_page()
    told = f"data-call-up='{json.dumps(call_up)}'" + (f" data-js-config='{config}'" if config else "")
    page.set_content(f"<form method='get' action='about:blank' {told}></form>")
    page.evaluate(WECHAT + sdk + SCRIPT)
    return page


def test_a_mixed_sheet_opens_after_wechat_knows_the_page(chromium: Browser) -> None:
    page = opened(chromium, {"mixTradeNo": "MIX1"}, SDK, '{"signature": "f4d9"}')

    assert page.evaluate("calls") == ["config f4d9 requestMedicalInsurancePay"]
    page.evaluate("then()")
    assert page.evaluate("calls.slice(1)") == ["requestMedicalInsurancePay"]


def test_without_wechats_script_the_sheet_is_opened_at_once(chromium: Browser) -> None:
    page = opened(chromium, {"mixTradeNo": "MIX1"}, config='{"signature": "f4d9"}')

    assert page.evaluate("calls") == ["requestMedicalInsurancePay"]


def test_a_plain_sheet_needs_no_word_of_wechats(chromium: Browser) -> None:
    page = opened(chromium, {"package": "prepay_id=wx1"}, SDK)

    assert page.evaluate("calls") == ["getBrandWCPayRequest"]
