"""Injected faults: responses that fail, are lost, or come late."""

from __future__ import annotations

import itertools
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Fault:
    """One kind of fault, for the requests that match.

    :param method: HTTP method; any when ``None``.
    :param path: regular expression searched in the path, and in ``path?query``.
    :param match: regular expression searched in the request's body.
    :param status: respond with this status.
    :param body: body of that response; an error in Kinde's form when ``None``. Text is sent as HTML, all else as JSON.
    :param headers: further headers of that response.
    :param after_work: do the work first; then respond with ``status``, or close the connection without a response.
    :param drop: close the connection before the work.
    :param delay: seconds to wait first.
    :param revoke_token: make the token of this request invalid, for this request as well.
    :param times: how many requests it hits; ``None`` for all.
    :param skip: how many matching requests pass before.
    """

    method: str | None = None
    path: str = ""
    match: str | None = None
    status: int | None = None
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    after_work: bool = False
    drop: bool = False
    delay: float = 0.0
    revoke_token: bool = False
    times: int | None = 1
    skip: int = 0
    id: int = 0
    seen: int = 0
    """Requests that matched."""
    hits: int = 0
    """Requests that it hit."""

    def __post_init__(self) -> None:
        try:
            re.compile(self.path)
            re.compile(self.match or "")
        except re.error as error:
            raise ValueError(f"path and match must be regular expressions: {error}") from None
        if self.times is not None and self.times < 1:
            raise ValueError("times: must be 1 or more, or None for ever")
        if self.skip < 0 or self.delay < 0:
            raise ValueError("skip and delay must not be negative")
        if self.status is not None and not 200 <= self.status <= 599:
            raise ValueError(f"status: {self.status} is not between 200 and 599")
        if self.drop and (self.after_work or self.status is not None):
            raise ValueError("drop closes the connection before the work: it goes with neither after_work nor status")
        if (self.body is not None or self.headers) and self.status is None:
            raise ValueError("body and headers need a status")
        if not (self.drop or self.after_work or self.delay or self.revoke_token or self.status is not None):
            raise ValueError("a fault needs one of status, after_work, drop, delay, revoke_token")

    def matches(self, method: str, path: str, query: str, body: bytes) -> bool:
        """Whether the fault is for this request.

        :param method: the HTTP method.
        :param path: the path.
        :param query: the query string.
        :param body: the body.
        """
        if self.method is not None and self.method.upper() != method:
            return False
        if not (re.search(self.path, path) or (query and re.search(self.path, f"{path}?{query}"))):
            return False
        return self.match is None or re.search(self.match, body.decode("utf-8", "replace")) is not None

    def to_dict(self) -> dict[str, Any]:
        """The fault as a JSON object."""
        return {name: getattr(self, name) for name in self.__slots__}

    def __str__(self) -> str:
        words = [f"{self.delay:g} s late"] if self.delay else []
        words += ["token revoked"] if self.revoke_token else []
        words += ["dropped"] if self.drop else []
        if self.status is not None:
            words.append(f"{self.status} after the work" if self.after_work else str(self.status))
        elif self.after_work:
            words.append("answer lost")
        return ", ".join(words)


class Faults:
    """The faults that are waiting. The first one that matches and has nothing left to skip hits the request."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ids = itertools.count(1)
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> Fault:
        """Adds a fault at the end of the queue.

        :param fault: what happens to which requests.
        :returns: the fault, with its id.
        """
        with self._lock:
            fault.id = next(self._ids)
            self._faults.append(fault)
        return fault

    def remove(self, fault_id: int) -> bool:
        """Removes a fault.

        :param fault_id: number of the fault.
        :returns: whether there was a fault with that id.
        """
        with self._lock:
            before = len(self._faults)
            self._faults = [fault for fault in self._faults if fault.id != fault_id]
            return len(self._faults) < before

    def clear(self) -> None:
        """Removes all faults."""
        with self._lock:
            self._faults = []

    def pending(self) -> list[Fault]:
        """The faults that are still waiting."""
        with self._lock:
            return list(self._faults)

    def take(self, method: str, path: str, query: str, body: bytes) -> Fault | None:
        """The fault that hits this request, or ``None``.

        :param method: the HTTP method.
        :param path: the path.
        :param query: the query string.
        :param body: the body.
        """
        if not self._faults:
            return None
        with self._lock:
            for fault in self._faults:
                if not fault.matches(method, path, query, body):
                    continue
                fault.seen += 1
                if fault.seen <= fault.skip:
                    continue
                fault.hits += 1
                if fault.times is not None and fault.hits >= fault.times:
                    self._faults = [other for other in self._faults if other is not fault]
                return fault
        return None
