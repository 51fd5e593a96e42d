"""Differences and backtests as markdown for a review comment."""

from __future__ import annotations

from airflow_provider_kinde.counted import counted
from airflow_provider_kinde.sync.report.markdown import Comment, code, table
from airflow_provider_kinde.sync.rules import backtest_text, difference_text
from airflow_provider_kinde.sync.rules.backtest import Backtest
from airflow_provider_kinde.sync.rules.difference import Difference

_MOST_TESTS = 20


def difference_markdown(found: Difference, *, personal: bool = False) -> str:
    """Write what a change of the rules does for a review comment.

    :param found: the difference.
    :param personal: whether names, addresses and values are in it; HR ids always are.
    """
    said = difference_text.sentence(found)
    quoted = said if found.comparable else code(said)
    head = [f"**Rules of {code(found.new.spec.name)}** against {code(found.against)}: {quoted}"]
    if found.failed_tests:
        head.append(f":x: {difference_text.TESTS_FAIL}")
        head += [f"- {code(line)}" for line in found.failed_tests[:_MOST_TESTS]]
    for side, reason in found.guards:
        head.append(f"- :no_entry: only the {side} rules are blocked: {code(reason)}")
    if rules := found.by_rule():
        head += table(["rule", "people"], [(code(rule, cell=True), f"{count:,}") for rule, count in rules[:50]])
    if organizations := found.by_organization():
        rows = [
            (code(alias, cell=True), code(what, cell=True), new, old) for alias, what, new, old in organizations[:50]
        ]
        head += table(["organization", "change", "only new", "only old"], rows)
    comment = Comment(head)
    people = []
    for person in found.people:
        first, *changes = difference_text.person_lines(person, personal)
        people.append([f"- {code(first)}", *(f"  - {code(text)}" for text in changes)])
    comment.fold(counted(len(people), "person", "people"), people)
    uncovered = found.uncovered
    comment.fold(
        f"{counted(len(uncovered), 'thing', 'things')} that the rules do not cover any more",
        [[f"- {code(line)}"] for line in uncovered],
    )
    comment.fold(
        f"{counted(len(found.keys), 'key')} of the spec with a difference", [[f"- {code(key)}"] for key in found.keys]
    )
    return comment.text()


def backtest_markdown(found: Backtest) -> str:
    """Write a backtest for a review comment.

    :param found: the backtest.
    """
    head = [f"**Backtest of {code(found.spec)}**: {backtest_text.sentence(found)}"]
    if counts := found.stopped.most_common():
        head += table(["guard", "days"], counts)
    comment = Comment(head)
    comment.fold(
        counted(len(found.days), "export"),
        [
            [
                f"- {moment:%Y-%m-%d}: {counted(day.rows, 'row')}, {day.joined:,} joined, {day.moved:,} moved, "
                f"{day.left:,} left, {day.held:,} held, {day.rejected:,} rejected"
                + (f", {found.differ[index]:,} differ" if found.against else "")
                + (f" - stopped by {', '.join(day.stopped)}" if day.stopped else "")
            ]
            for index, (_, moment, day, _) in enumerate(found.days)
        ],
    )
    comment.fold(counted(len(found.notes), "remark"), [[f"- {code(note)}"] for note in found.notes])
    return comment.text()
