"""Questions about users: how they are created, found, changed and deleted."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from airflow_provider_kinde.exceptions import KindeConflictError, KindeError, KindeNotFoundError
from airflow_provider_kinde.probe.created_objects import stranger
from airflow_provider_kinde.probe.session import NoAnswerError, Outcome, Session, question

LONGEST = 2000
"""Characters; a higher limit does not matter."""
PATIENCE = (0.5, 0.5, 1, 2, 4, 8, 8, 8, 8, 8, 8)
"""Seconds to wait before each further search for a new user."""


@question("profile_email", calls="create_user delete_user")
def create_user(s: Session) -> None:
    """Creates a user without organization, with an address under `profile` as well."""
    address, other = s.things.address("A"), s.things.address("P")
    try:
        s.have["user"] = s.things.create_user(address, {"email": other}, provided_id=s.things.provided_id)
    except KindeError as error:
        if error.status not in (400, 409, 422):
            raise
        s.have["user"] = s.things.create_user(address, provided_id=s.things.provided_id)
        s.learn(
            "profile_email", "reject", f"a user with profile.email was refused: {error.status} {error.code}".strip()
        )
    else:
        s.facts["profile email"] = other
        s.leave("profile_email", "needs the identities of the user, which could not be read")
    s.facts["created"] = time.monotonic()


@question("search_lag", calls="search_users", needs="user")
def search(s: Session) -> None:
    """Searches for the new user until it is found, for a minute at most."""
    lag = 0.0
    waits = iter(PATIENCE)
    while not (found := s.client.call("search_users", query=s.things.address("A"), page_size=10).get("results")):
        if not (wait := next(waits, 0)):
            raise NoAnswerError(f"the search did not find the new user within {sum(PATIENCE):g} s")
        s.sleep(wait)
        lag = math.ceil(10 * (time.monotonic() - s.facts["created"])) / 10
    if s.have["user"] not in {user.get("id") for user in found}:
        raise NoAnswerError("the search found others under the new user's address")
    s.learn("search_lag", lag, f"the new user was found {f'after {lag:g} s' if lag else 'at once'}")


@question("default_org_policy", "profile_email", calls="get_users", needs="user")
def read_user(s: Session) -> None:
    """Reads the new user with organizations and identities."""
    [user] = s.client.get_users(user_id=s.have["user"], expand="organizations,identities")["users"]
    s.have["user_read"] = s.have["user"]
    s.facts["email"] = user.get("email")
    if "organizations" not in user:
        raise NoAnswerError("expand=organizations showed no organizations")
    organizations = user["organizations"] or []
    s.learn(
        "default_org_policy", bool(organizations), f"a user created without organization is in {len(organizations)}"
    )
    if "profile email" not in s.facts:
        return
    addresses = {str(item.get("identity")).lower() for item in user.get("identities") or []}
    if s.facts["profile email"].lower() in addresses:
        raise NoAnswerError("profile.email became an identity, which the emulator never does")
    if addresses:
        s.learn("profile_email", "ignore", "a user with profile.email was created without that address")


@question("identity_confirmed", calls="get_user_identities", needs="user")
def identities(s: Session) -> None:
    """Reads the identity, which was created without `is_verified`."""
    listed = s.client.get_user_identities(s.have["user"]).get("identities") or []
    flags = {item.get("is_confirmed") for item in listed if item.get("type") == "email"}
    if len(flags) != 1 or None in flags:
        raise NoAnswerError("the identity does not say whether it is confirmed")
    s.learn("identity_confirmed", bool(flags.pop()), "is_confirmed of an identity created without is_verified")


@question("email_case", calls="get_users create_user delete_user", needs="user_read")
def email_case(s: Session) -> None:
    """Looks for the user by the address in lower case, and tries to create a second user with it."""
    address = s.things.address("A")
    if s.facts.get("email") not in (address, address.lower()):
        raise NoAnswerError(
            f"the new user's address was not shown as sent, nor in lower case: {s.facts.get('email')!r}"
        )
    found = bool(s.client.get_users(email=address.lower())["users"])
    taken = False
    try:
        s.things.create_user(address.lower())
    except KindeError as error:
        if error.status not in (400, 409, 422):
            raise
        taken = isinstance(error, KindeConflictError)
        s.findings.seen["create a user whose address is taken"] = f"{error.status} {error.code}".strip()
    stored = "stored in lower case" if s.facts["email"] != address else "stored as sent"
    evidence = f"{stored}; in lower case {'found' if found else 'not found'} and {'taken' if taken else 'free'}"
    if found != taken:
        raise NoAnswerError(f"{evidence}: the emulator treats both alike")
    if not found and s.facts["email"] != address:
        raise NoAnswerError(evidence)
    value = "lower" if s.facts["email"] != address else "insensitive" if found else "sensitive"
    s.learn("email_case", value, evidence)


@question("provided_id_unique", calls="create_user delete_user", needs="user")
def second_user(s: Session) -> None:
    """Creates a second user with the same `provided_id`."""
    address = s.things.address("B")
    try:
        s.have["second_user"] = s.things.create_user(address, provided_id=s.things.provided_id)
        s.learn("provided_id_unique", False, "two users were created with the same provided_id")
    except KindeError as error:
        if error.status not in (400, 409, 422):
            raise
        s.have["second_user"] = s.things.create_user(address)
        s.learn("provided_id_unique", True, f"a second user with it was refused: {error.status} {error.code}".strip())


@question("email_filter", calls="create_user_identity get_users", needs="user")
def second_address(s: Session) -> None:
    """Gives the user a second address and looks for the user by it."""
    second = s.things.address("A2").lower()
    s.client.create_user_identity(s.have["user"], value=second, type="email")
    s.have["second_address"] = second
    found = [user["id"] for user in s.client.get_users(email=second)["users"]] == [s.have["user"]]
    evidence = f"the user was {'' if found else 'not '}found by the second address"
    s.learn("email_filter", "identity" if found else "primary", evidence)


@question("identity_conflict_status", calls="create_user_identity", needs="second_address second_user")
def identity_conflict(s: Session) -> None:
    """Tries to give the second user the first one's second address."""
    call = s.client.create_user_identity
    outcome = s.attempt(call, s.have["second_user"], value=s.have["second_address"], type="email")
    if outcome.status not in (400, 409):
        raise NoAnswerError(f"an address that another user has: {outcome}")
    s.learn("identity_conflict_status", outcome.status, f"an address that another user has: {outcome}")


def accepted_length(send: Callable[[str], Outcome], text: str) -> tuple[int, str]:
    """The longest text that Kinde accepts, up to ``LONGEST``.

    :param send: sends a text.
    :param text: what it begins with.
    :returns: the length, and how ``LONGEST`` was answered.
    :raises NoAnswerError: no length is accepted.
    """

    def attempt(length: int) -> Outcome:
        return send((text + "x" * LONGEST)[:length])

    first = attempt(LONGEST)
    if not first.refused:
        return LONGEST, str(first)
    low, high = 0, LONGEST
    # Usually the refusal names the limit; then two requests are enough instead of eleven.
    for guess in first.numbers:
        for length in (guess, guess + 1):
            if low < length < high:
                low, high = (low, length) if attempt(length).refused else (length, high)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if attempt(middle).refused else (middle, high)
    if not low:
        raise NoAnswerError(f"nothing was taken: {first}")
    return low, str(first)


@question("max_name_length", "clear_name", calls="update_user get_user_data", needs="user")
def names(s: Session) -> None:
    """Gives the user a very long first name, then an empty one."""
    user = s.have["user"]
    length, answer = accepted_length(lambda text: s.attempt(s.client.update_user, user, given_name=text), s.things.name)
    before = s.client.get_user_data(user).get("first_name") or ""
    if length and len(before) != length:
        s.leave("max_name_length", f"a name of {length} characters was cut to {len(before)}: the emulator does not cut")
    elif length == LONGEST:
        s.learn("max_name_length", None, f"a name of {LONGEST} characters was kept")
    else:
        s.learn("max_name_length", length, f"a name of {LONGEST} characters: {answer}; {length} is the most")
    cleared = s.attempt(s.client.update_user, user, given_name="")
    if cleared.refused:
        s.learn("clear_name", "reject", f"an empty name: {cleared}")
    elif s.client.get_user_data(user).get("first_name") == before:
        s.learn("clear_name", "ignore", f"an empty name: {cleared}, and the name stayed")
    else:
        raise NoAnswerError("an empty name cleared the name, which the emulator never does")


@question("provided_id_max_length", "clear_provided_id", calls="update_user get_user_data", needs="user")
def provided_id(s: Session) -> None:
    """Gives the user a very long `provided_id`, then an empty one."""
    user = s.have["user"]

    def stored() -> str:
        return s.client.get_user_data(user).get("provided_id") or ""

    length, answer = accepted_length(
        lambda text: s.attempt(s.client.update_user, user, provided_id=text), s.things.provided_id
    )
    before = stored()
    if not before:
        raise NoAnswerError("the user shows no provided_id")
    if len(before) != length:
        s.leave("provided_id_max_length", f"{length} characters were cut to {len(before)}: the emulator does not cut")
    elif length == LONGEST:
        s.learn("provided_id_max_length", None, f"{LONGEST} characters were kept")
    else:
        s.learn("provided_id_max_length", length, f"{LONGEST} characters: {answer}; {length} is the most")
    cleared = s.attempt(s.client.update_user, user, provided_id="")
    if cleared.refused:
        raise NoAnswerError(f"an empty provided_id: {cleared}, where the emulator takes or ignores it")
    after = stored()
    if after not in ("", before):
        raise NoAnswerError("an empty provided_id left another one")
    evidence = f"an empty provided_id: {cleared}, and it {'stayed' if after else 'was gone'}"
    s.learn("clear_provided_id", "ignore" if after else "allow", evidence)


@question("no_sessions_status", calls="delete_user_sessions", needs="user")
def sessions(s: Session) -> None:
    """Ends the sessions of the user, who has none."""
    outcome = s.attempt(s.client.delete_user_sessions, s.have["user"])
    status = 200 if not outcome.refused else outcome.status
    if status not in (200, 404):
        raise NoAnswerError(f"ending the sessions of a user without any: {outcome}")
    s.learn("no_sessions_status", status, f"ending the sessions of a user without any: {outcome}")


@question("missing_user_status", calls="delete_user get_user_data", needs="second_user")
def missing_user(s: Session) -> None:
    """Deletes the second user plainly and reads it."""
    gone = s.have["second_user"]
    s.things.delete_user_plainly(gone)
    s.have["deleted_user"] = gone
    outcome = s.attempt(s.client.get_user_data, gone)
    if outcome.status not in (400, 404):
        raise NoAnswerError(f"reading a deleted user: {outcome}")
    s.learn("missing_user_status", outcome.status, f"reading a deleted user: {outcome}")


@question("recreate_deleted", calls="create_user delete_user", needs="deleted_user")
def recreate(s: Session) -> None:
    """Creates the deleted user again, with the same address."""
    address = s.things.address("B")
    try:
        s.things.create_user(address)
    except KindeConflictError as error:
        s.learn("recreate_deleted", "conflict", f"the address of a deleted user: {error.status} {error.code}".strip())
        try:
            s.client.delete_user(s.have["deleted_user"], is_delete_profile=True)
        except KindeNotFoundError:
            s.things.kept_profiles.append(address)
        except KindeError as refused:
            s.things.kept_profiles.append(f"{address} ({refused})")
        return
    s.learn("recreate_deleted", "new", "a user was created with the address of a deleted one")


@question(calls="create_user delete_user", needs="user organization")
def unknown_organization(s: Session) -> None:
    """Tries to create a user in an organization that does not exist."""
    nowhere = stranger(s.have["organization"])
    what = "create a user in an unknown organization"
    try:
        s.things.create_user(s.things.address("C"), organization_code=nowhere)
    except KindeError as error:
        s.findings.seen[what] = f"{error.status} {error.code}".strip()
    else:
        s.findings.seen[what] = "the user was created"
