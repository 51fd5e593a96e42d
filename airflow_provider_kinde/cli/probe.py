"""The command line: probe, which learns how a tenant behaves where Kinde's documentation does not say."""

from __future__ import annotations

import argparse
import contextlib
import signal
import threading
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_kinde.cli.shared import check_writable, fail, open_connection, show, to_json, write_private

if TYPE_CHECKING:
    from airflow_provider_kinde.probe.session import Question


def add_parser(commands: Any) -> None:
    """Add the command.

    :param commands: what ``add_subparsers`` returned.
    """
    probe = commands.add_parser(
        "probe",
        help="learn how your Kinde behaves, on throwaway things; with --confirm only",
        description="Makes a throwaway organization, users, roles and a permission in a real tenant, learns from them "
        "how Kinde behaves where its documentation does not say, and removes them again.",
    )
    probe.add_argument(
        "--conn", metavar="ID", default="kinde_default", help="Airflow connection (default: %(default)s)"
    )
    probe.add_argument("--confirm", action="store_true", help="do it; without this, only say what would be done")
    probe.add_argument("--only", metavar="SETTING,...", type=_settings, help="learn these settings only")
    probe.add_argument("--out", metavar="FILE", help="write the settings as JSON, for `kinde-emulator --like`")
    probe.add_argument("--json", action="store_true", help="print everything as JSON instead of a table")
    probe.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    """Probe, or say what a probe would do.

    :returns: the exit code: 1 if it ended early or left something behind.
    """
    from airflow_provider_kinde.probe.ask import chosen, probe_tenant

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
    if options.out:
        write_private(options.out, to_json(findings.settings))
    return 0 if findings.clean else 1


def _settings(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def intention(conn_id: str, questions: Sequence[Question]) -> str:
    """What a probe would do, as text."""
    scopes = sorted(frozenset[str]().union(*(question.scopes for question in questions)))
    steps = [f"  {question.about}" for question in questions]
    lines = [
        f"A probe of the tenant behind the connection {conn_id} would do this, with about two requests a line:",
        "",
        *steps,
        "",
        "Everything it makes is named `airflow-provider-kinde probe <random>`, has addresses in example.com, and is",
        "removed at the end, on Ctrl-C as well. It writes to nothing else. Use a development environment all the same:",
        "roles and permissions belong to the whole Kinde business while they exist, and webhooks fire.",
        "",
        f"Scopes that it uses; what lacks one is left out: {' '.join(scopes)}",
        "",
        "Nothing was sent. Add --confirm to do it.",
    ]
    return "\n".join(lines) + "\n"


@contextlib.contextmanager
def _terminable() -> Iterator[None]:
    """Have SIGTERM clean up as Ctrl-C does."""
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
