from __future__ import annotations

from typing import Any

import requests

from kinde_emulator import Emulator


class Api:
    """A bare client: one token, real HTTP, no cleverness."""

    def __init__(self, kinde: Emulator, **form: str) -> None:
        self.kinde = kinde
        self.http = requests.Session()
        self.http.trust_env = False
        answer = self.token(**form)
        assert answer.status_code == 200, answer.text
        self.http.headers["authorization"] = f"Bearer {answer.json()['access_token']}"

    def token(self, **form: str) -> requests.Response:
        fields = {
            "grant_type": "client_credentials",
            "client_id": self.kinde.client_id,
            "client_secret": self.kinde.client_secret,
            "audience": f"{self.kinde.url}/api",
            **form,
        }
        sent = {name: value for name, value in fields.items() if value}
        return requests.post(f"{self.kinde.url}/oauth2/token", data=sent, timeout=10)

    def __call__(self, method: str, path: str, **kwargs: Any) -> requests.Response:
        return self.http.request(method, f"{self.kinde.url}/api/v1{path}", timeout=10, **kwargs)

    def ok(self, method: str, path: str, status: int = 200, **kwargs: Any) -> Any:
        answer = self(method, path, **kwargs)
        assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def fails(self, status: int, code: str, method: str, path: str, **kwargs: Any) -> str:
        answer = self(method, path, **kwargs)
        errors = answer.json().get("errors", answer.json())
        error = errors[0] if isinstance(errors, list) else errors
        assert (answer.status_code, error["code"]) == (status, code), (
            f"{method} {path}: {answer.status_code} {answer.text}"
        )
        return str(error["message"])

    def create(self, email: str | None = None, **body: Any) -> str:
        if email is not None:
            body["identities"] = [{"type": "email", "details": {"email": email}}]
        return str(self.ok("POST", "/user", json=body)["id"])

    def user(self, user_id: str) -> dict[str, Any]:
        [user] = [user for user in self.kinde.state()["users"] if user["id"] == user_id]
        return dict(user)
