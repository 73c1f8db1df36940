"""Where a form may lead back to: only to a path of our own."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import url_for


def own_path(target: str) -> str:
    r"""`target` when a browser would stay on this site with it, else ''.

    Browsers drop tabs and line ends from an address and read a backslash as a slash (WHATWG URL Standard, basic URL
    parser), so `/\t/elsewhere` is as foreign as `//elsewhere`.
    """
    if any(ord(char) <= 32 or char == "\\" for char in target) or urlsplit(target).netloc:
        return ""
    return target if target.startswith("/") and not target.startswith("//") else ""


def lead_back(target: str) -> str:
    """`target` when it is a path of our own, else the patient's home."""
    return own_path(target) or url_for("patient.home")
