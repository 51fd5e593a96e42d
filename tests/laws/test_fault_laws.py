"""What holds whatever goes wrong on the way: found by hypothesis, not by examples."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from kinde_emulator import Emulator, Settings
from tests.laws.test_sync_laws import SPECS, example, right_for, rows
from tests.support.world import TENANT, World

TROUBLE = [
    {"status": 429, "headers": {"RateLimit-Reset": "0"}},
    {"status": 503},
    {"status": 500, "after_work": True},
    {"after_work": True},
    {"drop": True},
    {"status": 502, "body": "<html>bad gateway</html>"},
    {"status": 400},
    {"status": 401},
]


@example
@given(
    st.lists(rows, min_size=2, max_size=2),
    st.lists(
        st.tuples(st.sampled_from([None, "POST", "PATCH", "DELETE"]), st.integers(0, 12), st.sampled_from(TROUBLE)),
        min_size=1,
        max_size=4,
    ),
)
def test_whatever_goes_wrong_a_rerun_puts_it_right(history: list[Any], troubles: list[Any]) -> None:
    """Faults end; then one run reaches the end state, and the next writes nothing."""
    with Emulator(settings=Settings()) as emulator:
        emulator.seed(TENANT)
        world = World(emulator)
        world.apply(history[0], SPECS[0])
        emulator.clear_log()
        for method, skip, trouble in troubles:
            emulator.fault(method, "/api/", skip=skip, **trouble)
        try:
            report = world.apply(history[1], SPECS[0])
        except Exception as error:  # a read that failed for good; nothing was written then
            assert type(error).__name__.startswith("Kinde")  # noqa: PT017
            assert [e for e in emulator.log() if e["kind"] == "api" and e["method"] != "GET"] == []
        else:
            assert report.requests["total"] == len([e for e in emulator.log() if e["kind"] == "api"])
        emulator.clear_faults()
        final = world.apply(history[1], SPECS[0])
        if final.outcome == "blocked":
            assert not any(block.approvable for block in final.plan.blocked)
            return
        assert final.outcome in ("changes", "no changes")
        right_for(history[1], final, emulator.state())
        world.settled(history[1], SPECS[0])
