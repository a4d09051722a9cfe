"""Whether an intercom runs here, and how it is. PURE."""

from collections.abc import Mapping
from typing import Any

from device.doctor.finding import Finding, Verdict

CHECK = "service"
_WELL = ("in-call", "left")


def judge(status: Mapping[str, Any] | None, silence: str) -> Finding:
    """status: of the running intercom, None without one; silence: why there is none."""
    if status is None and "permission" in silence:
        found, _, remedy = silence.partition(": ")
        return Finding(CHECK, Verdict.WARN, found, remedy)
    if status is None:
        remedy = "start it: sudo systemctl start intercomd, or intercomd run"
        return Finding(CHECK, Verdict.WARN, "no intercom is running here", remedy)
    problem = status["problem"]
    found = f"an intercom is running, {status['state']} in {status['channel']}"
    figures = {"state": status["state"], "uid": status["uid"]}
    if problem is not None:
        remedy = "see the checks of the hub below"
        return Finding(CHECK, Verdict.WARN, f"{found}: {problem['reason']} ({problem['code']})", remedy, figures)
    if status["state"] not in _WELL:
        return Finding(CHECK, Verdict.WARN, found, "see the checks of the hub below", figures)
    return Finding(CHECK, Verdict.OK, found, figures=figures)
