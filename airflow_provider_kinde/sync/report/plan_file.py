"""Plans and reports as JSON files, written and read line by line, so that large ones fit in memory."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TextIO

from airflow_provider_kinde.counted import counted
from airflow_provider_kinde.exceptions import SyncError
from airflow_provider_kinde.sync.changes import Change
from airflow_provider_kinde.sync.kinds import KINDS
from airflow_provider_kinde.sync.plan.plan import Plan
from airflow_provider_kinde.sync.plan.run_request import moment
from airflow_provider_kinde.sync.signature import Content
from airflow_provider_kinde.sync.store.changes import ChangeList

MAX_AGE_DAYS = 7
"""How many days a plan file can be applied."""
_BEGIN = '"operations": ['


def lines(document: Mapping[str, Any]) -> Iterator[str]:
    """Write a document as JSON text, with one line for each entry of a list.

    :param document: the document; its lists may be iterators.
    :returns: the pieces of the text.
    """
    yield "{"
    for number, (key, value) in enumerate(document.items()):
        yield f"{',' if number else ''}\n {_json(key)}: "
        if callable(value):  # the signature, which is known once the operations were written
            value = value()
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
    """A plan that was written to a file, for ``apply``.

    :param head: the content without the operations.
    :param operations: the operations of the file. In a redacted plan they hold no values.
    :param content: took in the operations as they stand in the file, to check the signature.
    """

    def __init__(self, head: Mapping[str, Any], operations: ChangeList, content: Content) -> None:
        self.head, self.operations, self.content = head, operations, content

    @classmethod
    def of(cls, document: Mapping[str, Any] | PlanFile) -> PlanFile:
        """Make a plan file from the content of ``plan.json``.

        :param document: the content, or a plan file, which is returned as it is.
        :returns: the plan file.
        :raises SyncError: the content is no plan.
        """
        if isinstance(document, PlanFile):
            return document
        with _understood():
            head = {key: value for key, value in document.items() if key != "operations"}
            sealed, content = bool(head.get("redacted")), Content()
            entries = content.passing(document["operations"])
            return cls(head, ChangeList(parse_operation(entry, sealed) for entry in entries), content)

    @classmethod
    def read(cls, open_file: Callable[[], TextIO]) -> PlanFile:
        """Read a plan file. A file that :func:`lines` wrote is read line by line, without loading it as a whole.

        :param open_file: opens the file; called a second time if it was written by another program.
        :returns: the plan file.
        :raises SyncError: the file holds no plan.
        :raises ValueError: the file is not JSON.
        """
        try:
            with open_file() as file:
                rest: list[str] = []
                content = Content()
                entries = content.passing(_by_line(file, rest))
                operations = ChangeList(parse_operation(entry, "digest" in entry) for entry in entries)
            head = json.loads("".join(rest))
            sealed = any(operation.sealed for operation in operations)
            if not isinstance(head, dict) or head.pop("operations", None) != [] or sealed != bool(head.get("redacted")):
                raise ValueError
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            # Another program wrote the file, in another layout: load it as a whole.
            with open_file() as file:
                document = _load(file)
            if not isinstance(document, dict):
                raise SyncError("not a plan file: it holds no object") from None
            return cls.of(document)
        return cls(head, operations, content)

    @property
    def hash(self) -> str:
        """The hash that the file claims; an approval names it."""
        return str(self.head.get("hash"))

    def check(self, plan: Plan) -> None:
        """Check that the file is unchanged, recent, and of the same spec and the same Kinde as a new plan.

        :param plan: the plan made now.
        :raises SyncError: it is not, or another client secret signed it; the message says what differs.
        """
        assert plan.sign is not None
        if "outcomes" in self.head:
            raise SyncError("this file is a report, not a plan: give the plan.json of the run, or plan again")
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
        self.content.check(self.head, plan.sign, "the plan file")
        if self.operations.hash(host, spec_name) != claimed:
            raise SyncError("the plan file was changed: its hash does not match its operations. Plan again")
        if age.total_seconds() < -3600:
            raise SyncError(f"the plan file is from the future ({created}): check the clock, or --now")
        if age.total_seconds() > MAX_AGE_DAYS * 86_400:
            raise SyncError(
                f"the plan file is {counted(age.in_days(), 'day')} old; the limit is {MAX_AGE_DAYS} days. Plan again"
            )


def parse_operation(entry: Mapping[str, Any], sealed: bool = False) -> Change:
    """Read one operation of a plan or a report.

    :param entry: the operation as JSON holds it.
    :param sealed: whether the plan is redacted: the digest then stands for the values.
    :returns: the operation.
    :raises ValueError: the entry is no operation.
    """
    kind, before, after = entry["kind"], entry["before"], entry["after"]
    if kind not in KINDS:
        raise ValueError(f"no such kind of operation: {kind}")
    for part in (before, after):
        if part is not None and not isinstance(part, Mapping):
            raise ValueError(f"{kind}: before and after must be objects")
    for name in ("alias", "role"):
        if entry[name] is not None and not isinstance(entry[name], str):
            raise ValueError(f"{kind}: alias and role must be text")
    return Change(
        kind,
        str(entry["id"]),
        entry["alias"],
        entry["role"],
        before,
        after,
        who=str(entry.get("who") or ""),
        reason=str(entry.get("reason") or ""),
        outcome=str(entry.get("outcome") or ""),
        error=str(entry.get("error") or ""),
        organizations=tuple(map(str, entry.get("organizations") or ())),
        sealed=str(entry["digest"]) if sealed else "",
    )


def _by_line(file: Iterable[str], rest: list[str]) -> Iterator[Mapping[str, Any]]:
    """Read the operations line by line; all other lines go to ``rest``, with an empty list of operations."""
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
    """Turn every error about the form of a file into one clear error."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise SyncError(f"not a plan file ({type(error).__name__}: {error}): write one with `plan --out`") from error


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
