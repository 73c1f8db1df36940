"""The insured persons: enrolled once, each with what is used of the year's deductible and cap and their account."""

from __future__ import annotations

import secrets
import sqlite3

from sandbox.clock import now, wall_clock
from sandbox.insurer.engine import Used, policies
from sandbox.store import Store, insert

TOKEN_SECONDS = 300
# The demo hospital's two patients: card, identity number, name, policy, account in fen.
KNOWN = (
    ("DEMO00000001", "110105195603120024", "张秀英", "retired", 320_00),
    ("DEMO00000002", "110105198307050010", "李建国", "employee", 150_00),
)


def this_year() -> int:
    """The year by China's calendar."""
    return int(wall_clock(now(), "%Y"))


def enrol(store: Store, *, card_no: str, certno: str, name: str, policy: str, balance: int = 0) -> None:
    """The person is insured by `policy`; enrolled again under the same card, only the policy may change.

    A policy that the insurer does not know, or that insures nobody, is passed over.
    """
    terms = policies().get(policy)
    if terms is None or not terms.insutype or not card_no:
        return
    with store.write() as db:
        known = db.execute("UPDATE insurer_person SET policy = ? WHERE card_no = ? RETURNING 1", (policy, card_no))
        if known.fetchone() is None:
            insert(
                db,
                "insurer_person",
                psn_no="1101" + str(secrets.randbelow(10**18)).zfill(18),
                card_no=card_no,
                certno=certno.upper(),
                psn_name=name,
                policy=policy,
                year=this_year(),
                balance=balance,
            )


def seed(store: Store) -> None:
    """The demo hospital's patients are insured."""
    for card_no, certno, name, policy, balance in KNOWN:
        enrol(store, card_no=card_no, certno=certno, name=name, policy=policy, balance=balance)


def find(db: sqlite3.Connection, psn_no: str) -> sqlite3.Row | None:
    """The person, the year's figures begun anew when a new year has."""
    db.execute(
        "UPDATE insurer_person SET year = ?, deductible = 0, fund = 0 WHERE psn_no = ? AND year <> ?",
        (this_year(), psn_no, this_year()),
    )
    row: sqlite3.Row | None = db.execute("SELECT * FROM insurer_person WHERE psn_no = ?", (psn_no,)).fetchone()
    return row


def used(person: sqlite3.Row) -> Used:
    """What the person has used, as the engine asks for it."""
    return Used(person["deductible"], person["fund"], person["balance"])


def show_token(store: Store, card_no: str) -> str:
    """The electronic voucher 医保电子凭证 on the person's phone: good once, for five minutes; '' for nobody's card."""
    token = secrets.token_hex(14)
    with store.write() as db:
        db.execute("DELETE FROM insurer_token WHERE expires_at <= ?", (now(),))
        found = db.execute("SELECT psn_no FROM insurer_person WHERE card_no = ?", (card_no,)).fetchone()
        if found is None:
            return ""
        insert(db, "insurer_token", token=token, psn_no=found["psn_no"], expires_at=now() + TOKEN_SECONDS)
    return token


def use_token(db: sqlite3.Connection, token: str) -> str:
    """Whose the token is, once; '' for one that is none any more."""
    found = db.execute(
        "DELETE FROM insurer_token WHERE token = ? AND expires_at > ? RETURNING psn_no", (token, now())
    ).fetchone()
    return str(found["psn_no"]) if found else ""
