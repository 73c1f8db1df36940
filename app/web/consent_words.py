"""What a child's guardian agrees to, word for word, and how what they said is shown and read from a form."""

from __future__ import annotations

from collections.abc import Mapping

from flask_babel import gettext
from flask_babel import lazy_gettext as _l

from app.identity import guardians
from app.identity.guardians import ConsentIn
from app.identity.models import GuardianConsent, Guardianship, Patient
from app.identity.rules import CONSENT_TEXT, needs_guardian
from app.kernel.uow import Uow
from app.web import show

# Every version that somebody agreed to stays here, so that a record can always be read with its words.
TEXTS: dict[str, object] = {
    "2026-11": _l(
        "我是这位儿童的父母或其他监护人，同意医院为挂号、就诊、缴费和取药处理其姓名、证件号码、手机号和就诊记录。"
        "这些信息加密保存，只用于诊疗，按病历规定的期限留存。我可以随时撤回同意。"
    )
}
WHY = _l("就诊人未满 14 周岁。按《个人信息保护法》第三十一条，须经父母或其他监护人同意才能处理其信息。")
GUARDIANSHIPS: dict[Guardianship, object] = {
    Guardianship.PARENT: _l("父母"),
    Guardianship.GRANDPARENT: _l("祖父母、外祖父母"),
    Guardianship.SIBLING: _l("成年兄姐"),
    Guardianship.OTHER: _l("其他监护人"),
}


def asked_for() -> dict[str, object]:
    """What the form of a consent shows: the words, their version, and who a guardian can be."""
    return {
        "why": str(WHY),
        "text": str(TEXTS[CONSENT_TEXT]),
        "version": CONSENT_TEXT,
        "guardianships": [(kind.value, str(words)) for kind, words in GUARDIANSHIPS.items()],
    }


def read(form: Mapping[str, str]) -> ConsentIn | None:
    """The consent that a form states; None while its box is not ticked."""
    version, kind = form.get("consent", ""), form.get("guardianship", "")
    if not version:
        return None
    known = Guardianship(kind) if kind in set(Guardianship) else Guardianship.OTHER
    return ConsentIn(form.get("guardian", ""), known, version[:16])


def told(uow: Uow, patient: Patient) -> dict[str, object] | None:
    """What a page says of the child's consent; None for somebody who consents by themself."""
    if not needs_guardian(patient.birth_date, uow.today()):
        return None
    newest = guardians.newest(uow, patient)
    if newest is None:
        return {"is_given": False, "is_withdrawn": False, "facts": [], "text": ""}
    return {
        "is_given": newest.withdrawn_at is None,
        "is_withdrawn": newest.withdrawn_at is not None,
        "facts": _facts(uow, newest),
        "text": str(TEXTS.get(newest.text_version, "")),
    }


def _facts(uow: Uow, consent: GuardianConsent) -> list[dict[str, str]]:
    way = gettext("在手机上") if consent.account_id is not None else gettext("纸质，窗口留存")
    rows = [
        (gettext("监护人"), guardians.guardian_of(uow, consent)),
        (gettext("与儿童的关系"), str(GUARDIANSHIPS[consent.guardianship])),
        (gettext("同意时间"), show.moment(consent.given_at)),
        (gettext("方式"), way),
        (gettext("文本版本"), consent.text_version),
    ]
    if consent.withdrawn_at is not None:
        rows.append((gettext("撤回时间"), show.moment(consent.withdrawn_at)))
    return [{"label": str(label), "value": value} for label, value in rows]
