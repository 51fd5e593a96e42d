from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_kinde.sync.model import Access
from airflow_provider_kinde.sync.people.access import decide_access

TODAY = dt.date(2026, 3, 31)
DUE, KEEP, GRACE, NONE = Access.ACTIVE, Access.KEEP, Access.GRACE, Access.NONE
DATES = st.none() | st.dates()


def on(days: int | None) -> dt.date | None:
    return None if days is None else TODAY + dt.timedelta(days=days)


@pytest.mark.parametrize(
    ("active", "start", "end", "before", "grace", "expected"),
    [
        # (start and end in days from today)
        (True, None, None, 0, 0, DUE),
        (True, -10, None, 0, 0, DUE),
        (True, 0, None, 0, 0, DUE),
        (True, 1, None, 0, 0, KEEP),
        (True, 3, None, 3, 0, DUE),
        (True, 4, None, 3, 0, KEEP),
        (True, -10, 0, 0, 0, DUE),
        (True, -10, -1, 0, 0, NONE),
        (True, None, -1, 0, 0, NONE),
        (True, -10, -1, 0, 1, GRACE),
        (True, -10, -2, 0, 1, NONE),
        (True, -10, -11, 0, 0, DUE),  # the end belongs to an earlier spell
        (True, 5, -11, 0, 30, KEEP),
        (True, 5, 20, 0, 0, KEEP),
        (False, None, None, 0, 0, NONE),
        (False, None, None, 0, 90, NONE),  # grace needs an end
        (False, -10, None, 0, 0, NONE),
        (False, 0, None, 0, 0, NONE),
        (False, 1, None, 0, 0, NONE),
        (False, 1, None, 1, 0, DUE),
        (False, 2, None, 1, 0, NONE),
        (False, -10, 0, 0, 0, DUE),
        (False, -10, 5, 0, 0, DUE),
        (False, -10, -1, 0, 0, NONE),
        (False, -10, -1, 0, 1, GRACE),
        (False, 2, 5, 0, 0, NONE),
        (False, 2, 5, 2, 0, DUE),
        (False, -5, -6, 0, 90, NONE),  # no valid end
        (False, 5, -6, 0, 90, NONE),
    ],
)
def test_access_by_status_and_dates(
    active: bool, start: int | None, end: int | None, before: int, grace: int, expected: Access
) -> None:
    access, why = decide_access(
        active, "Some Status", on(start), on(end), TODAY, days_before_start=before, grace_days=grace
    )
    assert access is expected
    assert "Some Status" in why


@pytest.mark.parametrize("end", [dt.date(9000, 1, 1), dt.date(9999, 12, 31), dt.date.max])
def test_years_from_9000_mean_no_end(end: dt.date) -> None:
    assert decide_access(True, "Active", None, end, TODAY)[0] is DUE
    assert decide_access(False, "Terminated", None, end, TODAY)[0] is NONE


@given(st.booleans(), DATES, DATES, st.integers(0, 3650), st.integers(0, 3650))
def test_access_is_decided_for_every_combination_of_dates(
    active: bool, start: dt.date | None, end: dt.date | None, before: int, grace: int
) -> None:
    access, why = decide_access(active, "S", start, end, TODAY, days_before_start=before, grace_days=grace)
    assert why
    if active:
        assert access is not NONE or (end is not None and end < TODAY), "an active row leaves by its end date only"
    else:
        assert access is not KEEP
    longer = decide_access(active, "S", start, end, TODAY, days_before_start=before, grace_days=grace + 1)[0]
    assert (access is DUE) == (longer is DUE), "grace keeps access, it never gives it"


@pytest.mark.parametrize("end", [dt.date(9000, 1, 1), dt.date(4712, 12, 31), dt.date(2999, 12, 31)])
def test_a_far_end_is_no_end(end: dt.date) -> None:
    assert decide_access(True, "Active", None, end, TODAY) == (DUE, "status is Active")
    assert decide_access(False, "Terminated", None, end, TODAY) == (NONE, "status is Terminated")


def test_an_end_a_hundred_years_ahead_is_an_end() -> None:
    ahead = TODAY.replace(year=TODAY.year + 100)
    assert decide_access(False, "Terminated", None, ahead, TODAY)[0] is DUE
    assert decide_access(False, "Terminated", None, ahead + dt.timedelta(days=1), TODAY)[0] is NONE
