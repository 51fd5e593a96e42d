"""validate --watch checks a spec each time it is saved."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from tests.support.world import SPEC


def test_a_spec_is_checked_each_time_it_is_saved(tmp_path: Path) -> None:
    spec = tmp_path / "hr.yaml"
    spec.write_text(SPEC)
    command = [sys.executable, "-u", "-m", "airflow_provider_kinde", "validate", "--watch", "--spec", str(spec)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as watching:
        assert watching.stdout is not None
        for text, words in (
            (SPEC, "valid. hr: file source, 2 membership rules"),
            (SPEC.replace("version: 1", "version: 2"), "version: 1 is expected"),
            (SPEC, "valid. hr: file source"),
        ):
            spec.write_text(text)
            assert any(words in line for line in watching.stdout)
        watching.send_signal(signal.SIGINT)
        try:
            assert watching.wait(30) == 0
        finally:
            watching.kill()
