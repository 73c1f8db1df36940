"""Which rules hold now, and writing the version that holds from a time to come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, bindparam, or_, select
from sqlalchemy.exc import IntegrityError

from app.kernel import audit
from app.kernel.errors import NotFound
from app.kernel.hot import Hot
from app.kernel.uow import Uow
from app.rulebook.contradictions import contradictions
from app.rulebook.errors import BadRules, RuleChanged, RuleContradicts, RuleStartsInPast, RuleUnchanged
from app.rulebook.models import RuleSet, Scope
from app.rulebook.schemas import faults_of
from app.rulebook.terms import NAMES, SHIPPED, Rules, as_body, from_body

_WIDEST_FIRST = (Scope.HOSPITAL, Scope.CAMPUS, Scope.DEPARTMENT)


@dataclass(frozen=True)
class Where:
    """Whose rules are asked for: a department (with its campus), a campus, or, with no code, the house."""

    department_code: str = ""
    campus_code: str = ""

    @property
    def scope(self) -> tuple[Scope, str]:
        """The narrowest scope that is named, with its code."""
        if self.department_code:
            return Scope.DEPARTMENT, self.department_code
        return (Scope.CAMPUS, self.campus_code) if self.campus_code else (Scope.HOSPITAL, "")

    @property
    def wider(self) -> Where:
        """The scope from which this one's rules come when it states none."""
        return Where(campus_code=self.campus_code) if self.department_code else Where()

    def scopes(self) -> list[tuple[Scope, str]]:
        """Every scope that has a word here, the widest first."""
        codes = {Scope.HOSPITAL: "", Scope.CAMPUS: self.campus_code, Scope.DEPARTMENT: self.department_code}
        return [(scope, codes[scope]) for scope in _WIDEST_FIRST if scope == Scope.HOSPITAL or codes[scope]]


HOUSE = Where()


def rules_for(uow: Uow, where: Where = HOUSE, *, at: datetime | None = None) -> Rules:
    """The rules that hold there at `at` (now), rule by rule from the narrowest scope that states one; kept per unit."""
    kept = _kept(uow)
    if (where, at) not in kept:
        kept[where, at] = rules_at(uow, where, at or uow.now())
    return kept[where, at]


def rules_at(uow: Uow, where: Where, instant: datetime) -> Rules:
    """The rules that hold there at `instant`, as they are written."""
    said: dict[str, Any] = {}
    for body in _bodies_in_force(uow, where, instant):
        said |= body
    return from_body(said) if said else SHIPPED


def keep_rules(uow: Uow, where: Where, rules: Rules) -> None:
    """These rules hold there for the rest of the unit."""
    _kept(uow)[where, None] = rules


def _kept(uow: Uow) -> dict[tuple[Where, datetime | None], Rules]:
    kept: dict[tuple[Where, datetime | None], Rules] = uow.session.info.setdefault("rulebook", {})
    return kept


_WRITTEN = Hot(
    select(RuleSet.scope, RuleSet.body)
    .where(
        RuleSet.valid_from <= bindparam("p_instant"),
        or_(
            RuleSet.scope == Scope.HOSPITAL,
            and_(RuleSet.scope == Scope.CAMPUS, RuleSet.scope_code == bindparam("p_campus_code")),
            and_(RuleSet.scope == Scope.DEPARTMENT, RuleSet.scope_code == bindparam("p_department_code")),
        ),
    )
    .order_by(RuleSet.valid_from.desc(), RuleSet.version.desc())
)


def _bodies_in_force(uow: Uow, where: Where, instant: datetime) -> list[dict[str, Any]]:
    """What the set in force of every scope states, the widest first."""
    codes = {"p_campus_code": where.campus_code, "p_department_code": where.department_code}
    newest: dict[str, dict[str, Any]] = {}
    for scope, body in _WRITTEN.rows(uow, {"p_instant": instant, **codes}):
        newest.setdefault(Scope(scope), body)
    return [newest[scope] for scope in _WIDEST_FIRST if scope in newest]


def _in_force(uow: Uow, where: Where, instant: datetime) -> list[RuleSet]:
    """The set in force of every scope that has one, the widest first."""
    wanted = or_(*(and_(RuleSet.scope == scope, RuleSet.scope_code == code) for scope, code in where.scopes()))
    rows = uow.session.scalars(
        select(RuleSet)
        .where(wanted, RuleSet.valid_from <= instant)
        .order_by(RuleSet.valid_from.desc(), RuleSet.version.desc())
    )
    newest: dict[Scope, RuleSet] = {}
    for row in rows:
        newest.setdefault(row.scope, row)
    return [newest[scope] for scope in _WIDEST_FIRST if scope in newest]


def versions(uow: Uow, where: Where) -> list[RuleSet]:
    """Every version written for the scope, the newest first."""
    scope, code = where.scope
    return list(
        uow.session.scalars(
            select(RuleSet).where(RuleSet.scope == scope, RuleSet.scope_code == code).order_by(RuleSet.version.desc())
        )
    )


def version(uow: Uow, public_id: str) -> RuleSet:
    """The version named `public_id`; else NotFound."""
    found = uow.session.scalars(select(RuleSet).where(RuleSet.public_id == public_id)).first()
    if found is None:
        raise NotFound
    return found


def in_force(uow: Uow, where: Where) -> RuleSet | None:
    """The scope's own version that holds now; None while it has none and the wider scope's rules hold."""
    scope, _ = where.scope
    return next((row for row in _in_force(uow, where, uow.now()) if row.scope == scope), None)


def wider_body(uow: Uow, where: Where) -> dict[str, Any]:
    """What holds there as long as the scope itself states nothing."""
    return as_body(SHIPPED if where.scope[0] == Scope.HOSPITAL else rules_for(uow, where.wider))


def check(uow: Uow, where: Where, body: dict[str, Any]) -> Rules:
    """The rules that would hold with `body`; refuses `bad_rules` and `rule_contradicts` with the fields at fault.

    What stands in a narrower scope is checked with it: a change for the house may contradict a department's own rule.
    """
    faults = faults_of(body)
    if faults:
        raise BadRules(fields=faults)
    wanted = from_body({**wider_body(uow, where), **body})
    _refuse_contradictions(wanted, *where.scope)
    for narrower in _narrower(uow, where):
        _refuse_contradictions(from_body({**as_body(wanted), **narrower.body}), narrower.scope, narrower.scope_code)
    return wanted


def _refuse_contradictions(rules: Rules, scope: Scope, code: str) -> None:
    found = contradictions(rules)
    if found:
        raise RuleContradicts(fields=found, where=f"{scope.value}/{code}")


def _narrower(uow: Uow, where: Where) -> list[RuleSet]:
    """The versions of narrower scopes that hold now or are to come; a campus's departments are not known here."""
    if where.scope[0] == Scope.DEPARTMENT:
        return []
    rows = uow.session.scalars(
        select(RuleSet)
        .where(RuleSet.scope != Scope.HOSPITAL, RuleSet.scope != where.scope[0])
        .order_by(RuleSet.scope, RuleSet.scope_code, RuleSet.valid_from.desc(), RuleSet.version.desc())
    )
    kept, settled = [], set()
    for row in rows:
        key = (row.scope, row.scope_code)
        if key not in settled:
            kept.append(row)
        if row.valid_from <= uow.now():
            settled.add(key)
    return kept


def write(
    uow: Uow,
    where: Where,
    body: dict[str, Any],
    *,
    valid_from: datetime | None = None,
    note: str = "",
    after_version: int | None = None,
) -> RuleSet:
    """The next version of the scope's rules is written and holds from `valid_from` (at once).

    `body` may state all rules or some: kept is what differs from the wider scope's. Refuses `bad_rules`,
    `rule_contradicts`, `rule_starts_in_past`, `rule_unchanged`, and `rule_changed` when `after_version` is no longer
    the newest.
    """
    now = uow.now()
    begins = valid_from or now
    if begins < now:
        raise RuleStartsInPast(valid_from_at=begins.isoformat())
    wanted = as_body(check(uow, where, body))
    wider = wider_body(uow, where)
    kept = {name: wanted[name] for name in NAMES if wanted[name] != wider[name]}
    before = _newest(uow, where, after_version)
    said = before.body if before else {}
    if before and kept == said:
        raise RuleUnchanged(version=before.version)
    scope, code = where.scope
    row = RuleSet(
        scope=scope,
        scope_code=code,
        version=before.version + 1 if before else 1,
        valid_from=begins,
        body=kept,
        note=note[:200],
        made_at=now,
        by_ref=uow.actor.ref,
    )
    _keep(uow, row)
    terms = [name for name in NAMES if kept.get(name) != said.get(name)]
    audit.record(uow, "rules.write", "rule_set", row.public_id, scope=scope.value, code=code, terms=terms)
    return row


def _newest(uow: Uow, where: Where, expected: int | None) -> RuleSet | None:
    newest = next(iter(versions(uow, where)), None)
    number = newest.version if newest else 0
    if expected is not None and expected != number:
        raise RuleChanged(version=number)
    return newest


def _keep(uow: Uow, row: RuleSet) -> None:
    try:
        with uow.session.begin_nested():
            uow.session.add(row)
    except IntegrityError:  # another office wrote the same version at the same instant
        raise RuleChanged(version=row.version) from None
    uow.session.info.pop("rulebook", None)


def rules_of(uow: Uow, row: RuleSet, where: Where) -> Rules:
    """All the rules that hold there while this version does, the wider scope's being as they are now."""
    return from_body({**wider_body(uow, where), **row.body})


def rules_of_nothing(uow: Uow, where: Where) -> Rules:
    """What would hold there if the scope itself stated nothing."""
    return from_body(wider_body(uow, where))
