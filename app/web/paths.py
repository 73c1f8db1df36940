"""Where a form may lead back to, and where it came from: only a path of our own."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit

from flask import current_app, request, url_for
from werkzeug.exceptions import HTTPException


def own_path(target: str) -> str:
    r"""`target` when a browser would stay on this site with it, else ''.

    Browsers drop tabs and line ends from an address and read a backslash as a slash (WHATWG URL Standard, basic URL
    parser), so `/\t/elsewhere` is as foreign as `//elsewhere`.
    """
    if any(ord(char) <= 32 or char == "\\" for char in target):
        return ""
    return target if target.startswith("/") and not target.startswith("//") else ""


def read_address(text: str) -> SplitResult:
    """The address in its parts; all of them empty when a stranger wrote what is none, like `http://[`."""
    try:
        return urlsplit(text)
    except ValueError:
        return urlsplit("")


def lead_back(target: str) -> str:
    """`target` when it is a path of our own, else the patient's home."""
    return own_path(target) or url_for("patient.home")


def came_from() -> str:
    """The page of ours on which the link or button stood; '' when the browser does not say, or no page is there."""
    came = read_address(request.referrer or "")
    path = own_path(f"{came.path}?{came.query}" if came.query else came.path)
    return path if came.netloc == request.host and came.path != request.path and _is_page(came.path) else ""


def this_page() -> str:
    """The page that is shown, as a switch in its head leads back to it; after a form, the nearest page to it."""
    if request.method == "GET":
        return own_path(request.full_path.rstrip("?"))
    return came_from() or (request.path if _is_page(request.path) else "")


def _is_page(path: str) -> bool:
    try:
        current_app.url_map.bind("").match(path, method="GET")
    except HTTPException:
        return False
    return True
