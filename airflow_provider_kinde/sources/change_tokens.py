"""Whether a source changed since the last check, found out with as little reading as the source allows."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from airflow_provider_kinde.sync.model import Source

QUICK, THOROUGH = 3.0, 60.0
"""Seconds between two checks: of a source that answers one small question, and of one whose rows are all read."""


def check_interval(source: Source) -> float:
    """How many seconds lie between two checks of a source, unless the DAG says something else.

    :param source: the source.
    """
    return QUICK if getattr(source, "tells_changes", False) else THOROUGH


def change_token(source: Source, last: str | None = None, now: dt.datetime | None = None) -> str:
    """Return a short text that is equal to ``last`` as long as the source has not changed.

    A source may have a method ``change_token(last)``. A file uses its time and size, a database the result of its
    watermark query, an API its list of changes or its ETag. All rows of any other source are read and digested.

    :param source: the source.
    :param last: the token of an earlier look; ``None`` for the first one.
    :param now: the moment.
    :raises SourceError: the source cannot be read.
    """
    own = getattr(source, "change_token", None)
    found = own(last) if own is not None else None
    if found is not None:
        return str(found)
    if getattr(source, "tells_changes", False):
        # The moment before the question: what changes while it is answered is found by the next one.
        at = (now or dt.datetime.now(dt.timezone.utc)).isoformat()
        known = _moment(last)
        asked: Any = source
        return at if known is None or asked.changed_since(known) else str(last)
    return digest(source)


def changed_at(source: Source) -> dt.datetime | None:
    """When the data of a source was last changed, where the source knows: it then has a method ``changed_at()``.

    A file knows when it was written, an API may say ``Last-Modified``, and a query of ``watermark`` may yield a time.

    :param source: the source, after it was read.
    :returns: the moment, with a time zone; ``None`` where it is not known.
    """
    own = getattr(source, "changed_at", None)
    found = own() if own is not None else None
    return found if isinstance(found, dt.datetime) and found.tzinfo else None


def digest(source: Source) -> str:
    """A digest of all rows, whatever their order; a source that is incomplete has another one than a complete one.

    :param source: the source.
    """
    total, count = 0, 0
    reading = source.read()
    for row in reading:
        values = {str(key): value for key, value in row.values.items()}
        text = json.dumps([row.problem, values], sort_keys=True, default=str, ensure_ascii=True)
        total += int.from_bytes(hashlib.sha256(text.encode()).digest(), "big")
        count += 1
    whole = "\n".join([f"{total % 2**256:x}", str(count), *sorted(reading.columns or ()), *reading.incomplete])
    return "rows:" + hashlib.sha256(whole.encode()).hexdigest()


def stat_token(status: Any) -> str:
    """A token from what a file system or an object store says of a file: its ETag, or time of writing and size.

    :param status: what the file system says.
    """
    # Airflow's own status is a mapping.
    info: Mapping[str, Any] = status if isinstance(status, Mapping) else getattr(status, "_info", None) or {}
    for name in ("ETag", "etag", "md5Hash", "content_md5"):
        if info.get(name):
            return f"etag:{info[name]}"
    written = getattr(status, "st_mtime_ns", None) or getattr(status, "st_mtime", 0)
    return f"stat:{written}:{status.st_size}"


def _moment(text: str | None) -> dt.datetime | None:
    try:
        found = dt.datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return found if found.tzinfo else None
