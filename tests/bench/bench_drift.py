"""A day of call with clocks 200 ppm apart, in virtual time: the delay stays, and nothing is missing or made up.

One talker without a pause, 20 ms packets, arrivals that wobble by 0.2 ms; the talker's clock fast, and slow.
`spread_ms` is between the shortest and the longest delay from the tenth second on. What a correction sounds like is
held by tests/audio/test_pcm.py: no step in it is larger than those of the sound itself.
"""

import random
from collections.abc import Iterator

from device.audio.talkers import Talkers
from tests.bench.bench_jitter import PACKET, RATE, Silent

HOURS = 24
PPM = 200
SETTLED_S = 10
WOBBLE_S = 0.0002
SPREAD_MS = 2.0


def cases() -> Iterator[dict[str, object]]:
    """Fast and slow."""
    for ppm in (PPM, -PPM):
        yield _day(ppm)


def _day(ppm: int) -> dict[str, object]:
    wobble, decoder = random.Random(1), Silent()
    talkers = Talkers(lambda: decoder, PACKET)
    packets = HOURS * 3_600 * RATE // PACKET
    period_s, number, seen = PACKET / RATE / (1 + ppm / 1e6), 0, None
    shortest_ms, longest_ms = float("inf"), 0.0
    for tick in range(int(packets * period_s * RATE / PACKET) - 10):
        now_s = 1.003 + tick * PACKET / RATE
        while (arrived_s := 1.0 + number * period_s + wobble.uniform(0, WOBBLE_S)) <= now_s:
            talkers.push(1, number & 0xFFFF, number * PACKET & 0xFFFFFFFF, b"\xf8sound", round(arrived_s * 1e9))
            number += 1
        talkers.pull(round(now_s * 1e9))
        if (snapshot := talkers.snapshot()) is not seen and snapshot and now_s > SETTLED_S:
            seen = snapshot
            shortest_ms = min(shortest_ms, snapshot[0].buffer_ms)
            longest_ms = max(longest_ms, snapshot[0].buffer_ms)
    status = talkers.snapshot()[0]
    spread_ms = round(longest_ms - shortest_ms, 2)
    return {
        "case": f"{HOURS} h, {ppm:+} ppm", "spread_ms": spread_ms, "late": status.late, "lost": status.lost,
        "made_up_samples": decoder.made_up, "drift_ppm": status.drift_ppm,
        "limit": f"{SPREAD_MS:g} ms, nothing missing or made up",
        "ok": spread_ms <= SPREAD_MS and not (status.late or status.lost or decoder.made_up),
    }  # fmt: skip
