"""What the limiter of requests finds out about a server, in simulated time."""

from __future__ import annotations

import os
from bisect import bisect_left
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_kinde.client.limiter import Limiter, Ticket
from tests.client.simulation import Simulation

WORDS = ["seconds", "one", "nothing"]
ROUND = 0.054
"""Seconds that a request takes in the simulation, with the way there and back."""


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("most", [8, 16, 64])
def test_as_many_at_once_as_the_server_takes(word: str, most: int) -> None:
    seen = Simulation(Limiter(most), at_once=8, word=word, callers=most).run(2000)
    assert seen.took <= 1.02 * 2000 / 8 * ROUND
    assert seen.refused <= 0.005
    assert most > 8 or not seen.refusals


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("at_once", [1, 2, 3, 5, 11, 16])
def test_any_number_at_once_is_found(word: str, at_once: int) -> None:
    seen = Simulation(Limiter(16), at_once=at_once, word=word).run(250 * at_once)
    assert seen.took <= 1.05 * 250 * ROUND + 1
    assert len(seen.refusals) <= 12


@pytest.mark.parametrize("word", WORDS)
def test_one_too_many_that_overtakes_another_does_not_halve_the_stream(word: str) -> None:
    seen = Simulation(Limiter(16), at_once=8, word=word, way=0.0, sway=0.006).run(20_000)
    assert seen.took <= 1.01 * 20_000 / 8 * (0.050 + 0.003)
    assert seen.refused <= 0.0015


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize(("before", "after"), [(8, 4), (4, 8), (8, 1), (2, 16), (16, 3)])
def test_a_number_that_changes_is_found_again(word: str, before: int, after: int) -> None:
    seen = Simulation(Limiter(16), at_once=before, word=word, changes=[(10, {"at_once": after})]).run(
        before * 180 + after * 600
    )
    # Looked for before as much time again has passed.
    assert seen.taken_between(25, 35) >= 0.9 * 10 / ROUND * after
    assert len([moment for moment in seen.refusals if moment > 10]) <= 30


@pytest.mark.parametrize("refusal", [0.003, ROUND])
def test_600_a_minute_where_the_server_says_when(refusal: float) -> None:
    seen = Simulation(Limiter(16), in_window=600, refusal=refusal).run(2000)
    assert seen.refused <= 0.01
    # Three full windows; the fourth needs no end. Whole seconds are told: up to one more for each.
    assert seen.took <= 1.05 * (3 * 60 + 200 / 16 * ROUND)


@pytest.mark.parametrize("word", ["one", "nothing"])
def test_600_a_minute_without_a_true_word(word: str) -> None:
    seen = Simulation(Limiter(16), in_window=600, word=word).run(2000)
    assert seen.refused <= 0.01
    assert seen.took <= 1.05 * 200
    later = Simulation(Limiter(16), in_window=600, word=word).run(6000)
    assert later.refused <= 0.006
    assert later.took <= 600


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize(("in_window", "window"), [(10, 1.0), (100, 10.0), (30, 60.0)])
def test_other_windows(word: str, in_window: int, window: float) -> None:
    seen = Simulation(Limiter(16), in_window=in_window, window=window, word=word).run(40 * in_window)
    # Whole seconds are told, and here they are the window.
    assert seen.took <= 1.1 * 40 * window + 1
    assert len(seen.refusals) <= 30


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize(("before", "after"), [(600, 300), (300, 600), (300, 100_000)])
def test_a_rate_that_changes_is_found_again(word: str, before: int, after: int) -> None:
    requests = before * 2 + min(after, 3000) * 6
    seen = Simulation(Limiter(16), in_window=before, word=word, changes=[(118, {"in_window": after})]).run(requests)
    whole = 120 + (360 if after < 3000 else 2 * 60 + requests / 16 * ROUND)
    assert seen.took <= 1.1 * whole
    assert seen.refused <= 0.02


@pytest.mark.parametrize("word", WORDS)
def test_a_limit_after_a_long_time_without_one(word: str) -> None:
    changes = [(2000, {"in_window": 20, "window": 5.0})]
    seen = Simulation(Limiter(2), latency=0.3, word=word, callers=2, changes=changes).until(2200)
    assert seen.taken_between(2100, 2200) >= 0.9 * 4 * 100 - 4


@pytest.mark.parametrize("word", WORDS)
def test_both_limits_together(word: str) -> None:
    seen = Simulation(Limiter(16), at_once=4, in_window=600, word=word).run(3000)
    assert seen.took <= 1.05 * 300
    assert seen.refused <= 0.015


def test_the_limiter_respects_the_remaining_requests_of_a_header() -> None:
    limiter = Limiter(4)
    tickets = [limiter.admit(0.0) for _ in range(3)]
    for ticket, left in zip(tickets, (None, None, 30.0), strict=True):
        assert isinstance(ticket, Ticket)
        limiter.accepted(ticket, 1.0, left)
    assert limiter.admit(1.0) == 30.0
    scout = limiter.admit(31.0)
    assert isinstance(scout, Ticket)
    assert limiter.admit(31.0) is None
    limiter.accepted(scout, 31.1)
    assert isinstance(limiter.admit(31.1), Ticket)


def test_a_told_wait_holds_for_all() -> None:
    limiter = Limiter(8)
    first, second = limiter.admit(0.0), limiter.admit(0.0)
    assert isinstance(first, Ticket)
    assert isinstance(second, Ticket)
    limiter.refused(first, 1.0, 12.0)
    limiter.accepted(second, 2.0)
    assert limiter.admit(2.0) == 11.0
    assert limiter.paused(2.0) == 11.0


def test_requests_per_minute_are_spread_evenly() -> None:
    seen = Simulation(Limiter(16, 600)).run(600)
    assert seen.took == pytest.approx(60, rel=0.01)
    assert max(sum(s <= moment < s + 1 for moment in seen.starts) for s in seen.starts) <= 12


@st.composite
def servers(draw: st.DrawFn) -> dict[str, Any]:
    chosen: dict[str, Any] = {
        "word": draw(st.sampled_from(WORDS)),
        "latency": draw(st.floats(0.03, 0.3)),
        "refusal": draw(st.floats(0.001, 0.05)),
        "way": draw(st.floats(0.0, 0.003)),
    }
    if draw(st.booleans()):
        chosen["at_once"] = draw(st.integers(1, 14))
        chosen["changes"] = [(draw(st.floats(0, 5)), {"at_once": draw(st.integers(1, 14))})]
    else:
        # Whole seconds and not few of them, or the words of the server alone would be wrong by a tenth.
        chosen["window"] = float(draw(st.integers(10, 90)))
        chosen["in_window"] = draw(st.integers(5, 200))
    return chosen


@given(servers(), st.integers(1, 12), st.none() | st.integers(30, 6000))
@settings(max_examples=int(os.environ.get("KINDE_EXAMPLES", "25")), deadline=None)
def test_never_beyond_the_caps_and_nine_tenths_of_any_limit_that_stays(
    server: dict[str, Any], most: int, per_minute: int | None
) -> None:
    seen = Simulation(Limiter(most, per_minute), callers=most + 4, **server)
    round_trip = server["latency"] + 2 * server["way"]
    if "at_once" in server:
        limit = min(most, server["changes"][-1][1]["at_once"]) / round_trip
        begin, length = 45.0, 10.0
    else:
        window, in_window = server["window"], server["in_window"]
        # The server's next window begins with the first request after the one before.
        limit = min(most / round_trip, in_window / (window + round_trip))
        begin, length = 14 * window, 10 * window
    if per_minute:
        limit = min(limit, per_minute / 60)
    seen.until(begin + length)
    assert seen.most_under_way <= most
    # What began before or has not ended is not counted: a round for each at both ends, and one refusal.
    assert seen.taken_between(begin, begin + length) >= 0.9 * limit * length - 2 * most - limit
    if per_minute:
        for first in seen.starts[:: max(1, len(seen.starts) // 50)]:
            begun = bisect_left(seen.starts, first)
            assert bisect_left(seen.starts, first + 60) - begun <= per_minute + 2
