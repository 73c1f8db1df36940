"""At which window this terminal stands, and how its scanner gun is set up."""

from __future__ import annotations

from flask import flash, redirect, session, url_for
from flask_babel import gettext

from app.kernel.errors import NotFound, Refused
from app.kernel.ids import new_digits
from app.paper import qr
from app.pharmacy import service as pharmacy
from app.pharmacy.scanning import Terminal
from app.web import edge, work
from app.web.terminal import PLACE, blueprint

TEST_CODE = "9012345678901234567890"  # begins with 9, so that no window takes it for a patient's code


class WindowNotChosen(Refused):
    """This browser has not said at which window it stands."""

    code = "window_not_chosen"


def terminal() -> Terminal:
    """Where and who this terminal is, as chosen on this browser; refuses `window_not_chosen`."""
    chosen = session.get("terminal")
    if not isinstance(chosen, dict):
        raise WindowNotChosen
    return Terminal(str(chosen["code"]), str(chosen["window"]), edge.actor().id)


def is_chosen() -> bool:
    """True when this browser stands at a window."""
    return isinstance(session.get("terminal"), dict)


@blueprint.get("/window")
def choose_window() -> edge.Answer:
    """The windows of the pharmacy to choose from."""
    here = terminal().window_code if is_chosen() else ""
    windows = [
        {"value": window.code, "label": window.name, "note": window.location, "disabled": not window.is_open}
        for window in pharmacy.windows(edge.current_uow())
    ]
    return work.page("terminal/window.html", PLACE, windows=windows, here=here)


@blueprint.post("/window")
def take_window() -> edge.Answer:
    """This browser stands at the chosen window until another is chosen or somebody else logs in."""
    window = pharmacy.window_by_code(edge.current_uow(), work.typed("window", 24))
    if window is None or not window.is_open:
        raise NotFound
    if not is_chosen() or terminal().window_code != window.code:
        session["terminal"] = {"code": f"{window.code[:16]}-{new_digits(6)}", "window": window.code}
    flash(gettext("本终端服务于%(name)s", name=window.name), "ok")
    return redirect(url_for("terminal.home"))


@blueprint.get("/set-up")
def set_up() -> edge.Answer:
    """How the scanner gun must be set, with a code to try it on."""
    return work.page(
        "terminal/set_up.html", PLACE, code_svg=qr.svg(TEST_CODE, version=1, label=gettext("测试码")), digits=TEST_CODE
    )


@blueprint.post("/set-up")
def try_gun() -> edge.Answer:
    """Says whether the gun typed what the test code says."""
    got = work.typed("code", 60)
    if got == TEST_CODE:
        flash(gettext("扫码枪设置正确，收到 22 位数字"), "ok")
    else:
        flash(gettext("收到 %(count)s 个字符，与测试码不同；请按下面的步骤重新设置", count=len(got)), "bad")
    return redirect(url_for("terminal.set_up"))
