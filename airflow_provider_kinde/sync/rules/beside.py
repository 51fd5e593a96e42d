"""Do a part of long work in a process of its own, so that a second core has something to do."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Iterator
from multiprocessing.connection import Connection
from typing import TypeVar

from airflow_provider_kinde.exceptions import ProviderError

T = TypeVar("T")


def beside(items: Iterator[T]) -> Iterator[T]:
    """Yield the items of an iterator that another process works off.

    Where the system has one core, cannot copy a process, or where threads run (which a copied process would lack), the
    items are made in this process.

    :param items: the iterator, not begun yet; its items can be pickled.
    :raises ProviderError: the iterator raised; the message says what.
    """
    copies = "fork" in multiprocessing.get_all_start_methods() and threading.active_count() == 1
    if not copies or (os.cpu_count() or 1) < 2:
        yield from items
        return
    receiver, sender = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("fork").Process(target=_send, args=(items, receiver, sender), daemon=True)
    process.start()
    sender.close()
    try:
        while True:
            try:
                item, error = receiver.recv()
            except EOFError:
                process.join(5)
                if process.exitcode:
                    raise ProviderError(f"a process of this command ended with {process.exitcode}") from None
                return
            if error:
                raise ProviderError(error)
            yield item
    finally:
        receiver.close()
        process.kill()
        process.join()


def _send(items: Iterator[T], receiver: Connection, sender: Connection) -> None:
    receiver.close()
    try:
        for item in items:
            sender.send((item, ""))
    except KeyboardInterrupt:  # the command itself says so
        pass
    except ProviderError as error:
        sender.send((None, str(error)))
    except Exception as error:
        sender.send((None, f"unexpected: {type(error).__name__}: {error}"))
    finally:
        sender.close()
