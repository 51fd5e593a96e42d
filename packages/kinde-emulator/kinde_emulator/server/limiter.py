"""The two limits: requests in a window of time, and requests at once."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from kinde_emulator.errors import ApiError
from kinde_emulator.settings import Settings


class Limiter:
    """Counts requests. Used from the server's event loop only.

    :param clock: gives monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._window_start = -math.inf
        self._in_window = 0
        self.under_way = 0

    def enter(self, settings: Settings) -> None:
        """Counts a request that arrives; :meth:`leave` must follow when it is answered.

        :param settings: the limits.
        :raises ApiError: 429 if a limit is reached.
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
        """Counts a request that is answered."""
        self.under_way -= 1

    def reset(self) -> None:
        """Starts a new window."""
        self._window_start = -math.inf


def _too_many(message: str, seconds: float, settings: Settings) -> ApiError:
    headers: dict[str, str] = {}
    if settings.rate_limit_header != "none":
        headers[settings.rate_limit_header] = str(max(1, math.ceil(seconds)))
    return ApiError(429, "TOO_MANY_REQUESTS", message, headers=headers)
