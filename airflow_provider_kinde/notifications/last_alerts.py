"""Which alerts of a sync were sent, so that each is sent once: a small file under ``[kinde] storage_path``.

All workers reach that place already. The file holds the kind of trouble, a digest of its reason, and times; no names.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from airflow_provider_kinde.exceptions import StorageError
from airflow_provider_kinde.storage.run_files import segment
from airflow_provider_kinde.storage.state_files import read_state, write_state

log = logging.getLogger(__name__)

BLOCKED, FAILED, WAITING, DONE, PLANNED = "blocked", "failed", "waiting", "done", "planned"
TROUBLE = (BLOCKED, FAILED)
_HEX = re.compile(r"[0-9a-f]{8,}(?:-[0-9a-f]{4,})*")
_NUMBER = re.compile(r"[0-9]+")


@dataclass(frozen=True, slots=True)
class Sent:
    """One alert that was sent.

    :param reason: digest of the reason.
    :param at: when it was sent, in seconds since 1970.
    :param since: when the state began, in seconds since 1970.
    """

    reason: str
    at: float
    since: float


def digest_of(reasons: str) -> str:
    """Make a digest of reasons, in which numbers and hashes do not count.

    "44 people would lose access" and "45 people would lose access" are one reason: it is not sent again every hour.

    :param reasons: the reasons as text.
    """
    plain = _NUMBER.sub("#", _HEX.sub("#", " ".join(reasons.split())))
    return hashlib.sha256(plain.encode()).hexdigest()[:16]


def next_alerts(
    sent: Mapping[str, Sent], state: str, reason: str, now: float, repeat_after: float
) -> tuple[bool, dict[str, Sent]]:
    """Decide whether a state is to be told, and what is remembered then.

    :param sent: the alerts of the trouble that lasts, by state.
    :param state: ``blocked``, ``failed``, ``waiting``, or ``done``, which ends all trouble.
    :param reason: digest of the reason.
    :param now: seconds since 1970.
    :param repeat_after: seconds after which the same is told again.
    :returns: whether to send, and the alerts from now on.
    """
    if state == DONE:
        return any(name in sent for name in TROUBLE), {}
    before = sent.get(state)
    if before and before.reason == reason and 0 <= now - before.at < repeat_after:
        return False, dict(sent)
    return True, {**sent, state: Sent(reason, now, before.since if before else now)}


def alerts_path(root: str, sync: str, channel: str) -> str:
    """The file of one sync and one channel.

    :param root: where plans and reports are kept.
    :param sync: names the sync: its DAG, and its task group.
    :param channel: names where alerts go, so that mail and chat are told independently.
    """
    name = hashlib.sha256(channel.encode()).hexdigest()[:12]
    return "/".join([root.rstrip("/"), "alerts", segment(sync), f"{name}.json"])


def read_alerts(path: str) -> dict[str, Sent]:
    """Read what was sent; nothing where that cannot be read: an alert too many is better than one too few.

    :param path: from :func:`alerts_path`.
    """
    try:
        found = read_state(path)
        return {state: Sent(str(one["reason"]), one["at"] + 0.0, one["since"] + 0.0) for state, one in found.items()}
    except (StorageError, KeyError, TypeError) as error:
        log.warning("%s cannot be read, so an alert may be sent again: %s", path, type(error).__name__)
        return {}


def write_alerts(path: str, sent: Mapping[str, Sent]) -> None:
    """Remember what was sent. Trouble with the storage is logged: the alert itself has been sent.

    :param path: from :func:`alerts_path`.
    :param sent: the alerts of the trouble that lasts.
    """
    try:
        write_state(path, {state: asdict(one) for state, one in sent.items()})
    except StorageError as error:
        log.warning("%s cannot be written, so an alert may be sent again: %s", path, type(error).__name__)
