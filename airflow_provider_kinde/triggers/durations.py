"""Durations as parameters: a ``timedelta`` or a number of seconds, checked when the DAG file is parsed."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any


def seconds(name: str, value: Any) -> float:
    """Return a duration in seconds.

    :param name: the parameter, for the message.
    :param value: a ``timedelta`` or a number of seconds.
    :raises ValueError: it is neither, or not above 0.
    """
    found = value.total_seconds() if isinstance(value, timedelta) else value
    if isinstance(found, bool) or not isinstance(found, (int, float)) or not 0 < found < math.inf:
        raise ValueError(f"{name}={value!r}: expected a timedelta or a number of seconds, above 0")
    return float(found)


def duration(name: str, value: Any) -> timedelta:
    """Return a duration as a ``timedelta``.

    :param name: the parameter, for the message.
    :param value: a ``timedelta`` or a number of seconds.
    :raises ValueError: it is neither, not above 0, or longer than a ``timedelta`` can be.
    """
    try:
        return timedelta(seconds=seconds(name, value))
    except OverflowError:
        raise ValueError(f"{name}={value!r}: expected a timedelta or a number of seconds, above 0") from None


def count(name: str, value: Any) -> int:
    """Return a whole number of at least 1.

    :param name: the parameter, for the message.
    :param value: the number.
    :raises ValueError: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"{name}={value!r}: expected a whole number of at least 1")
    return value
