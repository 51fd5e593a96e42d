"""Sending what must not happen twice, over an API that knows no idempotency keys."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from airflow_provider_kinde.exceptions import KindeConflictError, KindeError

T = TypeVar("T")

TRIES = 4
"""How often a request is sent whose answer is lost each time, with a look between any two."""


def create_once(send: Callable[[], T], look: Callable[[], T | None]) -> tuple[T, bool]:
    """Send what must not happen twice; where the answer is lost, look before sending it again.

    :param look: finds the result of an earlier sending, or ``None``.
    :returns: the result, and whether this very sending made it.
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
            # First the wait, then the look: what is still under way is seen as late as can be before sending again.
            time.sleep(0.25 * 2**attempt)
            found = look()
            if found is not None:
                return found, False
            if attempt == TRIES - 1:
                raise
    raise AssertionError("unreachable")
