"""Whether each hub can be reached, how far the way to it goes, which version it has, and what its clock says."""

import asyncio
import ssl
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from device import jsonrpc
from device.channel import address, errors, messages, wire
from device.channel.address import Address
from device.channel.errors import ChannelError, Remedy
from device.channel.messages import Join, Seated
from device.channel.resolver import Resolver
from device.channel.rules import Role
from device.channel.verdicts import NOT_TRUSTED, Miss, of_miss
from device.channel.wire import Missed, Wire
from device.config import Channel
from device.doctor.finding import Finding, Verdict

WITHIN_S = 5.0
_ID = 1
_REMEDIES = {
    Miss.TIMEOUT: "is that machine on, and does a firewall let this port through?",
    Miss.NO_NETWORK: "look at this machine's cable, Wi-Fi, address and name servers",
    Miss.UNREACHABLE: "this machine has no way there: look at its cable, Wi-Fi and address",
    Miss.REFUSED: "start the hub there, or correct the port in [channel] hub",
    Miss.DNS: "correct the name in [channel] hub, or write the hub's IP address",
    Miss.TLS: "write ws:// for a hub without TLS; else look at the hub's log",
    Miss.HTTP: "something else than a hub answers there: correct host, port and path in [channel] hub",
    Miss.DROPPED: "for a hub {with_or_without} TLS write {other}; else look at the hub's log",
    Miss.STRANGER: "another service answers there: correct host, port and path in [channel] hub",
    Miss.NO_WEBSOCKET: "for a hub {with_or_without} TLS write {other}; else correct the port in [channel] hub",
}
_OTHERS = {
    True: {"with_or_without": "without", "other": "ws://"},
    False: {"with_or_without": "with", "other": "wss://"},
}
_OF_CODE = {
    **dict.fromkeys(
        (errors.LOGIN_FAILED, errors.TOKEN_EXPIRED, errors.TOKEN_INVALID, errors.TOKEN_MISSING),
        "get a token for this App, channel and uid, and name its file in [channel] token_file",
    ),
    errors.TOKEN_UNEXPECTED: "leave [channel] token_file empty",
    errors.BANNED: "ask whoever runs the hub",
    errors.BAD_REQUEST: "write the hub's App ID into [channel] app_id",
    errors.IN_CLEAR: "use wss://, or insecure = true where everybody on the way may read the token",
}


@dataclass(frozen=True, slots=True)
class Way:
    """How far it went to one hub.

    miss: why there is no WebSocket, and after_tcp whether TCP was there; refusal: why there is no seat; version: of the
    hub, "" where it was not asked. clock_ahead_s: of the hub's clock before ours, None where it did not tell.
    """

    hub: str
    miss: Miss | None = None
    detail: str = ""
    after_tcp: bool = False
    refusal: ChannelError | None = None
    version: str = ""
    clock_ahead_s: float | None = None
    answer_ms: float = 0.0


async def look(
    channel: Channel, token: str | None, others: bool, problems: Mapping[str, ChannelError] | None = None
) -> list[Way]:
    """Every hub of the configuration. others: an intercom may be running here, and the seat of a token its own.

    problems: by hub, what keeps that intercom out of the call.
    """
    known, hubs = problems or {}, [address.read(url) for url in channel.hub]
    return list(await asyncio.gather(*(_go(hub, channel, token, others, known.get(str(hub))) for hub in hubs)))


async def _go(hub: Address, channel: Channel, token: str | None, others: bool, problem: ChannelError | None) -> Way:
    reached = False

    def connected() -> None:
        nonlocal reached
        reached = True

    began = time.monotonic()
    try:
        async with asyncio.timeout(WITHIN_S):
            tls = ssl.create_default_context(cafile=channel.ca_file or None) if hub.secure else None
            way = await wire.dial(hub, 0, Resolver(), tls, connected)
    except Missed as missed:
        return Way(
            str(hub), missed.miss, str(of_miss(missed.miss, missed.http_status, missed.detail)[1].reason), reached
        )
    except TimeoutError:
        return Way(str(hub), Miss.TIMEOUT, "no answer to the handshake" if reached else str(Miss.TIMEOUT), reached)
    except OSError as error:  # of ca_file
        return Way(str(hub), Miss.TLS, f"ca_file: {error.strerror or 'not a PEM certificate'}")
    answer_ms = (time.monotonic() - began) * 1_000
    ahead_s = clock_ahead_s(way.date, time.time())
    try:
        version = await _join(way, hub, channel, token, others, problem)
    except ChannelError as refusal:
        return Way(str(hub), refusal=refusal, clock_ahead_s=ahead_s, answer_ms=answer_ms)
    finally:
        await way.say_goodbye()
    return Way(str(hub), version=version, clock_ahead_s=ahead_s, answer_ms=answer_ms)


class _Guest:
    """Hears the one answer that is waited for."""

    def __init__(self) -> None:
        self.answer: asyncio.Future[jsonrpc.Message] = asyncio.get_running_loop().create_future()

    def media_came(self, conn: int, data: bytes) -> None:
        """What others say is not listened to."""

    def text_came(self, conn: int, data: bytes) -> None:
        """The answer, among other things."""
        message = jsonrpc.parse(data)
        if isinstance(message, jsonrpc.Reply | jsonrpc.Failure) and message.id == _ID and not self.answer.done():
            self.answer.set_result(message)

    def wire_ended(self, conn: int, code: int) -> None:
        """Without an answer."""
        if not self.answer.done():
            self.answer.set_exception(ChannelError(errors.DISCONNECTED))


async def _join(
    way: Wire, hub: Address, channel: Channel, token: str | None, others: bool, problem: ChannelError | None
) -> str:
    """Take a seat for a moment, in silence; the hub's version. Raises ChannelError."""
    if token and not (hub.secure or hub.is_loopback or channel.insecure):
        raise ChannelError(errors.IN_CLEAR, "a token does not go there in clear")
    if problem is not None and problem.remedy is Remedy.ASK_A_HUMAN:
        raise problem  # asked as somebody else, the hub might say something else
    if others and token and channel.uid:
        return ""  # the seat is taken by who runs here, and this token gives no other one
    # Who has the configured uid already, here or elsewhere, would lose the seat to us.
    join = Join(channel.app_id, channel.name, channel.uid if token else 0, token or "", Role.AUDIENCE, "doctor")
    guest = _Guest()
    way.attach(guest, 0)
    way.send_text(jsonrpc.request(_ID, messages.JOIN, join.params()))
    try:
        async with asyncio.timeout(WITHIN_S):
            answer = await guest.answer
    except TimeoutError:
        raise ChannelError(errors.TIMED_OUT) from None
    if isinstance(answer, jsonrpc.Failure):
        raise ChannelError(answer.code, errors.for_people(answer.reason))
    assert isinstance(answer, jsonrpc.Reply)
    way.send_text(jsonrpc.request(_ID + 1, messages.LEAVE, {}))
    try:
        return errors.for_people(Seated.read(answer.result).hub_version)
    except jsonrpc.JsonRpcError as error:
        raise ChannelError(errors.MALFORMED, "its answer to join cannot be read") from error


def clock_ahead_s(date: str, now_s: float) -> float | None:
    """How far a Date of HTTP is ahead of now_s, seconds since 1970; None for one that cannot be read.

    It tells whole seconds: what it shows is half a second older on average.
    """
    try:
        return round(parsedate_to_datetime(date).timestamp() + 0.5 - now_s, 1)
    except ValueError:
        return None


def judge(ways: Sequence[Way], version: str) -> list[Finding]:
    """One for each hub; one that cannot be reached beside one that can is a warning. version: ours."""
    some = any(way.miss is None and way.refusal is None for way in ways)
    return [_judge(way, Verdict.WARN if some else Verdict.FAIL, version) for way in ways]


def _judge(way: Way, bad: Verdict, version: str) -> Finding:
    check = f"hub {way.hub}"
    figures = {"hub": way.hub, "hub_version": way.version or None, "answer_ms": round(way.answer_ms, 1) or None}
    if way.miss is not None:
        stage = "TCP connects, but: " if way.after_tcp else ""
        found, remedy = _miss(way, way.miss)
        return Finding(check, bad, f"{stage}{found}", remedy, figures | {"reached": _stage(way)})
    figures["reached"] = "join"
    if way.refusal is not None:
        found = f"it answers and refuses to join: {way.refusal.reason} ({way.refusal.code})"
        remedy = _OF_CODE.get(way.refusal.code, "look at the hub's log")
        return Finding(check, bad, found, remedy, figures | {"reached": "websocket", "code": way.refusal.code})
    if not way.version:
        found = f"it answers after {way.answer_ms:.0f} ms; the intercom that runs here has the seat"
        return Finding(check, Verdict.OK, found, figures=figures | {"reached": "websocket"})
    found = f"joined after {way.answer_ms:.0f} ms, version {way.version}"
    if way.version != version:
        return Finding(check, Verdict.WARN, f"{found}, ours is {version}", "update the older of the two", figures)
    return Finding(check, Verdict.OK, found, figures=figures)


def _miss(way: Way, miss: Miss) -> tuple[str, str]:
    """Why there is no WebSocket, and what to do about it."""
    if way.detail.startswith(NOT_TRUSTED):
        why, _, remedy = way.detail.removeprefix(f"{NOT_TRUSTED}: ").partition(": ")
        return f"{NOT_TRUSTED}: {why}", remedy or "give the hub another certificate"
    if way.detail.startswith("ca_file: "):
        return way.detail, "correct [channel] ca_file"
    return way.detail, _REMEDIES[miss].format_map(_OTHERS[way.hub.startswith("wss:")])


def _stage(way: Way) -> str:
    if way.after_tcp:
        return "tcp"
    return "nothing" if way.miss in (Miss.DNS, Miss.NO_NETWORK) else "name"
