"""Whether those in the call hear themselves: what is done about the echo of this box."""

from collections.abc import Mapping
from typing import Any

from device.audio import echo
from device.audio.selftest import Result
from device.audio.selftest import Verdict as Loop
from device.config import Config
from device.doctor.finding import Finding, Verdict

CHECK = "echo"
_NOTHING = 'set echo = "auto" in [audio], or half_duplex = true in [gate]'


def look(status: Mapping[str, Any] | None, config: Config) -> tuple[str, str]:
    """What the running intercom does about it, or would do; and what a better way lacks."""
    canceller, missing = echo.find(config.audio.echo)
    if status is not None:
        return str(status["echo"]), "; ".join(missing)
    if canceller is not None:
        return canceller.name, "; ".join(missing)
    half_duplex = config.gate.half_duplex or config.audio.echo != echo.OFF
    return echo.HALF_DUPLEX if half_duplex else echo.OFF, "; ".join(missing)


def judge(doing: str, missing: str, loop: Result | None) -> Finding:
    """loop: of the self-test, which tells whether the microphone hears the speaker; None without one."""
    figures = {"echo": doing}
    if doing == echo.OFF:
        if loop is not None and loop.verdict is Loop.FINE:
            found = "the microphone hears the speaker, and nothing takes that out: the others hear themselves"
            return Finding(CHECK, Verdict.WARN, found, _NOTHING, figures)
        return Finding(CHECK, Verdict.OK, "nothing is done about it", figures=figures)
    if doing == echo.HALF_DUPLEX:
        found = "half-duplex: nothing is sent while others are heard"
        return Finding(CHECK, Verdict.WARN if missing else Verdict.OK, found, missing, figures)
    return Finding(CHECK, Verdict.OK, f"taken out by {doing}", figures=figures)


def judge_noise(config: Config) -> list[Finding]:
    """Whether what is wanted of noise and gain can be done; nothing where nothing is."""
    audio = config.audio
    tasks = echo.Tasks(False, audio.noise, audio.gain)
    maker, missing = echo.find(audio.echo, audio.noise, audio.gain)
    if not any(tasks):
        return []
    if maker is None:
        return [Finding(str(tasks), Verdict.WARN, "nothing is done about it", "; ".join(missing))]
    return [Finding(str(tasks), Verdict.OK, f"by {maker.name}")]
