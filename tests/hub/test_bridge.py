"""What goes over the bridge comes out as it went in, however it is cut into pieces."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.hub.bridge import Estate, HeldChannel, HeldSeat, Kind, Message, Reader

MESSAGES = st.builds(Message, st.integers(0, 255), st.integers(0, 2**32 - 1), st.binary(max_size=40))


@given(st.lists(MESSAGES, max_size=10), st.integers(1, 30))
def test_messages_arrive_in_order_whatever_pieces_the_bytes_come_in(messages: list[Message], piece: int) -> None:
    data = b"".join(message.pack() for message in messages)
    reader = Reader()
    came = [one for at in range(0, len(data), piece) for one in reader.feed(data[at : at + piece])]
    assert came == messages


def test_of_a_message_that_is_not_all_there_nothing_is_told_yet() -> None:
    data, reader = Message(3, 7, b"abc").pack(), Reader()
    assert list(reader.feed(data[:-1])) == []
    assert list(reader.feed(data[-1:])) == [Message(3, 7, b"abc")]


def test_an_estate_arrives_as_it_was_left() -> None:
    seats = (
        HeldSeat("a" * 32, "lobby", 1, "a session", "kitchen", publishing=True, live=True, subscribers=(2,)),
        HeldSeat("a" * 32, "lobby", 2, "another", role="audience", awaited=(3,), expected=(3, 4), connections=(7, 9)),
        HeldSeat("a" * 32, "lobby", 3, "a third", join_until=1_300.0, publish_until=-5.0, told="token-privilege-x"),
    )
    estate = Estate(
        1_234.5, seats, (HeldChannel("a" * 32, "lobby", (1,), ((1, 2),)),), (5.0, 6.5), (1,), '{"last": 0, "rules": []}'
    )
    assert Estate.read(estate.pack()) == estate


def test_what_a_hub_of_another_version_leaves_is_taken_as_far_as_it_is_known() -> None:
    seat = '{"app_id": "a", "channel": "lobby", "uid": 1, "session": "s", "mood": "good"}'
    estate = Estate.read(f'{{"started": 1, "seats": [{seat}], "weather": "fine"}}'.encode())
    assert estate == Estate(1.0, (HeldSeat("a", "lobby", 1, "s"),))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        b'{"started": 1, "seats": [{}]}',
        b'{"started": 1, "seats": [7]}',
        b'{"started": 1, "seats": [], "joined": [[]]}',
        b'{"started": 1, "seats": [], "silenced": [null]}',
    ],
)
def test_what_is_no_estate_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError):
        Estate.read(data)


def test_nothing_secret_shows_in_a_log() -> None:
    seat = HeldSeat("a", "lobby", 1, "SECRET")
    assert "SECRET" not in repr(Estate(0.0, (seat,))) + repr(Message(Kind.KEY, data=b"SECRET"))
