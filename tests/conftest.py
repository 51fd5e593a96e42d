"""For all tests."""

from __future__ import annotations

try:
    from hypothesis import settings
except ImportError:  # the environments of Airflow and of Kinde's SDK do without it
    pass
else:
    # How long an example takes says something about the machine, and nothing about the code.
    settings.register_profile("kinde", deadline=None)
    settings.load_profile("kinde")
