#!/usr/bin/env python3
"""Check the history of a Kinde sync without the provider: python verify_history.py FOLDER [--head HASH]

FOLDER is the folder ``history`` below ``[kinde] storage_path`` and the name of the spec, copied to this machine. The
program needs nothing but Python's standard library, and shares no code with the provider.

What is checked:
1. Each entry is a file NNNNNNNNN.jsonl. The first line is a JSON object with its ``number``, the name of the ``spec``,
   and ``previous``, the SHA-256 of the whole file of the entry before (``sha256sum 000000041.jsonl`` prints what
   stands in entry 42).
2. Numbers have no gap. Entries before a checkpoint may be missing: a later entry with ``checkpoint`` names the number
   of the last one that was dropped, and its SHA-256.
3. ``head.json`` names the number and the SHA-256 of the last entry, and is signed with the key of that entry. Entries
   after it are of runs that were ended too early, or that had no key. It is missing where no run had one.
4. The first line ends with ``"signature": "KEY:HMAC"``. Only an entry of one line may lack it, which says that a run
   ``failed``, why, when and who ran it, and nothing else. ``head.json`` has such a line as well.
5. With --head: an entry has this SHA-256. Take it from a log, a notification or a report that was kept elsewhere, so
   that a cut end shows even where an older ``head.json`` was put back with it.
6. With the client secret of the Kinde connection in the environment variable KINDE_CLIENT_SECRET: the HMAC is that of
   the entry, or of ``head.json``. Who has no secret cannot write one that passes. Several secrets stand one a line.

Exit code: 0 if the history is whole, 1 if not, 2 for wrong usage.
"""

import argparse
import hashlib
import hmac
import json
import os
import pathlib
import re
import sys

SIGNATURE = re.compile(rb'(.*), "signature": "([0-9a-f]{16}):([0-9a-f]{64})"\}\n', re.DOTALL)
MOMENT = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z"
FORMS = {"outcome": "failed", **dict.fromkeys(("at", "began", "ended", "written"), MOMENT)}
FORMS.update(dict.fromkeys(("previous", "nonce", "spec", "command", "error"), "(?s:.*)"))


def read_first_line(path):
    try:
        found = json.loads(path.open("rb").readline())
    except (OSError, ValueError, RecursionError):
        return None
    good = isinstance(found, dict) and type(found.get("number")) is int and isinstance(found.get("previous"), str)
    return found if good else None


def sha256(file, begin=b""):
    digest = hashlib.sha256(begin)
    for block in iter(lambda: file.read(1 << 20), b""):
        digest.update(block)
    return digest


def read_signature(path):
    """Key and HMAC of an entry, the SHA-256 of the entry without them, and whether it has one line."""
    with path.open("rb") as file:
        first = file.readline()
        found = SIGNATURE.fullmatch(first)
        place = file.tell()
        digest = sha256(file, found[1] + b"}\n" if found else first).digest()
        return (found[2].decode(), found[3].decode()) if found else ("", ""), digest, file.tell() == place


def says_failed(entry):
    """Whether a first line says no more than a run may that failed for want of a Kinde connection."""
    run, texts = entry.get("run", {}), {key: entry[key] for key in entry if key not in ("number", "run")}
    good = isinstance(run, dict) and all(isinstance(text, str) for text in [*run.values(), *texts.values()])
    return good and "outcome" in texts and all(re.fullmatch(FORMS.get(key, "(?!)"), texts[key]) for key in texts)


def hmac_sha256(key, data):
    return hmac.new(key, data, hashlib.sha256).digest()


def keys_of(secrets):
    """Which key -> the key that is derived of a client secret (HKDF, RFC 5869)."""
    found = {}
    for secret in filter(None, map(str.strip, secrets.splitlines())):
        extracted = hmac_sha256(bytes(32), secret.encode())
        key = hmac_sha256(extracted, b"airflow-provider-kinde signatures 1" + b"\x01")
        found[hmac_sha256(key, b"which key").hex()[:16]] = key
    return found


def check_signatures(paths, entries, keys, tell):
    problems, signed, others = [], 0, {}
    for number, path in paths.items():
        (name, given), digest, one_line = read_signature(path)
        if not name:
            if not (one_line and says_failed(entries[number] or {})):
                problems.append(f"entry {number} has no signature, and holds more than a failed run may say: forged")
        elif name in keys:
            signed += 1
            if not hmac.compare_digest(given, hmac_sha256(keys[name], digest).hex()):
                problems.append(f"entry {number} does not match its signature: it was forged or changed")
        else:
            others.setdefault(name, []).append(number)
            if signed:
                problems.append(f"entry {number} is signed with another secret than entries before it")
    if keys:
        tell(f"signed with the given secret: {signed}")
        for name, numbers in others.items():
            tell(f"signed with another one (key {name}): {len(numbers)}, from entry {numbers[0]} to {numbers[-1]}")
    else:
        tell("signatures were not checked: set KINDE_CLIENT_SECRET")
    return problems


def check_head(path, hashes, paths, specs, keys, tell):
    if not path.exists() and not any(read_signature(entry)[0][0] for entry in paths.values()):
        return []
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        number, value = int(found["number"]), str(found["hash"])
        (name, given), digest, _ = read_signature(path)
        line = json.dumps({"number": number, "hash": value, "spec": found["spec"]}) + "\n"
        if digest != hashlib.sha256(line.encode()).digest() or specs - {found["spec"]} or not name:
            return ["head.json was changed, or was not written by a run"]
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return ["head.json is missing or was changed"]
    if name in keys and not hmac.compare_digest(given, hmac_sha256(keys[name], digest).hex()):
        return ["head.json does not match its signature: it was forged or changed"]
    tell(f"head.json names entry {number} and is " + ("genuine" if name in keys else f"not checked (key {name})"))
    if number not in hashes:
        return [f"head.json names entry {number}, which is missing: taken away, or lost by the store"]
    if (hashes[number], read_signature(paths[number])[0][0]) != (value, name):
        return [f"entry {number} is not the one that head.json names"]
    return []


def last_checkpoint(entries, paths, tell):
    """Number and hash of the last entry that a checkpoint stands for; one without signature counts for nothing."""
    last, value = 0, ""
    for number, first_line in entries.items():
        checkpoint = (first_line or {}).get("checkpoint")
        if isinstance(checkpoint, dict) and type(checkpoint.get("last")) is int and read_signature(paths[number])[0][0]:
            tell(f"entry {number} is a checkpoint for entries {checkpoint.get('first')} to {checkpoint['last']}")
            if checkpoint["last"] >= last:
                last, value = checkpoint["last"], str(checkpoint.get("hash"))
    return last, value


def check(folder, known="", secrets="", tell=lambda text: None):
    """Return what is wrong, and the SHA-256 of the last entry."""
    paths = {int(path.stem): path for path in sorted(folder.iterdir()) if re.fullmatch(r"\d{9}\.jsonl", path.name)}
    entries = {number: read_first_line(path) for number, path in paths.items()}
    hashes = {number: sha256(path.open("rb")).hexdigest() for number, path in paths.items()}
    dropped, dropped_hash = last_checkpoint(entries, paths, tell)
    problems, before = check_signatures(paths, entries, keys_of(secrets), tell), 0
    gone = {dropped_hash: dropped}  # hash and number of entries that are not there, but named
    specs = {str(first_line.get("spec")) for first_line in entries.values() if first_line}
    if len(specs) > 1:
        problems.append(f"entries are of more than one spec: {', '.join(sorted(specs))}")
    for number, first_line in entries.items():
        if first_line is None:
            problems.append(f"entry {number}: its first line is not that of an entry")
        elif first_line["number"] != number:
            problems.append(f"entry {number} calls itself {first_line['number']}")
        expected = None  # dropped in part, or missing
        if number == before + 1:
            expected = hashes.get(before, "")
        elif number == dropped + 1:
            expected = dropped_hash
        elif number > dropped:
            first, last = max(before, dropped) + 1, number - 1
            are_missing = f"entry {first} is missing" if first == last else f"entries {first} to {last} are missing"
            problems.append(f"{are_missing}: taken away, or lost by the store")
            gone[(first_line or {}).get("previous")] = last
        if expected is not None and first_line is not None and first_line["previous"] != expected:
            problems.append(f"entry {number} does not follow on the entry before: one of them was changed")
        before = number
    problems += check_head(folder / "head.json", hashes, paths, specs, keys_of(secrets), tell)
    if known and (place := next((number for number, value in hashes.items() if value == known), gone.get(known))):
        tell(f"the given head is entry {place}; entries after it: {before - place}")
    elif known:
        problems.append(f"no entry has the hash {known}: entries at the end were taken away or changed")
    else:
        tell("no head from elsewhere was given: a cut end shows only if head.json was left as it was")
    return problems, hashes[before] if hashes else ""


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", metavar="FOLDER", type=pathlib.Path)
    parser.add_argument("--head", metavar="HASH")
    options = parser.parse_args(arguments)
    known = (options.head or "").strip().lower()
    if not options.folder.is_dir() or (options.head is not None and not known):
        parser.error("FOLDER is no folder, or HASH is empty")
    problems, last = check(options.folder, known, os.environ.get("KINDE_CLIENT_SECRET", ""), print)
    for problem in problems:
        print("!", problem)
    print("whole" if not problems else "NOT WHOLE", "- head:", last or "none")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
