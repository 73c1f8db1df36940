"""What people and programs are told of a running demo: addresses, log-ins, and demo-data/endpoints.json."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from tools.demo.environment import Place
from tools.demo.hospital_clock import shown_now
from tools.setup import ROOT, python

PASSWORD = "demo-2026"
LOGINS = {
    "doctor": "zhang.wei",
    "second_doctor": "zheng.jie",
    "nurse": "liu.yan",
    "reviewer": "li.na",
    "pharmacist": "wang.fang",
    "second_pharmacist": "chen.jing",
    "invoice_clerk": "zhao.min",
    "cashier": "zhou.qian",
    "admin": "admin",
}
PATIENTS = {"first": "13800138000", "second": "13900139000"}
# name in endpoints.json, what people call it, path, who logs in
FACES = (
    ("patient_url", "Patient (phone)", "/", "any mobile number; the code arrives at the text messages' page"),
    ("desk_url", "Doctor's desk", "/desk/", "doctor"),
    ("review_url", "Prescription review", "/review/", "reviewer"),
    ("terminal_url", "Pharmacy terminal", "/terminal/", "pharmacist"),
    ("window_url", "Invoice window", "/window/", "invoice_clerk"),
    ("cashier_url", "Cashier's window", "/window/cashier", "cashier"),
    ("board_url", "Waiting-room board", "/board/GI", ""),
    ("staff_url", "Staff console", "/staff/", "admin"),
)


def endpoints(place: Place, pids: dict[str, int]) -> dict[str, object]:
    """Everything one needs to drive the demo from outside."""
    return {
        "base_url": place.base_url,
        **{name: place.base_url + path for name, _, path, _ in FACES},
        "sandbox_url": place.sandbox_url,
        "sms_url": f"{place.sandbox_url}/sms",
        "mllp": {"host": "127.0.0.1", "port": place.ports["hl7"]},
        "his_mllp": {"host": "127.0.0.1", "port": place.ports["his"]},
        "database_url": place.database_url,
        "clock_file": str(place.clock_file),
        "logs": str(place.data / "logs"),
        "pids": pids,
        "logins": {role: {"login": login, "password": PASSWORD} for role, login in LOGINS.items()},
        "patients": [{"phone": phone} for phone in PATIENTS.values()],
    }


def write_endpoints(place: Place, pids: dict[str, int]) -> None:
    """demo-data/endpoints.json is new, and says that everything is up."""
    _write(place.data / "endpoints.json", endpoints(place, pids))


def write_pids(place: Place, pids: dict[str, int]) -> None:
    """What runs is written down for whoever must stop it; endpoints.json says it as well once everything is up."""
    _write(place.data / "processes.json", dict(pids))
    if (place.data / "endpoints.json").exists():
        write_endpoints(place, pids)


def _write(path: Path, told: dict[str, object]) -> None:
    """The file is whole at every moment, and only the owner reads it."""
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(told, indent=2) + "\n")
    fresh.chmod(0o600)
    fresh.replace(path)


def read_endpoints(data: Path) -> dict[str, object]:
    """What the running demo wrote when it was up; empty before."""
    return _read(data / "endpoints.json")


def read_pids(data: Path) -> dict[str, object]:
    """The processes that a demo has started, by name; empty when there is nothing to read."""
    return _read(data / "processes.json")


def forget(data: Path) -> None:
    """Nothing runs here."""
    for name in ("endpoints.json", "processes.json"):
        (data / name).unlink(missing_ok=True)


def _read(path: Path) -> dict[str, object]:
    try:
        found: dict[str, object] = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return found


def announcement(place: Place, *, lan: bool) -> str:
    """What a person reads when the demo is up."""
    lines = []
    for _, words, path, role in FACES:
        login = f"{LOGINS[role]} / {PASSWORD}" if role in LOGINS else role
        lines.append(f"  {words:20} {place.base_url + path:38} {login}")
    lines += [
        f"  {'Outside world':20} {place.sandbox_url + '/':38} payments, WeChat, hospital system; texts: /sms",
        f"  {'HL7 v2 (MLLP)':20} 127.0.0.1:{place.ports['hl7']}",
        f"  Demo patients: phones {' and '.join(PATIENTS.values())}",
        f"  In the hospital it is {shown_now(place.clock_file):%Y-%m-%d %H:%M} (Asia/Shanghai)",
        "",
        _qr(place.base_url + "/"),
        f"  {place.base_url}/" + ("" if lan else "  (this machine only; ./demo --lan lets phones in)"),
        f"  Play a whole visit: ./demo --play   Logs: {place.data / 'logs'}   Stop: Ctrl-C",
    ]
    return "\n".join(lines)


def _qr(url: str) -> str:
    program = "import sys; from app.paper.qr import terminal_qr; print(terminal_qr(sys.argv[1]))"
    done = subprocess.run(
        [python(), "-c", program, url], cwd=ROOT, capture_output=True, text=True, encoding="utf-8", check=False
    )
    return done.stdout
