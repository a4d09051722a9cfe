"""What happens outside of a running intercom, with real processes: what comes of the call, of mute, uid and channel.

How long it takes is measured by scripts/bench faults; here is what has to hold however slow the machine is.
"""

import signal
import time
from typing import Any

import numpy as np

from tests.call import Call, Party
from tests.soundcard import chirps
from tests.test_app import hears
from tests.timing import until

SECOND = 48_000


def place(party: Party) -> tuple[Any, ...]:
    """What nothing that happens may change."""
    status = party.daemon.ask("status")
    return status["uid"], status["channel"], status["muted"], status["volume"]


def talker_uids(party: Party) -> list[int]:
    return [talker["uid"] for talker in party.daemon.ask("status")["talkers"]]


def nothing_old(mouth: Party, ear: Party, begin: int, at: np.ndarray[Any, np.dtype[np.int64]]) -> bool:
    """Whether each chirp that this ear sounded was spoken less than 0.65 s before: 0.5 s, and the normal way."""
    spoken = [mouth.mic.time_ns(begin + int(frame)) for frame in at]
    tape = ear.spk.got(0, ear.spk.stats()["played_end"])
    step, heard = SECOND // 20, []
    for frame in range(int(ear.spk.frame(spoken[0])), len(tape), step):
        found = chirps.find(tape[frame : frame + step + chirps.CHIRP_FRAMES])
        if found is not None:
            heard.append(ear.spk.time_ns(frame + found))
    assert heard, "nothing was heard at all"
    return all(any(0 <= (when - said) / 1e9 < 0.65 for said in spoken) for when in heard)


def test_a_card_that_is_unplugged_leaves_the_seat_the_stream_and_mute_as_they_were() -> None:
    with Call() as call:
        first, second = call.parties
        before = place(first)
        (uid,) = talker_uids(second)
        second.daemon.ask("mute")
        for device in (first.mic, first.spk):
            device.unplug()
        until(lambda: first.daemon.ask("status")["capture"]["state"] == "absent")
        until(lambda: first.daemon.ask("status")["playback"]["state"] == "absent")
        assert place(first) == before
        assert first.daemon.ask("status")["state"] == "in-call"
        for device in (first.mic, first.spk):
            device.set_ppm(300)  # it is another device that has this name now
            device.plug()
        until(lambda: first.daemon.ask("status")["microphone_open"])
        until(lambda: first.daemon.ask("status")["playback"]["state"] == "running")
        assert hears(first.mic, second.spk).missed == 0
        assert hears(second.mic, first.spk).missed == 3, "it is muted"
        assert (place(first), talker_uids(second)) == (before, [uid])
        assert first.daemon.ask("status")["link"]["reconnects"] == 0
        warned = [line for line in first.daemon.log if "WARNING" in line and "trying on" in line]
        assert len(warned) == 2, "one line for each way"


def test_a_process_that_was_stopped_goes_on_with_nothing_old_and_its_mute() -> None:
    with Call() as call:
        first, second = call.parties
        second.daemon.ask("mute")
        before = place(first), place(second)
        sound, at = chirps.stimulus(14)
        begin = round(first.mic.frame()) + SECOND // 10
        for party in (first, second):
            party.mic.put(sound, begin)
        until(lambda: first.mic.frame() > begin + SECOND)
        second.daemon.send_signal(signal.SIGSTOP)
        time.sleep(1.5)
        second.daemon.send_signal(signal.SIGCONT)
        until(lambda: first.mic.frame() > begin + len(sound) + SECOND // 2, within_s=30)
        assert nothing_old(first, second, begin, at)
        last = chirps.measure(first.mic, second.spk, begin, at[-4:])
        assert last.missed == 0
        assert chirps.measure(second.mic, first.spk, begin, at).missed == len(at), "it was muted all the time"
        assert (place(first), place(second)) == before


def test_one_that_is_killed_and_started_again_has_its_seat_its_uid_and_its_mute_and_the_others_see_no_ghost() -> None:
    with Call() as call:
        first, second = call.parties
        uids = talker_uids(second)
        first.daemon.ask("mute")
        first.daemon.ask("volume", volume=60)
        saved = first.state / "state.json"
        until(lambda: '"muted": true' in saved.read_text() and '"volume": 60' in saved.read_text())
        before = place(first)
        first.daemon.kill()
        call.restart(0)
        assert place(first) == before
        assert hears(first.mic, second.spk).missed == 3
        first.daemon.ask("unmute")
        assert hears(first.mic, second.spk).missed == 0
        assert talker_uids(second) == uids
        session = saved.read_text().split('"session": "')[1].split('"')[0]
        assert not [line for line in (*first.daemon.log, *call.hub.log) if session in line]
        assert session not in str(first.daemon.ask("status"))
