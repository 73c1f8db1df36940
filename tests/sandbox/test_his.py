"""The small hospital system, heard and spoken to by HL7 tools that are not ours."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from typing import Any

import hl7
import pytest
from hl7.client import MLLPClient

from tests.sandbox.conftest import Hospital, call
from tests.sandbox.fixtures import RunningSandbox

REQUEST = (
    "MSH|^~\\&|MENZHEN|H|HIS|H|20260301093000||SRM^S01^SRM_S01|{id}|P|2.5.1||||||UNICODE UTF-8\r"
    "ARQ|R2026030100017||||||||||||||W001||||D007\rPID|1||P0001^^^HIS^PI||测试甲\rRGS|1\rAIS|1||D0101\r"
)
PAYMENT = "MSH|^~\\&|MENZHEN|H|HIS|H|20260301093000||DFT^P03^DFT_P03|{id}|P|2.5.1\rEVN||20260301\rPID|1||P0001\r"


def tell(sandbox: RunningSandbox, text: str, seconds: float = 5) -> hl7.Message:
    with MLLPClient("127.0.0.1", sandbox.his_port, encoding="utf-8") as client:
        client.socket.settimeout(seconds)
        return hl7.parse(client.send_message(text).decode("utf-8").strip("\x0b\x1c\r"))


def heard(sandbox: RunningSandbox, control_id: str) -> list[dict[str, Any]]:
    return list(call(sandbox, "GET", f"/sandbox/his/received?control_id={control_id}").json)


@pytest.fixture
def listener(listening_hospital: Hospital) -> Iterator[list[str]]:
    """A hospital adapter that acknowledges all it hears."""
    told: list[str] = []

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            data = b""
            while not data.endswith(b"\x1c\r"):
                data += self.request.recv(65536)
            told.append(data.strip(b"\x0b\x1c\r").decode())
            ack = f"MSH|^~\\&|A|B|C|D|20260301||ACK|1|P|2.5.1\rMSA|AA|{told[-1].split('|')[9]}\r"
            self.request.sendall(b"\x0b" + ack.encode() + b"\x1c\r")

    socketserver.ThreadingTCPServer.allow_reuse_address = True
    with socketserver.ThreadingTCPServer(("127.0.0.1", listening_hospital.mllp_port), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield told
        server.shutdown()


def test_an_appointment_request_gets_a_number_and_a_repeat_the_same_one(sandbox: RunningSandbox) -> None:
    first, second = tell(sandbox, REQUEST.format(id="S1")), tell(sandbox, REQUEST.format(id="S1"))

    assert str(first[0][9]) == "SRR^S01^SRR_S01"
    assert (str(first["MSA.F1"]), str(first["MSA.F2"])) == ("AA", "S1")
    assert str(first["SCH.F2"]).startswith("HIS")
    assert str(first) == str(second)
    assert [(each["repeats"], "测试甲" in each["raw"]) for each in heard(sandbox, "S1")] == [(1, True)]


def test_everything_else_is_acknowledged(sandbox: RunningSandbox) -> None:
    answer = tell(sandbox, PAYMENT.format(id="D1"))

    assert (str(answer["MSA.F1"]), str(answer["MSA.F2"])) == ("AA", "D1")
    assert heard(sandbox, "D1")[0]["message_type"] == "DFT^P03"


def test_the_hospital_system_can_fail_and_then_recover(sandbox: RunningSandbox) -> None:
    call(sandbox, "POST", "/sandbox/his/switch", {"mode": "ae207"})

    failed, recovered = tell(sandbox, PAYMENT.format(id="D2")), tell(sandbox, PAYMENT.format(id="D2"))

    assert (str(failed["MSA.F1"]), str(failed["ERR.F3.R1.C1"])) == ("AE", "207")
    assert str(recovered["MSA.F1"]) == "AA"


def test_the_hospital_system_can_stay_silent(sandbox: RunningSandbox) -> None:
    call(sandbox, "POST", "/sandbox/his/switch", {"mode": "silent"})

    with pytest.raises(TimeoutError):
        tell(sandbox, PAYMENT.format(id="D3"), seconds=0.5)

    assert str(tell(sandbox, PAYMENT.format(id="D3"))["MSA.F1"]) == "AA"
    assert heard(sandbox, "D3")[0]["repeats"] == 1


def test_rubbish_is_refused_and_not_kept(sandbox: RunningSandbox) -> None:
    answer = tell(sandbox, "PID|1||P0001\r")

    assert str(answer["MSA.F1"]) == "AR"


def test_a_patient_a_prescription_and_a_report_are_sent(sandbox: RunningSandbox, listener: list[str]) -> None:
    person = {"patient_id": "P0001", "name": "测试甲|乙", "sex": "F", "birth_day": "1958-03-12", "phone": "13800001111"}
    visit = {"patient_id": "P0001", "visit_number": "V1"}

    answers = [
        call(sandbox, "POST", "/sandbox/his/send", {"kind": "a04", **person}).json,
        call(sandbox, "POST", "/sandbox/his/send", {"kind": "omp", **visit, "prescription_number": "RX1"}).json,
        call(sandbox, "POST", "/sandbox/his/send", {"kind": "oru", **visit, "report_number": "L1"}).json,
    ]

    assert [answer["ack_code"] for answer in answers] == ["AA", "AA", "AA"]
    patient, prescription, report = (hl7.parse(text) for text in listener)
    assert str(patient[0][9]) == "ADT^A04^ADT_A01"
    assert patient["PID.F5"] == "测试甲|乙"
    assert str(prescription["PV1.F19.R1.C1"]) == "V1"
    assert [str(line[1]) for line in prescription.segments("ORC")] == ["NW", "NW"]
    assert [str(line[11]) for line in prescription.segments("FT1")] == ["25.60&CNY", "32.40&CNY"]
    assert str(report["OBR.F4.R1.C2"]) == "血常规"


def test_a_message_can_be_sent_as_written_and_again(sandbox: RunningSandbox, listener: list[str]) -> None:
    sent = call(sandbox, "POST", "/sandbox/his/send", {"raw": PAYMENT.format(id="RAW1").replace("\r", "\n")}).json

    again = call(sandbox, "POST", "/sandbox/his/resend", {"id": sent["id"]}).json

    assert (sent["ack_code"], again["control_id"]) == ("AA", "RAW1")
    assert listener[0] == listener[1] == PAYMENT.format(id="RAW1").strip()


def test_an_adapter_that_is_away_is_said_to_be_away(sandbox: RunningSandbox) -> None:
    answer = call(sandbox, "POST", "/sandbox/his/send", {"kind": "a08", "patient_id": "P0001"})

    assert (answer.status, answer.json["ack_code"]) == (200, "UNREACHABLE")


@pytest.mark.parametrize(
    "order",
    [
        {"kind": "a99", "patient_id": "P1"},
        {"kind": "a04"},
        {"kind": "omp", "patient_id": "P1", "prescription_number": "R", "lines": "not JSON"},
        {"kind": "a04", "patient_id": "P1", "charset": "KLINGON"},
        {"raw": "PID|1"},
        ["not", "an", "order"],
    ],
)
def test_an_order_that_makes_no_message_is_refused(sandbox: RunningSandbox, order: object) -> None:
    answer = call(sandbox, "POST", "/sandbox/his/send", order)

    assert answer.status == 400
    assert set(answer.json) == {"code", "message"}


def test_the_control_page_shows_what_happened(sandbox: RunningSandbox) -> None:
    tell(sandbox, REQUEST.format(id="S9"))

    page = call(sandbox, "GET", "/").body.decode()

    assert "SRM^S01" in page
    assert "发处方" in page
