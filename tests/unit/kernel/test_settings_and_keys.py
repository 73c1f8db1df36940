"""The hospital does not start on nonsense or with a demo's keys, and what it seals opens nowhere else."""

from __future__ import annotations

import base64
import sys
from pathlib import Path

import pytest

from app.kernel.clock import SteppedClock, hospital_day
from app.kernel.crypto import CannotOpen, Keyring
from config import BadSettings, read_settings
from tests.conftest import MORNING, SHANGHAI

KEY = base64.b64encode(b"x" * 32).decode()
PRODUCTION = {
    "MENZHEN_SECRET_KEYS": "a-long-secret-of-our-own",
    "MENZHEN_DATA_KEYS": f"k1:{KEY}",
    "MENZHEN_INDEX_KEY": KEY,
    "MENZHEN_PICKUP_KEY": KEY,
    "MENZHEN_BASE_URL": "https://menzhen.example.org",
}


def test_production_starts_with_keys_of_its_own() -> None:
    settings = read_settings(PRODUCTION)

    assert (settings.mode, settings.is_demo, settings.hl7.is_strict) == ("production", False, True)


@pytest.mark.parametrize("missing", PRODUCTION)
def test_production_refuses_to_start_without_each_of_them(missing: str) -> None:
    with pytest.raises(BadSettings, match=missing):
        read_settings({name: value for name, value in PRODUCTION.items() if name != missing})


def test_production_refuses_a_demos_keys_and_its_clock() -> None:
    demo = read_settings({"MENZHEN_MODE": "demo"})
    shown = base64.b64encode(demo.index_key).decode()

    for name, value in (
        ("MENZHEN_INDEX_KEY", shown),
        ("MENZHEN_SECRET_KEYS", demo.secret_keys[0]),
        ("MENZHEN_CLOCK_FILE", "/tmp/clock"),
    ):
        with pytest.raises(BadSettings, match=name):
            read_settings(PRODUCTION | {name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MENZHEN_MODE", "test"),
        ("MENZHEN_BASE_URL", "ftp://x"),
        ("MENZHEN_TIME_ZONE", "Asia/Nowhere"),
        ("MENZHEN_POOL_SIZE", "0"),
        ("MENZHEN_DATA_KEYS", "k1:short"),
        ("MENZHEN_DATA_KEYS", f"k1:{KEY},k1:{KEY}"),
        ("HL7_PORT", "70000"),
        ("WXPAY_MERCHANT_KEY_FILE", "/no/such/file"),
    ],
)
def test_nonsense_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(BadSettings, match=name):
        read_settings({"MENZHEN_MODE": "demo", name: value})


def test_every_mistake_is_named_at_once() -> None:
    with pytest.raises(BadSettings) as refused:
        read_settings({"MENZHEN_MODE": "demo", "HL7_PORT": "x", "MENZHEN_POOL_SIZE": "x"})

    assert "HL7_PORT" in str(refused.value)
    assert "MENZHEN_POOL_SIZE" in str(refused.value)


def test_a_sealed_value_opens_only_in_its_place_and_with_its_key() -> None:
    ring = Keyring([("k1", b"a" * 32)], b"i" * 32)
    sealed = ring.seal("13800138000", "patient.phone:one")

    assert ring.open(sealed, "patient.phone:one") == "13800138000"
    assert "13800138000" not in sealed
    for other, place in ((ring, "patient.phone:two"), (Keyring([("k1", b"b" * 32)], b"i" * 32), "patient.phone:one")):
        with pytest.raises(CannotOpen):
            other.open(sealed, place)
    with pytest.raises(CannotOpen):
        ring.open(sealed[:-4] + "AAAA", "patient.phone:one")


def test_a_new_key_writes_and_the_old_one_still_reads() -> None:
    old = Keyring([("k1", b"a" * 32)], b"i" * 32)
    both = Keyring([("k2", b"b" * 32), ("k1", b"a" * 32)], b"i" * 32)
    sealed = old.seal("李雷", "patient.name:one")

    assert both.open(sealed, "patient.name:one") == "李雷"
    assert not both.is_current(sealed)
    assert both.is_current(both.seal("李雷", "patient.name:one"))
    assert old.index("李雷", "name") == both.index("李雷", "name") != both.index("李雷", "phone")


def test_a_demos_clock_is_moved_by_its_file(tmp_path: Path) -> None:
    file = tmp_path / "clock"
    clock = SteppedClock(file)

    assert abs((clock.now() - clock.wall_now()).total_seconds()) < 1
    file.write_text("86400")
    assert abs((clock.now() - clock.wall_now()).total_seconds() - 86400) < 1
    file.write_text("not a number")
    assert abs((clock.now() - clock.wall_now()).total_seconds()) < 1


def test_the_hospitals_day_is_its_own() -> None:
    assert hospital_day(MORNING.replace(hour=15, minute=59), SHANGHAI).isoformat() == "2026-11-23"
    assert hospital_day(MORNING.replace(hour=16), SHANGHAI).isoformat() == "2026-11-24"


def test_alipay_without_its_library_stops_the_start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    key = tmp_path / "key.pem"
    key.write_text("")
    asked = {
        "MENZHEN_MODE": "demo",
        "ALIPAY_BASE_URL": "https://openapi.alipay.com/gateway.do",
        "ALIPAY_APP_ID": "2021",
        "ALIPAY_APP_KEY_FILE": str(key),
        "ALIPAY_PUBLIC_KEY_FILE": str(key),
        "ALIPAY_SELLER_ID": "2088",
    }

    assert read_settings(asked).alipay.is_set_up
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.setattr(sys, "path_importer_cache", {})
    for name in [name for name in sys.modules if name.partition(".")[0] == "alipay"]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(BadSettings, match=r"menzhen\[alipay\]"):
        read_settings(asked)
    with pytest.raises(BadSettings, match="ALIPAY_SELLER_ID"):
        read_settings(asked | {"ALIPAY_SELLER_ID": ""})
