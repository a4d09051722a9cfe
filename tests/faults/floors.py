"""The floor beside the rows with loss: what bare TCP delivers on the same path at the same time.

Speech is 50 messages of 100 bytes a second from "far" to the hub's network. Three ways: one connection, one with
TCP_THIN_LINEAR_TIMEOUTS, and two that carry the same messages, of which the first to come counts. A message is playable
when it comes less than 500 ms after it was sent.
"""

import select
import socket
import struct
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import pairwise

from tests.badnet import BadNetwork
from tests.timing import seconds

from . import dated
from .scene import Scene

EVERY_S, SIZE = 0.02, 100
_PORT = 7_000
_SO_SNDBUFFORCE = 32  # <asm-generic/socket.h>
_QUEUE_BYTES = 8 << 20  # a connection that stands still for a minute must not hold up the others
_THIN_LINEAR_TIMEOUTS = 16  # <linux/tcp.h>
_HEADER = struct.Struct("!dI")


@dataclass
class _Stream:
    """One connection: both ends, what has come of a message so far, and when each whole one came."""

    near: socket.socket
    far: socket.socket
    partly: bytes = b""
    came: dict[int, float] = field(default_factory=dict)

    def read(self) -> None:
        self.partly += self.far.recv(65_536)
        now = time.monotonic()
        while len(self.partly) >= SIZE:
            _, number = _HEADER.unpack_from(self.partly)
            self.came[number] = now
            self.partly = self.partly[SIZE:]


def bare_tcp(scene: Scene, lasts_s: float) -> dict[str, float]:
    """Figures of all three ways, measured for so long."""
    return measure(scene.net, lasts_s)


def measure(net: BadNetwork, lasts_s: float) -> dict[str, float]:
    """The same in a network that needs no more than its hosts "hub" and "far"."""
    with ExitStack() as stack:
        plain, thin, *raced = (_connect(stack, net, thin=number > 0) for number in range(4))
        sent = _talk([plain, thin, *raced], lasts_s)
    first = {
        number: min(stream.came[number] for stream in raced if number in stream.came)
        for number in {*raced[0].came, *raced[1].came}
    }
    figures: dict[str, float] = {}
    for name, came in (("plain", plain.came), ("thin", thin.came), ("raced", first)):
        figures[f"floor_{name}_gap_ms"] = round(_longest_gap_ms(sent, came))
        figures[f"floor_{name}_unplayable_percent"] = round(_unplayable_percent(sent, came), 2)
    return figures


def _connect(stack: ExitStack, net: BadNetwork, thin: bool) -> _Stream:
    with net["hub"].inside():
        listening = stack.enter_context(socket.create_server((net["hub"].address, _PORT)))
    with net["far"].inside():
        near = stack.enter_context(socket.create_connection((net["hub"].address, _PORT), seconds(30)))
    far = stack.enter_context(listening.accept()[0])
    listening.close()
    near.setsockopt(socket.SOL_SOCKET, _SO_SNDBUFFORCE, _QUEUE_BYTES)
    near.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if thin:
        near.setsockopt(socket.IPPROTO_TCP, _THIN_LINEAR_TIMEOUTS, 1)
    return _Stream(near, far)


def _talk(streams: list[_Stream], lasts_s: float) -> list[float]:
    """When each message was sent."""
    by_far = {stream.far: stream for stream in streams}
    began, sent = time.monotonic(), list[float]()
    while (now := time.monotonic()) < began + lasts_s:
        if now >= began + len(sent) * EVERY_S:
            for stream in streams:
                stream.near.sendall(_HEADER.pack(now, len(sent)).ljust(SIZE, b"\0"))
            sent.append(now)
            continue
        for ready in select.select(list(by_far), [], [], began + len(sent) * EVERY_S - now)[0]:
            by_far[ready].read()
    return sent


def _longest_gap_ms(sent: list[float], came: dict[int, float]) -> float:
    """Between one message that is still fresh and the next, the beginning and the end."""
    fresh = sorted(at for number, at in came.items() if at - sent[number] < dated.OLD_MS / 1e3)
    return max(after - before for before, after in pairwise([sent[0], *fresh, sent[-1]])) * 1e3


def _unplayable_percent(sent: list[float], came: dict[int, float]) -> float:
    due = [number for number, at in enumerate(sent) if at < sent[-1] - dated.OLD_MS / 1e3]
    good = [number for number in due if number in came and came[number] - sent[number] < dated.OLD_MS / 1e3]
    return 100 * (1 - len(good) / len(due))
