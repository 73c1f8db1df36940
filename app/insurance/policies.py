"""The demo hospital's five policies and its catalogue entries, as data for the seed.

Figures are demo figures, shaped after the sources named beside them: every city sets its own, so a hospital files its
region's figures with `service.file_policy` and `service.file_catalogue_item`.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.insurance.rules import ChargeableClass, PolicyTerms


@dataclass(frozen=True)
class PolicyIn:
    """A policy to file."""

    code: str
    name: str
    name_en: str
    terms: PolicyTerms
    source: str


SELF_PAY, OUT_OF_TOWN = "self_pay", "out_of_town"
# insutype 险种 (310 职工, 390 城乡居民) and psn_type 人员类别, as 1101 tells them.
INSURED_AS = {
    ("310", "11"): "employee",
    ("310", "12"): "retired",
    ("390", "14"): "resident",
    ("390", "15"): "resident",
    ("390", "16"): "resident",
}

POLICIES = (
    PolicyIn(
        "employee",
        "职工医保（在职）",
        "Employee insurance, working",
        PolicyTerms(deductible_fen=200_00, fund_ratio_bp=6000, cap_fen=5_000_00, uses_account=True),
        "demo figures; 国办发〔2021〕14号: outpatient ratio from 50 % up",
    ),
    PolicyIn(
        "retired",
        "职工医保（退休）",
        "Employee insurance, retired",
        PolicyTerms(deductible_fen=150_00, fund_ratio_bp=7000, cap_fen=6_000_00, uses_account=True),
        "demo figures; 国办发〔2021〕14号: in favour of the retired",
    ),
    PolicyIn(
        "resident",
        "城乡居民医保",
        "Resident insurance",
        PolicyTerms(deductible_fen=100_00, fund_ratio_bp=5000, cap_fen=1_500_00, uses_account=False),
        "demo figures; about half of what is in scope, no personal account",
    ),
    PolicyIn(
        OUT_OF_TOWN,
        "异地就医",
        "Insured elsewhere",
        PolicyTerms(deductible_fen=200_00, fund_ratio_bp=4000, cap_fen=5_000_00, uses_account=True),
        "demo figures; 医保发〔2022〕22号: some 20 points below home when not referred",
    ),
    PolicyIn(
        SELF_PAY,
        "自费",
        "Self-paying",
        PolicyTerms(deductible_fen=0, fund_ratio_bp=0, cap_fen=0, uses_account=False, is_insured=False),
        "no insurance: every line is the patient's own",
    ),
)


@dataclass(frozen=True)
class CatalogueIn:
    """A catalogue entry to file: the drug's code, its class, the patient's first share and the limit for one unit."""

    code: str
    chargeable_class: ChargeableClass
    self_pay_ratio_bp: int
    limit_price_fen: int | None = None
    source: str = "demo figures"


_A, _B, _C = ChargeableClass.A, ChargeableClass.B, ChargeableClass.C

# 普通门诊诊查费 (全国医疗服务价格项目规范), under which a registration fee can go through the insurer.
CONSULTATION_FEE = "110200001"
# For the drugs of `app.prescription.demo_drugs`, of which one is in no catalogue at all, and that fee.
CATALOGUE = (
    CatalogueIn("XN01AB", _A, 0),
    CatalogueIn("XR05CB", _B, 1_000),
    CatalogueIn("IBU300", _A, 0, 15_00),
    CatalogueIn("MET500", _A, 0),
    CatalogueIn("AML5", _A, 0),
    CatalogueIn("OME20", _B, 1_000),
    CatalogueIn("ATO20", _B, 1_000, 40_00),
    CatalogueIn("CEF250", _B, 500),
    CatalogueIn("LHQW", _B, 1_000),
    CatalogueIn("BLG10", _A, 0),
    CatalogueIn("VITC", _C, 10_000),
    CatalogueIn("GANCAO", _A, 0),
    CatalogueIn("HUANGQI", _A, 0),
    CatalogueIn(CONSULTATION_FEE, _A, 0),
)
