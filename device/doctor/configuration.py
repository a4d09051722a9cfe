"""Whether the configuration can be used. PURE."""

from collections.abc import Sequence

from device.doctor.finding import Finding, Verdict

CHECK = "configuration"
_NONE = "there is no configuration"


def judge(mistakes: Sequence[str], doubts: Sequence[str] = (), file: str = "it", runs: bool = False) -> list[Finding]:
    """A finding for each; one line each, a doubt with what to do behind its semicolon. runs: an intercom does."""
    if not mistakes and not doubts:
        return [Finding(CHECK, Verdict.OK, f"no mistake in {file}")]
    if not mistakes:
        parts = (doubt.partition("; ") for doubt in doubts)
        return [Finding(CHECK, Verdict.WARN, found, remedy) for found, _, remedy in parts]
    return [_fail(mistake, runs) for mistake in mistakes]


def _fail(mistake: str, runs: bool) -> Finding:
    if not mistake.startswith(_NONE):
        return Finding(CHECK, Verdict.FAIL, mistake, _remedy(mistake))
    found, _, remedy = mistake.partition("; ")
    return Finding(
        CHECK, Verdict.FAIL, found, "the intercom that runs has one: name it by --config" if runs else remedy
    )


def _remedy(mistake: str) -> str:
    if "ermission denied" in mistake:
        return "the doctor may not read it: sudo -u intercom intercomd doctor, or sudo intercomd doctor"
    return "correct it; intercomd config checks it again"
