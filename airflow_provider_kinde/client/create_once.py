"""Creating something once, over an API that has no idempotency keys."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from airflow_provider_kinde.exceptions import KindeConflictError, KindeError

T = TypeVar("T")

TRIES = 4
"""How often a request is sent at most when its response is lost each time, with a look-up between two of them."""


def create_once(send: Callable[[], T], look: Callable[[], T | None]) -> tuple[T, bool]:
    """Send a request that must not be carried out twice; if its response is lost, look before sending it again.

    :param send: sends the request and returns the result.
    :param look: looks the result of an earlier request up; ``None`` where there is none.
    :returns: the result, and whether this call created it.
    :raises KindeError: Kinde refused, or no response came in the last try.
    """
    for attempt in range(TRIES):
        try:
            return send(), True
        except KindeConflictError:
            found = look()
            if found is None:
                raise
            return found, False
        except KindeError as error:
            if not error.fate_unknown:
                raise
            # The look-up comes after the wait, as late as possible: the earlier request may still be under way.
            time.sleep(0.25 * 2**attempt)
            found = look()
            if found is not None:
                return found, False
            if attempt == TRIES - 1:
                raise
    raise AssertionError("unreachable")
