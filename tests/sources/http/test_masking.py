"""No form of a credential that an HR API repeats stands in an error."""

from __future__ import annotations

import base64
import html
from urllib.parse import quote

import pytest

from airflow_provider_kinde.exceptions import SourceError
from airflow_provider_kinde.sources.http.login import Login
from airflow_provider_kinde.sources.http.masking import mask
from tests.support.hr_server import HrServer, Read, Reply, make

KEY = "k3y/with+signs=and&more~0123456789abcdefghij"
FORMS = {
    "plain": KEY,
    "url": quote(KEY, safe=""),
    "url, path": quote(KEY),
    "small letters": quote(KEY, safe="").replace("%2F", "%2f").replace("%2B", "%2b").replace("%3D", "%3d"),
    "html": html.escape(KEY),
    "base64": base64.b64encode(KEY.encode()).decode(),
    "base64 for URLs": base64.urlsafe_b64encode(KEY.encode()).decode(),
    "base64 of login and key": base64.b64encode(f"hr-user:{KEY}".encode()).decode(),
    "base64 of a header": base64.b64encode(f"Bearer {KEY}".encode()).decode(),
    "hex": KEY.encode().hex(),
    "cut": KEY[:20],
}


def leaked(said: str) -> list[str]:
    """Parts of ten characters of any form that stand in a message."""
    # The word Bearer is no secret, in base64 neither.
    forms = [form for name, form in FORMS.items() if name != "base64 of a header"]
    forms += [FORMS["base64 of a header"][12:], base64.b64encode(b"x" + KEY.encode()).decode()[4:]]
    return [form for form in forms for at in range(len(form) - 9) if form[at : at + 10] in said]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("before", [0, 150, 185, 195])
def test_a_credential_that_is_echoed_is_masked_in_every_form_before_the_text_is_cut(
    server: HrServer, form: str, before: int
) -> None:
    server.script = [Reply({"message": "x" * before + " " + FORMS[form] + " is refused"}, 400)]
    login = Login(server.url, "hr-user", KEY)
    with pytest.raises(SourceError) as caught:
        Read(make(server, {"type": "http", "url": "/people", "auth": "bearer"}, login=login))
    assert leaked(str(caught.value)) == []
    assert before > 150 or "***" in str(caught.value)


def test_ordinary_parameters_are_not_masked() -> None:
    assert mask("the field department is unknown", [KEY]) == "the field department is unknown"
    assert mask("pin 1234", ["1234"]) == "pin ***"
    assert mask("", [KEY]) == ""
    assert mask("anything", []) == "anything"
