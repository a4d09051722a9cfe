"""The two ways of the sound, between the audio threads on the virtual card and a client that only listens."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from device import sound
from device.audio import pcm
from device.audio.capture_clock import CaptureClock
from device.audio.gate import Gate
from device.audio.opus import Encoder
from device.channel.rtp import Packet
from device.config import Audio
from device.sound import Microphone, Speaker
from tests.soundcard import Bench, Device, chirps
from tests.timing import seconds, until

AUDIO = Audio(
    capture="mic",
    playback="speaker",
    frame_ms=20,
    bitrate=28_000,
    complexity=0,
    volume=100,
    echo="off",
    noise=False,
    gain=False,
    priority=0,
    equal=False,
    sidetone=0,
)
TONE = (8_000 * np.sin(np.arange(48_000) * 2 * np.pi * 500 / 48_000)).astype(np.int16)


class Sent:
    """Stands where the client stands."""

    def __init__(self) -> None:
        self.packets: asyncio.Queue[tuple[int, int, bool]] = asyncio.Queue()

    def send(self, payload: bytes, timestamp: int, level_dbov: int, first_of_spurt: bool) -> None:
        self.packets.put_nowait((timestamp, level_dbov, first_of_spurt))

    async def next(self) -> tuple[int, int, bool]:
        return await asyncio.wait_for(self.packets.get(), seconds(5))


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    with Bench() as bench:
        bench.device("mic")
        bench.device("speaker")
        for name, value in bench.env().items():
            monkeypatch.setenv(name, value)
        yield bench


async def test_what_is_captured_is_sent_with_the_capture_clock_and_its_level(bench: Bench) -> None:
    sent, gate = Sent(), Gate(muted=False)
    microphone = Microphone(AUDIO, gate, sent.send, asyncio.get_running_loop(), CaptureClock())
    bench.devices["mic"].put(np.tile(TONE, 5), round(bench.devices["mic"].frame()))
    microphone.card.start()
    try:
        first, second = await sent.next(), await sent.next()
        assert (first[2], second[2]) == (True, False)
        assert (second[0] - first[0]) % 2**32 == 960
        assert -20 < second[1] < -5
    finally:
        microphone.card.stop()
        microphone.card.join(seconds(5))


async def test_a_muted_microphone_sends_nothing_and_an_unmuted_one_begins_a_spurt(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sound, "CALM_MS", 100)
    sent, gate = Sent(), Gate(muted=False)
    microphone = Microphone(AUDIO, gate, sent.send, asyncio.get_running_loop(), CaptureClock())
    microphone.card.start()
    try:
        before, _, _ = await sent.next()
        gate.mute()
        while not sent.packets.empty():
            sent.packets.get_nowait()
        await asyncio.sleep(seconds(0.2))
        assert sent.packets.empty()
        assert microphone.card.lazy, "it is no conversation any more"
        gate.unmute(time.monotonic_ns())
        timestamp, _, first_of_spurt = await sent.next()
        assert first_of_spurt
        assert (timestamp - before) % 2**32 >= 48 * 200, "RTP time stood still through the mute"
        assert not microphone.card.lazy
    finally:
        microphone.card.stop()
        microphone.card.join(seconds(5))


async def test_a_voice_opens_the_gate_with_what_came_before_it(bench: Bench) -> None:
    """Noise alone is not sent; of a tone in it everything is, from 40 ms before to 300 ms after."""
    sent, gate, mic = Sent(), Gate(muted=False, voice=True), bench.devices["mic"]
    microphone = Microphone(AUDIO, gate, sent.send, asyncio.get_running_loop(), CaptureClock())
    begin = round(mic.frame())
    sound = np.random.default_rng(1).normal(0, 32_768 * 10 ** (-50 / 20), 96_000)
    sound[24_000:48_000] += TONE[:24_000]
    mic.put(sound.astype(np.int16), begin)
    microphone.card.start()
    try:
        packets = [await sent.next()]
        assert mic.frame() > begin + 24_000
        while mic.frame() < begin + 90_000:
            await asyncio.sleep(0.02)
        packets += [sent.packets.get_nowait() for _ in range(sent.packets.qsize())]
    finally:
        microphone.card.stop()
        microphone.card.join(seconds(5))
    assert [first_of_spurt for _, _, first_of_spurt in packets] == [True] + [False] * (len(packets) - 1)
    steps = {(after[0] - before[0]) % 2**32 for before, after in pairwise(packets)}
    assert steps == {960}, "nothing is missing, and its time runs with the capture clock"
    loud = [level > -30 for _, level, _ in packets]
    assert loud.index(True) in (2, 3), "a block that is half noise may be noticed, too"
    assert 24 <= sum(loud) <= 26
    assert len(packets) - loud[::-1].index(True) - 1 in range(26, 30)
    assert 13 <= loud[::-1].index(True) <= 15


async def test_where_others_cut_off_what_is_said_it_falls_to_nothing_within_a_block(
    bench: Bench,
) -> None:
    sent, gate, mic = Sent(), Gate(muted=False, half_duplex=True), bench.devices["mic"]
    microphone = Microphone(AUDIO, gate, sent.send, asyncio.get_running_loop(), CaptureClock())
    passed: list[bytes] = []
    microphone.sends = passed.append
    begin = round(mic.frame()) + 4_800
    mic.put(np.concatenate([TONE[:24_000], np.tile(TONE, 2)[:48_000] * 2]), begin)
    microphone.card.start()
    try:
        while mic.frame() < begin + 12_000:
            await asyncio.sleep(0.02)
        gate.heard(-20, time.monotonic_ns() + 2_000_000_000)  # and from 24,000 on it is louder here than it was
        while mic.frame() < begin + 48_000:
            await asyncio.sleep(0.02)
        packets = [sent.packets.get_nowait() for _ in range(sent.packets.qsize())]
    finally:
        microphone.card.stop()
        microphone.card.join(seconds(5))
    sound = np.frombuffer(b"".join(passed), "<i2")
    assert len(packets) == len(passed) + 2, "with 40 ms of what came before it was noticed"
    assert {(after[0] - before[0]) % 2**32 for before, after in pairwise(packets)} == {960}
    assert not sound[-1] and np.abs(sound[-240:]).max() < 4_100 < np.abs(sound[-960:-480]).max()
    assert np.abs(np.diff(sound.astype(int))).max() < 1.1 * np.abs(np.diff(TONE.astype(int) * 2)).max()
    assert packets[-1][1] == pcm.level_dbov(passed[-1]), "as loud as it is told to be"


@pytest.mark.parametrize("muted", [False, True])
async def test_what_begins_in_the_middle_of_a_sound_rises_within_2_ms_and_muted_it_ends_at_once(
    bench: Bench, muted: bool
) -> None:
    sent, gate, mic = Sent(), Gate(muted), bench.devices["mic"]
    microphone = Microphone(AUDIO, gate, sent.send, asyncio.get_running_loop(), CaptureClock())
    passed: list[bytes] = []
    microphone.sends = passed.append
    mic.put(np.tile(TONE, 3), round(mic.frame()))
    microphone.card.start()
    try:
        if muted:
            await asyncio.sleep(seconds(0.1))
            gate.unmute(time.monotonic_ns())
        await sent.next()
        gate.mute()
    finally:
        microphone.card.stop()
        microphone.card.join(seconds(5))
    sound = np.frombuffer(b"".join(passed), "<i2")
    assert np.abs(sound[:24]).max() <= 2_000 and np.abs(sound[96:192]).max() > 7_900
    assert np.abs(sound[-96:]).max() > 7_900, "nothing is added once it is muted"


async def test_what_was_held_back_before_the_card_was_away_is_not_sent_afterwards(bench: Bench) -> None:
    """A voice is sent from before it was noticed, and what came before it was captured an outage ago."""
    sent, gate, mic = Sent(), Gate(muted=False, voice=True), bench.devices["mic"]
    microphone = Microphone(AUDIO, gate, sent.send, asyncio.get_running_loop(), CaptureClock())
    held: list[int] = []
    microphone.tap = lambda block: held.append(block.frame)
    microphone.card.start()
    try:
        while len(held) < 10:
            await asyncio.sleep(0.02)
        mic.unplug()
        while microphone.card.status.state != "absent":
            await asyncio.sleep(0.02)
        before = held[-1]
        begin = round(mic.frame())
        mic.put(np.tile(TONE, 5), begin)
        mic.plug()
        timestamp, _, first_of_spurt = await sent.next()
        assert first_of_spurt
        assert timestamp - before > 960 * 4, "nothing from before, and the outage is in between"
    finally:
        microphone.card.stop()
        microphone.card.join(seconds(5))


def test_it_is_told_when_somebody_begins_to_talk() -> None:
    begun: list[None] = []
    speaker = Speaker(AUDIO, begins=lambda: begun.append(None))
    speaker.added(7)
    for number in range(5):
        speaker.received(Packet(7, number, number * 960, b"\x48", marker=number in (0, 3)), time.monotonic_ns())
    assert len(begun) == 2


def test_packets_become_sound_for_as_long_as_there_is_a_stream(bench: Bench) -> None:
    speaker, encoder = Speaker(AUDIO), Encoder(20, 28_000, 0)
    card = bench.devices["speaker"]

    def say(first: int) -> None:
        for number in range(first, first + 10):
            pcm = TONE[:960].tobytes()
            packet = Packet(7, number, number * 960, encoder.encode(pcm))
            speaker.received(packet, time.monotonic_ns())

    def heard() -> Any:
        return np.abs(card.got(0, card.stats()["played_end"])).max(initial=0)

    speaker.card.start()
    try:
        speaker.added(7)
        say(0)
        until(lambda: heard() > 2_000)
        until(lambda: [talker.uid for talker in speaker.talkers()] == [7])
        speaker.removed(7)
        assert not speaker.talkers()
        silent_from = card.stats()["played_end"] + 24_000
        say(10)
        until(lambda: card.stats()["played_end"] > silent_from + 24_000)
        assert not card.got(silent_from, card.stats()["played_end"]).any()
    finally:
        speaker.card.stop()
        speaker.card.join(seconds(5))


def level(sound: Any) -> float:
    return float(np.sqrt(np.mean(np.asarray(sound, float) ** 2)))


def test_tones_are_mixed_in_one_after_the_other_and_hushed(bench: Bench) -> None:
    speaker, card = Speaker(AUDIO), bench.devices["speaker"]
    speaker.card.start()
    try:
        speaker.sound(TONE.tobytes())
        speaker.sound((TONE // 4).tobytes())
        until(lambda: np.abs(card.got(0, card.stats()["played_end"])).max(initial=0) > 7_000)
        first = int(np.flatnonzero(np.abs(card.got(0, card.stats()["played_end"])) > 100)[0])
        until(lambda: card.stats()["played_end"] > first + 60_000)
        speaker.hush()
        until(lambda: card.stats()["played_end"] > first + 96_000)
    finally:
        speaker.card.stop()
        speaker.card.join(seconds(5))
    heard = card.got(first, first + 96_000)
    assert level(heard[2_000:46_000]) == pytest.approx(level(TONE), rel=0.02)
    assert level(heard[49_000:57_000]) == pytest.approx(level(TONE // 4), rel=0.02)
    assert not heard[72_000:].any()


def test_volumes_are_those_of_everybody_and_of_each(bench: Bench) -> None:
    speaker, encoder, card = Speaker(AUDIO), Encoder(20, 28_000, 0), bench.devices["speaker"]
    pcm = [TONE[at : at + 960].tobytes() for at in range(0, 48_000, 960)]
    payloads = [encoder.encode(block) for block in pcm]

    def loudest(volume: int, volumes: dict[int, int]) -> float:
        speaker.set_volume(volume, volumes)
        speaker.added(7)
        begin = card.stats()["played_end"]
        now_ns = time.monotonic_ns()
        for number, payload in enumerate(payloads[:20]):
            speaker.received(Packet(7, number, number * 960, payload), now_ns)
        until(lambda: card.stats()["played_end"] > begin + 36_000)
        return float(np.abs(card.got(begin, begin + 36_000)).max())

    speaker.card.start()
    try:
        until(lambda: card.stats()["played_end"] > 0)
        full = loudest(100, {})
        assert loudest(80, {}) == pytest.approx(full / 2, rel=0.1)
        assert loudest(80, {7: 80, 8: 0}) == pytest.approx(full / 4, rel=0.1)
        assert loudest(0, {}) == loudest(100, {7: 0}) == 0
    finally:
        speaker.card.stop()
        speaker.card.join(seconds(5))


@pytest.mark.parametrize("frame_ms", [20, 10])
async def test_who_wears_a_headset_hears_himself_quietly_while_he_is_sent_and_no_longer(
    bench: Bench, frame_ms: int
) -> None:
    audio, gate, loop = replace(AUDIO, sidetone=80, frame_ms=frame_ms), Gate(muted=False), asyncio.get_running_loop()
    mic, spk = bench.devices["mic"], bench.devices["speaker"]
    microphone, speaker = Microphone(audio, gate, Sent().send, loop, CaptureClock()), Speaker(audio)
    microphone.sends = speaker.sidetone.hear
    for card in (microphone.card, speaker.card):
        card.start()

    async def said(sound: Any, at: Any) -> chirps.MouthToEar:
        begin = round(mic.frame()) + 4_800
        mic.put(sound, begin)
        while mic.frame() < begin + len(sound) + 12_000:
            await asyncio.sleep(0.02)
        return chirps.measure(mic, spk, begin, at)

    try:
        heard = await said(*chirps.stimulus(4))
        assert heard.missed == 0
        assert np.median(heard.latency_ms) < (60 if frame_ms == 20 else 35)
        until(lambda: microphone.level_dbov < -100)
        begin = round(mic.frame()) + 4_800
        mic.put(TONE, begin)
        while mic.frame() < begin + 60_000:
            await asyncio.sleep(0.02)
        assert level(loudest_second(spk)) == pytest.approx(level(TONE) / 2, rel=0.03)
        gate.mute()
        assert (await said(*chirps.stimulus(2))).missed == 2
    finally:
        for card in (microphone.card, speaker.card):
            card.stop()
            card.join(seconds(5))


def loudest_second(card: Device) -> Any:
    """The middle of what was played, of a tone as long as that."""
    played = card.got(0, card.stats()["played_end"])
    loud = np.flatnonzero(np.abs(played) > 100)
    return played[loud[-1] - 40_000 : loud[-1] - 5_000]
