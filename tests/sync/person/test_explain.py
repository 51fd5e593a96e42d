"""Explain finds a person by id, with or without row and account."""

from __future__ import annotations

from tests.support.world import World, people


def test_an_id_with_an_account_and_no_row_is_known(world: World) -> None:
    world.apply(people(3))
    plan = world.plan(people(2), ids=["2", "3", "77"])
    assert plan.warnings == ["id 77: no HR row and no account of this sync has it"]


def test_an_id_with_a_row_and_no_account_is_known(world: World) -> None:
    assert world.plan(people(3), ids=["3"]).warnings == []
