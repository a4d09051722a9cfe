"""One function for each attack on a hub: python -m tests.hostile.attacks NAME SECONDS PORT SECURE CHANNEL UID.

Each goes on for so many seconds, from one address of loopback, as fast as one process can, and dials again whenever it
is thrown out. It prints {"made": connections, "refused": connections} as one line of JSON.
"""

import contextlib
import json
import socket
import ssl
import sys
import time
from collections.abc import Callable

from tests.hostile.weapons import (
    APP_ID,
    BINARY,
    TEXT,
    Gun,
    Target,
    battery,
    dial,
    dial_tcp,
    open_socket,
    packet,
    request,
    seat,
)
from tests.hub.plain import UPGRADE, masked

Attack = Callable[[Target], tuple[int, int]]

# More than one address may have at a time, so that all of its places are always taken.
MANY = 320
CROWD = 200
LONG = 1_200
ELSEWHERE = "elsewhere"


def requests(target: Target) -> tuple[int, int]:
    """200 who have joined make requests as fast as they can."""
    return battery(target, CROWD, lambda _: Gun(seat(target, target.channel)[0], request("ping") * 500))


def garbage(target: Target) -> tuple[int, int]:
    """200 send long texts that are no JSON, nested deeply."""
    nested = masked(TEXT, b"[" * 16_000)
    return battery(target, CROWD, lambda _: Gun(seat(target, target.channel)[0], nested * 10))


def packets(target: Target) -> tuple[int, int]:
    """200 who publish in the channel of the call send long packets as fast as they can."""

    def make(_: int) -> Gun:
        sock, uid = seat(target, target.channel, "publish")
        return Gun(sock, b"".join(packet(uid, number, LONG) for number in range(1_000)))

    return battery(target, CROWD, make)


def tiny_packets(target: Target) -> tuple[int, int]:
    """200 send packets of one byte, and texts of none, as fast as they can."""
    return battery(
        target, CROWD, lambda _: Gun(seat(target, ELSEWHERE)[0], (masked(BINARY, b"x") + masked(TEXT, b"")) * 2_000)
    )


def foreign_packets(target: Target) -> tuple[int, int]:
    """200 who have joined speak as somebody who is in the call."""
    return battery(
        target, CROWD,
        lambda _: Gun(
            seat(target, target.channel, "publish")[0], b"".join(packet(target.uid, number) for number in range(500))
        ),
    )  # fmt: skip


def stolen_uid(target: Target) -> tuple[int, int]:
    """200 try to take a seat of the call with sessions that they have made up."""
    claim = {"appId": APP_ID, "channel": target.channel, "uid": target.uid}
    shots = b"".join(request("rejoin", **claim, session=f"{number:043d}") for number in range(100))
    return battery(target, CROWD, lambda _: Gun(open_socket(target), shots))


def crowd_that_comes_and_goes(target: Target) -> tuple[int, int]:
    """200 join the channel of the call, publish, stop it and leave, as often as they may."""
    join = request("join", appId=APP_ID, channel=target.channel, autoSubscribe=True, label="x" * 64)
    turn = join + (request("publish") + request("unpublish")) * 8 + request("leave")
    return battery(target, CROWD, lambda _: Gun(open_socket(target), turn), pause_s=18 / 50, most=len(turn))


def crowd_that_talks(target: Target) -> tuple[int, int]:
    """200 in a channel of their own all talk to all of them, each as often as a device may."""

    def make(_: int) -> Gun:
        sock, uid = seat(target, ELSEWHERE, "publish", autoSubscribe=True)
        return Gun(sock, b"".join(packet(uid, number) for number in range(1_000)))

    return battery(target, CROWD, make, pause_s=0.05, most=20 * len(packet(1)))


def crowd_that_rings(target: Target) -> tuple[int, int]:
    """200 in the channel of the call ring at everybody as often as they can."""
    return battery(target, CROWD, lambda _: Gun(seat(target, target.channel)[0], request("ring")), 0.05)


def crowd_that_does_not_read(target: Target) -> tuple[int, int]:
    """200 in the channel of the call want to hear everything and read nothing, while one of them talks a lot."""

    def make(number: int) -> Gun:
        if number:
            return Gun(seat(target, target.channel, deaf=True, autoSubscribe=True)[0], request("ping"), deaf=True)
        sock, uid = seat(target, target.channel, "publish")
        return Gun(sock, b"".join(packet(uid, number, LONG) for number in range(1_000)))

    return battery(target, CROWD, make, pause_s=0.1, most=20 * len(packet(1, 0, LONG)))


def crowd_that_is_told_much(target: Target) -> tuple[int, int]:
    """200 in a channel of their own publish and stop it, with names as long as can be, and do not read what is said."""
    turn = request("publish") + request("unpublish")

    def make(_: int) -> Gun:
        sock, _uid = seat(target, ELSEWHERE, deaf=True, autoSubscribe=True, label="é" * 32)
        return Gun(sock, turn, deaf=True)

    return battery(target, CROWD, make, pause_s=2 / 50, most=len(turn))


def pings(target: Target) -> tuple[int, int]:
    """200 send WebSocket pings as fast as they can."""
    return battery(target, CROWD, lambda _: Gun(seat(target, ELSEWHERE)[0], masked(0x89, bytes(125)) * 500))


def fragments(target: Target) -> tuple[int, int]:
    """200 send messages in pieces that never end, as large as is allowed."""
    shot = masked(0x01, bytes(16_000)) + masked(0x00, bytes(16_000)) * 62
    return battery(target, CROWD, lambda _: Gun(open_socket(target), shot))


def tiny_fragments(target: Target) -> tuple[int, int]:
    """200 send messages in pieces of nothing."""
    shot = (masked(0x01, b"") + masked(0x00, b"") * 60 + masked(0x80, b"")) * 100
    return battery(target, CROWD, lambda _: Gun(open_socket(target), shot))


def long_frames(target: Target) -> tuple[int, int]:
    """Many announce a frame of as many bytes as can be written, and send them."""
    shot = b"\x82\xff" + (2**62).to_bytes(8, "big") + bytes(4) + bytes(100_000)
    return battery(target, MANY, lambda _: Gun(open_socket(target), shot))


def long_headers(target: Target) -> tuple[int, int]:
    """Many send a handshake whose headers do not end, in lines as long as can be."""
    head = b"GET /v1 HTTP/1.1\r\nHost: hub\r\n" + b"".join(b"X-%d: %s\r\n" % (n, b"y" * 8_000) for n in range(200))
    return battery(target, MANY, lambda _: Gun(dial(target), head))


def endless_line(target: Target) -> tuple[int, int]:
    """Many send a first line without an end."""
    return battery(target, MANY, lambda _: Gun(dial(target), b"GET /" + b"x" * 100_000))


def huge_bodies(target: Target) -> tuple[int, int]:
    """Many announce a body of a terabyte, and send it."""
    head = UPGRADE[:-2] + b"Content-Length: 1000000000000\r\n\r\n" + bytes(200_000)
    return battery(target, MANY, lambda _: Gun(dial(target), head))


def silence(target: Target) -> tuple[int, int]:
    """Many connect and say nothing."""
    return battery(target, MANY, lambda _: Gun(dial(target), b""), pause_s=0.05)


def slow_loris(target: Target) -> tuple[int, int]:
    """Many send their handshake byte by byte."""
    return battery(target, MANY, lambda _: Gun(dial(target), UPGRADE[:-2] + b"X-Y: z\r\n" * 50), pause_s=0.05, most=1)


def half_open_tls(target: Target) -> tuple[int, int]:
    """Many begin TLS with half a hello, and wait. Also at a hub without TLS."""
    return battery(target, MANY, lambda _: Gun(dial_tcp(target), _HALF_A_HELLO), pause_s=0.05, most=len(_HALF_A_HELLO))


_HALF_A_HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100)


def hellos_at_once(target: Target) -> tuple[int, int]:
    """Many begin TLS at the same moment, and hang up and begin again."""
    made = refused = 0
    while time.monotonic() < target.until:
        socks: list[socket.socket] = []
        try:
            while len(socks) < MANY and time.monotonic() < target.until:
                socks.append(dial_tcp(target))
            for sock in socks:
                sock.sendall(_HELLO)
            made += len(socks)
        except OSError:
            refused += 1
        for sock in socks:
            sock.close()
    return made, refused


def _hello() -> bytes:
    """As OpenSSL begins."""
    context, sent = ssl.create_default_context(), ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), sent, server_hostname="hub").do_handshake()
    return sent.read()


_HELLO = _hello()


def handshakes(target: Target) -> tuple[int, int]:
    """Connect, with TLS where the hub has it, shake hands and go again, as often as can be."""
    return _again_and_again(target, lambda: open_socket(target).close())


def connects(target: Target) -> tuple[int, int]:
    """Connect and go again at once, without a word, thousands of times a second."""

    def connect() -> None:
        with dial_tcp(target) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")

    return _again_and_again(target, connect)


def pages(target: Target) -> tuple[int, int]:
    """Ask for the health of the hub as often as can be."""

    def ask() -> None:
        with dial(target) as sock:
            sock.sendall(b"GET /healthz HTTP/1.1\r\nHost: hub\r\n\r\n")
            if not sock.recv(65_536):
                raise ConnectionError("turned away")

    return _again_and_again(target, ask)


def _again_and_again(target: Target, once: Callable[[], None]) -> tuple[int, int]:
    made = refused = 0
    while time.monotonic() < target.until:
        try:
            once()
            made += 1
        except OSError:
            refused += 1
    return made, refused


_ALL: tuple[Attack, ...] = (
    requests, garbage, packets, tiny_packets, foreign_packets, stolen_uid, crowd_that_comes_and_goes, crowd_that_talks,
    crowd_that_rings, crowd_that_does_not_read, crowd_that_is_told_much, pings, fragments, tiny_fragments, long_frames,
    long_headers, endless_line, huge_bodies, silence, slow_loris, half_open_tls, hellos_at_once, handshakes, connects,
    pages,
)  # fmt: skip
ATTACKS = {attack.__name__.replace("_", " "): attack for attack in _ALL}


def main(name: str, seconds: str, port: str, secure: str, channel: str, uid: str) -> None:
    """One attack."""
    target = Target(int(port), secure == "True", channel, int(uid), time.monotonic() + float(seconds))
    made, refused = ATTACKS[name](target)
    print(json.dumps({"made": made, "refused": refused}))


if __name__ == "__main__":
    main(*sys.argv[1:])
