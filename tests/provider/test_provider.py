from __future__ import annotations

import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import airflow
import jsonschema
import pytest

from airflow_provider_kinde import __version__, get_provider_info

ROOT = Path(__file__).resolve().parents[2]

AIRFLOW = """
import sys, airflow_provider_kinde
print(airflow_provider_kinde.__file__, file=sys.stderr)
from airflow.__main__ import main
for command in ("providers list -o json", "providers hooks -o json", "config get-value kinde storage_path"):
    sys.argv = ["airflow", *command.split()]
    try:
        main()
    except SystemExit as ended:
        if ended.code:
            raise
    print("\\n--- end ---", flush=True)
"""
"""Asks Airflow three times: it takes seconds to be imported."""

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel as installed: a pure one is its own site-packages."""
    folder = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


@pytest.mark.smoke
def test_provider_info_is_what_airflow_asks_for() -> None:
    schema = Path(airflow.__file__).with_name("provider_info.schema.json")
    jsonschema.validate(get_provider_info(), json.loads(schema.read_text()))


def test_package_name_is_the_distribution_name() -> None:
    assert get_provider_info()["package-name"] == metadata.distribution("airflow-provider-kinde").metadata["Name"]


def test_config_options_say_all_that_airflow_wants() -> None:
    options = get_provider_info()["config"]["kinde"]["options"]
    assert set(options) == {"storage_path", "log_personal_data", "redact", "ui", "keep_history", "webhooks"}
    for option in options.values():
        assert set(option) == {"description", "version_added", "type", "example", "default"}


@pytest.mark.parametrize(("kind", "suffix"), [("hooks", "Hook"), ("operators", "Operator"), ("sensors", "Sensor")])
def test_every_module_with_something_to_use_is_listed(kind: str, suffix: str) -> None:
    listed = {module for entry in get_provider_info().get(kind, ()) for module in entry["python-modules"]}
    found = {
        f"airflow_provider_kinde.{kind}.{path.stem}"
        for path in (ROOT / "airflow_provider_kinde" / kind).glob("*.py")
        if path.stem not in {"base", "organization_base", "spec_base", "user_base"}
        and re.search(rf"^ *class [A-Z]\w*{suffix}\b", path.read_text(), re.MULTILINE)
    }
    assert listed == found
    for module in listed:
        __import__(module)


def test_wheel_holds_the_package_and_the_examples_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    dist_info = f"airflow_provider_kinde-{__version__}.dist-info/"
    assert {name.split("/")[0] for name in names} == {"airflow_provider_kinde", dist_info.rstrip("/")}
    assert "airflow_provider_kinde/py.typed" in names
    shipped = {name.rsplit("/", 1)[1] for name in names if name.startswith("airflow_provider_kinde/example_dags/")}
    assert shipped == {path.name for path in (ROOT / "dags").iterdir() if path.suffix in (".py", ".yaml", ".csv")}
    modules = {str(path.relative_to(ROOT)) for path in (ROOT / "airflow_provider_kinde").rglob("*.py")}
    assert modules <= set(names)
    assert any(name.startswith(dist_info) and name.endswith("LICENSE") for name in names)


def test_entry_points_and_links(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        texts = {
            name.rsplit("/", 1)[1]: archive.read(name).decode() for name in archive.namelist() if "dist-info" in name
        }
    assert (
        "[apache_airflow_provider]\nprovider_info = airflow_provider_kinde:get_provider_info"
        in texts["entry_points.txt"]
    )
    # The emulator, an identity server, and its pytest plugin are a distribution of their own.
    assert "pytest11" not in texts["entry_points.txt"]
    assert "Requires-Dist: kinde-emulator; extra == 'emulator'" in texts["METADATA"]
    assert "Requires-Python: >=3.10" in texts["METADATA"]
    for extra in ("emulator", "http", "openlineage", "parquet", "scim", "sql", "xlsx"):
        assert f"Provides-Extra: {extra}\n" in texts["METADATA"]
    assert "Project-URL: Documentation, " in texts["METADATA"]


def test_airflow_shows_the_installed_wheel_and_its_settings_without_a_warning(
    airflow_process: Run, installed: Path, tmp_path: Path
) -> None:
    done = airflow_process("-c", AIRFLOW, PYTHONPATH=str(installed))
    assert done.returncode == 0, done.stderr
    assert str(installed) in done.stderr
    providers, hooks, setting, _ = done.stdout.split("\n--- end ---\n")
    (provider,) = entries(providers)
    assert (provider["package_name"], provider["version"]) == ("airflow-provider-kinde", __version__)
    (hook,) = entries(hooks)
    assert (hook["connection_type"], hook["hook_name"]) == ("kinde", "Kinde")
    assert hook["class"] == "airflow_provider_kinde.hooks.kinde.KindeHook"
    assert setting.strip().splitlines()[-1] == str(tmp_path / "home" / "kinde")
    # The checkout may well be in a folder of our name, and what Airflow says of itself is not about us.
    said = (done.stdout + done.stderr).replace(sys.prefix, "").splitlines()
    ours = [line for line in said if re.search("(?i)warn|error|could not", line)]
    assert [line for line in ours if "kinde" in line.lower()] == []


def entries(stdout: str) -> list[dict[str, str]]:
    """What a command of Airflow lists of this provider."""
    listed = json.loads(stdout[stdout.index("[{") : stdout.rindex("]") + 1])
    return [entry for entry in listed if "kinde" in json.dumps(entry).lower()]
