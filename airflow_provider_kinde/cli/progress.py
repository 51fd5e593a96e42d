"""How far a command is, on standard error."""

from __future__ import annotations

import sys
import time

from airflow_provider_kinde.cli.interruption import ignore_interruptions
from airflow_provider_kinde.counted import singular

_WORDS = {
    "reading HR": ("reading HR", "rows"),
    "reading users": ("reading Kinde", "users"),
    "reading properties": ("reading Kinde", "users with properties"),
    "reading organizations": ("reading Kinde", "organizations"),
    "organizations": ("writing", "organizations created"),
    "leavers": ("writing", "leavers"),
    "people": ("writing", "people"),
    "memberships": ("writing", "organizations"),
    "enabling": ("writing", "people enabled"),
    "deleting": ("writing", "people deleted"),
}
"""What a stage of the sync does, and what it counts."""

_EVERY = 2.0
"""Seconds between two lines in a file; a terminal's line is rewritten more often."""


class Progress:
    """Says what a command does, from its start. On a terminal each stage is one line that counts on.

    :param start: what the command does first; nothing is printed where it is left out.
    """

    def __init__(self, start: str = "") -> None:
        self._terminal = sys.stderr is not None and sys.stderr.isatty()
        self._stage, self._open, self._next, self._shown = "", False, 0.0, ""
        if start:
            self._print(f"{start} …", last=True)

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        """Say how far a stage is.

        :param stage: the stage, as the sync names it.
        :param done: how much is done.
        :param total: how much there is; ``None`` while that is unknown.
        """
        if stage == "written":
            ignore_interruptions()  # what is left is the report, which is to be kept
            return
        if self._stage == "interrupted":
            return
        if stage == "interrupted":
            self._stage = stage
            self._print("interrupted: nothing more is begun; waiting for the requests under way …", last=True)
            return
        now, last = time.monotonic(), total is not None and done >= total
        if stage == self._stage and now < self._next and not last:
            return
        if stage != self._stage:
            self._finish_line()
        self._stage, self._next = stage, now + (0.1 if self._terminal else _EVERY)
        what, things = _WORDS.get(stage, (stage, ""))
        things = singular(things) if (total if total is not None else done) == 1 else things
        of = f" of {total:,}" if total is not None and not last else ""
        self._print(f"{what} … {done:,}{of} {things}".rstrip() if done or total is not None else f"{what} …", last=last)

    def _print(self, text: str, *, last: bool) -> None:
        if sys.stderr is None or text == self._shown:
            return
        self._shown = text
        if self._terminal:
            print(f"\r\033[K{text}", end="\n" if last else "", file=sys.stderr, flush=True)
            self._open = not last
        else:
            print(text, file=sys.stderr, flush=True)

    def _finish_line(self) -> None:
        if self._open:
            print(file=sys.stderr, flush=True)
            self._open = False

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *error: object) -> None:
        self._finish_line()
