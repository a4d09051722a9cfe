"""Whether the audio threads get real-time priority."""

from collections.abc import Mapping
from typing import Any

from device.audio import realtime
from device.doctor.finding import Finding, Verdict

CHECK = "real-time priority"


def look(status: Mapping[str, Any] | None) -> bool:
    """Whether the audio threads of the running intercom have it, or, without one, whether the doctor gets it."""
    if status is not None:
        return all(status[way]["realtime"] for way in ("capture", "playback"))
    granted = realtime.ask()
    if granted:
        realtime.give_back()
    return granted


def judge(granted: bool, running: bool) -> Finding:
    """running: it is the intercom that was looked at."""
    whose = "the intercom has it" if running else "it is granted"
    if granted:
        return Finding(CHECK, Verdict.OK, f"{whose} (SCHED_FIFO {realtime.PRIORITY})")
    whose = "the intercom does not have it" if running else "it is not granted to this user"
    remedy = "sound may stutter under load: run it by its unit (LimitRTPRIO=20), or allow rtprio in limits.conf"
    return Finding(CHECK, Verdict.WARN, whose, remedy)
