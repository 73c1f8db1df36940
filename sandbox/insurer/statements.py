"""The insurer's accounts of a day: totals (3201), settlement by settlement (3202), and the files for it (9101, 9102).

It answers from its own ledger. What is ordered by `plant` changes that ledger and tells nobody.
"""

from __future__ import annotations

import io
import json
import secrets
import sqlite3
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from typing import Any, NamedTuple

from sandbox.clock import now, wall_clock
from sandbox.insurer.engine import Sums
from sandbox.insurer.wording import Input, Output, Refusal, fen, part, yuan
from sandbox.store import insert
from sandbox.switches import take_switches

OUTPATIENT = "11"
MOST_FILE_BYTES = 8 * 1024 * 1024
FLAWS = ("stmt_half", "stmt_gbk", "stmt_bom")
COLUMNS = 8
CHINA_DAY = "date(settled_at, 'unixepoch', '+8 hours')"


class _Row(NamedTuple):
    """A settlement as one side has it."""

    mdtrt_id: str
    psn_no: str
    msgid: str
    amounts: tuple[int, int, int]


def totals(db: sqlite3.Connection, given: Input, _msgid: str) -> Output:
    """3201: whether the hospital's totals of the settlements still standing are the insurer's."""
    data = part(given, "data")
    rows = [row for kind, row in _standing(db, data) if kind == str(data.get("insutype"))]
    ours = (*(sum(row.amounts[place] for row in rows) for place in range(3)), len(rows))
    names = ("medfee_sumamt", "fund_pay_sumamt", "acct_pay")
    theirs = (*(fen(data.get(name)) for name in names), _count(data))
    is_equal = ours == theirs
    words = "" if is_equal else f"医保中心 {ours[3]} 笔，" + "，".join(yuan(amount) for amount in ours[:3])
    return {
        "stmtinfo": {
            "setl_optins": str(data.get("setl_optins", "")),
            "stmt_rslt": "000000" if is_equal else "000103",
            "stmt_rslt_dscr": words,
        }
    }


def _count(data: Input) -> int:
    count = str(data.get("fixmedins_setl_cnt"))
    if not count.isdecimal():
        raise Refusal("结算笔数格式错误")
    return int(count)


def _standing(db: sqlite3.Connection, data: Input) -> list[tuple[str, _Row]]:
    """What stands settled between the two days, with its kind of insurance; all of it is outpatients'."""
    if str(data.get("clr_type")) != OUTPATIENT:
        return []
    rows = db.execute(
        f"SELECT * FROM insurer_settlement WHERE state = 'settled' AND {CHINA_DAY} BETWEEN ? AND ?"  # noqa: S608
        " ORDER BY settled_at",
        (str(data.get("stmt_begndate")), str(data.get("stmt_enddate"))),
    ).fetchall()
    return [(row["insutype"], _of(row)) for row in rows]


def _of(row: sqlite3.Row) -> _Row:
    sums = Sums(**json.loads(row["sums"]))
    return _Row(row["mdtrt_id"], row["psn_no"], row["msgid"], (sums.total, sums.fund, sums.account))


def upload(db: sqlite3.Connection, given: Input, _msgid: str) -> Output:
    """9101: a file is with the insurer; its number is needed to speak of it."""
    sent = part(given, "fsUploadIn")
    content = sent.get("in")
    if not isinstance(content, list) or not 0 < len(content) <= MOST_FILE_BYTES:
        raise Refusal("文件内容为空或过大")
    try:
        kept = bytes(content)
    except (ValueError, TypeError):
        raise Refusal("文件内容应为字节数组") from None
    return _keep(db, str(sent.get("filename", "")), kept) | {"fixmedins_code": str(sent.get("fixmedins_code", ""))}


def _keep(db: sqlite3.Connection, name: str, content: bytes) -> Output:
    number = wall_clock(now(), "%Y%m%d%H%M%S") + str(secrets.randbelow(10**12)).zfill(12)
    insert(db, "insurer_file", file_qury_no=number, filename=name, content=content)
    return {"file_qury_no": number, "filename": name}


def details(db: sqlite3.Connection, given: Input, _msgid: str) -> Output:
    """3202: what differs between the uploaded settlements and the insurer's, as a file to be fetched."""
    data = part(given, "data")
    theirs = dict(_uploaded(db, data))
    if len(theirs) != _count(data):
        raise Refusal("上传明细笔数与申报笔数不符")
    rows = db.execute("SELECT setl_id, msgid FROM insurer_settlement").fetchall()
    ids = {row["msgid"]: row["setl_id"] for row in rows}
    ours = {ids[row.msgid]: row for _, row in _standing(db, data)}
    lines = "".join(f"{line}\n" for line in _differences(ours, theirs))
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("result.txt", lines.encode(_encoding(flaws := take_switches(db, "insurer", FLAWS))))
    content = made.getvalue()
    content = content[: len(content) // 2] if "stmt_half" in flaws else content
    until = wall_clock(now() + 86400)
    return {"fileinfo": _keep(db, "3202_result.zip", content) | {"dld_endtime": until}}


def _encoding(flaws: Mapping[str, float]) -> str:
    return "gbk" if "stmt_gbk" in flaws else "utf-8-sig" if "stmt_bom" in flaws else "utf-8"


def _uploaded(db: sqlite3.Connection, data: Input) -> Iterator[tuple[str, _Row]]:
    file = db.execute(
        "SELECT content FROM insurer_file WHERE file_qury_no = ?", (str(data.get("file_qury_no")),)
    ).fetchone()
    if file is None:
        raise Refusal("未查询到上传文件")
    try:
        with zipfile.ZipFile(io.BytesIO(file["content"])) as packed:
            text = packed.read(packed.namelist()[0]).decode()
    except (zipfile.BadZipFile, UnicodeDecodeError, IndexError):
        raise Refusal("上传文件无法解析") from None
    for line in text.splitlines():
        cells = line.split("\t")
        if len(cells) != COLUMNS:
            raise Refusal("上传文件列数错误")
        yield cells[0], _Row(cells[1], cells[2], "null", (fen(cells[3]), fen(cells[4]), fen(cells[5])))


def _differences(ours: Mapping[str, _Row], theirs: Mapping[str, _Row]) -> Iterator[str]:
    for setl_id in sorted({*ours, *theirs}):
        mine, other = ours.get(setl_id), theirs.get(setl_id)
        if mine is None and other is not None:
            yield _line(setl_id, other, "2", "医药机构多")
        elif mine is not None and (other is None or mine.amounts != other.amounts):
            yield _line(setl_id, mine, "1" if other is None else "3", "中心多" if other is None else "数据不一致")


def _line(setl_id: str, row: _Row, result: str, memo: str) -> str:
    amounts = (yuan(amount) for amount in row.amounts)
    return "\t".join((row.psn_no, row.mdtrt_id, setl_id, row.msgid, result, "000", memo, *amounts))


def download(db: sqlite3.Connection, given: Input) -> bytes:
    """9102: the file of that number."""
    wanted = part(given, "fsDownloadIn")
    file = db.execute(
        "SELECT content FROM insurer_file WHERE file_qury_no = ?", (str(wanted.get("file_qury_no")),)
    ).fetchone()
    if file is None:
        raise Refusal("未查询到文件")
    return bytes(file["content"])


def plant(db: sqlite3.Connection, kind: str, setl_id: str) -> dict[str, Any]:
    """The ledger differs from the hospital's from now on; Refusal for an unknown kind or settlement.

    `only_there`: one more than was ever asked for; `only_here`: one is taken back and nobody told; `amount`: the fund
    bears a fen more of one, the patient a fen less.
    """
    row = db.execute(
        "SELECT * FROM insurer_settlement WHERE state = 'settled' AND ? IN ('', setl_id) ORDER BY settled_at DESC",
        (setl_id,),
    ).fetchone()
    if row is None or kind not in {"only_there", "only_here", "amount"}:
        raise Refusal("没有可用的结算，或差错类型未知")
    if kind == "only_here":
        db.execute("UPDATE insurer_settlement SET state = 'cancelled' WHERE setl_id = ?", (row["setl_id"],))
        return {"setl_id": row["setl_id"]}
    if kind == "amount":
        sums = Sums(**json.loads(row["sums"]))
        changed = json.dumps(asdict(replace(sums, fund=sums.fund + 1, cash=sums.cash - 1)))
        db.execute("UPDATE insurer_settlement SET sums = ? WHERE setl_id = ?", (changed, row["setl_id"]))
        return {"setl_id": row["setl_id"]}
    new = {
        "setl_id": "12" + str(secrets.randbelow(10**16)).zfill(16),
        "msgid": row["msgid"][:12] + str(secrets.randbelow(10**18)).zfill(18),
        "chrg_bchno": secrets.token_hex(8),
    }
    insert(db, "insurer_settlement", **(dict(row) | new))
    return {"setl_id": new["setl_id"]}
