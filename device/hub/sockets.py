"""The options of the hub's sockets: how much the kernel may keep for one client, and for how long."""

import contextlib
import errno
import socket
import struct
from asyncio.trsock import TransportSocket

# What one client can make the hub read at a time, and so how long the others wait for it: 2 ms of garbage. It is also
# all the old speech that a stalled talker can have in flight.
RECEIVE_BUFFER_BYTES = 16_384
# One round trip of eight talkers in packets of their own, 200 ms of 50 a second, at the 0.8 kB the kernel counts for
# each. What does not fit waits in the backlog, where it can be dropped.
SEND_BUFFER_BYTES = 32_768
# How much of that may be unsent before the socket counts as full.
UNSENT_BYTES = 4_096
# As on Ethernet. Loopback's segments of 64 kB are larger than the windows of such small buffers: once one is full, each
# end waits for the other to make room for a whole segment, and the kernel asks after 200 ms only. It cut off a client
# beside the hub that read all the time.
SEGMENT_BYTES = 1_440
# A listener who acknowledges nothing for this long has no seat left by then (SEAT_GRACE_S).
USER_TIMEOUT_MS = 20_000

_LINGER_NOT = struct.pack("ii", 1, 0)  # SO_LINGER on, for no time: closing throws away what is unsent


def listening_socket(host: str, port: int) -> socket.socket:
    """A socket that is bound; port 0 takes a free one. Raises OSError."""
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    sock = socket.socket(family, kind, protocol)
    try:
        set_options(sock)
        sock.bind(address)
    except OSError:
        sock.close()
        raise
    return sock


def why_not(error: OSError | UnicodeError) -> str:
    """Why there is no socket to listen on, and what to do about it."""
    remedies = {
        errno.EADDRINUSE: "end what listens there (ss -ltnp names it), or choose another port",
        errno.EACCES: "choose a port from 1024 on",
    }
    elsewhere = "choose an address of this machine (ip address lists them), or 0.0.0.0 for all of them"
    if isinstance(error, UnicodeError):
        return f"that is no name; {elsewhere}"
    return f"{error.strerror}; {remedies.get(error.errno or 0, elsewhere)}"


def set_options(sock: socket.socket) -> None:
    """For a socket to listen on, whoever has opened it; accepted ones inherit its options. Raises OSError."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, SEGMENT_BYTES)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, USER_TIMEOUT_MS)


def leads_to(sock: socket.socket, host: str, port: int) -> bool:
    """Whether a socket is bound to where one would listen at host and port; port 0 is any."""
    try:
        wanted = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][4]
    except OSError:  # nobody could listen there
        return False
    bound = sock.getsockname()
    return bound[0] == wanted[0] and port in (0, bound[1])


def forget_unsent(sock: socket.socket | TransportSocket | None) -> None:
    """Make the coming close throw away what the peer has not got; the kernel would go on sending it for minutes.

    sock: None where TLS has closed it already.
    """
    with contextlib.suppress(OSError):  # closed already, without TLS
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
