"""Waiting: what a thousand deferred sensors ask of Kinde, in one event loop as in a triggerer."""

from __future__ import annotations

from benchmarks.kinde import local_kinde
from benchmarks.peers import ensure, run_peer
from benchmarks.result import Result


def run(quick: bool) -> Result:
    """Run the triggers, sharing one connection and each with a connection of its own."""
    result = Result(
        "Waiting",
        "Triggers of `KindeUserSensor` that wait for as many users who never come, in one event loop, which is what a "
        "triggerer runs them in. Peer: fifty of them, each with a connection of its own. The last column is the "
        "longest time that the loop was kept from other triggers.",
        ["triggers", "sharing", "looks each", "requests", "a look", "tokens", "loop blocked (ms)"],
    )
    ensure("bench")
    cases = (("yes", 20), ("no", 5)) if quick else (("yes", 1000), ("no", 50))
    interval = 2 if quick else 6
    for sharing, number in cases:
        with local_kinde() as kinde:
            found = run_peer("bench", "triggers", kinde.url, str(number), str(interval), sharing)
            sent = kinde.counts()
        looks, requests = found["looks"] / number, sent["read"] + sent["write"]
        each = requests / looks
        blocked = f"{1000 * found['blocked']:.0f}"
        result.rows.append([number, sharing, f"{looks:.1f}", requests, f"{each:.1f}", sent["token"], blocked])
        if sharing == "yes":
            # Forty addresses to a request.
            result.goals.append((f"{number} triggers: requests a look", -(-number // 40), each))
            result.goals.append((f"{number} triggers: tokens", 1, sent["token"]))
    return result
