"""Where the demo plays: a fresh folder with the HR file and the spec, a local Kinde, and the wiring for Airflow."""

from __future__ import annotations

import csv
import io
import shutil
from pathlib import Path

from demo.local_kinde import LocalKinde

ROOT = Path(__file__).resolve().parent.parent
HR = ROOT / "demo" / "hr"
DAGS = ROOT / "dags"
DAG_ID = "kinde_hr_sync"


class HrFile:
    """The HR file of a stage: may be read and edited.

    :param path: the CSV file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def rows(self) -> list[dict[str, str]]:
        """Every row, as written."""
        return list(csv.DictReader(io.StringIO(self.path.read_text(encoding="utf-8-sig"), newline="")))

    def write(self, rows: list[dict[str, str]]) -> None:
        """Replace the file's rows, as HR's export does."""
        columns = self.path.read_text(encoding="utf-8-sig").splitlines()[0].split(",")
        out = io.StringIO()
        writer = csv.DictWriter(out, columns, lineterminator="\r\n")
        writer.writeheader()
        writer.writerows(rows)
        self.path.write_bytes(out.getvalue().encode("utf-8-sig"))

    def change(self, employee_id: str, **values: str) -> dict[str, str]:
        """Change one row; returns it."""
        rows = self.rows()
        row = next(row for row in rows if row["Employee ID"] == employee_id)
        row.update(values)
        self.write(rows)
        return row


class Stage:
    """A fresh folder for one performance.

    :param folder: emptied first.
    """

    def __init__(self, folder: Path) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "hr").mkdir(parents=True)
        for name in ("employees.csv", "hr.yaml"):
            shutil.copy(HR / name, folder / "hr" / name)
        self.folder = folder
        self.home = folder / "home"
        self.spec = folder / "hr" / "hr.yaml"
        self.hr = HrFile(folder / "hr" / "employees.csv")

    def kinde(self, port: int = 0) -> LocalKinde:
        """The local Kinde, to be entered."""
        return LocalKinde(self.folder / "logs", HR / "kinde.yaml", port)

    def env(self, kinde: LocalKinde) -> dict[str, str]:
        """What Airflow has to know: the connection, the spec, where plans go."""
        return {
            "AIRFLOW_CONN_KINDE_DEMO": kinde.connection,
            "AIRFLOW__KINDE__STORAGE_PATH": str(self.folder / "reports"),
            "KINDE_SYNC_SPEC": str(self.spec),
            "KINDE_SYNC_SCHEDULE": "",
            "PYTHONPATH": str(ROOT),
        }
