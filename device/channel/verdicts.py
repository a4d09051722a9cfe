"""What the end of an attempt means for the next one: nobody answered, or what the answer asks for. PURE."""

from enum import Enum, StrEnum, auto

from device.channel import errors
from device.channel.errors import ChannelError, Remedy


class Verdict(Enum):
    """What follows for the dialling."""

    MISSED = auto()  # nobody answered: try at once again
    SLOWED = auto()  # an answer that is no seat: 0.25 s doubling to 5 s
    REFUSED = auto()  # a person has to change something: 60 s
    GIVE_WAY = auto()  # somebody else has the seat: no more dialling


class Miss(StrEnum):
    """Why no connection came about, as the client's sockets tell."""

    TIMEOUT = "no answer"
    NO_NETWORK = "this machine has no network"
    UNREACHABLE = "no way there"
    REFUSED = "connection refused: no hub is running there"
    DNS = "the name cannot be looked up"
    TLS = "no trusted TLS connection"
    HTTP = "an HTTP answer instead of a WebSocket"
    DROPPED = "accepted and dropped, as where only one end has TLS: is it ws:// here and wss:// there, or the reverse?"
    STRANGER = "a WebSocket, but not of an intercom hub"
    NO_WEBSOCKET = "something answers there that is no WebSocket server, so no hub"


# TLS is no matter of waiting for a person: a machine without a clock of its own trusts nobody until it knows the time.
_OF_MISS = {
    Miss.TIMEOUT: Verdict.MISSED,
    Miss.NO_NETWORK: Verdict.MISSED,
    Miss.UNREACHABLE: Verdict.MISSED,
    Miss.REFUSED: Verdict.MISSED,
    Miss.DNS: Verdict.MISSED,
    Miss.TLS: Verdict.SLOWED,
    Miss.HTTP: Verdict.SLOWED,
    Miss.DROPPED: Verdict.SLOWED,
    Miss.STRANGER: Verdict.SLOWED,
    Miss.NO_WEBSOCKET: Verdict.SLOWED,
}

# A request that is wrong for this hub stays wrong until one of the two is changed, and "rejoin at once" has just been
# tried: both are answers to an attempt here, not to a seat that was held.
_OF_REMEDY = {
    Remedy.FIX_THE_CALL: Verdict.REFUSED,
    Remedy.REJOIN: Verdict.SLOWED,
    Remedy.SLOW_DOWN: Verdict.SLOWED,
    Remedy.ASK_A_HUMAN: Verdict.REFUSED,
    Remedy.GIVE_WAY: Verdict.GIVE_WAY,
}

# RFC 9110 section 15: unauthorized, forbidden; RFC 6585: too many requests; a gateway that finds no hub behind it.
_OF_STATUS = {401: errors.LOGIN_FAILED, 403: errors.LOGIN_FAILED, 429: errors.TOO_FREQUENT}
_OF_STATUS |= dict.fromkeys((500, 502, 503, 504), errors.OVERLOADED)

NOT_TRUSTED = "the certificate is not trusted"
# What is wrong with it, and after a colon what to do. X509_V_ERR_* of OpenSSL's x509_vfy.h: not yet valid; expired;
# self-signed, self-signed authority, no authority to be found, none for the first one; another host name, another IP
# address.
_OF_CERTIFICATE = {
    9: "it is not valid yet, by the clock of this machine: set the clock",
    10: "it has expired, by the clock of this machine: renew it, or set the clock",
    **dict.fromkeys((18, 19, 20, 21), "its authority is not known here: set ca_file to the authority's certificate"),
    **dict.fromkeys((62, 64), "it is for another name: dial the hub by a name that is in it, or put this one in"),
}

# RFC 6455 section 7.4.1; 1006 is no code of a peer, but a connection that ended without one.
_OF_CLOSE = {1000: "the hub closed it", 1001: "the hub is going away", 1006: "the connection broke"}


def of_close(code: int) -> str:
    """Why a connection is closed, for people; any other code stays a number."""
    return _OF_CLOSE.get(code, f"closed with {code}")


def of_certificate(openssl_code: int, openssl_says: str) -> str:
    """Why a hub's certificate is not trusted, and what to do about it; one line for people."""
    return f"{NOT_TRUSTED}: {_OF_CERTIFICATE.get(openssl_code, openssl_says)}"


def of_miss(miss: Miss, http_status: int = 0, detail: str = "") -> tuple[Verdict, ChannelError]:
    """An attempt that came to no WebSocket. http_status: of the answer, 0 without one. detail: for people."""
    if http_status in _OF_STATUS:
        error = ChannelError(_OF_STATUS[http_status], f"HTTP {http_status} from the hub, or from what stands before it")
        return of_refusal(error), error
    reason = detail or (f"{miss} ({http_status})" if http_status else str(miss))
    code = errors.NO_NETWORK if miss is Miss.NO_NETWORK else errors.UNREACHABLE
    return _OF_MISS[miss], ChannelError(code, reason)


def of_refusal(error: ChannelError) -> Verdict:
    """An attempt whose `join` or `rejoin` was refused with this."""
    return _OF_REMEDY[error.remedy]
