"""By which providers this browser can pay: inside a provider's own app by that one alone, elsewhere by each."""

from __future__ import annotations

from flask import request
from flask_babel import lazy_gettext as _l

from app.payment.mixing import Partners
from app.payment.ports import PaymentProvider
from app.runtime import runtime

MIXED = "mixed"
WORDS = {"wechat": _l("用微信支付"), "alipay": _l("用支付宝支付")}
_APPS = {"wechat": "MicroMessenger", "alipay": "AlipayClient"}
_PHONES = ("Mobile", "Android", "iPhone")


def is_inside(name: str) -> bool:
    """Whether the page is open in the provider's own app."""
    return _APPS[name] in request.user_agent.string


def mixing() -> Partners | None:
    """Whoever is needed to settle and pay an insured bill in one go; None outside WeChat, which alone can open it."""
    return runtime().couriers.mixing if is_inside("wechat") else None


def is_phone() -> bool:
    """Whether the page is open on a phone."""
    return any(sign in request.user_agent.string for sign in _PHONES)


def offered() -> list[PaymentProvider]:
    """Whoever can be asked, the usual one first."""
    providers = runtime().couriers.providers
    own = [provider for provider in providers if provider.name in _APPS and is_inside(provider.name)]
    return own or list(providers)


def chosen() -> PaymentProvider | None:
    """The provider that the form names in `way`, else the usual one; None when nobody can be asked."""
    ways = offered()
    named = [provider for provider in ways if provider.name == request.form.get("way", "")]
    return next(iter([*named, *ways]), None)


def others() -> list[dict[str, str]]:
    """What may be chosen instead of the usual way: name and words of each."""
    return [{"name": provider.name, "label": str(WORDS.get(provider.name, ""))} for provider in offered()[1:]]
