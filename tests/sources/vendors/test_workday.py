"""A Workday report as a service: JSON or CSV, in one answer."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Iterator
from typing import Any

import pytest

from airflow_provider_kinde.exceptions import SourceError, SpecError
from airflow_provider_kinde.sources import make_source
from airflow_provider_kinde.sync.model import Access
from tests.support.hr_server import Call, HrServer, Read, Reply, make, people, spec

REST = """
person: {id: "{{ row.Employee_ID }}", email: "{{ row.Email }}", given_name: "{{ row.First }}",
         family_name: "{{ row.Last }}"}
may_be_empty: [Last_Day]
employment: {status: "{{ row.Status }}", active: [Active], inactive: [Terminated], end_date: "{{ row.Last_Day }}",
             timezone: Australia/Melbourne}
"""
PATH = "/ccx/service/customreport2/acme/isu_kinde/Kinde_Workers"


class Workday(HrServer):
    """One report; a refresh token for those who come with OAuth."""

    def __init__(self) -> None:
        super().__init__()
        self.rows = [self.worker(number) for number in range(1, 6)]
        self.reply: Reply | None = None

    @staticmethod
    def worker(number: int, **more: str) -> dict[str, str]:
        return {
            "Employee_ID": f"{number:05}", "Email": f"w{number}@acme.test",
            "First": f"F{number}", "Last": f"Müller{number}",
            "Status": "Active", "Last_Day": "", **more,
        }  # fmt: skip

    def answer(self, call: Call) -> Reply:
        if call.path == "/ccx/oauth2/acme/token":
            good = call.form == {"grant_type": "refresh_token", "refresh_token": "refresh-0123"}
            return Reply({"access_token": "wd", "token_type": "Bearer"}) if good else Reply({}, 400)
        assert call.path == PATH
        if not call.headers.get("authorization", "").startswith(("Basic ", "Bearer wd")):
            return Reply({"errorCode": "S21", "error": "invalid username or password"}, 401)
        if self.reply:
            return self.reply
        if call.query["format"] == "json":
            return Reply({"Report_Entry": self.rows})
        text = io.StringIO()
        writer = csv.DictWriter(text, list(self.rows[0]))
        writer.writeheader()
        writer.writerows(self.rows)
        return Reply(body=text.getvalue().encode("utf-8-sig"), headers={"Content-Type": "text/csv"})


@pytest.fixture
def workday() -> Iterator[Workday]:
    with Workday() as running:
        yield running


def source(workday: Workday, now: dt.datetime | None = None, login: Any = None, **options: Any) -> Any:
    named = {"type": "workday", "report": "acme/isu_kinde/Kinde_Workers", **options}
    return make(workday, named, REST, now=now, login=login)


@pytest.mark.parametrize("form", ["json", "csv"])
def test_a_report(workday: Workday, form: str) -> None:
    found = Read(source(workday, format=form, prompts={"Location!WID": "abc", "Include_Inactive": True}))
    assert len(found.rows) == 5
    assert found.values[0] == workday.rows[0]
    assert (found.proven, found.incomplete) == (False, [])
    assert workday.calls[0].query == {"format": form, "Location!WID": "abc", "Include_Inactive": "true"}
    assert Read(source(workday, format=form, expect={"min_rows": 5})).proven
    assert Read(source(workday, format=form, expect={"min_rows": 6})).incomplete
    read = people(source(workday, format=form))
    assert (len(read.persons), read.problems) == (5, [])
    assert found.reading.columns == (list(workday.rows[0]) if form == "csv" else None)


def test_oauth_with_a_refresh_token(workday: Workday) -> None:
    login = workday.login(refresh_token="refresh-0123")
    assert len(Read(source(workday, login=login, auth="oauth", tenant="acme")).rows) == 5
    assert workday.calls[0].headers["authorization"].startswith("Basic ")
    with pytest.raises(SourceError, match="no refresh_token in its extra"):
        source(workday, auth="oauth", tenant="acme").read()


@pytest.mark.parametrize("form", ["json", "csv"])
def test_pacific_midnight_is_that_day_and_not_the_one_before_or_after(workday: Workday, form: str) -> None:
    workday.rows = [
        workday.worker(1, Last_Day="2026-11-21T00:00:00.000-08:00"),
        workday.worker(2, Last_Day="2026-11-20-08:00"),
        workday.worker(3, Last_Day="2026-11-21T17:30:00-08:00"),
    ]
    found = Read(source(workday, format=form))
    assert [row["Last_Day"] for row in found.values] == ["2026-11-21", "2026-11-20", "2026-11-21T17:30:00-08:00"]
    # 2026-11-21 12:00 UTC is the 21st, 23:00, in Melbourne.
    read = people(source(workday, format=form))
    assert [read.persons[id].access for id in ("00001", "00002", "00003")] == [
        Access.ACTIVE,
        Access.NONE,
        Access.ACTIVE,
    ]


def test_the_clock_of_prompts_is_pacific(workday: Workday) -> None:
    now = dt.datetime(2026, 11, 21, 5, tzinfo=dt.timezone.utc)
    source(workday, now, prompts={"As_Of": "{today}", "Look_Ahead": "{today+14}"}).read()
    source(workday, now, prompts={"As_Of": "{today}"}, timezone="Australia/Melbourne").read()
    assert workday.calls[0].query == {"format": "json", "As_Of": "2026-11-20", "Look_Ahead": "2026-12-04"}
    assert workday.calls[1].query["As_Of"] == "2026-11-21"


@pytest.mark.parametrize(
    ("form", "reply", "said"),
    [
        ("json", Reply(body=b"<html>Tenant is down for maintenance"), "a web page where JSON is expected"),
        ("csv", Reply(body=b"<html>Tenant is down for maintenance"), "without CSV: is it an error page?"),
        ("csv", Reply(body=b'{"error": "x"}'), "without CSV: is it an error page?"),
        ("json", Reply({"Fault": "report timed out"}), "without a list at Report_Entry: it has Fault"),
        ("json", Reply({"error": "invalid username or password"}, 401), "refused: invalid username or password"),
        ("csv", Reply(body=b"a,b\n", cut=True), "the connection broke off"),
    ],
)
def test_a_response_that_is_no_report_is_refused(workday: Workday, form: str, reply: Reply, said: str) -> None:
    workday.reply = reply
    with pytest.raises(SourceError, match=said):
        source(workday, format=form, tries=1).read()


def test_a_csv_that_ends_in_a_quote_or_a_ragged_row_is_incomplete(workday: Workday) -> None:
    workday.reply = Reply(body=b'Employee_ID,Email\n1,a@x.test\n2,"b@x')
    assert "never closed" in Read(source(workday, format="csv")).incomplete[0]
    workday.reply = Reply(body=b"Employee_ID,Email\n1,a@x.test\n2")
    assert Read(source(workday, format="csv")).incomplete


def test_reports_without_rows_or_columns_are_told_apart(workday: Workday) -> None:
    workday.reply = Reply({"Report_Entry": []})
    assert "is empty" in people(source(workday)).problems[0]
    workday.reply = Reply(body=b"Employee_ID,Email,First,Last\n1,a@x.test,A,B\n")
    assert "has no column 'Last_Day'" in people(source(workday, format="csv")).problems[0]


def test_options() -> None:
    for options, said in (
        ({}, "source.report: is missing"),
        ({"report": "a/b/c", "format": "xml"}, "source.format: one of json, csv"),
        ({"report": "a/b/c", "timezone": "Nowhere"}, "source.timezone: 'Nowhere' is not a time zone"),
        ({"report": "a/b/c", "prompts": {"x": "{{ row.y }}"}}, "source.prompts.x: text, a number"),
        ({"report": "a/b/c", "auth": "oauth"}, "source.tenant: is missing"),
    ):
        with pytest.raises(SpecError) as caught:
            make_source(spec({"type": "workday", "conn_id": "wd", **options}, REST))
        assert said in str(caught.value)
