"""Threads that work side by side, as many as the system gives."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import suppress
from itertools import islice
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Any, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class ThreadPool:
    """Does work in threads, and in the calling thread where the system gives none (``ulimit -v``, ``ulimit -u``).

    ``ThreadPoolExecutor`` starts its threads while work comes in. If the system refuses one, the work has been taken
    already, and may still be done later: a request would be sent twice. Here threads are started first.

    :param most: how many threads at most.
    """

    def __init__(self, most: int) -> None:
        self._work: SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        wanted = max(1, most)
        with suppress(RuntimeError, MemoryError):  # "can't start new thread"
            for number in range(wanted):
                thread = threading.Thread(target=self._run, name=f"kinde-pool-{number}")
                thread.start()
                self._threads.append(thread)
        if len(self._threads) < wanted:
            # Each thread takes room that the work itself needs.
            self._end(len(self._threads) - len(self._threads) // 2)

    @property
    def threaded(self) -> bool:
        """Whether work is done in threads, and not where it is submitted."""
        return bool(self._threads)

    @property
    def size(self) -> int:
        """How many pieces of work are done at once."""
        return max(1, len(self._threads))

    def submit(self, work: Callable[[Item], Result], item: Item) -> Future[Result]:
        """Do one piece of work.

        :param work: the work.
        :param item: what it is done with.
        :returns: its future result; done already where there are no threads.
        """
        future: Future[Result] = Future()
        if self.threaded:
            self._work.put((future, lambda: work(item)))
        else:
            _do(future, lambda: work(item))
        return future

    def map(self, work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """Do one piece of work for each item.

        :param work: the work.
        :param items: what it is done with.
        :returns: the results, in the order of the items. If one fails, work that was not begun is dropped.
        """
        return _results([self.submit(work, item) for item in items])

    def read(self, lists: Sequence[Iterable[Item]], size: int, ahead: int) -> Iterator[tuple[int, list[Item]]]:
        """Read several lists at once, in parts, which are yielded as they come.

        Each list is read in one thread, in its order, while the caller works on earlier parts. The first error, of the
        caller or of a list, ends them all: no list begins another part.

        :param lists: the lists; the first ones are begun first.
        :param size: the most items in a part.
        :param ahead: the most parts that wait for the caller.
        :returns: the number of a list and its next part; the part is empty when the list is at its end.
        """
        if not self.threaded:
            for number, items in enumerate(lists):
                yield from ((number, part) for part in _parts(items, size))
            return
        arrived: SimpleQueue[tuple[int, list[Item], BaseException | None]] = SimpleQueue()
        room, ended, left = threading.Semaphore(ahead), threading.Event(), len(lists)

        def read_one(number: int) -> None:
            try:
                for part in _parts(lists[number], size):
                    room.acquire()
                    if ended.is_set():
                        return
                    arrived.put((number, part, None))
            except BaseException as error:  # raised again where the parts are asked for
                arrived.put((number, [], error))

        futures = [self.submit(read_one, number) for number in range(left)]
        try:
            while left:
                number, part, error = arrived.get()
                if error is not None:
                    raise error
                room.release()
                left -= not part
                yield number, part
        finally:
            ended.set()
            for future in futures:
                future.cancel()
                room.release()  # one that waits for room sees that this is over

    def shutdown(self, *, cancel: bool = False) -> None:
        """Wait for all work, and end the threads.

        :param cancel: whether work that was not begun is dropped.
        """
        with suppress(Empty):
            while cancel:
                entry = self._work.get_nowait()
                if entry is not None:
                    entry[0].cancel()
        self._end(len(self._threads))

    def __enter__(self) -> ThreadPool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.shutdown()

    def _end(self, count: int) -> None:
        """End some threads, once they have done what came before."""
        for _ in range(count):
            self._work.put(None)
        if count == len(self._threads):
            for thread in self._threads:
                thread.join()
            self._threads = []
            return
        # Which of them end is decided by chance.
        while sum(thread.is_alive() for thread in self._threads) > len(self._threads) - count:
            threading.Event().wait(0.001)
        self._threads = [thread for thread in self._threads if thread.is_alive()]

    def _run(self) -> None:
        while (entry := self._work.get()) is not None:
            _do(*entry)
            del entry  # so that no result is kept while the thread waits


def _parts(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """What a list holds, in parts; the last one is empty."""
    coming = iter(items)
    while part := list(islice(coming, size)):
        yield part
    yield []


def _results(futures: list[Future[Result]]) -> Iterator[Result]:
    try:
        for future in futures:
            yield future.result()
    finally:
        for future in futures:
            future.cancel()


def _do(future: Future[Result], work: Callable[[], Result]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = work()
    except BaseException as error:  # raised again where the result is asked for
        future.set_exception(error)
    else:
        future.set_result(result)
