"""Look up users and organizations by the names that an operator or sensor was given.

A name is checked before anything is sent. A look-up is written once, as a generator: it yields calls of Kinde's API and
receives their answers. :func:`run_query` runs it with a client, :func:`run_query_async` in an event loop.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from airflow_provider_kinde.exceptions import KindeError, KindeInputError, KindeNotFoundError
from airflow_provider_kinde.resources import fields
from airflow_provider_kinde.resources.fields import Json, some
from airflow_provider_kinde.resources.normalization import clean_email, holds_control

T = TypeVar("T")

BATCH = 40
"""How many users one request looks up: their ids or addresses stand in its URL."""


@dataclass(frozen=True, slots=True)
class ApiCall:
    """One call of Kinde's API.

    :param name: the client's method.
    :param arguments: its arguments as pairs, so that equal calls compare equal.
    """

    name: str
    arguments: tuple[tuple[str, Any], ...] = ()

    def values(self) -> dict[str, Any]:
        """Return the arguments as keywords."""
        return dict(self.arguments)


Lookup = Generator[ApiCall, Any, T]


def api_call(name: str, **arguments: Any) -> ApiCall:
    """Make a call of Kinde's API.

    :param name: the client's method; an ``iter_...`` method is answered with a list.
    :param arguments: its arguments.
    """
    return ApiCall(name, tuple(sorted(arguments.items())))


def run_query(lookup: Lookup[T], client: Any) -> T:
    """Run a look-up.

    :param lookup: the look-up.
    :param client: a ``KindeClient`` or a hook.
    :returns: what the look-up found.
    """
    try:
        asked = next(lookup)
        while True:
            asked = _go_on(lookup, _answer(asked, client))
    except StopIteration as done:
        found: T = done.value
        return found


async def run_query_async(lookup: Lookup[T], answer: Callable[[ApiCall], Awaitable[Any]]) -> T:
    """Run a look-up in an event loop.

    :param lookup: the look-up.
    :param answer: carries out one call of Kinde's API.
    :returns: what the look-up found.
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
    """Return the text of a parameter; empty for ``None``. The text ``None`` is one like any other, such as a name.

    :param value: the rendered parameter.
    """
    return "" if value is None else str(value).strip()


def plain(value: Any, what: str) -> str:
    """Return the text of a parameter that is written to Kinde. The sync refuses the same characters.

    :param value: the rendered parameter.
    :param what: its name, for the message.
    :raises KindeInputError: it holds a control character, or half a character.
    """
    found = text(value)
    if holds_control(found):
        raise KindeInputError(f"{what} {found[:100]!r} holds a control character or half a character")
    return found


def checked_id(value: Any, what: str) -> str:
    """Return an id or code that is safe in the path of a request.

    :param value: the rendered parameter.
    :param what: its name, for the message.
    :raises KindeInputError: it is blank, or holds a character that no id holds (``/``, ``?``, ``..``, a line break).
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
    """A user, named by id or by address; the other one is empty.

    :param user_id: Kinde's id of the user.
    :param email: one of the user's addresses.
    """

    user_id: str = ""
    email: str = ""

    @classmethod
    def of(cls, user_id: Any = None, email: Any = None) -> UserName:
        """Check an operator's parameters.

        :param user_id: the parameter ``user_id``.
        :param email: the parameter ``email``.
        :raises KindeInputError: neither or both are given, or the value cannot be an id or an address.
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
        """Read an id, or an address if there is an ``@`` in it.

        :param value: the text.
        :raises KindeInputError: it is neither.
        """
        if not isinstance(value, str):
            raise KindeInputError(f"{value!r} is neither an id nor an address")
        return cls.of(email=value) if "@" in str(value) else cls.of(user_id=value)

    def pick(self, users: Iterable[Json]) -> Json | None:
        """Return the user with this name.

        :param users: users as Kinde lists them.
        :returns: the user, or ``None``.
        :raises KindeInputError: several users have the address.
        """
        if self.user_id:
            return next(iter(fields.with_id(users, self.user_id)), None)
        found = fields.with_email(users, self.email)
        if len(found) > 1:
            ids = some([str(user.get("id")) for user in found])
            raise KindeInputError(f"{len(found)} users have the address {self.email} ({ids}): name the user by user_id")
        return found[0] if found else None

    def __str__(self) -> str:
        return self.user_id or self.email


@dataclass(frozen=True, slots=True)
class OrganizationName:
    """An organization, named by one of its four names.

    :param key: ``code``, ``handle``, ``external_id`` or ``name``.
    :param value: its value.
    """

    key: str
    value: str

    @classmethod
    def of(
        cls, org_code: Any = None, handle: Any = None, external_id: Any = None, name: Any = None
    ) -> OrganizationName:
        """Check an operator's parameters.

        :param org_code: the organization's code.
        :param handle: its handle.
        :param external_id: its external id.
        :param name: its name.
        :raises KindeInputError: none or several are given, or the code cannot be one.
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

    :param names: the users' names.
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
    """Find one user (``GET /users``).

    :param name: the user's name.
    :returns: the user, or ``None``.
    """
    return (yield from find_users([name]))[0]


def missing_user(names: Sequence[UserName]) -> KindeNotFoundError:
    """Make the error for users who are not in Kinde.

    :param names: the users' names.
    """
    return KindeNotFoundError(f"no such user in Kinde: {some([str(name) for name in names])}", code="USER_NOT_FOUND")


def find_organization(name: OrganizationName) -> Lookup[Json | None]:
    """Find an organization (``GET /organization`` by code, else ``GET /organizations``).

    :param name: the organization's name.
    :returns: the organization, or ``None``.
    :raises KindeInputError: several organizations have the name.
    """
    if name.key == "code":
        try:
            found = fields.fields_of((yield api_call("get_organization", code=name.value)))
        except KindeNotFoundError:
            return None
        # Where Kinde ignores the code, it answers with the default organization.
        return found if found.get("code") == name.value else None
    listed = fields.organizations_with((yield api_call("iter_organizations")), name.key, name.value)
    if len(listed) > 1:
        codes = some([str(item.get("code")) for item in listed])
        raise KindeInputError(
            f"{len(listed)} organizations have the {name} ({codes}): name the organization by org_code"
        )
    for item in listed:
        fields.id_in(item, "code")
    return listed[0] if listed else None


def need_organization(name: OrganizationName) -> Lookup[Json]:
    """Find an organization that has to be in Kinde.

    :param name: the organization's name.
    :raises KindeNotFoundError: there is no such organization.
    """
    found = yield from find_organization(name)
    if found is None:
        raise KindeNotFoundError(f"no organization with the {name} in Kinde", code="ORGANIZATION_NOT_FOUND")
    return found


def check_keys(kind: str, wanted: Iterable[str]) -> Lookup[dict[str, str]]:
    """Check keys of roles, permissions or properties (``GET /roles`` and so on); without keys nothing is read.

    :param kind: ``role``, ``permission`` or ``property``.
    :param wanted: the keys.
    :returns: key to id, of all there are.
    :raises KindeInputError: Kinde does not have one; the message lists those it has.
    """
    keys = sorted(set(wanted))
    if not keys:
        return {}
    listed = yield api_call("iter_properties" if kind == "property" else f"iter_{kind}s")
    known = {str(item["key"]): str(item.get("id")) for item in listed if item.get("key")}
    unknown = [key for key in keys if key not in known]
    if unknown:
        there = some(sorted(known), 50) or "none"
        raise KindeInputError(f"no {kind} with the key {some([repr(key) for key in unknown])}; there are: {there}")
    return known


def held_roles(code: str, user_id: str) -> Lookup[frozenset[str] | None]:
    """Read the role keys of a member (``GET /organizations/{code}/users/{id}/roles``).

    :param code: the organization's code.
    :param user_id: Kinde's id of the user.
    :returns: the role keys, or ``None`` for a user who is not a member.
    """
    try:
        answer = yield api_call("get_organization_user_roles", org_code=code, user_id=user_id)
    except KindeNotFoundError:
        return None
    return fields.roles_in(answer)
