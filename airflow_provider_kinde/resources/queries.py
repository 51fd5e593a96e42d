"""Who and which organization is meant: checked before anything is sent, then found by id, address, code or name.

A look-up is written once, as a generator: it yields questions and is given the answers, by a client (:func:`ask`) or in
an event loop (:func:`aask`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_kinde.exceptions import KindeError, KindeNotFoundError
from airflow_provider_kinde.resources import fields
from airflow_provider_kinde.resources.fields import Json, some
from airflow_provider_kinde.resources.normalization import clean_email, holds_control

T = TypeVar("T")

BATCH = 40
"""How many users one request asks for: their addresses stand in its URL."""


class KindeInputError(AirflowFailException, ValueError):
    """What was asked for cannot be: mend the DAG or its input. Such a task fails at once, without retries."""


@dataclass(frozen=True, slots=True)
class ApiCall:
    """One operation of the client: its name, and its arguments as pairs, so that equal questions are equal."""

    name: str
    arguments: tuple[tuple[str, Any], ...] = ()

    def values(self) -> dict[str, Any]:
        """The arguments as keywords."""
        return dict(self.arguments)


Lookup = Generator[ApiCall, Any, T]


def api_call(name: str, **arguments: Any) -> ApiCall:
    """Ask for an operation of the client; an ``iter_...`` is answered with a list."""
    return ApiCall(name, tuple(sorted(arguments.items())))


def run_query(lookup: Lookup[T], client: Any) -> T:
    """Have a look-up answered by a client or hook."""
    try:
        asked = next(lookup)
        while True:
            asked = _go_on(lookup, _answer(asked, client))
    except StopIteration as done:
        found: T = done.value
        return found


async def run_query_async(lookup: Lookup[T], answer: Callable[[ApiCall], Awaitable[Any]]) -> T:
    """Have a look-up answered in an event loop.

    :param answer: answers one question.
    """

    async def answered(asked: ApiCall) -> Any:
        try:
            return await answer(asked)
        except KindeError as error:
            return error

    try:
        asked = next(lookup)
        while True:
            asked = _go_on(lookup, await answered(asked))
    except StopIteration as done:
        found: T = done.value
        return found


def _answer(asked: ApiCall, client: Any) -> Any:
    try:
        answer = getattr(client, asked.name)(**asked.values())
        return list(answer) if asked.name.startswith("iter_") else answer
    except KindeError as error:
        return error


def _go_on(lookup: Lookup[Any], answer: Any) -> ApiCall:
    return lookup.throw(answer) if isinstance(answer, KindeError) else lookup.send(answer)


# -- names ----------------------------------------------------------------------------------------------------------


def text(value: Any) -> str:
    """A text from what a template yields; empty for nothing, which Jinja prints as ``None``."""
    stripped = "" if value is None else str(value).strip()
    return "" if stripped == "None" else stripped


def plain(value: Any, what: str) -> str:
    """The same, of what is written to Kinde: the sync refuses such names as well.

    :raises KindeInputError: it holds a control character, or half a character.
    """
    found = text(value)
    if holds_control(found):
        raise KindeInputError(f"{what} {found[:100]!r} holds a control character or what is not text")
    return found


def checked_id(value: Any, what: str) -> str:
    """An id or code that is safe in an address of Kinde's API.

    :raises KindeInputError: it holds what no id holds (``/``, ``?``, ``..``, a line break), or is blank.
    """
    # Blanks around an id come from templates; a line break does not get lost as easily.
    found = "" if value is None else str(value).strip(" ")
    bad = fields.NO_ID.search(found)
    if bad:
        raise KindeInputError(f"{what} {found[:100]!r} holds {bad[0]!r}: no id of Kinde does")
    if not found.strip("."):
        raise KindeInputError(f"{what} is empty")
    return found


@dataclass(frozen=True, slots=True)
class UserName:
    """A user by id or by address; one of the two is empty."""

    user_id: str = ""
    email: str = ""

    @classmethod
    def of(cls, user_id: Any = None, email: Any = None) -> UserName:
        """Check what was given.

        :raises KindeInputError: neither or both, or what is no id or no address.
        """
        if bool(text(user_id)) == bool(text(email)):
            given = "both" if text(user_id) else "neither"
            raise KindeInputError(f"name the user by user_id or by email; {given} was given")
        if text(user_id):
            return cls(user_id=checked_id(user_id, "user_id"))
        try:
            return cls(email=clean_email(str(email)))
        except ValueError as error:
            raise KindeInputError(f"email {str(email)[:100]!r} {error}") from None

    @classmethod
    def parse(cls, value: Any) -> UserName:
        """An id, or an address if there is an ``@`` in it.

        :raises KindeInputError: it is neither.
        """
        if not isinstance(value, str):
            raise KindeInputError(f"{value!r} is neither an id nor an address")
        return cls.of(email=value) if "@" in str(value) else cls.of(user_id=value)

    def pick(self, users: Iterable[Json]) -> Json | None:
        """The one that is meant, of some users.

        :raises KindeInputError: several have the address.
        """
        if self.user_id:
            return next(iter(fields.with_id(users, self.user_id)), None)
        found = fields.with_email(users, self.email)
        if len(found) > 1:
            ids = some([str(user.get("id")) for user in found])
            raise KindeInputError(f"{len(found)} users have the address {self.email} ({ids}): name the one by user_id")
        return found[0] if found else None

    def __str__(self) -> str:
        return self.user_id or self.email


@dataclass(frozen=True, slots=True)
class OrganizationName:
    """An organization by ``code``, ``handle``, ``external_id`` or ``name``."""

    key: str
    value: str

    @classmethod
    def of(
        cls, org_code: Any = None, handle: Any = None, external_id: Any = None, name: Any = None
    ) -> OrganizationName:
        """Check what was given.

        :raises KindeInputError: none or several of the four, or what is no code.
        """
        given = {"code": org_code, "handle": handle, "external_id": external_id, "name": name}
        named = [(key, text(value)) for key, value in given.items() if text(value)]
        if len(named) != 1:
            found = " and ".join("org_code" if key == "code" else key for key, _ in named) or "nothing"
            raise KindeInputError(
                f"name the organization by one of org_code, handle, external_id, name; {found} was given"
            )
        key, value = named[0]
        return cls(key, checked_id(org_code, "org_code") if key == "code" else value)

    def __str__(self) -> str:
        return f"{self.key} {self.value!r}"


# -- look-ups -------------------------------------------------------------------------------------------------------


def find_users(names: Sequence[UserName]) -> Lookup[list[Json | None]]:
    """Find users with their identities and organizations, :data:`BATCH` to a request (``GET /users``).

    :returns: for each name the user, or ``None``.
    :raises KindeInputError: several users have one address.
    """
    users: list[Json] = []
    for field in ("user_id", "email"):
        wanted = list(dict.fromkeys(getattr(name, field) for name in names if getattr(name, field)))
        for start in range(0, len(wanted), BATCH):
            chunk = wanted[start : start + BATCH]
            if field == "email":
                # Whether Kinde minds the case of an address is not documented.
                chunk = list(dict.fromkeys([*chunk, *(email.lower() for email in chunk)]))
            try:
                users += yield api_call("iter_users", **{field: tuple(chunk)}, expand="identities,organizations")
            except KindeNotFoundError:
                if len(chunk) > 1 and field == "user_id":
                    for user_id in chunk:
                        users += [user for user in (yield from find_users([UserName(user_id)])) if user]
    found = [name.pick(users) for name in names]
    for user in found:
        if user is not None:
            fields.id_in(user)
    return found


def find_user(name: UserName) -> Lookup[Json | None]:
    """Find one user; ``None`` when there is none."""
    return (yield from find_users([name]))[0]


def need_user(name: UserName) -> Lookup[Json]:
    """Find one user who must be there.

    :raises KindeNotFoundError: there is none.
    """
    user = yield from find_user(name)
    if user is None:
        raise missing_user([name])
    return user


def missing_user(names: Sequence[UserName]) -> KindeNotFoundError:
    """The error for users who are not in Kinde."""
    return KindeNotFoundError(f"no such user in Kinde: {some([str(name) for name in names])}", code="USER_NOT_FOUND")


def find_organization(name: OrganizationName) -> Lookup[Json | None]:
    """Find an organization; ``None`` when there is none.

    :raises KindeInputError: several have the name.
    """
    if name.key == "code":
        try:
            found = fields.fields_of((yield api_call("get_organization", code=name.value)))
        except KindeNotFoundError:
            return None
        # Where Kinde takes no notice of the code, it answers with the default organization.
        return found if found.get("code") == name.value else None
    listed = fields.organizations_with((yield api_call("iter_organizations")), name.key, name.value)
    if len(listed) > 1:
        codes = some([str(item.get("code")) for item in listed])
        raise KindeInputError(f"{len(listed)} organizations have the {name} ({codes}): name the one by org_code")
    for item in listed:
        fields.id_in(item, "code")
    return listed[0] if listed else None


def need_organization(name: OrganizationName) -> Lookup[Json]:
    """Find an organization that must be there.

    :raises KindeNotFoundError: there is none.
    """
    found = yield from find_organization(name)
    if found is None:
        raise KindeNotFoundError(f"no organization with the {name} in Kinde", code="ORGANIZATION_NOT_FOUND")
    return found


def check_keys(kind: str, wanted: Iterable[str]) -> Lookup[dict[str, str]]:
    """Check keys of roles or permissions; asks nothing where none are wanted.

    :param kind: ``role`` or ``permission``.
    :returns: key to id, of all there are.
    :raises KindeInputError: Kinde does not have one; the message lists those it has.
    """
    keys = sorted(set(wanted))
    if not keys:
        return {}
    listed = yield api_call(f"iter_{kind}s")
    known = {str(item["key"]): str(item.get("id")) for item in listed if item.get("key")}
    unknown = [key for key in keys if key not in known]
    if unknown:
        there = some(sorted(known), 50) or "none"
        raise KindeInputError(f"no {kind} with the key {some([repr(key) for key in unknown])}; there are: {there}")
    return known


def held_roles(code: str, user_id: str) -> Lookup[frozenset[str] | None]:
    """Role keys of a member (``GET /organizations/{code}/users/{id}/roles``); ``None`` for somebody who is none."""
    try:
        answer = yield api_call("get_organization_user_roles", org_code=code, user_id=user_id)
    except KindeNotFoundError:
        return None
    return fields.keys_in(answer, "roles")
