"""The log of requests, in the order in which they arrived."""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from datetime import datetime, timezone
from typing import Any
from urllib.parse import parse_qsl

SECRET_FIELDS = frozenset({"client_secret", "password", "hashed_password", "salt", "signer_key", "client_assertion"})


class RequestLog:
    """Keeps the latest requests; any thread may read it while requests arrive.

    :param size: how many requests are kept.
    """

    def __init__(self, size: int) -> None:
        self._lock = threading.Lock()
        self._entries: deque[dict[str, Any]] = deque(maxlen=size)
        self._count = 0

    def begin(self, kind: str, method: str, path: str, query: str, body: Any, user_agent: str) -> dict[str, Any]:
        """Adds a request that has arrived.

        :param kind: ``api``, ``token`` or ``public``.
        :param method: the HTTP method.
        :param path: the path.
        :param query: the query string.
        :param body: the body as :func:`readable_body` returns it.
        :param user_agent: the ``User-Agent`` header.
        :returns: the entry, for :meth:`end`.
        """
        entry: dict[str, Any] = {
            "n": 0,
            "at": datetime.now(timezone.utc).isoformat(),
            "kind": kind,
            "method": method,
            "path": path,
            "query": plain_query(query),
            "body": body,
            "status": None,
            "worked": None,
            "fault": None,
            "ms": None,
            "client": None,
            "user_agent": user_agent,
        }
        with self._lock:
            self._count += 1
            entry["n"] = self._count
            self._entries.append(entry)
        return entry

    def end(self, entry: dict[str, Any], started: float, **changes: Any) -> None:
        """Adds to an entry how the request ended.

        :param entry: the entry that :meth:`begin` returned.
        :param started: ``time.perf_counter()`` when the request arrived.
        :param changes: fields of the entry.
        """
        with self._lock:
            entry.update(changes, ms=round((time.perf_counter() - started) * 1000, 2))

    def entries(self, last: int | None = None) -> list[dict[str, Any]]:
        """Copies of the entries, oldest first.

        :param last: only the latest of them, so many; all when ``None``.
        """
        with self._lock:
            kept = list(self._entries) if last is None else list(self._entries)[-last:] if last else []
            return [dict(entry) for entry in kept]

    def clear(self) -> None:
        """Empties the log; numbering starts at 1 again."""
        with self._lock:
            self._entries.clear()
            self._count = 0

    def resize(self, size: int) -> None:
        """Changes how many requests are kept."""
        with self._lock:
            if size != self._entries.maxlen:
                self._entries = deque(self._entries, maxlen=size)


def plain_query(query: str) -> dict[str, Any]:
    """A query string as a dictionary, secrets masked; a repeated name has a list.

    :param query: the parameters, in their order.
    """
    plain: dict[str, Any] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name not in plain:
            plain[name] = value
        elif isinstance(plain[name], list):
            plain[name].append(value)
        else:
            plain[name] = [plain[name], value]
    return {name: "***" if name in SECRET_FIELDS else value for name, value in plain.items()}


def readable_body(raw: bytes, content_type: str) -> Any:
    """A request's body as the log keeps it: decoded, secrets masked.

    :param raw: the body.
    :param content_type: the ``Content-Type`` header.
    """
    if not raw:
        return None
    if content_type.startswith("application/x-www-form-urlencoded"):
        return plain_query(raw.decode("utf-8", "replace"))
    if content_type.startswith("multipart/"):
        return f"<{len(raw)} bytes>"
    try:
        return _masked(json.loads(raw))
    except (ValueError, RecursionError):
        return raw[:2000].decode("utf-8", "replace")


def _masked(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: "***" if key in SECRET_FIELDS else _masked(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_masked(item) for item in value]
    return value
