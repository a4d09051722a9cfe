"""The token to join with: whether there is one, whether it can be read, and until when it says it is valid.

Only what a token says of itself is read, and nobody's signature is checked: that is the hub's to do. Nothing but times
ever leaves this file.
"""

import time
from pathlib import Path

from device.channel.token import read
from device.channel.token_wire import Refused
from device.doctor.finding import Finding, Verdict
from device.service import systemd

CHECK = "token"
# Where the unit of the service finds one (LoadCredential=).
SERVICE_TOKEN = Path("/etc/intercomd/token")


def look(token_file: str, service_token: Path = SERVICE_TOKEN) -> tuple[str, str]:
    """(the token, "" without one; why it cannot be read, "" where it can). The token is for the hub's eyes alone."""
    place = Path(token_file) if token_file else systemd.credential("token") or service_token
    try:
        token = place.read_text("utf-8").strip()
        return token, "" if token or place == service_token else "the file is empty"
    except FileNotFoundError:
        return "", "" if place == service_token else "the file is missing"
    except UnicodeDecodeError:
        return "", "it is no text"
    except OSError as error:
        return "", error.strerror or "it cannot be read"


def judge(token: str, problem: str, now_s: float) -> Finding:
    """now_s: seconds since 1970."""
    if problem:
        remedy = "give the user of the intercom the right to read it, or run the doctor as that user"
        return Finding(CHECK, Verdict.WARN, f"there is one that cannot be read: {problem}", remedy)
    if not token:
        return Finding(CHECK, Verdict.OK, "none is configured")
    until_s = valid_until_s(token)
    if until_s is None:
        return Finding(CHECK, Verdict.OK, "there is one; until when it is valid cannot be told here")
    when = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(until_s))
    figures = {"valid_for_s": round(until_s - now_s)}
    if until_s <= now_s:
        return Finding(CHECK, Verdict.FAIL, f"it was valid until {when}", "get a new one, or set the clock", figures)
    return Finding(CHECK, Verdict.OK, f"it says it is valid until {when}", figures=figures)


def valid_until_s(token: str) -> float | None:
    """Until when one can join with it by its own account, seconds since 1970; None for one that cannot be read."""
    try:
        return read(token).usable_until_s
    except Refused:
        return None
