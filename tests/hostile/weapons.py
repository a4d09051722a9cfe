"""What an attack is made of: many connections from one address of loopback, each kept as busy as the hub lets it be.

The standard library alone, so that a process of it starts at once.
"""

import contextlib
import json
import select
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.hub.plain import UPGRADE, masked

APP_ID = "0123456789abcdef0123456789abcdef"
# Not where the honest are, nor another test: thousands of its ports are in use for a minute afterwards.
ADDRESS = "127.0.66.6"
PATIENCE_S = 1.0
TEXT, BINARY = 0x81, 0x82

_ANYBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
_ANYBODY.check_hostname, _ANYBODY.verify_mode = False, ssl.CERT_NONE


@dataclass(frozen=True)
class Target:
    """A hub on 127.0.0.1, and whose call is to be disturbed there."""

    port: int
    secure: bool
    channel: str
    uid: int
    until: float


def dial(target: Target, **options: int) -> socket.socket:
    """A connection, with TLS where the hub has it. Raises OSError. options: of SOL_SOCKET."""
    sock = dial_tcp(target, **options)
    return shake_hands(sock) if target.secure else sock


def dial_tcp(target: Target, **options: int) -> socket.socket:
    """A connection without TLS. Raises OSError."""
    sock = socket.socket()
    try:
        for name, value in options.items():
            sock.setsockopt(socket.SOL_SOCKET, getattr(socket, name), value)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.settimeout(PATIENCE_S)
        sock.bind((ADDRESS, 0))
        sock.connect(("127.0.0.1", target.port))
    except OSError:
        sock.close()
        raise
    return sock


def shake_hands(sock: socket.socket) -> socket.socket:
    """TLS, with anybody. Raises OSError."""
    try:
        return _ANYBODY.wrap_socket(sock)
    except OSError:
        sock.close()
        raise


def request(method: str, **params: Any) -> bytes:
    """A frame with a request."""
    return masked(TEXT, json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode())


def packet(ssrc: int, sequence: int = 0, size: int = 160) -> bytes:
    """A frame with an RTP packet of this size."""
    head = b"\x80\x6f" + (sequence & 0xFFFF).to_bytes(2, "big") + bytes(4) + ssrc.to_bytes(4, "big")
    return masked(BINARY, head + bytes(size - len(head)))


def open_socket(target: Target, **options: int) -> socket.socket:
    """A WebSocket. Raises OSError, also for a hub that refuses it."""
    sock = dial(target, **options)
    try:
        _exchange(sock, UPGRADE, b"\r\n\r\n")
    except OSError:
        sock.close()
        raise
    return sock


def seat(target: Target, channel: str, *then: str, deaf: bool = False, **params: Any) -> tuple[socket.socket, int]:
    """A seat in this channel, with these requests made; and its uid. Raises OSError. deaf: it will not read."""
    sock = open_socket(target, **({"SO_RCVBUF": 4_096} if deaf else {}))
    try:
        answer = _exchange(sock, request("join", appId=APP_ID, channel=channel, **params), b'"result"')
        for method in then:
            _exchange(sock, request(method), b'"result":{}')
    except OSError:
        sock.close()
        raise
    return sock, int(answer.partition(b'"uid":')[2].partition(b",")[0])


def _exchange(sock: socket.socket, data: bytes, end: bytes) -> bytes:
    sock.sendall(data)
    answer = b""
    while end not in answer:
        more = sock.recv(65_536)
        if not more or (b"HTTP/1.1 " in answer + more and b" 101 " not in answer + more):
            raise ConnectionError("refused")
        answer += more
    return answer


class Gun:
    """One connection that has this to send, again and again, and reads what comes unless it is deaf."""

    def __init__(self, sock: socket.socket, shot: bytes, deaf: bool = False) -> None:
        sock.setblocking(False)
        self.sock, self._shot, self._deaf, self._sent = sock, shot, deaf, 0

    def fire(self, most: int = 1 << 30) -> None:
        """Send as much as the socket takes, and at most so many bytes. Raises OSError where it is closed."""
        with contextlib.suppress(BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            if self._shot:
                sent = self.sock.send(self._shot[self._sent : self._sent + most])
                self._sent = (self._sent + sent) % len(self._shot)
        with contextlib.suppress(BlockingIOError, ssl.SSLWantReadError):
            while not self._deaf:
                if not self.sock.recv(65_536):
                    raise ConnectionError("closed")


def battery(
    target: Target, count: int, make: Callable[[int], Gun], pause_s: float = 0.0, most: int = 1 << 30
) -> tuple[int, int]:
    """Keep so many guns firing, and replace those that are closed, until it is time.

    make: the gun of this number. Raises OSError where it is refused. pause_s: between the shots of one gun. most: bytes
    of one shot. Returns how many were made, and how many refused.
    """
    guns: list[Gun | None] = [None] * count
    made = refused = 0
    all_at = time.monotonic() + (target.until - time.monotonic()) / 2
    while (began := time.monotonic()) < target.until:
        armed = None not in guns or began > all_at  # before that, none: the first shots come all at once
        for number, gun in enumerate(guns):
            if time.monotonic() >= target.until:
                break
            try:
                if gun is None:
                    guns[number] = make(number)
                    made += 1
                elif armed:
                    gun.fire(most)
            except OSError:
                refused += gun is None
                if gun is not None:
                    gun.sock.close()
                guns[number] = None
        select.select([], [], [], max(0.0, pause_s - (time.monotonic() - began)))
    for gun in guns:
        if gun is not None:
            gun.sock.close()
    return made, refused
