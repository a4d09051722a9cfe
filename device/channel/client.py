"""Client: the library people import.

    client = Client(["ws://192.168.1.10:8800"])
    client.init(app_id)
    client.on("media", lambda packet, arrived_ns: ...)
    uid = await client.join(None, "lobby", auto_subscribe=True)
    await client.publish()
    client.send(opus_packet, timestamp)
    await client.leave()

What to do and when is decided by `session`, and done by `driver`. What can be asked for in a seat is in `calls`, what
the documented SDK has beyond that in `unneeded`. Every call also takes on_success and on_failure, and need not be
awaited: see `outcome`.
"""

import asyncio
import logging
import random
import ssl
import time
from collections.abc import Callable, Iterable, Sequence

from device.channel import address, arguments, errors, rules
from device.channel.adapt import Coding
from device.channel.address import Address
from device.channel.calls import Calls
from device.channel.driver import Driver
from device.channel.errors import ChannelError
from device.channel.gauges import NETWORK_QUALITY
from device.channel.handlers import EVERY_EVENT, Handler, Handlers
from device.channel.messages import Join, Ticket
from device.channel.news import State, Status
from device.channel.outcome import Callback, Done, Outcome
from device.channel.session import Session
from device.channel.unneeded import say_once

logger = logging.getLogger(__name__)

MEDIA = "media"
# `leave` is done within this time, whatever the connection does.
LEAVE_S = 0.3


class Client(Calls):
    """One participant, of one channel at a time. All of it belongs to one event loop and its thread.

    There may be any number in one process, which share nothing but the LOG: each has a seat, connections and handlers
    of its own.

    Events, each with one dictionary:

        stream-added {uid, label}        somebody can be heard; at `join` also whoever could before
        stream-removed {uid}             and can no more
        user-joined {uid, label}         a host is there, silent or not; at `join` also whoever was before
        user-left {uid, reason}          quit, dropped, became-audience
        mute-audio, unmute-audio {uid}   a host is silent by himself, and talks again
        update-url {uid, url}            a subscribed stream has another name, as the seat is at another hub, or was
                                         taken by `rejoin`; there is nothing to do about it, it is heard
        stream-message {uid, stream, data}, ring {uid, label, answered}
        error {code, reason}             once for each trouble: see the table in README. DISCONNECTED (904) when the
                                         connection is lost, also by a hub that stops as it should (503, never told)
        token-privilege-will-expire {}, token-privilege-did-expire {}
                                         30 s before the right to join ends, and when it does: `renew_token`
        client-banned {minutes}          a rule of the hub keeps us out for so long; 0: it has put us out once
        heard-again {}                   a rule that silenced us (SILENCED, 1020) is over
        connection-state {state}         left, joining, in-call, offline: what people are shown
        connection-state-change {state, previous, reason}
                                         disconnected, connecting, connected, reconnecting, failed: see `standing`
        reconnecting {reason}            the connection is broken, or has been silent for 4 s
        connection-lost {}               for 10 s
        rejoined {after_ms}              it is back
        volume-indication {speakers}     after `enable_volume_indication`: see `volume`
        target-bitrate-changed {bitrate, packet_ms, fec_percent, copies}
                                         after `adapt`: how to encode from now on, as a path is full or has room again,
                                         or other losses are to be expected; the copies are made here
        network-quality {uplink, downlink, ...}
                                         every 2 s where somebody wants it or every event: see `quality`

    The client dials again by itself, for ever, and takes its seat, stream and subscriptions again. An application need
    not do what the documented SDK asks of it (destroy, a new client, rejoin; after 501 and 904 by its example, by its
    page of errors after 500, 502 and 905 too), and may.
    """

    def __init__(self, hubs: Sequence[str], *, ca_file: str | None = None, insecure: bool = False) -> None:
        """hubs: ws:// or wss:// addresses, tried in this order.

        ca_file: PEM file of the CA of a wss hub, instead of those that this system trusts. insecure: a token may go
        over ws:// to another machine. Raises ChannelError(NO_SERVER) for a wrong address or an unreadable ca_file.
        """
        self._hubs = _read(hubs)
        self._insecure = insecure
        self._app_id = ""
        self._session = Session(self._hubs, random.Random())
        self._handlers = Handlers()
        self._driver = Driver(self._session, self._handlers, _tls(self._hubs, ca_file))

    @property
    def status(self) -> Status:
        """This moment: state, uid, channel, hub, rtt_ms, reconnects, skipped, problem."""
        return self._session.status

    def is_connected(self) -> bool:
        """Whether it sits in a channel, and nothing says that its hub is out of reach."""
        return self.status.state is State.IN_CALL

    def on(self, event: str, handler: Handler) -> None:
        """Call handler(params) at this event, and handler(event, params) at any if it is "*". What it raises is logged.

        "media" has one handler, called with (packet: rtp.Packet, arrived_ns: time.monotonic_ns of its arrival). Those
        given before `join` miss nothing.
        """
        if event == MEDIA:
            self._driver.on_media = handler
        else:
            self._handlers.on(event, handler)
            self._report_quality()

    def off(self, event: str, handler: Handler | None = None) -> None:
        """Call this handler, or any of this event, no more."""
        if event == MEDIA:
            self._driver.on_media = None
        else:
            self._handlers.off(event, handler)
            self._report_quality()

    def adapt(self, bitrate: int, packet_ms: int) -> None:
        """Say how speech is encoded where there is room: bit/s, 10 to 60 ms. The path may allow less: see events."""
        self._session.adapt(Coding(bitrate, packet_ms))

    def init(
        self, app_id: str, on_success: Callback | None = None, on_failure: Callback | None = None
    ) -> Outcome[None]:
        """Say which App it is, before joining; nothing is sent, so this says nothing about the hub. Raises ValueError.

        It needs no event loop, is done at once, and may be awaited: on_success is called before it returns.
        """
        self._app_id = arguments.app_id(app_id)
        return Done("init", on_success)

    def join(
        self,
        token: str | None,
        channel: str,
        uid: int | str | None = 0,
        on_success: Callback | None = None,
        on_failure: Callback | None = None,
        *,
        label: str = "",
        role: rules.Role | str | None = None,
        auto_subscribe: bool = False,
        ticket: Ticket | None = None,
        muted: bool = False,
        is_audio_only: bool = False,
        uid_type: int = 0,
    ) -> Outcome[int]:
        """Take a seat in this channel and keep it until `leave`; returns the uid, the hub's choice where 0 was asked.

        That is decided by the hub, which alone knows who is there; the documented SDK draws a number itself. token:
        None where the App has no certificate. role: that of `set_role` where none is named, and before that a
        broadcaster's, as the documented examples publish without having set one. muted: silent from the start, and
        there for everybody. ticket: of the seat that a process before this one had in this channel, which is taken
        again if it can be. is_audio_only: ignored, as there is nothing else. uid_type: 0.

        While joined: asked again for the same it succeeds at once with the same uid; asked for anything else it leaves
        first. Waits as long as no hub answers; cancelled, it leaves. Fails with IN_CLEAR for a token that would go over
        ws://, OUT_OF_ORDER before `init`, and what the hubs say when every one has refused (LOGIN_FAILED, ...). The
        wish outlives that: it is tried again every 60 s until `leave`, and this client can join again at any time.
        Raises ValueError.
        """
        wanted = self._wanted(token, channel, uid, label, role, auto_subscribe, ticket, muted, uid_type)
        if arguments.audio_only(is_audio_only):
            say_once("join: is_audio_only is ignored, there is nothing but audio")
        return self._joined("join", lambda now: self._session.join(wanted, now), wanted, on_success, on_failure)

    def rejoin(
        self,
        token: str | None = None,
        channel: str | None = None,
        uid: int | str | None = 0,
        uids: Iterable[int] = (),
        on_success: Callback | None = None,
        on_failure: Callback | None = None,
        *,
        label: str = "",
        role: rules.Role | str | None = None,
        auto_subscribe: bool = False,
        ticket: Ticket | None = None,
        muted: bool = False,
    ) -> Outcome[int]:
        """The seat once more; returns the uid.

        Without a channel: the last `join` again, on a new connection dialled at once; the old one carries on until
        then, and nobody sees anything.

        With one, as the documented SDK has it: also on a new Client, after the one before was destroyed or its process
        died. uids: those that the application knows to be there, its own or not. Whoever of them is gone is told as
        stream-removed and user-left, whoever is new as stream-added and user-joined; the rest is no news. They are
        subscribed again, their names come as update-url, and `publish` is up to the application. On a client that sits
        there already it is the same seat with a new token. Waits, fails and raises as `join`; without a channel
        OUT_OF_ORDER before it.
        """
        if channel is None:
            return self._joined("rejoin", self._session.rejoin, None, on_success, on_failure)
        wanted = self._wanted(token, channel, uid, label, role, auto_subscribe, ticket, muted, 0, arguments.uids(uids))
        return self._joined(
            "rejoin", lambda now: self._session.rejoin(now, wanted), wanted, on_success, on_failure
        )  # fmt: skip

    def leave(self, on_success: Callback | None = None, on_failure: Callback | None = None) -> Outcome[None]:
        """Give the seat up; done within 0.3 s whatever the connection does, and harmless without a seat.

        At any time: a `join` that is not done fails with OUT_OF_ORDER. The client can join again.
        """
        self._session.leave(time.monotonic())
        self._driver.carry_out()
        settled = asyncio.get_running_loop().create_task(self._driver.settled(LEAVE_S))
        return Outcome("leave", settled, on_success, on_failure)

    def destroy(self, on_success: Callback | None = None, on_failure: Callback | None = None) -> Outcome[None]:
        """Leave for good: handlers are forgotten, sockets closed, and whatever is asked for afterwards fails with
        OUT_OF_ORDER. A new Client takes its place."""
        outcome = self.leave(on_success, on_failure)
        self._destroyed = True
        self._handlers.clear()
        self._driver.on_media = None
        return outcome

    def send(self, payload: bytes, timestamp: int, level_dbov: int | None = None, first_of_spurt: bool = False) -> bool:
        """Send one Opus packet of 10 to 60 ms; returns whether it is on its way. Never waits.

        timestamp: of its first sample, 48 kHz, starting anywhere; from there on it goes with the clock, through pauses,
        too. Listeners play nothing that is 0.5 s behind the fastest packet of its stream, and not all of what comes
        before its time: the first time that such is sent the log has a WARNING. level_dbov: -127 to 0. Nothing is sent
        before `publish`, after `mute_local`, without a connection, or on one that holds 200 ms of speech already, which
        counts as skipped. Raises ValueError for a payload that is empty or too long for a packet.
        """
        return self._driver.send(payload, timestamp, level_dbov, first_of_spurt)

    def _wanted(
        self, token: str | None, channel: str, uid: int | str | None, label: str, role: str | None,
        auto_subscribe: bool, ticket: Ticket | None, muted: bool, uid_type: int, known: tuple[int, ...] = (),
    ) -> Join:  # fmt: skip
        return Join(
            self._app_id, arguments.channel(channel), arguments.own_uid(uid, uid_type), arguments.channel_key(token),
            arguments.role(role or self._role), rules.check_label(label), auto_subscribe, ticket, muted, known,
        )  # fmt: skip

    def _joined(
        self, name: str, begin: Callable[[float], int], wanted: Join | None, on_success: Callback | None,
        on_failure: Callback | None,
    ) -> Outcome[int]:  # fmt: skip
        def checked(now: float) -> int:
            if not self._app_id:
                raise ChannelError(errors.OUT_OF_ORDER, "init first")
            self._check_clear(wanted.token if wanted else "")
            return begin(now)

        return self._begin(name, checked, lambda seat: int(seat["uid"]), on_success, on_failure, self._given_up)

    def _given_up(self, number: int) -> None:
        if self.status.state is State.JOINING and self._session.waits_for(number):
            self._session.leave(time.monotonic())
            self._driver.carry_out()

    def _report_quality(self) -> None:
        wanted = self._handlers.wants(NETWORK_QUALITY) or self._handlers.wants(EVERY_EVENT)
        self._session.report_quality(wanted, time.monotonic())
        self._driver.wake()


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
