from __future__ import annotations

import datetime as dt
import os
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_kinde.exceptions import SourceError
from airflow_provider_kinde.sources import ListSource, make_source
from airflow_provider_kinde.sources.change_tokens import change_token, changed_at, digest, stat_token
from airflow_provider_kinde.sync.spec.models import SyncSpec

SPEC = """
version: 1
name: hr
source: {{type: file, path: {path}}}
person: {{id: "{{{{ row.id }}}}", email: "{{{{ row.email }}}}", given_name: a, family_name: b}}
employment: {{status: Active, active: [Active], inactive: []}}
organizations: {{it: {{name: IT}}}}
memberships: [{{organization: it}}]
"""


def rows(*ids: str) -> ListSource:
    return ListSource([{"id": id, "email": f"{id}@x.com"} for id in ids])


def test_a_source_that_knows_says_when_its_data_was_changed(tmp_path: Path) -> None:
    path = tmp_path / "hr.csv"
    path.write_text("id,email\n1,a@x.com\n")
    os.utime(path, (1_700_000_000, 1_700_000_000))
    source = make_source(SyncSpec.parse(SPEC.format(path=path)))
    assert changed_at(source) == dt.datetime.fromtimestamp(1_700_000_000, dt.timezone.utc)
    assert changed_at(rows("1")) is None


def test_a_file_is_asked_and_not_read(tmp_path: Path) -> None:
    path = tmp_path / "hr.csv"
    path.write_text("id,email\n1,a@x.com\n")
    source = make_source(SyncSpec.parse(SPEC.format(path=path)))
    first = change_token(source)
    assert change_token(source, first) == first
    before = path.stat()
    path.write_text("id,email\n1,b@x.com\n")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    second = change_token(source, first)
    assert second != first
    path.write_text("id,email\n1,bb@x.com\n")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    assert change_token(source, second) != second
    path.unlink()
    with pytest.raises(SourceError, match="FileNotFoundError"):
        change_token(source, first)


class Status:
    st_mtime, st_size = 5.0, 7

    def __init__(self, **info: Any) -> None:
        self._info = info


def test_an_object_store_s_etag_goes_first() -> None:
    assert stat_token(Status(ETag='"a"')) == 'etag:"a"'
    assert stat_token(Status()) == "stat:5.0:7"


def test_everything_else_is_digested_whatever_the_order() -> None:
    assert digest(rows("1", "2")) == digest(rows("2", "1")) == change_token(rows("1", "2"), "anything")
    different = [rows(), rows("1"), rows("1", "2"), rows("1", "1"), rows("1", "1", "1")]
    assert len({digest(source) for source in different}) == len(different)


def test_an_incomplete_source_is_another_one(tmp_path: Path) -> None:
    path = tmp_path / "hr.csv"
    source = make_source(SyncSpec.parse(SPEC.format(path=path)))
    path.write_text('id,email\n1,a@x.com\n"2')
    broken = digest(source)
    path.write_text("id,email\n1,a@x.com\n")
    assert digest(source) != broken


class Feed:
    tells_changes = True
    """A source with a list of changes."""

    class api:
        changes = object()

    def __init__(self, changed: bool) -> None:
        self.changed, self.asked = changed, []  # type: ignore[var-annotated]

    def changed_since(self, since: dt.datetime) -> bool:
        self.asked.append(since)
        return self.changed

    def read(self) -> Any:
        raise AssertionError("it need not be read")


def test_a_list_of_changes_is_asked_since_the_last_look() -> None:
    first, later = (dt.datetime(2026, 1, day, tzinfo=dt.timezone.utc) for day in (1, 2))
    token = change_token(Feed(False), None, first)
    quiet, busy = Feed(False), Feed(True)
    assert change_token(quiet, token, later) == token
    assert quiet.asked == [first]
    assert change_token(busy, token, later) == later.isoformat()
    assert change_token(Feed(False), "stat:1:2", later) == later.isoformat()
