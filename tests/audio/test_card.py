"""Capture and Playback on the virtual card, through real libasound and pyalsaaudio."""

import errno
import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator
from itertools import pairwise

import alsaaudio
import numpy as np
import pytest

from device.audio import card, reserve
from device.audio.capture_clock import Block
from device.audio.card import Capture, Playback
from tests.soundcard import Bench, Device
from tests.timing import seconds, until

PERIOD = 480


@pytest.fixture
def mic(bench: Bench) -> Device:
    return bench.devices["mic"]


@pytest.fixture
def speaker(bench: Bench) -> Device:
    return bench.devices["speaker"]


class Heard:
    """What the capture thread handed over, block by block."""

    def __init__(self) -> None:
        self.blocks: queue.Queue[Block] = queue.Queue()

    def __call__(self, block: Block) -> None:
        self.blocks.put(block)

    def next(self) -> Block:
        return self.blocks.get(timeout=seconds(5))

    def forget(self) -> None:
        while not self.blocks.empty():
            self.blocks.get()


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def capture(heard: Heard, bench: Bench) -> Iterator[Capture]:
    capture = Capture("mic", PERIOD, heard)
    yield capture
    end(capture)


def end(thread: threading.Thread) -> None:
    if thread.is_alive():
        thread.stop()  # type: ignore[attr-defined]
        thread.join(seconds(5))
    assert not thread.is_alive()


def counter() -> Callable[[int, int], bytes]:
    """A source whose samples count up, so that each one in the speaker is known by its value."""
    state = {"next": 1}

    def source(now_ns: int, since: int) -> bytes:
        first = state["next"]
        state["next"] += PERIOD
        return (np.arange(first, first + PERIOD) % 30_000 + 1).astype("<i2").tobytes()

    return source


@pytest.fixture
def playback(bench: Bench) -> Iterator[Playback]:
    playback = Playback("speaker", PERIOD, 2 * PERIOD, counter())
    yield playback
    end(playback)


def test_what_the_microphone_hears_comes_out_in_blocks_without_a_gap(
    mic: Device, capture: Capture, heard: Heard
) -> None:
    ramp = np.arange(-20_000, 20_000, dtype=np.int16)
    mic.put(ramp, round(mic.frame()) + 4_800)
    capture.start()
    blocks = [heard.next() for _ in range(120)]
    sound = np.frombuffer(b"".join(block.pcm for block in blocks), "<i2")
    start = int(np.argmax(sound == -20_000))
    assert (sound[start : start + len(ramp)] == ramp).all()
    assert [block.frame for block in blocks] == list(range(0, 120 * PERIOD, PERIOD))


def test_a_block_is_stamped_with_the_time_its_last_sample_was_captured(
    mic: Device, capture: Capture, heard: Heard
) -> None:
    begin = round(mic.frame()) + 4_800
    mic.put(np.full(PERIOD * 20, 1_000, np.int16), begin)
    capture.start()
    block = heard.next()
    while not any(block.pcm):
        block = heard.next()
    silent = int(np.argmax(np.frombuffer(block.pcm, "<i2") != 0))
    last_frame = begin + PERIOD - silent
    assert abs(block.captured_ns - mic.time_ns(last_frame)) < 5_000_000


def test_the_speaker_sounds_each_sample_once_and_in_order(speaker: Device, playback: Playback) -> None:
    playback.start()
    until(lambda: speaker.stats()["frames"] > 48 * 500)
    end(playback)
    sounded = speaker.got(0, speaker.stats()["played_end"])
    sounded = sounded[int(np.argmax(sounded == 2)) :]
    steps = np.diff(sounded[: 48 * 300].astype(int))
    assert set(steps.tolist()) <= {1, 1 - 30_000}
    assert playback.status.xruns == 0


def test_a_card_that_is_missing_at_start_is_waited_for(
    mic: Device, capture: Capture, heard: Heard, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, card.__name__)
    mic.unplug()
    capture.start()
    until(lambda: capture.status.state == "absent")
    mic.plug()
    assert heard.next()
    assert capture.status.state == "running"
    said = [record for record in caplog.records if record.levelno > logging.DEBUG]
    assert [record.levelname for record in said] == ["WARNING", "INFO"]
    assert "plug it in" in said[0].message
    assert "works again after" in said[1].message


def test_the_capture_clock_runs_on_while_the_card_is_unplugged(mic: Device, capture: Capture, heard: Heard) -> None:
    capture.start()
    before = heard.next()
    mic.unplug()
    until(lambda: capture.status.state == "absent")
    heard.forget()
    mic.plug()
    after = heard.next()
    elapsed_frames = (after.captured_ns - before.captured_ns) * 48 / 1e6
    assert after.frame - before.frame == pytest.approx(elapsed_frames, abs=10)


def test_a_busy_card_is_taken_as_soon_as_it_is_free(speaker: Device, playback: Playback) -> None:
    speaker.busy()
    playback.start()
    until(lambda: playback.status.state == "busy")
    speaker.busy(False)
    until(lambda: playback.status.state == "running")


def test_a_card_of_another_rate_is_refused_with_the_remedy(
    bench: Bench, heard: Heard, caplog: pytest.LogCaptureFixture
) -> None:
    capture = Capture("slow", PERIOD, heard)
    capture.start()
    until(lambda: capture.status.state == "unsupported")
    end(capture)  # it says so after that
    assert "44100 Hz" in caplog.text
    assert "plughw:" in caplog.text


def test_a_name_that_no_card_has_is_absent(bench: Bench, heard: Heard) -> None:
    capture = Capture("plughw:CARD=Nobody", PERIOD, heard)
    capture.start()
    until(lambda: capture.status.state == "absent")
    end(capture)


def test_what_gives_sound_faster_than_time_passes_is_no_microphone(bench: Bench, heard: Heard) -> None:
    """ALSA's "null", which some name to have no microphone: it would fill the channel."""
    capture = Capture("null", PERIOD, heard)
    capture.start()
    try:
        until(lambda: capture.status.state == "unsupported")
        assert heard.blocks.qsize() < 2 * 48_000 / PERIOD
    finally:
        end(capture)


def test_an_xrun_of_the_microphone_is_counted_and_the_clock_keeps_to_real_time(
    mic: Device, capture: Capture, heard: Heard
) -> None:
    capture.start()
    before = heard.next()
    mic.xrun()
    until(lambda: capture.status.xruns == 1)
    heard.forget()
    after = heard.next()
    elapsed_frames = (after.captured_ns - before.captured_ns) * 48 / 1e6
    assert after.frame - before.frame == pytest.approx(elapsed_frames, abs=10)
    assert capture.status.state == "running"


class Mouth:
    """A source that remembers when it gave what; how long that took to sound is the card's latency."""

    def __init__(self) -> None:
        self.pulled: list[tuple[int, int]] = []
        self._count = counter()

    def __call__(self, now_ns: int, since: int) -> bytes:
        block = self._count(now_ns, since)
        self.pulled.append((int.from_bytes(block[:2], "little"), now_ns))
        return block

    def sounds_at(self, speaker: Device, index: int) -> float:
        """When the first sample of this pull sounded, ms after it was given; the clock has to run evenly since."""
        value, now_ns = self.pulled[index]
        sounded = speaker.got(0, speaker.stats()["played_end"])
        frame = len(sounded) - 1 - int(np.argmax(sounded[::-1] == value))
        return (speaker.time_ns(frame) - now_ns) / 1e6

    def until_pulled(self, more: int) -> None:
        at = len(self.pulled)
        until(lambda: len(self.pulled) > at + more)


def settled(speaker: Device) -> tuple[Mouth, Playback, float]:
    """A speaker that runs, what it asks, and its latency in ms."""
    mouth = Mouth()
    playback = Playback("speaker", PERIOD, 2 * PERIOD, mouth)
    playback.start()
    mouth.until_pulled(40)
    return mouth, playback, mouth.sounds_at(speaker, 20)


def test_xruns_of_the_speaker_leave_its_latency_as_it_was(speaker: Device, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, card.__name__)
    mouth, playback, before_ms = settled(speaker)
    speaker.xrun()
    until(lambda: playback.status.xruns == 1)
    mouth.until_pulled(40)
    assert mouth.sounds_at(speaker, len(mouth.pulled) - 20) == pytest.approx(before_ms, abs=3)
    assert playback.queue_ms == 20.0
    for _ in range(40):
        speaker.xrun()
        mouth.until_pulled(1)
    assert playback.status.xruns > 30
    mouth.until_pulled(40)
    end(playback)
    after_ms = mouth.sounds_at(speaker, len(mouth.pulled) - 20)
    assert after_ms - before_ms == pytest.approx(playback.queue_ms - 20.0, abs=3), "what its reserve says, and no more"
    assert playback.queue_ms <= 70.0
    assert len(caplog.records) == 1


def test_a_reserve_that_is_given_up_moves_the_clock_of_playing_at_once(
    speaker: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever is told nothing takes it for a thread that is late, and follows for seconds. And it is played before more
    is asked for: that is not there yet."""
    monkeypatch.setattr(reserve, "_CALM_NS", 500_000_000)
    asked: list[tuple[int, int]] = []  # since, and the reserve then
    times_ns: list[tuple[int, int]] = []  # of the same: which was told, and when it really was

    def source(now_ns: int, since: int) -> bytes:
        asked.append((since, round(thread.queue_ms * 48)))
        times_ns.append((now_ns, time.monotonic_ns()))
        return bytes(2 * PERIOD)

    thread = Playback("speaker", PERIOD, 2 * PERIOD, source)
    thread.start()
    until(lambda: len(asked) > 10)
    for _ in range(8):
        speaker.xrun()
        at = len(asked)
        until(lambda: len(asked) > at + 1)  # noqa: B023
    calm = len(asked)
    until(lambda: asked[-1][1] == 2 * PERIOD)
    end(thread)
    told = [since - PERIOD for since, _ in asked[calm + 1 :]]
    assert told == [max(0, before - now) for (_, before), (_, now) in pairwise(asked[calm:])]
    assert max(told) > 5 * 48
    told_ns, real_ns = times_ns[calm + 1 + told.index(max(told))]
    assert told_ns <= real_ns


def test_the_time_that_a_speaker_was_dry_moves_the_clock_of_playing_at_once(speaker: Device) -> None:
    """Whoever is told nothing takes it for a thread that is late, and follows for seconds."""
    asked: list[tuple[int, int]] = []

    def source(now_ns: int, since: int) -> bytes:
        asked.append((now_ns, since))
        if len(asked) == 20:
            time.sleep(0.08)
        return bytes(2 * PERIOD)

    thread = Playback("speaker", PERIOD, 2 * PERIOD, source)
    thread.start()
    until(lambda: len(asked) > 30)
    end(thread)
    (late, _), (next_, since) = asked[19:21]
    assert thread.status.xruns > 0
    assert 80 * 48 <= since <= (next_ - late) * 48 / 1e6 + 2 * 48, "no more than has passed, as far as a card can tell"


def test_what_was_asked_for_before_a_thread_stood_still_is_not_heard_after_it(speaker: Device) -> None:
    asked: list[int] = []

    def source(now_ns: int, since: int) -> bytes:
        asked.append(now_ns)
        if len(asked) == 20:
            time.sleep(0.2)
        return np.full(PERIOD, len(asked), "<i2").tobytes()

    thread = Playback("speaker", PERIOD, 2 * PERIOD, source)
    thread.start()
    until(lambda: len(asked) > 40)
    end(thread)
    heard = set(speaker.got(0, speaker.stats()["played_end"]).tolist())
    assert 20 not in heard and heard >= {*range(1, 20), *range(21, 36)}


@pytest.mark.parametrize("stall_s", [0.3, 1.2])
def test_after_a_standstill_the_latency_is_what_it_was_and_what_it_held_half_a_second_ago_is_not_heard(
    speaker: Device, stall_s: float, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, card.__name__)
    mouth, playback, before_ms = settled(speaker)
    speaker.stall()
    at_frame = round(speaker.frame())
    time.sleep(stall_s)
    resumed_ns = time.monotonic_ns()
    speaker.set_ppm(0)
    mouth.until_pulled(60)
    after_ms = mouth.sounds_at(speaker, len(mouth.pulled) - 20)
    assert after_ms == pytest.approx(before_ms, abs=3)
    end(playback)
    if stall_s > 1:
        sounded = speaker.got(at_frame + 10, speaker.stats()["played_end"])
        fresh, given_ns = next((value, at_ns) for value, at_ns in mouth.pulled if at_ns >= resumed_ns)
        assert sounded[sounded != 0][0] == fresh
        assert given_ns - resumed_ns < seconds(0.2) * 1e9
        assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
        assert "stands still" in caplog.records[0].message


def test_a_lazy_microphone_wakes_half_as_often_and_loses_nothing(mic: Device, capture: Capture, heard: Heard) -> None:
    ramp = np.arange(-20_000, 20_000, dtype=np.int16)
    begin = round(mic.frame()) + 4_800
    mic.put(ramp, begin)
    capture.lazy = True
    capture.start()
    blocks = [heard.next() for _ in range(40)]
    turns = capture.turns
    blocks += [heard.next() for _ in range(60)]
    assert capture.turns - turns <= 36, "one sleep for two blocks"
    capture.lazy = False
    blocks += [heard.next() for _ in range(20)]
    sound = np.frombuffer(b"".join(block.pcm for block in blocks), "<i2")
    start = int(np.argmax(sound == -20_000))
    assert (sound[start : start + len(ramp)] == ramp).all()
    for number in (30, 31, 60, 61, 110):
        last_frame = begin + (number + 1) * PERIOD - start
        assert abs(blocks[number].captured_ns - mic.time_ns(last_frame)) < 5_000_000


TICK, RESERVE = 960, 576  # as shipped


class Sometimes:
    """A source that has something to say two times in twelve, each time another sample."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, int]] = []  # when, and how many frames were played since the one before

    def __call__(self, now_ns: int, since: int) -> bytes:
        self.asked.append((now_ns, since))
        number = len(self.asked)
        return np.full(TICK, number, "<i2").tobytes() if number % 12 in (10, 11) else b""

    def since(self, first: int, last: int) -> int:
        """Frames from what the first one answered to what the last one answers."""
        return sum(since for _, since in self.asked[first:last])


def test_a_speaker_with_nothing_to_say_asks_more_seldom_and_says_the_next_thing_no_later(speaker: Device) -> None:
    source = Sometimes()
    playback = Playback("speaker", TICK, RESERVE, source)
    playback.start()
    until(lambda: len(source.asked) > 84)
    end(playback)
    sounded = speaker.got(0, speaker.stats()["played_end"])
    starts = {number: int(np.argmax(sounded == number)) for number in range(22, 84) if number % 12 in (10, 11)}
    waits_ms = [(speaker.time_ns(start) - source.asked[number - 1][0]) / 1e6 for number, start in starts.items()]
    assert max(waits_ms) - min(waits_ms) < 3 and max(waits_ms) < 15, "as if it had never rested: 12 ms of reserve"
    for number in starts.keys() & {number + 12 for number in starts}:
        assert starts[number] - starts[number - 12] == source.since(number - 12, number)
        assert (sounded[starts[number] : starts[number] + TICK] == number).all()
    if playback.status.realtime:
        longest = max(since for _, since in source.asked[24:])
        assert TICK + 6 * 48 <= longest <= TICK + 8 * 48, "down to 6 ms of reserve, and filled up again"


def test_a_speaker_that_runs_dry_while_it_rests_does_not_rest_any_more(speaker: Device) -> None:
    sinces: list[int] = []

    def silent(now_ns: int, since: int) -> bytes:
        sinces.append(since)
        return b""

    playback = Playback("speaker", TICK, RESERVE, silent)
    playback.start()
    until(lambda: len(sinces) > 10)
    speaker.xrun()
    until(lambda: playback.status.xruns == 1)
    at = len(sinces)
    until(lambda: len(sinces) > at + 20)
    end(playback)
    assert max(sinces[at + 2 :]) <= TICK + 2 * 48
    assert playback.queue_ms == 12.0, "nobody has heard it: the reserve is what it was"


@pytest.mark.parametrize("fault", ["stall", "unplug"])
def test_a_card_that_stands_still_or_is_gone_holds_no_thread(
    mic: Device, speaker: Device, capture: Capture, playback: Playback, heard: Heard, fault: str
) -> None:
    capture.start()
    playback.start()
    heard.next()
    for device in (mic, speaker):
        device.stall() if fault == "stall" else device.unplug()
    until(lambda: {capture.status.state, playback.status.state} <= {"stalled", "absent"})
    end(capture)
    end(playback)


def test_a_clock_that_stood_still_is_caught_up(mic: Device, capture: Capture, heard: Heard) -> None:
    capture.start()
    before = heard.next()
    mic.stall()
    until(lambda: capture.status.state == "stalled")
    heard.forget()
    mic.set_ppm(0)
    heard.next()  # may have begun before the stall
    after = heard.next()
    elapsed_frames = (after.captured_ns - before.captured_ns) * 48 / 1e6
    assert after.frame - before.frame == pytest.approx(elapsed_frames, abs=PERIOD)


def test_a_card_that_stands_still_is_opened_again_and_said_once(
    mic: Device, capture: Capture, heard: Heard, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, card.__name__)
    monkeypatch.setattr(card, "_FIRST_MOVE_NS", 200_000_000)
    capture.start()
    heard.next()
    mic.stall()
    until(lambda: mic.stats()["opens"] >= 4)
    assert capture.status.state == "stalled"
    assert len(caplog.records) == 1, "it was open four times, and never worked"
    mic.set_ppm(0)
    until(lambda: capture.status.state == "running")
    assert len(caplog.records) == 2


def test_a_card_that_was_suspended_is_opened_again(
    mic: Device, capture: Capture, heard: Heard, caplog: pytest.LogCaptureFixture
) -> None:
    capture.start()
    heard.next()
    mic.fail_transfers(errno.ESTRPIPE)
    until(lambda: capture.status.state == "suspended")
    mic.fail_transfers(0)
    until(lambda: capture.status.state == "running")
    assert "was sent to sleep" in caplog.text


def test_the_same_name_may_be_another_device_afterwards(
    bench: Bench, mic: Device, capture: Capture, heard: Heard, caplog: pytest.LogCaptureFixture
) -> None:
    """Another clock, a rate that is refused, and again one that will do: the numbers keep to real time throughout."""
    capture.start()
    before = heard.next()
    mic.unplug()
    until(lambda: capture.status.state == "absent")
    mic.registers.rate = 44_100
    mic.plug()
    until(lambda: capture.status.state == "unsupported")
    until(lambda: "plughw:CARD=" in caplog.text)
    mic.unplug()
    mic.registers.rate = 48_000
    mic.set_ppm(400)
    heard.forget()
    mic.plug()
    after = heard.next()
    elapsed_frames = (after.captured_ns - before.captured_ns) * 48 / 1e6
    assert after.frame - before.frame == pytest.approx(elapsed_frames, abs=50)
    assert [heard.next().frame for _ in range(20)] == [after.frame + PERIOD * number for number in range(1, 21)]


def test_a_name_that_appears_in_alsas_configuration_is_found_without_a_restart(bench: Bench, heard: Heard) -> None:
    """As `default` and others do with a card that is plugged in: libasound keeps what it has read before."""
    devices = next(bench.folder.glob("devices-*.conf"))
    capture = Capture("late", PERIOD, heard)
    capture.start()
    until(lambda: capture.status.state == "absent")
    late = bench.device("late")
    with devices.open("a") as file:
        file.write(f'pcm.!late {{ type soundcard file "{late.path}" }}\n')
    heard.next()
    end(capture)


def test_a_transfer_that_fails_closes_the_card_and_opens_it_again(mic: Device, capture: Capture, heard: Heard) -> None:
    capture.start()
    heard.next()
    mic.fail_transfers()
    until(lambda: mic.stats()["closes"] >= 1)
    mic.fail_transfers(0)
    heard.forget()
    heard.next()
    until(lambda: capture.status.state == "running")


class Driver:
    """Stands in for alsaaudio.PCM where no virtual card behaves so: endless xruns, or a card that takes half."""

    def __init__(self, **asked: object) -> None:
        self.calls = 0
        self.queued = 0
        self.taken: list[bytes] = []

    def info(self) -> dict[str, object]:
        return {"rate": 48_000, "channels": 1, "format_name": "S16_LE", "buffer_size": 3_840, "period_size": 240}

    def state(self) -> int:
        return int(alsaaudio.PCM_STATE_RUNNING)

    def drop(self) -> None: ...

    def close(self) -> None: ...


class AlwaysXrun(Driver):
    opened = 0

    def __init__(self, **asked: object) -> None:
        super().__init__()
        AlwaysXrun.opened += 1

    def avail(self) -> int:
        return -32

    def write(self, pcm: bytes) -> int:
        return -32

    def read(self) -> tuple[int, bytes]:
        return -32, b""


class TakesHalf(Driver):
    played: bytearray

    def __init__(self, **asked: object) -> None:
        super().__init__()
        TakesHalf.played = bytearray()

    def avail(self) -> int:
        self.queued = max(0, self.queued - 480)
        return 3_840 - self.queued

    def write(self, pcm: bytes) -> int:
        frames = -(-len(pcm) // 4)
        TakesHalf.played += pcm[: frames * 2]
        self.queued += frames
        return frames


@pytest.mark.parametrize("direction", ["capture", "playback"])
def test_a_driver_that_answers_nothing_but_xruns_is_closed_and_tried_again_later(
    monkeypatch: pytest.MonkeyPatch, direction: str
) -> None:
    monkeypatch.setattr(alsaaudio, "PCM", AlwaysXrun)
    AlwaysXrun.opened = 0
    thread = Capture("x", 480, lambda block: None) if direction == "capture" else Playback("x", 480, 480, counter())
    thread.start()
    until(lambda: AlwaysXrun.opened == 3)
    assert thread.status.xruns <= 3 * 11
    end(thread)


def test_what_a_card_does_not_take_is_written_again_and_nothing_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alsaaudio, "PCM", TakesHalf)
    TakesHalf.played = bytearray()
    playback = Playback("x", PERIOD, PERIOD, counter())
    playback.start()
    until(lambda: len(TakesHalf.played) > 2 * 48 * 500)
    end(playback)
    sounded = np.frombuffer(bytes(TakesHalf.played), "<i2")
    sounded = sounded[int(np.argmax(sounded == 2)) :]
    assert (np.diff(sounded.astype(int)) == 1).all()


class RunsDry(Driver):
    """Each seventh write finds that the card ran dry, and each eleventh look does; what it takes it takes half."""

    written: list[tuple[bytes, int]]  # what, and when it sounds if nothing goes wrong

    def __init__(self, **asked: object) -> None:
        super().__init__()
        RunsDry.written = []
        self.looks = 0

    def avail(self) -> int:
        self.looks += 1
        if self.looks % 11 == 0:
            self.queued = 0
            return -32
        self.queued = max(0, self.queued - 480)
        return 3_840 - self.queued

    def write(self, pcm: bytes) -> int:
        self.calls += 1
        if self.calls % 7 == 0:
            self.queued = 0
            return -32
        frames = -(-len(pcm) // 4)
        RunsDry.written.append((pcm[: frames * 2], time.monotonic_ns() + self.queued * 1_000_000 // 48))
        self.queued += frames
        return frames


def test_it_is_told_what_the_card_took_and_when_that_sounds_also_where_it_ran_dry(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What cancels the echo would look for it at another time: the silence in front makes all that follows later."""
    monkeypatch.setattr(alsaaudio, "PCM", RunsDry)
    RunsDry.written = []
    told: list[tuple[bytes, int]] = []
    playback = Playback("x", PERIOD, PERIOD, counter())
    playback.played = lambda pcm_bytes, sounds_ns: told.append((pcm_bytes, sounds_ns))
    playback.start()
    until(lambda: len(RunsDry.written) > 100)
    end(playback)
    assert sum(not sound for sound, _ in told) == playback.status.xruns > 10
    told = [(sound, sounds_ns) for sound, sounds_ns in told if sound]
    assert [sound for sound, _ in told] == [sound for sound, _ in RunsDry.written]
    late_ms = [(sounds - told_ns) / 1e6 for (_, told_ns), (_, sounds) in zip(told, RunsDry.written, strict=True)]
    assert np.median(late_ms) < 1
