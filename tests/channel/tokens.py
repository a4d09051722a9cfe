"""Tokens for tests: of an App, a channel and a moment that are the same everywhere, and wrong where a test wants it."""

import base64
import hmac
import json
import struct
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from device.channel import token006, token007

APP_ID = "0123456789abcdef0123456789ABCDEF"
CERTIFICATE = "fedcba9876543210FEDCBA9876543210"
SECONDARY = "00112233445566778899aabbccddeeff"
CHANNEL, UID = "kitchen", 1001
MADE_S = 1_700_000_000
LASTS_S = 3_600
EVERYTHING = (1, 2, 3, 4)

_VECTORS: dict[str, Any] = json.loads(Path(__file__).with_name("token_vectors.json").read_text())
ACCEPTED: list[dict[str, Any]] = _VECTORS["accepted"]
REFUSED: list[dict[str, Any]] = _VECTORS["refused"]


def of_005(
    channel: str = CHANNEL,
    uid: int = UID,
    *,
    made_s: int = MADE_S,
    ends_s: int = MADE_S + LASTS_S,
    service: int = 1,
    extra: bytes = b"\0\0",
    follows: bytes = b"",
    certificate: str = CERTIFICATE,
) -> str:
    """A Channel Key, which the product only verifies. follows: after its end."""
    app_id = bytes.fromhex(APP_ID)
    begin = struct.pack("<H", service), struct.pack("<H", 16) + app_id + struct.pack("<II", made_s, 7)
    where = struct.pack("<H", len(channel)) + channel.encode() + struct.pack("<I", uid)
    end = struct.pack("<I", ends_s) + extra
    key = bytes.fromhex(certificate)
    signature = hmac.digest(key, begin[0] + begin[1] + where + end, "sha1").hex().upper().encode()
    content = begin[0] + struct.pack("<H", 40) + signature + begin[1] + end + follows
    return "005" + base64.b64encode(content).decode()


def of_006(
    channel: str = CHANNEL,
    uid: int | str = UID,
    *,
    privileges: Mapping[int, int] = dict.fromkeys(EVERYTHING, MADE_S + LASTS_S),
    ends_s: int = MADE_S + 86_400,
    certificate: str = CERTIFICATE,
) -> str:
    return token006.build(APP_ID, certificate, channel, uid, privileges, ends_s, 7)


def of_007(
    channel: str = CHANNEL,
    uid: int | str = UID,
    *,
    privileges: Mapping[int, int] = dict.fromkeys(EVERYTHING, LASTS_S),
    made_s: int = MADE_S,
    lasts_s: int = LASTS_S,
    certificate: str = CERTIFICATE,
) -> str:
    return token007.build(APP_ID, certificate, channel, uid, privileges, made_s, lasts_s, 7)


def sealed_007(services: bytes, count: int, *, lasts_s: int = LASTS_S, certificate: str = CERTIFICATE) -> str:
    """A genuine token with anything in it."""
    info = struct.pack("<H", 32) + APP_ID.encode() + struct.pack("<IIIH", MADE_S, lasts_s, 7, count) + services
    key = hmac.digest(struct.pack("<I", MADE_S), certificate.encode(), "sha256")
    signature = hmac.digest(hmac.digest(struct.pack("<I", 7), key, "sha256"), info, "sha256")
    return "007" + base64.b64encode(zlib.compress(struct.pack("<H", 32) + signature + info)).decode()


def service(kind: int, privileges: Mapping[int, int], *texts: str | bytes, follows: bytes = b"") -> bytes:
    """One service as it stands in 007."""
    entries = b"".join(struct.pack("<HI", *entry) for entry in privileges.items())
    tail = b"".join(struct.pack("<H", len(text)) + (text.encode() if isinstance(text, str) else text) for text in texts)
    return struct.pack("<HH", kind, len(privileges)) + entries + tail + follows
