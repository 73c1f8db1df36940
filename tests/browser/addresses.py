"""Where every page is: each GET route with the addresses at which the morning's hospital has something to show."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Flask

SURFACES = ("patient", "entrance", "public", "terminal", "desk", "review", "window", "board", "staff")


@dataclass(frozen=True)
class Address:
    """A page's address and who opens it (a key of the hospital's people, a kind of staff, '' for nobody)."""

    who: str
    path: str


# route: (who, path) …; {…} is one of the hospital's ids.
PAGES: dict[str, tuple[tuple[str, str], ...]] = {
    "patient.home": (
        ("zhang", "/"),
        ("zheng", "/"),
        ("li", "/"),
        ("qian", "/"),
        ("sun", "/"),
        ("wu", "/"),
        ("newcomer", "/"),
    ),
    "patient.departments": (("zhang", "/departments"),),
    "patient.department": (("zhang", "/departments/GI"), ("zhang", "/departments/PED?day=2026-11-25")),
    "patient.clinic_session": (("zhang", "/sessions/{session.other}"), ("newcomer", "/sessions/{session.other}")),
    "patient.registrations_list": (("zhang", "/registrations"), ("newcomer", "/registrations")),
    "patient.registration": (
        ("zheng", "/registrations/{visit.held}"),
        ("li", "/registrations/{visit.waiting}"),
        ("he", "/registrations/{visit.cancelled}"),
        ("lin", "/registrations/{visit.booked}"),
    ),
    "patient.ask_cancel": (
        ("lin", "/registrations/{visit.booked}/cancel"),
        ("zheng", "/registrations/{visit.held}/cancel"),
    ),
    "patient.move": (
        ("lin", "/registrations/{visit.booked}/move"),
        ("lin", "/registrations/{visit.booked}/move?all=1"),
    ),
    "patient.waiting_list": (("zhang", "/waitlist"), ("he", "/waitlist"), ("newcomer", "/waitlist")),
    "patient.join_form": (
        ("he", "/waitlist/new?session={session.full}"),
        ("newcomer", "/waitlist/new?department=GI"),
    ),
    "patient.confirm_move": (("lin", "/registrations/{visit.booked}/move/{session.after}"),),
    "patient.check_in_list": (("li", "/check-in"), ("newcomer", "/check-in")),
    "patient.visit": (
        ("zhang", "/visits/{visit.ready}"),
        ("li", "/visits/{visit.waiting}"),
        ("qian", "/visits/{visit.called}"),
        ("zhou", "/visits/{visit.passed}"),
        ("chen", "/visits/{visit.serving}"),
        ("feng", "/visits/{visit.review}"),
        ("sun", "/visits/{visit.billed}"),
        ("wu", "/visits/{visit.collected}"),
    ),
    "patient.bills": (("zhang", "/bills"), ("sun", "/bills"), ("newcomer", "/bills")),
    "patient.bill": (("zhang", "/bills/{bill.paid}"), ("sun", "/bills/{bill.open}"), ("zheng", "/bills/{bill.held}")),
    "patient.ask_decline": (("sun", "/bills/{bill.open}/decline?line=3"),),
    "patient.paying": (("sun", "/bills/{bill.open}/paying"), ("zheng", "/bills/{bill.held}/paying")),
    "patient.prescription": (("zhang", "/prescriptions/{prescription.ready}"),),
    "patient.pickup": (("zhang", "/pickup/{bag.ready}"), ("wu", "/pickup/{bag.collected}")),
    "patient.invoices": (("zhang", "/invoices"), ("newcomer", "/invoices")),
    "patient.invoice": (("zhang", "/invoices/{invoice}"),),
    "patient.reports": (("zhang", "/reports"), ("newcomer", "/reports")),
    "patient.report": (("zhang", "/reports/{report.LAB1}"), ("zhang", "/reports/{report.LAB2}")),
    "patient.suspensions": (("zhang", "/suspensions"),),
    "patient.revisits": (("zhang", "/revisits"), ("newcomer", "/revisits")),
    "patient.revisit": (("zhang", "/revisits/{plan}"),),
    "patient.messages": (("zhang", "/messages"), ("newcomer", "/messages")),
    "patient.me": (("zhang", "/me"),),
    "patient.patients": (("zhang", "/patients"), ("newcomer", "/patients")),
    "patient.insurance_of": (("zhang", "/patients/{patient}/insurance"),),
    "patient.new_patient": (("zhang", "/patients/new"),),
    "patient.consent": (("zhang", "/patients/{patient.child}/consent"),),
    "patient.ask_unbind": (("zhang", "/patients/{patient.child}/unbind"),),
    "entrance.log_in": (("", "/login"),),
    "entrance.code": (("asked", "/login/code"),),
    "entrance.send_again": (("lin", "/unsent"),),
    "entrance.staff_log_in": (("", "/staff/login"),),
    "entrance.own_password": (("admin", "/staff/password"),),
    "entrance.second_step": (("admin", "/staff/second-step"),),
    "public.verify": (("", "/verify"),),
    "public.verify_one": (("", "{verify}"),),
    "terminal.home": (("checker", "/terminal/"),),
    "terminal.choose_window": (("checker", "/terminal/window"),),
    "terminal.set_up": (("checker", "/terminal/set-up"),),
    "terminal.scanned": (
        ("checker", "/terminal/scans/{scan.already_collected}"),
        ("checker", "/terminal/scans/{scan.poster_code}"),
    ),
    "terminal.serve": (("checker", "/terminal/bags/{bag.served}"), ("picker", "/terminal/bags/{bag.ready}")),
    "terminal.mismatch": (("checker", "/terminal/bags/{bag.served}/scans/{scan.wrong_bag}"),),
    "terminal.done": (("checker", "/terminal/bags/{bag.collected}/done"),),
    "terminal.picking_queue": (("picker", "/terminal/picking"),),
    "terminal.picking_bag": (("picker", "/terminal/picking/{bag.queued}"), ("picker", "/terminal/picking/{bag.ready}")),
    "terminal.uncollected": (("picker", "/terminal/uncollected"),),
    "desk.sessions": (("doctor", "/desk/sessions"),),
    "desk.session_queue": (("doctor", "/desk/sessions/{session}"), ("other_doctor", "/desk/sessions/{session.other}")),
    "desk.visit_page": (("doctor", "/desk/visits/{visit.ready}"), ("other_doctor", "/desk/visits/{visit.serving}")),
    "desk.prescribe": (("other_doctor", "/desk/visits/{visit.serving}/prescribe"),),
    "desk.register": (("nurse", "/desk/register"),),
    "desk.at_window": (
        ("nurse", "/desk/patients/{patient.child}?department=GI"),
        ("nurse", "/desk/patients/{patient}?department=GI&moving={visit.booked}"),
    ),
    "desk.slip": (("nurse", "/desk/registrations/{visit.held}/slip"),),
    "desk.waiting_slip": (("nurse", "/desk/waitlist/{entry.offered}/slip"),),
    "desk.to_be_told": (("nurse", "/desk/waitlist"),),
    "desk.check_in": (("nurse", "/desk/check-in"),),
    "desk.arrived": (("nurse", "/desk/arrived/{visit.waiting}"), ("nurse", "/desk/arrived/{visit.passed}")),
    "review.home": (("reviewer", "/review/"),),
    "review.one": (("reviewer", "/review/{prescription.review}"),),
    "window.home": (("clerk", "/window/"),),
    "window.sheets": (("clerk", "/window/prints/{print}"), ("clerk", "/window/prints/{print.refused}")),
    "window.cashier": (("cashier", "/window/cashier"),),
    "window.payer": (("cashier", "/window/cashier/patients/{patient.sun}"),),
    "window.bill": (
        ("cashier", "/window/cashier/bills/{bill.open}"),
        ("cashier", "/window/cashier/bills/{bill.cash}"),
    ),
    "window.receipt": (("cashier", "/window/cashier/receipts/{receipt}"),),
    "window.drawer": (("cashier", "/window/cashier/shift"),),
    "window.shift": (("cashier", "/window/cashier/shifts/{shift}"),),
    "board.home": (("", "/board/"),),
    "board.door": (("", "/board/GI/door?room=305"), ("", "/board/CV/door?room=315"), ("", "/board/GI/door?room=999")),
    "board.lobby": (("", "/board/check-in/HALL/{lobby.key}"),),
    "board.department": (("", "/board/GI"), ("", "/board/PED")),
    "staff.home": (("admin", "/staff/"),),
    "staff.schedules": (("admin", "/staff/schedules"),),
    "staff.shifts": (("admin", "/staff/shifts"),),
    "staff.doctor_shifts": (("admin", "/staff/shifts/doctor?doctor=D001"),),
    "staff.calendar": (("admin", "/staff/calendar"),),
    "staff.session_page": (("admin", "/staff/schedules/{session}"),),
    "staff.rules": (("admin", "/staff/rules"), ("admin", "/staff/rules?scope=d:GI")),
    "staff.new_rules": (("admin", "/staff/rules/new"),),
    "staff.waits": (("admin", "/staff/waits"),),
    "staff.lobbies": (("admin", "/staff/lobbies"), ("admin", "/staff/lobbies?lobby=HALL")),
    "staff.appeals": (("admin", "/staff/appeals"),),
    "staff.channels": (("admin", "/staff/channels"),),
    "staff.channel": (("admin", "/staff/channels/{channel}"),),
    "staff.messages": (("admin", "/staff/messages"),),
    "staff.templates": (("admin", "/staff/templates"),),
    "staff.template": (("admin", "/staff/templates/booked"), ("admin", "/staff/templates/reported")),
    "staff.hl7": (("admin", "/staff/hl7"), ("admin", "/staff/hl7?direction=out")),
    "staff.hl7_in": (("admin", "/staff/hl7/in/{hl7.refused}"),),
    "staff.hl7_out": (("admin", "/staff/hl7/out/{hl7.dead}"),),
    "staff.hl7_again": (("admin", "/staff/hl7/again?state=refused"),),
    "staff.peers": (("admin", "/staff/peers"),),
    "staff.peer": (("admin", "/staff/peers/{peer}"),),
    "staff.new_peer": (("admin", "/staff/peers/new"),),
    "staff.code_tables": (("admin", "/staff/codes"),),
    "staff.code_table": (("admin", "/staff/codes/sex"),),
    "staff.dead": (("admin", "/staff/dead"),),
    "staff.patients": (("admin", "/staff/patients"),),
    "staff.patient": (("admin", "/staff/patients/{patient}"),),
    "staff.payments": (("admin", "/staff/payments"), ("admin", "/staff/payments?list=refunds")),
    "staff.settlements": (("admin", "/staff/settlements"),),
    "staff.members": (("admin", "/staff/people"),),
    "staff.member": (("admin", "/staff/people/{staff}"),),
    "staff.refund_claims": (("admin", "/staff/refunds"),),
    "staff.refund_bill": (("admin", "/staff/refunds/bills/{bill.paid}"),),
    "staff.reconciliation": (("admin", "/staff/reconciliation"),),
    "staff.day_end": (
        ("admin", "/staff/reconciliation/day"),
        ("admin", "/staff/reconciliation/day?day=2026-11-23"),  # today, with a drawer that is not counted
        ("admin", "/staff/reconciliation/day?day=2026-11-21"),  # signed off
    ),
    "staff.signed_day": (("admin", "/staff/reconciliation/day/signed?day=2026-11-21"),),
    "staff.bring_statement": (("admin", "/staff/reconciliation/pos"),),
    "staff.reconciliation_case": (
        ("admin", "/staff/reconciliation/cases/{case}"),
        ("admin", "/staff/reconciliation/cases/{case.hospital}"),
    ),
    "staff.ledger": (("admin", "/staff/ledger?prove=1"),),
    "staff.ledger_bill": (("admin", "/staff/ledger/bills/{bill.paid}"),),
    "staff.audit_trail": (("admin", "/staff/audit?verify=1"),),
}
# GET routes that are no page of their own, and why.
NO_PAGES = {
    "staff.day_end_table": "a file to save",
    "patient.home_live": "a part of the front page",
    "patient.release_live": "a part of the department's page",
    "patient.visit_live": "a part of the visit's page",
    "patient.hospital_word": "a part of the registration's page",
    "patient.fee_live": "a part of the registration's page",
    "patient.pickup_live": "a part of the pickup page",
    "patient.paying_live": "a part of the payment page",
    "patient.invoice_pdf": "a PDF",
    "entrance.wechat": "leads to WeChat",
    "entrance.wechat_back": "leads on from WeChat",
    "public.poster": "leads to the booking",
    "terminal.picking_part": "a part of the picking page",
    "terminal.label": "a PDF",
    "desk.home": "leads to the sessions or to the check-in",
    "desk.queue_part": "a part of the queue's page",
    "window.sheet_pdf": "a PDF",
    "window.sheets_pdf": "a PDF",
    "window.receipt_pdf": "a PDF",
    "board.live": "a part of the board",
    "board.clip": "a sound",
    "board.door_live": "a part of the door's screen",
    "board.lobby_live": "a part of the lobby's screen",
    "public.lobby": "leads to the check-in",
    "staff.poster": "a PDF",
}


def addresses(endpoint: str, ids: dict[str, str]) -> list[Address]:
    """The addresses of the route's pages in the hospital with these ids."""
    return [Address(who, _filled(path, ids)) for who, path in PAGES[endpoint]]


def _filled(path: str, ids: dict[str, str]) -> str:
    for name, value in ids.items():
        path = path.replace("{" + name + "}", value)
    assert "{" not in path, f"nothing in the hospital has this name: {path}"
    return path


def get_routes(app: Flask) -> set[str]:
    """The endpoints of every surface that answer GET."""
    return {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if "GET" in (rule.methods or ()) and rule.endpoint.split(".")[0] in SURFACES
    }
