"""The entry that a command writes into the history of its spec, and what it says of it."""

from __future__ import annotations

import argparse
import contextlib
import getpass
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_kinde.exceptions import StorageError, SyncError, UnknownIdsError

if TYPE_CHECKING:
    from airflow_provider_kinde.storage.history import Written
    from airflow_provider_kinde.sync.history.entry import RunRecord
    from airflow_provider_kinde.sync.plan.plan import Plan
    from airflow_provider_kinde.sync.report.report import Report
    from airflow_provider_kinde.sync.spec.models import SyncSpec


_LOST = "What was done stands in the report only, not in the history"
_NOTHING = "Nothing was written to Kinde, but the history has no entry of this run"


def add_approved_by(command: argparse.ArgumentParser) -> None:
    """Add ``--approved-by``, which names who approved, for the history.

    :param command: the parser of one command.
    """
    command.add_argument(
        "--approved-by",
        metavar="NAME",
        default="",
        help="who approved this run, for the history: a name or a ticket",
    )


class CommandHistory:
    """Writes the entry of one command.

    :param command: the command, such as ``apply``.
    :param options: the parsed arguments.
    """

    def __init__(self, command: str, options: argparse.Namespace) -> None:
        self.command, self.options, self.began = command, options, time.time()
        self.problem = ""
        """Why the entry could not be written, in words; empty if it was."""
        self.client: Any = None
        """The connection of the command, once it is begun to be opened."""
        self.planned_at = ""
        """When the plan was made that the command carries out."""

    @contextlib.contextmanager
    def failures(self, client: Any = None, *, writes: bool = True) -> Iterator[None]:
        """Write the entry of a command that fails before it has a plan; wrong usage has none.

        :param client: the connection of the command; ``None`` where :attr:`client` is set later.
        :param writes: whether the command may write; one that only shows something has no entry.
        """
        self.client = client
        try:
            yield
        except UnknownIdsError:
            raise
        except Exception as error:
            if line := self._failed(error) if writes else "":
                print(line, file=sys.stderr)  # the output may be read as JSON
            raise

    def _failed(self, error: Exception) -> str:
        from airflow_provider_kinde.cli.airflow_context import open_connections
        from airflow_provider_kinde.storage.history_failure import outline_of, write_failure

        spec, sign = outline_of(Path(self.options.spec)), None
        if spec is None:
            return ""
        with contextlib.suppress(Exception):
            sign = self.client.get_conn().sign
        try:
            open_connections()
            found = write_failure(None, spec, self._record(), error, sign)
        except Exception as problem:  # Airflow itself may be what failed; the error of the command is the one to show
            return f"history: no entry: {type(problem).__name__}: {problem}"
        return self._line(found)

    def check(self, spec_name: str) -> None:
        """Check before the first write to Kinde that an entry can be written. Airflow must have started.

        :param spec_name: the spec's name.
        :raises StorageError: it cannot.
        """
        from airflow_provider_kinde.storage.history_settings import keep_days, open_history

        open_history(spec_name).probe()
        keep_days()

    def write(self, plan: Plan, report: Report | None) -> str:
        """Write the entry of a run that planned, and name it in the report.

        :param plan: the plan.
        :param report: what became of it.
        :returns: a line that names the entry; empty where it could not be written.
        """
        from airflow_provider_kinde.storage.history_settings import keep_days, open_history
        from airflow_provider_kinde.storage.history_writer import write_entry

        def written() -> Written:
            return write_entry(
                open_history(plan.spec.name.partition("~")[0]), self._record(), plan, report, keep_days()
            )

        done = report is not None and report.outcome not in ("blocked", "no changes")
        found = self._tried(written, _LOST if done else _NOTHING)
        if found:
            plan.run = {**plan.run, "history": f"entry {found.number}, head {found.hash}"}
        return self._line(found)

    def write_change(self, spec: SyncSpec, client: Any, operation: dict[str, Any]) -> str:
        """Write the entry of a command that changed one account without a plan.

        :param spec: the spec.
        :param client: the client that did it.
        :param operation: what was done, ``op``, ``id`` and ``user``.
        :returns: a line that names the entry; empty where it could not be written.
        """
        from airflow_provider_kinde.storage.history_settings import open_history
        from airflow_provider_kinde.storage.history_writer import write_event
        from airflow_provider_kinde.sync.history.entry import moment_text

        facts = {"spec_version": spec.version, "spec_hash": spec.digest, "outcome": "changes"}
        operation = {**operation, "outcome": "done", "done": moment_text(time.time() + self._shift())}
        sign = client.get_conn().sign
        return self._line(
            self._tried(lambda: write_event(open_history(spec.name), self._record(), facts, sign, [operation]))
        )

    def _tried(self, write: Any, lost: str = _LOST) -> Written | None:
        try:
            found: Written = write()
        except StorageError as error:
            # The store was tried before the first write, and is full or gone now.
            self.problem = f"{error}. {lost}"
            return None
        return found

    @staticmethod
    def _line(found: Written | None) -> str:
        return f"history: entry {found.number}, head {found.hash}" if found else ""

    def _record(self) -> RunRecord:
        from airflow_provider_kinde.sync.history.entry import RunRecord
        from airflow_provider_kinde.version_compat import user_agent

        options, user = self.options, system_user()
        approval = {}
        by = str(getattr(options, "approved_by", "") or "").strip()
        hash = getattr(options, "approve", None)
        if by or hash:
            approval = {"by": by or user, "how": "the command line", "system_user": user}
            if hash:
                approval["hash"] = hash
        protected = getattr(options, "approve_protected", None) or []
        names = {"user": user, "trigger": "command line"}
        return RunRecord(
            self.command, names, user_agent(), approval, protected, self.began, self.planned_at, self._shift()
        )

    def _shift(self) -> float:
        """Seconds by which ``--now`` is ahead of the clock."""
        from airflow_provider_kinde.sync.plan.run_request import moment

        now = getattr(self.options, "now", None)
        with contextlib.suppress(SyncError):  # what is no moment is why the command failed
            return moment(now).timestamp() - self.began if now else 0.0
        return 0.0


def system_user() -> str:
    """The name of the operating system's user; empty where there is none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return ""
