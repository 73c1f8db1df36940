"""Who is insured and how: policies, the catalogue, and each patient's coverage with what is used of it."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import date

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from app.insurance import errors
from app.insurance.models import CatalogueItem, Coverage, Policy, Split
from app.insurance.policies import CatalogueIn, PolicyIn
from app.insurance.rules import Usage
from app.kernel import audit
from app.kernel.ids import new_public_id
from app.kernel.uow import Uow

MOST_FEN = 10_000_000_00
_MEMBER_NO = re.compile(r"[0-9A-Za-z]{4,40}", re.ASCII)


def file_policy(uow: Uow, policy: PolicyIn) -> Policy:
    """The policy is on file as given; filed again under the same code it is overwritten."""
    row = uow.session.scalars(select(Policy).where(Policy.code == policy.code)).first() or Policy(code=policy.code)
    row.name, row.name_en, row.source = policy.name, policy.name_en, policy.source
    row.deductible_fen, row.fund_ratio_bp = policy.terms.deductible_fen, policy.terms.fund_ratio_bp
    row.cap_fen, row.uses_account = policy.terms.cap_fen, policy.terms.uses_account
    row.is_insured = policy.terms.is_insured
    uow.session.add(row)
    uow.session.flush()
    return row


def file_catalogue_item(uow: Uow, item: CatalogueIn, *, valid_from: date) -> CatalogueItem:
    """The catalogue lists the drug as given from `valid_from` on; filed again for the same day it is overwritten."""
    row = uow.session.scalars(
        select(CatalogueItem).where(CatalogueItem.code == item.code, CatalogueItem.valid_from == valid_from)
    ).first() or CatalogueItem(code=item.code, valid_from=valid_from)
    row.chargeable_class, row.self_pay_ratio_bp = item.chargeable_class, item.self_pay_ratio_bp
    row.limit_price_fen, row.source = item.limit_price_fen, item.source
    uow.session.add(row)
    uow.session.flush()
    return row


def catalogue_of(uow: Uow, codes: Collection[str], day: date) -> dict[str, CatalogueItem]:
    """The entries that count on `day` for those of `codes` that are listed."""
    rows = uow.session.scalars(
        select(CatalogueItem)
        .where(CatalogueItem.code.in_(set(codes)), CatalogueItem.valid_from <= day)
        .order_by(CatalogueItem.valid_from)
    )
    return {item.code: item for item in rows}


def policies(uow: Uow) -> list[Policy]:
    """All policies, in the order they were filed."""
    return list(uow.session.scalars(select(Policy).order_by(Policy.id)))


def policy_by_code(uow: Uow, code: str) -> Policy:
    """The policy called `code`; refuses `policy_unknown`."""
    found = uow.session.scalars(select(Policy).where(Policy.code == code)).first()
    if found is None:
        raise errors.PolicyUnknown(policy=code[:24])
    return found


def bind_coverage(
    uow: Uow,
    *,
    patient_id: int,
    policy_code: str,
    member_no: str,
    usage: Usage | None = None,
    certificate_kind: str = "03",
) -> Coverage:
    """The patient is insured by the policy, with what is used of it this year; bound again, it is replaced.

    Splits made before are worked out anew when they are to be settled. Refuses `policy_unknown`,
    `member_no_not_valid`, `coverage_not_valid`, and `coverage_busy` when it is bound elsewhere at the same instant.
    """
    policy = policy_by_code(uow, policy_code)
    check_member_no(member_no)
    figures = usage or Usage()
    used = (figures.deductible_used_fen, figures.cap_used_fen, figures.account_balance_fen)
    if not all(0 <= figure <= MOST_FEN for figure in used):
        raise errors.CoverageNotValid
    coverage = _coverage_row(uow, patient_id)
    coverage.policy_code, coverage.year, coverage.bound_at = policy.code, uow.today().year, uow.now()
    coverage.deductible_used_fen, coverage.cap_used_fen, coverage.account_balance_fen = used
    coverage.member_no_sealed = uow.keys.seal(member_no.strip(), f"coverage.member_no:{coverage.public_id}")
    coverage.certificate_kind = certificate_kind
    coverage.version = (coverage.version or 0) + 1
    uow.session.add(coverage)
    try:
        with uow.session.begin_nested():
            uow.session.flush()
    except IntegrityError as error:
        raise errors.CoverageBusy from error
    audit.record(uow, "coverage.bind", "coverage", coverage.public_id, patient_id=patient_id, policy=policy.code)
    return coverage


def check_member_no(number: str) -> None:
    """Passes what can be an insurance number or a token; refuses `member_no_not_valid`."""
    if not _MEMBER_NO.fullmatch(number.strip()):
        raise errors.MemberNumberNotValid


def _coverage_row(uow: Uow, patient_id: int) -> Coverage:
    found = uow.session.scalars(select(Coverage).where(Coverage.patient_id == patient_id).with_for_update()).first()
    return found or Coverage(public_id=new_public_id(), patient_id=patient_id)


def coverage_of(uow: Uow, patient_id: int) -> Coverage | None:
    """How the patient is insured, as it stands in the database now; None when they pay themselves."""
    return uow.session.scalars(
        select(Coverage).where(Coverage.patient_id == patient_id), execution_options={"populate_existing": True}
    ).first()


def take_over(uow: Uow, *, patient_id: int, merged_patient_id: int) -> None:
    """What was used of the merged record's coverage counts in the patient's, if both are one policy's this year.

    Splits that were settled by the one are given back, if they ever are, to the other. Quiet without two coverages.
    """
    both = select(Coverage).where(Coverage.patient_id.in_((patient_id, merged_patient_id))).with_for_update()
    rows = {row.patient_id: row for row in uow.session.scalars(both, execution_options={"populate_existing": True})}
    kept, gone = rows.get(patient_id), rows.get(merged_patient_id)
    if kept is None or gone is None or (kept.policy_code, kept.year) != (gone.policy_code, gone.year):
        return
    kept.deductible_used_fen += gone.deductible_used_fen
    kept.cap_used_fen += gone.cap_used_fen
    kept.version += 1
    gone.deductible_used_fen = gone.cap_used_fen = 0
    uow.session.execute(update(Split).where(Split.coverage_id == gone.id).values(coverage_id=kept.id))
    uow.session.flush()


def usage_of(coverage: Coverage, year: int) -> Usage:
    """What is used in `year`: deductible and cap begin at nought each year, the account's balance stays."""
    if coverage.year != year:
        return Usage(account_balance_fen=coverage.account_balance_fen)
    return Usage(coverage.deductible_used_fen, coverage.cap_used_fen, coverage.account_balance_fen)


def member_no_of(uow: Uow, coverage: Coverage) -> str:
    """The insurance number in the clear; mask it on every screen."""
    return uow.keys.open(coverage.member_no_sealed, f"coverage.member_no:{coverage.public_id}")
