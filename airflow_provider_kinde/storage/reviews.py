"""The files of an access review: the lists that go out, and the tables that come back."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from airflow_provider_kinde.exceptions import ProviderError, SyncError
from airflow_provider_kinde.storage import run_files

if TYPE_CHECKING:
    from airflow_provider_kinde.sync.history.accounts import AccountStates
    from airflow_provider_kinde.sync.reviews import AccessList, Review

REVIEW = "review.json"


def access_in_history(spec_name: str, root: str | None = None) -> tuple[AccountStates | None, str]:
    """Read from the history of a sync since when each account has what it has.

    :param spec_name: the spec's name.
    :param root: where plans and reports are kept; ``[kinde] storage_path`` when left out.
    :returns: the accounts, and why they are not known: a review goes on without them.
    """
    from airflow_provider_kinde.storage.evidence import known_access
    from airflow_provider_kinde.storage.history_settings import open_history

    try:
        known = known_access(open_history(spec_name, root))
    except (ProviderError, OSError, ValueError, LookupError, TypeError, AttributeError) as error:  # an edited entry
        return None, f"the columns since and since_by are blank: the history cannot be read: {error}"
    if not known.known:
        return None, "the columns since and since_by are blank: the history lists no accounts yet"
    return known, ""


def write_lists(found: AccessList, folder: str) -> tuple[str, dict[str, str]]:
    """Write the table of each organization, and ``review.json``.

    :param found: the list.
    :param folder: where to.
    :returns: the path of ``review.json``, and organization -> path of its table.
    :raises StorageError: they cannot be written.
    """
    from airflow_provider_kinde.sync.report.plan_file import lines

    path = f"{folder}/{REVIEW}"
    run_files.write(path, lines(found.document()))
    lists = {alias: f"{folder}/access-{run_files.segment(alias)}.csv" for alias in found.organizations()}
    for alias, place in lists.items():
        run_files.write(place, found.csv_lines(alias))
    return path, lists


def read_review(path: str) -> Any:
    """Read ``review.json``.

    :param path: where it is.
    :raises SyncError: there is none.
    """
    try:
        return json.loads(_read(path))
    except ValueError as error:
        raise SyncError(f"{path} is no {REVIEW}: {error}") from None


def read_tables(paths: Iterable[str]) -> dict[str, str]:
    """Read the tables that came back.

    :param paths: where they are.
    :returns: path -> text.
    :raises SyncError: one is missing, or is not UTF-8.
    """
    return {path: _read(path) for path in paths}


def write_results(found: Review, folder: str) -> str:
    """Write what becomes of each decision.

    :param found: the decisions.
    :param folder: where to.
    :returns: the path.
    :raises StorageError: it cannot be written.
    """
    path = f"{folder}/decisions.csv"
    run_files.write(path, found.csv_lines())
    return path


def _read(path: str) -> str:
    try:
        return run_files.read(path)
    except FileNotFoundError:
        raise SyncError(f"there is no file {path}. Nothing was written") from None
    except UnicodeDecodeError:
        raise SyncError(f"{path} is not UTF-8: save the table as CSV UTF-8. Nothing was written") from None
    except OSError as error:
        raise SyncError(f"{path} cannot be read: {error.strerror or error}. Nothing was written") from None
