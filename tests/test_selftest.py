"""The box listens to itself: a real daemon on a virtual card, in a room where its microphone hears its speaker."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
import pytest

from tests.call import Call
from tests.daemon import DeviceDaemon, HubDaemon
from tests.soundcard import Bench, Device, chirps
from tests.soundcard.coupling import Coupling
from tests.timing import until

SECOND = 48_000
CHIRP_DBFS = -23.0


@contextmanager
def box(*, start: str = "left", **sections: Any) -> Iterator[tuple[DeviceDaemon, Device, Device]]:
    """An intercom alone, its microphone and its speaker."""
    with ExitStack() as stack:
        bench, hub = stack.enter_context(Bench()), stack.enter_context(HubDaemon())
        mic, spk = bench.device("mic"), bench.device("spk")
        daemon = stack.enter_context(
            DeviceDaemon(hub.url, env=bench.env("mic", "spk"), channel={"start": start}, **sections)
        )
        daemon.until_state("left" if start == "left" else "in-call")
        for card in ("capture", "playback"):
            until(lambda card=card: daemon.ask("status")[card]["state"] == "running")  # type: ignore[misc]
        yield daemon, mic, spk


def test_it_is_fine_and_says_how_late_and_how_loud_it_hears_itself() -> None:
    with box() as (daemon, mic, spk), Coupling(spk, mic, loss_db=20, delay_ms=60, room_dbfs=-60):
        assert daemon.ask("status")["self_test"] is None
        until(lambda: mic.frame() > SECOND)  # the room's noise is there
        test = daemon.ask("self-test")["self_test"]
    assert test["verdict"] == "fine"
    assert test["loop_dbfs"] == pytest.approx(CHIRP_DBFS - 20, abs=2.0), "a place is half a millisecond wide: 1 dB"
    assert test["level_dbfs"] == pytest.approx(-60, abs=2.0)
    assert 60 < test["delay_ms"] < 60 + 60, "the way through the air, and what the card keeps"
    assert 0 <= test["age_s"] < 5


def test_a_dead_speaker_is_mute_and_a_silent_microphone_deaf_and_the_log_says_so_once() -> None:
    with box() as (daemon, mic, spk):
        assert daemon.ask("self-test")["self_test"]["verdict"] == "deaf"
        with Coupling(spk, mic, loss_db=None) as room:
            until(lambda: bool(np.any(mic.got(int(mic.frame()) - 480, int(mic.frame())))))
            assert daemon.ask("self-test")["self_test"]["verdict"] == "mute"
            room.loss_db = 20
            assert daemon.ask("self-test")["self_test"]["verdict"] == "fine"
        daemon.end()
    told = [line for line in daemon.log if "self-test" in line]
    assert ["WARNING" in line for line in told] == [True, False]
    assert "deaf" in told[0] and "INFO" in told[1]


def test_others_never_hear_it_and_the_microphone_is_as_open_as_before() -> None:
    with Call() as call:
        here, there = call.parties
        with Coupling(here.spk, here.mic, loss_db=0):
            began = int(there.spk.frame())
            status = here.daemon.ask("self-test")
            assert status["self_test"]["verdict"] == "fine"
            assert status["microphone_open"] and not status["muted"]
            ended = int(there.spk.frame()) + SECOND // 2
            until(lambda: there.spk.frame() > ended)
        loudest = np.abs(there.spk.got(began, ended)).max()
        # The noise of the room, -60 dBFS: the chirp would be at -20.
        assert loudest < 400, loudest
        sound, at = chirps.stimulus(2)
        begin = round(here.mic.frame()) + SECOND // 5
        here.mic.put(sound, begin)
        until(lambda: here.mic.frame() > begin + len(sound) + SECOND // 2, within_s=30)
        assert chirps.measure(here.mic, there.spk, begin, at).missed == 0


def test_a_muted_box_is_tested_and_stays_muted() -> None:
    with Call() as call:
        here, there = call.parties
        here.daemon.ask("mute")
        with Coupling(here.spk, here.mic, loss_db=0):
            status = here.daemon.ask("self-test")
            assert (status["self_test"]["verdict"], status["muted"]) == ("fine", True)
            began = int(there.spk.frame())
            until(lambda: there.spk.frame() > began + SECOND // 2)
        assert np.abs(there.spk.got(began - SECOND // 2, began + SECOND // 2)).max() < 100


def test_it_is_refused_while_somebody_talks_and_done_when_it_is_quiet() -> None:
    with Call() as call:
        here, there = call.parties
        voice = 8_000 * np.sin(np.arange(SECOND) * 2 * np.pi * 500 / SECOND)
        there.mic.put(voice, round(there.mic.frame()) + SECOND // 10)
        until(lambda: "somebody" in here.daemon.refusal("self-test"))
        age_s = (here.daemon.ask("status")["self_test"] or {"age_s": 0.0})["age_s"]
        assert "somebody talks" in here.daemon.refusal("self-test")
        assert (here.daemon.ask("status")["self_test"] or {"age_s": 0.0})["age_s"] >= age_s, "there was none"
        until(lambda: not here.daemon.refusal("self-test"), within_s=20)


def test_without_a_sound_card_it_says_which() -> None:
    with box() as (daemon, mic, _):
        mic.unplug()
        until(lambda: daemon.ask("status")["capture"]["state"] == "absent")
        assert "sound card default is not there: absent" in daemon.refusal("self-test")


def test_a_speaker_that_stands_still_is_mute_and_what_it_kept_is_not_sounded_later() -> None:
    with box() as (daemon, mic, spk), Coupling(spk, mic):
        spk.stall()
        test = daemon.ask("self-test")["self_test"]
        assert test["verdict"] == "mute"
        spk.set_ppm(0)
        again = int(spk.frame())
        until(lambda: spk.frame() > again + SECOND // 2)
        assert not spk.got(again, again + SECOND // 2).any()


def test_on_the_timer_it_tests_itself_soon_after_the_start() -> None:
    with box(self_test={"every_h": 1}, start="joined") as (daemon, mic, spk), Coupling(spk, mic):
        until(lambda: daemon.ask("status")["self_test"] is not None, within_s=20)
        assert daemon.ask("status")["self_test"]["verdict"] == "fine"


def test_sigterm_ends_a_test_that_is_under_way_and_the_process_within_a_second() -> None:
    with box() as (daemon, mic, spk), Coupling(spk, mic, loss_db=None), daemon.asking("self-test"):
        until(lambda: bool(np.any(spk.got(0, spk.stats()["played_end"]))))
        code, took_s = daemon.end()
        assert (code, took_s < 1.0) == (0, True)
        assert not [line for line in daemon.log if "Traceback" in line or "ERROR" in line]
