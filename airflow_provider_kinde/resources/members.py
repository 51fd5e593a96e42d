"""Read and write the members of an organization. Operators and the sync both use this module.

Kinde takes 100 users in one request, and it may refuse all of them because of one. A refused request is sent again in
halves until the refused user stands alone. An accepted request is no proof: the members are read again, and only what
Kinde lists then counts as done.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Generic, TypeVar

from airflow_provider_kinde.client.endpoints.memberships import BULK
from airflow_provider_kinde.exceptions import KindeAuthError, KindeError, KindeNotFoundError, KindeResponseError
from airflow_provider_kinde.resources import fields

UNSEEN = "Kinde took the request, but its member list says otherwise"

Map = Callable[[Callable[[Any], Any], Iterable[Any]], list[Any]]
"""Applies a function to each item: one after the other, or in threads."""
Roles = dict[str, frozenset[str]]
"""User id -> role keys, of members."""

_AT_ONCE = 64
"""Requests whose users are in memory at a time."""
_REFUSED = (400, 404, 409, 422)
"""Statuses by which Kinde refuses a request because of a user in it."""
_NO_ROLES: frozenset[str] = frozenset()


@dataclass(slots=True)
class MemberChange:
    """The change of one user in one organization.

    :param user_id: Kinde's id of the user.
    :param before: role keys that the user holds there now; ``None`` for a user who is not a member.
    :param after: role keys that the user has to hold there; ``None`` removes the user from the organization.
    :param permissions: keys of permissions to give; ``None`` leaves permissions alone.
    :param sends_roles: whether the request names roles; without them Kinde gives a new member its default roles.
    :param error: why Kinde refused the change, or why the request failed.
    """

    user_id: str
    before: frozenset[str] | None
    after: frozenset[str] | None
    permissions: Sequence[str] | None = None
    sends_roles: bool = True
    error: KindeError | None = None

    def to_request(self) -> dict[str, Any]:
        """Return the user as a bulk request holds it. Roles are the full list, since Kinde may replace them."""
        body: dict[str, Any] = {"id": self.user_id}
        if self.after is None:
            return {**body, "operation": "delete"}
        if self.sends_roles:
            body["roles"] = sorted(self.after)
        if self.permissions is not None:
            body["permissions"] = sorted(self.permissions)
        return body

    def is_done(self, roles: frozenset[str] | None) -> bool:
        """Tell whether the change shows in the member list.

        :param roles: role keys that the user holds according to the list; ``None`` for a user who is not in it.
        """
        if self.after is None or roles is None:
            return self.after is None and roles is None
        return self.after <= roles and not self.left_over(roles)

    def left_over(self, roles: frozenset[str]) -> frozenset[str]:
        """Return the roles that the change takes and that the user still holds.

        :param roles: role keys that the user holds according to the member list.
        """
        return ((self.before or _NO_ROLES) - (self.after or _NO_ROLES)) & roles


Change = TypeVar("Change", bound=MemberChange)


def iter_members(client: Any, code: str, *, role: str | None = None) -> Iterator[tuple[str, frozenset[str]]]:
    """Yield the members of an organization with their role keys (``GET /organizations/{code}/users``).

    :param client: a ``KindeClient``.
    :param code: the organization's code.
    :param role: a role key, to list its holders only.
    :raises KindeResponseError: Kinde lists something that cannot be a member.
    """
    try:
        for member in client.iter_organization_users(code, **({"roles": [role]} if role else {})):
            if member.get("id"):
                yield fields.id_in(member), fields.roles_in(member)
    except (AttributeError, TypeError) as error:
        raise KindeResponseError(f"Kinde's list of the members of {code} cannot be read: {error}") from error


def read_members(client: Any, code: str, wanted: Container[str] | None = None) -> Roles:
    """Read the members of an organization (``GET /organizations/{code}/users``).

    :param client: a ``KindeClient``.
    :param code: the organization's code.
    :param wanted: ids of the users to keep; all members when left out.
    :returns: user id -> role keys.
    """
    return {user_id: roles for user_id, roles in iter_members(client, code) if wanted is None or user_id in wanted}


def one_after_another(work: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
    """Apply a function to each item, in order.

    :param work: the function.
    :param items: its arguments.
    """
    return [work(item) for item in items]


def is_refusal(error: KindeError) -> bool:
    """Tell whether Kinde refused a bulk request because of a user in it.

    :param error: the error of the request.
    """
    return error.status in _REFUSED and not isinstance(error, KindeAuthError)


class MemberWriter(Generic[Change]):
    """Writes the members of one organization.

    :param client: a ``KindeClient``.
    :param code: the organization's code.
    :param request: the bulk method, called with the code and the users; ``update_organization_users`` when left out,
        which adds, changes and removes.
    :param role_ids: role key -> role id; read from Kinde where it is needed when left out.
    :param map_: applies a function to the requests.
    :param refused: called with the changes whose request failed; each has its ``error``.
    """

    def __init__(
        self,
        client: Any,
        code: str,
        *,
        request: Callable[[str, list[dict[str, Any]]], Any] | None = None,
        role_ids: Mapping[str, str] | None = None,
        map_: Map = one_after_another,
        refused: Callable[[list[Change]], None] = lambda changes: None,
    ) -> None:
        self.client, self.code, self.map_, self.refused = client, code, map_, refused
        self.request = request or client.update_organization_users
        self.role_ids = role_ids

    def send(self, changes: Iterable[Change]) -> None:
        """Send changes, 100 to a request (``PATCH`` or ``POST /organizations/{code}/users``).

        A change whose request failed has its ``error`` afterwards. That is not the last word: a lost answer is an
        error too. :meth:`correct` and :func:`check_done` go by the member list.

        :param changes: taken a few thousand at a time, so that they need not all be in memory.
        """
        coming = iter(changes)
        while batch := list(islice(coming, _AT_ONCE * BULK)):
            self.map_(self._send, [batch[start : start + BULK] for start in range(0, len(batch), BULK)])
            if failed := [change for change in batch if change.error]:
                self.refused(failed)

    def _send(self, changes: list[Change]) -> None:
        """Send one request; one that Kinde refuses because of a user is halved until that user stands alone."""
        try:
            self.request(self.code, [change.to_request() for change in changes])
        except KindeError as error:
            if len(changes) > 1 and is_refusal(error):
                middle = len(changes) // 2
                self._send(changes[:middle])
                self._send(changes[middle:])
                return
            for change in changes:
                change.error = error

    def correct(self, changes: Iterable[Change], read: Callable[[], Roles]) -> Roles:
        """Read the members again and correct what is not as it was sent.

        Kinde does not document whether ``roles`` in a PATCH replaces or merges. Where it merges, roles that were to be
        taken are taken one by one. Where it replaced too much or did nothing, the full list is sent once more.

        :param changes: the changes that were sent.
        :param read: reads the members whom the changes concern.
        :returns: the members as they are afterwards: user id -> role keys.
        """
        now = read()
        again: list[Change] = []
        left_over: list[tuple[Change, str]] = []
        for change in changes:
            roles = now.get(change.user_id)
            if change.after is None:
                if roles is not None and change.before is not None:
                    again.append(change)
                continue
            left_over += [(change, role) for role in sorted(change.left_over(roles or _NO_ROLES))]
            if roles is None or change.after - roles:
                again.append(change)
        if again:
            for change in again:
                change.error = None
            self.send(again)
            now = read()
        if left_over:
            self._take_roles(left_over, now)
        return now

    def _take_roles(self, left_over: list[tuple[Change, str]], now: Roles) -> None:
        """Take roles one by one (``DELETE /organizations/{code}/users/{id}/roles/{role id}``).

        PATCH takes the key of a role, this request takes its id.
        """
        if self.role_ids is None:
            self.role_ids = {str(role.get("key")): fields.id_in(role) for role in self.client.iter_roles()}
        role_ids = self.role_ids

        def take(pair: tuple[Change, str]) -> None:
            change, role = pair
            try:
                if role not in role_ids:
                    return
                self.client.delete_organization_user_role(self.code, change.user_id, role_ids[role])
            except KindeNotFoundError:
                pass
            except KindeError as error:
                change.error = error
                return
            now[change.user_id] = now.get(change.user_id, _NO_ROLES) - {role}

        self.map_(take, left_over)
        if failed := [change for change, _ in left_over if change.error]:
            self.refused(failed)


def check_done(code: str, changes: Iterable[MemberChange], now: Mapping[str, frozenset[str]]) -> None:
    """Check changes against the member list.

    :param code: the organization's code.
    :param changes: the changes that were sent.
    :param now: the members as they were read afterwards: user id -> role keys.
    :raises KindeError: the first refusal, with the ids of all users whose change is not done.
    :raises KindeResponseError: Kinde took a request, and the change is not done.
    """
    wrong = [change for change in changes if not change.is_done(now.get(change.user_id))]
    if not wrong:
        return
    users = fields.some([change.user_id for change in wrong])
    error = next((change.error for change in wrong if change.error), None)
    if error is None:
        raise KindeResponseError(f"{UNSEEN}, for these users in {code}: {users}; run again")
    error.message = f"{error.message}; not done in {code}, for these users: {users}"
    raise error
