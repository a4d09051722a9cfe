"""The demo of scripts/run on a machine without a sound card: two intercoms on the virtual one, and a hub.

One device is spoken to, the other is listened to. The report says what the second one's speaker really sounded: how
well (PESQ), how late, and with which gaps. Exits 0 when the call was good, 1 when it was not, and says so.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from device.service.status import line
from tests.call import Call
from tests.daemon import Daemon
from tests.soundcard import Samples, picture, quality, speech
from tests.soundcard.quality import Heard
from tests.soundcard.speech import RATE, Speech

SENTENCES = 3
# A call is good with speech as clear as telephones have it at their best, and an answer at once. A machine that had
# something better to do for a moment is told of as a gap, and is no reason to send a newcomer away.
GOOD_PESQ, GOOD_OFFSET_MS, GOOD_MISSING_MS = 3.0, 150.0, 100.0
SHOW_EVERY_S = 0.2


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="scripts/run", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--picture", type=Path, default=Path("intercomd-demo.png"), help="where to draw the waveforms")
    options = parser.parse_args()
    try:
        options.picture.open("ab").close()
    except OSError as error:
        parser.error(f"--picture {options.picture}: {error.strerror}")
    print(f"Two intercoms and a hub. The first intercom hears {SENTENCES} spoken sentences.", flush=True)
    try:
        wrong = _demonstrate(options.picture)
    except AssertionError as error:  # a process that ended, or what did not come about in time
        print(error)
        wrong = "there was no call, or it did not last; the lines above say why"
    print(f"FAILED: {wrong}" if wrong else "OK: the call went through")
    return 1 if wrong else 0


def _demonstrate(drawing: Path) -> str:
    """A call, its report and its picture; what was not good about it, "" where nothing was."""
    spoken = speech.speech(SENTENCES)
    with Call() as call:
        print(f"hub: process {call.hub.pid} at {call.hub.url}", flush=True)
        xruns = call.xruns()
        heard, sounded = _say(call, spoken)
        if (wrong := failure(heard)) and call.hub.alive and call.xruns() > xruns:
            print(f"{wrong}; but a sound card ran dry, as this machine had something else to do: once more")
            heard, sounded = _say(call, spoken)
        ended = over(call.hub.alive, [party.daemon.ask("status")["state"] for party in call.parties])
    wrong = "; ".join(reason for reason in (ended, failure(heard)) if reason)
    print(*_report(heard, spoken), sep="\n")
    _draw(drawing, spoken, sounded, heard, wrong or "what was said, and what was heard")
    print(f"picture: {drawing}")
    return wrong


def _say(call: Call, spoken: Speech) -> tuple[list[Heard], Samples]:
    """Speak to the first intercom; each sentence as the second one sounded it, and all that it sounded."""
    mouth, ear = call.parties
    begin = round(mouth.mic.frame()) + RATE // 2
    mouth.mic.put(spoken.samples, begin)
    _watch(ear.daemon, until_s=time.monotonic() + 0.5 + len(spoken.samples) / RATE + 0.5)
    from_frame = round(ear.spk.frame(mouth.mic.time_ns(begin)))
    sounded = ear.spk.got(from_frame, from_frame + len(spoken.samples))
    return quality.judge(mouth.mic, ear.spk, begin, spoken), sounded


def over(hub_lives: bool, states: list[str]) -> str:
    """Why there is no call any more, though all was heard; "" where there is. states: of both intercoms."""
    if not hub_lives:
        return "the hub ended before the call did"
    gone = [
        f"the {name} intercom is {state}"
        for name, state in zip(("first", "second"), states, strict=True)
        if state != "in-call"
    ]
    return " and ".join(gone)


def failure(heard: list[Heard]) -> str:
    """What was not good about a call of which this was heard, "" where nothing was."""
    if all(np.isnan(one.offset_ms) for one in heard):
        return "the second intercom heard nothing of what the first one said"
    missing_ms = sum(gap.length_ms for one in heard for gap in one.gaps)
    if missing_ms > GOOD_MISSING_MS:
        return f"{missing_ms:.0f} ms of what the first intercom said were not heard by the second one"
    latest_ms, usual = max(one.offset_ms for one in heard), statistics.median(one.pesq for one in heard)
    if latest_ms > GOOD_OFFSET_MS:
        return f"it was heard {latest_ms:.0f} ms late, more than {GOOD_OFFSET_MS:.0f} ms"
    return f"median PESQ {usual:.2f}, less than {GOOD_PESQ}" if usual < GOOD_PESQ else ""


def _watch(daemon: Daemon, until_s: float) -> None:
    """One live line of what the listening device says of itself; on a terminal it is written over itself."""
    shown = ""
    while time.monotonic() < until_s:
        status = daemon.ask("status")
        if sys.stdout.isatty():
            print(f"\r\x1b[K{line(status)}", end="", flush=True)
        elif status["state"] != shown:
            print(line(status), flush=True)
        shown = status["state"]
        time.sleep(SHOW_EVERY_S)
    print(flush=True)


def _report(heard: list[Heard], spoken: Speech) -> Iterator[str]:
    yield "from what the second intercom's speaker sounded:"
    for one in heard:
        if np.isnan(one.offset_ms):
            yield f"  nothing of it was heard  | {one.text}"
            continue
        gaps = ", ".join(f"{gap.length_ms:.0f} ms at {gap.at_ms / 1e3:.1f} s" for gap in one.gaps) or "none"
        yield f"  PESQ {one.pesq:.2f}  STOI {one.stoi:.2f}  offset {one.offset_ms:.1f} ms  gaps: {gaps}  | {one.text}"
    yield f"  median PESQ {statistics.median(one.pesq for one in heard):.2f} of at most 4.64"


def _draw(path: Path, spoken: Speech, sounded: Samples, heard: list[Heard], verdict: str) -> None:
    offsets = [one.offset_ms for one in heard if not np.isnan(one.offset_ms)]
    gaps = [
        quality.Gap(sentence.first_frame * 1_000 / RATE + gap.at_ms, gap.length_ms)
        for sentence, one in zip(spoken.sentences, heard, strict=True)
        for gap in one.gaps
    ]
    offset_ms = statistics.median(offsets) if offsets else float("nan")
    picture.draw(path, spoken.samples, sounded, title=verdict, offset_ms=offset_ms, gaps=gaps)


if __name__ == "__main__":
    sys.exit(main())
