"""Organizations whose members a SCIM directory manages: the identity provider decides who is in them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from airflow_provider_kinde.exceptions import KindeError, SpecError
from airflow_provider_kinde.sync.spec.models import SyncSpec

SCOPE = "read:scim_directories"
_REFUSED = (400, 403, 409, 422)


def check_directories(spec: SyncSpec, organizations: Iterable[tuple[str, str, str]], client: Any) -> SpecError | None:
    """Check that no directory manages an organization of the spec (``GET /directories``).

    :param spec: the spec.
    :param organizations: alias, code and name of each managed organization.
    :returns: the error, naming every such organization and its directory; ``None`` if there is none.
    :param client: a ``KindeClient``.
    :raises KindePermissionError: without the scope ``read:scim_directories``.
    """
    kept = managed_by_directories(client)
    found = [(alias, f"{name} ({code})", kept[code]) for alias, code, name in organizations if code and code in kept]
    if not found:
        return None
    key = f"organizations.{found[0][0]}" if spec.organizations_match is None else "organizations"
    listed = "; ".join(f"{alias!r}, which is {name}, by {directory}" for alias, name, directory in found)
    return spec.error(
        key,
        f"kept by a SCIM directory, and not by this sync: {listed}. Change who is in it and with which roles in the "
        "identity provider, and take it out of this file",
    )


def managed_by_directories(client: Any) -> dict[str, str]:
    """Find the organizations whose members a directory decides (``GET /directories``).

    :param client: a ``KindeClient``.
    :returns: code of the organization -> the directory, in words.
    :raises KindePermissionError: without the scope ``read:scim_directories``.
    """
    return {
        str(item.get("organization_code") or ""): _words(item) for item in client.iter_directories() if _keeps(item)
    }


class RefusalReasons:
    """Says of a refused change of members whether a directory manages the organization.

    Directories are read only after a refusal, once for each organization, and only if the application may read them.
    A run without refusals sends no request for this.

    :param client: a ``KindeClient``.
    """

    def __init__(self, client: Any) -> None:
        self.client = client
        self._known: dict[str, str] = {}

    def words(self, code: str, error: KindeError) -> str:
        """Return Kinde's own message, and the directory, if there is one.

        :param code: the organization's code.
        :param error: the refusal.
        """
        if error.status not in _REFUSED:
            return str(error)
        if code not in self._known:
            self._known[code] = self._look(code)
        return f"{error}{self._known[code]}"

    def _look(self, code: str) -> str:
        try:
            if SCOPE not in self.client.granted_scopes():
                return ""
            kept = [item for item in self.client.iter_directories(organization_code=code) if _keeps(item)]
        except KindeError:
            return ""  # the refusal itself is the news
        here = next((_words(item) for item in kept if item.get("organization_code") == code), "")
        way = "change its members in the identity provider, or take it out of the spec"
        return f". {here} keeps this organization: {way}" if here else ""


def _keeps(directory: dict[str, Any]) -> bool:
    """Whether a directory is in use; one that is still being set up, or in trouble, counts."""
    return str(directory.get("status") or "").casefold() != "inactive"


def _words(directory: dict[str, Any]) -> str:
    name = directory.get("directory_name") or directory.get("id")
    return f"the directory {name!r} ({directory.get('status') or 'status unknown'})"
