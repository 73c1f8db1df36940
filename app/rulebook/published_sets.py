"""Rules that hospitals have published, as sets to start from; what each says in its own words stands beside it."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.rulebook.terms import SHIPPED, Rules, as_body, from_body

HERE = Path(__file__).parent / "published"


@dataclass(frozen=True)
class PublishedSet:
    """One hospital's published rules; `department_body` is what some of its departments have besides.

    `left_out` says which published sentence has no rule here, and why.
    """

    name: str
    title: str
    source: str
    says: str
    left_out: str
    body: dict[str, Any]
    department_body: dict[str, Any]

    @property
    def rules(self) -> Rules:
        """All the rules of the house, as shipped where it publishes none."""
        return from_body({**as_body(SHIPPED), **self.body})

    @property
    def department_rules(self) -> Rules:
        """All the rules of the departments that have their own."""
        return from_body({**as_body(self.rules), **self.department_body})


@functools.cache
def published_sets() -> dict[str, PublishedSet]:
    """Every published set by its name."""
    files = sorted(HERE.glob("*.json"))
    return {file.stem: PublishedSet(**json.loads(file.read_text(encoding="utf-8"))) for file in files}
