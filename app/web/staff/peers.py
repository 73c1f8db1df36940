"""The other systems that speak HL7 with us: who they are, what is agreed with each, and who changed it when."""

from __future__ import annotations

from flask import flash, redirect, url_for
from flask_babel import gettext

from app.kernel import peers as agreements
from app.kernel.peers import BadPeer, Change, Peer, PeerTaken
from app.web import edge, show_work, work
from app.web.staff import ADMIN, IT, PLACE, blueprint, peer_terms


@blueprint.get("/peers")
@work.needs(ADMIN, IT)
def peers() -> edge.Answer:
    """Every system on file."""
    return work.page("staff/peers.html", PLACE, rows=[_row(found) for found in agreements.peers(edge.current_uow())])


def _row(found: Peer) -> dict[str, object]:
    return {
        "name": found.name,
        "sender": f"{found.application} | {found.facility}",
        "mode": peer_terms.said("ack_mode", found.ack_mode.value),
        "addresses": ", ".join(found.addresses) or gettext("不限"),
        "out": f"{found.out_host}:{found.out_port}" if found.out_host else "—",
        "is_paused": found.is_paused,
        "version": found.version,
        "href": url_for("staff.peer", peer_id=found.public_id),
    }


@blueprint.get("/peers/new")
@work.needs(ADMIN, IT)
def new_peer() -> edge.Answer:
    """The form for a system that is on no file yet, with the usual terms."""
    return _form(Peer(application=work.asked("application"), facility=work.asked("facility")), {})


@blueprint.post("/peers")
@edge.do_once
@work.needs(ADMIN, IT)
def file_peer() -> edge.Answer:
    """The system is on file; the form is shown again where it cannot be agreed."""
    wanted = peer_terms.typed_peer(Peer())
    try:
        made = agreements.file_peer(edge.current_uow(), wanted)
    except (BadPeer, PeerTaken) as refusal:
        return _again(refusal, wanted)
    flash(gettext("“%(name)s”已登记", name=made.name), "ok")
    return redirect(url_for("staff.peer", peer_id=made.public_id))


@blueprint.get("/peers/<peer_id>")
@work.needs(ADMIN, IT)
def peer(peer_id: str) -> edge.Answer:
    """One system: what is agreed, to be changed, and every change so far."""
    return _form(agreements.peer(edge.current_uow(), peer_id), {})


@blueprint.post("/peers/<peer_id>")
@work.needs(ADMIN, IT)
def amend_peer(peer_id: str) -> edge.Answer:
    """The agreement is as the form says, one version on, or the form is shown again; refuses `peer_changed`."""
    uow = edge.current_uow()
    wanted = peer_terms.typed_peer(agreements.peer(uow, peer_id))
    try:
        made = agreements.amend_peer(uow, wanted)
    except (BadPeer, PeerTaken) as refusal:
        return _again(refusal, wanted)
    flash(gettext("已保存为第 %(version)s 版", version=made.version), "ok")
    return redirect(url_for("staff.peer", peer_id=peer_id))


@blueprint.post("/peers/<peer_id>/pause")
@work.needs(ADMIN, IT)
def pause_peer(peer_id: str) -> edge.Answer:
    """Nothing is taken from the system and nothing sent to it."""
    made = agreements.pause(edge.current_uow(), peer_id)
    flash(gettext("“%(name)s”已暂停：不收也不发", name=made.name), "warn")
    return redirect(url_for("staff.peer", peer_id=peer_id))


@blueprint.post("/peers/<peer_id>/resume")
@work.needs(ADMIN, IT)
def resume_peer(peer_id: str) -> edge.Answer:
    """The system is served again."""
    made = agreements.resume(edge.current_uow(), peer_id)
    flash(gettext("“%(name)s”已恢复", name=made.name), "ok")
    return redirect(url_for("staff.peer", peer_id=peer_id))


def _again(refusal: BadPeer | PeerTaken, wanted: Peer) -> edge.Answer:
    """The form with all that was typed, and what cannot be agreed said at its field."""
    if isinstance(refusal, PeerTaken):
        return _form(wanted, {"application": gettext("同样的 MSH-3 和 MSH-4 已有登记，请修改已有的登记")}), 409
    found = refusal.facts["fields"]
    return _form(wanted, peer_terms.errors(found if isinstance(found, dict) else {}, wanted)), 422


def _form(shown: Peer, errors: dict[str, str]) -> str:
    changes = agreements.changes_of(edge.current_uow(), shown.public_id) if shown.is_known else []
    return work.page(
        "staff/peer.html",
        PLACE,
        peer=shown,
        values=peer_terms.fields(shown),
        labels={name: str(words) for name, words in peer_terms.LABELS.items()},
        hints={name: str(words) for name, words in peer_terms.HINTS.items()},
        options=peer_terms.options(),
        errors=errors,
        changes=[_change_row(change) for change in changes],
    )


def _change_row(change: Change) -> dict[str, object]:
    return {
        "version": change.version,
        "at": show_work.exact(change.changed_at),
        "by": change.by_ref or "—",
        "terms": [
            {
                "label": str(peer_terms.LABELS[name]),
                "before": peer_terms.said(name, before) if change.version > 1 else "",
                "after": peer_terms.said(name, after),
            }
            for name, (before, after) in change.terms.items()
        ],
    }
