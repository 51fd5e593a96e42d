"""``kinde-emulator``: a local Kinde in a process of its own."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kinde_emulator.server.loopback import is_loopback

if TYPE_CHECKING:
    from kinde_emulator.emulator import Emulator


class _Problem(Exception):
    """Something in the command line that cannot work."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the emulator until SIGINT or SIGTERM.

    :param argv: the command line after the program's name; that of the process when ``None``.
    :returns: the exit code: 0 when it was ended by a signal, 1 when it could not start.
    """
    parser = _parser()
    arguments = parser.parse_args(argv)
    stop = threading.Event()
    handled = threading.current_thread() is threading.main_thread()
    before = {}
    if handled:
        # Before anything else: the process may be ended as soon as it is started.
        before = {kind: signal.signal(kind, lambda *_: stop.set()) for kind in (signal.SIGINT, signal.SIGTERM)}
    try:
        return _run(arguments, stop)
    except (_Problem, ValueError, OSError) as error:
        print(f"{parser.prog}: {error}", file=sys.stderr, flush=True)
        return 1
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="kinde-emulator",
        description="A local Kinde over HTTP: tokens, Management API, a page at /, a control API at /_emulator.",
    )
    add = parser.add_argument
    add("--port", type=_port, default=8900, help="port to listen at; 0 for a free one (default: %(default)s)")
    add("--host", default="127.0.0.1", help="address to listen at (default: %(default)s)")
    add("--allow-remote", action="store_true", help="allow a --host that other machines reach; there is no protection")
    add("--data", type=Path, metavar="FILE", help="keep the data in this file; in memory otherwise")
    add("--seed", type=Path, metavar="FILE", help="JSON with organizations, roles, users, ... to begin with")
    add("--like", type=Path, metavar="FILE", help="JSON with settings: behave like a tenant that was probed")
    add("--set", action="append", default=[], metavar="NAME=VALUE", help="change a setting; may be repeated")
    add("--list-settings", action="store_true", help="print all settings with their values and end")
    add("--client-id", help="client id of the client that may do everything")
    add("--client-secret", help="its secret")
    add("--rate-limit", type=_positive, metavar="N", help="requests a minute; answers 429 beyond")
    add("--concurrency", type=_positive, metavar="N", help="requests at once; answers 429 beyond")
    add("--latency", type=_milliseconds, metavar="MS", help="milliseconds every request takes at least")
    return parser


def _port(text: str) -> int:
    if not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port (0 to 65535)")
    return int(text)


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of 1 or more")
    return int(text)


def _milliseconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1
    if not 0 <= value < 3_600_000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of milliseconds")
    return value


def _run(arguments: argparse.Namespace, stop: threading.Event) -> int:
    from kinde_emulator.emulator import Emulator
    from kinde_emulator.settings import Settings

    settings = Settings()
    if arguments.like is not None:
        settings = settings.changed(_json(arguments.like, "--like"))
    options = {
        "client_id": arguments.client_id,
        "client_secret": arguments.client_secret,
        "rate_limit": arguments.rate_limit,
        "concurrency": arguments.concurrency,
        "latency": arguments.latency,
    }
    settings = settings.changed({name: value for name, value in options.items() if value is not None})
    settings = settings.parsed(arguments.set)
    if arguments.list_settings:
        for name, value in settings.to_dict().items():
            print(f"{name}={'none' if value is None else str(value).lower() if isinstance(value, bool) else value}")
        return 0
    if not arguments.allow_remote and not is_loopback(arguments.host):
        raise _Problem(f"--host {arguments.host} is reachable from other machines; say --allow-remote if that is meant")
    seed = None if arguments.seed is None else _json(arguments.seed, "--seed")
    emulator = Emulator(settings, arguments.data, arguments.port, arguments.host)
    try:
        if seed is not None:
            emulator.seed(seed)
        try:
            emulator.start()
        except OSError as error:
            raise _Problem(f"cannot listen at {arguments.host} port {arguments.port}: {error.strerror}") from None
        _announce(emulator, arguments.data)
        if not is_loopback(arguments.host):
            print(
                "warning: everything in it can be read and changed by any client that reaches this port",
                file=sys.stderr,
                flush=True,
            )
        stop.wait()
    finally:
        emulator.stop()
    return 0


def _json(path: Path, option: str) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise _Problem(f"{option} {path}: {error.strerror}") from None
    except ValueError as error:
        raise _Problem(f"{option} {path}: not valid JSON: {error}") from None
    if not isinstance(data, dict):
        raise _Problem(f"{option} {path}: expected a JSON object")
    return data


def _announce(emulator: Emulator, data: Path | None) -> None:
    connection = {
        "conn_type": "kinde",
        "host": emulator.url,
        "login": emulator.client_id,
        "password": emulator.client_secret,
    }
    quoted = json.dumps(connection).replace("'", "'\\''")
    print(f"Kinde emulator at {emulator.url} (data {'in memory' if data is None else f'in {data}'})")
    print(f"export AIRFLOW_CONN_KINDE_DEFAULT='{quoted}'", flush=True)
