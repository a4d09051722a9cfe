"""Whether the microphone hears the speaker. PURE."""

from device.audio.selftest import Result, Verdict
from device.doctor import finding
from device.doctor.finding import Finding

CHECK = "speaker to microphone"
_MUTE = (
    "look at the speaker's plug, amplifier and volume (alsamixer); "
    "a speakerphone that cancels its own echo never hears itself"
)


def judge(result: Result | None, why_not: str) -> Finding:
    """result: of the self-test, None where there was none."""
    if result is None:
        return Finding(CHECK, finding.Verdict.WARN, f"not tested: {why_not}", "try again afterwards")
    figures = {
        "loop": result.verdict.value, "level_dbfs": result.level_dbfs, "loop_dbfs": result.loop_dbfs,
        "delay_ms": result.delay_ms,
    }  # fmt: skip
    match result.verdict:
        case Verdict.FINE:
            found = f"fine: heard at {result.loop_dbfs:.0f} dBFS after {result.delay_ms:.0f} ms"
            return Finding(CHECK, finding.Verdict.OK, found, figures=figures)
        case Verdict.MUTE:
            found = "mute: the microphone works, and does not hear the speaker"
            return Finding(CHECK, finding.Verdict.FAIL, found, _MUTE, figures)
        case Verdict.DEAF:
            found = "deaf: the microphone delivers nothing"
            return Finding(CHECK, finding.Verdict.FAIL, found, "see the microphone above", figures)
    found = f"unclear: {result.why}"
    return Finding(CHECK, finding.Verdict.WARN, found, "try again in a quiet moment", figures)
