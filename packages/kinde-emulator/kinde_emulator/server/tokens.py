"""Access tokens: signed with RS256, and checked at every request."""

from __future__ import annotations

import base64
import functools
import hmac
import json
import secrets
import threading
import time
from datetime import datetime, timezone
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from kinde_emulator.data.store import Store, insert, one
from kinde_emulator.errors import ApiError, OAuthError
from kinde_emulator.server.scopes import SCOPES
from kinde_emulator.settings import Settings

UNKNOWN_CLIENT = (
    "Client authentication failed (e.g., unknown client, no client authentication included, "
    "or unsupported authentication method)."
)


@functools.lru_cache(maxsize=1)
def _process_key() -> str:
    """One key for all in-memory tenants of this process: making a key takes longer than a whole small test."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode("ascii")


@functools.lru_cache(maxsize=8)
def _loaded(pem: str) -> rsa.RSAPrivateKey:
    key = serialization.load_pem_private_key(pem.encode("ascii"), password=None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


class Tokens:
    """Issues and checks tokens.

    :param store: the database that keeps the signing key, so that tokens outlive a restart as the data does.
    """

    def __init__(self, store: Store) -> None:
        with store.transaction() as db:
            row = one(db, "SELECT value FROM meta WHERE key = 'signing_key'")
            pem = row["value"] if row else _process_key()
            if row is None:
                insert(db, "meta", key="signing_key", value=pem)
        self._store = store
        self._key = _loaded(pem)
        self._public = self._key.public_key()
        self.jwk: dict[str, Any] = json.loads(RSAAlgorithm.to_jwk(self._public))
        thumb = json.dumps({name: self.jwk[name] for name in ("e", "kty", "n")}, separators=(",", ":"), sort_keys=True)
        self._kid = base64.urlsafe_b64encode(hmac.digest(b"kid", thumb.encode(), "sha256")).decode().rstrip("=")
        self.jwk.update(kid=self._kid, use="sig", alg="RS256")
        self.jwk.pop("key_ops", None)
        self._lock = threading.Lock()
        self._checked: dict[str, dict[str, Any]] = {}
        self._issued: set[str] = set()
        self._revoked: set[str] = set()
        self._revoked_before = 0

    def sign_webhook(self, claims: dict[str, Any]) -> str:
        """Signs the message of a webhook.

        :param claims: what it says; an id and the times are added where they are missing.
        :returns: the token.
        """
        now = datetime.now(timezone.utc).isoformat()
        usual = {"event_id": f"event_{secrets.token_hex(16)}", "event_timestamp": now, "timestamp": now}
        content = {**usual, "source": "admin", **claims}
        return jwt.encode(content, self._key, algorithm="RS256", headers={"kid": self._kid})

    def issue(self, form: dict[str, str], authorization: str, host: str, settings: Settings) -> dict[str, Any]:
        """Answers a token request.

        :param form: the fields of the form.
        :param authorization: the ``Authorization`` header.
        :param host: the ``Host`` header.
        :param settings: the tenant's settings.
        :returns: the response's JSON.
        :raises OAuthError: if the client is unknown, or asks for what it may not have.
        """
        client_id, allowed = self._client(form, authorization, settings)
        if form.get("grant_type") != "client_credentials":
            raise OAuthError(400, "unsupported_grant_type", "Only grant_type=client_credentials is supported")
        audience = form.get("audience")
        if not audience:
            raise OAuthError(400, "invalid_request", "The audience is missing")
        if audience.rstrip("/") not in (f"http://{host}/api", f"https://{host}/api"):
            raise OAuthError(400, "unauthorized_client", f"The client is not authorised for the audience {audience}")
        wanted = form.get("scope", "").split()
        if surplus := [scope for scope in wanted if scope not in allowed]:
            raise OAuthError(400, "invalid_scope", f"The client may not have the scopes {' '.join(surplus)}")
        scopes = wanted or sorted(allowed)
        issued = time.time()
        jti = secrets.token_hex(16)
        self._issued.add(jti)
        claims = {
            "aud": [audience],
            "azp": client_id,
            "exp": int(issued) + settings.expires_in,
            "gty": ["client_credentials"],
            "iat": int(issued),
            "iss": f"http://{host}",
            "jti": jti,
            "scope": " ".join(scopes),
            "scp": scopes,
            "v": "2",
        }
        answer: dict[str, Any] = {
            "access_token": jwt.encode(claims, self._key, algorithm="RS256", headers={"kid": self._kid}),
            "expires_in": settings.expires_in,
            "scope": " ".join(scopes),
            "token_type": settings.token_type,
        }
        if not settings.expires_in_sent:
            del answer["expires_in"]
        return answer

    def _client(self, form: dict[str, str], authorization: str, settings: Settings) -> tuple[str, frozenset[str]]:
        client_id, secret = form.get("client_id"), form.get("client_secret")
        scheme, _, encoded = authorization.partition(" ")
        if scheme.lower() == "basic" and settings.basic_auth:
            try:
                client_id, _, secret = base64.b64decode(encoded, validate=True).decode("utf-8").partition(":")
            except ValueError:
                raise OAuthError(401, "invalid_client", UNKNOWN_CLIENT) from None
        if not client_id or not secret:
            raise OAuthError(401, "invalid_client", UNKNOWN_CLIENT)
        if client_id == settings.client_id:
            known, scopes = settings.client_secret, settings.scopes
        else:
            with self._store.transaction() as db:
                row = one(db, "SELECT secret, scopes FROM clients WHERE id = ?", client_id)
            if row is None:
                raise OAuthError(401, "invalid_client", UNKNOWN_CLIENT)
            known, scopes = row["secret"], row["scopes"] and tuple(row["scopes"].split())
        if not hmac.compare_digest(known.encode(), secret.encode()):
            raise OAuthError(401, "invalid_client", UNKNOWN_CLIENT)
        return client_id, SCOPES if scopes is None else frozenset(scopes)

    def check(self, authorization: str, host: str, settings: Settings) -> dict[str, Any]:
        """Checks the access token of a request.

        :param authorization: the ``Authorization`` header.
        :param host: the ``Host`` header.
        :param settings: the tenant's settings.
        :returns: the token's claims.
        :raises ApiError: if there is no token, or it is invalid, expired, revoked or for another host.
        """
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise _refused(settings, "TOKEN_MISSING", "The request has no bearer token")
        claims = self._checked.get(token) or self._verified(token.strip(), settings)
        if claims["iss"] != f"http://{host}":
            raise _refused(settings, "TOKEN_INVALID", "The token was issued for another host")
        if time.time() >= claims["exp"]:
            raise _refused(settings, "TOKEN_INVALID", "The token has expired")
        if claims["jti"] in self._revoked or claims["iat"] < self._revoked_before:
            raise _refused(settings, "TOKEN_INVALID", "The token has been revoked")
        return claims

    def _verified(self, token: str, settings: Settings) -> dict[str, Any]:
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                self._public,
                algorithms=["RS256"],
                options={"verify_aud": False, "verify_exp": False, "require": ["exp", "iat", "iss", "jti", "scp"]},
            )
        except jwt.InvalidTokenError:
            raise _refused(settings, "TOKEN_INVALID", "The token is not valid") from None
        with self._lock:
            if len(self._checked) >= 1000:
                self._checked.clear()
            self._checked[token] = claims
        return claims

    def revoke(self, authorization: str) -> None:
        """Makes the token of an ``Authorization`` header invalid from now on.

        :param authorization: the header's value.
        """
        token = authorization.partition(" ")[2].strip()
        try:
            self._revoked.add(str(jwt.decode(token, options={"verify_signature": False})["jti"]))
        except (jwt.InvalidTokenError, KeyError):
            return

    def revoke_all(self) -> None:
        """Makes every token issued so far invalid."""
        self._revoked |= self._issued
        # Of tokens that an earlier process issued for the same data, only the age is known.
        self._revoked_before = int(time.time())


def require_scope(claims: dict[str, Any], scope: str) -> None:
    """Checks that a token holds a scope.

    :param claims: the token's claims.
    :param scope: the scope, such as ``read:users``.
    :raises ApiError: 403 that names the scope.
    """
    if scope not in claims["scp"]:
        raise ApiError(403, "INSUFFICIENT_SCOPE", f"The access token does not have the required scope: {scope}")


def _refused(settings: Settings, code: str, message: str) -> ApiError:
    return ApiError(settings.expired_token, code, message)
