"""The command ``probe``: find out how a real tenant behaves where Kinde's documentation leaves it open."""

from __future__ import annotations

import argparse
import contextlib
import shlex
import signal
import threading
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_kinde.cli.connection import open_connection
from airflow_provider_kinde.cli.shared import check_writable, fail, show, to_json, write_private

if TYPE_CHECKING:
    from airflow_provider_kinde.probe.session import Question


def add_parser(commands: Any) -> None:
    """Add the command.

    :param commands: the result of ``add_subparsers``.
    """
    probe = commands.add_parser(
        "probe",
        help="find out how your Kinde behaves, with temporary test objects; needs --confirm",
        description="Create a temporary organization, users, roles and a permission in a real tenant. Find out with "
        "them how Kinde behaves where its documentation leaves it open. Then remove them.",
    )
    probe.add_argument(
        "--conn", metavar="ID", default="kinde_default", help="Airflow connection (default: %(default)s)"
    )
    probe.add_argument("--confirm", action="store_true", help="run the probe; without it, only describe it")
    probe.add_argument("--only", metavar="SETTING,...", type=_settings, help="probe these settings only")
    probe.add_argument("--out", metavar="FILE", help="write the settings as JSON, for `kinde-emulator --like`")
    probe.add_argument("--json", action="store_true", help="print everything as JSON instead of a table")
    probe.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    """Run the probe, or describe it without ``--confirm``.

    :param options: the parsed arguments.
    :returns: the exit code; 1 if the probe stopped early or could not remove a test object.
    """
    from airflow_provider_kinde.probe.run import chosen, probe_tenant

    try:
        questions = chosen(options.only)
    except ValueError as error:
        return fail(str(error))
    if not options.confirm:
        show(intention(options.conn, questions))
        return 0
    if options.out:
        check_writable(options.out)
    with open_connection(options.conn) as client, _terminable():
        findings = probe_tenant(client, only=options.only)
    if options.json:
        show(to_json(findings.to_json()))
    else:
        show(f"{findings.text()}\nsettings of the emulator that match:\n{to_json(findings.settings)}")
        show(f"\nNext: {_next_step(options.out)}\n")
    if options.out:
        write_private(options.out, to_json(findings.settings))
    return 0 if findings.clean else 1


def _next_step(out: str | None) -> str:
    if out:
        return f"kinde-emulator --like {shlex.quote(out)} is a local Kinde that behaves like this tenant"
    return "with --out FILE the settings are kept, for kinde-emulator --like FILE"


def _settings(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def intention(conn_id: str, questions: Sequence[Question]) -> str:
    """Describe what a probe would do.

    :param conn_id: the Airflow connection.
    :param questions: what the probe would find out.
    :returns: the text for the terminal.
    """
    scopes = sorted(frozenset[str]().union(*(question.scopes for question in questions)))
    steps = [f"  {question.about}" for question in questions]
    lines = [
        f"A probe of the tenant of connection {conn_id} would do this, with about two requests for each line:",
        "",
        *steps,
        "",
        "Its test objects are named `airflow-provider-kinde probe <random>`, have addresses in example.com, and are",
        "removed at the end, also after Ctrl-C. It writes to nothing else. Use a development environment nevertheless:",
        "roles and permissions belong to the whole Kinde business while they exist, and webhooks fire.",
        "",
        f"Scopes that it uses; a line whose scope is missing is skipped: {' '.join(scopes)}",
        "",
        "Nothing was sent. Add --confirm to do it.",
    ]
    return "\n".join(lines) + "\n"


@contextlib.contextmanager
def _terminable() -> Iterator[None]:
    """Let SIGTERM end the probe as Ctrl-C does, so that its test objects are removed."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
