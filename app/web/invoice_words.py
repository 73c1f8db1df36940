"""What an invoice says in the form's own words, for whoever reads it on the phone in English."""

from __future__ import annotations

from app.web import show

# The ministry's twelve categories, and how insurance sees a line.
_ENGLISH = {
    "诊察费": "Consultation",
    "检查费": "Examinations",
    "化验费": "Laboratory tests",
    "治疗费": "Treatment",
    "手术费": "Surgery",
    "卫生材料费": "Medical supplies",
    "西药费": "Western medicine",
    "中药饮片": "Herbal medicine",
    "中成药费": "Patent Chinese medicine",
    "一般诊疗费": "General outpatient fee",
    "挂号费": "Registration fee",
    "其他门(急)诊收费": "Other outpatient charges",
    "甲": "class A",
    "乙": "class B",
    "丙": "class C",
    "自费": "self-paid",
}


def form_words(word: str) -> str:
    """西药费, or Western medicine; anything that is none of the form's words as it stands."""
    return show.in_language(word, _ENGLISH.get(word, ""))
