"""HR and Kinde, read once for two plans: the rows and responses of the first are kept for the second."""

from __future__ import annotations

import pickle
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import IO, Any

from airflow_provider_kinde.sync.model import Reading, Row, Source
from airflow_provider_kinde.sync.tenant import client_of

_IN_MEMORY = 1_000
"""Items of one list that are kept in memory; more go to a private temporary file."""


class KeptList:
    """The items of an iterator, which yields each of them only once.

    :param items: the iterator.
    """

    def __init__(self, items: Iterator[Any]) -> None:
        self._items = items
        self._first: list[Any] = []
        self._file: IO[bytes] | None = None
        self._count = 0
        self._failure: Exception | None = None

    def __iter__(self) -> Iterator[Any]:
        number = place = 0
        while True:
            if number < len(self._first):
                item = self._first[number]
            elif number < self._count:
                assert self._file is not None
                self._file.seek(place)
                item = pickle.load(self._file)
                place = self._file.tell()
            elif self._failure:
                raise self._failure  # a list that broke off is not a whole one
            else:
                try:
                    item = next(self._items)
                except StopIteration:
                    return
                except Exception as error:
                    self._failure = error
                    raise
                place = self._keep(item)
            number += 1
            yield item

    def _keep(self, item: Any) -> int:
        """Keep an item; returns where the next one begins in the file."""
        self._count += 1
        if self._count <= _IN_MEMORY:
            self._first.append(item)
            return 0
        if self._file is None:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the list
        self._file.seek(0, 2)
        pickle.dump(item, self._file, pickle.HIGHEST_PROTOCOL)
        return self._file.tell()


class ReadOnceSource:
    """An HR source whose rows are read by the first pass only.

    :param source: the source.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._kept: tuple[Reading, KeptList] | None = None

    def read(self) -> Reading:
        """Start a pass over the rows.

        :returns: the rows, with what is known of the whole once they are exhausted.
        """
        if self._kept is None:
            reading = self._source.read()
            self._kept = reading, KeptList(iter(reading))
        return _Again(*self._kept)


class _Again:
    """A pass over kept rows. What is known of the whole is what the first pass found."""

    def __init__(self, reading: Reading, rows: KeptList) -> None:
        self._reading, self._rows = reading, rows
        self.name: str = reading.name
        self.columns: Sequence[str] | None = reading.columns
        self.incomplete: list[str] = []
        self.proven = False
        self.warnings: list[str] = []

    def __iter__(self) -> Iterator[Row]:
        yield from self._rows
        self.incomplete, self.warnings = list(self._reading.incomplete), list(self._reading.warnings)
        self.proven = self._reading.proven


class ReadOnceClient:
    """A client that only reads, and sends no request twice.

    :param client: a ``KindeClient`` or a ``KindeHook``.
    """

    def __init__(self, client: Any) -> None:
        self._client = client_of(client)
        self._known: dict[str, Any] = {}
        self._lock = threading.Lock()

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        if not name.startswith(("iter_", "get_", "search_")):
            return found
        return lambda *args, **kwargs: self._ask(f"{name} {args!r} {sorted(kwargs.items())!r}", found, args, kwargs)

    def _ask(self, key: str, call: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        with self._lock:
            known = key in self._known
        if not known:
            found = call(*args, **kwargs)
            with self._lock:
                self._known[key] = KeptList(found) if isinstance(found, Iterator) else found
        kept = self._known[key]
        return iter(kept) if isinstance(kept, KeptList) else kept
