"""What people do in a browser: sign in by an identity provider, accept an invitation."""

from __future__ import annotations

from typing import Any

from kinde_emulator.data.organizations import add_member
from kinde_emulator.data.store import Store, insert, new_id, now, one, update
from kinde_emulator.data.users import add_identity, is_enterprise, owner_of
from kinde_emulator.model import Model, ModelError
from kinde_emulator.settings import Settings


class SignIn(Model):
    """What an identity provider says of the user who signs in."""

    email: str
    connection_id: str
    first_name: str | None = None
    last_name: str | None = None
    picture: str | None = None


def sign_in(store: Store, settings: Settings, data: dict[str, Any]) -> dict[str, Any]:
    """Signs a user in by a connection.

    The user is the one with an identity of the connection that has exactly this address, case included. Where there is
    none, a user is made. Names and picture of the provider overwrite those of the profile, unless ``profile_sync`` is
    off.

    :param store: the tenant's database.
    :param settings: the tenant's settings.
    :param data: the fields of :class:`SignIn`.
    :returns: ``{"id": ..., "created": ..., "allowed": ...}``; a suspended user is not allowed in.
    :raises ValueError: for a field that is missing or wrong, and for an unknown connection.
    """
    try:
        wanted = SignIn.parse(data)
    except ModelError as error:
        raise ValueError(f"sign_in: {error}") from None
    names = {
        name: value for name in ("first_name", "last_name", "picture") if (value := getattr(wanted, name)) is not None
    }
    with store.transaction() as db:
        connection = one(db, "SELECT * FROM connections WHERE id = ?", wanted.connection_id)
        if connection is None:
            raise ValueError(f"sign_in: unknown connection {wanted.connection_id!r}; name it under connections")
        sql = "SELECT id, user_id FROM identities WHERE connection_id = ? AND value = ?"
        identity = one(db, sql, wanted.connection_id, wanted.email)
        moment = now()
        if identity is None:
            user_id = new_id("kp")
            insert(db, "users", id=user_id, created_on=moment, **names)
            kind = "enterprise" if is_enterprise(connection["strategy"]) else "social"
            identity_id = add_identity(
                db, user_id, kind, wanted.email, confirmed=None, connection_id=wanted.connection_id
            )
            default = one(db, "SELECT code FROM organizations WHERE is_default")
            if default is not None and settings.default_org_policy:
                add_member(db, default["code"], user_id, joined_on=moment)
        else:
            user_id, identity_id = identity["user_id"], identity["id"]
        user = one(db, "SELECT * FROM users WHERE id = ?", user_id)
        assert user is not None
        if user["is_suspended"]:
            update(db, "users", "id", user_id, failed_sign_ins=user["failed_sign_ins"] + 1)
            return {"id": user_id, "created": False, "allowed": False}
        changes = names if settings.profile_sync else {}
        update(db, "users", "id", user_id, last_signed_in=moment, total_sign_ins=user["total_sign_ins"] + 1, **changes)
        db.execute(
            "UPDATE identities SET last_login_on = ?, total_logins = total_logins + 1 WHERE id = ?",
            (moment, identity_id),
        )
        insert(db, "sessions", id=new_id("session"), user_id=user_id, started_on=moment, expires_on=moment)
    return {"id": user_id, "created": identity is None, "allowed": True}


def accept_invitation(store: Store, settings: Settings, code: str) -> str:
    """Accepts an invitation: its address becomes a member, with the roles of the invitation, and a user if it is none.

    :param store: the tenant's database.
    :param settings: the tenant's settings.
    :param code: the invitation's code.
    :returns: the user's id.
    :raises ValueError: if there is no such invitation, or if it was revoked or accepted before.
    """
    with store.transaction() as db:
        invite = one(db, "SELECT * FROM invites WHERE code = ?", code)
        if invite is None or invite["is_revoked"] or invite["accepted_on"]:
            raise ValueError(f"accept_invitation: no open invitation has the code {code!r}")
        moment, org_code = now(), invite["org_code"]
        user_id = owner_of(db, "email", invite["email"], settings)
        if user_id is None:
            user_id = new_id("kp")
            names = {"first_name": invite["first_name"], "last_name": invite["last_name"]}
            insert(db, "users", id=user_id, created_on=moment, **names)
            add_identity(db, user_id, "email", invite["email"], confirmed=True)
        add_member(db, org_code, user_id, joined_on=moment)
        sql = """INSERT OR IGNORE INTO member_roles (org_code, user_id, role_id)
                 SELECT ?, ?, id FROM roles WHERE key IN (SELECT value FROM json_each(?))"""
        db.execute(sql, (org_code, user_id, invite["roles"]))
        update(db, "invites", "id", invite["id"], accepted_on=moment)
    return user_id
