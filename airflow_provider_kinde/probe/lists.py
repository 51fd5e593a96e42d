"""Questions about lists and errors: pages, ends, what is missing."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable

from airflow_provider_kinde.probe.created_objects import stranger
from airflow_provider_kinde.probe.session import NoAnswerError, Outcome, Session, question

TOO_MANY = 501
"""One more than the largest page in Kinde's documentation."""


def largest_page(read: Callable[[int], Outcome]) -> tuple[int, str]:
    """The largest page that Kinde returns.

    :param read: reads a page of a given size.
    :returns: the size, and the response that showed it.
    :raises NoAnswerError: the limit cannot be found out.
    """
    too_many = read(TOO_MANY)
    if not too_many.refused:
        raise NoAnswerError(f"page_size={TOO_MANY} was taken: there is no limit, or it is applied silently")
    for size in sorted({*too_many.numbers, TOO_MANY - 1}, reverse=True):
        # A refusal may name numbers that are no limit.
        if 1 < size < TOO_MANY and not read(size).refused:
            if size + 1 < TOO_MANY and not read(size + 1).refused:
                break
            return size, f"page_size={TOO_MANY}: {too_many}; {size} was taken"
    raise NoAnswerError(f"page_size={TOO_MANY}: {too_many}, and the limit was not named")


@question("max_page_size", calls="get_roles")
def page_size_limit(s: Session) -> None:
    """Asks for a page of 501 roles."""
    size, evidence = largest_page(lambda size: s.attempt(s.client.get_roles, page_size=size))
    s.learn("max_page_size", size, evidence)


@question("max_cursor_page_size", calls="search_users", needs="user")
def cursor_page_size_limit(s: Session) -> None:
    """Asks for a page of 501 users found under the first user's address."""

    def read(size: int) -> Outcome:
        return s.attempt(s.client.call, "search_users", query=s.things.address("A"), page_size=size)

    size, evidence = largest_page(read)
    s.learn("max_cursor_page_size", size, evidence)


@question("page_size", calls="get_roles")
def usual_page(s: Session) -> None:
    """Lists roles without page_size."""
    page = s.client.get_roles()
    token = page.get("next_token")
    if not token or not s.client.get_roles(next_token=token)["roles"]:
        raise NoAnswerError(f"all {len(page['roles'])} roles fit on a page")
    s.learn("page_size", len(page["roles"]), "roles on a page without page_size")


@question("page_token", calls="get_organizations", needs="organization")
def page_token(s: Session) -> None:
    """Lists organizations, one on a page."""
    token = s.client.get_organizations(page_size=1).get("next_token")
    if not token:
        raise NoAnswerError("the list of organizations has one page only")
    try:
        readable = ":" in base64.b64decode(token, validate=True).decode("ascii")
    except (ValueError, binascii.Error):
        readable = False
    s.learn("page_token", "base64" if readable else "opaque", "the next_token of a list of organizations")


@question("connections_shape", calls="get_organization_connections get_organizations")
def connections(s: Session) -> None:
    """Reads the connections of the default organization."""
    organizations = s.client.get_organizations(page_size=100)["organizations"]
    default = next((item["code"] for item in organizations if item.get("is_default")), None)
    if default is None:
        raise NoAnswerError("the default organization is not among the first 100")
    listed = s.client.get_organization_connections(default).get("connections") or []
    if not listed:
        raise NoAnswerError("the default organization has no connection")
    wrapped = isinstance(listed[0].get("connection"), dict)
    s.learn("connections_shape", "wrapped" if wrapped else "flat", "connections of the default organization")


@question("kinde_properties", calls="get_properties")
def kinde_properties(s: Session) -> None:
    """Lists the definitions of users' properties."""
    there = any(item.get("key") == "kp_usr_job_title" for item in s.client.iter_properties(context="usr"))
    s.learn("kinde_properties", there, f"kp_usr_job_title is {'' if there else 'not '}defined")


@question("missing_organization_status", calls="get_organization", needs="organization")
def missing_organization(s: Session) -> None:
    """Reads an organization that does not exist."""
    outcome = s.attempt(s.client.get_organization, stranger(s.have["organization"]))
    if outcome.status not in (400, 404):
        raise NoAnswerError(f"an organization that does not exist: {outcome}")
    s.learn("missing_organization_status", outcome.status, f"an organization that does not exist: {outcome}")


@question("not_found_shape", calls="get_identity")
def not_found_shape(s: Session) -> None:
    """Compares the 404s so far; reads an identity that does not exist if there were none."""
    if not s.not_found_shapes:
        s.attempt(s.client.get_identity, stranger("identity_" + 32 * "0"))
    shapes = {name: shape for name, shape in s.not_found_shapes.items() if shape}
    if len(set(shapes.values())) != 1:
        told = "; ".join(f"{name}: {shape}" for name, shape in shapes.items())
        raise NoAnswerError(f"not every 404 looks the same: {told}" if told else "there was no 404")
    s.learn("not_found_shape", next(iter(shapes.values())), f"404 of {', '.join(shapes)}")


@question("expires_in", "expires_in_sent", "token_type", calls="")
def token(s: Session) -> None:
    """Looks at the answer of the token endpoint, but for the token."""
    if s.token_answer is None:
        raise NoAnswerError("no new token was needed")
    lifetime = s.token_answer.get("expires_in")
    s.learn("expires_in_sent", lifetime is not None, "the token endpoint's answer")
    kind = s.token_answer.get("token_type")
    if isinstance(kind, str) and kind.isalnum():
        s.learn("token_type", kind, "the token endpoint's answer")
    else:
        s.leave("token_type", "the token endpoint does not tell")
    if not isinstance(lifetime, int):
        raise NoAnswerError("the token endpoint does not tell")
    s.learn("expires_in", lifetime, "the token endpoint's answer")
