"""Users are created once, and only what differs is written."""

from __future__ import annotations

import pytest

from airflow_provider_kinde.client import KindeClient
from airflow_provider_kinde.exceptions import KindeResponseError
from airflow_provider_kinde.resources.queries import UserName, find_user, run_query
from airflow_provider_kinde.resources.users import (
    add_email,
    create_user,
    delete_identity,
    delete_user,
    email_identity,
    end_sessions,
    read_identities,
    read_properties,
    write_changes,
)
from kinde_emulator import Emulator
from tests.resources.conftest import Sent


def test_a_lost_answer_makes_no_second_user(kinde: Emulator, client: KindeClient, sent: Sent) -> None:
    kinde.fault("POST", "/user$", after_work=True)
    name = UserName.of(email="dan@example.com")
    made = create_user(client, name.email, lambda: run_query(find_user(name), client), profile={"given_name": "Dan"})
    assert made.lost
    assert [user["id"] for user in kinde.state()["users"] if user["email"] == "dan@example.com"] == [made.item["id"]]
    assert sent() == [("POST", "/user")]


def test_a_user_without_the_address_is_an_error_that_names_the_account(kinde: Emulator, client: KindeClient) -> None:
    body = '{"id": "kp_x", "created": true, "identities": [{"result": {"created": false}}]}'
    kinde.fault("POST", "/user$", status=200, body=body)
    with pytest.raises(KindeResponseError, match="kp_x"):
        create_user(client, "dan@example.com", lambda: None)


def test_only_what_differs_is_written(kinde: Emulator, client: KindeClient, sent: Sent) -> None:
    ann = run_query(find_user(UserName.of(email="ann@example.com")), client)
    assert ann is not None
    wanted = {"given_name": "Ann", "family_name": "Wu", "picture": None}
    assert write_changes(client, ann, wanted, {"team": "North"}) == ["family_name", "team"]
    assert sent.bodies() == [{"family_name": "Wu"}, {"properties": {"team": "North"}}]
    assert read_properties(client, "kp_ann")["team"] == "North"
    ann = run_query(find_user(UserName.of(email="ann@example.com")), client)
    assert ann is not None
    assert write_changes(client, ann, wanted, {"team": "North"}) == []
    assert len(sent()) == 2


def test_an_address_is_added_once(kinde: Emulator, client: KindeClient, sent: Sent) -> None:
    kinde.fault("POST", "/identities$", after_work=True)
    made = add_email(client, "kp_ann", "ann.lee@example.com")
    assert email_identity(read_identities(client, "kp_ann"), "Ann.Lee@example.com") == made
    assert sent() == [("POST", "/users/kp_ann/identities")]


def test_deleting_a_missing_user_is_no_error(client: KindeClient) -> None:
    delete_user(client, "kp_gone")
    end_sessions(client, "kp_gone")
    delete_identity(client, "identity_gone")
