"""Posters and other channels: made here, printed here, and how many patients each of them brought how far."""

from __future__ import annotations

from datetime import timedelta

from flask import flash, redirect, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _l

from app.analytics import for_staff
from app.analytics import service as analytics
from app.analytics.models import Channel, ChannelKind
from app.analytics.rules import Cell
from app.analytics.service import FunnelRow
from app.kernel.uow import Uow
from app.paper import qr
from app.paper.poster import PosterPaper, render_poster
from app.registration import another_place, at_desk, by_client, waitlist
from app.revisit.service import REVISIT_SOURCE
from app.runtime import runtime
from app.web import edge, show_work, work
from app.web.printing import printed
from app.web.staff import ADMIN, OPERATIONS, PLACE, blueprint

SINCE_DAYS = 30
# Ways to a place that are no poster's.
WAYS: dict[str, object] = {
    REVISIT_SOURCE: _l("复诊提醒"),
    waitlist.SOURCE: _l("候补"),
    another_place.SOURCE: _l("停诊改约"),
    at_desk.SOURCE: _l("挂号窗口"),
    by_client.SOURCE: _l("其他系统"),
}


@blueprint.get("/channels")
@work.needs(ADMIN, OPERATIONS)
def channels() -> edge.Answer:
    """All channels, the funnel of the last thirty days, and the form for a new one."""
    uow = edge.current_uow()
    return work.page(
        "staff/channels.html",
        PLACE,
        channels=[_row(found) for found in analytics.channels(uow)],
        funnel=_funnel(uow),
        since_days=SINCE_DAYS,
        kinds=[(kind.value, str(words)) for kind, words in show_work.CHANNEL_KINDS.items()],
    )


def _row(found: Channel) -> dict[str, object]:
    return {
        "name": found.name,
        "place": found.place,
        "kind": str(show_work.CHANNEL_KINDS[found.kind]),
        "is_open": found.is_open,
        "href": url_for("staff.channel", channel_id=found.public_id),
    }


def _funnel(uow: Uow) -> list[list[str]]:
    rows = analytics.funnel(uow, since_day=uow.today() - timedelta(days=SINCE_DAYS))
    return [_funnel_row(row) for row in rows]


def _funnel_row(row: FunnelRow) -> list[str]:
    cells = (row.scans, row.visitors, row.held, row.booked, row.arrived, row.collected, row.revisit)
    return [_name(row), *(_cell(cell) for cell in cells)]


def _name(row: FunnelRow) -> str:
    if row.name:
        return row.name
    if row.code in WAYS:
        return str(WAYS[row.code])
    return str(gettext("未知渠道 %(code)s", code=row.code) if row.code else gettext("没有扫码"))


def _cell(cell: Cell) -> str:
    """The count with its share of the stage before; small counts are not shown, so that nobody is recognised."""
    if cell.is_small:
        return "< 5"
    return str(cell.count) if cell.share_bp is None else f"{cell.count} ({cell.share_bp // 100}%)"


@blueprint.post("/channels")
@edge.do_once
@work.needs(ADMIN, OPERATIONS)
def file_channel() -> edge.Answer:
    """A new channel with its own code."""
    made = analytics.file_channel(
        edge.current_uow(),
        name=work.typed("name", 60),
        place=work.typed("place", 80),
        kind=ChannelKind(work.one_of(work.typed("kind", 12), ChannelKind, ChannelKind.POSTER.value)),
        target=work.typed("target", 201),
    )
    flash(gettext("渠道“%(name)s”已建立", name=made.name), "ok")
    return redirect(url_for("staff.channel", channel_id=made.public_id))


def _url(found: Channel) -> str:
    return f"{runtime().settings.base_url}/c/{found.code}"


@blueprint.get("/channels/<channel_id>")
@work.needs(ADMIN, OPERATIONS)
def channel(channel_id: str) -> edge.Answer:
    """One channel: its code to look at, its poster to print."""
    found = for_staff.channel(edge.current_uow(), channel_id)
    return work.page(
        "staff/channel.html",
        PLACE,
        channel=_row(found),
        channel_id=channel_id,
        url=_url(found),
        code_svg=qr.url_svg(_url(found), label=gettext("渠道二维码")),
    )


@blueprint.get("/channels/<channel_id>/poster.pdf")
@work.needs(ADMIN, OPERATIONS)
def poster(channel_id: str) -> edge.Answer:
    """The channel's poster on A4; refuses `pdf_unavailable` where this machine cannot print."""
    found = for_staff.channel(edge.current_uow(), channel_id)
    paper = PosterPaper(hospital=runtime().settings.hospital_name, title=found.name, place=found.place, url=_url(found))
    return work.pdf(printed(lambda: render_poster(paper)), f"poster-{found.code}")


@blueprint.post("/channels/<channel_id>/close")
@work.needs(ADMIN, OPERATIONS)
def close_channel(channel_id: str) -> edge.Answer:
    """The channel's scans are not counted any more; its code still leads to its page."""
    analytics.close_channel(edge.current_uow(), channel_id)
    flash(gettext("渠道已停用"), "ok")
    return redirect(url_for("staff.channel", channel_id=channel_id))
