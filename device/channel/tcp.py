"""The TCP sockets of a client: how they are opened, what has not arrived, how they end at once. Linux's own knobs."""

import asyncio
import contextlib
import errno
import fcntl
import socket
import struct
import sys
import termios

from device.channel.doubling import Path
from device.channel.resolver import Target, Targets

# Set before connecting, so that the window is small from the start: a listener that stops reading must push back on the
# hub within a second, not after minutes of sound in acknowledged buffers. The kernel doubles it.
RECEIVE_BUFFER_BYTES = 16_384
# The session abandons a silent connection long before; this ends one that it keeps because nothing better is found, and
# what the kernel would still repeat for a process that hangs. Twice the longest round trip that can join.
USER_TIMEOUT_MS = 10_000
# <linux/tcp.h>: with few packets on the way, repeat a lost one after 200, 400, 600 ms instead of doubling each time.
_TCP_THIN_LINEAR_TIMEOUTS = 16
# What a machine without a network says; one that has a network of IPv4 alone says it of every IPv6 address, too.
NO_NETWORK = (errno.ENETUNREACH, errno.ENETDOWN)
# <linux/tcp.h>, struct tcp_info: rtt at 68, rttvar 72, total_retrans 100, min_rtt 148, rcv_ooopack 224 (since Linux
# 5.4); in us.
_TCP_INFO = struct.Struct("68xII24xI44xI72xI")
_LINGER_NOT = struct.pack("ii", 1, 0)
_LINGER = struct.pack("ii", 0, 0)


async def connect(targets: Targets, first: int) -> socket.socket:
    """A connection to one of these, tried in turn from number `first`.

    Raises the OSError of the last, or of the last one that there is a network for. One that does not answer is waited
    for: the next attempt, dialled meanwhile, starts with the next target.
    """
    error: OSError = socket.gaierror(socket.EAI_NODATA, "no address")
    for step in range(len(targets)):
        try:
            return await _connect(targets[(first + step) % len(targets)])
        except OSError as failure:
            if step == 0 or failure.errno not in NO_NETWORK:
                error = failure
    raise error


async def _connect(target: Target) -> socket.socket:
    family, address = target
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, USER_TIMEOUT_MS)
        with contextlib.suppress(OSError):  # a kernel that does not know it repeats as always
            sock.setsockopt(socket.IPPROTO_TCP, _TCP_THIN_LINEAR_TIMEOUTS, 1)
        # Until it has ended well, whatever ends this connection ends it at once, and nothing is repeated afterwards.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
        await asyncio.get_running_loop().sock_connect(sock, address)
    except BaseException:
        sock.close()
        raise
    return sock


def end_well(sock: socket.socket) -> None:
    """Deliver what is written before the connection ends."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER)


def unacknowledged(sock: socket.socket) -> int:
    """Bytes in the kernel that the other end has not acknowledged, sent or not (SIOCOUTQ, tcp(7))."""
    if sock.fileno() < 0:  # closed meanwhile
        return 0
    return int.from_bytes(fcntl.ioctl(sock, termios.TIOCOUTQ, b"\0\0\0\0"), sys.byteorder)


def path(sock: socket.socket) -> Path:
    """What the kernel knows of the way to the other end; nothing of a socket that is closed, or on another kernel."""
    info = b"" if sock.fileno() < 0 else sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO.size)
    if len(info) < _TCP_INFO.size:
        return Path(0, 0.0, 0.0)
    rtt_us, varies_us, repeated, shortest_us, out_of_order = _TCP_INFO.unpack(info)
    return Path(repeated + out_of_order, rtt_us / 1e6, shortest_us / 1e6, varies_us / 1e6)
