"""The console of those who run the hospital's day: figures, schedules, channels, messages, HL7, audit, money."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from app.web import edge, work

ADMIN, OPERATIONS, FINANCE, IT, AUDITOR = "admin", "operations", "finance", "it", "auditor"
CASHIER = "cashier"
blueprint = work.surface(
    "staff", prefix="/staff", guard=edge.require_staff(ADMIN, OPERATIONS, FINANCE, CASHIER, IT, AUDITOR)
)


def _roles(*names: str) -> frozenset[str]:
    return frozenset(names)


HL7_PAGES = ("staff.hl7_in", "staff.hl7_in_reveal", "staff.hl7_out", "staff.hl7_out_reveal", "staff.hl7_again")
PEER_PAGES = ("staff.peer", "staff.new_peer", "staff.code_tables", "staff.code_table")
PLANNING_PAGES = (
    *("staff.session_page", "staff.shifts", "staff.doctor_shifts", "staff.calendar"),
    *("staff.write_shift", "staff.write_exception"),
)
RECONCILIATION_PAGES = (
    *("staff.reconciliation_case", "staff.day_end", "staff.signed_day"),
    *("staff.bring_statement", "staff.take_statement"),
)
MEMBER_PAGES = ("staff.member", "staff.take_on", "staff.give_password")
TEMPLATE_PAGES = ("staff.templates", "staff.template")
RULES_PAGES = ("staff.new_rules", "staff.write_rules", "staff.try_rules")
PLACE = work.Place(
    _l("管理台"),
    (
        work.Link(_l("今日"), "staff.home"),
        work.Group(
            _l("门诊"),
            (
                work.Link(_l("排班"), "staff.schedules", _roles(ADMIN, OPERATIONS), PLANNING_PAGES),
                work.Link(_l("规则"), "staff.rules", _roles(ADMIN, OPERATIONS), RULES_PAGES),
                work.Link(_l("候诊时间"), "staff.waits", _roles(ADMIN, OPERATIONS, AUDITOR)),
                work.Link(_l("签到点"), "staff.lobbies", _roles(ADMIN, OPERATIONS)),
                work.Link(_l("渠道"), "staff.channels", _roles(ADMIN, OPERATIONS), ("staff.channel",)),
            ),
        ),
        work.Group(
            _l("患者服务"),
            (
                work.Link(_l("患者查询"), "staff.patients", _roles(ADMIN, OPERATIONS, AUDITOR), ("staff.patient",)),
                work.Link(_l("限约申诉"), "staff.appeals", _roles(ADMIN, OPERATIONS)),
                work.Link(_l("消息"), "staff.messages", _roles(ADMIN, OPERATIONS, IT), TEMPLATE_PAGES),
            ),
        ),
        work.Group(
            _l("财务"),
            (
                work.Link(_l("收费"), "staff.payments", _roles(ADMIN, OPERATIONS, FINANCE, CASHIER, AUDITOR)),
                work.Link(
                    _l("退费复核"), "staff.refund_claims", _roles(FINANCE, CASHIER, AUDITOR), ("staff.refund_bill",)
                ),
                work.Link(
                    _l("对账"), "staff.reconciliation", _roles(OPERATIONS, FINANCE, AUDITOR), RECONCILIATION_PAGES
                ),
                work.Link(_l("医保结算"), "staff.settlements", _roles(ADMIN, OPERATIONS, FINANCE, AUDITOR)),
                work.Link(_l("总账"), "staff.ledger", _roles(OPERATIONS, FINANCE, AUDITOR), ("staff.ledger_bill",)),
            ),
        ),
        work.Group(
            _l("对接"),
            (
                work.Link(_l("HL7 消息"), "staff.hl7", _roles(ADMIN, IT), HL7_PAGES),
                work.Link(_l("对接系统"), "staff.peers", _roles(ADMIN, IT), PEER_PAGES),
                work.Link(_l("发送失败"), "staff.dead", _roles(ADMIN, IT)),
            ),
        ),
        work.Group(
            _l("系统"),
            (
                work.Link(_l("审计"), "staff.audit_trail", _roles(ADMIN, AUDITOR)),
                work.Link(_l("人员"), "staff.members", _roles(ADMIN), MEMBER_PAGES),
            ),
        ),
    ),
)

from app.web.staff import appeals as appeals  # noqa: E402 - the pages hang on the blueprint above
from app.web.staff import audit_trail as audit_trail  # noqa: E402
from app.web.staff import calendar as calendar  # noqa: E402
from app.web.staff import channels as channels  # noqa: E402
from app.web.staff import day_end as day_end  # noqa: E402
from app.web.staff import dead as dead  # noqa: E402
from app.web.staff import hl7 as hl7  # noqa: E402
from app.web.staff import hl7_codes as hl7_codes  # noqa: E402
from app.web.staff import hl7_message as hl7_message  # noqa: E402
from app.web.staff import hl7_repeating as hl7_repeating  # noqa: E402
from app.web.staff import home as home  # noqa: E402
from app.web.staff import ledger as ledger  # noqa: E402
from app.web.staff import lobbies as lobbies  # noqa: E402
from app.web.staff import members as members  # noqa: E402
from app.web.staff import messages as messages  # noqa: E402
from app.web.staff import patients as patients  # noqa: E402
from app.web.staff import payments as payments  # noqa: E402
from app.web.staff import peers as peers  # noqa: E402
from app.web.staff import reconciliation as reconciliation  # noqa: E402
from app.web.staff import refunds as refunds  # noqa: E402
from app.web.staff import rules as rules  # noqa: E402
from app.web.staff import schedules as schedules  # noqa: E402
from app.web.staff import settlements as settlements  # noqa: E402
from app.web.staff import shifts as shifts  # noqa: E402
from app.web.staff import templates as templates  # noqa: E402
from app.web.staff import terminals as terminals  # noqa: E402
from app.web.staff import waits as waits  # noqa: E402
