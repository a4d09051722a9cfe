"""Whether the microphone hears something. PURE."""

from device.audio.meter import CLIPPING_SHARE, DEAF_DBFS, VERY_LOW_DBFS
from device.audio.selftest import Result
from device.doctor.finding import Finding, Verdict

CHECK = "microphone"


def judge(result: Result | None, why_not: str) -> Finding:
    """result: of the self-test, whose level is that of the room before the chirp; None where there was none."""
    if result is None:
        return Finding(CHECK, Verdict.WARN, f"not tested: {why_not}", "try again afterwards")
    level_dbfs = result.level_dbfs
    figures = {"level_dbfs": level_dbfs, "clipped_share": round(result.clipped_share, 4)}
    if level_dbfs <= DEAF_DBFS:
        found = f"digital silence ({level_dbfs:.0f} dBFS): deaf, or disconnected"
        remedy = "look at its plug and its switch, and at the capture switch in alsamixer (F4)"
        return Finding(CHECK, Verdict.FAIL, found, remedy, figures)
    if result.clipped_share > CLIPPING_SHARE:
        found = f"{100 * result.clipped_share:.1f} % of it is clipped ({level_dbfs:.0f} dBFS)"
        return Finding(CHECK, Verdict.WARN, found, "turn its gain down: alsamixer, F4", figures)
    if level_dbfs < VERY_LOW_DBFS:
        found = f"it hears {level_dbfs:.0f} dBFS, which is very low"
        return Finding(CHECK, Verdict.WARN, found, "in a quiet room that may be; else turn its gain up: alsamixer, F4",
                       figures)  # fmt: skip
    return Finding(CHECK, Verdict.OK, f"it hears {level_dbfs:.0f} dBFS", figures=figures)
