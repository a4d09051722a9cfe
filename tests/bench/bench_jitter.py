"""The jitter buffer: what it costs, and what it makes of a bad network in virtual time.

CPU: one talker through `Talkers` with a decoder that does nothing, against what libopus takes to encode and decode the
same speech in the same run; and one search for a period, against the same for 60 ms: that often a talker is searched
whose delay is far too long. Weather: ten minutes of one talker without a pause, 20 ms packets, the speaker's clock 100
ppm slow; `delay` is what the buffer adds to the fastest packet, `missing` what was not played, `made_up` what was
concealed. A stream (TCP) loses nothing but stands still for 200 ms and more at every loss. The same every time.
"""

import time
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from unittest import mock

from device.audio import opus, pcm
from device.audio.stretch import find_period
from device.audio.talkers import Talkers
from tests.netem import Path, Weather

RATE = 48_000
PACKET, TICK = 960, 480
MINUTES = 10
SLOW_PPM = 100
BEGIN_S = 10.0
SETTLED_S = 5.0  # figures count from here on
CODEC_SHARE, SEARCH_SHARE = 0.25, 0.5
LONGEST_PERIOD = 720

LOOPBACK = Weather(jitter_ms=0.2)
WEATHERS = {
    "loopback": (LOOPBACK, True),
    "Wi-Fi: jitter of 10 ms": (Weather(delay_ms=5, jitter_ms=10), True),
    "datagrams: jitter of 10 ms, 1 % lost": (Weather(delay_ms=40, jitter_ms=10, loss=0.01), False),
    "datagrams: bursts of 5 lost, 2 %": (Weather(delay_ms=20, jitter_ms=2, loss=0.02, burst=5), False),
    "stream: 0.1 % lost": (Weather(delay_ms=20, jitter_ms=1, loss=0.001), True),
    "stream: 1 % lost": (Weather(delay_ms=20, jitter_ms=1, loss=0.01), True),
    "stream: 0.5 s standstill every 30 s": (
        Weather(delay_ms=5, jitter_ms=0.5, stalls=tuple((at, at + 0.5) for at in range(40, 640, 30))), True,
    ),
}  # fmt: skip
# The loopback alone has a limit; the others are for comparing one change with the next.
SPREAD_MS = 5.0


@dataclass
class Silent:
    """A decoder that costs nothing, and counts what it is asked to make up."""

    block: bytes = array("h", [1_000, -1_000] * (PACKET // 2)).tobytes()
    made_up: int = 0

    def decode(self, payload: bytes) -> bytes:
        return self.block

    def conceal(self, samples: int) -> bytes:
        self.made_up += samples
        return self.block * (samples // PACKET + 1)

    def recover(self, payload: bytes, samples: int) -> bytes:
        return self.conceal(samples)


def cases() -> Iterator[dict[str, object]]:
    """CPU first, then each weather."""
    yield _cpu()
    for samples in (PACKET, 3 * PACKET):
        for maker in pcm.makers:
            yield _search(samples, maker)
    for name, (weather, ordered) in WEATHERS.items():
        yield _weather(name, Path(weather, seed=1, ordered=ordered))


def _cpu() -> dict[str, object]:
    seconds = 20
    payload, codec_s = _codec(seconds)
    buffer_s = min(_talkers(payload, seconds) for _ in range(3))
    share = buffer_s / codec_s
    return {
        "case": "CPU of one talker: buffer, clock and mix",
        "cpu_ms_per_s": round(buffer_s / seconds * 1e3, 2),
        "codec_cpu_ms_per_s": round(codec_s / seconds * 1e3, 2),
        "us_per_pull": round(buffer_s / seconds / (RATE / TICK) * 1e6, 1),
        "share_of_codec": round(share, 2),
        "limit": f"{CODEC_SHARE:g} of what libopus takes to encode and decode",
        "ok": share <= CODEC_SHARE,
    }


def _search(samples: int, maker: type[pcm.Plain] | type[pcm.Audioop]) -> dict[str, object]:
    """How long a block of a voice of 117 Hz is searched."""
    seconds, repeats = 20, 200
    _, codec_s = _codec(seconds)
    voice = array("h", (n * 117 % RATE * 200 // RATE * 80 - n * 819 % 5_000 for n in range(samples)))
    with mock.patch.object(pcm, "alike", maker.alike):
        began_s = time.process_time()
        for _ in range(repeats):
            find_period(voice, LONGEST_PERIOD)
        search_s = (time.process_time() - began_s) / repeats
    codec_60_ms_s = codec_s / seconds * 0.06
    limited = maker.__name__ != pcm.Plain.__name__
    return {
        "case": f"a search in {samples * 1_000 // RATE} ms, {maker.__name__}",
        "us_per_search": round(search_s * 1e6),
        "cpu_ms_per_s": round(search_s / 0.06 * 1e3, 2),
        "codec_cpu_ms_per_s": round(codec_s / seconds * 1e3, 2),
        "share_of_codec": round(search_s / codec_60_ms_s, 2),
        "limit": f"{SEARCH_SHARE:g} of what libopus takes to encode and decode 60 ms" if limited else "none",
        "ok": not limited or search_s <= SEARCH_SHARE * codec_60_ms_s,
    }


def _codec(seconds: int) -> tuple[bytes, float]:
    """One payload, and the CPU of encoding and decoding so many seconds."""
    encoder, decoder = opus.Encoder(20, 24_000, 5, bandwidth="full"), opus.Decoder()
    buzz = array("h", [(n * 37 % 109 - 54) * 150 for n in range(PACKET)]).tobytes()
    began_s = time.process_time()
    for _ in range(seconds * RATE // PACKET):
        payload = encoder.encode(buzz)
        decoder.decode(payload)
    return payload, time.process_time() - began_s


def _talkers(payload: bytes, seconds: int) -> float:
    """CPU of pushing and pulling so many seconds of one talker."""
    talkers = Talkers(Silent, TICK)
    pushes = [(n & 0xFFFF, n * PACKET, round(n * PACKET * 1e9 / RATE)) for n in range(seconds * RATE // PACKET)]
    pulls = [[round((n * PACKET + at + 200) * 1e9 / RATE) for at in range(0, PACKET, TICK)] for n in range(len(pushes))]
    began_s = time.process_time()
    for (sequence, timestamp, arrived_ns), ticks in zip(pushes, pulls, strict=True):
        talkers.push(1, sequence, timestamp, payload, arrived_ns)
        for now_ns in ticks:
            talkers.pull(now_ns)
    return time.process_time() - began_s


def _weather(name: str, path: Path) -> dict[str, object]:
    decoder = Silent()
    talkers = Talkers(lambda: decoder, TICK)
    packets = MINUTES * 60 * RATE // PACKET
    for number in range(packets):
        path.send(number, BEGIN_S + (number + 1) * PACKET / RATE)
    delays, status = [], None
    for tick in range((packets - 10) * PACKET // TICK):
        now = BEGIN_S + 0.003 + tick * TICK / RATE * (1 + SLOW_PPM / 1e6)
        for arrived, number in path.arrived(now):
            talkers.push(1, number & 0xFFFF, number * PACKET, b"\xf8sound", round(arrived * 1e9))
        talkers.pull(round(now * 1e9))
        if talkers.snapshot() and talkers.snapshot()[0] is not status:
            [status] = talkers.snapshot()
            if now > BEGIN_S + SETTLED_S:
                delays.append(status.buffer_ms)
    assert status is not None
    delays.sort()
    p50, p95 = delays[len(delays) // 2], delays[len(delays) * 95 // 100]
    loopback = name == "loopback"
    ok = not loopback or (p95 - p50 <= SPREAD_MS and delays[-1] - delays[0] <= SPREAD_MS and not decoder.made_up)
    return {
        "case": name,
        "delay_p50_ms": p50,
        "delay_p95_ms": p95,
        "delay_max_ms": delays[-1],
        "missing_ms_per_min": round(status.lost * PACKET / RATE * 1e3 / MINUTES),
        "made_up_ms_per_min": round(decoder.made_up / RATE * 1e3 / MINUTES),
        "late": status.late,
        "lost": status.lost,
        "drift_ppm": status.drift_ppm,
        "limit": "delay within 5 ms, nothing made up" if loopback else "none",
        "ok": ok,
    }
