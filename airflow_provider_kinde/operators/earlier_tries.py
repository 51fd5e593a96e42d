"""Whether this task itself made an account: so that its retry finishes what it began, and touches no other account.

An account is made by one request, its properties and roles by further ones. A task that failed in between finds the
account at its retry, like one that another made. Neither the time of creation nor the address tells them apart: a
stranger may have signed up in the meantime. So the task writes down the id of the account that it makes.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from typing import Any

from airflow_provider_kinde.storage.state_files import read_state, task_path, write_state

CLOSE = timedelta(minutes=10)
"""How far the clocks of Kinde and of a worker may differ, and how long a creation may take."""


class EarlierTries:
    """What this task began, over all its tries in one DAG run.

    :param context: the task's context.
    :raises StorageError: ``[kinde] storage_path`` cannot be read.
    """

    def __init__(self, context: Mapping[str, Any]) -> None:
        self._path = task_path(context)
        self._state = read_state(self._path) if self._path else {}

    def begin(self) -> None:
        """Write down that the next request makes an account.

        :raises StorageError: it cannot be written; nothing was sent yet.
        """
        self._write({"at": datetime.now(timezone.utc).isoformat()})

    def made(self, user_id: str) -> None:
        """Write down which account was made.

        :param user_id: Kinde's id of the user.
        """
        self._write({"user_id": user_id})

    def finish(self) -> None:
        """Write down that nothing is left: from now on the account is one like any other."""
        self._write({})

    def is_own(self, user: Mapping[str, Any]) -> bool:
        """Whether an earlier try of this task made the account, and has not finished it.

        An earlier try may have been killed before Kinde answered. Then the account counts as its own if it was created
        within ten minutes of the request, and no user has signed in with it.

        :param user: the account as Kinde lists it.
        """
        if "user_id" in self._state:
            return bool(self._state["user_id"] == user.get("id"))
        with suppress(KeyError, TypeError, ValueError, AttributeError):
            asked = datetime.fromisoformat(self._state["at"])
            created = datetime.fromisoformat(user["created_on"].replace("Z", "+00:00"))
            created = created if created.tzinfo else created.replace(tzinfo=timezone.utc)
            return abs(created - asked) <= CLOSE and not user.get("total_sign_ins")
        return False

    def _write(self, state: dict[str, Any]) -> None:
        self._state = state
        if self._path:
            write_state(self._path, state)
