"""The files in which a hospital is described, table by table: the columns of each, and what becomes of a row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, validate
from sqlalchemy import select

from app.analytics import service as analytics
from app.analytics.models import Channel
from app.insurance import covering
from app.insurance.policies import CatalogueIn, PolicyIn
from app.insurance.rules import ChargeableClass, PolicyTerms
from app.kernel.money import parse_yuan
from app.kernel.uow import Uow
from app.pharmacy import picking
from app.prescription.formulary import DrugIn, file_drug
from app.prescription.orders import DrugCategory
from app.scheduling import master

Row = Mapping[str, Any]
_YES, _NO = frozenset({"yes", "1", "是"}), frozenset({"no", "0", "否", ""})
CLASSES = {"甲": "a", "乙": "b", "丙": "c", "a": "a", "b": "b", "c": "c"}
CATEGORIES = {"西药": "western", "中成药": "patent", "中药饮片": "herbal"} | {
    each.value: each.value for each in DrugCategory
}


def _yuan(cell: str) -> int:
    """Yuan in a cell, fen in the hospital."""
    try:
        return parse_yuan(cell)
    except ValueError as error:
        raise ValidationError("an amount of yuan such as 38 or 38.60") from error


def _basis_points(cell: str) -> int:
    """A per cent with at most two decimals in a cell, basis points in the hospital."""
    try:
        points = parse_yuan(cell)
    except ValueError:
        points = -1
    if not 0 <= points <= 10_000:
        raise ValidationError("a per cent from 0 to 100")
    return points


def _is_yes(cell: str) -> bool:
    if cell.lower() not in _YES | _NO:
        raise ValidationError("yes or no (是 or 否)")
    return cell.lower() in _YES


def _one_of(words: Mapping[str, str]) -> Callable[[str], str]:
    def read(cell: str) -> str:
        if cell not in words:
            raise ValidationError(f"one of {', '.join(words)}")
        return words[cell]

    return read


def _cell(read: Callable[[str], Any], **told: object) -> fields.Function:
    return fields.Function(deserialize=read, **(told or {"required": True}))  # type: ignore[arg-type]


def _text(most: int, *, least: int = 1) -> fields.String:
    within = validate.Length(least, most)
    return fields.String(required=True, validate=within) if least else fields.String(load_default="", validate=within)


def _code(most: int) -> fields.String:
    return fields.String(required=True, validate=validate.Regexp(rf"[A-Za-z0-9._-]{{1,{most}}}\Z"))


class _Columns(Schema):
    class Meta:
        """A column that nobody knows is a mistake in its name."""

        unknown = RAISE


class _Departments(_Columns):
    code = _code(24)
    name = _text(60)
    name_en = _text(60, least=0)
    location = _text(80)
    location_en = _text(80, least=0)
    ticket_letter = fields.String(load_default="", validate=validate.Regexp(r"[A-Z]?\Z"))
    campus_code = _text(24, least=0)


class _Practitioners(_Columns):
    code = _code(24)
    name = _text(60)
    title = _text(40)
    department = _code(24)
    good_at = _text(200, least=0)


class _Drugs(_Columns):
    code = _code(40)
    name = _text(120)
    name_en = _text(120, least=0)
    spec = _text(80)
    dosage_form = _text(40)
    unit = _text(20)
    unit_price_yuan = _cell(_yuan)
    category = _cell(_one_of(CATEGORIES))
    is_excluded_from_long = _cell(_is_yes, load_default=False)
    is_active = _cell(_is_yes, load_default=True)


class _Policies(_Columns):
    code = _code(24)
    name = _text(60)
    name_en = _text(80, least=0)
    deductible_yuan = _cell(_yuan)
    fund_ratio_percent = _cell(_basis_points)
    cap_yuan = _cell(_yuan)
    uses_account = _cell(_is_yes, load_default=False)
    is_insured = _cell(_is_yes, load_default=True)
    source = _text(120)


class _Catalogue(_Columns):
    code = _code(40)
    chargeable_class = _cell(_one_of(CLASSES))
    self_pay_percent = _cell(_basis_points)
    limit_price_yuan = _cell(_yuan, load_default=None)
    valid_from = fields.Date(required=True)
    source = _text(120)


class _Windows(_Columns):
    code = _code(12)
    name = _text(40)
    location = _text(80, least=0)


class _Posters(_Columns):
    name = _text(60)
    place = _text(80, least=0)


def _department(uow: Uow, row: Row) -> None:
    master.file_department(uow, **row)


def _practitioner(uow: Uow, row: Row) -> None:
    doctor = master.DoctorIn(row["code"], row["name"], row["title"], row["department"], row["good_at"])
    master.file_doctor(uow, doctor)


def _drug(uow: Uow, row: Row) -> None:
    kept = {**row, "unit_price_fen": row["unit_price_yuan"], "category": DrugCategory(row["category"])}
    del kept["unit_price_yuan"]
    file_drug(uow, DrugIn(**kept))


def _policy(uow: Uow, row: Row) -> None:
    terms = PolicyTerms(
        deductible_fen=row["deductible_yuan"],
        fund_ratio_bp=row["fund_ratio_percent"],
        cap_fen=row["cap_yuan"],
        uses_account=row["uses_account"],
        is_insured=row["is_insured"],
    )
    covering.file_policy(uow, PolicyIn(row["code"], row["name"], row["name_en"] or row["name"], terms, row["source"]))


def _catalogue_item(uow: Uow, row: Row) -> None:
    item = CatalogueIn(
        row["code"],
        ChargeableClass(row["chargeable_class"]),
        row["self_pay_percent"],
        row["limit_price_yuan"],
        row["source"],
    )
    covering.file_catalogue_item(uow, item, valid_from=row["valid_from"])


def _window(uow: Uow, row: Row) -> None:
    picking.open_window(uow, **row)


def _poster(uow: Uow, row: Row) -> None:
    if uow.session.scalars(select(Channel.id).where(Channel.name == row["name"])).first() is None:
        analytics.file_channel(uow, **row)


@dataclass(frozen=True)
class Table:
    """A file of the hospital's folder: its columns, and what files one row; filed again, a row is changed."""

    file: str
    schema: Schema
    file_row: Callable[[Uow, Row], None]

    @property
    def columns(self) -> list[str]:
        """The names of its header, in order."""
        return list(self.schema.fields)


# In the order in which they need each other.
TABLES = (
    Table("departments.csv", _Departments(), _department),
    Table("practitioners.csv", _Practitioners(), _practitioner),
    Table("drugs.csv", _Drugs(), _drug),
    Table("policies.csv", _Policies(), _policy),
    Table("catalogue.csv", _Catalogue(), _catalogue_item),
    Table("windows.csv", _Windows(), _window),
    Table("posters.csv", _Posters(), _poster),
)
