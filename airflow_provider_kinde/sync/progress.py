"""How long work tells how far it is."""

from collections.abc import Callable

Progress = Callable[[str, int, int | None], None]
"""Called with a stage, how much is done, and how much there is (``None`` while unknown)."""
