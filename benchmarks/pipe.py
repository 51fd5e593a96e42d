"""Pipe: how close a stream of creations comes to what a server's limits allow, unknown to the client as they are."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from benchmarks.kinde import Kinde, local_kinde
from benchmarks.peers import ensure, run_peer
from benchmarks.result import Result

LATENCY = 50
"""Milliseconds."""
NAIVE = 32
"""Number of threads of a client that ignores rate limits."""


def run(quick: bool) -> Result:
    """Run every case with the client, and each with the peers."""
    result = Result(
        "Pipe",
        f"Creations, {LATENCY} ms each, by a client with default settings that is not told the limits. Ideal: all "
        "places taken all the time, or 600 in each minute. Beside it Kinde's own SDK, one request after the other, "
        f"and in {NAIVE} threads. Refused: answers 429, of all; failed: creations that never happened.",
        ["limit", "client", "creations", "seconds", "ideal", "ratio", "refused", "failed"],
    )
    many = 40 if quick else 2000
    header: dict[str, Any] = {"rate_limit_header": "RateLimit-Reset"}
    silent: dict[str, Any] = {"rate_limit_header": "none"}
    for words, settings in (("says when", header), ("says nothing", silent))[: 1 if quick else 2]:
        _case(result, f"8 at once, {words}", many, many / 8 * LATENCY / 1000, quick, concurrency=8, **settings)
    for before, after in () if quick else ((8, 4), (4, 8)):
        ideal = (many / 2 / before + many / 2 / after) * LATENCY / 1000
        title = f"{before}, then {after} at once"
        _case(result, title, many, ideal, quick, then={"concurrency": after}, concurrency=before, **header)
    if quick:
        return result
    ensure("sdk")
    with ThreadPoolExecutor(2) as side:
        # Both wait most of the time.
        rates = [
            side.submit(_case, result, f"600 a minute, {words}", 1300, 130.0, False, rate_limit=600, **settings)
            for words, settings in (("says when", header), ("says nothing", silent))
        ]
        for rate in rates:
            rate.result()
    _peers(result, "8 at once", 2000 / 8 * LATENCY / 1000, concurrency=8)
    _peers(result, "600 a minute", 200.0, rate_limit=600)
    return result


def _case(
    result: Result,
    title: str,
    many: int,
    ideal: float,
    quick: bool,
    then: dict[str, Any] | None = None,
    **settings: Any,
) -> None:
    with local_kinde(latency=LATENCY, **settings) as kinde:
        halfway = (lambda: kinde.set(**then)) if then else None
        seconds = creations(kinde, many, halfway)
        sent = kinde.counts()
    refused = sent["refused"] / (sent["read"] + sent["write"])
    ratio = seconds / ideal
    row = [title, "this one", many, f"{seconds:.2f}", f"{ideal:.2f}", f"{ratio:.2f}", f"{refused:.2%}", 0]
    result.rows.append(row)
    if quick:
        return
    if "rate_limit" in settings:
        result.goals.append((f"{title}: seconds to ideal", 1.05, ratio))
        result.goals.append((f"{title}: share refused", 0.01, refused))
    else:
        # More than was taken before is tried every few seconds only: each try that fails costs a refusal.
        grows = then is not None and then["concurrency"] > settings["concurrency"]
        result.goals.append((f"{title}: seconds to ideal", 1.3 if grows else 1.1, ratio))


def creations(kinde: Kinde, many: int, halfway: Callable[[], Any] | None = None) -> float:
    """Create so many users, each for certain; returns the seconds that it took."""
    done, lock = 0, threading.Lock()

    def create(number: int) -> None:
        nonlocal done
        client.create_user(
            profile={"given_name": f"Given{number}", "family_name": f"Family{number}"},
            provided_id=f"bench:{number}",
            identities=[{"type": "email", "details": {"email": f"person{number}@bench.example"}}],
        )
        with lock:
            done += 1
            now = done == many // 2
        if now and halfway:
            halfway()

    with (
        kinde.client() as client,
        ThreadPoolExecutor(client.max_concurrency) as threads,
    ):
        client.granted_scopes()  # the token is none of the creations
        began = time.perf_counter()
        list(threads.map(create, range(many)))
        return time.perf_counter() - began


def _peers(result: Result, title: str, ideal: float, **settings: Any) -> None:
    for name, threads, many in (("SDK, one by one", 1, 300), (f"SDK, {NAIVE} threads", NAIVE, 2000)):
        if threads == 1 and "rate_limit" in settings:
            many = 700
        with local_kinde(latency=LATENCY, **settings) as kinde:
            found = run_peer("sdk", "sdk_creations", kinde.url, str(many), str(threads))
            sent = kinde.counts()
        refused = sent["refused"] / (sent["read"] + sent["write"])
        least = ideal * many / 2000
        row = [title, name, many, f"{found['seconds']:.2f}", f"{least:.2f}", f"{found['seconds'] / least:.2f}"]
        result.rows.append([*row, f"{refused:.2%}", found["failed"]])
