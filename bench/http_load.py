"""Many phones that ask over HTTP at once, as cheaply as Python can: they share the machine with what is measured."""

from __future__ import annotations

import heapq
import select
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from bench.figures import percentile

HOST = "127.0.0.1"
HEAD_END = b"\r\n\r\n"
IDLE_SECONDS = 5
Requests = Iterator[bytes]
Heard = Callable[[bytes, int], None]
"""What is done with an answer: its head, and the number of whoever asked."""


@dataclass
class Load:
    """What the phones saw: how often which status, how long each answer took, and for how long they asked."""

    seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    took_ms: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Answers per second."""
        return len(self.took_ms) / self.seconds

    def p(self, percent: int) -> float:
        """The milliseconds in which so many of a hundred answers came."""
        return percentile(self.took_ms, percent)


class _Line:
    """One connection that is kept, and the request it waits for."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection((HOST, port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.request = self.got = b""
        self.asked_at, self.answered_at = 0.0, time.perf_counter()
        self.whose = 0

    def hang_up(self) -> None:
        self.socket.close()

    def ask(self, request: bytes, asked_at: float, whose: int = 0) -> None:
        self.request = request
        self.got, self.asked_at, self.whose = b"", asked_at, whose
        self.socket.sendall(request)

    def heard(self) -> bytes | None:
        """The head of the answer when all of the answer is there."""
        more = self.socket.recv(262144)
        if not more:
            raise ConnectionResetError("the server hung up")
        self.got += more
        end = self.got.find(HEAD_END)
        if end < 0:
            return None
        head = self.got[:end]
        return head if len(self.got) - end - 4 >= _length(head) else None


def _length(head: bytes) -> int:
    _, found, after = head.lower().partition(b"content-length:")
    return int(after.partition(b"\r")[0]) if found else 0


def status_of(head: bytes) -> int:
    """The status that the head of an answer begins with."""
    return int(head[9:12])


def ask_all(port: int, requests: Requests, *, lines: int, seconds: float = 1e9) -> Load:
    """So many lines ask, each the next of `requests` when its last one is answered, until these or the time run out.

    Whoever is told that the house is busy (503) asks again.
    """
    load, watch, open_lines = Load(), select.epoll(), {}
    for _ in range(lines):
        line = _Line(port)
        open_lines[line.socket.fileno()] = line
        watch.register(line.socket, select.EPOLLIN)
    began = time.perf_counter()
    busy = sum(_next(line, requests, began + seconds) for line in open_lines.values())
    while busy:
        for number, _ in watch.poll(10):
            line = open_lines[number]
            head = line.heard()
            if head is None:
                continue
            if status_of(head) == 503:  # busy: as the page says, ask again
                line.ask(line.request, line.asked_at)
                continue
            load.took_ms.append((time.perf_counter() - line.asked_at) * 1000)
            load.statuses[status_of(head)] += 1
            busy -= not _next(line, requests, began + seconds)
    load.seconds = time.perf_counter() - began
    watch.close()
    for line in open_lines.values():
        line.hang_up()
    return load


def _next(line: _Line, requests: Requests, until: float) -> bool:
    now = time.perf_counter()
    request = next(requests, None) if now < until else None
    if request is not None:
        line.ask(request, now)
    return request is not None


@dataclass(frozen=True)
class Pace:
    """So many people ask each `every` seconds, for so many `seconds`, over `lines` that a proxy keeps open."""

    people: int
    every: float
    seconds: float
    lines: int


def ask_on_time(port: int, request_of: Callable[[int], bytes], heard: Heard, pace: Pace) -> Load:
    """People ask at moments of their own, whether the server keeps up or not.

    Time is counted from when a person wanted to ask, so waiting for a free line counts too.
    """
    load, watch, busy = Load(), select.epoll(), {}
    free = [_Line(port) for _ in range(pace.lines)]
    began = time.perf_counter()
    due = [(began + pace.every * number / pace.people, number) for number in range(pace.people)]
    while due[0][0] < began + pace.seconds or busy:
        now = time.perf_counter()
        while free and due[0][0] <= now and due[0][0] < began + pace.seconds:
            wanted_at, number = heapq.heappop(due)
            line = free.pop(0)
            if now - line.answered_at > IDLE_SECONDS:  # the server may have hung up in the meantime
                line.hang_up()
                line = _Line(port)
            watch.register(line.socket, select.EPOLLIN)
            busy[line.socket.fileno()] = line
            line.ask(request_of(number), wanted_at, number)
            heapq.heappush(due, (wanted_at + pace.every, number))
        for number, _ in watch.poll(max(0.0, min(due[0][0] - now, 0.02)) if free else 0.02):
            line = busy[number]
            head = line.heard()
            if head is not None:
                line.answered_at = time.perf_counter()
                load.took_ms.append((line.answered_at - line.asked_at) * 1000)
                load.statuses[status_of(head)] += 1
                heard(head, line.whose)
                watch.unregister(line.socket)
                free.append(busy.pop(number))
    load.seconds = time.perf_counter() - began
    watch.close()
    for line in free:
        line.hang_up()
    return load


def get(path: str, cookie: str, etag: str = "") -> bytes:
    """The bytes of a GET, with the tag of what the browser has already."""
    known = f"If-None-Match: {etag}\r\n" if etag else ""
    return (
        f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\nCookie: menzhen={cookie}\r\nAccept-Language: zh-CN\r\n{known}\r\n"
    ).encode()


def post(path: str, cookie: str, form: str) -> bytes:
    """The bytes of a form that is sent."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {HOST}\r\nCookie: menzhen={cookie}\r\nAccept-Language: zh-CN\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(form)}\r\n\r\n"
    )
    return (head + form).encode()
