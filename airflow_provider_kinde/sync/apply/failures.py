"""Why a change could not be made, where no single request says so."""

from __future__ import annotations


class ChangeFailed(Exception):
    """A change could not be made, though no single request says so."""


class ChangeSkipped(ChangeFailed):
    """A change was not tried, because a change that it depends on did not succeed."""
