"""What waits for one client, and gets to him as soon as there is room: at once where only his socket was full, and
where his way is, when he has had everything before. What is worth hearing backlog knows, when there is room flow.
"""

import asyncio
import socket
import time
from typing import Protocol, cast

from device.channel import tcp
from device.hub.backlog import Backlog
from device.hub.exchange import Desk, Line
from device.hub.flow import LOOK_S, Flow

# A full segment on its way is no queue.
FEW_BYTES = 1_500


class Listener(Protocol):
    """clear: whether media frames go straight to his socket; else they are to be held."""

    clear: bool
    loop: asyncio.AbstractEventLoop
    transport: asyncio.Transport

    @property
    def is_open(self) -> bool:
        """Whether he may still be sent something."""

    @property
    def desk(self) -> Desk:
        """Where packets that came too late are counted."""

    def queue(self, rest: bytes) -> None:
        """Send as soon as possible."""


class Pouring:
    """To one of them."""

    def __init__(self, listener: Listener) -> None:
        self._listener, self._backlog, self._flow = listener, Backlog(), Flow()

    @property
    def held(self) -> bool:
        """Whether this alone gives him anything."""
        return self._flow.held

    def hold(self, frame: bytes, now: float) -> int:
        """Keep a media frame for as long as it is worth hearing; returns how many it dropped."""
        dropped = self._backlog.put(frame, now)
        if dropped and self._flow.goes_on(now):
            self._listener.desk.crowded(cast(Line, self._listener), now)
        return dropped

    def pour(self, now: float) -> None:
        """Send what is held, or what of it is still worth hearing."""
        fresh, late = self._backlog.take(now)
        self._listener.desk.late(late)
        if fresh:
            self._listener.queue(fresh)

    def look(self, now: float) -> None:
        """At his way; to be called every TICK_S."""
        if not self._listener.clear:
            return
        has_much = tcp.unacknowledged(self._socket) > FEW_BYTES  # hardly ever, and the rest costs more
        if self._flow.looked(tcp.path(self._socket).standing_queue_s if has_much else 0.0, now):
            self._listener.clear = False
            self._go_on()

    def _go_on(self) -> None:
        listener, now = self._listener, time.monotonic()
        if not listener.is_open:
            return
        if not listener.transport.get_write_buffer_size() and not tcp.unacknowledged(self._socket):
            # Before it pours: that may fill the transport, which says so at once, and is not to be written past then.
            listener.clear = not self._flow.drained(tcp.path(self._socket).shortest_rtt_s, now)
            self.pour(now)
            self._flow.poured(now)
        if self._flow.held:
            listener.loop.call_later(LOOK_S, self._go_on)

    @property
    def _socket(self) -> socket.socket:
        return cast(socket.socket, self._listener.transport.get_extra_info("socket"))
