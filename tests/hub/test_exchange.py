"""Between rooms and lines: one frame for all listeners, and what happens to those that are full or gone."""

from dataclasses import dataclass, field

from device import jsonrpc
from device.channel import rtp
from device.hub.exchange import Exchange
from device.hub.frames import media_frame
from device.hub.rooms import Rooms
from device.hub.sessions import Sessions
from tests.hub.house import APP, KEY

PACKET = rtp.Packet(1, 5, 960, b"opus").pack()


@dataclass(eq=False)
class Line:
    """A connection that writes down what happens to it. takes: how many bytes a `write` takes; None: it fails."""

    address: str = "10.0.0.1"
    clear: bool = True
    takes: int | None = 10_000
    written: list[bytes] = field(default_factory=list)
    queued: list[bytes] = field(default_factory=list)
    held: list[bytes] = field(default_factory=list)
    told: list[bytes] = field(default_factory=list)
    finished: list[tuple[int, str]] = field(default_factory=list)

    def write(self, frame: bytes) -> int:
        if self.takes is None:
            raise BlockingIOError
        self.written.append(frame)
        return min(self.takes, len(frame))

    def queue(self, rest: bytes) -> None:
        self.queued.append(rest)

    def hold(self, frame: bytes, now: float) -> int:
        self.held.append(frame)
        return 1

    def tell(self, frame: bytes) -> None:
        self.told.append(frame)

    def finish(self, code: int, reason: str) -> None:
        self.finished.append((code, reason))


def call(*listeners: Line) -> tuple[Exchange, Line]:
    """An exchange in which the first line talks to the others."""
    exchange = Exchange(Rooms(Sessions(KEY), lambda size: b"r" * size, 0.0))
    talker = Line()
    for uid, line in enumerate((talker, *listeners), 1):
        assert exchange.opened(line, 0.0) == ""
        join = {"appId": APP, "channel": "lobby", "uid": uid, "autoSubscribe": True}
        exchange.text(line, jsonrpc.request(1, "join", join).encode(), 0.0)
    exchange.text(talker, jsonrpc.request(2, "publish", {}).encode(), 0.0)
    return exchange, talker


def test_every_listener_gets_the_very_same_frame() -> None:
    one, two = Line(), Line()
    exchange, talker = call(one, two)
    exchange.media(talker, PACKET, 1.0)
    assert one.written == [media_frame(PACKET)] and one.written[0] is two.written[0]
    assert not talker.written and not one.queued and not one.held


def test_what_the_kernel_does_not_take_is_queued() -> None:
    partly, full = Line(takes=3), Line(takes=None)
    exchange, talker = call(partly, full)
    exchange.media(talker, PACKET, 1.0)
    assert partly.queued == [media_frame(PACKET)[3:]] and full.queued == [media_frame(PACKET)]


def test_who_is_not_clear_holds_and_what_that_drops_is_counted() -> None:
    slow, quick = Line(clear=False), Line()
    exchange, talker = call(slow, quick)
    exchange.media(talker, PACKET, 1.0)
    assert slow.held == [media_frame(PACKET)] and not slow.written and quick.written
    assert exchange.snapshot()["packets_late"] == 1


def test_a_packet_without_listeners_is_not_made_a_frame() -> None:
    exchange, talker = call()
    exchange.media(talker, PACKET, 1.0)
    assert exchange.snapshot()["packets_in"] == 1 and exchange.snapshot()["packets_out"] == 0


def test_answers_and_news_are_told_and_who_misbehaves_is_finished() -> None:
    line = Line()
    exchange, talker = call(line)
    assert b'"streams":[]' in line.told[0] and b"stream-added" in line.told[1]
    stranger = Line()
    exchange.opened(stranger, 1.0)
    for quarter in range(4, 27):
        exchange.tick(quarter / 4)
    assert stranger.finished == [(1008, "no join within 5 s")] and not talker.finished


def test_who_is_gone_gets_nothing_more() -> None:
    line = Line()
    exchange, talker = call(line)
    exchange.closed(line, 1.0)
    exchange.media(talker, PACKET, 1.0)
    assert not line.written and exchange.snapshot()["connections"] == 1
