"""What a refusal says to a person: a title, what happened, and what to do next, for every code the hospital has."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from flask import request, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _l

from app.web import refusals_patient, refusals_work, show
from app.web.paths import came_from

COMMON: dict[str, tuple[object, object, object]] = {
    "not_found": (_l("找不到这个页面"), _l("链接可能已失效，或不属于当前登录的账号。"), _l("请回到首页重新选择。")),
    "bad_input": (_l("填写的内容有误"), _l("有些内容无法识别。"), _l("请返回检查后重新提交。")),
    "not_allowed": (_l("没有权限"), _l("您的岗位不能使用这个页面。"), _l("如需使用，请联系管理员。")),
    "too_many": (_l("操作太频繁"), _l("短时间内尝试次数过多。"), _l("请在 %(retry_seconds)s 秒后再试。")),
    "try_later": (_l("系统正忙"), _l("暂时无法完成，您的信息没有丢失。"), _l("请稍后再试。")),
    "stale_form": (_l("页面已过期"), _l("这个页面打开得太久了。"), _l("请返回并刷新页面后重试。")),
    "method_not_allowed": (_l("请从页面上的按钮操作"), _l("这个地址不能直接打开。"), _l("请回到首页。")),
    "too_large": (_l("内容过大"), _l("提交的内容超过了限制。"), _l("请减少内容后重试。")),
    "bad_request": (_l("无法识别的请求"), _l("发送的内容不完整。"), _l("请返回重试。")),
    "broken": (_l("出错了"), _l("系统遇到了问题，我们已经记录下来。"), _l("请稍后再试，或到人工窗口办理。")),
}


Words = Mapping[str, tuple[object, object, object]]
# The same no is told to a patient and to staff in other words; each hears their own first.
FOR_PATIENTS: Words = {**refusals_work.WORDS, **refusals_patient.WORDS, **COMMON}
FOR_STAFF: Words = {**refusals_patient.WORDS, **refusals_work.WORDS, **COMMON}
PATIENT_SURFACES = {None, "patient", "entrance", "public"}


# Where a patient can do what the refusal asks for, beside the way home.
_LEADS_ON: dict[str, tuple[object, str]] = {"guardian_consent_needed": (_l("就诊人"), "patient.patients")}


class _Facts(dict[str, object]):
    """Facts as the words want them: instants as the wall's clock (and day, if not today); '' for what is not there."""

    def __missing__(self, name: str) -> str:
        return ""

    def __getitem__(self, name: str) -> object:
        value = super().__getitem__(name)
        return show.near_moment(datetime.fromisoformat(str(value))) if name.endswith("_at") else value


def title_for_staff(code: str) -> str:
    """What the pages of the hospital call a refusal; '' for a code that none of them says."""
    return str(FOR_STAFF[code][0]) if code in FOR_STAFF else ""


def words_for(code: str, facts: dict[str, object]) -> dict[str, object]:
    """The finished words for the page: title, text, next_text and the links that lead on."""
    is_patient = request.blueprint in PATIENT_SURFACES
    table = FOR_PATIENTS if is_patient else FOR_STAFF
    title, text, next_text = table.get(code, COMMON["bad_request"])
    home = "patient.home" if is_patient else f"{request.blueprint}.home"
    leads_on = [_LEADS_ON[code]] if is_patient and code in _LEADS_ON else []
    page = came_from()
    return {
        "title": str(title),
        "text": str(text) % _Facts(facts),
        "next_text": str(next_text) % _Facts(facts),
        "actions": [
            *({"label": str(label), "href": _home(endpoint)} for label, endpoint in leads_on),
            *([{"label": gettext("返回上一页"), "href": page}] if page else []),
            {"label": gettext("回到首页"), "href": _home(home)},
        ],
    }


def _home(endpoint: str) -> str:
    from flask import current_app  # noqa: PLC0415

    return url_for(endpoint) if endpoint in current_app.view_functions else "/"
