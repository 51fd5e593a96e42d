"""Invitations to an organization."""

from __future__ import annotations

from airflow_provider_kinde.client import KindeClient
from airflow_provider_kinde.resources.invitations import create_invitation, find_invitation
from kinde_emulator import Emulator
from tests.resources.conftest import Sent


def test_an_invitation_is_found_by_its_address_in_any_case(client: KindeClient) -> None:
    assert find_invitation(client, "org_sales", "new@example.com") is None
    made = create_invitation(client, "org_sales", "New@example.com", roles=["lead"], first_name="Nell")
    found = find_invitation(client, "org_sales", "new@EXAMPLE.com")
    assert found is not None
    assert found["code"] == made["code"]


def test_a_lost_answer_sends_no_second_invitation(kinde: Emulator, client: KindeClient, sent: Sent) -> None:
    kinde.fault("POST", "/invites$", after_work=True)
    assert create_invitation(client, "org_sales", "new@example.com")["email"] == "new@example.com"
    assert sent() == [("POST", "/organization/org_sales/invites")]
