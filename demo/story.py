"""Four acts: the company arrives, nothing to do, a person leaves, an empty file is refused."""

from __future__ import annotations

import json
import os
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo.local_airflow import DagRun, LocalAirflow
from demo.local_kinde import LocalKinde
from demo.stage import DAG_ID, ROOT, HrFile, Stage

LEAVER = "10050"


class DemoError(Exception):
    """Something did not turn out as it has to."""


def expect(holds: object, message: str) -> None:
    """Stop the demo with a message unless something holds."""
    if not holds:
        raise DemoError(message)


@dataclass
class Numbers:
    """What is in Kinde at one moment."""

    people: int
    suspended: list[dict[str, Any]]
    members: dict[str, int]
    writes: int

    @classmethod
    def of(cls, kinde: LocalKinde) -> Numbers:
        """Ask the local Kinde itself, not the sync."""
        state = kinde.state()
        names = {item["code"]: item["name"] for item in state["organizations"]}
        counted = Counter(names[code] for user in state["users"] for code in user["memberships"])
        return cls(
            people=len(state["users"]),
            suspended=[user for user in state["users"] if user["is_suspended"]],
            members={name: counted[name] for name in names.values()},
            writes=kinde.writes(),
        )


class Screen:
    """What the audience sees."""

    def __init__(self) -> None:
        self.colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        self.started = time.monotonic()

    def paint(self, code: str, text: str) -> str:
        """The text in a colour, where there are colours."""
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour else text

    def title(self, text: str) -> None:
        """A heading."""
        print(f"\n{self.paint('1', text)}\n{'-' * len(text)}", flush=True)

    def line(self, label: str, text: str) -> None:
        """A labelled line."""
        print(f"  {label:<10} {text}", flush=True)

    def good(self, text: str) -> None:
        """What an act came to."""
        print(f"  {self.paint('32;1', 'ok')}         {text}", flush=True)

    def table(self, before: Numbers, after: Numbers) -> None:
        """People and members, before and after."""
        print(f"  {'in Kinde':<10} {'':<18}{'before':>7}{'after':>7}")
        rows = [("people", before.people, after.people), ("suspended", len(before.suspended), len(after.suspended))]
        rows += [(name, before.members.get(name, 0), count) for name, count in after.members.items()]
        for name, old, new in rows:
            text = f"{name:<18}{old:>7}{new:>7}"
            print(f"  {'':<10} {self.paint('1', text) if old != new else text}", flush=True)


class Story:
    """The acts, on one stage."""

    def __init__(self, screen: Screen, hr: HrFile, kinde: LocalKinde, airflow: LocalAirflow) -> None:
        self.screen, self.hr, self.kinde, self.airflow = screen, hr, kinde, airflow
        self.now = Numbers.of(kinde)

    def run(self, state: str) -> tuple[DagRun, Numbers, Numbers]:
        """One run of the DAG, with Kinde's numbers before and after it."""
        before = self.now
        began = time.monotonic()
        run = self.airflow.run(DAG_ID)
        seconds = time.monotonic() - began
        self.now = Numbers.of(self.kinde)
        tasks = ", ".join(f"{name} {item['state']}" for name, item in sorted(run.tasks().items(), reverse=True))
        self.screen.line("Airflow", f"run {run.state} ({tasks}), {seconds:.1f} s")
        if run.state != state:
            logs = "\n".join(run.log(task) for task, item in run.tasks().items() if item["state"] == "failed")
            raise DemoError(f"the run ended as {run.state}, not as {state}\n{logs}")
        return run, before, self.now

    def requests(self, before: Numbers, after: Numbers, report: dict[str, Any]) -> None:
        """Requests as the report has them, and as Kinde counted them."""
        written = after.writes - before.writes
        self.screen.line("requests", f"{report['requests']['read']} read, {report['requests']['write']} write")
        expect(written == report["requests"]["write"], f"the report says otherwise than Kinde, which counted {written}")

    def arrive(self) -> None:
        """Act 1."""
        self.screen.title("Act 1: the company arrives")
        rows = self.hr.rows()
        departments = {row["Department"] for row in rows}
        self.screen.line("HR file", f"{len(rows)} rows, {len(departments)} departments")
        run, before, after = self.run("success")
        report = run.xcom("apply")
        summary = report["summary"]
        self.screen.line("plan", ", ".join(f"{count} {kind}" for kind, count in summary.items() if count))
        self.requests(before, after, report)
        self.screen.table(before, after)
        content = json.loads(Path(report["path"]).read_text(encoding="utf-8"))
        for rejected in content["rejected"]:
            self.screen.line("rejected", f"row {rejected['row']}: {rejected['reason']}")
        expect(len(departments) == 6 and summary["create"] > 270, "the company is not there")
        expect(after.people - before.people == summary["create"], "people created and people counted differ")
        expect(
            sum(after.members.values()) - sum(before.members.values()) == summary["add_membership"], "members differ"
        )
        expect(len(content["rejected"]) == 3, "there are three rows that cannot be used")
        self.screen.good(f"{summary['create']} people, each in the organization of their department")

    def again(self) -> None:
        """Act 2."""
        self.screen.title("Act 2: the same file again")
        run, before, after = self.run("success")
        report = run.xcom("apply")
        self.requests(before, after, report)
        expect(report["outcome"] == "no changes" and after.writes == before.writes, "the second run wrote something")
        self.screen.good("no changes")

    def leave(self) -> None:
        """Act 3."""
        self.screen.title("Act 3: a person leaves")
        row = self.hr.change(LEAVER, Status="Terminated")
        who = f"{row['First name']} {row['Last name'].strip()}"
        self.screen.line("HR file", f"{who} ({LEAVER}): Status becomes Terminated")
        run, before, after = self.run("success")
        report = run.xcom("apply")
        self.requests(before, after, report)
        self.screen.line("suspended", f"{len(before.suspended)} before, {len(after.suspended)} after")
        expect(report["summary"]["suspend"] == 1 and len(after.suspended) == 1, "not exactly one is suspended")
        email = after.suspended[0]["email"]
        expect(email.casefold() == row["Work email"].strip().casefold(), f"the wrong one is suspended: {email}")
        expect(after.people == before.people, "no account is deleted")
        self.screen.good(f"{email} can no longer sign in; the account is kept")

    def empty(self) -> None:
        """Act 4."""
        self.screen.title("Act 4: HR's export breaks, and the file is empty")
        self.hr.write([])
        self.screen.line("HR file", "header only, 0 rows")
        run, before, after = self.run("failed")
        plan = run.xcom("plan")
        for reason in plan["blocked"]:
            self.screen.line("blocked", reason)
        tasks = run.tasks()
        expect(plan["outcome"] == "blocked" and not plan["approvable"], "an empty file was not refused")
        expect(tasks["plan"]["state"] == "failed" and tasks["plan"]["try_number"] == 1, "the task was tried again")
        expect(after.writes == before.writes, "something was written")
        expect(after.suspended == before.suspended and after.members == before.members, "Kinde has changed")
        self.screen.good(f"refused: 0 writes, all {after.people} people keep what they have")


def play(folder: Path) -> int:
    """The whole demo; returns the exit code."""
    screen = Screen()
    print(screen.paint("1", "HR to Kinde with Airflow, on this machine alone"))
    stage = Stage(folder)
    shown = folder.relative_to(ROOT) if folder.is_relative_to(ROOT) else folder
    print(f"  logs and reports: {shown}")
    print("  starting a local Kinde and a real Airflow (API server, DAG processor, scheduler) ...", flush=True)
    try:
        with stage.kinde() as kinde, LocalAirflow(stage.home, ROOT / "dags", stage.env(kinde)) as airflow:
            airflow.unpause(DAG_ID)
            print(f"  up after {time.monotonic() - screen.started:.0f} s", flush=True)
            story = Story(screen, stage.hr, kinde, airflow)
            for act in (story.arrive, story.again, story.leave, story.empty):
                act()
    except KeyboardInterrupt:
        print("\ninterrupted")
        return 130
    except Exception as error:
        print(f"\n{screen.paint('31;1', 'FAILED')}: {error}\n", flush=True)
        if not isinstance(error, DemoError):
            raise
        return 1
    print(f"\n{screen.paint('1', 'All four acts went as they should')}, {time.monotonic() - screen.started:.0f} s.")
    print("\nNext:")
    print("  make demo-ui                   the same with Airflow's web interface, to click through")
    print(f"  {f'{shown}/reports':<30} plans and reports of the four runs")
    print("  demo/hr/hr.yaml                the spec of this sync; docs/ explains every key")
    return 0
