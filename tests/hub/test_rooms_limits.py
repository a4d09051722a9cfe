"""Those who misbehave get a clear answer, then nothing, then the door; and nobody else notices."""

import random

import pytest

from device import jsonrpc
from device.channel import errors, rtp
from device.hub import limits
from device.hub.apps import App, Apps
from tests.hub.house import APP, House, refused

# Rules and limits


def test_a_packet_before_joining_is_answered_with_an_error_once() -> None:
    house = House()
    house.open("a")
    for _ in range(50):
        assert house.speak("a", 1) == []
    house.wait(1.0)
    assert house.news("a") == [("error", {"code": 434, "reason": "join first"})]
    assert house.rooms.snapshot().packets_refused == 50


@pytest.mark.parametrize("data", [b"", b"\x80", b"x" * 13, bytes(12), b"\x80" * 12, b"\x80" * 1_301])
def test_what_is_no_packet_is_answered_with_an_error(data: bytes) -> None:
    house = House()
    house.talker("a", 1)
    house.join("b", 2, autoSubscribe=True)
    assert house.rooms.media("a", data, house.now) == ()
    house.wait(0.5)
    (params,) = [params for method, params in house.news("a") if method == "error"]
    assert params["code"] == errors.MALFORMED and "RTP" in params["reason"]


def test_nobody_speaks_as_somebody_else() -> None:
    house = House()
    house.talker("a", 1)
    house.talker("b", 2, autoSubscribe=True)
    assert house.speak("a", 2) == [] and house.speak("b", 1) == []
    house.wait(0.5)
    assert ("error", {"code": 434, "reason": "send as yourself: the SSRC is the uid"}) in house.news("a")


def test_who_does_not_stop_is_closed() -> None:
    house = House()
    house.talker("a", 1)
    for _ in range(limits.BAD_PACKET_BURST + 1):
        house.speak("a", 2)
    house.wait(0.5)
    assert house.closed["a"] == (1008, "too many packets, or bad ones")


def test_a_bad_packet_now_and_then_closes_nobody() -> None:
    house = House()
    house.talker("a", 1)
    for _ in range(300):
        house.speak("a", 2)
        house.wait(0.25)
    assert not house.closed


def test_packets_on_their_way_when_a_stream_ends_are_no_offence_but_a_hint() -> None:
    house = House()
    house.talker("a", 1)
    house.ask("a", "unpublish")
    for _ in range(500):
        assert house.speak("a", 1) == []
    house.wait(0.5)
    assert house.news("a") == [("error", {"code": 434, "reason": "publish first"})] and not house.closed


def test_packets_above_the_pace_are_dropped_silently() -> None:
    house = House()
    house.talker("a", 1)
    house.join("b", 2, autoSubscribe=True)
    passed = sum(bool(house.speak("a", 1)) for _ in range(1_000))
    assert passed == limits.PACKET_BURST
    house.wait(1.0)
    assert house.speak("a", 1) == ["b"]
    assert not house.closed and ("error" not in [method for method, _ in house.news("a")])
    snapshot = house.rooms.snapshot()
    assert (snapshot.packets_in, snapshot.packets_out, snapshot.packets_refused) == (201, 201, 800)


def test_a_flood_of_packets_is_closed() -> None:
    house = House()
    house.talker("a", 1)
    for _ in range(limits.PACKET_BURST + limits.SURPLUS_BURST + 1):
        house.speak("a", 1)
    house.wait(0.5)
    assert house.closed["a"] == (1008, "too many packets, or bad ones")


def test_requests_above_the_pace_get_429_then_nothing_then_the_door() -> None:
    house = House()
    house.join("a", 1)
    answers = [house.text("a", jsonrpc.request(n, "ping", {})) for n in range(2_000)]
    codes = [answer[0].code if isinstance(answer[0], jsonrpc.Failure) else 0 for answer in answers if answer]
    assert codes == [0] * (limits.REQUEST_BURST - 1) + [429] * limits.REFUSALS_PER_S
    refusal = answers[limits.REQUEST_BURST][0]
    assert isinstance(refusal, jsonrpc.Failure) and refusal.id == limits.REQUEST_BURST
    assert house.closed["a"] == (1008, "too many requests")


def test_garbage_above_the_pace_is_refused_too() -> None:
    house = House()
    house.open("a")
    answers = [house.text("a", text)[0] for text in ["{"] * limits.REQUEST_BURST + ["{", '{"method":1,"id":5}', "[]"]]
    assert all(isinstance(answer, jsonrpc.Failure) for answer in answers)
    assert [(a.id, a.code) for a in answers[-3:] if isinstance(a, jsonrpc.Failure)] == [
        (None, 429), (5, 429), (None, 429),
    ]  # fmt: skip


def test_a_flood_costs_its_neighbour_nothing() -> None:
    house = House()
    house.talker("a", 1)
    house.join("b", 2, autoSubscribe=True)
    for n in range(5_000):
        house.text("b", jsonrpc.request(n, "ping", {}))
        if n % 1_000 == 0:
            assert house.ask("a", "ping") == {}
    assert house.speak("a", 1) == []


@pytest.mark.parametrize(
    ("text", "code", "id"),
    [
        ("hello", jsonrpc.PARSE_ERROR, None),
        (b"\xff\xfe\xfd", jsonrpc.PARSE_ERROR, None),
        ("[" * 10_000, jsonrpc.PARSE_ERROR, None),
        ("[]", jsonrpc.INVALID_REQUEST, None),
        ('{"jsonrpc":"2.0","id":3}', jsonrpc.INVALID_REQUEST, 3),
        ('{"jsonrpc":"2.0","id":3,"method":"join","params":[1]}', jsonrpc.INVALID_PARAMS, 3),
        ('{"jsonrpc":"2.0","id":3,"method":"join"}', jsonrpc.INVALID_PARAMS, 3),
        ('{"jsonrpc":"2.0","id":3,"method":"sing"}', jsonrpc.METHOD_NOT_FOUND, 3),
    ],
)
def test_nonsense_gets_a_clear_answer(text: str | bytes, code: int, id: int | None) -> None:
    house = House()
    house.open("a")
    (answer,) = house.text("a", text)
    assert isinstance(answer, jsonrpc.Failure) and (answer.code, answer.id) == (code, id)


@pytest.mark.parametrize(
    "text",
    [
        jsonrpc.notification("something-new", {}),
        jsonrpc.reply(1, {}),
        jsonrpc.failure(1, 500, "no"),
    ],
)
def test_notifications_and_answers_are_ignored(text: str) -> None:
    house = House()
    house.join("a", 1)
    assert house.text("a", text) == []


def test_there_are_only_so_many_places() -> None:
    house = House()
    for n in range(limits.MAX_CONNECTIONS_PER_ADDRESS):
        house.open(n, address="10.0.0.1")
    assert "this address" in house.rooms.opened("one more", "10.0.0.1", house.now)
    for n in range(limits.MAX_CONNECTIONS_PER_ADDRESS, limits.MAX_CONNECTIONS):
        house.open(n, address=f"10.1.0.{n}")
    assert "no place" in house.rooms.opened("one more", "10.2.0.1", house.now)
    house.drop(0)
    house.open("one more", address="10.0.0.1")


def test_a_refused_connection_takes_no_place_when_it_goes() -> None:
    house = House()
    house.open("a")
    house.drop("never came", "a", "a")
    assert house.rooms.snapshot().connections == 0


def test_a_channel_and_the_hub_can_be_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_CHANNELS", 2)
    monkeypatch.setattr(limits, "MAX_SEATS", 3)
    house = House(apps=Apps({APP: App(APP, max_seats=2)}))
    first = house.join("a", 1)
    house.join("b", 2)
    house.open("c")
    assert refused(house, "c", "join", appId=APP, channel="lobby") == errors.CHANNEL_FULL
    house.ask("c", "join", appId=APP, channel="lobby", uid=2)  # a seat that is there may change hands
    house.join("d", channel="attic")
    house.open("e")
    assert refused(house, "e", "join", appId=APP, channel="attic") == errors.OVERLOADED, "no seat left"
    house.ask("c", "leave")
    assert refused(house, "e", "join", appId=APP, channel="cellar") == errors.OVERLOADED, "no channel left"
    house.ask("a", "leave")
    house.join("f", channel="cellar")
    claim = {"appId": APP, "channel": "lobby", "uid": 1, "session": first["session"]}
    assert refused(house, "a", "rejoin", **claim) == errors.OVERLOADED


def test_sessions_are_in_no_repr() -> None:
    house = House()
    session = house.join("a", 1)["session"]
    channel = next(iter(house.rooms._seating._channels.values()))
    assert session not in repr(channel) and session not in repr(channel.seats[1])


# Fuzz


def test_a_hundred_thousand_inputs_from_strangers_leave_an_honest_call_alone() -> None:
    house, uid = House(), 4_000_000_000  # far from what strangers may take for themselves
    house.talker("a", uid)
    house.join("b", uid + 1, autoSubscribe=True)
    dice = random.Random(3)
    seeds = [
        jsonrpc.request(1, "join", {"appId": APP, "channel": "lobby", "uid": 3}).encode(),
        jsonrpc.request(2, "rejoin", {"appId": APP, "channel": "lobby", "uid": 1, "session": "", "known": []}).encode(),
        jsonrpc.request("x", "subscribe", {"uid": 1}).encode(),
        rtp.Packet(3, 1, 960, b"opus", True, -30).pack(),
    ]  # fmt: skip
    stranger, heard = 0, 0
    house.open(("stranger", 0))
    for n in range(120_000):
        data = mutated(dice, seeds[n % 4])
        if n % 2:
            house.rooms.media(("stranger", stranger), data, house.now)
        else:
            house.take(house.rooms.text(("stranger", stranger), data, house.now, house.wall_s))
        if n % 200 == 0:
            house.wait(limits.TICK_S)
            heard += house.speak("a", uid) == ["b"]
            house.ask("b", "ping")
            house.inbox.clear()
            if ("stranger", stranger) in house.closed:
                stranger += 1
                house.open(("stranger", stranger), address="10.6.6.6")
    assert heard == 600
    assert "a" not in house.closed and "b" not in house.closed


def mutated(dice: random.Random, seed: bytes) -> bytes:
    """A few bytes changed, or cut, or doubled; sometimes nothing but noise."""
    if dice.random() < 0.1:
        return dice.randbytes(dice.choice((0, 1, 12, 13, 60, 1_300, 1_301)))
    data = bytearray(seed)
    for _ in range(dice.randrange(4)):
        data[dice.randrange(len(data))] = dice.randrange(256)
    cut = dice.randrange(len(data) + 1) if dice.random() < 0.2 else len(data)
    return bytes(data[:cut]) * dice.choice((1, 1, 1, 2))
