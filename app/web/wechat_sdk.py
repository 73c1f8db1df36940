"""WeChat's own script (JS-SDK), which a page needs before it may open the sheet of a mixed order."""

from __future__ import annotations

from app.web.frame import POLICY

HOST = "https://res.wx.qq.com"
URL = f"{HOST}/open/js/jweixin-1.6.0.js"


def policy() -> str:
    """The policy of the one page that loads it."""
    return POLICY.replace("script-src 'self'", f"script-src 'self' {HOST}")
