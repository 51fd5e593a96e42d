"""Work goes on where the system gives few threads or none."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from airflow_provider_kinde.thread_pool import ThreadPool
from tests.support.world import SPEC, World, people

LIMITED = """
import json, resource, sys, threading
from pathlib import Path
from airflow_provider_kinde.client import KindeClient
from airflow_provider_kinde.sync import SyncSpec
from airflow_provider_kinde.sync.apply.run import apply
from airflow_provider_kinde.sync.plan.run_request import RunRequest
from airflow_provider_kinde.thread_pool import ThreadPool

url, spec, rows, now, room = sys.argv[1:]
made = SyncSpec.load(spec)
people = json.loads(Path(rows).read_text(encoding="utf-8"))
with KindeClient(url, "emulator-client", "emulator-secret") as client:
    apply(made, people[:1], client, RunRequest.of(now=now))  # all modules are loaded
    used = int(next(l for l in open("/proc/self/status", encoding="utf-8") if l.startswith("VmSize")).split()[1]) * 1024
    most = used + (int(room) << 20)
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    pool = ThreadPool(64)
    print(pool.size)
    pool.shutdown()
    report = apply(made, people, client, RunRequest.of(now=now))
print(report.outcome, report.outcomes["done"], report.failed)
"""


@pytest.mark.parametrize("room", [24, 64, 200])
def test_a_run_ends_right_where_the_system_gives_few_threads(world: World, tmp_path: Path, room: int) -> None:
    (tmp_path / "hr.yaml").write_text(SPEC, encoding="utf-8")
    (tmp_path / "hr.json").write_text(json.dumps(people(40, dept="Eng")), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, world.kinde.url, "hr.yaml", "hr.json", "2026-03-02T12:00:00Z", str(room)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.returncode == 0, done.stderr
    size, said = done.stdout.splitlines()
    assert int(size) < 64
    assert said == "changes 117 0"
    assert len(world.users()) == 40


def test_without_a_thread_the_work_is_done_where_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with ThreadPool(8) as pool:
        assert pool.size == 1
        assert list(pool.map(lambda n: (n, threading.current_thread()), range(3))) == [
            (n, threading.current_thread()) for n in range(3)
        ]
        with pytest.raises(ZeroDivisionError):
            pool.submit(lambda n: 1 / n, 0).result()


def test_of_the_threads_that_start_half_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    start, begun = threading.Thread.start, []

    def some(self: threading.Thread) -> None:
        if len(begun) == 6:
            raise RuntimeError("can't start new thread")
        begun.append(self)
        start(self)

    monkeypatch.setattr(threading.Thread, "start", some)
    with ThreadPool(16) as pool:
        assert pool.size == 3
        assert sum(pool.map(lambda n: n, range(100))) == 4950
    assert not any(thread.is_alive() for thread in begun)


def test_results_come_in_order_errors_where_they_are_asked_for_and_the_rest_can_be_dropped() -> None:
    seen: list[int] = []

    def work(number: int) -> int:
        time.sleep(0.01)
        seen.append(number)
        if number == 2:
            raise ValueError(number)
        return number

    with ThreadPool(4) as pool:
        results = pool.map(work, range(6))
        assert [next(results), next(results)] == [0, 1]
        with pytest.raises(ValueError, match="2"):
            next(results)
    assert set(seen) >= {0, 1, 2}
    pool = ThreadPool(1)
    pool.map(work, range(100, 200))
    pool.shutdown(cancel=True)
    assert len(seen) < 20
