"""Client: the library people import.

    client = Client(["ws://192.168.1.10:8800"])
    client.init(app_id)
    client.on("media", lambda packet, arrived_ns: ...)
    uid = await client.join(None, "lobby", auto_subscribe=True)
    await client.publish()
    client.send(opus_packet, timestamp)
    await client.leave()

What to do and when is decided by `session`, and done by `driver`.
"""

import asyncio
import logging
import random
import ssl
import time
from collections.abc import Sequence

from device.channel import address, errors, messages, rules
from device.channel.address import Address
from device.channel.driver import Driver
from device.channel.errors import ChannelError
from device.channel.handlers import Handler, Handlers
from device.channel.messages import Join, Ticket
from device.channel.news import State, Status
from device.channel.session import Session
from device.jsonrpc import Params

logger = logging.getLogger(__name__)

MEDIA = "media"
# `leave` is done within this time, whatever the connection does.
LEAVE_S = 0.3


class Client:
    """One participant, of one channel at a time. All of it belongs to one event loop and its thread.

    Events: stream-added {uid, label}, stream-removed {uid}, user-joined {uid, label}, user-left {uid, reason},
    token-privilege-will-expire {} 30 s before and token-privilege-did-expire {} when the right to join ends,
    ring {uid, label, answered}, error {code, reason},
    connection-state {state: "left", "joining", "in-call" or "offline"}.
    """

    def __init__(self, hubs: Sequence[str], *, ca_file: str | None = None, insecure: bool = False) -> None:
        """hubs: ws:// or wss:// addresses, tried in this order.

        ca_file: PEM file of the CA of a wss hub, instead of those that this system trusts. insecure: a token may go
        over ws:// to another machine. Raises ChannelError(NO_SERVER) for a wrong address or an unreadable ca_file.
        """
        self._hubs = _read(hubs)
        self._insecure = insecure
        self._app_id = ""
        self._role = rules.Role.BROADCASTER
        self._session = Session(self._hubs, random.Random())
        self._handlers = Handlers()
        self._driver = Driver(self._session, self._handlers, _tls(self._hubs, ca_file))

    @property
    def status(self) -> Status:
        """This moment: state, uid, channel, hub, rtt_ms, reconnects, skipped, problem."""
        return self._session.status

    def on(self, event: str, handler: Handler) -> None:
        """Call handler(params) at this event, and handler(event, params) at any if it is "*". What it raises is logged.

        "media" has one handler, called with (packet: rtp.Packet, arrived_ns: time.monotonic_ns of its arrival).
        """
        if event == MEDIA:
            self._driver.on_media = handler
        else:
            self._handlers.on(event, handler)

    def off(self, event: str, handler: Handler | None = None) -> None:
        """Call this handler, or any of this event, no more."""
        if event == MEDIA:
            self._driver.on_media = None
        else:
            self._handlers.off(event, handler)

    def init(self, app_id: str) -> None:
        """Say which App it is, before joining; nothing is sent. Raises ValueError."""
        self._app_id = rules.check_app_id(app_id)

    async def join(
        self,
        token: str | None,
        channel: str,
        uid: int = 0,
        *,
        label: str = "",
        role: rules.Role | None = None,
        auto_subscribe: bool = False,
        ticket: Ticket | None = None,
    ) -> int:
        """Take a seat in this channel and keep it until `leave`; returns the uid, the hub's choice where 0 was asked.

        role: that of `set_role` where none is named, and before that a broadcaster's: of what the documented SDKs do it
        is what works for a program that publishes without a word about roles.

        ticket: of the seat that a process before this one had in this channel, which is taken again if it can be.

        Waits as long as no hub answers; cancelled, it leaves. Raises ValueError for a wrong argument, and ChannelError:
        IN_CLEAR for a token that would go over ws://, OUT_OF_ORDER before `init`, and what the hubs say when every one
        has refused (LOGIN_FAILED, ...). After a refusal it is tried again every 60 s, until `leave`.
        """
        if not self._app_id:
            raise ChannelError(errors.OUT_OF_ORDER, "init first")
        self._check_clear(token)
        wanted = Join(
            self._app_id, rules.check_channel(channel), rules.check_uid(uid), token or "",
            rules.Role(role or self._role), rules.check_label(label), auto_subscribe, ticket,
        )  # fmt: skip
        return await self._joined(self._session.join(wanted, time.monotonic()))

    async def rejoin(self) -> int:
        """The last `join` once more, on a new connection dialled at once. Raises as `join`."""
        return await self._joined(self._session.rejoin(time.monotonic()))

    async def leave(self) -> None:
        """Give the seat up; done within 0.3 s whatever the connection does, and harmless without a seat."""
        self._session.leave(time.monotonic())
        self._driver.carry_out()
        await self._driver.settled(LEAVE_S)

    async def publish(self) -> None:
        """Be heard. Raises ChannelError: AUDIENCE_CANNOT_PUBLISH, NOT_ALLOWED_TO_PUBLISH (not with this token),
        TOO_MANY_PUBLISHERS, OUT_OF_ORDER, TIMED_OUT (it is still wanted then)."""
        await self._call(messages.PUBLISH, {})

    async def set_role(self, role: str) -> None:
        """Be a "broadcaster", who may publish, or an "audience", who hears. Before `join` only remembered.

        In the channel others hear of it as of somebody who joins or leaves; who becomes an audience publishes no more.
        Raises ValueError, and ChannelError: LOGIN_FAILED where everybody is a broadcaster, TIMED_OUT (it is still
        wanted then).
        """
        if role not in list(rules.Role):
            raise ValueError("Invalid role")
        if self.status.state is not State.LEFT:
            await self._call(messages.SET_ROLE, {"role": str(role)})
        self._role = rules.Role(role)

    async def renew_token(self, token: str) -> None:
        """Go on with this token in place of the old one; nothing is interrupted.

        The last one that the hub takes counts, and with it the seat is asked for if it has to be found again; one that
        is refused changes nothing.

        Raises ValueError for an empty one, and ChannelError: TOKEN_INVALID, TOKEN_EXPIRED, TOKEN_UNEXPECTED, IN_CLEAR,
        OUT_OF_ORDER, TIMED_OUT (it is still wanted then).
        """
        if not token:
            raise ValueError("a token is needed")
        self._check_clear(token)
        await self._call(messages.RENEW_TOKEN, {"token": token})

    async def unpublish(self) -> None:
        """Be heard no more. Raises ChannelError, as `publish`."""
        await self._call(messages.UNPUBLISH, {})

    async def subscribe(self, uid: int) -> None:
        """Hear this stream. Raises ValueError, and ChannelError: NOT_A_BROADCASTER, OUT_OF_ORDER, TIMED_OUT."""
        await self._call(messages.SUBSCRIBE, {"uid": _somebody(uid)})

    async def unsubscribe(self, uid: int) -> None:
        """Hear it no more. Raises ValueError, and ChannelError as `subscribe`."""
        await self._call(messages.UNSUBSCRIBE, {"uid": _somebody(uid)})

    async def ring(self, uid: int = 0) -> None:
        """Call somebody, or with 0 everybody else in the channel. Raises ValueError, and ChannelError: NOBODY_THERE,
        TOO_FREQUENT, OUT_OF_ORDER, TIMED_OUT."""
        await self._call(messages.RING, messages.Ring(rules.check_uid(uid)).params())

    async def answer(self) -> None:
        """Tell everybody that a ring is answered. Raises ChannelError, as `ring`."""
        await self._call(messages.RING, messages.Ring(answered=True).params())

    def send(self, payload: bytes, timestamp: int, level_dbov: int | None = None, first_of_spurt: bool = False) -> bool:
        """Send one Opus packet of 10 to 60 ms; returns whether it is on its way. Never waits.

        timestamp: of its first sample, 48 kHz, starting anywhere. level_dbov: -127 to 0. Nothing is sent before
        `publish`, without a connection, or on one that holds 200 ms of speech already, which counts as skipped.
        Raises ValueError for a payload that is empty or too long for a packet.
        """
        return self._driver.send(payload, timestamp, level_dbov, first_of_spurt)

    async def _joined(self, number: int) -> int:
        try:
            uid: int = (await self._driver.answer(number))["uid"]
        except asyncio.CancelledError:
            if self.status.state is State.JOINING:
                self._session.leave(time.monotonic())
                self._driver.carry_out()
            raise
        return uid

    async def _call(self, method: str, params: Params) -> None:
        await self._driver.answer(self._session.call(method, params, time.monotonic()))

    def _check_clear(self, token: str | None) -> None:
        open_hubs = [str(hub) for hub in self._hubs if not (hub.secure or hub.is_loopback)]
        if token and open_hubs:
            if not self._insecure:
                raise ChannelError(
                    errors.IN_CLEAR, f"a token does not go to {open_hubs[0]}: use wss:// or insecure = true"
                )
            logger.warning("insecure = true: the token goes in clear to %s", ", ".join(open_hubs))


def _read(hubs: Sequence[str]) -> tuple[Address, ...]:
    if not hubs:
        raise ChannelError(errors.NO_SERVER)
    try:
        return tuple(address.read(hub) for hub in hubs)
    except ValueError as error:
        raise ChannelError(errors.NO_SERVER, str(error)) from error


def _tls(hubs: Sequence[Address], ca_file: str | None) -> ssl.SSLContext | None:
    if not any(hub.secure for hub in hubs):
        return None
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise ChannelError(
            errors.NO_SERVER, f"ca_file {ca_file}: {error.strerror or 'not a PEM certificate'}"
        ) from error


def _somebody(uid: int) -> int:
    if isinstance(uid, bool) or not isinstance(uid, int) or not 1 <= uid <= rules.UID_MAX:
        raise ValueError(f"a uid of somebody is 1 to {rules.UID_MAX}")
    return uid
