"""Signatures of entries: who writes an entry, or changes one, without the client secret of Kinde is found out.

A signature is the last value of an entry's first line: which key, and the HMAC of the SHA-256 of the whole entry as it
is without the signature. Only a run that failed since it had no Kinde connection has none: its entry could be forged,
so that it counts for nothing but that a run failed.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import IO, Any

from airflow_provider_kinde.counted import counted
from airflow_provider_kinde.sync.signature import Sign, key_id

_SIGNED = re.compile(rb'(\{.*), "signature": "([0-9a-f]{16}):([0-9a-f]{64})"(\}\n)', re.DOTALL)
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z")


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_moment(value: Any) -> bool:
    return isinstance(value, str) and _MOMENT.fullmatch(value) is not None


_BARE: Mapping[str, Callable[[Any], bool]] = {
    "number": lambda value: type(value) is int,
    "run": lambda value: isinstance(value, dict) and all(map(_is_text, value.values())),
    "outcome": lambda value: bool(value == "failed"),
    **dict.fromkeys(("previous", "nonce", "spec", "command", "error"), _is_text),
    **dict.fromkeys(("at", "began", "ended", "written"), _is_moment),
}
"""What an entry without signature may hold."""


@dataclass(frozen=True, slots=True)
class EntryDigest:
    """What a check needs of an entry's bytes.

    :param hash: SHA-256 of the object.
    :param content: SHA-256 of the object without the signature.
    :param key: which key signed it; empty for an entry without a signature.
    :param signature: the HMAC.
    :param bare: whether it has no signature, and says no more than that a run failed.
    """

    hash: str
    content: bytes
    key: str
    signature: str
    bare: bool

    def is_signed_by(self, sign: Sign) -> bool:
        """Whether the signature is the one that a key makes.

        :param sign: signs with the key.
        """
        return hmac.compare_digest(self.signature, sign(self.content))


def sign_entry(first: bytes, body: IO[bytes], sign: Sign) -> bytes:
    """Add the signature to the first line of an entry.

    :param first: the first line.
    :param body: the other lines; read to the end.
    :param sign: signs with the key.
    """
    digest = hashlib.sha256(first)
    while block := body.read(1 << 20):
        digest.update(block)
    return first[:-2] + f', "signature": "{key_id(sign)}:{sign(digest.digest())}"}}\n'.encode()


def digest_entry(file: IO[bytes]) -> EntryDigest:
    """Read an entry for a check.

    :param file: the entry, from its beginning.
    """
    first = file.readline()
    found = _SIGNED.fullmatch(first)
    bare = found[1] + found[4] if found else first
    digest, content, one_line = hashlib.sha256(first), hashlib.sha256(bare), True
    while block := file.read(1 << 20):
        digest.update(block)
        content.update(block)
        one_line = False
    key, signature = (found[2].decode(), found[3].decode()) if found else ("", "")
    bare_failure = not found and one_line and _is_bare(first)
    return EntryDigest(digest.hexdigest(), content.digest(), key, signature, bare_failure)


def is_signed(first: bytes) -> bool:
    """Whether the first line of an entry ends with a signature. Whether it is a genuine one is another question.

    :param first: the line.
    """
    return _SIGNED.fullmatch(first) is not None


def bare_values(found: Mapping[str, Any]) -> dict[str, Any]:
    """What counts of the first line of an entry without signature: that a run failed, why, when, and who ran it.

    :param found: the line.
    """
    return {key: value for key, value in found.items() if key in _BARE and _BARE[key](value)}


def _is_bare(first: bytes) -> bool:
    try:
        found = json.loads(first)
    except (ValueError, RecursionError):
        return False
    return isinstance(found, dict) and found.get("outcome") == "failed" and bare_values(found) == found


class SignatureCheck:
    """Checks the signatures of entries, one after the other.

    :param keys: what a key belongs to, such as the id of a connection -> signs with it.
    """

    def __init__(self, keys: Mapping[str, Sign]) -> None:
        self.keys, self._signs = keys, {key_id(sign): sign for sign in keys.values()}
        self.signed = self.bare = 0
        self.others: dict[str, list[int]] = {}
        """Which other key -> the entries that it signed."""

    def entry(self, number: int, found: EntryDigest) -> str:
        """Check one entry.

        :param number: its number.
        :param found: what was read of it.
        :returns: what is wrong with its signature; empty for nothing.
        """
        if not found.key and not found.bare:
            return f"entry {number} has no signature, and holds more than a failed run may say: forged"
        if found.bare:
            self.bare += 1  # the run had no Kinde connection, and so no secret to sign with
            return ""
        if problem := self.signature_problem(found):
            return f"entry {number} {problem}"
        if found.key in self._signs:
            self.signed += 1
        else:
            self.others.setdefault(found.key, []).append(number)
            if self.signed:
                return (
                    f"entry {number} is signed with another client secret (key {found.key}) than the entries before: "
                    "it was forged, or another Kinde application signed it, whose connection --signed-by names"
                )
        return ""

    def is_own(self, found: EntryDigest) -> bool:
        """Whether a signature is one of the given keys.

        :param found: what was read of an entry, or of ``head.json``.
        """
        return found.key in self._signs and found.is_signed_by(self._signs[found.key])

    def signature_problem(self, found: EntryDigest) -> str:
        """What is wrong with a signature, whatever the other entries are; empty for nothing.

        :param found: what was read of an entry, or of ``head.json``.
        """
        if not found.key:
            return "has no signature: it was changed, or was not written by a run"
        if found.key in self._signs and not self.is_own(found):
            return "does not match its signature: it was forged or changed"
        return ""

    def lines(self) -> Iterable[str]:
        """Say in words what was checked."""
        if not self.keys:
            yield "signatures: not checked, no Kinde connection was given"
            return
        signed = counted(self.signed, "entry is", "entries are")
        yield f"signatures: {signed} signed with the client secret of {', '.join(self.keys)}"
        for key, numbers in self.others.items():
            one, several = f"entry ({numbers[0]}) is", f"entries ({numbers[0]} to {numbers[-1]}) are"
            yield (
                f"signatures: {counted(len(numbers), one, several)} signed with another client secret (key {key}) and "
                f"not checked: a secret that was replaced, or a forgery"
            )
        if self.bare:
            bare = counted(self.bare, "entry of a failed run has", "entries of failed runs have")
            yield f"signatures: {bare} none, for want of a Kinde connection"
