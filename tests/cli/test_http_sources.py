"""The command line with sources that take their connection from Airflow: exit codes and words."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from kinde_emulator import Emulator
from tests.support.company import connection

SECRET = "s3cret-key-of-hr"
SPEC = """
version: 1
name: hr
kinde_conn_id: kinde_small
source: {type: bamboohr, conn_id: hr_api}
person: {id: "{{ row.employeeId }}", email: "{{ row.workEmail }}", given_name: "{{ row.firstName }}",
         family_name: "{{ row.lastName }}"}
employment: {status: "{{ row.status }}", active: [Active], inactive: [Inactive]}
"""


PEOPLE = [
    {
        "employeeId": str(number), "firstName": "F", "lastName": "L", "status": "Active",
        "workEmail": f"e{number}@acme.test", "_restrictedFields": [],
    }
    for number in range(3)
]  # fmt: skip
COMPANIES: dict[str, tuple[int, list[dict[str, Any]], int]] = {
    "good": (200, PEOPLE, 3),
    "short": (200, PEOPLE, 4),
    "empty": (200, [], 0),
    "refused": (401, [], 0),
}
"""Name of a company -> status, people and total of its BambooHR."""
PLANS = """
import sys
from airflow_provider_kinde.cli.main import main
for spec in sys.argv[1:]:
    print("BEGIN", flush=True)
    code = main(["plan", "--spec", spec])
    print("END", code, flush=True)
"""


@pytest.fixture
def api() -> Iterator[int]:
    """Port of a server under which every company has a path of its own."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, people, total = COMPANIES[self.path.split("/")[1]]
            body = json.dumps({"data": people, "meta": {"total": total, "page": {}}}).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


def test_plans_over_an_api(
    kinde: Emulator, api: int, tmp_path: Path, airflow_process: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    env = {"AIRFLOW_CONN_KINDE_SMALL": connection(kinde)}
    for name in COMPANIES:
        hr = {"conn_type": "generic", "host": f"http://127.0.0.1:{api}/{name}", "password": SECRET}
        env[f"AIRFLOW_CONN_HR_{name.upper()}"] = json.dumps(hr)
        (tmp_path / f"{name}.yaml").write_text(SPEC.replace("hr_api", f"hr_{name}"))
    (tmp_path / "wrong.yaml").write_text(SPEC.replace("hr_api", "hr_good, page: 3"))
    names = [*COMPANIES, "wrong"]
    done = airflow_process("-c", f"import sys; sys.stderr = sys.stdout\n{PLANS}", *(f"{n}.yaml" for n in names), **env)
    assert SECRET not in done.stdout + done.stderr
    said = dict(zip(names, done.stdout.split("BEGIN\n")[1:], strict=True))
    for name, code, words in (
        ("good", 2, "3"),
        ("short", 3, "it counts 4 and its pages hold 3"),
        ("empty", 3, "is empty"),
        ("refused", 1, "connection 'hr_refused': its credentials are refused"),
        ("wrong", 1, "wrong.yaml:5: source.page: unknown key"),
    ):
        assert f"END {code}\n" in said[name], done.stdout + done.stderr
        assert words in said[name]
