"""Where a request meets the visit: who asks, one unit of work, the second tap, and how a refusal is shown."""

from __future__ import annotations

import functools
import hashlib
import ipaddress
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec

from flask import Blueprint, Response, current_app, flash, g, redirect, request, session, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response as BaseResponse

from app.identity import logins
from app.identity.rules import CHOOSES_PASSWORD, TAKES_SECOND_STEP
from app.kernel import audit, once, rates
from app.kernel.errors import NotAllowed, TryLater, VisitError
from app.kernel.uow import NOBODY, Actor, Uow
from app.runtime import runtime
from app.web import unsent
from app.web.paths import came_from

P = ParamSpec("P")
Answer = str | BaseResponse | tuple[str, int]
View = Callable[P, Answer]
Guard = Callable[[], Answer | None]
SayNo = Callable[[int, str, dict[str, object]], Response]
READING_SURFACES = {"patient", "board", "public"}
_SAYING_NO: dict[str, SayNo] = {}


def surface(name: str, *, prefix: str, guard: Guard) -> Blueprint:
    """A surface's blueprint: `guard` decides before each of its pages who may see it."""
    blueprint = Blueprint(name, f"app.web.{name}", url_prefix=prefix)
    blueprint.before_request(guard)
    return blueprint


def say_no_under(prefix: str, say_no: SayNo) -> None:
    """A refusal of whatever is asked under the address `prefix` is written by `say_no` (status, code, facts)."""
    _SAYING_NO[prefix] = say_no


def own_way_of_saying_no() -> SayNo | None:
    """Who writes the refusals of the surface that was asked, when it has a way of its own."""
    return next((say_no for prefix, say_no in _SAYING_NO.items() if request.path.startswith(prefix)), None)


def writes(view: Callable[P, Answer]) -> Callable[P, Answer]:
    """Marks a page that is asked for with GET and yet leaves a row."""
    view.leaves_a_row = True  # type: ignore[attr-defined]
    return view


def at_once(view: Callable[P, Answer]) -> Callable[P, Answer]:
    """Marks a page that many ask for at the same instant: its one unit also finds who asks.

    Only for a page that opens no unit of its own and speaks to nobody outside.
    """
    view.is_one_unit = True  # type: ignore[attr-defined]
    return view


def _is_marked(mark: str) -> bool:
    return bool(getattr(current_app.view_functions.get(request.endpoint or ""), mark, False))


def current_uow() -> Uow:
    """The request's unit of work; it is finished when the answer is ready and dropped when the page refuses."""
    unit: Uow | None = g.get("uow")
    if unit is None:
        reads_only = (
            request.method in {"GET", "HEAD"}
            and request.blueprint in READING_SURFACES
            and not _is_marked("leaves_a_row")
        )
        unit = g.uow = runtime().units.begin(actor(), reads_only=reads_only, request_id=g.request_id)
    return unit


@contextmanager
def fresh_unit() -> Iterator[Uow]:
    """A unit of its own, finished at the end of the block; the request's own unit is finished before."""
    finish_unit()
    with runtime().units.open(actor(), request_id=g.request_id) as uow:
        yield uow


def finish_unit() -> None:
    """What the request's unit did stands; quiet when none is open."""
    uow = g.pop("uow", None)
    if uow is not None:
        runtime().units.finish(uow)
        g.pop("counted", None)


def drop_unit() -> None:
    """Nothing of what the request's unit did stands; quiet when none is open."""
    uow = g.pop("uow", None)
    if uow is not None:
        runtime().units.drop(uow)


def actor() -> Actor:
    """Who asks."""
    found: Actor = g.get("actor", NOBODY)
    return found


def who_asks(kind: str) -> Actor | None:
    """Whoever is logged in on this browser as `kind` (patient or staff), None when nobody is."""
    secret = session.get(f"{kind}_secret", "")
    if not secret:
        return None
    found = _holder_at_once(kind, secret) if _is_marked("is_one_unit") else _holder(kind, secret)
    if found is None:
        session.pop(f"{kind}_secret", None)
        return None
    g.actor = found
    return found


def _holder(kind: str, secret: str) -> Actor | None:
    with runtime().units.open(reads_only=True) as uow:
        found = logins.who_holds(uow, secret)
    if found is None or found.kind != kind:
        return None
    if request.method == "POST":
        with runtime().units.open(found) as uow:
            logins.stay(uow, secret)
    return found


def _holder_at_once(kind: str, secret: str) -> Actor | None:
    uow = current_uow()
    found = logins.who_holds(uow, secret, uses_it=request.method == "POST")
    if found is None or found.kind != kind:
        return None
    uow.actor = found
    return found


_KEPT = ("lang", "elder", "source", "lobby_day", "lobby", "visitor", "unsent", "unsent_to")
_WINDOWS = ("terminal", "invoice_terminal", "invoice_form")
_LOGINS = ("patient_secret", "staff_secret", "patient_was", "staff_was")


def begin_login(kind: str, secret: str, ref: str) -> None:
    """The browser keeps `secret` for `kind`; the session's other contents are new, so none can be planted before.

    It also keeps who that was, unreadably, so that what one person typed is offered to no other one; and whoever logs
    in again at the same window stands there still, with the bag in their hands.
    """
    who = runtime().units.keys.index(ref, "web.was")
    is_back = session.get(f"{kind}_was") == who
    kept = {key: session[key] for key in (*_KEPT, *_LOGINS, *(_WINDOWS if is_back else ())) if key in session}
    session.clear()
    session.update(kept | {f"{kind}_secret": secret, f"{kind}_was": who})
    session.permanent = True


def login_secret(kind: str) -> str:
    """The secret by which this browser is logged in as `kind`; '' when nobody is."""
    return str(session.get(f"{kind}_secret", ""))


def end_login(kind: str) -> None:
    """Nobody is logged in as `kind` on this browser."""
    secret = session.pop(f"{kind}_secret", "")
    with runtime().units.open(actor()) as uow:
        logins.log_out(uow, secret)


def require_patient() -> Answer | None:
    """A surface's guard: a patient's account is logged in, else the log-in page comes first and leads back."""
    return None if who_asks("patient") else log_in_first("entrance.log_in")


def require_staff(*roles: str) -> Guard:
    """A surface's guard: a staff member with one of `roles` is logged in."""

    def guard() -> Answer | None:
        found = who_asks("staff")
        if found is None:
            return log_in_first("entrance.staff_log_in")
        if TAKES_SECOND_STEP in found.roles:
            return log_in_first("entrance.second_step")
        if CHOOSES_PASSWORD in found.roles:
            return redirect(url_for("entrance.own_password"))
        if roles and not found.roles & set(roles):
            raise NotAllowed(needs=", ".join(roles))
        return None

    return guard


def open_to_all() -> None:
    """A surface's guard: anyone may come; what they see holds nobody's data."""


def log_in_first(log_in: str) -> BaseResponse:
    """To the log-in and from there back; a form that was sent waits, one without contents leads back to its page."""
    if request.method == "GET":
        return redirect(url_for(log_in, next=request.full_path.rstrip("?")))
    if unsent.keep():
        flash(gettext("登录已过期；您填写的内容还在，登录后再提交"), "info")
        return redirect(url_for(log_in, next=url_for("entrance.send_again")))
    flash(gettext("登录已过期，请登录后再试一次"), "info")
    return redirect(url_for(log_in, next=came_from()))


def limit(name: str, subject: str, *, at_most: int, window_seconds: int) -> None:
    """Counts one use of `name` by `subject` (hashed); refuses `too_many` beyond `at_most` a window."""
    hidden = runtime().units.keys.index(subject, f"rate.{name}")
    with runtime().units.open() as uow:
        rates.use(uow, f"{name}:{hidden}", at_most=at_most, window_seconds=window_seconds)


def not_too_often(view: Callable[P, Answer]) -> Callable[P, Answer]:
    """A form that asks for a place: an account's tries are counted, done or refused; beyond the setting `too_many`.

    Counted in the page's own unit, and what it refuses with the refusal, so that a rush has no transaction more.
    """

    @functools.wraps(view)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> Answer:
        at_most = runtime().settings.booking_tries_per_minute
        if not at_most:
            return view(*args, **kwargs)
        g.counted = f"book:{actor().ref}"
        rates.use_within(current_uow(), g.counted, at_most=at_most, window_seconds=60)
        return view(*args, **kwargs)

    return wrapped


def address() -> str:
    """Whose network calls, after as many proxies as the settings trust: an IPv4 address, of IPv6 the first half.

    A single line is given all of the other half, and would count as another caller with each request.
    """
    said = request.remote_addr or "unknown"
    try:
        found = ipaddress.ip_address(said)
    except ValueError:
        return said
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is None:
        return str(ipaddress.ip_network((int(found) >> 64 << 64, 64)))
    return str(getattr(found, "ipv4_mapped", None) or found)


def once_key() -> str:
    """A new key for a form's hidden field `once`."""
    return secrets.token_urlsafe(18)


def do_once(view: Callable[P, Answer]) -> Callable[P, Answer]:
    """A POST whose form carries `once` is done once; sent again it leads to where the first one led."""

    @functools.wraps(view)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> Answer:
        key = request.form.get("once", "")
        if not key:
            return view(*args, **kwargs)
        shown = sorted((name, value) for name, value in request.form.items(multi=True) if name != "csrf_token")
        body_hash = hashlib.sha256(f"{request.path}{shown}".encode()).hexdigest()
        try:
            once.begin(current_uow(), key, body_hash)
            if not _is_marked("is_one_unit"):  # which may speak to somebody outside before it asks anything
                current_uow().hear()
            answer = view(*args, **kwargs)
        except once.DoneBefore as done:
            return redirect(done.location or url_for("patient.home"))
        if isinstance(answer, Response) and answer.location:
            once.remember(current_uow(), key, answer.location)
        return answer

    return wrapped


def note_refusal(error: VisitError) -> None:
    """The refusal is on record: who asked for what page and which code they got (ids only)."""
    if actor().kind == "nobody" or request.endpoint is None:
        return
    named = [str(value) for name, value in (request.view_args or {}).items() if name.endswith("id")]
    with runtime().units.open(actor(), request_id=g.request_id) as uow:
        audit.record(uow, f"page.{request.endpoint}"[:64], "page", "/".join(named), outcome=error.code)
        if "counted" in g and not isinstance(error, TryLater):  # who was told to try again may do so
            rates.note(uow, g.pop("counted"), window_seconds=60)
