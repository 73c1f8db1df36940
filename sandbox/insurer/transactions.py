"""The FSI transactions (医保定点医疗机构接口): each takes `input` and gives `output`, in one writing of the books."""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import asdict

from sandbox.clock import now, wall_clock
from sandbox.insurer import people, statements
from sandbox.insurer.engine import Fee, Graded, Sums, Terms, catalogue, grade, policies, settle
from sandbox.insurer.wording import Input, Output, Refusal, fen, part, yuan
from sandbox.store import insert


def _person(db: sqlite3.Connection, psn_no: object) -> sqlite3.Row:
    person = people.find(db, str(psn_no))
    if person is None:
        raise Refusal("未查询到参保人信息")
    return person


def _visit(db: sqlite3.Connection, data: Input) -> sqlite3.Row:
    visit: sqlite3.Row | None = db.execute(
        "SELECT * FROM insurer_visit WHERE mdtrt_id = ? AND psn_no = ? AND state = 'open'",
        (str(data.get("mdtrt_id")), str(data.get("psn_no"))),
    ).fetchone()
    if visit is None:
        raise Refusal("未查询到有效的就诊登记")
    return visit


def identify(db: sqlite3.Connection, given: Input, _msgid: str) -> Output:
    """1101: who the person is, by electronic voucher (01), identity card (02) or insurance card (03)."""
    data = part(given, "data")
    person = _person(db, _psn_no(db, str(data.get("mdtrt_cert_type")), str(data.get("mdtrt_cert_no", ""))))
    terms = policies()[person["policy"]]
    insured = {
        "balc": yuan(person["balance"]),
        "insutype": terms.insutype,
        "psn_type": terms.psn_type,
        "psn_insu_stas": "1",
        "insuplc_admdvs": "310000" if person["policy"] == "out_of_town" else "110105",
    }
    base = {"psn_no": person["psn_no"], "psn_cert_type": "01", "certno": person["certno"]}
    return {"baseinfo": base | {"psn_name": person["psn_name"]}, "insuinfo": [insured], "idetinfo": []}


def _psn_no(db: sqlite3.Connection, kind: str, number: str) -> str:
    if kind == "01":
        return people.use_token(db, number)
    column = {"02": "certno", "03": "card_no"}.get(kind)
    if column is None:
        raise Refusal("不支持的就诊凭证类型")
    found = db.execute(
        f"SELECT psn_no FROM insurer_person WHERE {column} = ?",  # noqa: S608 - one of two names written above
        (number.upper() if column == "certno" else number,),
    ).fetchone()
    return str(found["psn_no"]) if found else ""


def register(db: sqlite3.Connection, given: Input, _msgid: str) -> Output:
    """2201: the outpatient visit is on the insurer's file; the same number of ours is the same visit."""
    data = part(given, "data")
    person = _person(db, data.get("psn_no"))
    number = str(data.get("ipt_otp_no"))
    found = db.execute(
        "SELECT mdtrt_id FROM insurer_visit WHERE psn_no = ? AND ipt_otp_no = ? AND state = 'open'",
        (person["psn_no"], number),
    ).fetchone()
    visit = found or insert(
        db,
        "insurer_visit",
        mdtrt_id="11" + str(secrets.randbelow(10**16)).zfill(16),
        psn_no=person["psn_no"],
        ipt_otp_no=number,
        state="open",
    )
    return {"data": {"mdtrt_id": visit["mdtrt_id"], "psn_no": person["psn_no"], "ipt_otp_no": number}}


def cancel_register(db: sqlite3.Connection, given: Input, _msgid: str) -> Output:
    """2202: the visit is off the file, unless something of it is settled."""
    visit = _visit(db, part(given, "data"))
    if db.execute(
        "SELECT 1 FROM insurer_settlement WHERE mdtrt_id = ? AND state = 'settled'", (visit["mdtrt_id"],)
    ).fetchone():
        raise Refusal("已结算，不能撤销挂号")
    db.execute("UPDATE insurer_visit SET state = 'cancelled' WHERE mdtrt_id = ?", (visit["mdtrt_id"],))
    return {}


def diagnose(db: sqlite3.Connection, given: Input, _msgid: str) -> Output:
    """2203A: the visit's diagnoses; at least one valid one."""
    visit = _visit(db, part(given, "mdtrtinfo"))
    diagnoses = given.get("diseinfo")
    if not isinstance(diagnoses, list) or not diagnoses:
        raise Refusal("缺少诊断信息")
    db.execute(
        "UPDATE insurer_visit SET diagnoses = ? WHERE mdtrt_id = ?",
        (json.dumps([row.get("diag_code") for row in diagnoses]), visit["mdtrt_id"]),
    )
    return {}


def upload(db: sqlite3.Connection, given: Input, _msgid: str) -> Output:
    """2204: the fee lines, each graded by the catalogue; a line number uploaded again is refused."""
    lines = given.get("feedetail")
    if not isinstance(lines, list) or not 0 < len(lines) <= 100:
        raise Refusal("费用明细应为 1 至 100 条")
    results = []
    for line in lines:
        visit = _visit(db, line)
        amount, count = fen(line.get("det_item_fee_sumamt")), fen(line.get("cnt"))
        if count % 100 or count <= 0:
            raise Refusal("数量错误")
        try:
            insert(
                db,
                "insurer_fee",
                mdtrt_id=visit["mdtrt_id"],
                chrg_bchno=str(line.get("chrg_bchno")),
                feedetl_sn=str(line.get("feedetl_sn")),
                code=str(line.get("med_list_codg")),
                amount=amount,
                count=count // 100,
            )
        except sqlite3.IntegrityError:
            raise Refusal("费用明细流水号重复") from None
        terms = policies()[_person(db, visit["psn_no"])["policy"]]
        graded = grade(Fee(str(line.get("med_list_codg")), amount, count // 100), catalogue(), terms)
        results.append(_told(str(line.get("feedetl_sn")), amount, graded))
    return {"result": results}


def _told(number: str, amount: int, graded: Graded) -> Output:
    return {
        "feedetl_sn": number,
        "det_item_fee_sumamt": yuan(amount),
        "pric_uplmt_amt": yuan(graded.limit or 0),
        "selfpay_prop": f"{graded.ratio // 10000}.{graded.ratio % 10000:04d}",
        "fulamt_ownpay_amt": yuan(graded.own),
        "overlmt_amt": yuan(graded.over),
        "preselfpay_amt": yuan(graded.first),
        "inscp_scp_amt": yuan(graded.scope),
        "chrgitm_lv": graded.level,
    }


def withdraw(db: sqlite3.Connection, given: Input, _msgid: str) -> Output:
    """2205: uploaded lines are gone, one batch or (`0000`) all that are not settled."""
    data = part(given, "data")
    visit, batch = _visit(db, data), str(data.get("chrg_bchno"))
    db.execute(
        "DELETE FROM insurer_fee WHERE mdtrt_id = ? AND (chrg_bchno = ? OR ? = '0000') AND chrg_bchno NOT IN"
        " (SELECT chrg_bchno FROM insurer_settlement WHERE mdtrt_id = ? AND state = 'settled')",
        (visit["mdtrt_id"], batch, batch, visit["mdtrt_id"]),
    )
    return {}


def presettle(db: sqlite3.Connection, given: Input, msgid: str) -> Output:
    """2206: what a settlement would give; nothing is used."""
    data = part(given, "data")
    sums, terms, person = _work_out(db, data)
    return _setlinfo(sums, terms, {"psn_no": person["psn_no"], "mdtrt_id": str(data["mdtrt_id"]), "msgid": msgid})


def settle_batch(db: sqlite3.Connection, given: Input, msgid: str) -> Output:
    """2207: the batch is settled, once; the same message again gives the same answer."""
    if db.execute("SELECT 1 FROM insurer_undone WHERE omsgid = ?", (msgid,)).fetchone():
        raise Refusal("该交易已冲正")
    data = part(given, "data")
    done = db.execute("SELECT * FROM insurer_settlement WHERE msgid = ?", (msgid,)).fetchone()
    if done is None:
        sums, terms, person = _work_out(db, data)
        try:
            done = insert(
                db,
                "insurer_settlement",
                setl_id="12" + str(secrets.randbelow(10**16)).zfill(16),
                msgid=msgid,
                mdtrt_id=str(data["mdtrt_id"]),
                psn_no=person["psn_no"],
                chrg_bchno=str(data["chrg_bchno"]),
                insutype=terms.insutype,
                year=person["year"],
                sums=json.dumps(asdict(sums)),
                state="settled",
                settled_at=now(),
            )
        except sqlite3.IntegrityError:
            raise Refusal("该笔记录已结算") from None
        _use(db, done, 1)
    elif done["state"] != "settled":
        raise Refusal("该笔结算已撤销")
    return setlinfo_of(db, done)


def cancel(db: sqlite3.Connection, given: Input, msgid: str) -> Output:
    """2208: the settlement is taken back and what it used can be used again; by another message it is refused then."""
    if db.execute("SELECT 1 FROM insurer_undone WHERE omsgid = ?", (msgid,)).fetchone():
        raise Refusal("该交易已冲正")
    data = part(given, "data")
    done = db.execute(
        "SELECT * FROM insurer_settlement WHERE setl_id = ? AND mdtrt_id = ? AND psn_no = ?",
        (str(data.get("setl_id")), str(data.get("mdtrt_id")), str(data.get("psn_no"))),
    ).fetchone()
    if done is None:
        raise Refusal("未查询到结算信息")
    if done["state"] == "settled":
        db.execute("UPDATE insurer_settlement SET state = 'cancelled' WHERE setl_id = ?", (done["setl_id"],))
        insert(db, "insurer_cancel", msgid=msgid, setl_id=done["setl_id"])
        _use(db, done, -1)
    elif not db.execute("SELECT 1 FROM insurer_cancel WHERE msgid = ?", (msgid,)).fetchone():
        raise Refusal("该笔结算已撤销")
    return setlinfo_of(db, done)


def undo(db: sqlite3.Connection, given: Input, _msgid: str) -> Output:
    """2601: whatever the message of that number did, or will do when it comes late, is not."""
    data = part(given, "data")
    omsgid, oinfno = str(data.get("omsgid")), str(data.get("oinfno"))
    if oinfno not in {"2207", "2208"}:
        raise Refusal("该交易不支持冲正")
    db.execute("INSERT OR IGNORE INTO insurer_undone VALUES (?, ?)", (omsgid, now()))
    if oinfno == "2208":
        return _stand_again(db, omsgid, str(data.get("psn_no")))
    done = db.execute(
        "UPDATE insurer_settlement SET state = 'undone' WHERE msgid = ? AND psn_no = ? AND state = 'settled'"
        " RETURNING *",
        (omsgid, str(data.get("psn_no"))),
    ).fetchone()
    if done is not None:
        _use(db, done, -1)
    return {}


def _stand_again(db: sqlite3.Connection, omsgid: str, psn_no: str) -> Output:
    done = db.execute(
        "UPDATE insurer_settlement SET state = 'settled' WHERE psn_no = ? AND state = 'cancelled'"
        " AND setl_id = (SELECT setl_id FROM insurer_cancel WHERE msgid = ?) RETURNING *",
        (psn_no, omsgid),
    ).fetchone()
    if done is not None:
        _use(db, done, 1)
    return {}


def _use(db: sqlite3.Connection, done: sqlite3.Row, sign: int) -> None:
    sums = Sums(**json.loads(done["sums"]))
    db.execute(
        "UPDATE insurer_person SET deductible = max(0, deductible + ?), fund = max(0, fund + ?) WHERE psn_no = ?"
        " AND year = ?",
        (sign * sums.deductible, sign * sums.fund, done["psn_no"], done["year"]),
    )
    db.execute(
        "UPDATE insurer_person SET balance = balance - ? WHERE psn_no = ?", (sign * sums.account, done["psn_no"])
    )


def _work_out(db: sqlite3.Connection, data: Input) -> tuple[Sums, Terms, sqlite3.Row]:
    visit = _visit(db, data)
    person = _person(db, visit["psn_no"])
    terms = policies()[person["policy"]]
    rows = db.execute(
        "SELECT * FROM insurer_fee WHERE mdtrt_id = ? AND chrg_bchno = ? ORDER BY feedetl_sn",
        (visit["mdtrt_id"], str(data.get("chrg_bchno"))),
    ).fetchall()
    fees = [Fee(row["code"], row["amount"], row["count"]) for row in rows]
    if not fees:
        raise Refusal("没有可结算的费用")
    if sum(fee.amount for fee in fees) != fen(data.get("medfee_sumamt")):
        raise Refusal("医疗费总额与上传明细不符")
    listed = catalogue()
    own_account = Terms(**{**asdict(terms), "account": terms.account and str(data.get("acct_used_flag")) == "1"})
    return settle(fees, [grade(fee, listed, terms) for fee in fees], own_account, people.used(person)), terms, person


def setlinfo_of(db: sqlite3.Connection, done: sqlite3.Row) -> Output:
    """A settlement as it was answered."""
    person = _person(db, done["psn_no"])
    names = {"psn_no": done["psn_no"], "mdtrt_id": done["mdtrt_id"], "setl_id": done["setl_id"], "msgid": done["msgid"]}
    told = _setlinfo(Sums(**json.loads(done["sums"])), policies()[person["policy"]], names)
    told["setlinfo"]["setl_time"] = wall_clock(done["settled_at"])
    return told


def _setlinfo(sums: Sums, terms: Terms, names: Mapping[str, str]) -> Output:
    nothing = ("cvlserv_pay", "hifes_pay", "hifmi_pay", "hifob_pay", "maf_pay", "oth_pay", "hosp_part_amt")
    amounts = {
        "medfee_sumamt": sums.total,
        "fulamt_ownpay_amt": sums.own,
        "overlmt_selfpay": sums.over,
        "preselfpay_amt": sums.first,
        "inscp_scp_amt": sums.scope,
        "act_pay_dedc": sums.deductible,
        "hifp_pay": sums.fund,
        "fund_pay_sumamt": sums.fund,
        "psn_part_amt": sums.total - sums.fund,
        "acct_pay": sums.account,
        "psn_cash_pay": sums.cash,
        **dict.fromkeys(nothing, 0),
    }
    information = {name: yuan(amount) for name, amount in amounts.items()}
    information |= {
        "setl_id": names.get("setl_id", ""),
        "mdtrt_id": names["mdtrt_id"],
        "psn_no": names["psn_no"],
        "insutype": terms.insutype,
        "medins_setl_id": names["msgid"],
        "pool_prop_selfpay": f"{terms.ratio // 10000}.{terms.ratio % 10000:04d}",
    }
    detail = [{"fund_pay_type": "310100" if terms.insutype == "310" else "390100", "fund_payamt": yuan(sums.fund)}]
    return {"setlinfo": information, "setldetail": detail if sums.fund else []}


TRANSACTIONS: dict[str, Callable[[sqlite3.Connection, Input, str], Output]] = {
    "1101": identify,
    "2201": register,
    "2202": cancel_register,
    "2203A": diagnose,
    "2204": upload,
    "2205": withdraw,
    "2206": presettle,
    "2207": settle_batch,
    "2208": cancel,
    "2601": undo,
    "3201": statements.totals,
    "3202": statements.details,
    "9101": statements.upload,
}
