"""Masking of tokens where Airflow cannot take any more."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from airflow_provider_kinde import version_compat


@pytest.mark.parametrize(("reason", "raised"), [("pattern too large - compile failed", False), ("no such thing", True)])
def test_a_masker_that_is_full_stops_no_request(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, reason: str, raised: bool
) -> None:
    """Some hundred real tokens would do it on Airflow 2.11, and slow down every log line of this process for good."""

    def full(token: str) -> Any:
        raise RuntimeError(reason)

    monkeypatch.setattr(version_compat, "_mask_secret", lambda: full)
    with caplog.at_level(logging.WARNING):
        if raised:
            with pytest.raises(RuntimeError):
                version_compat.mask("token-of-a-kind")
        else:
            version_compat.mask("token-of-a-kind")
            assert "too many secrets" in caplog.text
            assert "token-of-a-kind" not in caplog.text
