"""Who may see and do what at the working places: every page and form, asked for by every role that it is not for."""

from __future__ import annotations

from werkzeug.routing import Rule

from tests.web.work_fixtures import ROLES, House, house

__all__ = ["house"]
# Working place and roles: the pages and forms that are theirs. Whoever adds one says here whose it is.
MAY = {
    ("desk", "doctor"): """
        call_next do_prescribe follow_up move_ticket prescribe queue_part session_queue sessions undo visit_page
        void withdraw_follow_up
    """,
    ("desk", "doctor nurse registrar"): """
        home
    """,
    ("desk", "nurse"): """
        arrived check_in do_check_in hand_over rejoin take_back_check_in
    """,
    ("desk", "nurse registrar"): """
        accept_offer at_window cancel_visit change_phone decline_offer find_patient join_waitlist leave_waitlist
        prove record_consent register register_patient slip take_back_proof to_be_told waiting_slip
        withdraw_consent
    """,
    ("review", "reviewer"): """
        approve home one send_back
    """,
    ("staff", "admin"): """
        change_member demand_second_step give_password let_in lock_out member members take_on
        take_second_step_away
    """,
    ("staff", "admin auditor"): """
        audit_trail
    """,
    ("staff", "admin auditor cashier finance it operations"): """
        home
    """,
    ("staff", "admin auditor cashier finance operations"): """
        payments
    """,
    ("staff", "admin auditor finance operations"): """
        settlements
    """,
    ("staff", "admin auditor operations"): """
        find_patient patient patients waits
    """,
    ("staff", "admin finance operations"): """
        decide_settlement
    """,
    ("staff", "admin it"): """
        amend_peer close_refused code_table code_tables dead file_peer hl7 hl7_in hl7_out hl7_search lay_to_rest
        new_peer pause_peer peer peers resume_peer save_code_table send_again
    """,
    ("staff", "admin it operations"): """
        messages save_template template templates
    """,
    ("staff", "admin operations"): """
        answer_appeal appeals be_off calendar channel channels close_channel copy_shifts copy_week doctor_shifts
        drop_exception drop_shift file_channel file_lobby keep_places lobbies move_screen new_rules open_ahead
        poster
        release_session rules say_of_day schedules session_page shifts stop_session substitute take_day_back
        try_rules write_exception write_rules write_shift
    """,
    ("staff", "auditor cashier finance"): """
        refund_claims
    """,
    ("staff", "auditor finance operations"): """
        day_end day_end_table ledger ledger_bill reconciliation reconciliation_case signed_day
    """,
    ("staff", "cashier finance"): """
        ask_refund refund_bill
    """,
    ("staff", "finance"): """
        bring_statement close_case compare_again decide_refund fetch_statement_again leave_case resend_booking
        see_to_order sign_day take_statement try_refunds
    """,
    ("staff", "it"): """
        hl7_again hl7_again_do hl7_close_found hl7_in_reveal hl7_out_reveal hl7_replay
    """,
    ("terminal", "pharmacist"): """
        choose_window done hand_over home label let_go mark_ready match mismatch picking_bag picking_part
        picking_queue scan scanned serve set_up start_picking take_window try_gun uncollected undo
    """,
    ("window", "cashier"): """
        agree begin_shift bill cashier drawer end_shift find_payer hand_back payer receipt receipt_pdf shift
        take_card take_cash
    """,
    ("window", "invoice_clerk"): """
        by_visit choose_paper file_again home scan sheet_pdf sheets sheets_pdf
    """,
}
WHOSE = {f"{place}.{name}": set(roles.split()) for (place, roles), names in MAY.items() for name in names.split()}
PLACES = {place for place, _ in MAY}
INSIDE = {place: {role for at, roles in MAY if at == place for role in roles.split()} for place in PLACES}


def rules(house: House) -> list[Rule]:
    return [rule for rule in house.app.url_map.iter_rules() if rule.endpoint.partition(".")[0] in PLACES]


def address(rule: Rule) -> str:
    """The page of a record that nobody has: who may not see it is told so before it is looked for."""
    path = rule.rule
    for name in rule.arguments:
        path = path.replace(f"<{name}>", "x").replace(f"<int:{name}>", "1")
    return path


def test_every_page_and_form_says_whose_it_is(house: House) -> None:
    assert {rule.endpoint for rule in rules(house)} == set(WHOSE)


def test_nobody_enters_a_page_or_sends_a_form_that_is_not_theirs(house: House) -> None:
    """Asked by everybody whom the place lets in at all, and by two whom it does not."""
    opened = {}
    for login in sorted(set(ROLES) - {"checker"}):
        browser, roles = house.browser(login), set(ROLES[login])
        for rule in rules(house):
            is_asked = login in {"picker", "reviewer"} or INSIDE[rule.endpoint.partition(".")[0]] & roles
            if is_asked and not WHOSE[rule.endpoint] & roles:
                for method in sorted((rule.methods or set()) & {"GET", "POST"}):
                    opened[login, method, rule.endpoint] = browser.open(address(rule), method=method).status_code

    assert len(opened) > 500
    assert {asked: status for asked, status in opened.items() if status != 403} == {}
