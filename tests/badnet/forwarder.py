"""The process that is the bad network: it makes the namespaces, and carries every packet from one to another.

Each host has a way up into the network and a way down from it, each with its own weather. The namespaces have no names:
they belong to this process and end with it (and with the last process inside), and it ends when the other end of its
control socket does. So nothing is left over, whatever was killed.

Requests and answers are JSON lines: {"host": 0, "way": "down", "weather": {...}} -> {}, and {"counts": true} ->
{"counts": [{"up": {...}, "down": {...}}, ...], "late_ms": the worst so far}.
"""

import ctypes
import fcntl
import json
import os
import select
import signal
import socket
import struct
import time
from typing import Any

from tests.netem import Path, Weather

DEVICE = "net0"
UP, DOWN = "up", "down"
# Addresses are 10.66.HOST.*, whatever a host has for the last byte at the moment.
_HOST_BYTE = 18
_CLONE_NEWNET = 0x40000000
_TUNSETIFF, _IFF_TUN, _IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
_LONGEST = 2_048  # more than the MTU
_AT_ONCE = 64  # packets of one host before it is the next one's turn
# The kernel comes back from a wait some 50 us late at best: what is due by then is not worth another one.
_NEAR_S = 50e-6
# Above the audio threads of the daemons (10), as no process of a machine delays a network.
_PRIORITY = 20

_libc = ctypes.CDLL(None, use_errno=True)


def enter(namespace: int) -> None:
    """The calling thread goes into the network namespace of this file descriptor. Raises OSError."""
    if _libc.setns(namespace, _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


class Place:
    """One host: its namespace, its TUN device, and its two ways."""

    def __init__(self, seed: int) -> None:
        if _libc.unshare(_CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "unshare")
        self.namespace = os.open("/proc/self/ns/net", os.O_RDONLY)
        self.tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(self.tun, _TUNSETIFF, struct.pack("16sH22x", DEVICE.encode(), _IFF_TUN | _IFF_NO_PI))
        self.ways = {UP: Path(Weather(), 2 * seed), DOWN: Path(Weather(), 2 * seed + 1)}

    def arrived_from(self) -> list[bytes]:
        """What its kernel has sent, up to a number of packets."""
        packets = []
        try:
            for _ in range(_AT_ONCE):
                packets.append(os.read(self.tun, _LONGEST))
        except BlockingIOError:
            pass
        return packets

    def deliver(self, packet: bytes) -> None:
        """Hand it to its kernel; with its link down nothing gets there."""
        try:
            os.write(self.tun, packet)
        except OSError:
            self.ways[DOWN].counts["lost"] += 1


class Forwarder:
    """All hosts, and the control socket."""

    def __init__(self, control: socket.socket, hosts: int, seed: int) -> None:
        self._control = control
        self._asked = b""
        home = os.open("/proc/self/ns/net", os.O_RDONLY)
        self._places = [Place(seed * 1_000 + number) for number in range(hosts)]
        self._by_tun = {place.tun: place for place in self._places}
        enter(home)
        os.close(home)
        self._late_s = 0.0

    def run(self) -> None:
        """Until the control socket is closed."""
        self._answer({"namespaces": [place.namespace for place in self._places]})
        files = [self._control.fileno(), *self._by_tun]
        while True:
            due_at = self._carry(time.monotonic())
            wait_s = None if due_at is None else max(0.0, due_at - time.monotonic() - _NEAR_S / 2)
            ready, _, _ = select.select(files, [], [], wait_s)  # epoll would round to milliseconds
            now = time.monotonic()
            for file in ready:
                if file == self._control.fileno():
                    if not self._obey():
                        return
                else:
                    place = self._by_tun[file]
                    for packet in place.arrived_from():
                        place.ways[UP].send(packet, now, len(packet))

    def _carry(self, now: float) -> float | None:
        """Move everything that is due. Returns when the next packet is, None where there is none."""
        soon = now + _NEAR_S
        for place in self._places:
            for at, packet in place.ways[UP].arrived(soon):
                to = packet[_HOST_BYTE] if len(packet) > _HOST_BYTE and packet[0] >> 4 == 4 else len(self._places)
                if to < len(self._places):
                    self._places[to].ways[DOWN].send(packet, at, len(packet))
        for place in self._places:
            for at, packet in place.ways[DOWN].arrived(soon):
                place.deliver(packet)
                self._late_s = max(self._late_s, now - at)
        nexts = (way.next_at() for place in self._places for way in place.ways.values())
        return min((due_at for due_at in nexts if due_at is not None), default=None)

    def _obey(self) -> bool:
        asked = self._control.recv(65_536)
        self._asked += asked
        *requests, self._asked = self._asked.split(b"\n")
        for request in map(json.loads, requests):
            if "counts" in request:
                counts = [{name: way.counts for name, way in place.ways.items()} for place in self._places]
                self._answer({"counts": counts, "late_ms": self._late_s * 1e3})
            else:
                self._places[request["host"]].ways[request["way"]].weather = Weather(**request["weather"])
                self._answer({})
        return bool(asked)

    def _answer(self, answer: dict[str, Any]) -> None:
        self._control.sendall(json.dumps(answer).encode() + b"\n")


def main(control_fd: int, hosts: int, seed: int) -> None:
    """Be it, until the other end of the socket is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for who started this, and ends it by its end
    control = socket.socket(fileno=control_fd)
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(_PRIORITY))
    Forwarder(control, hosts, seed).run()
