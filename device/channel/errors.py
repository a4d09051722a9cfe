"""Every error code of the channel: its meaning, and what to do about it.

The codes from 400 to 905 are those of the documented voice-call SDK and keep their meaning; those from 109 to 120, for
tokens, are of the documented web SDK, as the other has none of its own for each case. The range 1000 to 1099 is our
own, for what neither has a code for. The negative codes belong to JSON-RPC 2.0.
"""

from dataclasses import dataclass
from enum import Enum, auto

from device import jsonrpc


class Remedy(Enum):
    """What a client does next by itself."""

    FIX_THE_CALL = auto()  # the request itself was wrong: dialling again changes nothing
    REJOIN = auto()  # take the seat again at once
    SLOW_DOWN = auto()  # take the seat again, waiting 0.25 s doubling to 5 s
    ASK_A_HUMAN = auto()  # try again every 60 s; somebody has to change a token, an App ID or a rule
    GIVE_WAY = auto()  # another device holds this seat now: stay quiet until told to join


@dataclass(frozen=True, slots=True)
class Meaning:
    """One row of the table: the field's name of the code, what happened, what follows."""

    name: str
    reason: str
    remedy: Remedy


TOKEN_EXPIRED = 109
TOKEN_INVALID = 110
TOKEN_UNEXPECTED = 119
TOKEN_MISSING = 120
BAD_REQUEST = 401
TOO_FREQUENT = 429
MALFORMED = 430
LOGIN_FAILED = 431
NOT_A_BROADCASTER = 432
AUDIENCE_CANNOT_PUBLISH = 433
OUT_OF_ORDER = 434
INTERNAL = 500
SERVICE_LOST = 501
OVERLOADED = 502
SERVICE_EXITED = 503
NO_SERVER = 901
NO_REQUEST_ID = 902
TIMED_OUT = 903
DISCONNECTED = 904
UNREACHABLE = 905
UID_CONFLICT = 1001
SESSION_UNKNOWN = 1002
CHANNEL_FULL = 1003
IN_CLEAR = 1004
NOBODY_THERE = 1005
BANNED = 1006
NO_NETWORK = 1007
NOT_ALLOWED_TO_PUBLISH = 1010
TOO_MANY_PUBLISHERS = 1011
SILENCED = 1020

TABLE: dict[int, Meaning] = {
    jsonrpc.PARSE_ERROR: Meaning("PARSE_ERROR", "not JSON", Remedy.FIX_THE_CALL),
    jsonrpc.INVALID_REQUEST: Meaning("INVALID_REQUEST", "not a JSON-RPC 2.0 message", Remedy.FIX_THE_CALL),
    jsonrpc.METHOD_NOT_FOUND: Meaning("METHOD_NOT_FOUND", "no such method", Remedy.FIX_THE_CALL),
    jsonrpc.INVALID_PARAMS: Meaning("INVALID_PARAMS", "wrong parameters", Remedy.FIX_THE_CALL),
    TOKEN_EXPIRED: Meaning("TOKEN_EXPIRED", "expired token: get a new one", Remedy.ASK_A_HUMAN),
    TOKEN_INVALID: Meaning("TOKEN_INVALID", "invalid token: get another one", Remedy.ASK_A_HUMAN),
    TOKEN_UNEXPECTED: Meaning(
        "TOKEN_UNEXPECTED", "this App has no certificate to verify a token with: join without one", Remedy.ASK_A_HUMAN
    ),
    TOKEN_MISSING: Meaning("TOKEN_MISSING", "this App asks for a token: get one to join with", Remedy.ASK_A_HUMAN),
    BAD_REQUEST: Meaning("BAD_REQUEST", "this hub does not serve this App ID", Remedy.ASK_A_HUMAN),
    TOO_FREQUENT: Meaning("TOO_FREQUENT", "too many requests", Remedy.SLOW_DOWN),
    MALFORMED: Meaning("MALFORMED", "mute before subscribe, or a packet that cannot be read", Remedy.FIX_THE_CALL),
    LOGIN_FAILED: Meaning("LOGIN_FAILED", "login failed", Remedy.ASK_A_HUMAN),
    NOT_A_BROADCASTER: Meaning("NOT_A_BROADCASTER", "that uid publishes nothing", Remedy.FIX_THE_CALL),
    AUDIENCE_CANNOT_PUBLISH: Meaning("AUDIENCE_CANNOT_PUBLISH", "an audience cannot publish", Remedy.FIX_THE_CALL),
    OUT_OF_ORDER: Meaning("OUT_OF_ORDER", "join first, and send as yourself", Remedy.FIX_THE_CALL),
    INTERNAL: Meaning("INTERNAL", "the hub failed", Remedy.REJOIN),
    SERVICE_LOST: Meaning("SERVICE_LOST", "the hub lost this call", Remedy.REJOIN),
    OVERLOADED: Meaning("OVERLOADED", "the hub is overloaded", Remedy.SLOW_DOWN),
    SERVICE_EXITED: Meaning("SERVICE_EXITED", "the hub is stopping", Remedy.REJOIN),
    NO_SERVER: Meaning("NO_SERVER", "no hub is configured", Remedy.ASK_A_HUMAN),
    NO_REQUEST_ID: Meaning("NO_REQUEST_ID", "a request without an id", Remedy.FIX_THE_CALL),
    TIMED_OUT: Meaning("TIMED_OUT", "the hub did not answer in time", Remedy.REJOIN),
    DISCONNECTED: Meaning("DISCONNECTED", "the connection to the hub is gone", Remedy.REJOIN),
    UNREACHABLE: Meaning("UNREACHABLE", "no hub can be reached", Remedy.REJOIN),
    UID_CONFLICT: Meaning("UID_CONFLICT", "another device joined with this uid", Remedy.GIVE_WAY),
    SESSION_UNKNOWN: Meaning("SESSION_UNKNOWN", "this session is not known here", Remedy.REJOIN),
    CHANNEL_FULL: Meaning("CHANNEL_FULL", "the channel is full", Remedy.SLOW_DOWN),
    NOBODY_THERE: Meaning("NOBODY_THERE", "nobody with that uid is in the channel", Remedy.FIX_THE_CALL),
    BANNED: Meaning("BANNED", "a rule of the hub keeps this device out", Remedy.ASK_A_HUMAN),
    # Told, not answered: to ask for it again changes nothing, and the seat is not in question.
    SILENCED: Meaning("SILENCED", "a rule of the hub keeps this device from talking", Remedy.FIX_THE_CALL),
    NO_NETWORK: Meaning("NO_NETWORK", "this machine has no network", Remedy.REJOIN),
    NOT_ALLOWED_TO_PUBLISH: Meaning(
        "NOT_ALLOWED_TO_PUBLISH", "this token gives no right to publish", Remedy.FIX_THE_CALL
    ),
    TOO_MANY_PUBLISHERS: Meaning("TOO_MANY_PUBLISHERS", "as many as may publish here do already", Remedy.FIX_THE_CALL),
    IN_CLEAR: Meaning("IN_CLEAR", "a token goes over wss:// only, unless insecure = true", Remedy.FIX_THE_CALL),
}

# For the page of errors in README: what the client does by itself...
_ACTS = {
    Remedy.FIX_THE_CALL: "nothing: the call has failed",
    Remedy.REJOIN: "dials at once, for ever, and takes seat, stream and subscriptions again",
    Remedy.SLOW_DOWN: "tries again after 0.25 s, doubling to 5 s",
    Remedy.ASK_A_HUMAN: "tries again every 60 s",
    Remedy.GIVE_WAY: "leaves, and stays away until told to join",
}
_ACTS_ON = {
    NO_SERVER: "nothing: there is no client yet",
    TOO_FREQUENT: "nothing for a call; refused at the door: tries again after 0.25 s, doubling to 5 s",
    LOGIN_FAILED: "nothing for a call; refused at the door: tries again every 60 s",
    TIMED_OUT: "asks for streams and silence again at the next seat; other calls have failed",
    SESSION_UNKNOWN: "joins anew, with the same uid",
    NOT_ALLOWED_TO_PUBLISH: "nothing, or has lost its stream: stays, and hears",
    TOO_MANY_PUBLISHERS: "nothing: stays, and hears",
    SILENCED: "stays, and hears; is heard again when the rule is over",
    SERVICE_EXITED: "dials at once; the `error` event tells only that the connection is gone (904)",
}
# ...and what is left for people, unless it is what the remedy says anyway.
_YOURS = {
    Remedy.FIX_THE_CALL: "call it as its docstring says",
    Remedy.REJOIN: "nothing",
    Remedy.SLOW_DOWN: "nothing, unless it lasts",
    Remedy.ASK_A_HUMAN: "read the reason, and change what it names",
    Remedy.GIVE_WAY: "give each device a uid of its own",
}
_YOURS_ON = {
    TOO_FREQUENT: "ask less often",
    MALFORMED: "subscribe before muting; send RTP",
    BAD_REQUEST: "an App ID that this hub serves",
    LOGIN_FAILED: "a right token, or a role that the App's profile has",
    NOT_A_BROADCASTER: "wait for its stream-added",
    AUDIENCE_CANNOT_PUBLISH: "be a broadcaster first",
    OUT_OF_ORDER: "join first, and send as yourself",
    NO_SERVER: "an address such as ws://192.168.1.10:8800",
    NO_REQUEST_ID: "an id in each request, in a program without this client",
    DISCONNECTED: "nothing; destroy and rejoin, as the documented SDK asks, does no harm",
    UNREACHABLE: "look at the network and at the hub, if it lasts",
    CHANNEL_FULL: "somebody has to leave, if it lasts",
    NOBODY_THERE: "ring somebody who is there",
    BANNED: "ask whoever runs the hub",
    SILENCED: "ask whoever runs the hub",
    NOT_ALLOWED_TO_PUBLISH: "a token with the right to publish",
    TOO_MANY_PUBLISHERS: "somebody has to stop publishing",
    NO_NETWORK: "plug it in, or look at its Wi-Fi",
    IN_CLEAR: "use wss://, or set insecure = true",
}


def acts(code: int) -> str:
    """What a client does by itself at this code of TABLE."""
    return _ACTS_ON.get(code) or _ACTS[TABLE[code].remedy]


def left_for_you(code: int) -> str:
    """What only whoever uses the client can do about it."""
    return _YOURS_ON.get(code) or _YOURS[TABLE[code].remedy]


# What a peer may say to people, in a log or an event: a sentence.
REASON_MAX_CHARACTERS = 200


def for_people(reason: str) -> str:
    """A reason that a peer gave, as it may be shown: one line, cut to length, nothing that moves a cursor."""
    return "".join(c if c.isprintable() else "?" for c in reason[:REASON_MAX_CHARACTERS])


class ChannelError(Exception):
    """A request of the channel that was refused, or could not be carried.

    `code` is a key of TABLE (or one that a newer hub knows), `reason` a sentence for people.
    """

    def __init__(self, code: int, reason: str = "") -> None:
        self.code = code
        self.reason = reason or (TABLE[code].reason if code in TABLE else "unknown error")
        super().__init__(f"{self.reason} ({code})")

    @property
    def remedy(self) -> Remedy:
        """What follows; a code that this version does not know asks for a slower retry."""
        return TABLE[self.code].remedy if self.code in TABLE else Remedy.SLOW_DOWN
