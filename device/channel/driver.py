"""Carries out what a session decides, on one event loop, and tells it what happens.

A task for each connection that is being opened or closed, one timer, and nothing else that runs.
"""

import asyncio
import logging
import ssl
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from device.channel import wire
from device.channel.actions import Action, Answer, Close, Dial, Emit, Log, Send
from device.channel.address import Address
from device.channel.errors import ChannelError
from device.channel.handlers import Handler, Handlers, run
from device.channel.liveness import DOUBT_S
from device.channel.resolver import Resolver
from device.channel.session import Session
from device.channel.wire import Missed, Wire
from device.jsonrpc import Params

logger = logging.getLogger(__name__)

_NEVER = float("inf")
T = TypeVar("T")


class Driver:
    """One for each session. tls: for wss hubs. on_media: called with (packet, arrived_ns) for each packet."""

    def __init__(self, session: Session, handlers: Handlers, tls: ssl.SSLContext | None) -> None:
        self.on_media: Handler | None = None
        self._session = session
        self._handlers = handlers
        self._tls = tls
        self._resolver = Resolver()
        self._first_target = 0  # of a name's addresses, the one that the next attempt starts with
        self._answers: dict[int, tuple[asyncio.Future[Any], Callable[[Params], Any]]] = {}
        self._wires: dict[int, Wire] = {}
        self._dials: dict[int, asyncio.Task[None]] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = _NEVER
        self._busy = False

    async def answer(self, number: int) -> Params:
        """The result of this request of the session. Raises ChannelError, the session's."""
        return await self.ask(number, dict)

    def ask(self, number: int, value: Callable[[Params], T]) -> "asyncio.Future[T]":
        """What becomes of this request, which is made at once: what `value` makes of its result, or ChannelError."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._answers[number] = future, value
        future.add_done_callback(lambda _: self._answers.pop(number))
        self.carry_out()
        return future

    def send(self, payload: bytes, timestamp: int, level_dbov: int | None, marker: bool) -> bool:
        """One frame, sent now or not at all; returns which."""
        now, session = time.monotonic(), self._session
        clogged = session.clogged(now)
        for conn in clogged:
            session.unacknowledged(conn, self._wires[conn].unacknowledged_bytes(), now)
            session.path(conn, self._wires[conn].path(), now)
        if clogged:
            self.carry_out()
        sending = session.send(payload, timestamp, level_dbov, marker, now)
        if sending is None:
            return False
        packet, conns = sending
        for conn in conns:
            self._wires[conn].send_media(packet)
        if self._timer_at > now + DOUBT_S:
            self._set_timer()
        return True

    def wake(self) -> None:
        """The session may have something to do sooner than it said; without a loop it has not."""
        if self._session.conns:
            self._set_timer()

    def carry_out(self) -> None:
        """Do what the session has decided."""
        if self._busy:
            return  # a handler has asked for more: after what was decided before
        self._busy = True
        try:
            while actions := self._session.actions():
                for action in actions:
                    self._do(action)
        finally:
            self._busy = False
        self._set_timer()

    async def settled(self, within_s: float) -> None:
        """Wait until the connections that are to end have ended, no longer than this."""
        if self._ending:
            await asyncio.wait(self._ending, timeout=within_s)

    # What a wire tells

    def media_came(self, conn: int, data: bytes) -> None:
        """A binary message."""
        arrived_ns = time.monotonic_ns()
        packets = self._session.media(conn, data, arrived_ns / 1e9)
        if self.on_media is not None:
            for packet in packets:
                run("media", self.on_media, packet, arrived_ns)

    def text_came(self, conn: int, data: bytes) -> None:
        """A text message."""
        now = time.monotonic()
        self._session.unacknowledged(conn, self._wires[conn].unacknowledged_bytes(), now)
        self._session.text(conn, data, now)
        self.carry_out()

    def wire_ended(self, conn: int, code: int) -> None:
        """A connection is closed."""
        self._end(self._wires.pop(conn).say_goodbye())
        self._session.closed(conn, code, time.monotonic())
        self.carry_out()

    def _do(self, action: Action) -> None:
        match action:
            case Send(conn, text) if conn in self._wires:
                self._wires[conn].send_text(text)
            case Emit(event, params):
                self._handlers.emit(event, params)
            case Log(level, text, event):
                self._log(level, text, event)
            case Answer(number, outcome):
                self._resolve(number, outcome)
            case Dial(conn, hub):
                self._dials[conn] = asyncio.get_running_loop().create_task(self._dial(conn, hub))
            case Close(conn, abort):
                self._close(conn, abort)

    def _log(self, level: int, text: str, event: str) -> None:
        status = self._session.status
        fields = {"event": event, "channel": status.channel, "uid": status.uid} if event else None
        logger.log(level, "%s", text, extra=fields)

    def _resolve(self, number: int, outcome: Params | ChannelError) -> None:
        future, value = self._answers.get(number, (None, dict))
        if future is None or future.done():  # nobody waits any more
            return
        if isinstance(outcome, ChannelError):
            future.set_exception(outcome)
        else:
            future.set_result(value(outcome))

    def _close(self, conn: int, abort: bool) -> None:
        dial, opened = self._dials.pop(conn, None), self._wires.pop(conn, None)
        if dial is not None:
            dial.cancel()
            self._ending.add(dial)
            dial.add_done_callback(self._ending.discard)
        if opened is not None and abort:
            opened.abort()
        elif opened is not None:
            opened.detach()  # at once: what it is reading just now may end with a goodbye of the hub's
            self._end(opened.say_goodbye())

    def _end(self, ending: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(ending)
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def _dial(self, conn: int, hub: Address) -> None:
        def reached() -> None:
            self._session.reached(conn, time.monotonic())

        first, self._first_target = self._first_target, self._first_target + 1
        try:
            opened = await wire.dial(hub, first, self._resolver, self._tls, reached)
        except Missed as missed:
            self._dials.pop(conn, None)
            self._session.failed(conn, missed.miss, time.monotonic(), missed.http_status, missed.detail)
        else:
            self._first_target = first
            self._dials.pop(conn, None)
            self._wires[conn] = opened
            self._session.opened(conn, time.monotonic())
            opened.attach(self, conn)
        self.carry_out()

    def _set_timer(self) -> None:
        at = self._session.deadline()
        if at >= self._timer_at:
            return  # the timer comes early, finds nothing to do, and is set again
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = at
        self._timer = asyncio.get_running_loop().call_later(max(0.0, at - time.monotonic()), self._tick)

    def _tick(self) -> None:
        self._timer, self._timer_at = None, _NEVER
        now = time.monotonic()
        for conn in self._session.conns:
            self._session.unacknowledged(conn, self._wires[conn].unacknowledged_bytes(), now)
            self._session.path(conn, self._wires[conn].path(), now)
        self._session.tick(now)
        self.carry_out()
