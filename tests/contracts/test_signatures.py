"""WeChat's published vectors pass through our own code, and what is not WeChat's is refused."""

from __future__ import annotations

import pytest

from app.couriers.wechat_push import NotAPush, read_push
from app.couriers.wechat_signatures import js_signature, push_problem, push_signature

TICKET = "sM4AOVdWfPE4DxkXGEs8VMCPGGVi4C3VM0P37wVUCFvkVAy_90u5h9nbSlYy3-Sl-HhTdfl2fzFy1AOcHKP7qg"


@pytest.mark.parametrize(
    ("url", "signature"),
    [
        ("http://mp.weixin.qq.com", "f4d90daf4b3bca3078ab155816175ba34c443a7b"),
        ("http://mp.weixin.qq.com?params=value", "0f9de62fce790f9a083d5c99e95740ceb90c27ed"),
        ("http://mp.weixin.qq.com?params=value#part", "0f9de62fce790f9a083d5c99e95740ceb90c27ed"),
    ],
)
def test_the_published_js_sdk_vectors(url: str, signature: str) -> None:
    """developers.weixin.qq.com, JS-SDK 说明文档, 附录1."""
    made = js_signature(ticket=TICKET, nonce="Wm3WZYTPz0wzccnW", timestamp=1414587457, url=url)

    assert made == signature


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({}, ""),
        ({"now_seconds": 1700000300}, ""),
        ({"now_seconds": 1700000301}, "stale"),
        ({"now_seconds": 1699999699}, "stale"),
        ({"signature": "0" * 40}, "bad_signature"),
        ({"signature": ""}, "bad_signature"),
        ({"signature": "签名"}, "bad_signature"),
        ({"nonce": "other"}, "bad_signature"),
        ({"timestamp": "1700000001"}, "bad_signature"),
        ({"token": ""}, "not_set_up"),
        ({"token": "another"}, "bad_signature"),
    ],
)
def test_only_a_fresh_push_of_wechat_is_heard(changed: dict[str, object], problem: str) -> None:
    facts = {
        "token": "our-token",
        "signature": push_signature("our-token", "1700000000", "n1"),
        "timestamp": "1700000000",
        "nonce": "n1",
        "now_seconds": 1700000000,
    }

    found = push_problem(**(facts | changed))  # type: ignore[arg-type]

    assert found == problem


@pytest.mark.parametrize("timestamp", ["", "soon", "-1700000000", "１７", "9" * 40])
def test_a_signed_nonsense_time_is_stale(timestamp: str) -> None:
    signature = push_signature("t", timestamp, "n")

    assert push_problem("t", signature=signature, timestamp=timestamp, nonce="n", now_seconds=1700000000) == "stale"


def test_a_messages_fate_is_read() -> None:
    push = read_push(
        b"<xml><ToUserName><![CDATA[gh]]></ToUserName><FromUserName><![CDATA[o1]]></FromUserName>"
        b"<CreateTime>1</CreateTime><MsgType><![CDATA[event]]></MsgType>"
        b"<Event><![CDATA[TEMPLATESENDJOBFINISH]]></Event><MsgID>200163836</MsgID>"
        b"<Status><![CDATA[failed:user block]]></Status></xml>"
    )

    assert (push.kind, push.openid, push.message_id, push.status) == (
        "TEMPLATESENDJOBFINISH",
        "o1",
        "200163836",
        "failed:user block",
    )


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"<xml>",
        b"<other/>",
        b"\xff\xfe\x00",
        b'<!DOCTYPE x [<!ENTITY a "b">]><xml><Event>&a;</Event></xml>',
        '<!DOCTYPE xml [<!ENTITY a "b">]><xml><Event>&a;</Event></xml>'.encode("utf-16"),
        b"<xml>" + b"a" * 70000 + b"</xml>",
        b'<?xml version="1.0" encoding="no-such-thing"?><xml/>',
    ],
)
def test_what_is_not_a_push_is_refused(body: bytes) -> None:
    with pytest.raises(NotAPush):
        read_push(body)
