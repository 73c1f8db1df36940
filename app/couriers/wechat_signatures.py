"""WeChat's signatures: over pushes to us, and over pages of ours that call WeChat's own functions.

SHA-1 is what the protocols ask for (developers.weixin.qq.com, 接入指南 and JS-SDK 附录1); it signs, it hides nothing.
"""

from __future__ import annotations

import hashlib
import hmac

PUSH_SKEW_SECONDS = 300


def push_signature(token: str, timestamp: str, nonce: str) -> str:
    """The signature of a push: SHA-1 of the three texts, sorted and joined."""
    return hashlib.sha1("".join(sorted((token, timestamp, nonce))).encode()).hexdigest()  # noqa: S324 - the protocol's


def push_problem(token: str, *, signature: str, timestamp: str, nonce: str, now_seconds: float) -> str:
    """'' when the push is WeChat's and fresh, else `not_set_up`, `bad_signature` or `stale`.

    `now_seconds` is the world's time since 1970. An empty token accepts nobody.
    """
    if not token:
        return "not_set_up"
    expected = push_signature(token, timestamp, nonce)
    if not hmac.compare_digest(expected.encode(), signature.encode()):
        return "bad_signature"
    is_fresh = timestamp.isascii() and timestamp.isdecimal() and len(timestamp) <= 12
    is_fresh = is_fresh and abs(now_seconds - int(timestamp)) <= PUSH_SKEW_SECONDS
    return "" if is_fresh else "stale"


def js_signature(*, ticket: str, nonce: str, timestamp: int, url: str) -> str:
    """The JS-SDK signature of the page at `url`, whose part from `#` on does not count."""
    page = url.partition("#")[0]
    signed = f"jsapi_ticket={ticket}&noncestr={nonce}&timestamp={timestamp}&url={page}"
    return hashlib.sha1(signed.encode()).hexdigest()  # noqa: S324 - the protocol's
