"""Whether this machine's clock can be right: tokens and TLS certificates are valid for a time."""

import time
from collections.abc import Mapping
from pathlib import Path

from device.doctor.finding import Finding, Verdict

CHECK = "clock"
# Nothing of this was written before: a clock that is behind it has not been set since power-on.
BUILD_YEAR = 2026
APART_S = 30.0
_SET = "sudo timedatectl set-ntp true (systemd-timesyncd), and wait until timedatectl says synchronized"
SYNCHRONIZED = Path("/run/systemd/timesync/synchronized")


def look() -> tuple[float, bool]:
    """(seconds since 1970, whether timesyncd has set this clock since the start)."""
    return time.time(), SYNCHRONIZED.exists()


def judge(now_s: float, synchronized: bool, hubs_ahead_s: Mapping[str, float]) -> Finding:
    """hubs_ahead_s: how far the clock of each hub is ahead of ours, by its address."""
    told = time.gmtime(now_s)
    found = time.strftime("%Y-%m-%d %H:%M UTC", told) + (", synchronized" if synchronized else "")
    farthest = max(hubs_ahead_s.items(), key=lambda item: abs(item[1]), default=None)
    figures = {"clock_ahead_s": -farthest[1] if farthest else None, "synchronized": synchronized}
    if told.tm_year < BUILD_YEAR:
        return Finding(CHECK, Verdict.FAIL, f"{found}: that is long ago", _SET, figures)
    if farthest is None:
        return Finding(CHECK, Verdict.OK, f"{found}; no hub to compare it with", figures=figures)
    hub, ahead_s = farthest
    found += f", {abs(ahead_s):.0f} s {'behind' if ahead_s > 0 else 'ahead of'} {hub}"
    if abs(ahead_s) > APART_S:
        remedy = "set this one, or that of the hub: " + _SET
        return Finding(CHECK, Verdict.WARN, found, remedy, figures)
    return Finding(CHECK, Verdict.OK, found, figures=figures)
