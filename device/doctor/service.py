"""Whether an intercom runs here, and how it is. PURE."""

from collections.abc import Mapping
from typing import Any

from device.channel import errors
from device.doctor.finding import Finding, Verdict

CHECK = "service"
_REMEDIES = {
    errors.UID_CONFLICT: "give one of the two another uid in [channel], or take the seat back: intercomd rejoin",
}
_WELL = ("in-call", "left")


def judge(status: Mapping[str, Any] | None, silence: str, alone: bool = False) -> Finding:
    """status: of the running intercom, None without one; silence: why there is none; alone: none runs."""
    if status is None and not alone:
        found, _, remedy = silence.replace("; ", ": ", 1).partition(": ")
        return Finding(CHECK, Verdict.WARN, found, remedy)
    if status is None:
        remedy = "start it: sudo systemctl start intercomd where it is installed, scripts/run in a checkout"
        return Finding(CHECK, Verdict.WARN, "no intercom is running here", remedy)
    problem = status["problem"]
    found = f"an intercom is running, {status['state']} in {status['channel']}"
    figures = {"state": status["state"], "uid": status["uid"]}
    if problem is not None:
        remedy = _REMEDIES.get(problem["code"], "see the checks of the hub below")
        return Finding(CHECK, Verdict.WARN, f"{found}: {problem['reason']} ({problem['code']})", remedy, figures)
    if status["state"] not in _WELL:
        return Finding(CHECK, Verdict.WARN, found, "see the checks of the hub below", figures)
    return Finding(CHECK, Verdict.OK, found, figures=figures)
