"""Plans and reports as files: written line by line, and read back the same way, however large they are."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TextIO

from airflow_provider_kinde.exceptions import SyncError
from airflow_provider_kinde.sync.plan.changes import KINDS, Change
from airflow_provider_kinde.sync.plan.planner import Plan
from airflow_provider_kinde.sync.plan.run_request import moment
from airflow_provider_kinde.sync.store.changes import ChangeList

MAX_AGE_DAYS = 7
"""A plan file older than this says too little about today."""
_BEGIN = '"operations": ['


def lines(document: Mapping[str, Any]) -> Iterator[str]:
    """A document as JSON text, an entry of each list to a line; lists may be iterators."""
    yield "{"
    for number, (key, value) in enumerate(document.items()):
        yield f"{',' if number else ''}\n {_json(key)}: "
        if isinstance(value, (str, Mapping)) or not isinstance(value, Iterable):
            yield _json(value)
            continue
        empty = True
        for item in value:
            yield f"{'[' if empty else ','}\n  {_json(item)}"
            empty = False
        yield "[]" if empty else "\n ]"
    yield "\n}\n"


class PlanFile:
    """A plan that was written down, to be carried out.

    :param head: everything but the operations.
    :param operations: as the file lists them; of a redacted plan little more than what they are about.
    """

    def __init__(self, head: Mapping[str, Any], operations: ChangeList) -> None:
        self.head, self.operations = head, operations

    @classmethod
    def of(cls, document: Mapping[str, Any] | PlanFile) -> PlanFile:
        """A plan file from its content.

        :raises SyncError: when it is none.
        """
        if isinstance(document, PlanFile):
            return document
        with _understood():
            head = {key: value for key, value in document.items() if key != "operations"}
            sealed = bool(head.get("redacted"))
            return cls(head, ChangeList(parse_operation(entry, sealed) for entry in document["operations"]))

    @classmethod
    def read(cls, open_file: Callable[[], TextIO]) -> PlanFile:
        """A plan file from a file; the operations of one that :func:`lines` wrote are never in memory all at once.

        :param open_file: opens the file anew.
        :raises SyncError: when it is none.
        :raises ValueError: when it is not JSON.
        """
        try:
            with open_file() as file:
                rest: list[str] = []
                operations = ChangeList(parse_operation(entry, "digest" in entry) for entry in _by_line(file, rest))
            head = json.loads("".join(rest))
            sealed = any(operation.sealed for operation in operations)
            if not isinstance(head, dict) or head.pop("operations", None) != [] or sealed != bool(head.get("redacted")):
                raise ValueError
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            # Written by other hands: as a whole then.
            with open_file() as file:
                document = _load(file)
            if not isinstance(document, dict):
                raise SyncError("not a plan file: it holds no object") from None
            return cls.of(document)
        return cls(head, operations)

    @property
    def hash(self) -> str:
        """What an approver approved."""
        return str(self.head.get("hash"))

    def check(self, plan: Plan) -> None:
        """Make sure that the file is whole, recent, and of the spec and the Kinde of a plan made now.

        :raises SyncError: otherwise.
        """
        with _understood():
            spec_name, host = self.head["spec"], self.head.get("host", plan.host)
            created, claimed = self.head["created_at"], self.head["hash"]
            if not isinstance(created, str):
                raise ValueError(f"created_at is {created!r}")
            age = plan.now - moment(created)
        if (spec_name, host) != (plan.spec.name, plan.host):
            raise SyncError(
                f"the plan file is for {spec_name} on {host}, this run is for {plan.spec.name} on {plan.host}"
            )
        if self.operations.hash(host, spec_name) != claimed:
            raise SyncError("the plan file was changed: its hash does not fit its operations. Plan again")
        if age.total_seconds() < -3600:
            raise SyncError(f"the plan file is from the future ({created}): look at the clocks, or at --now")
        if age.total_seconds() > MAX_AGE_DAYS * 86_400:
            raise SyncError(f"the plan file is {age.in_days()} days old, at most {MAX_AGE_DAYS} count: plan again")


def parse_operation(entry: Mapping[str, Any], sealed: bool = False) -> Change:
    """An operation as a plan or a report lists it.

    :param sealed: whether its digest stands for what it no longer says.
    :raises ValueError: when it is none.
    """
    kind, before, after = entry["kind"], entry["before"], entry["after"]
    if kind not in KINDS:
        raise ValueError(f"no such kind of operation: {kind}")
    for part in (before, after):
        if part is not None and not isinstance(part, Mapping):
            raise ValueError(f"{kind}: before and after are objects")
    for name in ("alias", "role"):
        if entry[name] is not None and not isinstance(entry[name], str):
            raise ValueError(f"{kind}: alias and role are texts")
    return Change(
        kind,
        str(entry["id"]),
        entry["alias"],
        entry["role"],
        before,
        after,
        who=str(entry.get("who") or ""),
        outcome=str(entry.get("outcome") or ""),
        sealed=str(entry["digest"]) if sealed else "",
    )


def _by_line(file: Iterable[str], rest: list[str]) -> Iterator[Mapping[str, Any]]:
    """The operations, a line each; every other line goes to ``rest``, with an empty list in their place."""
    inside = False
    for line in file:
        text = line.strip()
        if inside and text in ("]", "],"):
            inside = False
            rest.append(text)
        elif inside:
            yield json.loads(text.rstrip(","))
        else:
            rest.append(text)
            inside = text == _BEGIN


def _load(file: TextIO) -> Any:
    try:
        return json.load(file)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


@contextmanager
def _understood() -> Iterator[None]:
    """Turns what goes wrong with a file of another form into one clear error."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise SyncError(f"not a plan file ({type(error).__name__}: {error}): write one with `plan --out`") from error


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
