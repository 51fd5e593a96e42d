#!/usr/bin/env python3
"""Check the history of a Kinde sync without the provider: python verify_history.py FOLDER [--head HASH]

FOLDER is the folder ``history`` below ``[kinde] storage_path`` and the name of the spec, copied to this machine. The
program needs nothing but Python's standard library, and shares no code with the provider.

What is checked:

1. Each entry is a file NNNNNNNNN.jsonl. The first line is a JSON object with its ``number`` and with ``previous``, the
   SHA-256 of the whole file of the entry before (``sha256sum 000000041.jsonl`` prints what stands in entry 42).
2. Numbers have no gap. Entries before a checkpoint may be missing: a later entry with ``checkpoint`` names the number
   of the last one that was dropped, and its SHA-256.
3. ``head.json`` names the number and the SHA-256 of the last entry.
4. With --head: an entry has this SHA-256. Take it from a log, a notification or a report that was kept elsewhere, so
   that a cut end shows even where ``head.json`` was rewritten with it.

Exit code: 0 if the history is whole, 1 if not, 2 for wrong usage.
"""

import hashlib
import json
import pathlib
import re
import sys


def read_first_line(path):
    try:
        with path.open("rb") as file:
            found = json.loads(file.readline())
    except (OSError, ValueError, RecursionError):
        return None
    good = isinstance(found, dict) and isinstance(found.get("number"), int) and isinstance(found.get("previous"), str)
    return found if good else None


def sha256(path):
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def last_checkpoint(entries):
    """Number and hash of the last entry that a checkpoint stands for."""
    last, value = 0, ""
    for first_line in entries.values():
        checkpoint = (first_line or {}).get("checkpoint")
        if isinstance(checkpoint, dict) and isinstance(checkpoint.get("last"), int) and checkpoint["last"] >= last:
            last, value = checkpoint["last"], str(checkpoint.get("hash"))
    return last, value


def check(folder, known=""):
    """Return what is wrong, and the SHA-256 of the last entry."""
    paths = {int(path.stem): path for path in sorted(folder.iterdir()) if re.fullmatch(r"\d{9}\.jsonl", path.name)}
    entries = {number: read_first_line(path) for number, path in paths.items()}
    hashes = {number: sha256(path) for number, path in paths.items()}
    dropped, dropped_hash = last_checkpoint(entries)
    problems, before = [], 0
    for number, first_line in entries.items():
        if first_line is None:
            problems.append(f"entry {number}: its first line is not that of an entry")
        elif first_line["number"] != number:
            problems.append(f"entry {number} calls itself {first_line['number']}")
        if number == before + 1:
            expected = hashes.get(before, "")
        elif number <= dropped:
            expected = None  # dropped in part
        elif number == dropped + 1:
            expected = dropped_hash
        else:
            problems.append(f"entries {max(before, dropped) + 1} to {number - 1} are missing")
            expected = None
        if expected is not None and first_line is not None and first_line["previous"] != expected:
            problems.append(f"entry {number} does not follow on the entry before: one of them was changed")
        before = number
    head = folder / "head.json"
    try:
        text = head.read_text(encoding="utf-8")
        found = json.loads(text)
        number, value = found["number"], found["hash"]
    except (OSError, ValueError, KeyError, TypeError):
        if entries:
            problems.append("head.json is missing or was changed")
    else:
        if text != json.dumps({"number": number, "hash": value}) + "\n":
            problems.append("head.json was changed")
        elif number not in hashes:
            problems.append(f"head.json names entry {number}, which is missing: entries at the end were taken away")
        elif hashes[number] != value:
            problems.append(f"entry {number} is not the one that head.json names")
    if known and known not in hashes.values():
        problems.append(f"no entry has the hash {known}: entries at the end were taken away or changed")
    return problems, hashes[before] if hashes else ""


def main(arguments):
    known = ""
    if "--head" in arguments:
        place = arguments.index("--head")
        known = "".join(arguments[place + 1 : place + 2]).strip().lower()
        del arguments[place : place + 2]
        if not known:
            print("--head needs a hash", file=sys.stderr)
            return 2
    if len(arguments) != 1 or not pathlib.Path(arguments[0]).is_dir():
        print(__doc__.splitlines()[0], file=sys.stderr)
        return 2
    problems, last = check(pathlib.Path(arguments[0]), known)
    for problem in problems:
        print("!", problem)
    print("whole" if not problems else "NOT WHOLE", "- head:", last or "none")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
