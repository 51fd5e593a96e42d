"""The token endpoint, the signing keys and the discovery document."""

from __future__ import annotations

from urllib.parse import parse_qsl

from kinde_emulator.errors import OAuthError
from kinde_emulator.server.http import Request, Response, json_response
from kinde_emulator.server.routes import route


@route("POST", "/oauth2/token")
def issue_token(request: Request) -> Response:
    """Issues an access token.

    :param request: the request.
    """
    if not request.content_type.startswith("application/x-www-form-urlencoded"):
        raise OAuthError(400, "invalid_request", "The body must be application/x-www-form-urlencoded")
    pairs = parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True)
    form = dict(pairs)
    if len(form) < len(pairs):
        raise OAuthError(400, "invalid_request", "A parameter was sent more than once")
    tenant = request.tenant
    answer = tenant.tokens.issue(form, request.headers.get("authorization", ""), request.host, tenant.settings)
    return json_response(answer, headers={"cache-control": "no-store"})


@route("GET", "/.well-known/jwks")
@route("GET", "/.well-known/jwks.json")
def signing_keys(request: Request) -> Response:
    """Shows the public key that tokens are signed with.

    :param request: the request.
    """
    return json_response({"keys": [request.tenant.tokens.jwk]})


@route("GET", "/.well-known/openid-configuration")
def discovery(request: Request) -> Response:
    """Shows where the endpoints are and what they support.

    :param request: the request.
    """
    base = f"http://{request.host}"
    return json_response(
        {
            "issuer": base,
            "token_endpoint": f"{base}/oauth2/token",
            "jwks_uri": f"{base}/.well-known/jwks",
            "grant_types_supported": ["client_credentials"],
            "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "response_types_supported": [],
            "subject_types_supported": ["public"],
        }
    )
