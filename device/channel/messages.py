"""The requests and notifications of the channel: what their params hold, read and checked.

A request that a client makes is a dataclass here: `params()` is what it puts on the wire, `read` what the hub makes of
the params it got. Unknown members are ignored, so that a newer client can talk to an older hub.

Notifications from the hub are few and flat.
"""

from dataclasses import asdict, dataclass, field
from typing import NamedTuple, Self

from device import jsonrpc
from device.channel import errors, rtp, rules
from device.channel.members import between as _between
from device.channel.members import checked as _checked
from device.channel.members import member as _member
from device.channel.members import short as _short

# Requests from the client
JOIN = "join"
REJOIN = "rejoin"
PUBLISH = "publish"
UNPUBLISH = "unpublish"
SUBSCRIBE = "subscribe"
UNSUBSCRIBE = "unsubscribe"
LEAVE = "leave"
PING = "ping"
SET_ROLE = "setRole"  # {role}
RENEW_TOKEN = "renewToken"  # {token}
RING = "ring"  # {uid: whom, 0 or missing for everybody; answered: true to say that a ring is answered}
MUTE, UNMUTE = "mute", "unmute"  # {uid}: hear a stream no more that is subscribed, and hear it again
MUTE_LOCAL, UNMUTE_LOCAL = "muteLocal", "unmuteLocal"  # be silent and stay published, and talk again
REPORT = "report"  # how many packets did not arrive; the hub tells those whose they are (report.py)
STREAM_MESSAGE = "streamMessage"  # {stream: 1 to 5, data: base64}

# Notifications from the hub
STREAM_ADDED = "stream-added"  # {uid, label}
STREAM_REMOVED = "stream-removed"  # {uid}
USER_JOINED = "user-joined"  # {uid, label}
USER_LEFT = "user-left"  # {uid, reason: "quit" | "dropped" | "became-audience"}
TOKEN_WILL_EXPIRE = "token-privilege-will-expire"  # {}: in 30 s
TOKEN_DID_EXPIRE = "token-privilege-did-expire"  # {}: the seat is given up in a moment
MUTE_AUDIO, UNMUTE_AUDIO = "mute-audio", "unmute-audio"  # {uid}: somebody is silent by himself, and talks again
MESSAGE = "stream-message"  # {uid: of whom, stream, data: base64}
UPDATE_URL = "update-url"  # {url: the hub to dial beside this connection, one of its list; missing: this hub}
CLIENT_BANNED = "client-banned"  # {minutes: for how long, 0 for this once}; an error with the reason follows
HEARD_AGAIN = "heard-again"  # {}: a rule that silenced is over, and the stream there again
ERROR = "error"  # {code, reason}; and "ring" {uid: who, label, answered}

# How the hub closes a connection whose seat another device has taken (RFC 6455 section 7.4.2: private use from 4000 on)
CLOSE_UID_CONFLICT = 4001

BECAME_AUDIENCE = "became-audience"

SESSION_MAX_CHARACTERS = 128
TOKEN_MAX_CHARACTERS = 2_047  # the longest token that the documented SDK accepts
URL_MAX_CHARACTERS = 2_048
MAX_KNOWN_UIDS = 1_000  # more than a channel holds


class Ticket(NamedTuple):
    """What proves whose seat it is, also for another process. The session is a secret."""

    uid: int
    session: str

    def __repr__(self) -> str:
        return f"Ticket(uid={self.uid})"


@dataclass(frozen=True, slots=True)
class Join:
    """Who wants to sit where. `token` is a secret and has no place in a log.

    ticket: of the seat that a process before this one had there, and that it wants again. Never sent with a `join`.
    muted: silent from the start. known: the uids that a participant knew before, of whom it wants to hear who is gone.
    """

    app_id: str
    channel: str
    uid: int = 0
    token: str = ""
    role: rules.Role = rules.Role.BROADCASTER
    label: str = ""
    auto_subscribe: bool = False
    ticket: Ticket | None = field(default=None, compare=False)
    muted: bool = False
    known: tuple[int, ...] = field(default=(), compare=False)

    def __repr__(self) -> str:
        return f"Join(channel={self.channel!r}, uid={self.uid}, role={self.role.value!r})"

    def params(self) -> jsonrpc.Params:
        """What goes on the wire."""
        params: jsonrpc.Params = {
            "appId": self.app_id, "channel": self.channel, "uid": self.uid, "token": self.token,
            "role": self.role.value, "label": self.label, "autoSubscribe": self.auto_subscribe,
        }  # fmt: skip
        if self.muted:
            params["muted"] = True
        if self.known:
            params["known"] = list(self.known)
        return params

    @classmethod
    def read(cls, params: jsonrpc.Params) -> Self:
        """Params of `join` or `rejoin` as the hub got them. Raises JsonRpcError(INVALID_PARAMS)."""
        return cls(
            app_id=_checked("appId", rules.check_app_id, _member(params, "appId", str)),
            channel=_checked("channel", rules.check_channel, _member(params, "channel", str)),
            uid=_checked("uid", rules.check_uid, _member(params, "uid", int, 0)),
            token=_checked("token", _short(TOKEN_MAX_CHARACTERS), _member(params, "token", str, "")),
            role=_checked("role", rules.Role, _member(params, "role", str, rules.Role.BROADCASTER.value)),
            label=_checked("label", rules.check_label, _member(params, "label", str, "")),
            auto_subscribe=_member(params, "autoSubscribe", bool, False),
            muted=_member(params, "muted", bool, False),
            known=_uids(params, "known"),
        )


@dataclass(frozen=True, slots=True)
class Rejoin:
    """The seat to take again: the params of `join`, the session that proves it, the uids whose streams were known."""

    join: Join
    session: str
    known: tuple[int, ...] = ()

    def __repr__(self) -> str:
        return f"Rejoin({self.join!r}, known={self.known})"

    def params(self) -> jsonrpc.Params:
        """What goes on the wire."""
        return {**self.join.params(), "session": self.session, "known": list(self.known)}

    @classmethod
    def read(cls, params: jsonrpc.Params) -> Self:
        """Params of `rejoin` as the hub got them. Raises JsonRpcError(INVALID_PARAMS)."""
        return cls(
            join=Join.read(params),
            session=_checked("session", _short(SESSION_MAX_CHARACTERS), _member(params, "session", str)),
            known=_uids(params, "known"),
        )


@dataclass(frozen=True, slots=True)
class Stream:
    """One stream of a channel as others hear of it."""

    uid: int
    label: str = ""

    def params(self) -> jsonrpc.Params:
        """What goes on the wire."""
        return asdict(self)

    @classmethod
    def read(cls, params: jsonrpc.Params) -> Self:
        """A stream as the client got it. Raises JsonRpcError(INVALID_PARAMS)."""
        return cls(read_uid(params), _checked("label", rules.check_label, _member(params, "label", str, "")))


@dataclass(frozen=True, slots=True)
class Seated:
    """The answer to `join` and `rejoin`.

    uid: yours now. session: 128 random bits, signed; a secret. resumed: the seat was still there, with its stream and
    subscriptions. streams: everyone who publishes. ping_ms: how often the hub wants to hear `ping`.
    grace_ms: how long the seat outlives its last connection; or what was heard on it last, where that is long ago.
    removed: those of `known` that publish no more. users: everyone else whom the channel announces, silent or not.
    muted: those of them who are silent by themselves. left: those of `known` who are in the channel no more.
    """

    uid: int
    session: str
    resumed: bool
    streams: tuple[Stream, ...]
    removed: tuple[int, ...]
    ping_ms: int
    grace_ms: int
    hub_version: str
    users: tuple[Stream, ...] = ()
    muted: tuple[int, ...] = ()
    left: tuple[int, ...] = ()

    def __repr__(self) -> str:
        return f"Seated(uid={self.uid}, resumed={self.resumed}, streams={len(self.streams)})"

    def params(self) -> jsonrpc.Params:
        """What goes on the wire."""
        return {
            "uid": self.uid, "session": self.session, "resumed": self.resumed,
            "streams": [stream.params() for stream in self.streams], "removed": list(self.removed),
            "users": [user.params() for user in self.users], "muted": list(self.muted), "left": list(self.left),
            "ping_ms": self.ping_ms, "grace_ms": self.grace_ms, "hub": {"version": self.hub_version},
            "limits": {
                "packet_bytes": rtp.MAX_PACKET_BYTES,
                "packets_per_s": rules.MAX_PACKETS_PER_S,
                "requests_per_s": rules.MAX_REQUESTS_PER_S,
            },
        }  # fmt: skip

    @classmethod
    def read(cls, result: jsonrpc.Params) -> Self:
        """An answer as the client got it. Raises JsonRpcError(INVALID_PARAMS)."""
        hub = _member(result, "hub", dict, {})
        return cls(
            uid=read_uid(result),
            session=_checked("session", _short(SESSION_MAX_CHARACTERS), _member(result, "session", str)),
            resumed=_member(result, "resumed", bool, False),
            streams=_streams(result, "streams"),
            removed=_somebodies(result, "removed"),
            ping_ms=_checked("ping_ms", _between(100, 60_000), _member(result, "ping_ms", int, 1_000)),
            grace_ms=_checked("grace_ms", _between(0, 3_600_000), _member(result, "grace_ms", int, 20_000)),
            hub_version=_member(hub, "version", str, ""),
            users=_streams(result, "users"),
            muted=_somebodies(result, "muted"),
            left=_somebodies(result, "left"),
        )


@dataclass(frozen=True, slots=True)
class Ring:
    """Somebody is called, or a call is answered. uid: whom, 0 for everybody; in a notification, who rings."""

    uid: int = 0
    answered: bool = False

    def params(self) -> jsonrpc.Params:
        """What goes on the wire."""
        return {"uid": self.uid, "answered": self.answered}

    @classmethod
    def read(cls, params: jsonrpc.Params) -> Self:
        """Raises JsonRpcError(INVALID_PARAMS)."""
        return cls(
            uid=_checked("uid", rules.check_uid, _member(params, "uid", int, 0)),
            answered=_member(params, "answered", bool, False),
        )


def _uids(params: jsonrpc.Params, name: str) -> tuple[int, ...]:
    uids = _member(params, name, list, [])
    if len(uids) > MAX_KNOWN_UIDS:
        raise jsonrpc.JsonRpcError(jsonrpc.INVALID_PARAMS, f"{name}: more than {MAX_KNOWN_UIDS} uids")
    return tuple(_checked(name, rules.check_uid, _member({name: uid}, name, int)) for uid in uids)


def _streams(result: jsonrpc.Params, name: str) -> tuple[Stream, ...]:
    return tuple(Stream.read(_member({name: item}, name, dict)) for item in _member(result, name, list, []))


def _somebodies(result: jsonrpc.Params, name: str) -> tuple[int, ...]:
    return tuple(read_uid({"uid": uid}) for uid in _member(result, name, list, []))


def read_uid(params: jsonrpc.Params) -> int:
    """The uid of somebody else: 1 to 2^32 - 1. Raises JsonRpcError(INVALID_PARAMS)."""
    uid: int = _checked("uid", _between(1, rules.UID_MAX), _member(params, "uid", int))
    return uid


def read_error(params: jsonrpc.Params) -> tuple[int, str]:
    """(code, reason) of an `error` notification. Raises JsonRpcError(INVALID_PARAMS)."""
    return _member(params, "code", int), _member(params, "reason", str, "")


def read_url(params: jsonrpc.Params) -> str:
    """Where `update-url` sends us, "" for the hub that says it. Raises JsonRpcError(INVALID_PARAMS)."""
    url: str = _checked("url", _short(URL_MAX_CHARACTERS), _member(params, "url", str, ""))
    return url


def read_reason(params: jsonrpc.Params) -> str:
    """Why somebody left, as `user-left` tells: "quit", "became-audience", or "dropped" for every other reason."""
    reason = params.get("reason")
    return str(reason) if reason in ("quit", BECAME_AUDIENCE) else "dropped"


def read_minutes(params: jsonrpc.Params) -> int:
    """For how long `client-banned` keeps us out, 0: it does not, it was once. Raises JsonRpcError(INVALID_PARAMS)."""
    minutes: int = _member(params, "minutes", int, 0)
    return max(0, minutes)


def read_role(params: jsonrpc.Params) -> rules.Role:
    """The role that `setRole` asks for. Raises JsonRpcError(LOGIN_FAILED), as the documented SDK has it."""
    try:
        return rules.Role(params["role"])
    except (KeyError, ValueError) as error:
        raise jsonrpc.JsonRpcError(errors.LOGIN_FAILED, "a role is broadcaster or audience") from error


def read_token(params: jsonrpc.Params) -> str:
    """The token of `renewToken`, a secret. Raises JsonRpcError(INVALID_PARAMS)."""
    token: str = _checked("token", _short(TOKEN_MAX_CHARACTERS), _member(params, "token", str))
    return token
