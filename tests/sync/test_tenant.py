"""The tenant that a spec is for."""

from __future__ import annotations

import pytest

from airflow_provider_kinde.sync.tenant import wrong_tenant


@pytest.mark.parametrize("tenant", [None, "", "acme.kinde.com", "ACME.kinde.com", "https://acme.kinde.com/"])
def test_the_same_tenant_however_it_is_written(tenant: str | None) -> None:
    assert wrong_tenant(tenant, "acme.kinde.com") == ""


def test_another_tenant_is_named_with_both_hosts() -> None:
    reason = "wrong tenant: the spec is for acme.kinde.com, the connection is for other.kinde.com"
    assert wrong_tenant("acme.kinde.com", "other.kinde.com") == reason
