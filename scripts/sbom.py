"""Writes beside the wheel in ``dist/`` what it is made to run with: a software bill of materials, CycloneDX JSON.

The versions are those of ``requirements/airflow3.txt``, with which the release was tested, each with its hashes.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from env import EnvError, find_uv

ROOT = Path(__file__).resolve().parent.parent
VENVS = Path(os.environ.get("KINDE_VENVS", ROOT / ".venvs"))


def resolve(target: Path) -> None:
    """Write the dependencies of the package, and theirs, at the versions of the lock file."""
    uv = find_uv()
    if uv is None:
        raise EnvError("the bill of materials is made with uv, which could not be installed")
    tested = ROOT / "requirements/airflow3.txt"
    options = ["-q", "--generate-hashes", "--no-header", "--no-annotate", "--no-emit-index-url", "-c", str(tested)]
    command = [uv, "pip", "compile", *options, "-p", sys.executable, "pyproject.toml", "-o", str(target)]
    subprocess.run(command, cwd=ROOT, check=True)


def describe(wheel: Path) -> Path:
    """Write the bill of materials of a wheel.

    :returns: the file.
    """
    target = wheel.with_suffix(".cdx.json")
    with tempfile.TemporaryDirectory() as folder:
        needed = Path(folder) / "requirements.txt"
        resolve(needed)
        options = ["--pyproject", str(ROOT / "pyproject.toml"), "--mc-type", "library", "--output-reproducible"]
        inventory = str(VENVS / "release/bin/cyclonedx-py")
        command = [inventory, "requirements", *options, "--of", "JSON", "-o", str(target), str(needed)]
        # It misses the dependencies of the root, which are added below.
        subprocess.run(command, env={**os.environ, "PYTHONWARNINGS": "ignore"}, check=True)
    document = json.loads(target.read_text(encoding="utf-8"))
    component = document["metadata"]["component"]
    component["version"] = wheel.name.split("-")[1]
    component["purl"] = f"pkg:pypi/{component['name']}@{component['version']}"
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    component["hashes"] = [{"alg": "SHA-256", "content": digest}]
    own = direct(wheel)
    refs = sorted(part["bom-ref"] for part in document["components"] if plain(part["name"]) in own)
    rest = [entry for entry in document.get("dependencies", ()) if entry["ref"] != component["bom-ref"]]
    document["dependencies"] = [{"ref": component["bom-ref"], "dependsOn": refs}, *rest]
    target.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return target


def direct(wheel: Path) -> set[str]:
    """The packages that a wheel itself asks for, without its extras."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = archive.read(name).decode()
    asked = re.findall(r"^Requires-Dist: ([A-Za-z0-9._-]+)(?!.*extra ==)", metadata, re.MULTILINE)
    return {plain(name) for name in asked}


def plain(name: str) -> str:
    """A package's name in the one form that all its spellings share."""
    return re.sub(r"[-_.]+", "-", name).lower()


def main() -> int:
    """Entry point."""
    (wheel,) = (ROOT / "dist").glob("*.whl")
    try:
        print(describe(wheel).relative_to(ROOT))
    except (EnvError, subprocess.CalledProcessError) as error:
        print(f"sbom.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
