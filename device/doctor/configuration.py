"""Whether the configuration can be used. PURE."""

from collections.abc import Sequence

from device.doctor.finding import Finding, Verdict

CHECK = "configuration"


def judge(mistakes: Sequence[str]) -> list[Finding]:
    """A finding for each mistake; one line each."""
    if not mistakes:
        return [Finding(CHECK, Verdict.OK, "no mistake in it")]
    return [Finding(CHECK, Verdict.FAIL, mistake, _remedy(mistake)) for mistake in mistakes]


def _remedy(mistake: str) -> str:
    if "ermission denied" in mistake:
        return "the doctor may not read it: sudo -u intercom intercomd doctor, or sudo intercomd doctor"
    return "correct it; intercomd config checks it again"
