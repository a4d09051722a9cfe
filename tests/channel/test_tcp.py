"""The sockets of a client, against real ones."""

import asyncio
import errno
import socket

import pytest

from device.channel import tcp
from device.channel.resolver import Targets
from tests.timing import seconds, until


def listening(family: int = socket.AF_INET) -> socket.socket:
    return socket.create_server(("127.0.0.1" if family == socket.AF_INET else "::1", 0), family=family)


def target(sock: socket.socket) -> Targets:
    return ((sock.family, sock.getsockname()),)


def nobody() -> Targets:
    with listening() as sock:
        return target(sock)


async def test_the_window_is_small_from_the_start_and_the_kernel_gives_up() -> None:
    with listening() as server, await tcp.connect(target(server), 0) as sock:
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) <= 2 * tcp.RECEIVE_BUFFER_BYTES
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == tcp.USER_TIMEOUT_MS
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert not sock.getblocking()


async def test_each_address_is_tried_in_turn_from_the_one_named_first() -> None:
    with listening() as first, listening(socket.AF_INET6) as second:
        both = (*target(first), *target(second))
        for index, server in ((0, first), (1, second), (2, first), (5, second)):
            with await tcp.connect(both, index) as sock:
                assert sock.getpeername()[:2] == server.getsockname()[:2]
        with await tcp.connect((*nobody(), *target(second)), 0) as sock:
            assert sock.getpeername()[:2] == second.getsockname()[:2]


async def test_the_error_is_that_of_the_last_address() -> None:
    with pytest.raises(ConnectionRefusedError):
        await tcp.connect(nobody(), 0)
    with pytest.raises(socket.gaierror):
        await tcp.connect((), 0)


async def test_a_network_that_is_not_there_is_the_error_only_where_no_address_has_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    no_ipv6 = socket.AF_INET6, ("2001:db8::1", 9)
    real = asyncio.get_running_loop().sock_connect

    async def connect(sock: socket.socket, address: tuple[str, int]) -> None:
        if address == no_ipv6[1]:
            raise OSError(errno.ENETUNREACH, "Network is unreachable")
        await real(sock, address)

    monkeypatch.setattr(asyncio.get_running_loop(), "sock_connect", connect)
    for targets in ((no_ipv6, *nobody()), (*nobody(), no_ipv6)):
        with pytest.raises(ConnectionRefusedError):
            await tcp.connect(targets, 0)
    with pytest.raises(OSError, match="Network is unreachable"):
        await tcp.connect((no_ipv6,), 0)


async def test_a_dial_that_is_given_up_leaves_no_socket_behind() -> None:
    """TEST-NET-1 (RFC 5737) is nowhere; where the system says so at once, that is an answer too."""
    dial = asyncio.ensure_future(tcp.connect(((socket.AF_INET, ("192.0.2.1", 9)),), 0))
    await asyncio.sleep(0.01)
    dial.cancel()
    with pytest.raises((asyncio.CancelledError, OSError)):
        await dial


async def test_what_is_not_acknowledged_is_counted() -> None:
    with listening() as server, await tcp.connect(target(server), 0) as sock:
        assert tcp.unacknowledged(sock) == 0
        server.accept()[0].close()
    assert tcp.unacknowledged(sock) == 0, "a socket that is closed owes nothing"


async def test_a_peer_that_reads_nothing_leaves_bytes_unacknowledged() -> None:
    with listening() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        with await tcp.connect(target(server), 0) as sock, server.accept()[0] as peer:
            sent = 0
            with pytest.raises(BlockingIOError):
                while True:
                    sent += sock.send(bytes(4_096))
            assert 0 < tcp.unacknowledged(sock) < sent
            peer.setblocking(False)

            def drained() -> bool:
                try:
                    peer.recv(1 << 20)
                except BlockingIOError:
                    return tcp.unacknowledged(sock) == 0
                return False

            until(drained)


async def test_the_path_is_what_the_kernel_knows_of_it() -> None:
    with listening() as server, await tcp.connect(target(server), 0) as sock, server.accept()[0] as peer:
        peer.settimeout(seconds(10))
        for _ in range(20):
            sock.send(bytes(100))
            assert peer.recv(100)
        path = tcp.path(sock)
        assert path.losses == 0 and 0.0 < path.shortest_rtt_s <= path.rtt_s < 1.0
        assert not path.crowded
    assert tcp.path(sock) == (0, 0.0, 0.0, 0.0)


async def test_of_a_kernel_that_tells_less_nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    with listening() as server, await tcp.connect(target(server), 0) as sock:
        told = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)  # as before Linux 3.15
        monkeypatch.setattr(socket.socket, "getsockopt", lambda *_: told)
        assert tcp.path(sock) == (0, 0.0, 0.0, 0.0)


@pytest.mark.parametrize("well", [False, True])
async def test_a_connection_ends_at_once_unless_it_is_to_end_well(well: bool) -> None:
    with listening() as server:
        sock = await tcp.connect(target(server), 0)
        with server.accept()[0] as peer:
            peer.settimeout(seconds(10))
            if well:
                tcp.end_well(sock)
            sock.send(b"last words")
            sock.close()
            if well:
                assert peer.recv(100) == b"last words"
                assert peer.recv(100) == b""
            else:
                with pytest.raises(ConnectionResetError):
                    while peer.recv(100):
                        pass
