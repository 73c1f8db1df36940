"""What a doctor's desk may send as a prescription; anything else is refused field by field."""

from __future__ import annotations

from typing import Any

from marshmallow import RAISE, Schema, fields, post_load, validate

from app.prescription.orders import DeskLineIn, DeskOrderIn, PrescriptionKind
from app.prescription.rules import LINE_TEXTS, MOST_LINES, ORDER_TEXTS


class DeskLineSchema(Schema):
    """One drug line."""

    class Meta:
        """An unknown field is a mistake of the page, and said so."""

        unknown = RAISE

    drug_code = fields.String(required=True, validate=validate.Length(min=1, max=LINE_TEXTS["drug_code"][0]))
    quantity = fields.Integer(required=True)
    days = fields.Integer(required=True)
    dose = fields.String(load_default="", validate=validate.Length(max=LINE_TEXTS["dose"][0]))
    route = fields.String(load_default="", validate=validate.Length(max=LINE_TEXTS["route"][0]))
    frequency = fields.String(load_default="", validate=validate.Length(max=LINE_TEXTS["frequency"][0]))

    @post_load
    def _made(self, data: dict[str, Any], **_: object) -> DeskLineIn:
        return DeskLineIn(**data)


class DeskOrderSchema(Schema):
    """A whole prescription for one visit."""

    class Meta:
        """An unknown field is a mistake of the page, and said so."""

        unknown = RAISE

    registration_public_id = fields.String(required=True, validate=validate.Length(max=26))
    diagnosis_code = fields.String(load_default="", validate=validate.Length(max=ORDER_TEXTS["diagnosis_code"][0]))
    diagnosis_text = fields.String(load_default="", validate=validate.Length(max=ORDER_TEXTS["diagnosis_text"][0]))
    kind = fields.Enum(PrescriptionKind, by_value=True, load_default=PrescriptionKind.ORDINARY)
    long_course_reason = fields.String(
        load_default="", validate=validate.Length(max=ORDER_TEXTS["long_course_reason"][0])
    )
    lines = fields.List(fields.Nested(DeskLineSchema), required=True, validate=validate.Length(max=MOST_LINES))

    @post_load
    def _made(self, data: dict[str, Any], **_: object) -> DeskOrderIn:
        return DeskOrderIn(**{**data, "lines": tuple(data["lines"])})
