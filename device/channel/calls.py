"""What `Client` asks for in its seat. Every call begins at once and returns an Outcome: see `outcome`.

A wrong argument raises ValueError at once and carries no code (`arguments`); whatever else goes wrong is a ChannelError
with a code and a reason: OUT_OF_ORDER without a seat or the wish for one, TIMED_OUT without an answer for 10 s, and
what each call names. What is asked for while no hub can be reached waits for the next seat, and what publish, subscribe
and mute ask for is asked for again at each.
"""

import logging
import time
from collections.abc import Callable
from typing import NamedTuple, TypeVar

from device.channel import address, arguments, errors, messages, rules, writing
from device.channel.address import Address
from device.channel.driver import Driver
from device.channel.errors import ChannelError
from device.channel.news import State
from device.channel.outcome import Callback, Done, Outcome, failed
from device.channel.session import Session
from device.channel.unneeded import Unneeded, say_once
from device.jsonrpc import Params

logger = logging.getLogger(__name__)

T = TypeVar("T")


class Played(NamedTuple):
    """What `subscribe` comes to: the stream's name (see `Calls.publish`), and how far its picture is turned: never."""

    url: str
    rotation: int


class Calls(Unneeded):
    """A part of `Client`, which has made the session and its driver."""

    _hubs: tuple[Address, ...]
    _session: Session
    _driver: Driver
    _insecure: bool
    _destroyed = False
    _role = rules.Role.BROADCASTER

    def publish(self, on_success: Callback | None = None, on_failure: Callback | None = None) -> Outcome[str]:
        """Be heard. Returns the stream's name: ws://hub:8800/v1/lobby/7, that of the hub, the channel and our uid.

        The documented SDK returns the address of a media server to push to. Here media goes over the connection that
        is there (`Client.send`), so the name is for people and programs that talk about streams. Fails with
        AUDIENCE_CANNOT_PUBLISH; TIMED_OUT: it is still wanted then.
        """
        return self._call("publish", messages.PUBLISH, {}, lambda _: self._url(), on_success, on_failure)

    def unpublish(self, on_success: Callback | None = None, on_failure: Callback | None = None) -> Outcome[None]:
        """Be heard no more, and stay. Fails as `publish`."""
        return self._ask("unpublish", messages.UNPUBLISH, {}, on_success, on_failure)

    def update_push_url(self, on_success: Callback | None = None, on_failure: Callback | None = None) -> Outcome[str]:
        """Move our stream to a new connection, without a gap; returns the name that it has there, as `publish`.

        What an application asks for that finds its way to the hub bad, while the client does not. Fails with
        OUT_OF_ORDER before `join`.
        """
        return self._begin("update_push_url", self._session.rejoin, lambda _: self._url(), on_success, on_failure)

    def subscribe(
        self,
        uid: int,
        on_success: Callback | None = None,
        on_failure: Callback | None = None,
        *,
        audio: bool = True,
        video: bool = True,
    ) -> Outcome[Played]:
        """Hear this stream; returns (url, rotation 0), and on_success gets the two as its arguments.

        audio: False subscribes and mutes it. video: ignored, as there is none. Fails with NOT_A_BROADCASTER. Raises
        ValueError.
        """
        params: Params = {"uid": arguments.somebody(uid)}
        if not video:
            say_once("subscribe: video is ignored, there is none")
        outcome = self._call(
            "subscribe", messages.SUBSCRIBE, params, lambda _: Played(self._url(uid), 0), on_success, on_failure
        )
        if not audio:  # of whose failure the outcome of `subscribe` tells
            self._ask("subscribe: mute", messages.MUTE, params, None, _nobody)
        return outcome

    def unsubscribe(
        self, uid: int, on_success: Callback | None = None, on_failure: Callback | None = None
    ) -> Outcome[None]:
        """Hear it no more. Fails, and raises, as `subscribe`."""
        return self._ask("unsubscribe", messages.UNSUBSCRIBE, {"uid": arguments.somebody(uid)}, on_success, on_failure)

    def mute(
        self, uid: int, target: str = "audio", on_success: Callback | None = None, on_failure: Callback | None = None
    ) -> Outcome[None]:
        """Receive nothing of this stream from now on, and stay subscribed; until `unmute`, or the end of the stream.

        Fails with MALFORMED (430) before subscribing. Raises ValueError.
        """
        return self._mute("mute", messages.MUTE, target, {"uid": arguments.somebody(uid)}, on_success, on_failure)

    def unmute(
        self, uid: int, target: str = "audio", on_success: Callback | None = None, on_failure: Callback | None = None
    ) -> Outcome[None]:
        """Receive it again. Fails, and raises, as `mute`."""
        return self._mute("unmute", messages.UNMUTE, target, {"uid": arguments.somebody(uid)}, on_success, on_failure)

    def mute_local(
        self, target: str = "audio", on_success: Callback | None = None, on_failure: Callback | None = None
    ) -> Outcome[None]:
        """Send nothing from now on, whatever the hub says to it; the stream stays published, others get mute-audio.

        It lasts over a lost connection, `unpublish` and `publish`, until `unmute_local` or `leave`. Fails with
        AUDIENCE_CANNOT_PUBLISH. Raises ValueError.
        """
        return self._mute("mute_local", messages.MUTE_LOCAL, target, {}, on_success, on_failure)

    def unmute_local(
        self, target: str = "audio", on_success: Callback | None = None, on_failure: Callback | None = None
    ) -> Outcome[None]:
        """Send again; others get unmute-audio. Fails, and raises, as `mute_local`."""
        return self._mute("unmute_local", messages.UNMUTE_LOCAL, target, {}, on_success, on_failure)

    def set_role(
        self, role: str, on_success: Callback | None = None, on_failure: Callback | None = None
    ) -> Outcome[None]:
        """Be a "broadcaster", who may publish, or an "audience", who hears. Before `join` only remembered.

        In the channel others hear of it as of somebody who joins or leaves; who becomes an audience publishes no more.
        Fails with LOGIN_FAILED where everybody is a broadcaster; TIMED_OUT: it is still wanted then. Raises ValueError.
        """
        wanted = arguments.role(role)
        if self._session.status.state is State.LEFT and not self._destroyed:
            self._role = wanted
            return Done("set_role", on_success)
        params: Params = {"role": wanted.value}
        return self._call("set_role", messages.SET_ROLE, params, lambda _: self._keep(wanted), on_success, on_failure)

    def renew_token(
        self, token: str, on_success: Callback | None = None, on_failure: Callback | None = None
    ) -> Outcome[None]:
        """Go on with this token in place of the old one; nothing is interrupted.

        The last one that the hub takes counts, and with it the seat is asked for if it has to be found again; one that
        is refused changes nothing. Fails with TOKEN_INVALID, TOKEN_EXPIRED, TOKEN_UNEXPECTED, IN_CLEAR; TIMED_OUT: it
        is still wanted then. Raises ValueError.
        """
        params: Params = {"token": arguments.renewed_key(token)}

        def begin(now: float) -> int:
            self._check_clear(token)
            return self._session.call(messages.RENEW_TOKEN, params, now)

        return self._begin("renew_token", begin, lambda _: None, on_success, on_failure)

    def ring(
        self, uid: int = 0, on_success: Callback | None = None, on_failure: Callback | None = None
    ) -> Outcome[None]:
        """Call somebody, or with 0 everybody else in the channel. Fails with NOBODY_THERE, TOO_FREQUENT. Raises
        ValueError."""
        params = messages.Ring(rules.check_uid(uid)).params()
        return self._ask("ring", messages.RING, params, on_success, on_failure)

    def answer(self, on_success: Callback | None = None, on_failure: Callback | None = None) -> Outcome[None]:
        """Tell everybody that a ring is answered. Fails as `ring`."""
        return self._ask("answer", messages.RING, messages.Ring(answered=True).params(), on_success, on_failure)

    def send_stream_message(
        self, data: bytes, stream: int = 1, on_success: Callback | None = None, on_failure: Callback | None = None
    ) -> Outcome[None]:
        """Send everybody in the channel 1 to 1,024 bytes; they get stream-message {uid, stream, data}.

        stream: 1 to 5. At most 60 of them a second, and 30 kB (some documents say 6 kB, the newer ones do not). They
        come in order, and none is lost on a connection that holds; one that was on its way when it broke comes once,
        twice or, after 10 s, not at all. Hosts only. Fails with AUDIENCE_CANNOT_PUBLISH, TOO_FREQUENT. Raises
        ValueError.
        """
        message = writing.Message(rules.check_message(data), arguments.stream(stream))
        return self._ask("send_stream_message", messages.STREAM_MESSAGE, message.params(), on_success, on_failure)

    def enable_volume_indication(self, interval_ms: int = 200) -> None:
        """Tell volume-indication so often, more than 10 ms; 0: no more, as from the start. Raises ValueError."""
        self._session.indicate_volume(interval_ms, time.monotonic())
        self._driver.wake()

    def _keep(self, role: rules.Role) -> None:
        self._role = role

    def _check_clear(self, token: str) -> None:
        open_hubs = [str(hub) for hub in self._hubs if not (hub.secure or hub.is_loopback)]
        if token and open_hubs:
            if not self._insecure:
                raise ChannelError(
                    errors.IN_CLEAR, f"a token does not go to {open_hubs[0]}: use wss:// or insecure = true"
                )
            logger.warning("insecure = true: the token goes in clear to %s", ", ".join(open_hubs))

    def _mute(
        self, name: str, method: str, target: str, params: Params, on_success: Callback | None,
        on_failure: Callback | None,
    ) -> Outcome[None]:  # fmt: skip
        if not arguments.target(target) and not self._destroyed:
            say_once("mute: there is no video to mute")
            return Done(name, on_success)
        return self._ask(name, method, params, on_success, on_failure)

    def _ask(
        self, name: str, method: str, params: Params, on_success: Callback | None, on_failure: Callback | None
    ) -> Outcome[None]:
        return self._call(name, method, params, lambda _: None, on_success, on_failure)

    def _call(
        self, name: str, method: str, params: Params, value: Callable[[Params], T], on_success: Callback | None,
        on_failure: Callback | None,
    ) -> Outcome[T]:  # fmt: skip
        return self._begin(name, lambda now: self._session.call(method, params, now), value, on_success, on_failure)

    def _begin(
        self, name: str, begin: Callable[[float], int], value: Callable[[Params], T], on_success: Callback | None,
        on_failure: Callback | None, given_up: Callable[[int], None] | None = None,
    ) -> Outcome[T]:  # fmt: skip
        """begin: asks the session, now, and returns the number of its Answer. given_up: gets it when cancelled."""
        try:
            if self._destroyed:
                raise ChannelError(errors.OUT_OF_ORDER, "this client is destroyed: make a new one")
            number = begin(time.monotonic())
            future = self._driver.ask(number, value)
        except ChannelError as error:
            return Outcome(name, failed(error), on_success, on_failure)
        if given_up is not None:
            future.add_done_callback(lambda future: given_up(number) if future.cancelled() else None)
        return Outcome(name, future, on_success, on_failure)

    def _url(self, uid: int = 0) -> str:
        """What a stream is called, ours with 0."""
        status = self._session.status
        return address.stream_url(status.hub or str(self._hubs[0]), status.channel, uid or status.uid)


def _nobody(error: ChannelError) -> None:
    """Who is told of a failure that somebody else hears of anyway."""
