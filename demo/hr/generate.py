"""Makes ``employees.csv``: the HR file of a company that does not exist, awkward on purpose.

``python -m demo.hr.generate`` writes it anew; the same file comes out every time.
"""

from __future__ import annotations

import csv
import io
import random
import unicodedata
from pathlib import Path

FILE = Path(__file__).with_name("employees.csv")
COLUMNS = (
    "Employee ID",
    "First name",
    "Last name",
    "Work email",
    "Department",
    "Job title",
    "Type",
    "Status",
    "Hired",
    "Left",
    "Manager",
)
DOMAIN = "harborlane.example"

GIVEN = (
    "Aisha Anna-Lena Benoît Björn Carlos Chloé Daniel Dimitri Elif Emma Fatima Finn Giulia Grace Hannah Henrik "
    "Ines Ivan Jamal Julia Kofi Katarzyna Liam Lucía Mateus Mei Nadia Noah Olga Omar Priya Paul Quentin Rosa Sinéad "
    "Søren Tariq Thảo Uma Viktor Wanjiru Xavier Yuki Zoë"
).split()
FAMILY = (
    "Abebe|Andersen|Bakker|Bianchi|Castillo|Chen|D'Angelo|de la Cruz|Dubois|El-Sayed|Eriksson|Fernández|García Márquez|"
    "Gruber|Haddad|Horvat|Ito|Jackson|Jansen|Kaya|Kowalski|Larsen|Lindqvist|Mbeki|Müller|Nakamura|Nguyễn|Novák|O'Brien|"
    "Okafor|Papadopoulos|Park|Patel|Quispe|Rossi|Šimić|Singh|Smith|Tanaka|Ünal|van den Berg|Weiß|Yılmaz|Zhang"
).split("|")
DEPARTMENTS = {
    "Engineering": (88, ("Software Engineer", "Site Reliability Engineer", "Engineering Manager")),
    "Sales": (62, ("Account Executive", "Sales Engineer", "Regional Lead")),
    "Customer Support": (54, ("Support Agent", "Support Specialist", "Support Lead")),
    "Operations": (44, ("Operations Analyst", "Logistics Planner", "Operations Lead")),
    "Finance": (30, ("Accountant", "Payroll Specialist", "Controller")),
    "People": (22, ("Recruiter", "HR Partner", "People Lead")),
}
LETTERS = str.maketrans({"ß": "ss", "ø": "o", "Ø": "o", "ı": "i", "ł": "l", "đ": "d"})


def local_part(given: str, family: str) -> str:
    """``Sinéad O'Brien`` -> ``sinead.obrien``."""

    def plain(name: str) -> str:
        folded = unicodedata.normalize("NFD", name.translate(LETTERS)).encode("ascii", "ignore").decode()
        return "".join(letter for letter in folded.lower() if letter.isalnum())

    return f"{plain(given)}.{plain(family)}"


def people() -> list[dict[str, str]]:
    """Everybody, tidy: one row each, six departments, every tenth a manager."""
    chance = random.Random("harbor lane")
    taken: set[str] = set()
    rows: list[dict[str, str]] = []
    for department, (count, titles) in DEPARTMENTS.items():
        for position in range(count):
            given, family = chance.choice(GIVEN), chance.choice(FAMILY)
            local = local_part(given, family)
            while local in taken:
                given, family = chance.choice(GIVEN), chance.choice(FAMILY)
                local = local_part(given, family)
            taken.add(local)
            manager = position % 10 == 0
            rows.append(
                {
                    "Employee ID": str(10001 + len(rows)),
                    "First name": given,
                    "Last name": family,
                    "Work email": f"{local}@{DOMAIN}",
                    "Department": department,
                    "Job title": titles[2] if manager else titles[position % 2],
                    "Type": "Employee",
                    "Status": "Active",
                    "Hired": f"{chance.randint(1, 12)}/{chance.randint(1, 28)}/{chance.randint(2015, 2024)}",
                    "Left": "",
                    "Manager": "yes" if manager else "no",
                }
            )
    return rows


def awkward(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """What real HR files have in them."""
    by_id = {row["Employee ID"]: row for row in rows}

    def change(number: int, **values: str) -> None:
        by_id[str(number)].update({key.replace("_", " "): value for key, value in values.items()})

    # Accents put together from two code points, as a Mac writes them; the same name to a person.
    for number in (10007, 10019, 10095):
        row = by_id[str(number)]
        row["First name"] = unicodedata.normalize("NFD", "Zoë")
        row["Last name"] = unicodedata.normalize("NFD", "Fernández Núñez")
        row["Work email"] = f"zoe.fernandez{number}@{DOMAIN}"
    # Blanks around values, capitals in addresses.
    for number in (10003, 10064, 10151, 10222):
        row = by_id[str(number)]
        row["Work email"] = f" {row['Work email'].title()} "
        row["Last name"] += "  "
        row["Status"] = "ACTIVE "
    for number in (10012, 10101, 10177):
        change(number, Status="Leave of Absence")
    # People who left: long ago, and one whose last day is far ahead.
    for number, left in ((10021, "3/31/2023"), (10077, "12/15/2023"), (10160, "6/30/2024"), (10240, "1/12/2024")):
        change(number, Status="Terminated", Left=left)
    change(10131, Left="12/31/2099")
    # A signed contract; the first day is years ahead.
    change(10088, Hired="1/7/2041")
    # Contractors are looked after elsewhere.
    for number in (10033, 10118, 10199):
        change(number, Type="Contractor")
    # Rows that cannot be used.
    change(10044, Work_email="please ask IT")
    change(10139, Status="Unknwon")
    change(10205, First_name="", Last_name="")
    return rows


def as_csv(rows: list[dict[str, str]]) -> str:
    """The file's text."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def main() -> None:
    """Write the file."""
    FILE.write_bytes(as_csv(awkward(people())).encode("utf-8-sig"))
    print(FILE)


if __name__ == "__main__":
    main()
