"""The hospital's rules of registration, as published figures."""

from __future__ import annotations

HOLD_MINUTES = 10  # 邵逸夫医院's published rule: an unpaid place goes back after 10 minutes
MAX_UNPAID_HOLDS = 3
CANCEL_MINUTES_BEFORE = 30  # lcrmyy.com notice 4064: given back in full until 30 minutes before
