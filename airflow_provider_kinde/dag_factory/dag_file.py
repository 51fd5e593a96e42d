"""Which file calls a factory, and which spec file it names."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any


def spec_file(spec_path: Any, caller: Path) -> Path:
    """The spec file that a DAG file names; a relative path starts at the DAG file's folder.

    :param spec_path: the path as the DAG file names it.
    :param caller: the DAG file.
    """
    path = Path(spec_path).expanduser()
    return path if path.is_absolute() else caller.parent / path


def calling_file(*factories: str) -> Path:
    """The DAG file: the first one on the stack that is neither this file nor a factory's.

    :param factories: the factory's ``__file__``.
    """
    frame = inspect.currentframe()
    while frame is not None and frame.f_code.co_filename in (__file__, *factories):
        frame = frame.f_back
    return Path(frame.f_code.co_filename).resolve() if frame is not None else Path.cwd() / "dag.py"
