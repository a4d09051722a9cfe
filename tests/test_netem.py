"""The simulated network does what it says, and a talker behind the worst of it is heard in order, once, and fresh."""

import struct

import pytest

from device.audio.talkers import Talkers
from tests.netem import Path, Weather

UID, PACKET_MS, TICK_MS, CLOCK = 7, 20, 10, 48
EVERY_S = PACKET_MS / 1e3
# One 20 ms packet of wideband Opus (RFC 6716 section 3.1: configuration 9, mono, one frame) as far as anybody looks.
TOC = bytes([9 << 3])


def sent_at(weather: Weather, ordered: bool = False, count: int = 1_000) -> list[tuple[float, float]]:
    """(sent, arrived) of messages that leave every 20 ms, in order of arrival."""
    path = Path(weather, seed=1, ordered=ordered)
    for number in range(count):
        path.send(number * EVERY_S, number * EVERY_S)
    return [(sent, arrived) for arrived, sent in path.arrived(float("inf"))]


def test_the_same_seed_is_the_same_hour() -> None:
    weather = Weather(delay_ms=30, jitter_ms=10, loss=0.1, reorder=0.1, duplicate=0.1)
    assert sent_at(weather) == sent_at(weather)


def test_datagrams_get_lost_in_bursts_overtake_and_come_twice() -> None:
    came = [
        sent for sent, _ in sent_at(Weather(delay_ms=30, jitter_ms=20, loss=0.1, burst=3, reorder=0.2, duplicate=0.1))
    ]
    assert 800 < len(set(came)) < 980
    assert len(came) > len(set(came)) + 50
    assert came != sorted(came)


def test_a_stream_loses_nothing_and_nothing_overtakes() -> None:
    came = [
        sent
        for sent, _ in sent_at(Weather(delay_ms=30, jitter_ms=20, loss=0.1, reorder=0.2, duplicate=0.1), ordered=True)
    ]
    assert came == sorted(set(came)) and len(came) == 1_000


@pytest.mark.parametrize("ordered", [True, False])
def test_nothing_arrives_within_a_stall(ordered: bool) -> None:
    weather = Weather(delay_ms=30, jitter_ms=20, duplicate=0.5, stalls=((5.0, 7.0),))
    came = sent_at(weather, ordered)
    assert not [arrived for _, arrived in came if 5.0 < arrived < 7.0]
    assert max(sent for sent, _ in came) > 19


def test_a_stream_comes_through_a_hole_when_it_sends_again_and_a_new_one_when_it_does() -> None:
    weather = Weather(delay_ms=20, holes=((5.0, 20.0),))
    came = sent_at(weather, ordered=True, count=2_000)
    assert [sent for sent, _ in came] == sorted(sent for sent, _ in came) and len(came) == 2_000
    lost_s = 4.98  # what is sent then would arrive in the hole
    again_s = lost_s + 0.24 * sum(2**n for n in range(6))
    assert not [arrived for _, arrived in came if 5.0 < arrived < again_s]
    assert next(arrived for _, arrived in came if arrived > 5.0) == pytest.approx(again_s + 0.02, abs=0.03)
    late = Path(weather, seed=1, ordered=True)
    assert late.send("SYN", 16.5) == pytest.approx(16.5 + 1 + 2 + 4 + 0.02), "1, 3, 7 s"
    assert Path(weather, seed=1, ordered=True).send("SYN", 20.0) == pytest.approx(20.02)


def test_a_hole_loses_datagrams() -> None:
    came = sent_at(Weather(delay_ms=20, holes=((5.0, 7.0),)))
    assert not [sent for sent, _ in came if 5.0 <= sent < 7.0]
    assert len(came) == pytest.approx(1_000 - 101, abs=1)


class Ear:
    """Stands where the decoder stands: notes when that was said which sounds now."""

    def __init__(self) -> None:
        self.spoken: list[float] = []

    def decode(self, payload: bytes) -> bytes:
        self.spoken.append(struct.unpack("!d", payload[1:])[0])
        return bytes(PACKET_MS * CLOCK * 2)

    def conceal(self, samples: int) -> bytes:
        return bytes(samples * 2)

    def recover(self, payload: bytes, samples: int) -> bytes:
        return self.conceal(samples)


@pytest.mark.parametrize("seed", range(5))
def test_what_overtakes_comes_twice_or_is_lost_in_bursts_is_heard_in_order_once_and_fresh(seed: int) -> None:
    """A minute of speech, as a gateway to UDP would bring it."""
    weather = Weather(delay_ms=40, jitter_ms=15, loss=0.05, burst=3, reorder=0.1, duplicate=0.1)
    path, ear, heard = Path(weather, seed), Ear(), list[tuple[float, float]]()
    talkers = Talkers(lambda: ear, TICK_MS * CLOCK)
    for tick in range(6_000):
        now = 100 + tick * TICK_MS / 1e3
        if tick % 2 == 0:
            path.send((tick // 2, now), now)
        for arrived, (number, spoken) in path.arrived(now):
            payload = TOC + struct.pack("!d", spoken)
            talkers.push(UID, number, number * PACKET_MS * CLOCK, payload, round(arrived * 1e9))
        talkers.pull(round(now * 1e9))
        heard += [(spoken, now) for spoken in ear.spoken[len(heard) :]]
    said = [spoken for spoken, _ in heard]
    assert said == sorted(set(said))
    assert max(now - spoken for spoken, now in heard) < 0.3
    assert path.counts["doubled"] > 200 and path.counts["lost"] > 80
    assert len(heard) > 0.97 * (path.counts["sent"] - path.counts["lost"])
