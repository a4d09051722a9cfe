"""The virtual card through real libasound and real pyalsaaudio, and the tools that measure with it."""

import errno
import json
import os
import re
import select
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import alsaaudio
import matplotlib.image
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.soundcard import Bench, Device, Samples, build, chirps, picture, quality, speech
from tests.timing import seconds, until

RATE = 48_000
PERIOD = 480
XRUN = -errno.EPIPE
FLOOR = Path(__file__).parent.parent / "bench" / "floor.py"


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """A bench with mic_a and spk_a, known to ALSA in this process, also as its default card."""
    with Bench() as bench:
        bench.device("mic_a")
        bench.device("spk_a")
        for name, value in bench.env("mic_a", "spk_a").items():
            monkeypatch.setenv(name, value)
        yield bench


def open_pcm(direction: int, device: str = "default", mode: int = alsaaudio.PCM_NORMAL, **other: Any) -> alsaaudio.PCM:
    settings = {"rate": RATE, "periodsize": PERIOD, "periods": 4} | other
    return alsaaudio.PCM(
        direction, mode, device=device, channels=1, format=alsaaudio.PCM_FORMAT_S16_LE, **settings
    )  # fmt: skip


def capture(device: str = "default", mode: int = alsaaudio.PCM_NORMAL, **other: Any) -> alsaaudio.PCM:
    return open_pcm(alsaaudio.PCM_CAPTURE, device, mode, **other)


def playback(device: str = "default", mode: int = alsaaudio.PCM_NORMAL, **other: Any) -> alsaaudio.PCM:
    return open_pcm(alsaaudio.PCM_PLAYBACK, device, mode, **other)


def open_mover(name: str, mode: int = alsaaudio.PCM_NORMAL) -> tuple[alsaaudio.PCM, Callable[[], int]]:
    """Opens a mic_ or a spk_; the function reads or writes one period and answers as ALSA does."""
    if name.startswith("mic"):
        mic = capture(name, mode)
        return mic, lambda: mic.read()[0]
    spk = playback(name, mode)
    return spk, lambda: spk.write(bytes(2 * PERIOD))


BOTH = pytest.mark.parametrize("name", ["mic_a", "spk_a"])


def noise(frames: int, seed: int = 1) -> Samples:
    """No two places of it look alike, and it is never silent."""
    return np.random.default_rng(seed).integers(1, 30_000, frames, np.int16)


def read_periods(pcm: alsaaudio.PCM, count: int) -> Samples:
    parts = []
    for _ in range(count):
        frames, pcm_bytes = pcm.read()
        assert frames == PERIOD
        parts.append(np.frombuffer(pcm_bytes, "<i2"))
    return np.concatenate(parts)


def poller(pcm: alsaaudio.PCM) -> select.poll:
    poll = select.poll()
    for descriptor, events in pcm.polldescriptors():
        poll.register(descriptor, events)
    return poll


class TestTape:
    def test_an_application_reads_what_lies_on_the_tape_to_the_sample(self, bench: Bench) -> None:
        mic = bench.devices["mic_a"]
        tape = noise(20 * RATE)
        mic.put(tape, 0)
        pcm = capture()
        heard = read_periods(pcm, 10)
        end = mic.frame()
        pcm.close()
        found = [at for at in np.flatnonzero(tape == heard[0]) if np.array_equal(tape[at : at + len(heard)], heard)]
        assert len(found) == 1
        assert found[0] + len(heard) <= end < found[0] + len(heard) + RATE * seconds(1)

    def test_a_tape_that_has_ended_is_silent(self, bench: Bench) -> None:
        mic = bench.devices["mic_a"]
        pcm = capture()
        end = int(mic.frame()) + 5 * PERIOD
        mic.put(noise(5 * PERIOD), end - 5 * PERIOD)
        heard = read_periods(pcm, 10)
        pcm.close()
        assert np.any(heard[:PERIOD])
        assert not np.any(heard[6 * PERIOD :])

    def test_what_an_application_writes_lies_on_the_tape_to_the_sample(self, bench: Bench) -> None:
        spk = bench.devices["spk_a"]
        sound = noise(10 * PERIOD)
        pcm = playback()
        before = spk.frame()
        for part in sound.reshape(-1, PERIOD):
            assert pcm.write(part.tobytes()) == PERIOD
        pcm.drain()
        end = spk.stats()["played_end"]
        pcm.close()
        tape = spk.got(0, end)
        first = int(np.flatnonzero(tape)[0])
        assert np.array_equal(tape[first:], sound)
        assert before - 1 <= first
        assert end <= spk.frame(), "drain came back before all of it had sounded"

    def test_what_was_queued_and_dropped_never_sounds(self, bench: Bench) -> None:
        spk = bench.devices["spk_a"]
        pcm = playback()
        pcm.write(noise(4 * PERIOD).tobytes())
        pcm.drop()
        dropped_at = spk.frame()
        pcm.close()
        assert not np.any(spk.got(int(dropped_at) + 1, int(dropped_at) + 8 * PERIOD))
        assert spk.stats()["played_end"] <= dropped_at

    def test_a_passage_repeats_without_a_seam(self, bench: Bench) -> None:
        mic = bench.devices["mic_a"]
        passage = noise(700)
        start = int(mic.frame())
        mic.put(passage, start)
        mic.loop(start, len(passage))
        pcm = capture()
        heard = read_periods(pcm, 6)
        pcm.close()
        first = int(np.argmax([np.array_equal(np.roll(passage, -at)[:PERIOD], heard[:PERIOD]) for at in range(700)]))
        assert np.array_equal(heard, np.roll(np.tile(passage, 6), -first)[: len(heard)])

    def test_two_channels_stay_apart(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        stereo = bench.device("stereo", channels=2)
        monkeypatch.setenv("ALSA_CONFIG_PATH", bench.env()["ALSA_CONFIG_PATH"])
        pcm = alsaaudio.PCM(alsaaudio.PCM_PLAYBACK, device="stereo", rate=RATE, channels=2, periodsize=PERIOD)
        sound = noise(2 * PERIOD).reshape(-1, 2)
        pcm.write(sound.tobytes())
        pcm.drain()
        pcm.close()
        tape = stereo.got(0, stereo.stats()["played_end"])
        assert np.array_equal(tape[np.flatnonzero(tape[:, 0])[0] :], sound)

    def test_old_tape_gives_its_memory_back(self, bench: Bench) -> None:
        spk = bench.devices["spk_a"]
        spk.put(noise(10 * RATE), 0)
        full = spk.path.stat().st_blocks
        spk.forget(9 * RATE)
        assert spk.path.stat().st_blocks < full / 5
        assert np.any(spk.got(9 * RATE, 10 * RATE))
        assert not np.any(spk.got(0, 8 * RATE))

    def test_the_tape_takes_no_memory_in_the_process_that_plays_it(self, bench: Bench) -> None:
        bench.devices["mic_a"].put(noise(20 * RATE), 0)
        pcm = capture()
        read_periods(pcm, 2)
        maps = Path("/proc/self/maps").read_text().splitlines()
        pcm.close()
        sizes = [
            int(end, 16) - int(begin, 16)
            for begin, end in (re.split("[- ]", line)[:2] for line in maps if "mic_a" in line)
        ]
        assert sizes and max(sizes) == 4096


class TestFaults:
    @BOTH
    def test_an_ordered_xrun_is_answered_once(self, bench: Bench, name: str) -> None:
        pcm, move = open_mover(name)
        assert move() == PERIOD
        bench.devices[name].xrun()
        assert move() == XRUN
        assert move() == PERIOD
        assert bench.devices[name].stats()["xruns"] == 1
        pcm.close()

    def test_whoever_comes_too_late_has_an_xrun(self, bench: Bench) -> None:
        mic, spk = capture(), playback()
        mic.read()
        spk.write(bytes(2 * PERIOD))
        frame = bench.devices["mic_a"].frame
        late = frame() + 5 * PERIOD
        until(lambda: frame() > late)
        assert mic.read()[0] == XRUN
        assert spk.write(bytes(2 * PERIOD)) == XRUN
        assert mic.read()[0] == PERIOD
        mic.close()
        spk.close()
        assert [bench.devices[name].stats()["xruns"] for name in ("mic_a", "spk_a")] == [1, 1]

    def test_one_opener_at_a_time(self, bench: Bench) -> None:
        first = capture("mic_a")
        with pytest.raises(alsaaudio.ALSAAudioError, match="Device or resource busy"):
            capture("mic_a")
        first.close()
        capture("mic_a").close()

    def test_a_busy_card_is_refused_until_it_is_free(self, bench: Bench) -> None:
        bench.devices["mic_a"].busy()
        with pytest.raises(alsaaudio.ALSAAudioError, match="Device or resource busy"):
            capture()
        bench.devices["mic_a"].busy(False)
        capture().close()

    def test_a_card_that_is_not_there(self, bench: Bench) -> None:
        bench.devices["mic_a"].path.unlink()
        with pytest.raises(alsaaudio.ALSAAudioError, match="No such file or directory"):
            capture("mic_a")

    @BOTH
    def test_a_card_pulled_out_while_somebody_waits_for_it(self, bench: Bench, name: str) -> None:
        device = bench.devices[name]
        pcm, move = open_mover(name)
        threading.Timer(0.03, device.unplug).start()
        with pytest.raises(alsaaudio.ALSAAudioError, match="No such device"):
            for _ in range(1_000):
                move()
        with pytest.raises(alsaaudio.ALSAAudioError, match="No such device"):
            open_mover(name)
        pcm.close()
        device.plug()
        again, move = open_mover(name)
        assert move() == PERIOD
        again.close()

    @BOTH
    def test_a_stream_stays_dead_when_its_card_comes_back(self, bench: Bench, name: str) -> None:
        pcm, move = open_mover(name)
        assert move() == PERIOD
        bench.devices[name].unplug()
        bench.devices[name].plug()
        for _ in range(2):
            with pytest.raises(alsaaudio.ALSAAudioError, match="No such device"):
                move()
        pcm.close()

    def test_a_transfer_that_fails(self, bench: Bench) -> None:
        pcm = playback()
        bench.devices["spk_a"].fail_transfers(errno.EIO)
        with pytest.raises(alsaaudio.ALSAAudioError, match="Input/output error"):
            pcm.write(bytes(2 * PERIOD))
        bench.devices["spk_a"].fail_transfers(0)
        assert pcm.write(bytes(2 * PERIOD)) == PERIOD
        pcm.close()

    def test_a_rate_it_cannot_do_is_not_granted(self, bench: Bench) -> None:
        pcm = capture("mic_a", rate=16_000)
        assert pcm.info()["rate"] == RATE
        pcm.close()


class TestPolling:
    def test_every_wake_up_brings_a_whole_period(self, bench: Bench) -> None:
        pcm = capture(mode=alsaaudio.PCM_NONBLOCK)
        poll = poller(pcm)
        assert poll.poll(0) == [], "a capture that nobody has started has nothing to say"
        assert pcm.read() == (0, b"")
        for _ in range(20):
            assert poll.poll(seconds(1) * 1_000)
            assert pcm.read()[0] == PERIOD
        pcm.close()

    def test_playback_wakes_when_a_period_fits(self, bench: Bench) -> None:
        pcm = playback(mode=alsaaudio.PCM_NONBLOCK)
        poll = poller(pcm)
        assert poll.poll(0), "an empty buffer has room"
        assert pcm.write(bytes(8 * PERIOD)) == 4 * PERIOD
        for _ in range(20):
            assert pcm.write(bytes(2 * PERIOD)) == 0, "a full one has none"
            ready = poll.poll(seconds(1) * 1_000)
            assert pcm.polldescriptors_revents(ready) & select.POLLOUT
            assert pcm.write(bytes(2 * PERIOD)) == PERIOD
        pcm.drop()
        pcm.close()

    @BOTH
    def test_a_stalled_clock_lets_the_poll_time_out(self, bench: Bench, name: str) -> None:
        device = bench.devices[name]
        pcm, move = open_mover(name, alsaaudio.PCM_NONBLOCK)
        poll = poller(pcm)
        move()
        device.stall()
        while move() > 0:  # what there was before the clock stopped
            pass
        stood_at = device.frame()
        assert poll.poll(100) == []
        assert move() == 0
        assert poll.poll(100) == []
        assert device.frame() == stood_at
        device.set_ppm(0)
        until(lambda: move() != 0)
        pcm.close()

    def test_a_card_pulled_out_wakes_with_an_error(self, bench: Bench) -> None:
        pcm = capture(mode=alsaaudio.PCM_NONBLOCK)
        poll = poller(pcm)
        pcm.read()
        bench.devices["mic_a"].unplug()
        ready = poll.poll(seconds(1) * 1_000)
        assert pcm.polldescriptors_revents(ready) & select.POLLERR
        bench.devices["mic_a"].stall()
        for _ in range(2):
            assert poll.poll(0), "and again, until it is closed"
            with pytest.raises(alsaaudio.ALSAAudioError, match="No such device"):
                pcm.read()
        pcm.close()


class TestBench:
    def test_the_plugin_is_compiled_once(self, tmp_path: Path) -> None:
        first = build(tmp_path)
        compiled_at = first.stat().st_mtime_ns
        assert build(tmp_path) == first
        assert first.stat().st_mtime_ns == compiled_at
        assert list(tmp_path.iterdir()) == [first]

    def test_a_given_folder_stays_and_another_process_can_attach(self, tmp_path: Path) -> None:
        sound = noise(PERIOD)
        with Bench(tmp_path) as bench:
            bench.device("mic").put(sound, 1_000)
        attached = Device(tmp_path / "mic")
        assert np.array_equal(attached.got(1_000, 1_000 + PERIOD), sound)
        attached.close()

    def test_nothing_lies_before_the_first_frame(self, bench: Bench) -> None:
        with pytest.raises(ValueError, match="frame -1 "):
            bench.devices["mic_a"].put([1], -1)


class TestNames:
    def test_the_users_own_configuration_does_not_hide_the_virtual_default(self, bench: Bench, tmp_path: Path) -> None:
        (tmp_path / ".asoundrc").write_text("pcm.!default { type null }\n")
        program = "import alsaaudio; print(alsaaudio.PCM(alsaaudio.PCM_CAPTURE, device='default').info()['name'])"
        env = {**os.environ, "HOME": str(tmp_path)}
        answer = subprocess.run([sys.executable, "-c", program], env=env, check=True, capture_output=True, text=True)
        assert answer.stdout == "mic_a\n"

    def test_the_machines_own_names_stay(self, bench: Bench) -> None:
        playback("null").close()

    @pytest.mark.root
    def test_another_user_can_open_it(self, bench: Bench) -> None:
        program = "import alsaaudio; print(alsaaudio.PCM(alsaaudio.PCM_CAPTURE, device='mic_a').read()[0] > 0)"
        as_nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all"]
        answer = subprocess.run([*as_nobody, sys.executable, "-c", program], check=True, capture_output=True, text=True)
        assert answer.stdout == "True\n"


@dataclass(frozen=True)
class Passthrough:
    """What a microphone's chirps became on their way through floor.py to a speaker, and what it reported."""

    measured: chirps.MouthToEar
    report: dict[str, Any]


def pass_through(*options: str, mic_ppm: float = 0.0, spk_ppm: float = 0.0) -> Passthrough:
    """Repeated when there was an xrun, as a machine that is busy elsewhere has them."""
    for _ in range(5):
        with Bench() as bench:
            passed = run_floor(bench, bench.device("mic", ppm=mic_ppm), bench.device("spk", ppm=spk_ppm), *options)
        if passed.report["xruns"] == 0:
            return passed
    raise AssertionError("five runs with xruns")


def run_floor(bench: Bench, mic: Device, spk: Device, *options: str) -> Passthrough:
    command = [sys.executable, str(FLOOR), mic.path.name, spk.path.name, "--periods", "6", "--seconds", "2", *options]
    with subprocess.Popen(command, env={**os.environ, **bench.env()}, stdout=subprocess.PIPE) as floor:
        until(lambda: spk.stats()["starts"] > 0)
        sound, at = chirps.stimulus(6)
        first_frame = round(mic.frame()) + RATE // 10
        mic.put(sound, first_frame)
        report = json.loads(floor.communicate()[0])
    return Passthrough(chirps.measure(mic, spk, first_frame, at), report)


@pytest.fixture(scope="module")
def passthroughs() -> dict[str, Passthrough]:
    """Four at the same time, as each takes real time and hardly anything else."""
    cases: dict[str, Callable[[], Passthrough]] = {
        "10 ms": lambda: pass_through("--frame-ms", "10", "--prefill", "4"),
        "20 ms": lambda: pass_through("--frame-ms", "20", "--prefill", "3"),
        "drifting": lambda: pass_through("--frame-ms", "20", "--prefill", "3", mic_ppm=200, spk_ppm=-200),
        "opus": lambda: pass_through("--frame-ms", "20", "--prefill", "3", "--opus", "voip"),
    }
    with ThreadPoolExecutor(len(cases)) as runs:
        results = {name: runs.submit(run) for name, run in cases.items()}
        return {name: result.result() for name, result in results.items()}


@pytest.mark.xdist_group("passthroughs")
class TestTime:
    @pytest.mark.parametrize(("frame_ms", "prefill"), [(10, 4), (20, 3)])
    def test_a_bare_passthrough_takes_a_period_and_the_prefill(
        self, passthroughs: dict[str, Passthrough], frame_ms: int, prefill: int
    ) -> None:
        measured = passthroughs[f"{frame_ms} ms"].measured
        assert measured.missed == 0
        assert 0 <= measured.p50_ms - frame_ms * (1 + prefill) <= 1
        assert np.ptp(measured.latency_ms) < 0.01

    def test_clocks_that_run_apart_are_seen_to_run_apart(self, passthroughs: dict[str, Passthrough]) -> None:
        measured = passthroughs["drifting"].measured
        drift = np.polyfit(measured.sent_s, measured.latency_ms, 1)[0] * 1_000
        assert drift == pytest.approx(400, abs=5)

    def test_opus_adds_its_own_delay(self, passthroughs: dict[str, Passthrough]) -> None:
        passed = passthroughs["opus"]
        assert passed.measured.missed == 0
        assert 6 < passed.measured.p50_ms - 80 < 10
        assert passed.report["cpu_ms_per_s"] > 0
        assert passed.report["rss_mb"] < 30

    @pytest.mark.parametrize("ppm", [200, 0, -200])
    def test_clock_and_monotonic_time_convert_into_each_other(self, bench: Bench, ppm: int) -> None:
        device = bench.device(f"clock{ppm}", ppm=ppm)
        hour_ns = 3_600 * 10**9
        frame = device.frame(bench.epoch_ns + hour_ns)
        assert frame == pytest.approx(3_600 * RATE * (1 + ppm / 1e6), abs=0.001)
        assert device.time_ns(frame) == pytest.approx(bench.epoch_ns + hour_ns, abs=1_000)

    def test_a_clock_that_stood_still_is_silence_in_the_time_of_the_listener(self, bench: Bench) -> None:
        device = bench.device("stands_still")
        ramp = np.arange(1, 20_001, dtype=np.int16)
        device.put(ramp, 0)  # as if it had been played
        begin_ns = device.registers.epoch_ns
        device.stall()
        stood_ns = time.monotonic_ns()
        at = round(device.frame())
        time.sleep(0.05)
        device.set_ppm(0)
        runs_ns = time.monotonic_ns()
        sounded = device.sounded(begin_ns, runs_ns + 100_000_000)
        assert (sounded[: at - 1] == ramp[: at - 1]).all()
        assert not sounded[at + 10 : at + 2_300].any(), "48 frames a millisecond"
        assert abs(int(sounded[-1]) - (at + 4_800)) < 48
        assert device.frame(stood_ns + 20_000_000) == pytest.approx(at, abs=1)
        assert device.time_ns(at - 100) < stood_ns < device.time_ns(at + 100)

    def test_a_change_of_the_clock_does_not_jump(self, bench: Bench) -> None:
        device = bench.devices["mic_a"]
        before = device.frame()
        device.set_ppm(50_000)
        after = device.frame()
        assert before <= after < before + RATE * seconds(0.1)
        assert device.registers.frames_per_second == pytest.approx(50_400)


def delayed(sound: NDArray[Any], frames: float) -> NDArray[np.float64]:
    """`sound`, any part of a sample later: shifted in the frequency domain."""
    spectrum = np.fft.rfft(np.concatenate((sound, np.zeros(4_800))))
    shift = np.exp(-2j * np.pi * np.fft.rfftfreq(len(sound) + 4_800) * frames)
    shifted: NDArray[np.float64] = np.fft.irfft(spectrum * shift, len(sound) + 4_800)
    return shifted


class TestChirps:
    @pytest.mark.parametrize("delay", [0.0, 0.25, 100.5, 1_234.75])
    def test_is_found_to_a_twentieth_of_a_sample(self, delay: float) -> None:
        sound, at = chirps.stimulus(1)
        found = chirps.find(delayed(sound, delay))
        assert found == pytest.approx(at[0] + delay, abs=0.05)

    def test_is_found_in_noise_and_much_quieter(self) -> None:
        sound, at = chirps.stimulus(1)
        faint = sound * 0.1 + np.random.default_rng(2).normal(0, 200, len(sound))
        assert chirps.find(faint) == pytest.approx(at[0], abs=0.5)

    @pytest.mark.parametrize("level", [0, 1, 1_000])
    def test_noise_and_silence_hold_no_chirp(self, level: float) -> None:
        assert chirps.find(np.random.default_rng(3).normal(0, level, RATE)) is None

    def test_a_step_and_a_missed_one_are_told(self, bench: Bench) -> None:
        mic, spk = bench.devices["mic_a"], bench.devices["spk_a"]
        sound, at = chirps.stimulus(20)
        mic.put(sound, 0)
        late = sound.copy()
        late[at[5] : at[5] + chirps.CHIRP_FRAMES] = 0
        turn = int(at[17]) - 1_000  # after SETTLED_S
        spk.put(late[:turn], 960)
        spk.put(late[turn:], 960 + turn + 480)
        measured = chirps.measure(mic, spk, 0, at)
        assert measured.missed == 1
        assert measured.p50_ms == pytest.approx(20, abs=0.01)
        assert measured.largest_step_ms == pytest.approx(10, abs=0.01)
        assert str(measured).startswith("19 of 20 chirps heard, p50 20.00 ms")

    def test_without_any_chirp_there_is_no_latency(self, bench: Bench) -> None:
        _, at = chirps.stimulus(3)
        measured = chirps.measure(bench.devices["mic_a"], bench.devices["spk_a"], 0, at)
        assert (measured.missed, measured.largest_step_ms) == (3, 0.0)
        assert np.isnan(measured.p50_ms) and np.isnan(measured.p95_ms)


def voiced(said: Samples, length_ms: int) -> int:
    """Where in a sentence `length_ms` without any pause begin, in frames."""
    levels = np.abs(said[: len(said) // 240 * 240].astype(float)).reshape(-1, 240).mean(axis=1)  # every 5 ms
    quietest = np.lib.stride_tricks.sliding_window_view(levels, length_ms // 5).min(axis=1)
    return int(np.argmax(quietest)) * 240


def heard_later(said: Samples, delay: int = 2_000) -> Samples:
    return np.concatenate((np.zeros(delay, np.int16), said, np.zeros(RATE // 2 - delay, np.int16)))


class TestSpeech:
    said = staticmethod(lambda: speech.speak(*speech.SENTENCES[1]))

    def test_sentences_stand_where_the_list_says_with_pauses_around(self) -> None:
        spoken = speech.speech(3)
        loud = np.zeros(len(spoken.samples), bool)
        for sentence in spoken.sentences:
            loud[sentence.first_frame : sentence.end_frame] = True
            assert (sentence.end_frame - sentence.first_frame) / RATE > 1
        assert not np.any(spoken.samples[~loud])
        assert [sentence.text for sentence in spoken.sentences] == [text for _, text in speech.SENTENCES[:3]]

    def test_the_cache_gives_the_same_samples(self, tmp_path: Path) -> None:
        voice, text = speech.SENTENCES[3]
        fresh, cached = (speech.speak(voice, text, tmp_path) for _ in range(2))
        assert np.array_equal(fresh, cached)
        assert len(list(tmp_path.iterdir())) == 1

    def test_an_exact_copy_is_at_the_top_of_every_scale(self) -> None:
        heard = quality.compare("copy", self.said(), heard_later(self.said()))
        assert heard.offset_ms == pytest.approx(2_000 / 48)
        assert heard.pesq > 4.6
        assert heard.stoi > 0.999
        assert heard.gaps == ()

    def test_noise_costs_quality(self) -> None:
        said = self.said()
        rough = (said + np.random.default_rng(4).normal(0, 1_000, len(said))).astype(np.int16)
        heard = quality.compare("noisy", said, heard_later(rough))
        assert heard.pesq < 3
        assert heard.stoi < 0.99
        assert heard.gaps == ()

    @pytest.mark.parametrize("length_ms", [20, 60, 200])
    def test_a_hole_is_found_where_it_was_cut(self, length_ms: int) -> None:
        said = self.said()
        first = voiced(said, length_ms)
        holed = said.copy()
        holed[first : first + 48 * length_ms] = 0
        heard = quality.compare("holed", said, heard_later(holed))
        assert len(heard.gaps) == 1
        assert heard.gaps[0].at_ms == pytest.approx(first / 48, abs=4)
        assert heard.gaps[0].length_ms == pytest.approx(length_ms, abs=6)
        assert heard.pesq < 4.6

    def test_nothing_heard_is_one_long_gap(self) -> None:
        said = self.said()
        heard = quality.compare("dead", said, np.zeros(len(said) + RATE, np.int16))
        assert (heard.pesq, heard.stoi) == (1.0, 0.0)
        assert np.isnan(heard.offset_ms)
        assert heard.gaps == (quality.Gap(0.0, len(said) / 48),)

    def test_each_sentence_is_judged_in_its_own_time(self, bench: Bench) -> None:
        mic, spk = bench.device("mic", ppm=100), bench.device("spk", ppm=-100)
        spoken = speech.speech(2)
        copy_sentence(mic, spk, spoken)
        first, second = quality.judge(mic, spk, RATE, spoken)
        assert [first.offset_ms, second.offset_ms] == pytest.approx([30, 50], abs=0.1)
        assert min(first.pesq, second.pesq) > 4.5

    def test_a_picture_of_it(self, tmp_path: Path) -> None:
        said = self.said()
        for name, offset_ms in (("heard.png", 41.7), ("dead.png", float("nan"))):
            picture.draw(
                tmp_path / name,
                said,
                heard_later(said),
                title="A call",
                offset_ms=offset_ms,
                gaps=[quality.Gap(500, 40)],
            )
            height, width, _ = matplotlib.image.imread(tmp_path / name).shape
            assert width > 1_000 < height * 2


def copy_sentence(mic: Device, spk: Device, spoken: speech.Speech) -> None:
    """Lays both sentences on the speaker's tape, the first 30 ms and the second 50 ms after the mouth's time."""
    for sentence, offset_ms in zip(spoken.sentences, (30, 50), strict=True):
        moment_ns = mic.time_ns(RATE + sentence.first_frame) + offset_ms * 10**6
        spk.put(spoken.samples[sentence.first_frame : sentence.end_frame], round(spk.frame(moment_ns)))
