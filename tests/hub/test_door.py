"""A door lets in who comes now and then, and turns away who comes too often, or with too many, before that costs
anything."""

import socket
from collections.abc import Iterator

import pytest

from device.hub import limits
from device.hub.door import Door


@pytest.fixture
def door() -> Iterator[Door]:
    sock = socket.create_server(("127.0.0.1", 0), backlog=100)
    sock.setblocking(False)
    with Door.of(sock) as door:
        assert sock.fileno() == -1, "it is the door's now"
        door.setblocking(False)
        yield door


def come(door: Door, address: str = "127.0.0.1") -> socket.socket:
    """Somebody connects."""
    sock = socket.socket()
    sock.bind((address, 0))
    sock.connect(door.getsockname())
    return sock


def let_in(door: Door) -> list[socket.socket]:
    """All who may come in now."""
    visitors = []
    while True:
        try:
            visitors.append(door.accept()[0])
        except BlockingIOError:
            return visitors


def is_closed(sock: socket.socket) -> bool:
    """From the other end."""
    sock.settimeout(5)
    try:
        return sock.recv(1) == b""
    except ConnectionResetError:
        return True


def close(*socks: socket.socket) -> None:
    for sock in socks:
        sock.close()


def test_who_comes_in_talks_as_through_any_socket(door: Door) -> None:
    with come(door) as ours:
        theirs, address = door.accept()
        with theirs:
            assert address == ours.getsockname()
            theirs.sendall(b"hello")
            assert ours.recv(5) == b"hello"


def test_only_so_many_of_one_address_are_inside_and_a_place_is_free_when_one_has_gone(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MAX_SOCKETS_PER_ADDRESS", 2)
    guests = [come(door) for _ in range(3)]
    first, second = let_in(door)
    assert is_closed(guests[2])
    elsewhere = come(door, "127.0.0.2")
    [other] = let_in(door)
    first.close()
    first.close()  # as asyncio does
    guests += [come(door), come(door)]
    [third] = let_in(door)
    assert is_closed(guests[4])
    close(*guests, elsewhere, second, third, other)


def test_who_comes_too_often_is_turned_away_and_the_others_are_not(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "CONNECT_BURST", 3)
    monkeypatch.setattr(limits, "CONNECTS_PER_S", 0.001)
    guests = [come(door) for _ in range(5)]
    visitors = let_in(door)
    close(*visitors)
    assert len(visitors) == 3 and is_closed(guests[3]) and is_closed(guests[4])
    guests.append(come(door, "127.0.0.2"))
    visitors = let_in(door)
    assert len(visitors) == 1
    close(*guests, *visitors)


def test_turning_away_gives_the_others_their_turn(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_SOCKETS_PER_ADDRESS", 0)
    monkeypatch.setattr(limits, "TURNED_AWAY_AT_ONCE", 3)
    guests = [come(door) for _ in range(5)]
    with pytest.raises(BlockingIOError):
        door.accept()
    assert is_closed(guests[2])
    guests[3].setblocking(False)
    with pytest.raises(BlockingIOError):
        guests[3].recv(1)
    close(*guests)


def test_of_many_addresses_only_the_last_are_remembered(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_HOUSEHOLDS", 2)
    monkeypatch.setattr(limits, "CONNECT_BURST", 1)
    monkeypatch.setattr(limits, "CONNECTS_PER_S", 0.001)
    for address, may in (("2", 1), ("3", 1), ("2", 0), ("4", 1), ("2", 0), ("3", 1)):
        with come(door, f"127.0.0.{address}"):
            visitors = let_in(door)
            assert len(visitors) == may, address
            close(*visitors)
