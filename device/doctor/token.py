"""The token to join with: whether there is one, whether it can be read, and until when it says it is valid.

Only what a token says of itself is read, and nobody's signature is checked: that is the hub's to do. Nothing but times
ever leaves this file.
"""

import base64
import struct
import time
import zlib
from pathlib import Path

from device.doctor.finding import Finding, Verdict
from device.service import systemd

CHECK = "token"
# Where the unit of the service finds one (LoadCredential=).
SERVICE_TOKEN = Path("/etc/intercomd/token")
_MOST_BYTES = 4_096
_APP_ID_BYTES = 32


def look(token_file: str, service_token: Path = SERVICE_TOKEN) -> tuple[str, str]:
    """(the token, "" without one; why it cannot be read, "" where it can). The token is for the hub's eyes alone."""
    place = Path(token_file) if token_file else systemd.credential("token") or service_token
    try:
        return place.read_text("utf-8").strip(), ""
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


def valid_until_s(token: str) -> int | None:
    """When it ends by its own account, seconds since 1970; None for one whose account cannot be read.

    006 (AccessToken): its own end. 007 (AccessToken2): when it was issued and for how long. 005 does not say.
    """
    try:
        if token.startswith("006"):
            return _end_of_006(base64.b64decode(token[3 + _APP_ID_BYTES :], validate=True))
        if token.startswith("007"):
            packed = base64.b64decode(token[3:], validate=True)
            return _end_of_007(zlib.decompressobj().decompress(packed, _MOST_BYTES))
    except (ValueError, struct.error, zlib.error):
        pass
    return None


def _end_of_006(content: bytes) -> int:
    """signature (length and bytes), two checksums, length of the message, salt, end; little-endian."""
    (signature_bytes,) = struct.unpack_from("<H", content)
    end: int = struct.unpack_from("<IIHII", content, 2 + signature_bytes)[4]
    return end


def _end_of_007(content: bytes) -> int:
    """signature and App ID (length and bytes each), issued, seconds; little-endian."""
    (signature_bytes,) = struct.unpack_from("<H", content)
    (app_id_bytes,) = struct.unpack_from("<H", content, 2 + signature_bytes)
    issued, lasts_s = struct.unpack_from("<II", content, 4 + signature_bytes + app_id_bytes)
    return int(issued + lasts_s)
