"""Between `Rooms`, which knows who hears whom, and the connections of the server, which carry it.

A packet is made a frame once, and the same bytes go to every listener; this loop is where the hub spends its time.
It waits for nothing, and knows connections only as `Line`.
"""

import logging
import time
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Protocol, cast

from device.hub.bridge import Estate
from device.hub.frames import media_frame, text_frame
from device.hub.out import Note, Out, Send
from device.hub.rooms import Rooms

logger = logging.getLogger(__name__)


class Line(Hashable, Protocol):
    """A connection as far as it matters here."""

    @property
    def address(self) -> str:
        """Where the client is: its IP address."""

    @property
    def clear(self) -> bool:
        """Open, and nothing is held back: a media frame may go to `write`. Else it has to go to `hold`."""

    def write(self, frame: bytes, /) -> int:
        """Straight to the kernel; returns how many bytes it took. Raises OSError where it takes none."""

    def queue(self, rest: bytes) -> None:
        """Send what `write` did not take, as soon as possible."""

    def hold(self, frame: bytes, now: float) -> int:
        """Keep a media frame for as long as it is worth hearing; returns how many it dropped."""

    def tell(self, frame: bytes) -> None:
        """Send a text frame."""

    def finish(self, code: int, reason: str) -> None:
        """Say why and close."""


class Desk(Protocol):
    """Who hears of everything that happens on the connections of a server: its exchange, or a successor's."""

    def opened(self, line: Line, now: float) -> str:
        """A client has connected. Returns why it has to go again, "" where it may stay."""

    def closed(self, line: Line, now: float) -> None:
        """A connection is gone."""

    def text(self, line: Line, data: bytes, now: float) -> None:
        """A text message came, not yet checked to be UTF-8."""

    def media(self, line: Line, data: bytes, now: float) -> None:
        """A binary message came."""

    def late(self, packets: int) -> None:
        """So many had to go, as a line did not take them in time."""

    def crowded(self, line: Line, now: float) -> None:
        """The way to this client is full: packets had to go for fresher ones."""

    def tick(self, now: float) -> None:
        """Time has passed; to be called every TICK_S."""

    def snapshot(self) -> dict[str, int]:
        """How busy it is."""


def give(listener: Line, frame: bytes, now: float) -> int:
    """Send a media frame now, or keep it for as long as it is worth hearing; returns how many had to go for it."""
    if not listener.clear:
        return listener.hold(frame, now)
    try:
        taken = listener.write(frame)
    except OSError:  # full, or gone: `queue` finds out
        taken = 0
    if taken != len(frame):
        listener.queue(frame[taken:])
    return 0


class Exchange:
    """All lines of one hub."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms
        self._packets_late = 0  # dropped because a listener did not take them in time

    def opened(self, line: Line, now: float) -> str:
        """A client has connected. Returns why it has to go again, "" where it may stay."""
        return self._rooms.opened(line, line.address, now)

    def closed(self, line: Line, now: float) -> None:
        """A connection is gone."""
        self._rooms.closed(line, now)

    def text(self, line: Line, data: bytes, now: float) -> None:
        """A text message came, not yet checked to be UTF-8."""
        self._do(self._rooms.text(line, data, now, time.time()))

    def media(self, line: Line, data: bytes, now: float) -> None:
        """A binary message came."""
        listeners = cast(Sequence[Line], self._rooms.media(line, data, now))
        if not listeners:
            return
        frame = media_frame(data)
        for listener in listeners:
            self._packets_late += give(listener, frame, now)

    def late(self, packets: int) -> None:
        """So many had to go, as a line did not take them in time."""
        self._packets_late += packets

    def crowded(self, line: Line, now: float) -> None:
        """The way to this client is full: packets had to go for fresher ones."""
        self._rooms.crowded(line, now)

    def tick(self, now: float) -> None:
        """Time has passed; to be called every TICK_S."""
        self._do(self._rooms.tick(now))

    def snapshot(self) -> dict[str, int]:
        """The counts of `out.Snapshot`, and packets_late."""
        return {**asdict(self._rooms.snapshot()), "packets_late": self._packets_late}

    def bequeath(self) -> tuple[dict[Line, int], Estate]:
        """All that a successor has to know, and the numbers of the lines in it."""
        numbers = {cast(Line, known): number for number, known in enumerate(self._rooms.connections(), 1)}
        return numbers, self._rooms.bequeath(cast(Mapping[Hashable, int], numbers))

    def inherited(self, line: Line, now: float) -> None:
        """A line that the hub before this one has let in."""
        self._rooms.inherited(line, now, line.address)

    def inherit(self, estate: Estate, lines: Mapping[int, Line], now: float) -> None:
        """Go on where the hub before this one was, whose lines have been `inherited`."""
        self._rooms.inherit(estate, lines, now)

    def _do(self, outs: Iterable[Out]) -> None:
        for out in outs:
            if isinstance(out, Send):
                frame = text_frame(out.text)
                for line in cast(Sequence[Line], out.to):
                    line.tell(frame)
            elif isinstance(out, Note):
                logger.info("%s %s", cast(Line, out.connection).address, out.text)
            else:
                line = cast(Line, out.connection)
                logger.info("closing %s: %s", line.address, out.reason)
                line.finish(out.code, out.reason)
