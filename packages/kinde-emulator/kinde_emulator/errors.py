"""Errors as Kinde returns them."""

from __future__ import annotations

from typing import Any, Literal


class ApiError(Exception):
    """An error response of the Management API.

    :param status: HTTP status.
    :param code: Kinde's error code.
    :param message: the error message.
    :param field: the parameter or field that is wrong.
    :param headers: further headers.
    """

    def __init__(
        self, status: int, code: str, message: str, *, field: str | None = None, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.field = field
        self.headers = headers or {}

    def body(self, not_found_shape: Literal["object", "array", "bare"]) -> dict[str, Any]:
        """The JSON body.

        :param not_found_shape: the form of a 404, as the setting of that name describes it.
        :returns: the decoded JSON.
        """
        error = {"code": self.code, "message": self.message}
        if self.field is not None:
            error["field"] = self.field
        if self.status == 404 and not_found_shape == "bare":
            return error
        if self.status == 404 and not_found_shape == "object":
            return {"errors": error}
        return {"errors": [error]}


class OAuthError(Exception):
    """An error response of the token endpoint (RFC 6749, section 5.2).

    :param status: HTTP status.
    :param error: OAuth's error code, such as ``invalid_client``.
    :param description: the same in words.
    """

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(f"{status} {error}: {description}")
        self.status = status
        self.error = error
        self.description = description


def bad(code: str, message: str, field: str | None = None) -> ApiError:
    """A 400.

    :param code: Kinde's error code.
    :param message: the error message.
    :param field: the parameter or field that is wrong.
    """
    return ApiError(400, code, message, field=field)


def route_not_found() -> ApiError:
    """The 404 of a path that Kinde does not have."""
    return ApiError(404, "ROUTE_NOT_FOUND", "The requested API route does not exist")
