"""What the machine writes down: one JSON line per happening, ids and codes only."""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

FIELDS = ("request_id", "endpoint", "method", "status", "ms", "actor", "code", "job", "item", "topic", "count", "peer")


class JsonLines(logging.Formatter):
    """Writes the message and the allowed fields of a record; anything else a caller adds stays out."""

    def format(self, record: logging.LogRecord) -> str:
        """One line of JSON; control characters are escaped by it, so a line is always one line."""
        line: dict[str, Any] = {
            "at": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "log": record.name,
            "text": record.getMessage(),
        }
        line |= {name: getattr(record, name) for name in FIELDS if hasattr(record, name)}
        if record.exc_info and record.exc_info[0] is not None:
            # The type and the place, never the text: database drivers quote the row in theirs.
            line["error"] = record.exc_info[0].__name__
            line["place"] = self._place(record)
        return json.dumps(line, ensure_ascii=False, default=str)

    @staticmethod
    def _place(record: logging.LogRecord) -> list[str]:
        trace = record.exc_info[2] if record.exc_info else None
        places = []
        while trace is not None:
            code = trace.tb_frame.f_code
            places.append(f"{code.co_filename.rsplit('/', 2)[-1]}:{trace.tb_lineno} {code.co_name}")
            trace = trace.tb_next
        return places[-8:]


def set_up(level: int = logging.INFO) -> None:
    """All logs of this process go to standard error as JSON lines; quiet when called twice."""
    root = logging.getLogger()
    if any(isinstance(handler.formatter, JsonLines) for handler in root.handlers):
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    root.addHandler(handler)
    root.setLevel(level)
    for noisy in ("apscheduler", "fontTools", "weasyprint", "wechatpayv3", "urllib3", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
