"""From connection to client arguments, and the form in both of its shapes."""

from __future__ import annotations

import json
import logging
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_kinde.client.settings import Settings
from airflow_provider_kinde.hooks.connection_form import CONNECTION_TYPE, FIELDS
from airflow_provider_kinde.hooks.connection_settings import connection_settings
from airflow_provider_kinde.hooks.kinde import KindeAsyncHook, KindeHook


def read(extra: dict[str, Any] | None = None, **fields: Any) -> Settings:
    ours = {"host": "acme.kinde.com", "login": "id", "password": "secret", "port": None, "schema": None, **fields}
    return connection_settings(SimpleNamespace(**ours), extra or {}, "mine")


def test_missing_extra_fields_take_the_defaults_of_the_client() -> None:
    plain = Settings("acme.kinde.com", "id", "secret", token_cache="host")
    assert read() == plain
    # The form stores every field, empty ones as null; older ones as empty text.
    assert read(dict.fromkeys(FIELDS)) == plain
    assert read(dict.fromkeys(FIELDS, "")) == plain


@pytest.mark.parametrize(
    ("fields", "domain"),
    [
        ({"host": "https://acme.kinde.com/api/"}, "https://acme.kinde.com"),
        ({"host": "127.0.0.1", "port": 8900}, "http://127.0.0.1:8900"),
        ({"host": "127.0.0.1:8900", "port": 8900}, "http://127.0.0.1:8900"),
        ({"host": "https://127.0.0.1/x", "port": 8900}, "https://127.0.0.1:8900"),
        ({"host": "127.0.0.1", "port": 8900, "schema": "https"}, "https://127.0.0.1:8900"),
        ({"host": "[::1]", "port": 8900}, "http://[::1]:8900"),
        ({"schema": "https"}, "https://acme.kinde.com"),
        ({"schema": "public"}, "https://acme.kinde.com"),
    ],
)
def test_host_port_and_schema(fields: dict[str, Any], domain: str) -> None:
    assert read(**fields).domain == domain


@pytest.mark.parametrize(
    ("key", "given", "read_as"),
    [
        ("scopes", "read:users,update:users  x", "read:users update:users x"),
        ("scopes", ["read:users"], "read:users"),
        ("timeout", "2.5", 2.5),
        ("timeout", 2, 2.0),
        ("max_concurrency", "4", 4),
        ("max_concurrency", 4.0, 4),
        ("requests_per_minute", "0.5", 0.5),
        ("token_cache", "None", "none"),
        ("token_cache", " HOST ", "host"),
        ("verify", "False", False),
        ("verify", True, True),
        ("verify", "/etc/hosts", "/etc/hosts"),
        ("proxies", "http://proxy:3128", {"http": "http://proxy:3128", "https": "http://proxy:3128"}),
        ("proxies", '{"https": "http://proxy:3128"}', {"https": "http://proxy:3128"}),
        ("proxies", {"https": "http://proxy:3128"}, {"https": "http://proxy:3128"}),
        ("audience", " https://x/api ", "https://x/api"),
    ],
)
def test_extras_as_forms_send_them(key: str, given: Any, read_as: Any) -> None:
    for name in (key, f"extra__kinde__{key}"):
        found = getattr(read({name: given}), key)
        assert found == read_as
        assert type(found) is type(read_as)


@pytest.mark.parametrize(
    ("key", "given"),
    [
        ("scopes", 7),
        ("scopes", [1]),
        ("timeout", "soon"),
        ("timeout", 0),
        ("timeout", "nan"),
        ("timeout", True),
        ("max_concurrency", "2.5"),
        ("max_concurrency", -1),
        ("requests_per_minute", "inf"),
        ("token_cache", "disk"),
        ("proxies", "{broken"),
        ("proxies", ["x"]),
        ("audience", 7),
        ("max_concurrency", 1e9),
        ("verify", "flase"),
        ("verify", {"a": 1}),
        ("proxies", "proxy:3128"),
        ("proxies", "foo://proxy"),
        ("proxies", {"https": "http://"}),
    ],
)
def test_extras_that_make_no_sense_are_named(key: str, given: Any) -> None:
    with pytest.raises(ValueError, match=rf"'mine', extra {key}: expected"):
        read({key: given})


def test_unknown_extras_are_named(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "airflow_provider_kinde"):
        read({"max_concurency": 1, "timeout": 5})
    assert "max_concurency" in caplog.text
    assert "known are audience" in caplog.text


def test_a_secret_is_in_no_message() -> None:
    for fields in ({"host": ""}, {"host": "acme"}, {"login": ""}):
        with pytest.raises(ValueError, match="mine") as caught:
            read(password="top-secret", **fields)
        assert "top-secret" not in str(caught.value)
    for proxies in (
        '{"https": "http://me:top-secret@proxy"',
        "me:top-secret@proxy:99999",
        "http://me:top-secret@[bad",
        "http://me:top-secret",
        {"https": "foo://me:top-secret@proxy"},
    ):
        with pytest.raises(ValueError, match="proxies") as caught:
            read({"proxies": proxies})
        assert "top-secret" not in str(caught.value)


@pytest.mark.parametrize("extra", [[1], "x", 5])
def test_an_extra_that_is_no_object(extra: Any) -> None:
    with pytest.raises(ValueError, match="'mine', extra: expected a JSON object"):
        read(extra)


def test_the_form_is_one_dict() -> None:
    json.dumps(CONNECTION_TYPE)
    assert CONNECTION_TYPE["connection-type"] == "kinde"
    assert CONNECTION_TYPE["hook-class-name"] == f"{KindeHook.__module__}.{KindeHook.__name__}"
    assert CONNECTION_TYPE["hook-name"] == KindeHook.hook_name
    assert CONNECTION_TYPE["conn-fields"] is FIELDS
    for field in FIELDS.values():
        # Without "null" the form could not be saved while the field is empty.
        assert "null" in field["schema"]["type"]
        assert field["label"]
        assert field["description"]
    for hook in (KindeHook, KindeAsyncHook):
        behaviour = hook.get_ui_field_behaviour()
        ours = CONNECTION_TYPE["ui-field-behaviour"]
        assert behaviour["hidden_fields"] == ours["hidden-fields"]
        assert behaviour["relabeling"] == ours["relabeling"]
        assert behaviour["placeholders"] == ours["placeholders"]


def test_the_form_of_older_versions_has_the_same_fields() -> None:
    pytest.importorskip("flask_appbuilder", reason="later versions of Airflow build the form from the metadata")
    from flask import Flask
    from wtforms import Form

    with Flask("form").app_context():
        widgets = KindeHook.get_connection_form_widgets()
        assert list(widgets) == list(FIELDS)
        form = type("F", (Form,), dict(widgets))()
        # No field has a default: Airflow masks that of one whose name it finds sensitive, and stores the mask.
        assert {name: getattr(form, name).data for name in FIELDS} == dict.fromkeys(FIELDS)
        assert form.audience.description == FIELDS["audience"]["description"]


def test_no_key_of_the_form_is_one_whose_value_airflow_masks() -> None:
    from airflow_provider_kinde.hooks.connection_form import FIELDS

    # Airflow masks `proxies`, too: its value may hold a password, and is no common word.
    assert {key for key in FIELDS if any(word in key for word in ("token", "secret", "password", "key"))} == set()
    assert read({"share_access": "process"}).token_cache == read({"token_cache": "process"}).token_cache == "process"
    with pytest.raises(ValueError, match="extra share_access: expected host, process or none"):
        read({"share_access": "disk"})
