"""The keys both sides share: made once, kept, and told to the hospital in one file."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

from tests.sandbox.fixtures import ROOT
from tools.demo.environment import told_outside

WANTED = """
    WXPAY_MED_CITY_ID WXPAY_BASE_URL WXPAY_CASHIER_URL WXPAY_MCHID WXPAY_APPID WXPAY_APIV3_KEY WXPAY_MERCHANT_KEY_FILE
    WXPAY_MERCHANT_SERIAL WXPAY_PUBLIC_KEY_FILE WXPAY_PUBLIC_KEY_ID WXOA_BASE_URL WXOA_OPEN_URL WXOA_APPID WXOA_SECRET
    WXOA_TOKEN SMS_BASE_URL SMS_KEY FSI_BASE_URL FSI_PAASID FSI_TOKEN FSI_HOSPITAL_CODE
    FISCAL_BASE_URL FISCAL_APPID FISCAL_KEY FISCAL_PLACE_CODE HIS_STATEMENT_URL HIS_STATEMENT_TOKEN
    ALIPAY_BASE_URL ALIPAY_APP_ID ALIPAY_SELLER_ID ALIPAY_APP_KEY_FILE ALIPAY_PUBLIC_KEY_FILE
    MIPAY_BASE_URL MIPAY_APP_ID MIPAY_APP_SECRET MIPAY_PRIVATE_KEY MIPAY_PUBLIC_KEY
"""


def set_up(folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "sandbox.keys", str(folder)], cwd=ROOT, check=True, capture_output=True, text=True
    )
    return Path(done.stdout.strip()).read_text()


def test_setting_up_again_keeps_the_keys(tmp_path: Path) -> None:
    first = set_up(tmp_path)

    second = set_up(tmp_path)

    assert first == second
    values = dict(line.split("=", 1) for line in first.splitlines())
    assert set(values) == set(WANTED.split())
    assert len(values["WXPAY_APIV3_KEY"]) == 32
    assert Path(values["WXPAY_PUBLIC_KEY_FILE"]).read_text().startswith("-----BEGIN PUBLIC KEY-----")


def test_without_its_library_alipay_is_not_told_of_to_any_process_of_the_demo(tmp_path: Path) -> None:
    set_up(tmp_path / "sandbox")

    with_it, without = (told_outside(tmp_path, has_alipay=has) for has in (True, False))

    assert {name for name in with_it if name not in without} == {name for name in WANTED.split() if "ALIPAY" in name}


def test_private_keys_are_for_their_owner_only(tmp_path: Path) -> None:
    set_up(tmp_path)

    private = [*tmp_path.glob("keys/*_key.pem"), tmp_path / "keys/secrets.json", tmp_path / "app.env"]

    assert len(private) == 6
    assert {stat.S_IMODE(path.stat().st_mode) for path in private} == {0o600}
