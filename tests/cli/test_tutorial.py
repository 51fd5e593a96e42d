"""Every command of docs/tutorial.md runs as it stands there, and prints what the page shows."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from contextlib import suppress
from fnmatch import fnmatchcase
from pathlib import Path

from demo.processes import free_port

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/tutorial.md").read_text(encoding="utf-8")
ENVIRONMENT = Path(sys.prefix)
"""The page makes the environment ``airflow3``; the test "makes" the one that it runs in, which is there."""

RUNNER = """
import sys
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from airflow_provider_kinde.cli.main import main
for line in sys.stdin:
    said = StringIO()
    with redirect_stdout(said), redirect_stderr(StringIO()):
        code = main(line.rstrip("\\n").split("\\x1f"))
    text = said.getvalue().rstrip("\\n") + "\\n"
    print(f"{code} {text.count(chr(10))}\\n{text}", end="", flush=True)
"""
SHELL = """
python() {
  if [ "$1 $2" != "-m airflow_provider_kinde" ]; then command python "$@"; return; fi
  shift 2
  [ -n "$COMMANDS_PID" ] || coproc COMMANDS { exec "$PYTHON" -c "$RUNNER" 2>&3; }
  local code lines line IFS=$'\\x1f'
  printf '%s\\n' "$*" >&"${COMMANDS[1]}"
  IFS=' '
  read -r code lines <&"${COMMANDS[0]}"
  while [ "$lines" -gt 0 ]; do IFS= read -r line <&"${COMMANDS[0]}"; printf '%s\\n' "$line"; lines=$((lines - 1)); done
  return "$code"
}
exec 3>&2
"""
"""The commands of the page run in one process, whose start takes longer than all of them."""


def blocks() -> list[tuple[str, str]]:
    """Each block of commands, with the output that the page shows for it."""
    found = re.findall(r"^```bash\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", PAGE, re.DOTALL | re.MULTILINE)
    assert PAGE.count("```bash\n") == len(found) > 12
    assert PAGE.count("```text\n") == sum(bool(shown) for _, shown in found)
    return found


def run(blocks: list[str], folder: Path) -> list[tuple[str, int]]:
    """Run the blocks in one shell: what each prints, and its exit code."""
    port = str(free_port())
    script = [SHELL]
    for number, block in enumerate(blocks):
        here = block.replace("scripts/env.py airflow3", f"scripts/env.py {ENVIRONMENT.name}")
        script += [
            here.replace(".venvs/airflow3", str(ENVIRONMENT)).replace("8900", port),
            f"code=$?; echo; echo '--- end' {number} $code",
        ]
        if number == 0:
            script.append(f"cd '{folder}'")
    environment = {
        "KINDE_VENVS": str(ENVIRONMENT.parent),
        "AIRFLOW_HOME": str(folder / "airflow"),
        "PYTHON": sys.executable,
        "RUNNER": RUNNER,
    }
    with subprocess.Popen(
        ["bash", "-c", "\n".join(script)],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as shell:
        try:
            output, errors = shell.communicate(timeout=240)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(shell.pid, signal.SIGKILL)  # the emulator too, where the page did not come to its end
    found = re.findall(r"(.*?)\n--- end \d+ (\d+)\n", output, re.DOTALL)
    assert len(found) == len(blocks), output + errors
    return [(said, int(code)) for said, code in found]


def test_every_command_runs_and_prints_what_the_page_shows(tmp_path: Path) -> None:
    page = blocks()
    for (command, shown), (said, code) in zip(page, run([command for command, _ in page], tmp_path), strict=True):
        # 2: there are changes. 3: blocked, which the page says.
        assert code in ((3,) if "Blocked" in shown else (0, 2)), f"{command}\n{said}"
        lines = iter(said.splitlines())
        for line in shown.splitlines():
            if line.strip() not in ("", "…"):
                pattern = line.rstrip().replace("[", "[[]").replace("…", "*")
                assert any(fnmatchcase(there.rstrip(), pattern) for there in lines), f"{command}\n{said}\nlacks: {line}"
    assert '"outcome": "changes"' in (tmp_path / "try/report.json").read_text(encoding="utf-8")
