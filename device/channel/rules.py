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

# Per seat. 400 packets are two connections carrying the same 10 ms packets, twice over.
MAX_PACKETS_PER_S = 400
# Of the two rates that the documented SDKs name for all stream messages of a user, 6 and 30 kB a second, the newer and
# larger one; with 60 a second of at most 1 kB, in 5 streams.
MAX_MESSAGE_STREAMS = 5
MAX_MESSAGE_BYTES = 1_024
MAX_MESSAGES_PER_S = 60
MAX_MESSAGE_BYTES_PER_S = 30_000
# 50 requests are more than any client makes in a second, beside its stream messages, and few enough that a flood costs
# the hub nothing.
MAX_REQUESTS_PER_S = 50 + MAX_MESSAGES_PER_S
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
        example = "such as 0123456789abcdef0123456789abcdef"
        strange = sorted(set(app_id) - _HEXADECIMAL)
        found = f"{strange[0]!r} is none" if strange else f"this one {len(app_id)}"
        raise ValueError(f"an App ID has {APP_ID_CHARACTERS} hexadecimal characters, {example}; {found}")
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
        raise ValueError(f"a uid is 0 (the hub assigns one) to {UID_MAX}, not {uid}")
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


def check_message(data: bytes) -> bytes:
    """What one stream message may carry: 1 to 1,024 bytes."""
    if not 1 <= len(data) <= MAX_MESSAGE_BYTES:
        raise ValueError(f"a stream message has 1 to {MAX_MESSAGE_BYTES} bytes, this one {len(data)}")
    return data
