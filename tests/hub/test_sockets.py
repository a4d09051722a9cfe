"""What the kernel may keep for one client."""

import socket

import pytest

from device.hub import sockets


def test_an_accepted_socket_has_the_options_of_the_listening_one() -> None:
    with sockets.listening_socket("127.0.0.1", 0) as listening:
        listening.listen()
        with socket.create_connection(listening.getsockname()), listening.accept()[0] as accepted:
            options = {
                "undelayed": accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY),
                "unsent": accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT),
                "timeout": accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT),
                # Linux doubles what it is asked for, to have room for its own book-keeping.
                "receive": accepted.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) // 2,
                "send": accepted.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) // 2,
            }
    assert options == {
        "undelayed": 1, "unsent": sockets.UNSENT_BYTES, "timeout": sockets.USER_TIMEOUT_MS,
        "receive": sockets.RECEIVE_BUFFER_BYTES, "send": sockets.SEND_BUFFER_BYTES,
    }  # fmt: skip


def test_segments_on_loopback_fit_into_the_small_buffers_of_both_ends() -> None:
    with sockets.listening_socket("127.0.0.1", 0) as listening:
        listening.listen()
        with socket.create_connection(listening.getsockname()) as client, listening.accept()[0] as accepted:
            sizes = [end.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG) for end in (client, accepted)]
    assert 1_000 < min(sizes) <= max(sizes) <= sockets.SEGMENT_BYTES


def test_an_address_in_use_is_an_error_and_leaves_no_socket_open() -> None:
    with sockets.listening_socket("127.0.0.1", 0) as first:
        first.listen()
        with pytest.raises(OSError, match="in use"):
            sockets.listening_socket("127.0.0.1", first.getsockname()[1])


def test_a_closed_socket_has_nothing_to_forget() -> None:
    first, second = socket.socketpair()
    first.close()
    second.close()
    sockets.forget_unsent(first)
    sockets.forget_unsent(None)


def test_a_socket_leads_to_where_one_would_listen_or_it_does_not() -> None:
    with sockets.listening_socket("127.0.0.1", 0) as sock:
        port = sock.getsockname()[1]
        for host, wanted, leads in (
            ("127.0.0.1", port, True),
            ("localhost", 0, True),
            ("127.0.0.1", port + 1, False),
            ("127.0.0.2", port, False),
            ("::1", port, False),
            ("no such name.", port, False),
        ):
            assert sockets.leads_to(sock, host, wanted) is leads, host
