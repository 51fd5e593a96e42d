"""Entries whose content is not what runs write: an error that names the entry, and no other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from airflow_provider_kinde.exceptions import StorageError

BROKEN = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""What goes wrong when an entry holds other values than runs write."""


@contextmanager
def names_entry(number: int | None) -> Iterator[None]:
    """Read an entry, or make something of it.

    :param number: its number; ``None`` where several were read.
    :raises StorageError: its content is not what runs write.
    """
    try:
        yield
    except BROKEN as error:
        which = "an entry" if number is None else f"entry {number}"
        raise StorageError(
            f"{which} of the history has content that no run writes ({type(error).__name__}: {error}). "
            "Run history --verify: it says whether the entry was changed. If not, report it as a fault of the provider"
        ) from error
