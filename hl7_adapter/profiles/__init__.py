"""What each message holds, as data: segments and fields, how often, how long, of which type, and what becomes of it.

`tables.py` reads the data, `checks.py` says where a message departs from it.
"""

from hl7_adapter.profiles.checks import CODES, Departure, departures
from hl7_adapter.profiles.tables import FieldProfile, MessageProfile, SegmentUse, profile_for, profiles

__all__ = [
    "CODES",
    "Departure",
    "FieldProfile",
    "MessageProfile",
    "SegmentUse",
    "departures",
    "profile_for",
    "profiles",
]
