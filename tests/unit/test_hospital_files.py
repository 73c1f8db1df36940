"""A real hospital is loaded from its spreadsheets: all of it, again without harm, or nothing and where it is wrong."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from sqlalchemy import func, select

from app.cli.hospital_files import TABLES
from app.cli.loading import HasFlaws, load
from app.insurance.models import CatalogueItem, Policy
from app.kernel.uow import Units
from app.prescription.models import Drug
from app.scheduling.models import Department

EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "hospital"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The example's files, to be spoilt."""
    return Path(shutil.copytree(EXAMPLE, tmp_path / "hospital"))


def flaws_of(units: Units, folder: Path) -> list[str]:
    """What is said of the folder; nothing of it may have been kept."""
    uow = units.begin()
    with pytest.raises(HasFlaws) as refused:
        load(uow, folder)
    units.drop(uow)
    with units.open() as uow:
        assert uow.session.scalar(select(func.count()).select_from(Department)) == 0
    return [str(flaw) for flaw in refused.value.flaws]


def test_the_example_is_loaded_and_loaded_again_changes_what_changed(units: Units, folder: Path) -> None:
    with units.open() as uow:
        counts = load(uow, folder)
    drugs = folder / "drugs.csv"
    drugs.write_text(drugs.read_text(encoding="utf-8").replace("12.80", "13.00"), encoding="gb18030")
    with units.open() as uow:
        again = load(uow, folder)

    assert counts == again
    assert set(counts) == {table.file for table in TABLES}
    with units.open(reads_only=True) as uow:
        found = uow.session.scalars(select(Drug).where(Drug.code == "XN01AB")).one()
        assert (found.name, found.unit_price_fen, found.is_excluded_from_long) == ("阿莫西林胶囊", 13_00, True)
        limited = uow.session.scalars(select(CatalogueItem).where(CatalogueItem.code == "BLG10")).one()
        assert (limited.self_pay_ratio_bp, limited.limit_price_fen) == (10_00, 18_00)
        policy = uow.session.scalars(select(Policy).where(Policy.code == "employee")).one()
        assert (policy.deductible_fen, policy.fund_ratio_bp, policy.uses_account) == (200_00, 60_00, True)
        home = uow.session.scalars(select(Department).where(Department.code == "PED")).one()
        assert (home.name_en, home.ticket_letter, home.campus_code) == ("Paediatrics", "C", "MAIN")


@pytest.mark.parametrize(
    ("file", "was", "now", "said"),
    [
        ("drugs.csv", "12.80", "12.805", "drugs.csv:2: unit_price_yuan: an amount of yuan"),
        ("drugs.csv", "中成药", "丸药", "drugs.csv:3: category: one of 西药"),
        ("drugs.csv", "unit_price_yuan", "price", "drugs.csv:1: unit_price_yuan: this column is missing"),
        ("windows.csv", "W1,", ",", "windows.csv:2: code: Missing data"),
        ("practitioners.csv", "PED", "DERM", "practitioners.csv:3: not_found"),
        ("catalogue.csv", "2026-01-01", "01/01/26", "catalogue.csv:2: valid_from: Not a valid date"),
        ("catalogue.csv", ",10,", ",110,", "catalogue.csv:3: self_pay_percent: a per cent"),
        ("posters.csv", "name,place", "name,where", "posters.csv:2: where: Unknown field"),
        ("posters.csv", "大厅立牌", '"大厅立牌', "posters.csv:1: this is no CSV file"),
    ],
)
def test_a_flaw_is_named_by_file_line_and_column(
    units: Units, folder: Path, file: str, was: str, now: str, said: str
) -> None:
    path = folder / file
    path.write_text(path.read_text(encoding="utf-8").replace(was, now), encoding="utf-8-sig")

    flaws = flaws_of(units, folder)

    assert any(flaw.startswith(said) for flaw in flaws), flaws


def test_every_flaw_is_told_at_once(units: Units, folder: Path) -> None:
    (folder / "drugs.csv").write_text("code,name\nA,甲\n", encoding="utf-8")
    (folder / "posters.csv").write_bytes(b"\xff\xfe\x00name\xff")

    files = {flaw.split(":")[0] for flaw in flaws_of(units, folder)}

    assert files == {"drugs.csv", "posters.csv"}


def test_an_empty_folder_says_which_files_are_meant(units: Units, tmp_path: Path) -> None:
    assert "departments.csv" in flaws_of(units, tmp_path)[0]
