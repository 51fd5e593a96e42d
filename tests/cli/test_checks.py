"""The command ``scopes``, and the scopes that ``validate`` names."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_provider_kinde.cli.main import main
from tests.support.world import SPEC


def test_scopes_and_validate_name_what_the_application_needs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = tmp_path / "hr.yaml"
    spec.write_text(SPEC)
    assert main(["scopes", "--spec", str(spec)]) == 0
    listed = dict(line.split(None, 1) for line in capsys.readouterr().out.splitlines())
    assert listed["delete:api_keys"] == "leavers: sessions and API keys"
    assert listed["read:users"] == "every plan"
    assert main(["validate", "--spec", str(spec)]) == 0
    assert f"scopes that a run may need: {' '.join(listed)}" in capsys.readouterr().out
