"""``/users/{user_id}/password``: the password of a user."""

from __future__ import annotations

from typing import Literal

from kinde_emulator.data.users import find_user
from kinde_emulator.errors import bad
from kinde_emulator.server.http import Response
from kinde_emulator.server.operations import Body, Call, Query, put


class SetPassword(Body):
    """A password's hash, and how it was made."""

    hashed_password: str
    hashing_method: (
        Literal["bcrypt", "crypt", "md5", "sha256", "wordpress", "pbkdf2", "firebase-scrypt", "aspnet-identity-v2"]
        | None
    ) = None
    salt: str | None = None
    salt_position: Literal["prefix", "suffix"] | None = None
    iterations: int | None = None
    variant: str | None = None
    signer_key: str | None = None
    salt_separator: str | None = None
    rounds: int | None = None
    mem_cost: int | None = None
    is_temporary_password: bool | None = None


@put("/users/{user_id}/password", scope="update:user_passwords")
def set_user_password(call: Call[Query], user_id: str, body: SetPassword) -> Response:
    """Checks a password's hash. It is not stored, because no user signs in here.

    :param call: the checked request, with its query parameters.
    :param user_id: Kinde's id of the user.
    :param body: the checked JSON body.
    :raises ApiError: 404 if there is no such user; 400 if something that was sent is wrong.
    """
    if body.hashing_method in ("pbkdf2", "firebase-scrypt") and not body.salt:
        raise bad("MISSING_FIELD", f"Missing field: salt, for {body.hashing_method}", "salt")
    find_user(call.db, user_id, call.settings)
    return call.success()
