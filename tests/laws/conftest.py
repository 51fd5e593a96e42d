from __future__ import annotations

from tests.support.world import settings, world

__all__ = ["settings", "world"]
