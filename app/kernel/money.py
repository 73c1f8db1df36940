"""Money is counted in whole fen, rounded half up once per line, and written the way banks write it.

Nothing here knows what is being paid for. A ratio is given in basis points (`ratio_bp`, 10 000 = all of it).
"""

import re

_YUAN = re.compile(r"(0|[1-9][0-9]{0,9})(?:\.([0-9]{1,2}))?", re.ASCII)
_NUMERALS = "零壹贰叁肆伍陆柒捌玖"
_PLACES = ("仟", "佰", "拾", "")
_MYRIADS = ("亿", "万", "")
_MOST_CAPITALS_YUAN = 10**12


def yuan_text(amount_fen: int) -> str:
    """Fen become yuan with two decimals: 3860 -> `38.60`, -5 -> `-0.05`. No currency sign, no thousands mark."""
    yuan, fen = divmod(abs(amount_fen), 100)
    return f"{'-' if amount_fen < 0 else ''}{yuan}.{fen:02d}"


def parse_yuan(text: str) -> int:
    """A typed amount of yuan becomes fen; what could be misread is refused with ValueError, never guessed.

    Taken: `0`, `38`, `38.6`, `38.60`. Refused: signs, blanks, thousands marks, a leading zero (`038`), `.5`, `5.`,
    more than two decimals, more than ten figures before the point, and full-width figures (`３８`): a page that wants
    to be lenient turns those into ASCII before it asks, so that the amount shown back is the amount taken.
    """
    match = _YUAN.fullmatch(text)
    if match is None:
        raise ValueError("not an amount in yuan")
    yuan, decimals = match.groups()
    return int(yuan) * 100 + int((decimals or "").ljust(2, "0"))


def half_up(numerator: int, denominator: int) -> int:
    """The quotient as a whole number; exactly half goes away from zero (7/2 -> 4, -7/2 -> -4).

    ValueError when the denominator is not positive.
    """
    if denominator <= 0:
        raise ValueError("the denominator must be positive")
    size = (2 * abs(numerator) + denominator) // (2 * denominator)
    return size if numerator >= 0 else -size


def ratio_of(amount_fen: int, ratio_bp: int) -> int:
    """The part of an amount that a ratio gives, in fen, half up. Ask once per line and sum the answers."""
    return half_up(amount_fen * ratio_bp, 10_000)


def share_out(total_fen: int, weights: list[int]) -> list[int]:
    """An amount is split in proportion to the weights, and the shares add up to it exactly.

    Each share is first rounded towards zero; the fen left over go one each to the largest remainders, and among equal
    remainders to the first in the list. A refund (negative total) mirrors the payment it undoes. ValueError for a
    negative weight, or when all weights are zero and there is something to share.
    """
    whole = sum(weights)
    if any(weight < 0 for weight in weights) or (whole == 0 and total_fen != 0):
        raise ValueError("weights must not be negative, nor all be zero")
    if whole == 0:
        return [0 for _ in weights]
    size = abs(total_fen)
    shares = [size * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda i: -(size * weights[i] % whole))
    for i in by_remainder[: size - sum(shares)]:
        shares[i] += 1
    return shares if total_fen >= 0 else [-share for share in shares]


def capitals(amount_fen: int) -> str:
    """An amount in Chinese capitals 大写金额, as 支付结算办法 (Payment and Settlement Measures), annex 1, asks for.

    整 follows 元 only. Where the annex leaves a choice, 零 is written after 元 (壹仟陆佰捌拾元零叁角贰分) and not
    between 万 and 仟 (壹拾万柒仟元零伍角叁分). ValueError when negative (a red-letter invoice says so in words) or from
    10^12 yuan on.
    """
    yuan, fen = divmod(amount_fen, 100)
    if not 0 <= yuan < _MOST_CAPITALS_YUAN:
        raise ValueError("capitals are written for amounts from 0 to below 10^12 yuan")
    tenths, hundredths = divmod(fen, 10)
    head = _yuan_in_capitals(yuan) + "元" if yuan or not fen else ""
    if not fen:
        return head + "整"
    gap = "零" if yuan and (tenths == 0 or yuan % 10 == 0) else ""
    tail = (_NUMERALS[tenths] + "角" if tenths else "") + (_NUMERALS[hundredths] + "分" if hundredths else "")
    return head + gap + tail


def _yuan_in_capitals(yuan: int) -> str:
    """Whole yuan, group of four by group of four; one 零 stands for the zeros that open a group."""
    text = ""
    for index, myriad in enumerate(_MYRIADS):
        group = yuan // 10_000 ** (len(_MYRIADS) - 1 - index) % 10_000
        if group:
            after_zeros = bool(text) and (group < 1_000 or text[-1] != _MYRIADS[index - 1])
            text += ("零" if after_zeros else "") + _group_in_capitals(group) + myriad
    return text or _NUMERALS[0]


def _group_in_capitals(group: int) -> str:
    """1 to 9999: zeros between two figures become one 零, zeros at either end are silent."""
    written = "".join(
        _NUMERALS[int(figure)] + place if figure != "0" else "零"
        for figure, place in zip(f"{group:04d}", _PLACES, strict=True)
    )
    return re.sub("零+", "零", written).strip("零")
