"""What every transaction of the insurer is written in: nodes, amounts in yuan, and its way to say no."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Input = Mapping[str, Any]
Output = dict[str, Any]


class Refusal(Exception):
    """The insurer says no: infcode -1 with these words."""


def fen(text: object) -> int:
    """`12.80` as fen; refused with more than two decimals."""
    whole, _, decimals = str(text).partition(".")
    if not whole.isdecimal() or len(decimals) > 2 or (decimals and not decimals.isdecimal()):
        raise Refusal(f"金额格式错误：{text}")
    return int(whole) * 100 + int(decimals.ljust(2, "0"))


def yuan(amount: int) -> str:
    """Fen as the wire writes them."""
    return f"{amount // 100}.{amount % 100:02d}"


def part(given: Input, name: str) -> Input:
    """The node of that name; Refusal when there is none."""
    value = given.get(name)
    if not isinstance(value, Mapping):
        raise Refusal(f"缺少节点 {name}")
    return value
