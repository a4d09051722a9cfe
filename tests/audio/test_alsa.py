"""Opening cards by real libasound and pyalsaaudio: what is granted, what is refused, and in which words."""

import queue
import threading
import time

import pytest

from device.audio import alsa
from device.audio.faults import CardBusy, CardGone, CardUnsupported
from tests.soundcard import Bench
from tests.timing import seconds


def test_a_card_of_another_rate_says_what_it_grants_and_is_refused(bench: Bench) -> None:
    assert alsa.granted("mic", capture=True) == alsa.granted("speaker", capture=False) == (48_000, 1, "S16_LE")
    assert alsa.granted("slow", capture=True)[0] == 44_100
    with pytest.raises(CardUnsupported, match="44100 Hz"):
        alsa.open_card("slow", alsa.CAPTURE, 960, 8)
    assert bench.devices["slow"].stats()["opens"] == bench.devices["slow"].stats()["closes"]


def test_a_buffer_too_short_for_two_ticks_is_refused(bench: Bench) -> None:
    with pytest.raises(CardUnsupported, match="a buffer of 960 frames"):
        alsa.open_card("mic", alsa.CAPTURE, 480, 2)


def test_what_cannot_be_opened_has_its_kind(bench: Bench) -> None:
    first = alsa.open_card("speaker", alsa.PLAYBACK, 960, 4)
    with pytest.raises(CardBusy), alsa.errors("speaker"):
        alsa.open_card("speaker", alsa.PLAYBACK, 960, 4)
    alsa.close(first)
    with pytest.raises(CardGone):
        alsa.open_card("plughw:CARD=Nobody", alsa.PLAYBACK, 960, 4)


def test_closing_does_not_wait_for_what_is_still_to_be_played(bench: Bench) -> None:
    pcm = alsa.open_card("speaker", alsa.PLAYBACK, 9_600, 4)
    pcm.write(bytes(2 * 38_400))
    began_s = time.monotonic()
    alsa.close(pcm)
    alsa.close(pcm)
    assert time.monotonic() - began_s < seconds(0.4), "0.8 s are still to be played"


def test_a_card_that_is_unplugged_is_dead(bench: Bench) -> None:
    pcm = alsa.open_card("mic", alsa.CAPTURE, 960, 8)
    pcm.read()
    assert not alsa.is_dead(pcm) and not alsa.has_xrun(pcm)
    bench.devices["mic"].unplug()
    with pytest.raises(CardGone), alsa.errors("mic"):
        while True:
            pcm.read()
    assert alsa.is_dead(pcm)
    alsa.close(pcm)


def test_many_threads_that_find_no_card_do_not_wait_for_each_other(bench: Bench) -> None:
    """libasound tells of each failure while it holds a lock: a handler that wants the GIL would deadlock."""
    found: queue.Queue[str] = queue.Queue()

    def look() -> None:
        for _ in range(300):
            with pytest.raises(CardGone):
                alsa.granted("plughw:CARD=Nobody", capture=False)
        found.put("done")

    for _ in range(3):
        threading.Thread(target=look, daemon=True).start()
    assert [found.get(timeout=seconds(30)) for _ in range(3)] == ["done"] * 3


def test_the_cards_of_the_machine_are_named() -> None:
    assert all(isinstance(name, str) for name in alsa.cards())
