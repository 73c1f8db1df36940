"""In the house: checking in, and being called."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tools.play.browser import Browser, StepFailed
from tools.play.registering import page_of_visit
from tools.play.visit import Visit, wait_for

Seen = Mapping[str, object]
MOST_BEFORE_US = 60


def check_in(visit: Visit) -> Seen:
    """One tap gives the patient a number in the doctor's queue."""
    page = visit.phone.press(page_of_visit(visit), f"/registrations/{visit['registration']}/check-in")
    found = re.search(r"\b[A-Z]\d{3,}\b", page.words)
    if found is None:
        raise StepFailed(f"no number on {page.where}: {page.gist}")
    visit["number"] = found[0]
    return {"number": found[0], "says": page.value_of(found[0])}


def called(visit: Visit) -> Seen:
    """The doctor calls; the board, the phone and a message say the number and the room."""
    doctor = visit.staff(visit["doctor"])
    queue = f"/desk/sessions/{visit['session']}"
    others = _call_until(doctor, queue, visit["number"])
    message = wait_for("the message", lambda: _message(visit))
    board = visit.passer_by().open(visit.endpoints["board_url"])
    board.demand(visit["number"])
    if visit.person.name in board.text:
        raise StepFailed("the board shows the patient's full name")
    visit["queue"] = queue
    return {"number": visit["number"], "called_before": others, "message": message, "board": board.where}


def _call_until(doctor: Browser, queue: str, number: str) -> int:
    """Our number is at the door; how many were called before us."""
    for others in range(MOST_BEFORE_US):
        page = doctor.open(queue)
        if page.has_form("/next$"):
            page = doctor.press(page, "/next$")
        at_the_door = re.search(r'class="now-number">([^<]+)<', page.text)
        if at_the_door and at_the_door[1].strip() == number:
            return others
        # Whoever stands at the door from before: finished when inside, else passed over.
        doctor.press(page, r"/finish$" if page.has_form("/finish$") else r"/pass$")
    raise StepFailed(f"{number} was not called after {MOST_BEFORE_US} others")


def _message(visit: Visit) -> str | None:
    found = [one for one in visit.messages(visit["number"]) if "call" in str(one["template_id"])]
    return str(found[0]["template_id"]) if found else None
