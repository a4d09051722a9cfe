"""Opening cards by real libasound and pyalsaaudio: what is granted, what is refused, and in which words."""

import os
import queue
import threading
import time
from errno import EACCES, EBUSY, ENODEV, ENOENT
from pathlib import Path

import alsaaudio
import pytest

from device.audio import alsa, holder
from device.audio.faults import CardBusy, CardDenied, CardGone, CardUnsupported
from tests.audio import recorded
from tests.audio.test_holder import holds
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


def test_a_probe_tells_the_same_and_leaves_the_card_free(bench: Bench) -> None:
    alsa.probe("mic", alsa.CAPTURE)
    alsa.probe("mic", alsa.CAPTURE)
    first = alsa.open_card("mic", alsa.CAPTURE, 960, 8)
    with pytest.raises(CardBusy):
        alsa.probe("mic", alsa.CAPTURE)
    alsa.close(first)
    for name in ("plughw:CARD=Nobody", "nobody"):
        with pytest.raises(CardGone):
            alsa.probe(name, alsa.PLAYBACK)


def rss_kb() -> int:
    return int(Path("/proc/self/status").read_text().split("VmRSS:")[1].split()[0])


def test_a_card_that_is_missing_for_an_hour_costs_no_memory(bench: Bench) -> None:
    """Two tries and a half a second; a few bytes each would be a few hundred kB."""

    def look(times: int) -> None:
        for _ in range(times):
            with pytest.raises(CardGone):
                alsa.probe("nobody", alsa.PLAYBACK)
            alsa.forget()

    look(1_000)
    before_kb = rss_kb()
    look(8_000)
    assert rss_kb() - before_kb < 300


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
    alsa.check(pcm, "mic")
    assert not alsa.has_xrun(pcm)
    bench.devices["mic"].unplug()
    with pytest.raises(CardGone), alsa.errors("mic"):
        while True:
            pcm.read()
    with pytest.raises(CardGone):
        alsa.check(pcm, "mic")
    alsa.close(pcm)


def test_many_threads_that_find_no_card_do_not_wait_for_each_other(bench: Bench) -> None:
    """libasound tells of each failure while it holds a lock: a handler that wants the GIL would deadlock. And the
    configuration is read anew while others are using it."""
    found: queue.Queue[str] = queue.Queue()

    def look() -> None:
        for _ in range(300):
            with pytest.raises(CardGone):
                alsa.granted("plughw:CARD=Nobody", capture=False)
            alsa.forget()
        found.put("done")

    for _ in range(3):
        threading.Thread(target=look, daemon=True).start()
    assert [found.get(timeout=seconds(30)) for _ in range(3)] == ["done"] * 3


def test_the_cards_of_the_machine_are_named() -> None:
    assert all(isinstance(name, str) for name in alsa.cards())


def answers(monkeypatch: pytest.MonkeyPatch, *given: list[str] | str) -> None:
    """alsaaudio.cards() answers or fails so, one after the other."""
    left = list(given)

    def cards() -> list[str]:
        answer = left.pop(0)
        if isinstance(answer, str):
            raise alsaaudio.ALSAAudioError(answer)
        return answer

    monkeypatch.setattr(alsaaudio, "cards", cards)


@pytest.mark.parametrize(
    "answer", [recorded.PI_4, recorded.PI_4_WITH_ITS_USB_CARD, recorded.PI_3_WITH_USB_CARDS, recorded.NONE]
)
def test_what_a_raspberry_pi_answers_is_what_is_told(monkeypatch: pytest.MonkeyPatch, answer: list[str]) -> None:
    answers(monkeypatch, answer)
    assert alsa.cards() == answer


def test_a_card_that_is_pulled_out_while_it_is_asked_for_its_name_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """pyalsaaudio opens one after the other, and fails altogether where one has gone."""
    answers(monkeypatch, f"{os.strerror(ENODEV)} [hw:3]", recorded.PI_4)
    assert alsa.cards() == recorded.PI_4
    answers(monkeypatch, *[f"{os.strerror(ENOENT)} [hw:3]"] * 3)
    assert alsa.cards() == []


def test_who_may_not_look_at_the_cards_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, f"{os.strerror(EACCES)} [hw:0]")
    with pytest.raises(CardDenied, match="add the user to group audio"):
        alsa.cards()


def test_a_busy_card_names_the_program_that_has_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, bench: Bench
) -> None:
    holds(tmp_path, "card1/pcm0p/sub0", 4_321, "aplay")
    monkeypatch.setattr(holder, "PROC", tmp_path)

    def busy(**asked: object) -> None:
        raise alsaaudio.ALSAAudioError(f"{os.strerror(EBUSY)} [plughw:1,0]")

    monkeypatch.setattr(alsaaudio, "PCM", busy)
    with pytest.raises(CardBusy, match=r"is used by aplay \(4321\); stop that program"):
        alsa.open_card("plughw:1,0", alsa.PLAYBACK, 960, 4)
    with pytest.raises(CardBusy, match="is used by another program"):
        alsa.open_card("plughw:1,0", alsa.CAPTURE, 960, 4)
