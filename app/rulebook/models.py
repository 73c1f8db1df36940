"""Rule sets as they were written: appended, never edited."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import PublicRow, choice


class Scope(enum.StrEnum):
    """For whom a set holds; the narrower one has the word."""

    HOSPITAL = "hospital"
    CAMPUS = "campus"
    DEPARTMENT = "department"


class RuleSet(PublicRow):
    """One version of a scope's rules, in force from `valid_from` until the scope's next one is.

    `body` states only what differs from the wider scope; `scope_code` is the campus's or department's, '' the house's.
    """

    __tablename__ = "rule_set"
    __table_args__ = (
        UniqueConstraint("scope", "scope_code", "version"),
        Index("ix_rule_set_valid", "scope", "scope_code", "valid_from"),
        CheckConstraint("(scope = 'hospital') = (scope_code = '')", name="house_has_no_code"),
        CheckConstraint("version > 0", name="version_counts"),
    )

    scope: Mapped[Scope] = mapped_column(choice(Scope))
    scope_code: Mapped[str] = mapped_column(String(24), default="")
    version: Mapped[int]
    valid_from: Mapped[datetime]
    body: Mapped[dict[str, Any]]
    note: Mapped[str] = mapped_column(String(200), default="")
    made_at: Mapped[datetime]
    by_ref: Mapped[str] = mapped_column(String(64))
