"""Where somebody is called to, in words: a room, or the place where those wait whom several doctors may call."""

from __future__ import annotations

from collections.abc import Sequence

from flask_babel import gettext

from app.scheduling.models import Department
from app.web import show


def room(rooms: Sequence[str]) -> str:
    """305 诊室, or for several rooms: 诊室以叫号为准."""
    return show.room_words(rooms[0]) if len(rooms) == 1 else str(gettext("诊室以叫号为准"))


def where(department: Department, rooms: Sequence[str]) -> str:
    """门诊楼3层东区 305 诊室, or for several rooms: 消化内科候诊区（门诊楼3层东区），诊室以叫号为准."""
    place = show.in_language(department.location, department.location_en)
    if len(rooms) == 1:
        return show.where_words(place, rooms[0])
    line = show.in_language(department.name, department.name_en)
    return str(gettext("%(line)s候诊区（%(place)s），诊室以叫号为准", line=line, place=place or line))
