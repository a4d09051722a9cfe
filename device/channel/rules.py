"""Names and numbers that both ends of the wire agree on: App IDs, certificates, channel names, uids, labels, roles,
profiles.

Each check returns its argument, or raises ValueError with one sentence that says what is wrong and what would be right.
The rules are those of the documented voice-call SDK (channel names: 64 bytes of 89 characters; uid: unsigned 32 bit).
"""

import string
from enum import StrEnum

CHANNEL_MAX_BYTES = 64
CHANNEL_CHARACTERS = frozenset(string.ascii_letters + string.digits + " !#$%&()+-:;<=.>?@[]^_{}|~,")
LABEL_MAX_BYTES = 64
UID_MAX = 2**32 - 1
APP_ID_CHARACTERS = 32
CERTIFICATE_CHARACTERS = 32
_HEXADECIMAL = frozenset(string.hexdigits)

# RFC 7587 section 4.1: the RTP clock of Opus is 48 kHz, whatever was encoded.
RTP_CLOCK_HZ = 48_000
# Per seat. 400 packets are two connections carrying the same 10 ms packets, twice over; 50 requests are more than any
# client makes in a second, and few enough that a flood costs the hub nothing.
MAX_PACKETS_PER_S = 400
MAX_REQUESTS_PER_S = 50
# The longest text message: a rejoin with 1,000 known uids and a token is 14 kB.
MAX_TEXT_BYTES = 16_384

SUBPROTOCOL = "intercom.v1"
PATH = "/v1"


class Role(StrEnum):
    """What a participant may do: a broadcaster publishes and hears, an audience only hears."""

    BROADCASTER = "broadcaster"
    AUDIENCE = "audience"


class Profile(StrEnum):
    """What the roles of an App are for: in a communication everybody is a broadcaster, live has an audience, too."""

    COMMUNICATION = "communication"
    LIVE = "live"


def check_app_id(app_id: str) -> str:
    """An App ID: 32 hexadecimal characters."""
    if len(app_id) != APP_ID_CHARACTERS or not _HEXADECIMAL.issuperset(app_id):
        raise ValueError("an App ID has 32 hexadecimal characters, such as 0123456789abcdef0123456789abcdef")
    return app_id


def check_certificate(certificate: str) -> str:
    """The certificate of an App: 32 hexadecimal characters. It is a secret, which the message does not quote."""
    if len(certificate) != CERTIFICATE_CHARACTERS or not _HEXADECIMAL.issuperset(certificate):
        raise ValueError("the certificate of an App has 32 hexadecimal characters")
    return certificate


def check_channel(name: str) -> str:
    """A channel name: 1 to 64 bytes of the 89 allowed characters."""
    if not name:
        raise ValueError("a channel name is needed")
    strange = sorted(set(name) - CHANNEL_CHARACTERS)
    if strange:
        raise ValueError(f"a channel name cannot contain {strange[0]!r}")
    if len(name) > CHANNEL_MAX_BYTES:
        raise ValueError(f"a channel name has at most {CHANNEL_MAX_BYTES} bytes, this one has {len(name)}")
    return name


def check_uid(uid: int) -> int:
    """A uid: 0 (the hub assigns one) to 2^32 - 1."""
    if not 0 <= uid <= UID_MAX:
        raise ValueError(f"a uid is 0 (the hub assigns one) to {UID_MAX}")
    return uid


def check_label(label: str) -> str:
    """What people read: at most 64 bytes of UTF-8, no control characters."""
    try:
        size_bytes = len(label.encode())
    except UnicodeEncodeError as error:  # a lone surrogate, which JSON can carry and UTF-8 cannot
        raise ValueError("a label is text that UTF-8 can carry") from error
    if size_bytes > LABEL_MAX_BYTES:
        raise ValueError(f"a label has at most {LABEL_MAX_BYTES} bytes, this one has {size_bytes}")
    if not label.isprintable():
        raise ValueError("a label cannot contain control characters")
    return label
