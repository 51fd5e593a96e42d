"""A probe of the emulator finds out how the emulator is set, whatever that is."""

from __future__ import annotations

import typing
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_kinde.probe import probe_tenant
from airflow_provider_kinde.probe.run import MADE_BY, NEVER_ASKED, QUESTIONS
from airflow_provider_kinde.probe.users import LONGEST
from kinde_emulator import Emulator, Settings
from tests.probe.probed_tenant import connect, fill

NUMBERS: dict[str, list[Any]] = {
    "expires_in": [86_400, 3600, 120],
    "page_size": [10, 7],
    "max_page_size": [500, 250, 100],
    "max_cursor_page_size": [100, 50],
    "provided_id_max_length": [None, LONGEST - 1, 255, 36],
    "max_name_length": [None, 255, 64],
    "token_type": ["bearer", "Bearer"],
}
LEARNT = sorted({setting for question in QUESTIONS for setting in question.settings})
TIMED = "search_lag"


def values(name: str) -> list[Any]:
    """Every value of a switch, or some of those of a number; the default first."""
    default = getattr(Settings(), name)
    hint = typing.get_type_hints(Settings)[name]
    found = NUMBERS.get(name) or ([True, False] if hint is bool else list(typing.get_args(hint)))
    assert default in found
    return sorted(found, key=lambda value: value != default)


EXACT = [name for name in LEARNT if name != TIMED]
ROWS = [
    {name: values(name)[(row + at) % len(values(name))] for at, name in enumerate(EXACT)}
    for row in range(max(len(values(name)) for name in EXACT))
]


def expected(kinde: Emulator) -> dict[str, Any]:
    """What a probe can see of the settings."""
    shown = {name: getattr(kinde.settings, name) for name in EXACT}
    if shown["last_page"] != "null":
        del shown["next_token_end"]
    if not shown["expires_in_sent"]:
        del shown["expires_in"]
    if shown["bulk_failure"] == "silent" and shown["add_existing_member"] == "409":
        # Who is a member already is one more failure that nobody is told of.
        shown["add_existing_member"] = "200"
    return shown


def test_every_switch_is_asked_for_or_said_to_be_none_of_its_business() -> None:
    assert sorted([*LEARNT, *NEVER_ASKED]) == sorted(field.name for field in fields(Settings))
    names = [question.name for question in QUESTIONS]
    assert len(names) == len(set(names))
    for question in QUESTIONS:
        for need in question.needs:
            assert names.index(MADE_BY[need]) < names.index(question.name)


@pytest.mark.parametrize(("name", "value"), [(name, value) for name in EXACT for value in values(name)])
def test_one_switch_alone(shared: Emulator, name: str, value: Any) -> None:
    shared.set(**{other: getattr(Settings(), other) for other in EXACT} | {name: value})
    before = shared.state()
    with connect(shared) as client:
        findings = probe_tenant(client, only=[name])
    assert findings.settings[name] == value, findings.text()
    assert name not in findings.not_learnt
    assert not findings.stopped
    assert shared.state() == before


@pytest.mark.parametrize("row", range(len(ROWS)))
def test_all_switches_together(start: Callable[..., Emulator], row: int) -> None:
    kinde = start(**ROWS[row])
    before = kinde.state()
    with connect(kinde) as client:
        findings = probe_tenant(client)
        assert findings.requests == client.counts.total == len([e for e in kinde.log()[2:] if e["kind"] == "api"])
    found = findings.settings
    assert found.pop(TIMED) == 0.0
    assert found == expected(kinde), findings.text()
    assert findings.missing_scopes == set()
    assert bool(findings.left_behind) == (kinde.settings.recreate_deleted == "conflict")
    assert kinde.state() == before


@given(st.fixed_dictionaries({name: st.sampled_from(values(name)) for name in EXACT}))
@settings(max_examples=6)
def test_any_switches_together(switches: dict[str, Any]) -> None:
    with Emulator(Settings(**switches)) as kinde, connect(fill(kinde)) as client:
        before = kinde.state()
        findings = probe_tenant(client)
        assert {**findings.settings, TIMED: 0.0} == {**expected(kinde), TIMED: 0.0}, findings.text()
        assert kinde.state() == before


@pytest.mark.parametrize(
    "switches",
    [
        {"expired_token": 403},
        {"basic_auth": False},
        {"rate_limit": 40, "rate_window": 0.7},
        {"rate_limit": 40, "rate_window": 0.7, "rate_limit_header": "Retry-After"},
        {"concurrency": 1},
        {"latency": 2.0},
        {"max_bulk": 3},
        {"extra_fields": True},
        {"log_size": 5},
        {"client_id": "other", "client_secret": "another"},
    ],
    ids=lambda switches: ",".join(switches),
)
def test_settings_outside_the_probe_change_no_finding(start: Callable[..., Emulator], switches: dict[str, Any]) -> None:
    kinde = start(**switches)
    before = kinde.state()
    with connect(kinde) as client:
        findings = probe_tenant(client)
    assert {**findings.settings, TIMED: 0.0} == {**expected(kinde), TIMED: 0.0}, findings.text()
    assert not switches.keys() - findings.not_learnt.keys()
    assert findings.clean
    assert kinde.state() == before


def test_the_time_until_the_search_knows_a_user(start: Callable[..., Emulator]) -> None:
    kinde = start(search_lag=0.3)
    with connect(kinde) as client:
        found = probe_tenant(client, only=[TIMED]).settings[TIMED]
    assert isinstance(found, float)
    assert 0.3 <= found < 3


def test_a_search_that_never_finds(start: Callable[..., Emulator]) -> None:
    kinde, slept = start(search_lag=9e9), []
    with connect(kinde) as client:
        findings = probe_tenant(client, only=[TIMED], sleep=slept.append)
    assert sum(slept) == 56
    assert findings.settings == {}
    assert "did not find the new user within 56 s" in findings.not_learnt[TIMED]


def test_an_emulator_like_the_probed_one(start: Callable[..., Emulator]) -> None:
    kinde = start(patch_roles="merge", missing_user_status=400, next_token_end="absent")
    with connect(kinde) as client:
        findings = probe_tenant(client)
    alike = Settings().changed(findings.settings)
    assert alike == Settings(patch_roles="merge", missing_user_status=400, next_token_end="absent", search_lag=0.0)


def test_few_requests(kinde: Emulator) -> None:
    with connect(kinde) as client:
        assert probe_tenant(client).requests <= 60
        assert probe_tenant(client, only=["next_token_end"]).requests <= 8
        assert probe_tenant(client, only=["kinde_properties"]).requests == 1
        with pytest.raises(ValueError, match="no probe learns rate_limit; there are add_existing_member"):
            probe_tenant(client, only=["rate_limit"])


def test_small_tenants_leave_questions_open() -> None:
    with Emulator() as kinde, connect(kinde) as client:
        findings = probe_tenant(client)
    assert findings.not_learnt["page_size"] == "all 2 roles fit on a page"
    assert findings.not_learnt["connections_shape"] == "the default organization has no connection"
    assert "page_size" not in findings.settings
    assert "connections_shape" not in findings.settings
