"""Picking bags: from the paid bill to the checked bag in its bin, with the label on it."""

from __future__ import annotations

from flask import flash, redirect, url_for
from flask_babel import gettext

from app.identity import for_staff
from app.kernel import audit
from app.kernel.uow import Uow
from app.paper.labels import LabelLine, LabelPaper, render_label
from app.pharmacy import service as pharmacy
from app.pharmacy.models import Bag
from app.pharmacy.states import BagState
from app.web import edge, paper_words, show, show_work, work
from app.web.live import fragment
from app.web.printing import printed
from app.web.terminal import PLACE, blueprint, contents
from app.web.terminal.place import terminal
from app.web.terminal.verdicts import bin_name

LABELLED = (BagState.PICKING, BagState.READY, BagState.BEING_SERVED)


@blueprint.get("/picking")
def picking_queue() -> edge.Answer:
    """What this window has to pick, to check and to hand over, longest waiting first."""
    return work.page("terminal/picking.html", PLACE, rows=_rows(edge.current_uow()))


@blueprint.get("/picking/live")
def picking_part() -> edge.Answer:
    """The list alone, or 304 while nothing moved."""
    return fragment("terminal/picking_part.html", rows=_rows(edge.current_uow()))


def _rows(uow: Uow) -> list[dict[str, object]]:
    queue = pharmacy.queue(uow, window_code=terminal().window_code)
    names = for_staff.names(uow, {bag.picker_id for bag, _ in queue if bag.picker_id})
    return [
        {
            "number": bag.number,
            "name": name,
            "tag": show_work.tag(bag.state),
            "place": bin_name(bag.window_code, bag.bin_no),
            "waits": show_work.on_day(bag.queued_at) + " " + show_work.exact(bag.queued_at)[6:11]
            if bag.queued_at
            else "",
            "picker": names.get(bag.picker_id or 0, ""),
            "href": url_for("terminal.picking_bag", bag_id=bag.public_id),
        }
        for bag, name in queue
    ]


@blueprint.get("/picking/<bag_id>")
def picking_bag(bag_id: str) -> edge.Answer:
    """The drugs of one bag; that they were looked at is on record."""
    uow = edge.current_uow()
    bag = pharmacy.bag_by_public_id(uow, bag_id)
    patient = for_staff.patient_by_id(uow, bag.patient_id)
    audit.record(uow, "bag.read", "patient", patient.public_id, terminal=terminal().code)
    is_own = bag.picker_id == uow.actor.id
    packed = pharmacy.contents_of(uow, bag)
    return work.page(
        "terminal/picking_bag.html",
        PLACE,
        bag_id=bag_id,
        number=bag.number,
        name=patient.name_masked,
        bin=bin_name(bag.window_code, bag.bin_no),
        tag_state=show_work.tag(bag.state),
        picker=for_staff.names(uow, {bag.picker_id}).get(bag.picker_id, "") if bag.picker_id else "",
        lines=contents.rows(packed),
        warning=contents.warning(packed),
        may_start=bag.state == BagState.QUEUED,
        may_check=bag.state == BagState.PICKING and not is_own,
        needs_other=bag.state == BagState.PICKING and is_own,
        label_href=url_for("terminal.label", bag_id=bag_id) if bag.state in LABELLED else "",
    )


@blueprint.post("/picking/<bag_id>/start")
def start_picking(bag_id: str) -> edge.Answer:
    """The pharmacist picks the bag; its label can be printed from now on."""
    uow = edge.current_uow()
    bag = pharmacy.start_picking(
        uow, bag_public_id=bag_id, picker_id=uow.actor.id or 0, window_code=terminal().window_code
    )
    flash(gettext("%(number)s 开始配药", number=bag.number), "ok")
    return redirect(url_for("terminal.picking_bag", bag_id=bag_id))


@blueprint.post("/picking/<bag_id>/ready")
def mark_ready(bag_id: str) -> edge.Answer:
    """A second pharmacist has checked the bag and it stands in its bin; the patient is told."""
    uow = edge.current_uow()
    bag = pharmacy.mark_ready(uow, bag_public_id=bag_id, checker_id=uow.actor.id or 0)
    place = bin_name(bag.window_code, bag.bin_no)
    flash(gettext("%(number)s 已核对，请放入 %(place)s", number=bag.number, place=place), "ok")
    return redirect(url_for("terminal.picking_queue"))


@blueprint.get("/picking/<bag_id>/label.pdf")
def label(bag_id: str) -> edge.Answer:
    """The bag's label for the thermal printer; refuses `pdf_unavailable` where this machine cannot print."""
    uow = edge.current_uow()
    bag = pharmacy.bag_by_public_id(uow, bag_id)
    with paper_words.of_hospital():
        paper = _label(uow, bag)
    audit.record(uow, "bag.print_label", "bag", bag.public_id)
    return work.pdf(printed(lambda: render_label(paper)), f"label-{bag.number}")


def _label(uow: Uow, bag: Bag) -> LabelPaper:
    names = for_staff.names(uow, {key for key in (bag.picker_id, bag.checker_id) if key})
    return LabelPaper(
        bin_name=bin_name(bag.window_code, bag.bin_no),
        window=bag.window_code,
        patient_name_masked=for_staff.patient_by_id(uow, bag.patient_id).name_masked,
        pickup_number=bag.number,
        bag_index=1,
        bag_count=1,
        bag_code=bag.bag_code,
        lines=tuple(
            LabelLine(
                drug=f"{each.line.drug_name} {each.line.spec} × {each.quantity}{each.line.unit}",
                dose=show.usage_words(each.line),
            )
            for each in pharmacy.contents_of(uow, bag)
            if each.quantity
        ),
        prepared_by=names.get(bag.picker_id or 0, ""),
        checked_by=names.get(bag.checker_id or 0, ""),
    )


@blueprint.get("/uncollected")
def uncollected() -> edge.Answer:
    """Bags that wait in their bins for longer than four hours, oldest first."""
    uow = edge.current_uow()
    rows = [
        [
            bag.number,
            name,
            bin_name(bag.window_code, bag.bin_no),
            show_work.ago_words(bag.ready_at, uow.now()) if bag.ready_at else "",
        ]
        for bag, name in pharmacy.uncollected(uow)
    ]
    return work.page("terminal/uncollected.html", PLACE, rows=rows)
