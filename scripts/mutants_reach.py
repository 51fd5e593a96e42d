"""A pytest plugin for ``mutants.py``: which lines each test reaches, and how long it takes."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

MODULES = {str(Path.cwd() / name): name for name in json.loads(os.environ["MUTANTS_MODULES"])}
FOLDER = Path(os.environ["MUTANTS_REACH"])

_lines: dict[str, set[int]] = {}
_found: dict[str, tuple[float, dict[str, list[int]]]] = {}


def _call(frame: FrameType, event: str, argument: Any) -> Any:
    name = MODULES.get(frame.f_code.co_filename)
    if name is None:
        return None
    seen = _lines.setdefault(name, set())

    def line(frame: FrameType, event: str, argument: Any) -> Any:
        seen.add(frame.f_lineno)
        return line

    seen.add(frame.f_lineno)
    return line


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    _lines.clear()
    failed = item.session.testsfailed
    threading.settrace(_call)
    sys.settrace(_call)
    began = time.monotonic()
    try:
        return (yield)
    finally:
        sys.settrace(None)
        threading.settrace(None)
        if item.session.testsfailed == failed:  # a test that fails by itself notices nothing
            _found[item.nodeid] = (time.monotonic() - began, {name: sorted(lines) for name, lines in _lines.items()})


def pytest_sessionfinish() -> None:
    if _found:
        (FOLDER / f"{os.getpid()}.json").write_text(json.dumps(_found))
