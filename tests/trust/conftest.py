"""The tenant of the engine's tests serves here as well."""

from __future__ import annotations

from tests.sync.conftest import settings, world

__all__ = ["settings", "world"]
