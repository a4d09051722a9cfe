"""Plain sockets to a hub: somebody who joins and does not read on, and what he finds when he reads again."""

import asyncio
import contextlib
import socket
import ssl

from device import jsonrpc
from device.hubapp import Hub
from tests.hub.house import APP
from tests.hub.plain import UPGRADE, masked
from tests.timing import seconds


def raw(hub: Hub, **options: int) -> socket.socket:
    """A plain connection to the hub; options are socket options of SOL_SOCKET."""
    sock = socket.socket()
    for name, value in options.items():
        sock.setsockopt(socket.SOL_SOCKET, getattr(socket, name), value)
    sock.connect(("127.0.0.1", hub.port))
    return sock


async def deaf(hub: Hub, uid: int, ssl: ssl.SSLContext | None = None) -> socket.socket:
    """Somebody who joins, wants to hear everybody, and does not read on. His socket takes little."""
    join = jsonrpc.request(1, "join", {"appId": APP, "channel": "lobby", "uid": uid, "autoSubscribe": True}).encode()

    def enter() -> socket.socket:
        sock = raw(hub, SO_RCVBUF=4_096)
        if ssl is not None:
            sock = ssl.wrap_socket(sock, server_hostname="127.0.0.1")
        answer = b""
        for message, end in ((UPGRADE, b"\r\n\r\n"), (masked(0x81, join), b'"result"')):
            sock.sendall(message)
            while end not in answer:
                answer += sock.recv(1)
        sock.setblocking(False)
        return sock

    return await asyncio.to_thread(enter)


async def drain(sock: socket.socket) -> list[int]:
    """The sequence numbers of all packets that come now, until nothing more does."""
    data, loop = b"", asyncio.get_running_loop()
    with contextlib.suppress(TimeoutError):
        while True:
            async with asyncio.timeout(seconds(0.3)):
                data += await loop.sock_recv(sock, 65_536)
    at, got = data.index(b"\x82\x7e"), []
    while at + 4 <= len(data):
        size = int.from_bytes(data[at + 2 : at + 4], "big")
        got.append(int.from_bytes(data[at + 6 : at + 8], "big"))
        at += 4 + size
    return got
