"""One Chromium for all tests: Playwright has one loop a process."""

from __future__ import annotations

from tests.support.browser import axe, chromium

__all__ = ["axe", "chromium"]
