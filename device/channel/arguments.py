"""What programs hand over to `Client`, checked with the words of the documented SDK; its errors carry no code. PURE.

Each returns what is meant, or raises ValueError with exactly the text of that SDK where it has one. What would be right
stands in a note below it (`__notes__`, which a traceback shows).
"""

from collections.abc import Iterable

from device.channel import rules

# More than a channel holds; the hub takes no longer list (messages.MAX_KNOWN_UIDS).
MAX_UIDS = 1_000
# What can be muted. There is no video here: to mute it is accepted and changes nothing.
TARGETS = ("audio", "video", "all")


def _wrong(text: str, what_is_right: str) -> ValueError:
    error = ValueError(text)
    error.add_note(what_is_right)
    return error


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip()) and value.strip().lower() != "null"


def app_id(value: str) -> str:
    """Spaces around it do not count. It has to look like an App ID; whether a hub serves it shows at `join`."""
    if not _is_text(value):
        raise _wrong("Invalid appId", "an App ID has 32 hexadecimal characters")
    try:
        return rules.check_app_id(value.strip())
    except ValueError as error:
        raise _wrong("Invalid appId", str(error)) from None


def channel_key(value: str | None) -> str:
    """A token; None and "" are no token. It is a secret, which no error quotes."""
    if not value:
        return ""
    if not _is_text(value):
        raise _wrong("Invalid channelKey", "a token is a text, or None where the App has no certificate")
    return value


def renewed_key(value: str) -> str:
    """A token in place of another one: there has to be one."""
    if not channel_key(value):
        raise _wrong("Invalid channelKey", "a token is needed")
    return value


def channel(value: str) -> str:
    """1 to 64 bytes: the older client lets 128 characters pass, which its own servers refuse."""
    if not _is_text(value):
        raise _wrong("Invalid channel", "a channel name is a text, and not null")
    try:
        return rules.check_channel(value)
    except ValueError as error:
        raise _wrong("Invalid channel", str(error)) from None


def own_uid(value: int | str | None, uid_type: int = 0) -> int:
    """1 to 2^32 - 1, also as decimal digits; None and 0: the hub assigns one, and `join` returns it.

    uid_type: 0. Names in place of numbers (1) are not offered: the uid is the SSRC of the packets.
    """
    if uid_type == 1 and not (isinstance(value, str) and value.strip()):
        raise _wrong("uid empty", "a name in place of a number, which are not offered either")
    if uid_type != 0:
        raise _wrong("Invalid uid type", "uid_type 0: names in place of numbers are not offered")
    if value is None:
        return 0
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= 10:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= rules.UID_MAX:
        raise _wrong("Invalid uid type", f"a uid is 1 to {rules.UID_MAX}, or None: the hub assigns one")
    return value


def somebody(value: int) -> int:
    """The uid of somebody else, a number: 1 to 2^32 - 1."""
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= rules.UID_MAX:
        raise _wrong("Invalid uid type", f"a uid of somebody is a number, 1 to {rules.UID_MAX}")
    return value


def uids(values: object) -> tuple[int, ...]:
    """Those that `rejoin` names."""
    if not isinstance(values, Iterable) or isinstance(values, str | bytes):
        raise _wrong("Invalid uid type", "uids are a list of numbers")
    known = tuple(somebody(value) for value in values)
    if len(known) > MAX_UIDS:
        raise _wrong("Invalid uid type", f"at most {MAX_UIDS}, which is more than a channel holds")
    return known


def audio_only(value: bool) -> bool:
    """There is nothing but audio here, whatever it says."""
    if not isinstance(value, bool):
        raise _wrong("isAudioOnly should be boolean", "True or False, which changes nothing")
    return value


def role(value: str) -> rules.Role:
    """Exactly "broadcaster" or "audience"."""
    try:
        return rules.Role(value)
    except ValueError:
        raise _wrong("Invalid role", 'a role is "broadcaster" or "audience"') from None


def target(value: str) -> bool:
    """Whether it is about audio."""
    if value not in TARGETS:
        raise ValueError('target should be "video", "audio" or "all"')
    return value != "video"


def stream(value: int) -> int:
    """One of the five that a stream message may go to."""
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= rules.MAX_MESSAGE_STREAMS:
        raise ValueError(f"a stream is 1 to {rules.MAX_MESSAGE_STREAMS}")
    return value
