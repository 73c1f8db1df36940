"""Dividing a prescription or a fee between insurance and patient, settling what was divided, and undoing it."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from sqlalchemy import select

from app.events import SplitDropped, SplitMade, SplitReversed, SplitSettled
from app.insurance import answered, cases, claims, errors, remainder, rules, sql, subjects
from app.insurance.answered import Answer
from app.insurance.covering import (
    bind_coverage,
    catalogue_of,
    coverage_of,
    file_catalogue_item,
    file_policy,
    member_no_of,
    policies,
    policy_by_code,
    usage_of,
)
from app.insurance.models import Coverage, Policy, Settlement, Split, SplitLine, SplitSource
from app.insurance.policies import SELF_PAY
from app.insurance.ports import INSURER, Claim
from app.insurance.rules import LineIn, LineSplit, Parts, PolicyTerms, SplitResult, Usage
from app.insurance.states import LIVE, SPLIT, SplitAction, SplitState
from app.insurance.subjects import Item, Subject
from app.kernel import audit
from app.kernel.clock import hospital_day
from app.kernel.ids import new_public_id
from app.kernel.moves import IllegalMove, move
from app.kernel.uow import Uow

__all__ = [
    "bind_coverage",
    "coverage_of",
    "drop",
    "file_catalogue_item",
    "file_policy",
    "is_insured",
    "keep_answer",
    "let_go",
    "lines_of",
    "live_split_of",
    "make_split",
    "member_no_of",
    "policies",
    "policy_by_code",
    "return_part",
    "reverse",
    "settle",
    "settles_later",
    "split_again",
    "split_as_self_pay",
    "split_of",
    "usage_of",
]
SETTLE_TRIES = 3


@dataclass(frozen=True)
class _Basis:
    """By what a patient's bills are divided at this moment."""

    coverage: Coverage | None
    policy: Policy
    usage: Usage
    year: int
    source: SplitSource = SplitSource.ESTIMATE


@dataclass(frozen=True)
class _WorkedOut:
    """A subject's lines, what the catalogue says of them, and their division."""

    items: list[Item]
    facts: list[LineIn]
    result: SplitResult


def make_split(uow: Uow, subject: Subject) -> Split:
    """The subject is divided by its patient's coverage of today, and `SplitMade` says so.

    Where the house has an insurer, an insured patient's split is an estimate that is not paid by: the insurer is asked,
    and `SplitMade` follows with its figures. A subject that has a live split keeps it, quietly. Refuses
    `policy_unknown`, `split_does_not_add_up`.
    """
    standing = live_split_of(uow, subject)
    if standing is not None:
        return standing
    basis = _basis_of(uow, subject.patient_id)
    split = _keep(uow, subject, basis, _work_out(uow, subject, basis))
    if basis.coverage is not None and _asks_insurer(uow, basis):
        cases.open_case(uow, subject, basis.coverage)
    else:
        _tell(uow, split)
    return split


def _tell(uow: Uow, split: Split) -> None:
    uow.publish(SplitMade(split.id, *subjects.named(split), split.patient_id))


def is_insured(uow: Uow, patient_id: int) -> bool:
    """Whether this house's insurer is asked what it would pay for the patient."""
    basis = _basis_of(uow, patient_id)
    return basis.coverage is not None and _asks_insurer(uow, basis)


def _asks_insurer(uow: Uow, basis: _Basis) -> bool:
    return INSURER in uow.partners and basis.policy.is_insured


def keep_answer(uow: Uow, case: Settlement, claim: Claim, answer: Answer) -> None:
    """The insurer's figures stand in the estimate's place and can be paid by (`SplitMade`); held when they cannot.

    Those of what is left of a settled bill are settled at once.
    """
    subject = subjects.subject_of(uow, case)
    listed = catalogue_of(uow, [fee.code for fee in claim.fees], hospital_day(claim.begun_at, uow.zone))
    items = [item for item, _ in claims.lines_of(uow, case)]
    facts = answered.facts_of(answer, claim.fees, frozenset(listed), [item.line_no for item in items])
    try:
        result = answered.spread(answer, facts)
    except errors.SplitDoesNotAddUp as flawed:
        return cases.hold(uow, case, str(flawed.facts["identity"]))
    if remainder.costs_more(uow, case, result.parts):
        return cases.hold(uow, case, remainder.COSTS_MORE)
    estimate = live_split_of(uow, subject)
    if estimate is not None:
        move(uow, SPLIT, estimate, SplitAction.VOID, why="answered")
    coverage = uow.session.get_one(Coverage, case.coverage_id)
    policy = policy_by_code(uow, coverage.policy_code)
    basis = _Basis(coverage, policy, Usage(), uow.today().year, SplitSource.INSURER)
    split = _keep(uow, subject, basis, _WorkedOut(items, facts, result))
    split.root_id = case.root_split_id
    cases.presettled(uow, case, split)
    if split.root_id is None:
        _tell(uow, split)
    else:
        remainder.go_on(uow, case)
    return None


def settle(uow: Uow, split: Split) -> Split:
    """What the split takes of the patient's coverage is used up, once; a split that is settled already stays so.

    Works the split out anew first: when coverage, usage or catalogue have changed since, so that the figures differ,
    refuses `split_changed` and changes nothing; the caller drops this unit, calls `split_again` in the next one and
    shows the patient the new figures. An insurer's split is settled with the insurer after the patient has paid, so
    here it is only looked at whether its figures still count. Refuses `illegal_move` for a split that is void or
    reversed, `coverage_busy` when others settle for the same patient all the while.
    """
    split = uow.session.get_one(Split, split.id, with_for_update=True, populate_existing=True)
    if split.state is SplitState.SETTLED:
        return split
    if not SPLIT.may(split.state, SplitAction.SETTLE):
        raise IllegalMove(machine=SPLIT.name, state=split.state.value, action=SplitAction.SETTLE.value)
    if split.source is SplitSource.INSURER:
        cases.require_ready(uow, split)
        return split
    for _ in range(SETTLE_TRIES):
        basis = _basis_for(uow, split)
        if _has_changed(uow, split, basis):
            raise errors.SplitChanged(split=split.public_id)
        if basis.coverage is None or sql.consume(uow, basis.coverage, split, year=basis.year):
            coverage_id = basis.coverage.id if basis.coverage else None
            move(uow, SPLIT, split, SplitAction.SETTLE, coverage_id=coverage_id, year=basis.year)
            audit.record(uow, "split.settle", "split", split.public_id, fund_fen=split.fund_fen)
            uow.publish(SplitSettled(split.id, *subjects.named(split), split.patient_id))
            return split
    raise errors.CoverageBusy


def split_again(uow: Uow, split: Split) -> Split:
    """A split whose figures are out of date falls (`SplitDropped`) and a new one is made in its place.

    One that is up to date, settled or no longer live stays as it is, quietly.
    """
    split = uow.session.get_one(Split, split.id, with_for_update=True, populate_existing=True)
    if split.state is not SplitState.MADE or not _is_out_of_date(uow, split):
        return split
    subject = subjects.subject_of(uow, split)
    drop(uow, subject, why=errors.SplitChanged.code)
    return make_split(uow, subject)


def _is_out_of_date(uow: Uow, split: Split) -> bool:
    if split.source is SplitSource.INSURER:
        return not cases.is_fresh(uow, split)
    return _has_changed(uow, split, _basis_for(uow, split))


def drop(uow: Uow, subject: Subject, *, why: str) -> None:
    """The subject's unsettled split and what the insurer was asked of it fall (`SplitDropped`); quiet without."""
    split = live_split_of(uow, subject)
    if split is not None:
        move(uow, SPLIT, split, SplitAction.VOID, why=why)
        uow.publish(SplitDropped(split.id, *subjects.named(split), split.patient_id))
    case = cases.newest_of(uow, subject)
    if case is not None:
        cases.let_go(uow, case)


def split_as_self_pay(uow: Uow, subject: Subject) -> Split:
    """All of the subject is the patient's own, as they chose (`SplitMade`); the caller has dropped what stood."""
    basis = _Basis(None, policy_by_code(uow, SELF_PAY), Usage(), uow.today().year, SplitSource.SELF)
    split = _keep(uow, subject, basis, _work_out(uow, subject, basis))
    _tell(uow, split)
    return split


def settles_later(uow: Uow, split_id: int | None) -> bool:
    """True when the insurer is still to settle what the split says, after the patient's part is in."""
    split = uow.session.get(Split, split_id) if split_id else None
    return split is not None and split.source is SplitSource.INSURER and split.state is not SplitState.SETTLED


def reverse(uow: Uow, split: Split) -> None:
    """What a settled split used up can be used again; reversed twice, it is given back once.

    Refuses `illegal_move` for a split that was never settled.
    """
    split = uow.session.get_one(Split, split.id, with_for_update=True, populate_existing=True)
    if split.state is SplitState.REVERSED:
        return
    move(uow, SPLIT, split, SplitAction.REVERSE)
    if split.coverage_id is not None:
        sql.give_back(uow, uow.session.get_one(Coverage, split.coverage_id), split)
    audit.record(uow, "split.reverse", "split", split.public_id, fund_fen=split.fund_fen)
    uow.publish(SplitReversed(split.id, *subjects.named(split), split.patient_id))
    case = cases.of_split(uow, split.id)
    if case is not None:
        cases.let_go(uow, case)


def return_part(uow: Uow, split: Split, *, fund_fen: int, other_fen: int, account_fen: int) -> None:
    """So much of what a settled split took is given back; the rest stays settled.

    The deductible stays used until all is given back. Refuses `illegal_move` beyond what it took, and for what the
    insurer itself settled: that is taken back whole, and what is left of it settled anew (`remainder`).
    """
    is_ours = split.source is not SplitSource.INSURER
    if not is_ours or not sql.return_part(uow, split, fund_fen=fund_fen, other_fen=other_fen, account_fen=account_fen):
        raise IllegalMove(machine=SPLIT.name, state=split.state.value, action=SplitAction.REVERSE.value)
    audit.record(uow, "split.return_part", "split", split.public_id, fund_fen=fund_fen)


def let_go(uow: Uow, subject: Subject, *, why: str) -> None:
    """The subject's live split falls: void when it was only made, reversed when settled; quiet without one.

    So does what the insurer was asked of it.
    """
    split = live_split_of(uow, subject)
    if split is not None and split.state is SplitState.SETTLED:
        reverse(uow, split)
    elif split is not None:
        move(uow, SPLIT, split, SplitAction.VOID, why=why)
    case = cases.newest_of(uow, subject)
    if case is not None:
        cases.let_go(uow, case)


def live_split_of(uow: Uow, subject: Subject) -> Split | None:
    """The split by which the subject is to be paid, or was; None before it is to be paid and after its end."""
    return uow.session.scalars(select(Split).where(subjects.is_for(Split, subject), Split.state.in_(LIVE))).first()


def split_of(uow: Uow, split_id: int | None) -> Split | None:
    """The split a bill was opened by; None for a bill that is not insured."""
    return uow.session.get(Split, split_id) if split_id else None


def lines_of(uow: Uow, split_id: int) -> list[SplitLine]:
    """The split's lines in the subject's order; `rules` holds what the words of each need."""
    return list(
        uow.session.scalars(select(SplitLine).where(SplitLine.split_id == split_id).order_by(SplitLine.line_no))
    )


def _basis_of(uow: Uow, patient_id: int) -> _Basis:
    coverage = coverage_of(uow, patient_id)
    year = uow.today().year
    if coverage is None:
        return _Basis(None, policy_by_code(uow, SELF_PAY), Usage(), year)
    return _Basis(coverage, policy_by_code(uow, coverage.policy_code), usage_of(coverage, year), year)


def _basis_for(uow: Uow, split: Split) -> _Basis:
    """As `_basis_of`, unless the patient chose to pay all themselves."""
    if split.source is not SplitSource.SELF:
        return _basis_of(uow, split.patient_id)
    return _Basis(None, policy_by_code(uow, SELF_PAY), Usage(), uow.today().year, SplitSource.SELF)


def _work_out(uow: Uow, subject: Subject, basis: _Basis) -> _WorkedOut:
    """The division by the catalogue of the day of issue and the policy of today."""
    items = subjects.items_of(uow, subject)
    day = hospital_day(subjects.kind_of(subject).since(subject), uow.zone)
    listed = catalogue_of(uow, [item.code for item in items], day)
    facts = []
    for item in items:
        entry = listed.get(item.code)
        facts.append(
            LineIn(
                line_no=item.line_no,
                amount_fen=item.amount_fen,
                quantity=item.quantity,
                chargeable_class=entry.chargeable_class if entry else None,
                self_pay_ratio_bp=entry.self_pay_ratio_bp if entry else 10_000,
                limit_price_fen=entry.limit_price_fen if entry else None,
            )
        )
    policy = basis.policy
    terms = PolicyTerms(
        deductible_fen=policy.deductible_fen,
        fund_ratio_bp=policy.fund_ratio_bp,
        cap_fen=policy.cap_fen,
        uses_account=policy.uses_account,
        is_insured=policy.is_insured,
    )
    return _WorkedOut(items, facts, rules.split(facts, terms, basis.usage))


def _keep(uow: Uow, subject: Subject, basis: _Basis, worked_out: _WorkedOut) -> Split:
    result = worked_out.result
    split = Split(
        public_id=new_public_id(),
        patient_id=subject.patient_id,
        coverage_id=basis.coverage.id if basis.coverage else None,
        policy_code=basis.policy.code,
        source=basis.source,
        year=basis.year,
        made_at=uow.now(),
        rules=[rule.as_dict() for rule in result.rules],
        **subjects.key_of(subject),
        **asdict(result.parts),
    )
    uow.session.add(split)
    uow.session.flush()
    pairs = zip(worked_out.items, worked_out.facts, result.lines, strict=True)
    uow.session.add_all(_line_row(split.id, item, fact, line) for item, fact, line in pairs)
    uow.session.flush()
    return split


def _line_row(split_id: int, item: Item, fact: LineIn, line: LineSplit) -> SplitLine:
    parts = asdict(line.parts)
    return SplitLine(
        split_id=split_id,
        line_no=item.line_no,
        drug_code=item.code,
        drug_name=item.name,
        chargeable_class=fact.chargeable_class,
        ratio_bp=fact.self_pay_ratio_bp,
        limit_price_fen=fact.limit_price_fen,
        amount_fen=parts.pop("total_fen"),
        rules=[rule.as_dict() for rule in line.rules],
        **parts,
    )


def _has_changed(uow: Uow, split: Split, basis: _Basis) -> bool:
    """True when the same subject would be divided otherwise now, on any line, or by the insurer."""
    if split.source is SplitSource.ESTIMATE and _asks_insurer(uow, basis):
        return True
    now = _work_out(uow, subjects.subject_of(uow, split), basis).result
    kept = [_parts_of(line) for line in lines_of(uow, split.id)]
    return split.policy_code != basis.policy.code or kept != [line.parts for line in now.lines]


def _parts_of(line: SplitLine) -> Parts:
    rest = {name: getattr(line, name) for name in rules.PART_NAMES if name != "total_fen"}
    return Parts(total_fen=line.amount_fen, **rest)
