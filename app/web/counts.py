"""What the web processes count for the operator's charts (Prometheus)."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

REQUESTS = Counter("menzhen_requests_total", "Answers by page and status", ["endpoint", "status"])
SECONDS = Histogram(
    "menzhen_request_seconds",
    "Seconds from the request's arrival to its answer",
    ["endpoint"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)
