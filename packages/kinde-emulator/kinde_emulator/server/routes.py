"""Which function answers which method and path."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from kinde_emulator.server.http import Request, Response

Handler = Callable[..., Response]
"""Takes the request, and the path parameters by name."""


@dataclass(frozen=True, slots=True)
class Route:
    """One method and path.

    :param method: the HTTP method.
    :param template: the path, with parameters in braces: ``/api/v1/roles/{role_id}``.
    :param handler: the function that answers.
    :param scope: the scope that the token must hold; ``None`` where no token is needed.
    """

    method: str
    template: str
    handler: Handler
    scope: str | None = None

    def match(self, segments: list[str]) -> dict[str, str] | None:
        """The path parameters by name, or ``None`` if this is another path.

        :param segments: the path, split at its slashes; as many as the template has.
        """
        parameters = {}
        for expected, found in zip(self.template.split("/"), segments, strict=True):
            if expected.startswith("{"):
                if not found:
                    return None
                parameters[expected[1:-1]] = found
            elif expected != found:
                return None
        return parameters


class Router:
    """All routes, found by method and number of path segments."""

    def __init__(self) -> None:
        self._routes: dict[tuple[str, int], list[Route]] = {}

    def add(self, route: Route) -> None:
        """Adds a route; the first one that matches a path answers it.

        :param route: method, path and handler.
        """
        self._routes.setdefault((route.method, route.template.count("/")), []).append(route)

    def all(self) -> list[Route]:
        """Every route."""
        return [route for routes in self._routes.values() for route in routes]

    def find(self, request: Request) -> tuple[Route, dict[str, str]] | None:
        """The route of a request with its path parameters, or ``None`` if there is no such route.

        :param request: method and path.
        """
        segments = request.path.split("/")
        for route in self._routes.get((request.method, len(segments) - 1), ()):
            parameters = route.match(segments)
            if parameters is not None:
                return route, parameters
        return None


ROUTER = Router()
"""The routes of every module that declares some."""


def route(method: str, template: str) -> Callable[[Handler], Handler]:
    """Declares a route that needs no access token.

    :param method: the HTTP method.
    :param template: the path, with parameters in braces.
    """

    def declare(handler: Handler) -> Handler:
        ROUTER.add(Route(method, template, handler))
        return handler

    return declare
