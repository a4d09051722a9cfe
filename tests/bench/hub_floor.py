"""The floor of the hub bench: the least that a Python process can do to be a hub for `hub_load.py`.

One epoll, one `send` for each listener, frames cut out by hand, every request answered with the same words. It checks
nothing, knows no uids, and a listener that does not read would stop it. Prints its URL, and goes on until it is killed.
"""

import base64
import hashlib
import re
import select
import socket

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def answer(request: bytes) -> bytes:
    """The end of the opening handshake (RFC 6455 section 4.2.2)."""
    found = re.search(rb"Sec-WebSocket-Key: (\S+)", request)
    assert found
    accept = base64.b64encode(hashlib.sha1(found[1] + _GUID).digest())
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Protocol: intercom.v1\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n"
    )


def reply(text: bytes) -> bytes:
    """An empty result for the request in `text`."""
    found = re.search(rb'"id": ?(\d+)', text)
    assert found
    body = b'{"jsonrpc":"2.0","id":%s,"result":{}}' % found[1]
    return bytes((0x81, len(body))) + body


def payload(data: bytes) -> bytes:
    """Of one whole masked frame; the mask is zeros."""
    return data[8:] if data[1] & 0x7F == 126 else data[6:]


def main() -> None:
    """Serve for ever."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=512)
    print(f"ws://127.0.0.1:{listening.getsockname()[1]}", flush=True)
    poll, clients = select.epoll(), dict[int, socket.socket]()
    poll.register(listening, select.EPOLLIN)
    greeted: set[int] = set()
    while True:
        for fd, _ in poll.poll():
            if fd == listening.fileno():
                sock = listening.accept()[0]
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                clients[sock.fileno()] = sock
                poll.register(sock, select.EPOLLIN)
                continue
            data = clients[fd].recv(65_536)
            if not data:
                poll.unregister(fd)
                clients.pop(fd).close()
                greeted.discard(fd)
            elif fd not in greeted:
                clients[fd].send(answer(data))
                greeted.add(fd)
            elif data[0] == 0x82:
                packet = payload(data)
                frame = bytes((0x82, len(packet))) + packet
                for other, sock in clients.items():
                    if other != fd:
                        sock.send(frame)
            else:
                clients[fd].send(reply(payload(data)))


if __name__ == "__main__":
    main()
