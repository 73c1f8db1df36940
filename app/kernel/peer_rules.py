"""What can be agreed with a system that speaks HL7 v2: which words, numbers, networks and character sets."""

from __future__ import annotations

import hashlib
import ipaddress
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from app.kernel.code_tables import own_code
from app.kernel.field_rules import read_rule

FRAME_BYTES_AT_MOST = 16 * 1024 * 1024
FRAME_BYTES_AT_LEAST = 1024
PER_MINUTE_AT_MOST = 1_000_000
ADDRESSES_AT_MOST = 50
FACILITIES_AT_MOST = 20
LINES_AT_MOST = 200

CHARSETS = ("UNICODE UTF-8", "GB 18030-2000", "GBK", "GB2312", "BIG-5", "8859/1", "ASCII")
"""Labels of MSH-18 that can be agreed: HL7 table 0211, and GBK and GB2312, which senders in China write."""

_HOST = re.compile(r"[A-Za-z0-9.:_-]{0,253}", re.ASCII)
_CODE = re.compile(r"\d{3}", re.ASCII)


NAME_AT_MOST = 44
"""With `hl7:` before it a system's name fits where messages say whence they came."""


@lru_cache(maxsize=1024)
def system_name(application: str, facility: str) -> str:
    """The name of the system with this MSH-3 and MSH-4, for its messages and numbers; still one for each when long."""
    name = "".join(char if char.isprintable() else "?" for char in f"{application}|{facility}")[:1000]
    if len(name) <= NAME_AT_MOST:
        return name
    return f"{name[: NAME_AT_MOST - 9]}~{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def is_network(text: str) -> bool:
    """True for an address or a network such as 10.1.0.0/16."""
    try:
        ipaddress.ip_network(text)
    except ValueError:
        return False
    return True


def may_send(address: str, networks: object) -> bool:
    """True when `address` is in one of `networks` or there are none; an IPv4 address inside of IPv6 is the IPv4 one."""
    allowed = [ipaddress.ip_network(str(each)) for each in networks] if isinstance(networks, list | tuple) else []
    if not allowed:
        return True
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None)
    return any((mapped or found) in network for network in allowed)


def _is_name(text: str, at_most: int) -> bool:
    return text.isprintable() and len(text) <= at_most


_RULES: dict[str, Callable[[Any], bool]] = {
    "name": lambda text: bool(text.strip()) and _is_name(text, 80),
    "application": lambda text: bool(text) and _is_name(text, 227),
    "facility": lambda text: _is_name(text, 227),
    "charset": lambda label: label in CHARSETS,
    "addresses": lambda texts: len(texts) <= ADDRESSES_AT_MOST and all(is_network(text) for text in texts),
    "certificate": lambda text: _is_name(text, 253),
    "max_frame_bytes": lambda count: FRAME_BYTES_AT_LEAST <= count <= FRAME_BYTES_AT_MOST,
    "messages_per_minute": lambda count: 0 <= count <= PER_MINUTE_AT_MOST,
    "facilities": lambda names: len(names) <= FACILITIES_AT_MOST and all(_is_name(name, 227) for name in names),
    "field_rules": lambda lines: len(lines) <= LINES_AT_MOST and all(read_rule(line) for line in lines),
    "codes": lambda lines: len(lines) <= LINES_AT_MOST and all(own_code(line) for line in lines),
    "retry_codes": lambda codes: len(codes) <= 20 and all(_CODE.fullmatch(code) for code in codes),
    "out_host": lambda text: bool(_HOST.fullmatch(text)),
    "out_port": lambda port: 0 <= port <= 65535,
    "out_charset": lambda label: label in CHARSETS,
}


def faults_of(agreed: Mapping[str, Any]) -> dict[str, str]:
    """The terms that cannot be agreed, each with `not_valid`; a host needs a port and a port a host."""
    faults = {name: "not_valid" for name, is_right in _RULES.items() if not is_right(agreed[name])}
    if bool(agreed["out_host"]) != bool(agreed["out_port"]):
        faults["out_port"] = "not_valid"
    return faults
