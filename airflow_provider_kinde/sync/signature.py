"""Signatures of plans and reports: who edits a file, or makes one without the client secret, is found out."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from airflow_provider_kinde.exceptions import SyncError
from airflow_provider_kinde.sync.changes import canonical

Sign = Callable[[bytes], str]
"""Signs bytes with a key that only the holder of the client secret has: a client's ``sign``."""

_KEY = b"which key"


class Content:
    """The content of a plan or a report, taken in piece by piece, so that a large one need not be in memory."""

    def __init__(self) -> None:
        self._operations = hashlib.sha256()

    def passing(self, operations: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
        """Take operations in, and pass them on.

        :param operations: in the order of the file.
        """
        for operation in operations:
            self._operations.update(canonical(operation).encode("utf-8", "surrogatepass") + b"\n")
            yield operation

    def signature(self, head: Mapping[str, Any], sign: Sign) -> str:
        """Sign the content, once all operations passed.

        :param head: the content without the operations; a signature in it is left out.
        :param sign: signs bytes.
        """
        rest = {key: value for key, value in head.items() if key not in ("operations", "signature")}
        whole = self._operations.digest() + canonical(rest).encode("utf-8", "surrogatepass")
        return f"{key_id(sign)}:{sign(whole)}"

    def check(self, head: Mapping[str, Any], sign: Sign, what: str) -> None:
        """Check the signature of a file.

        :param head: the content without the operations.
        :param sign: signs bytes.
        :param what: what messages call the file.
        :raises SyncError: the file has no signature, was signed with another secret, or was changed.
        """
        given = str(head.get("signature") or "")
        if not given:
            raise SyncError(f"{what} has no signature, so it may have been edited: it is not used. Make a new one")
        if hmac.compare_digest(given.encode(), self.signature(head, sign).encode()):
            return
        if given.partition(":")[0] != key_id(sign):
            raise SyncError(
                f"{what} was signed with another client secret than that of this connection: "
                "make a new one, or use the connection that it was made with"
            )
        raise SyncError(f"{what} was changed: its signature does not match its content. Make a new one")


def signed(document: Mapping[str, Any], sign: Sign) -> dict[str, Any]:
    """Add the signature to a plan or a report, as its last entry.

    :param document: the content; ``operations`` may be an iterator.
    :param sign: signs bytes.
    :returns: the content. ``signature`` is a function, which gives the text once the operations were passed.
    """
    content = Content()
    head = {key: value for key, value in document.items() if key != "operations"}
    operations = content.passing(document["operations"])
    return {**document, "operations": operations, "signature": lambda: content.signature(head, sign)}


def whole(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a signed document as one value, without iterators and functions.

    :param document: from :func:`signed`.
    """
    found = {**document, "operations": list(document["operations"])}
    return {**found, "signature": document["signature"]()}


def key_id(sign: Sign) -> str:
    """A text that tells one key from another, and nothing more of it.

    :param sign: signs bytes.
    """
    return sign(_KEY)[:16]
