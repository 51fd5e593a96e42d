"""The two limiters: requests in a window, and requests under way at once."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from .errors import ApiError
from .settings import Settings


class Limiter:
    """Counts requests. Used from the server's event loop only.

    :param clock: seconds, never going back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._window_start = -math.inf
        self._in_window = 0
        self.under_way = 0

    def enter(self, settings: Settings) -> None:
        """Lets a request in; every request let in must :meth:`leave`.

        :raises ApiError: 429 when it may not come in now.
        """
        now = self._clock()
        if now - self._window_start >= settings.rate_window:
            self._window_start, self._in_window = now, 0
        if settings.rate_limit is not None and self._in_window >= settings.rate_limit:
            left = self._window_start + settings.rate_window - now
            raise _too_many("Too many requests, try again later", left, settings)
        if settings.concurrency is not None and self.under_way >= settings.concurrency:
            raise _too_many("Too many concurrent requests", 1, settings)
        self._in_window += 1
        self.under_way += 1

    def leave(self) -> None:
        """A request that came in is answered."""
        self.under_way -= 1

    def reset(self) -> None:
        """Starts a new window."""
        self._window_start = -math.inf


def _too_many(message: str, seconds: float, settings: Settings) -> ApiError:
    headers: dict[str, str] = {}
    if settings.rate_limit_header != "none":
        headers[settings.rate_limit_header] = str(max(1, math.ceil(seconds)))
    return ApiError(429, "TOO_MANY_REQUESTS", message, headers=headers)
