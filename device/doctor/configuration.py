"""Whether the configuration can be used. PURE."""

from collections.abc import Sequence

from device.doctor.finding import Finding, Verdict

CHECK = "configuration"


def judge(mistakes: Sequence[str], doubts: Sequence[str] = (), file: str = "it") -> list[Finding]:
    """A finding for each; one line each, a doubt with what to do behind its semicolon."""
    if not mistakes and not doubts:
        return [Finding(CHECK, Verdict.OK, f"no mistake in {file}")]
    if not mistakes:
        parts = (doubt.partition("; ") for doubt in doubts)
        return [Finding(CHECK, Verdict.WARN, found, remedy) for found, _, remedy in parts]
    return [Finding(CHECK, Verdict.FAIL, mistake, _remedy(mistake)) for mistake in mistakes]


def _remedy(mistake: str) -> str:
    if "ermission denied" in mistake:
        return "the doctor may not read it: sudo -u intercom intercomd doctor, or sudo intercomd doctor"
    return "correct it; intercomd config checks it again"
