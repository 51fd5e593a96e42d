"""For all tests."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator

import pytest

# Whatever the developer's shell points at must not be touched.
if "airflow" not in sys.modules:
    os.environ["AIRFLOW_HOME"] = tempfile.mkdtemp(prefix="kinde-airflow-")

try:
    from hypothesis import settings
except ImportError:  # the environments of Airflow and of Kinde's SDK do without it
    pass
else:
    # How long an example takes says something about the machine, and nothing about the code.
    settings.register_profile("kinde", deadline=None)
    settings.load_profile("kinde")


@pytest.fixture(autouse=True)
def _forgotten_secrets() -> Iterator[None]:
    """What a test has masked is forgotten with it.

    Airflow puts all secrets of a process into one pattern and compiles it anew for each further one: the tokens of
    hundreds of emulators would take most of the time of the tests.
    """
    yield
    for name, module in list(sys.modules.items()):
        if name.startswith("airflow.") and name.endswith(".secrets_masker") and hasattr(module, "_secrets_masker"):
            masker = module._secrets_masker()
            masker.patterns, masker.replacer = set(), None
