"""``head.json``: number and hash of the last entry of a history, signed with the client secret as entries are."""

from __future__ import annotations

import hashlib
import io
import json
import re
from dataclasses import dataclass

from airflow_provider_kinde.storage.history_signature import EntryDigest, digest_entry, sign_entry
from airflow_provider_kinde.storage.history_stores import MOST_ENTRIES
from airflow_provider_kinde.sync.signature import Sign

_HASH = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Head:
    """What ``head.json`` says.

    :param number: the number of the last entry.
    :param hash: its SHA-256.
    :param digest: what a check of the signature needs.
    """

    number: int
    hash: str
    digest: EntryDigest

    def is_signed_by(self, sign: Sign | None) -> bool:
        """Whether the signature is the one that a key makes.

        :param sign: signs with the key; ``None`` for no key.
        """
        return sign is not None and self.digest.is_signed_by(sign)


def head_content(spec_name: str, number: int, hash: str, sign: Sign) -> bytes:
    """The content of ``head.json``.

    :param spec_name: the spec's name.
    :param number: the number of the last entry.
    :param hash: its SHA-256.
    :param sign: signs with the client secret.
    """
    return sign_entry(_bare(spec_name, number, hash), io.BytesIO(), sign)


def read_head(content: bytes, spec_name: str) -> Head | None:
    """Read ``head.json``.

    :param content: the content.
    :param spec_name: the spec's name.
    :returns: what it says; ``None`` where no run wrote it so.
    """
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return None
    number, hash = (found.get("number"), found.get("hash")) if isinstance(found, dict) else (None, None)
    if type(number) is not int or not 0 < number < MOST_ENTRIES:
        return None
    if not isinstance(hash, str) or not _HASH.fullmatch(hash):
        return None
    digest = digest_entry(io.BytesIO(content))
    expected = hashlib.sha256(_bare(spec_name, number, hash)).digest()
    return Head(number, hash, digest) if digest.content == expected else None


def _bare(spec_name: str, number: int, hash: str) -> bytes:
    return json.dumps({"number": number, "hash": hash, "spec": spec_name}).encode() + b"\n"
