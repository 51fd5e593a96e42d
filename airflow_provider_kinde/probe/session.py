"""The state of one probe, and how a question is declared: a function under a decorator that says what it needs."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_kinde.client.endpoints.base import Request
from airflow_provider_kinde.client.endpoints.catalog import ENDPOINTS
from airflow_provider_kinde.client.responses import Response, read_errors
from airflow_provider_kinde.exceptions import (
    KindeAuthError,
    KindeError,
    KindePermissionError,
    KindeRateLimitError,
    KindeResponseError,
    KindeServerError,
)
from airflow_provider_kinde.probe.created_objects import CreatedObjects
from airflow_provider_kinde.probe.findings import Finding, Findings, Value


class NoAnswerError(Exception):
    """A question cannot be answered; the message says why."""


@dataclass(frozen=True)
class Question:
    """One question to Kinde.

    :param settings: the emulator's settings that it answers; none if it only creates something.
    :param calls: the operations that it needs, with those that remove again what it creates.
    :param needs: what must have been created before.
    :param about: what it does, for the user who decides whether to confirm the probe.
    """

    name: str
    settings: tuple[str, ...]
    calls: tuple[str, ...]
    needs: tuple[str, ...]
    about: str
    ask: Callable[[Session], None]

    @property
    def scopes(self) -> frozenset[str]:
        """The scopes that it takes."""
        return frozenset(ENDPOINTS[call].scope for call in self.calls)


def question(*settings: str, calls: str, needs: str = "") -> Callable[[Callable[[Session], None]], Question]:
    """Declare a question: a function of the session (``s``). The first line of its docstring says what it does.

    :param settings: the emulator's settings that it answers.
    :param calls: the operations that it needs, separated by blanks.
    :param needs: what must have been created before, separated by blanks.
    """

    def make(ask: Callable[[Session], None]) -> Question:
        about = (ask.__doc__ or "").strip().splitlines()[0]
        return Question(ask.__name__, settings, tuple(calls.split()), tuple(needs.split()), about, ask)

    return make


@dataclass(frozen=True)
class Outcome:
    """The response to a request that Kinde may refuse."""

    status: int
    code: str
    json: Any
    refused: bool
    message: str = ""

    @property
    def numbers(self) -> list[int]:
        """The numbers that the refusal names."""
        return [int(digits) for digits in re.findall(r"\b\d{1,6}\b", self.message)]

    def __str__(self) -> str:
        return f"{self.status} {self.code}".strip()


@dataclass
class Session:
    """The state of one probe.

    :param have: ids of what was created, by the name in ``needs``.
    :param facts: what one question found and a later one uses.
    :param failed: question -> why it was not answered.
    """

    client: Any
    things: CreatedObjects
    findings: Findings
    sleep: Callable[[float], Any] = time.sleep
    have: dict[str, str] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    not_found_shapes: dict[str, str] = field(default_factory=dict)
    token_answer: dict[str, Any] | None = None
    granted: frozenset[str] = frozenset()
    _last: Response | None = None

    def listen(self, request: Request, answer: Response) -> None:
        """Keep what a decoded response does not hold: the status, and the form of an error.

        :param request: the request.
        :param answer: the raw response.
        """
        if request.path == "/oauth2/token":
            body = decoded(answer)
            # The token itself is not kept.
            self.token_answer = {k: body[k] for k in ("expires_in", "token_type") if k in body} if body else None
            return
        self._last = answer
        if answer.status == 404:
            self.not_found_shapes[request.name] = shape(decoded(answer))

    def attempt(self, call: Callable[..., Any], *args: Any, **kwargs: Any) -> Outcome:
        """Send a request that Kinde may refuse.

        :param call: the client's method.
        :param args: its positional arguments.
        :param kwargs: its arguments by name.
        :returns: the response, or Kinde's refusal.
        :raises KindeError: the request failed for another reason (scope, connection, limit, defect of Kinde).
        """
        try:
            answer = call(*args, **kwargs)
        except (KindePermissionError, KindeAuthError, KindeRateLimitError, KindeResponseError, KindeServerError):
            raise
        except KindeError as error:
            return Outcome(error.status or 0, error.code, None, True, error.message)
        return Outcome(self._last.status if self._last else 0, "", answer, False)

    def learn(self, setting: str, value: Value, evidence: str) -> None:
        """Note the value of a setting.

        :param setting: name of the setting.
        :param value: its value.
        :param evidence: what Kinde answered, in words.
        """
        self.findings.learnt[setting] = Finding(setting, value, evidence)

    def leave(self, setting: str, reason: str) -> None:
        """Note why the value of a setting is not known.

        :param setting: name of the setting.
        :param reason: why it is not known.
        """
        self.findings.not_learnt[setting] = reason

    def members(self) -> dict[str, dict[str, Any]]:
        """The members of the throwaway organization by id. They are few, so one page is enough."""
        page = self.client.get_organization_users(self.have["organization"], page_size=10)
        self.facts["last page"] = page
        return {str(member["id"]): member for member in page["organization_users"]}


def decoded(answer: Response) -> Any:
    """The JSON of a raw answer, or ``None``.

    :param answer: the raw response.
    """
    try:
        return json.loads(answer.body)
    except ValueError:
        return None


def shape(body: Any) -> str:
    """The form of an error, as the emulator's ``not_found_shape`` names it; empty for any other.

    :param body: the decoded body.
    """
    errors = body.get("errors") if isinstance(body, dict) else None
    if isinstance(errors, list):
        return "array"
    if isinstance(errors, dict):
        return "object"
    return "bare" if read_errors(body)[0] else ""
