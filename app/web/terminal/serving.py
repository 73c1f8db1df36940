"""One patient at the window: the right person, the right bag, the four checks, and the hand-over."""

from __future__ import annotations

from flask import flash, redirect, request, url_for
from flask_babel import gettext

from app.kernel.errors import NotFound
from app.kernel.uow import Uow
from app.pharmacy import for_staff
from app.pharmacy import service as pharmacy
from app.pharmacy.errors import BagNotMatched, ChecksMissing
from app.pharmacy.rules import UNDO_WITHIN
from app.pharmacy.service import BagCard
from app.pharmacy.states import BagState, CheckKind, IdentityFact, ScanCode, ScanKind, Verdict
from app.web import edge, show, show_work, work
from app.web.refusals_work import WORDS
from app.web.terminal import PLACE, blueprint, contents
from app.web.terminal.place import terminal
from app.web.terminal.scanning import as_json, nonce_of, sent
from app.web.terminal.verdicts import bin_name, verdict_facts


@blueprint.get("/bags/<bag_id>")
def serve(bag_id: str) -> edge.Answer:
    """The patient this terminal serves and their bag; a bag it does not hold (any more) asks for a new scan."""
    uow = edge.current_uow()
    try:
        card = pharmacy.card(uow, bag_public_id=bag_id, terminal=terminal())
    except NotFound:
        return _not_here(uow, bag_id)
    return _serve_page(uow, card)


def _not_here(uow: Uow, bag_id: str) -> edge.Answer:
    """A bag that is no longer this terminal's; its patient is not shown."""
    pharmacy.bag_by_public_id(uow, bag_id)
    facts = verdict_facts(ScanCode.NOT_SERVED_HERE, {})
    return work.page(
        "terminal/scanned.html", PLACE, verdict_of=facts, scanned_at=show.clock_time(uow.now()), nonce=edge.once_key()
    )


def _serve_page(uow: Uow, card: BagCard) -> str:
    bag = card.bag
    place = {"bin": bin_name(bag.window_code, bag.bin_no), "number": bag.number}
    shown = verdict_facts(ScanCode.OK, place)
    if card.is_matched:
        shown |= {"title": gettext("药袋相符"), "text": gettext("请完成四项核对，然后发药。")}
    until = bag.serving_until or uow.now()
    return work.page(
        "terminal/serve.html",
        PLACE,
        bag_id=bag.public_id,
        verdict_of=shown,
        banner=_banner(card),
        phone_tail=card.phone_tail,
        facts=[
            {"label": gettext("科室"), "value": f"{card.department_name} · {card.prescriber_name}"},
            {"label": gettext("处方号"), "value": card.prescription_number},
            {"label": gettext("临床诊断"), "value": card.diagnosis.text or card.diagnosis.code},
        ],
        lines=contents.rows(card.contents),
        warning=contents.warning(card.contents),
        is_matched=card.is_matched,
        until=show.clock_time(until),
        identity_options=_identity_options(card),
        checks=[{"value": kind.value, "label": str(a), "note": str(b)} for kind, (a, b) in show_work.CHECKS.items()],
        nonce=edge.once_key(),
    )


def _banner(card: BagCard) -> dict[str, object]:
    sex = next((str(words) for sex, words in show.SEXES.items() if sex.value == card.sex), "")
    age = work.age_words(card.age_years) if card.age_years is not None else ""
    number = gettext("取药号 %(number)s", number=card.bag.number)
    return {"name": card.name, "facts": [fact for fact in (sex, age, number) if fact]}


def _identity_options(card: BagCard) -> list[dict[str, object]]:
    """The one fact to ask for; what is on file stands beside it for the pharmacist's eyes only."""
    known = {
        IdentityFact.PHONE_TAIL: card.phone_tail,
        IdentityFact.BIRTH_DATE: card.birth_date.isoformat() if card.birth_date else "",
        IdentityFact.ID_CARD: gettext("请出示证件"),
    }
    return [
        {"value": fact.value, "label": str(show_work.IDENTITY_FACTS[fact]), "note": value}
        for fact, value in known.items()
        if value
    ]


@blueprint.post("/bags/<bag_id>/match")
def match(bag_id: str) -> edge.Answer:
    """The label of the bag in the hand is compared; a match leads to the checks, anything else to its verdict."""
    said = sent()
    code = work.clean(said.get("bag_code", ""), 60)
    result = pharmacy.match_bag(
        edge.current_uow(), bag_public_id=bag_id, bag_code=code, nonce=nonce_of(said), terminal=terminal()
    )
    if request.accept_mimetypes.best == "application/json":
        return as_json(result)
    if result.verdict == Verdict.GRANTED:
        return redirect(url_for("terminal.serve", bag_id=bag_id))
    return redirect(url_for("terminal.mismatch", bag_id=bag_id, scan_id=result.scan_public_id))


@blueprint.get("/bags/<bag_id>/scans/<scan_id>")
def mismatch(bag_id: str, scan_id: str) -> edge.Answer:
    """Why the scanned bag is not the patient's, and the box to scan another one."""
    uow = edge.current_uow()
    row = for_staff.scan_of_terminal(uow, scan_id, terminal())
    if row.kind != ScanKind.BAG:
        raise NotFound
    return work.page(
        "terminal/mismatch.html",
        PLACE,
        bag_id=bag_id,
        verdict_of=verdict_facts(row.code, row.facts),
        nonce=edge.once_key(),
        is_over=row.code == ScanCode.NOT_SERVED_HERE,
    )


@blueprint.post("/bags/<bag_id>/hand-over")
def hand_over(bag_id: str) -> edge.Answer:
    """The bag is in the patient's hands; without all four checks or the identity fact the page says what is missing."""
    checks = [kind for kind in CheckKind if kind.value in request.form.getlist("check")]
    fact = work.one_of(work.typed("identity", 20), IdentityFact)
    here = terminal()
    if not fact:
        flash(gettext("请先核对一项身份信息"), "bad")
        return redirect(url_for("terminal.serve", bag_id=bag_id))
    try:
        pharmacy.hand_over(
            edge.current_uow(),
            bag_public_id=bag_id,
            terminal=here,
            checks=checks,
            identity_fact=IdentityFact(fact),
        )
    except (ChecksMissing, BagNotMatched) as error:
        edge.drop_unit()
        flash(str(WORDS[error.code][1]), "bad")
        return redirect(url_for("terminal.serve", bag_id=bag_id))
    return redirect(url_for("terminal.done", bag_id=bag_id))


@blueprint.post("/bags/<bag_id>/let-go")
def let_go(bag_id: str) -> edge.Answer:
    """The bag goes back to its bin and any window may serve it."""
    pharmacy.let_go(edge.current_uow(), bag_public_id=bag_id, terminal=terminal())
    flash(gettext("已放回药格，没有发药"), "info")
    return redirect(url_for("terminal.home"))


@blueprint.get("/bags/<bag_id>/done")
def done(bag_id: str) -> edge.Answer:
    """The bag was handed over; it can be taken back here for two minutes."""
    uow = edge.current_uow()
    bag = pharmacy.bag_by_public_id(uow, bag_id)
    if bag.state != BagState.COLLECTED or bag.collected_at is None:
        return redirect(url_for("terminal.home"))
    may_undo = bag.collected_at + UNDO_WITHIN >= uow.now() and bag.collected_window == terminal().window_code
    return work.page(
        "terminal/done.html",
        PLACE,
        number=bag.number,
        bag_id=bag_id,
        at=show.clock_time(bag.collected_at),
        undo_until=show_work.exact(bag.collected_at + UNDO_WITHIN)[6:] if may_undo else "",
        nonce=edge.once_key(),
    )


@blueprint.post("/bags/<bag_id>/undo")
def undo(bag_id: str) -> edge.Answer:
    """A hand-over by mistake is taken back with a reason; the bag stands in its bin again."""
    bag = pharmacy.undo_hand_over(
        edge.current_uow(), bag_public_id=bag_id, terminal=terminal(), reason=work.typed("reason")
    )
    flash(gettext("已撤销发药，请把 %(number)s 放回药格", number=bag.number), "warn")
    return redirect(url_for("terminal.home"))
