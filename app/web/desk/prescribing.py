"""Writing a prescription at the desk: five rows, each mistake said beside its field, nothing lost by a mistake."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import flash, redirect, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from marshmallow import ValidationError

from app.kernel.errors import Refused
from app.kernel.uow import Uow
from app.prescription import service as prescription
from app.prescription.models import Drug
from app.prescription.orders import DeskOrderIn, PrescriptionKind
from app.prescription.rules import MOST_DRUGS
from app.prescription.schemas import DeskOrderSchema
from app.web import edge, work
from app.web.desk import DOCTOR, PLACE, blueprint, own
from app.web.desk.visit import banner
from app.web.refusals_work import WORDS

KINDS = {
    PrescriptionKind.ORDINARY: _l("普通"),
    PrescriptionKind.EMERGENCY: _l("急诊"),
    PrescriptionKind.PAEDIATRIC: _l("儿科"),
}
ORDER_FIELDS = {"diagnosis_text": 400, "diagnosis_code": 20, "kind": 12, "long_course_reason": 200}
LINE_FIELDS = {"drug": 120, "dose": 60, "frequency": 40, "route": 40, "days": 4, "quantity": 5}
FREQUENCIES = ("qd", "bid", "tid", "qid", "q8h", "qn", "prn")
ROUTES = ("口服", "外用", "含服", "吸入")
# Which field a broken rule is said beside; `#` stands for the row.
FIELD_OF = {
    "no_lines": "drug-1",
    "too_many_drugs": "drug-1",
    "herbal_mixed": "drug-1",
    "diagnosis_required": "diagnosis_text",
    "drug_unknown": "drug-#",
    "quantity_not_valid": "quantity-#",
    "days_not_valid": "days-#",
    "too_many_days": "days-#",
    "drug_not_for_long_course": "days-#",
    "text_not_valid": "diagnosis_text",
}
FIGURES = {"days": _l("天数请填写整数"), "quantity": _l("数量请填写整数"), "drug": _l("请选择药品")}
Fields = Mapping[str, str]


@blueprint.get("/visits/<visit_id>/prescribe")
@work.needs(DOCTOR)
def prescribe(visit_id: str) -> edge.Answer:
    """An empty prescription."""
    return _form(visit_id, {"kind": PrescriptionKind.ORDINARY.value}, {})


@blueprint.post("/visits/<visit_id>/prescribe")
@edge.do_once
@work.needs(DOCTOR)
def do_prescribe(visit_id: str) -> edge.Answer:
    """The prescription is signed and waits for review; a mistake brings the form back with what was typed."""
    sent = _sent()
    uow = edge.current_uow()
    own.visit(uow, visit_id)
    order, errors, rows = _order(uow, visit_id, sent)
    if order is None:
        return _again(visit_id, sent, errors)
    try:
        written = prescription.write_at_desk(uow, order=order)
    except Refused as error:
        if error.http_status != 422:
            raise
        return _again(visit_id, sent, _said(error, rows))
    flash(gettext("处方 %(number)s 已提交审核", number=written.number), "ok")
    return redirect(url_for("desk.visit_page", visit_id=visit_id))


def _sent() -> dict[str, str]:
    names = dict(ORDER_FIELDS)
    for row in range(1, MOST_DRUGS + 1):
        names |= {f"{name}-{row}": at_most for name, at_most in LINE_FIELDS.items()}
    return {name: work.typed(name, at_most) for name, at_most in names.items()}


def _order(uow: Uow, visit_id: str, sent: Fields) -> tuple[DeskOrderIn | None, dict[str, str], list[int]]:
    """The order as typed, or what is wrong by field; and which row each of its lines stood in."""
    by_text = {text: drug.code for drug in prescription.drugs(uow) for text in _names(drug)}
    rows = [row for row in range(1, MOST_DRUGS + 1) if any(sent[f"{name}-{row}"] for name in ("drug", "quantity"))]
    lines = [
        {
            "drug_code": by_text.get(sent[f"drug-{row}"].casefold(), sent[f"drug-{row}"][:40]),
            "quantity": sent[f"quantity-{row}"],
            "days": sent[f"days-{row}"],
            "dose": sent[f"dose-{row}"],
            "route": sent[f"route-{row}"],
            "frequency": sent[f"frequency-{row}"],
        }
        for row in rows
    ]
    said = {name: sent[name] for name in ORDER_FIELDS}
    unknown = {
        f"drug-{row}": _words("drug_unknown", row)
        for row, line in zip(rows, lines, strict=True)
        if line["drug_code"] not in by_text.values()
    }
    try:
        order = DeskOrderSchema().load({"registration_public_id": visit_id, "lines": lines, **said})
    except ValidationError as error:
        return None, _unreadable(error.messages_dict, rows) | unknown, rows
    return (None if unknown else order), unknown, rows


def _names(drug: Drug) -> tuple[str, ...]:
    """What may be typed for the drug: its line in the list, its code, its name."""
    return drug_text(drug).casefold(), drug.code.casefold(), drug.name.casefold()


def drug_text(drug: Drug) -> str:
    """AMX250 阿莫西林胶囊 0.25g×24粒: the drug's line in the list."""
    return f"{drug.code} {drug.name} {drug.spec}"


def _unreadable(messages: Mapping[str, Any], rows: list[int]) -> dict[str, str]:
    errors = {name: gettext("内容无法识别") for name in messages if name in ORDER_FIELDS}
    by_line = messages.get("lines", {})
    for index, fields in (by_line if isinstance(by_line, dict) else {}).items():
        for name in fields:
            field = "drug" if name == "drug_code" else name
            what = str(FIGURES.get(field, FIGURES["drug"]))
            errors[f"{field}-{rows[index]}"] = gettext("第 %(row)s 种：%(what)s", row=rows[index], what=what)
    return errors or {"drug-1": gettext("内容无法识别")}


def _said(error: Refused, rows: list[int]) -> dict[str, str]:
    """The broken rule beside the field it speaks of."""
    line_no = error.facts.get("line_no")
    row = rows[line_no - 1] if isinstance(line_no, int) and 0 < line_no <= len(rows) else 0
    field = FIELD_OF.get(error.code, "diagnosis_text").replace("#", str(row or 1))
    if error.code == "text_not_valid" and error.facts.get("field") in LINE_FIELDS:
        field = f"{error.facts['field']}-{row or 1}"
    return {field: _words(error.code, row)}


def _words(code: str, row: int) -> str:
    """The broken rule in words, with the row it was broken in (0: in none)."""
    title, text, _ = WORDS.get(code, WORDS["prescription_rule"])
    where = gettext("第 %(row)s 种：", row=row) if row else ""
    return f"{where}{title}。{text}"


def _again(visit_id: str, sent: Fields, errors: dict[str, str]) -> edge.Answer:
    edge.drop_unit()
    return _form(visit_id, sent, errors), 422


def _form(visit_id: str, sent: Fields, errors: Mapping[str, str]) -> str:
    uow = edge.current_uow()
    visit, patient = own.visit(uow, visit_id)
    return work.page(
        "desk/prescribe.html",
        PLACE,
        visit_id=visit_id,
        banner=banner(uow, visit, patient),
        sent=sent,
        errors=errors,
        summary=[{"field": field, "text": text} for field, text in errors.items()],
        rows=list(range(1, MOST_DRUGS + 1)),
        kinds=[(kind.value, str(words)) for kind, words in KINDS.items()],
        drugs=[drug_text(drug) for drug in prescription.drugs(uow)],
        frequencies=FREQUENCIES,
        routes=ROUTES,
    )
