"""Tokens: how long a hub takes to verify one, of each format, and of many hostile ones the worst.

CPU of the thread that verifies. Limit: a median of 100 us for a genuine 007; the others have none. Hostile: the changes
of tests/channel/test_token_fuzz.py, of which none may take more than 5 ms each time that it is tried.
"""

import statistics
import time
from collections.abc import Iterator
from random import Random

from device.channel import token
from tests.channel import test_token_fuzz as hostile
from tests.channel.tokens import APP_ID, CERTIFICATE, CHANNEL, MADE_S, SECONDARY, UID, of_005, of_006, of_007

TURNS, HOSTILE = 10_000, 20_000
LIMIT_US, HOSTILE_LIMIT_MS = 100.0, 5.0


def cases() -> Iterator[dict[str, object]]:
    """Formats, certificates and hostile tokens."""
    with hostile.without_collector():
        yield _genuine("007", of_007(), (CERTIFICATE,), limited=True)
        yield _genuine("007, with the second certificate", of_007(), (SECONDARY, CERTIFICATE), limited=True)
        yield _genuine("006", of_006(), (CERTIFICATE,))
        yield _genuine("005", of_005(), (CERTIFICATE,))
        yield _hostile()


def _genuine(name: str, text: str, certificates: tuple[str, ...], *, limited: bool = False) -> dict[str, object]:
    times_us = []
    for _ in range(TURNS):
        began_ns = time.thread_time_ns()
        token.verify(text, APP_ID, certificates, CHANNEL, UID, MADE_S)
        times_us.append((time.thread_time_ns() - began_ns) / 1e3)
    median_us = statistics.median(times_us)
    return {
        "case": f"genuine {name}",
        "median_us": round(median_us, 1),
        "p99_us": round(statistics.quantiles(times_us, n=100)[98], 1),
        "limit": f"median_us {LIMIT_US:g}" if limited else "none",
        "ok": not limited or median_us <= LIMIT_US,
    }


def _hostile() -> dict[str, object]:
    random = Random(1)
    times_ms = []
    for _ in range(HOSTILE):
        change = random.choice(hostile.CHANGES)
        text = change(random.choice(hostile.GENUINE), random.choice(hostile.ELSEWHERE), random)
        times_ms.append(hostile.admitted(text, APP_ID, CERTIFICATE, CHANNEL, UID, MADE_S)[1] * 1e3)
    return {
        "case": f"{HOSTILE} hostile tokens",
        "median_ms": round(statistics.median(times_ms), 4),
        "longest_ms": round(max(times_ms), 3),
        "limit": f"longest_ms {HOSTILE_LIMIT_MS:g}",
        "ok": max(times_ms) <= HOSTILE_LIMIT_MS,
    }
