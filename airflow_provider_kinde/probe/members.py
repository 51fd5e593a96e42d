"""Questions about members of an organization, their roles and permissions."""

from __future__ import annotations

from airflow_provider_kinde.probe.created_objects import stranger
from airflow_provider_kinde.probe.session import NoAnswerError, Session, question


@question(calls="create_organization delete_organization")
def organization(s: Session) -> None:
    """Creates an organization."""
    s.have["organization"] = s.things.create_organization()


@question(calls="create_role get_roles delete_role")
def roles(s: Session) -> None:
    """Creates two roles."""
    s.facts["first role"], s.have["roles"] = s.things.create_role("1"), s.things.create_role("2")


@question(calls="create_permission get_permissions delete_permission")
def permission(s: Session) -> None:
    """Creates a permission."""
    s.have["permission"] = s.things.create_permission()


@question(calls="add_organization_users", needs="organization user")
def add_member(s: Session) -> None:
    """Adds the first user to the organization, without roles."""
    s.client.add_organization_users(s.have["organization"], [{"id": s.have["user"], "roles": []}])
    s.have["membership"] = s.have["user"]


@question("add_existing_member", calls="add_organization_users", needs="membership")
def add_member_again(s: Session) -> None:
    """Adds the same user once more."""
    add = s.client.add_organization_users
    outcome = s.attempt(add, s.have["organization"], [{"id": s.have["user"], "roles": []}])
    if outcome.status not in (200, 204, 409):
        raise NoAnswerError(f"adding a member again: {outcome}")
    s.learn("add_existing_member", str(outcome.status), f"adding a member again: {outcome}")


@question("next_token_end", "last_page", "empty_lists", calls="get_organization_users", needs="membership")
def list_members(s: Session) -> None:
    """Lists the organization's members: one page, and the page after it if there is a token."""
    member = s.members().get(s.have["user"], {})
    page = s.facts["last page"]
    end = "absent" if "next_token" not in page else {None: "null", "": "empty"}.get(page["next_token"])
    if end is None:
        s.leave("next_token_end", "a list of one member has a next page")
        _learn_last_page(s, page["next_token"])
    else:
        s.learn("next_token_end", end, "a list of one member")
        s.learn("last_page", "null", "a list of one member has one page")
    if "roles" not in member or member["roles"]:
        raise NoAnswerError("the new member has roles, or shows none")
    s.learn("empty_lists", "null" if member["roles"] is None else "list", "the roles of a member without any")


def _learn_last_page(s: Session, token: str) -> None:
    page = s.client.get_organization_users(s.have["organization"], page_size=10, next_token=token)
    following = page.get("next_token")
    if page["organization_users"] or not following:
        s.leave("last_page", "the page after the last member holds members, or has no token")
    else:
        value = "empty_repeats_token" if following == token else "empty_new_tokens"
        s.learn("last_page", value, "the page after the last member is empty and has a token")


@question("expand_organizations", calls="get_users", needs="membership")
def expand_organizations(s: Session) -> None:
    """Reads the first user with organizations."""
    [user] = s.client.get_users(user_id=s.have["user"], expand="organizations")["users"]
    kinds = {type(item) for item in user.get("organizations") or []}
    if kinds not in ({str}, {dict}):
        raise NoAnswerError("expand=organizations showed none, or something else than texts or objects")
    value = "strings" if kinds == {str} else "objects"
    s.learn("expand_organizations", value, "a user with expand=organizations")


@question("patch_roles", calls="update_organization_users get_organization_users", needs="membership roles")
def patch_roles(s: Session) -> None:
    """Gives the member one role (and a permission), then another role alone."""
    code, user, first, second = s.have["organization"], s.have["user"], s.facts["first role"], s.have["roles"]
    granted = {"id": user, "roles": [first]}
    if "permission" in s.have:
        granted["permissions"] = [s.have["permission"]]
    s.client.update_organization_users(code, [granted])
    if first not in (s.members().get(user, {}).get("roles") or []):
        raise NoAnswerError("a role given by PATCH does not show in the list of members")
    s.client.update_organization_users(code, [{"id": user, "roles": [second]}])
    s.have["second_role"] = s.things.roles[second]
    held = set(s.members().get(user, {}).get("roles") or [])
    if second not in held:
        raise NoAnswerError("a second role given by PATCH does not show in the list of members")
    s.learn("patch_roles", "merge" if first in held else "replace", "PATCH with another role than the member had")


@question(
    "patch_without_permissions",
    calls="update_organization_users get_organization_user_permissions",
    needs="second_role permission",
)
def patch_without_permissions(s: Session) -> None:
    """Reads whether the permission outlasted a PATCH that named none."""
    code, user, key = s.have["organization"], s.have["user"], s.have["permission"]

    def held() -> bool:
        listed = s.client.get_organization_user_permissions(code, user).get("permissions") or []
        return key in {item.get("key") for item in listed}

    evidence = "a permission given by PATCH, after a PATCH without permissions"
    if held():
        s.learn("patch_without_permissions", "keep", evidence)
        return
    # Not there may also mean that it never was.
    s.client.update_organization_users(code, [{"id": user, "roles": [s.have["roles"]], "permissions": [key]}])
    if not held():
        raise NoAnswerError("a permission given by PATCH does not show")
    s.learn("patch_without_permissions", "clear", evidence)


@question("role_twice_status", calls="create_organization_user_role", needs="second_role")
def role_twice(s: Session) -> None:
    """Gives the member a role that the member has."""
    give = s.client.create_organization_user_role
    outcome = s.attempt(give, s.have["organization"], s.have["user"], s.have["second_role"])
    if outcome.status not in (200, 400):
        raise NoAnswerError(f"a role that the member has: {outcome}")
    s.learn("role_twice_status", outcome.status, f"a role that the member has: {outcome}")


@question("bulk_failure", calls="update_organization_users get_organization_users", needs="membership second_user")
def bulk_failure(s: Session) -> None:
    """Adds the second user and removes the first in one request, with an unknown user between them."""
    code, user, second = s.have["organization"], s.have["user"], s.have["second_user"]
    users = [{"id": second, "roles": []}, {"id": stranger(user), "roles": []}, {"id": user, "operation": "delete"}]
    outcome = s.attempt(s.client.update_organization_users, code, users)
    members = s.members()
    done = (second in members, user not in members)
    s.facts["outsider"] = user if done[1] else None if done[0] else second
    evidence = f"PATCH with an unknown user between two others: {outcome}, {sum(done)} of the two done"
    known = {(True, 0): "atomic", (True, 2): "partial", (False, 2): "silent"}.get((outcome.refused, sum(done)))
    if known is None:
        raise NoAnswerError(evidence)
    s.learn("bulk_failure", known, evidence)


@question(calls="remove_organization_user", needs="membership second_user")
def remove_stranger(s: Session) -> None:
    """Tries to remove a user from the organization who is not a member."""
    outsider = s.facts.get("outsider", s.have["second_user"])
    if outsider is None:
        raise NoAnswerError("both users are members")
    outcome = s.attempt(s.client.remove_organization_user, s.have["organization"], outsider)
    s.findings.seen["remove a user who is not a member"] = str(outcome)
