"""The link and its marks."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_kinde.sync.link import Link, address_digest, is_onboarded, parse_link

IDS = st.text(st.characters(exclude_characters="~", exclude_categories=["Cs"]), min_size=1).filter(str.strip)


@given(
    IDS, st.sampled_from(["", "x1"]), st.sampled_from(["", "x2"]), st.none() | st.dates(), st.booleans(), st.booleans()
)
def test_a_written_link_is_read_back(
    id: str, renaming: str, adding: str, day: date | None, finished: bool, barred: bool
) -> None:
    link = Link("hr", id, renaming, adding, None if finished else day, day if finished else None, barred)
    assert parse_link(str(link), "hr") == link


@pytest.mark.parametrize("text", ["", "hr", "hr2:1", "HR:1", "other:1", "hr~onboarded:2026-01-01", " hr:1"])
def test_links_of_other_syncs_are_not_ours(text: str) -> None:
    assert parse_link(text, "hr") is None


@pytest.mark.parametrize(
    "text",
    [
        "hr:1~frozen",
        "hr:1~left=tomorrow",
        "hr:1~leaving=",
        "hr:1~barred=1",
        "hr:1~",
        "hr:",
        "hr:1~left=2026-01-01~left=2026-01-02",
        "hr:1~leaving=2026-01-01~left=2026-01-02",
    ],
)
def test_an_unknown_mark_is_recognized(text: str) -> None:
    link = parse_link(text, "hr")
    assert link is not None
    assert link.unknown


def test_marks_keep_their_order() -> None:
    link = Link("hr", "a:b").with_left(date(2026, 3, 2)).with_renaming("identity_9")
    assert str(link) == "hr:a:b~renaming=identity_9~left=2026-03-02"
    assert str(link.with_renaming("").without_marks()) == "hr:a:b"


def test_a_leaver_is_marked_as_leaving_then_as_left() -> None:
    leaving = Link("hr", "1", "identity_9", "").with_leaving(date(2026, 3, 2))
    assert str(leaving) == "hr:1~renaming=identity_9~leaving=2026-03-02"
    left = leaving.with_left(date(2026, 3, 3), barred=True)
    assert str(left) == "hr:1~renaming=identity_9~left=2026-03-03~barred"
    assert (leaving.may_return, left.may_return) == (True, False)
    assert str(left.without_marks()) == "hr:1~renaming=identity_9"


def test_an_address_that_a_rename_adds_is_marked_by_its_digest() -> None:
    link = Link("hr", "1").with_renaming("identity_9", "Ann@Example.com")
    assert str(link) == f"hr:1~renaming=identity_9~adding={address_digest('ann@example.com')}"
    assert "ann" not in str(link)
    assert str(link.with_renaming("")) == "hr:1"


def test_the_mark_of_the_onboarding_form() -> None:
    assert is_onboarded("hr~onboarded:2026-03-02", "hr")
    assert not is_onboarded("hr2~onboarded:2026-03-02", "hr")
