"""Stories of a hub: who sits where, who hears whom, what others are told, and what happens to those who misbehave."""

import random
from typing import Any

import pytest

from device import jsonrpc
from device.channel import errors, rtp
from device.hub import limits
from device.hub.rooms import Rooms
from device.hub.sessions import Sessions
from tests.hub.house import APP, KEY, OTHER_APP, House, Refused


def refused(house: House, connection: Any, method: str, **params: Any) -> int:
    """The code of the error that answers this request."""
    with pytest.raises(Refused) as error:
        house.ask(connection, method, **params)
    return error.value.code


# Joining


def test_the_answer_to_join_says_all_that_a_client_needs() -> None:
    house = House()
    answer = house.join("a", uid=7)
    assert {name: answer[name] for name in ("uid", "resumed", "streams", "removed", "ping_ms", "grace_ms")} == {
        "uid": 7, "resumed": False, "streams": [], "removed": [], "ping_ms": 1_000, "grace_ms": 20_000,
    }  # fmt: skip
    assert answer["hub"] == {"version": "test"} and answer["limits"]["packets_per_s"] == 400
    assert Sessions(KEY).is_ours(answer["session"], APP, "lobby", 7)


def test_uid_0_gets_a_free_one_that_is_not_0() -> None:
    class Dice:
        """Throws 0, then a uid in use, then a free one; anything for sessions."""

        throws = iter([0, 7, 8])

        def __call__(self, size: int) -> bytes:
            return next(self.throws).to_bytes(4, "big") if size == 4 else b"r" * size

    house = House()
    house.rooms = Rooms(Sessions(KEY), Dice(), 0.0)
    house.join("a", uid=7)
    assert house.join("b")["uid"] == 8


def test_others_hear_of_a_newcomer_and_he_hears_who_speaks() -> None:
    house = House()
    house.talker("a", 1, label="kitchen")
    seat = house.join("b", 2, label="hall")
    assert seat["streams"] == [{"uid": 1, "label": "kitchen"}]
    assert house.news("a") == [("user-joined", {"uid": 2, "label": "hall"})]
    assert house.news("b") == [], "streams are in the answer, and not told twice"


def test_an_audience_comes_and_goes_unannounced() -> None:
    house = House()
    house.join("a", 1)
    house.join("b", 2, role="audience")
    house.ask("b", "leave")
    assert house.news("a") == []


def test_joining_twice_on_one_connection_is_refused_and_changes_nothing() -> None:
    house = House()
    seat = house.talker("a", 1)
    assert refused(house, "a", "join", appId=APP, channel="other", uid=2) == errors.LOGIN_FAILED
    rejoin = {"appId": APP, "channel": "lobby", "uid": 1, "session": seat["session"]}
    assert refused(house, "a", "rejoin", **rejoin) == errors.LOGIN_FAILED
    assert house.rooms.snapshot().seats == 1
    house.join("b", 2, autoSubscribe=True)
    assert house.speak("a", 1) == ["b"]


@pytest.mark.parametrize("method", ["publish", "unpublish", "subscribe", "unsubscribe", "leave", "ping"])
def test_everything_else_comes_after_join(method: str) -> None:
    house = House()
    house.open("a")
    assert refused(house, "a", method, uid=1) == errors.OUT_OF_ORDER


def test_who_does_not_join_is_closed_after_5_s() -> None:
    house = House()
    house.open("a")
    house.wait(5.0)
    assert not house.closed
    house.wait(0.5)
    assert house.closed["a"] == (1008, "no join within 5 s")
    assert house.text("a", "anything") == [] and house.speak("a", 1) == []


def test_a_hub_for_certain_apps_refuses_others() -> None:
    house = House(app_ids=[APP.upper()])
    house.join("a", 1)
    house.open("b")
    assert refused(house, "b", "join", appId=OTHER_APP, channel="lobby") == errors.BAD_REQUEST


# Apps and channels


def test_apps_and_channels_never_hear_each_other() -> None:
    house = House()
    house.talker("a", 1, autoSubscribe=True)
    house.join("b", 2, channel="attic", autoSubscribe=True)
    house.open("c")
    house.ask("c", "join", appId=OTHER_APP, channel="lobby", uid=3, autoSubscribe=True)
    assert house.speak("a", 1) == []
    assert house.news("b") == house.news("c") == house.news("a") == []
    assert house.rooms.snapshot().channels == 3


def test_the_same_app_id_in_capitals_is_the_same_app() -> None:
    house = House()
    house.talker("a", 1)
    house.open("b")
    seat = house.ask("b", "join", appId=APP.upper(), channel="lobby", uid=2, autoSubscribe=True)
    assert house.speak("a", 1) == ["b"]
    assert house.rejoin("c", seat)["resumed"]


def test_a_channel_ends_with_its_last_seat() -> None:
    house = House()
    house.talker("a", 1)
    house.join("b", 2)
    for connection in ("a", "b"):
        house.ask(connection, "leave")
    snapshot = house.rooms.snapshot()
    assert (snapshot.channels, snapshot.seats, snapshot.streams, snapshot.connections) == (0, 0, 0, 2)


# Publishing, subscribing, leaving


def test_a_stream_appears_and_disappears_for_the_others() -> None:
    house = House()
    house.join("a", 1, label="kitchen")
    house.join("b", 2)
    house.news("a")
    for method in ("publish", "publish", "unpublish", "unpublish"):
        house.ask("a", method)
    assert house.news("b") == [("stream-added", {"uid": 1, "label": "kitchen"}), ("stream-removed", {"uid": 1})]
    assert house.news("a") == []


def test_a_packet_goes_to_those_who_subscribed_and_nobody_else() -> None:
    house = House()
    house.talker("a", 1)
    for uid, connection in enumerate("bcd", 2):
        house.join(connection, uid)
    house.ask("b", "subscribe", uid=1)
    house.ask("c", "subscribe", uid=1)
    assert house.speak("a", 1) == ["b", "c"]
    house.ask("b", "unsubscribe", uid=1)
    assert house.speak("a", 1) == ["c"]
    house.ask("c", "unsubscribe", uid=99)  # harmless


def test_auto_subscribe_hears_streams_of_before_and_after() -> None:
    house = House()
    house.talker("a", 1, autoSubscribe=True)
    house.join("b", 2, autoSubscribe=True)
    house.talker("c", 3)
    assert house.speak("a", 1) == ["b"]
    assert house.speak("c", 3) == ["a", "b"]


def test_a_new_stream_of_the_same_uid_has_to_be_subscribed_again() -> None:
    house = House()
    house.talker("a", 1)
    house.join("b", 2)
    house.ask("b", "subscribe", uid=1)
    house.ask("a", "unpublish")
    house.ask("a", "publish")
    assert house.speak("a", 1) == []


@pytest.mark.parametrize(("uid", "code"), [(2, 432), (99, 432), (1, jsonrpc.INVALID_PARAMS)])
def test_nobody_subscribes_to_silence_or_himself(uid: int, code: int) -> None:
    house = House()
    house.talker("a", 1)
    house.join("b", 2)
    assert refused(house, "a", "subscribe", uid=uid) == code


def test_an_audience_cannot_publish() -> None:
    house = House()
    house.join("a", 1, role="audience")
    assert refused(house, "a", "publish") == refused(house, "a", "unpublish") == errors.AUDIENCE_CANNOT_PUBLISH
    assert house.speak("a", 1) == []
    house.wait(0.5)
    assert house.news("a") == [("error", {"code": 433, "reason": "an audience cannot publish"})]


def test_leaving_frees_the_seat_at_once_and_says_quit() -> None:
    house = House()
    seat = house.talker("a", 1)
    house.join("b", 2, autoSubscribe=True)
    house.rejoin("a2", seat)
    house.news("b")
    assert house.ask("a2", "leave") == {}
    assert house.news("b") == [("stream-removed", {"uid": 1}), ("user-left", {"uid": 1, "reason": "quit"})]
    assert house.closed == {"a": (1000, "left the channel")}
    assert house.rooms.snapshot().seats == 1
    house.ask("a2", "join", appId=APP, channel="lobby", uid=1)  # on the same connection, as a new one


# A used uid


def test_the_newcomer_gets_the_seat_and_the_other_is_told() -> None:
    house = House()
    old = house.talker("a", 1)
    house.rejoin("a2", old)
    house.join("b", 2, autoSubscribe=True)
    house.news("a2")
    new = house.join("c", 1)
    assert new["session"] != old["session"]
    conflict = ("error", {"code": errors.UID_CONFLICT, "reason": "another device joined with this uid"})
    assert house.news("a") == house.news("a2") == [conflict]
    assert house.closed["a"][0] == house.closed["a2"][0] == 4001
    assert [method for method, _ in house.news("b")] == ["stream-removed", "user-left", "user-joined"]
    assert house.speak("c", 1) == [], "the newcomer has not published"


def test_the_old_session_never_steals_the_seat_back() -> None:
    house = House()
    old = house.join("a", 1)
    house.join("b", 1)
    house.open("c")
    claim = {"appId": APP, "channel": "lobby", "uid": 1, "session": old["session"]}
    assert refused(house, "c", "rejoin", **claim) == errors.UID_CONFLICT
    assert "b" not in house.closed


def test_a_uid_is_not_taken_without_its_session() -> None:
    house = House()
    house.talker("a", 1)
    house.open("thief")
    for session in ("", "x" * 43, Sessions(b"x" * 32).issue(APP, "lobby", 1, b"r" * 16)):
        claim = {"appId": APP, "channel": "lobby", "uid": 1, "session": session}
        assert refused(house, "thief", "rejoin", **claim) == errors.SESSION_UNKNOWN
    assert not house.closed and house.rooms.snapshot().seats == 1


# Coming back


def test_who_is_back_within_10_s_was_never_away_for_the_others() -> None:
    house = House()
    seat = house.talker("a", 1)
    house.join("b", 2, autoSubscribe=True)
    house.news("b")
    house.drop("a")
    house.heartbeat("b", seconds=9)
    back = house.rejoin("a2", seat)
    assert back["resumed"] and back["session"] == seat["session"]
    assert house.news("b") == []
    assert house.speak("a2", 1) == ["b"]


def test_subscriptions_survive_a_lost_connection() -> None:
    house = House()
    house.talker("a", 1)
    seat = house.join("b", 2)
    house.ask("b", "subscribe", uid=1)
    house.drop("b")
    assert house.speak("a", 1) == []
    house.rejoin("b2", seat)
    assert house.speak("a", 1) == ["b2"]


def test_the_stream_goes_after_10_s_and_comes_back_with_its_owner() -> None:
    house = House()
    seat = house.talker("a", 1)
    house.join("b", 2, autoSubscribe=True)
    house.news("b")
    house.drop("a")
    house.heartbeat("b", seconds=11)
    assert house.news("b") == [("stream-removed", {"uid": 1})]
    assert house.rejoin("a2", seat)["resumed"]
    assert house.news("b") == [("stream-added", {"uid": 1, "label": ""})]
    assert house.speak("a2", 1) == ["b"], "no need to publish again"


def test_the_seat_goes_after_20_s() -> None:
    house = House()
    seat = house.talker("a", 1)
    house.join("b", 2)
    house.drop("a")
    house.heartbeat("b", seconds=19)
    house.news("b")
    house.heartbeat("b", seconds=2)
    assert house.news("b") == [("user-left", {"uid": 1, "reason": "dropped"})]
    back = house.rejoin("a2", seat)
    assert (back["uid"], back["session"], back["resumed"]) == (1, seat["session"], False)


def test_a_dead_connection_counts_from_the_last_thing_heard_on_it() -> None:
    house = House()
    house.talker("a", 1)
    house.join("b", 2)
    house.heartbeat("b", seconds=11)
    assert house.news("b") == [("stream-removed", {"uid": 1})]
    house.heartbeat("b", seconds=10)
    assert house.news("b") == [("user-left", {"uid": 1, "reason": "dropped"})]
    assert house.closed["a"] == (1008, "silent for 20 s")


def test_a_connection_that_is_heard_again_shows_its_stream_again() -> None:
    house = House()
    house.talker("a", 1)
    house.join("b", 2, autoSubscribe=True)
    house.heartbeat("b", seconds=11)
    house.news("b")
    assert house.speak("a", 1) == [], "hidden until the next tick"
    house.wait(0.5)
    assert house.news("b") == [("stream-added", {"uid": 1, "label": ""})]
    assert house.speak("a", 1) == ["b"]
    assert "error" not in [method for method, _ in house.news("a")], "and that is nobody's mistake"


def test_unpublishing_while_hidden_leaves_nothing_to_come_back() -> None:
    house = House()
    house.talker("a", 1)
    house.join("b", 2)
    house.heartbeat("b", seconds=11)
    house.news("b")
    house.ask("a", "unpublish")
    house.heartbeat("a", "b", seconds=2)
    assert house.news("b") == []


def test_rejoin_tells_the_difference() -> None:
    house = House()
    for uid, connection in enumerate("abc", 1):
        house.talker(connection, uid)
    seat = house.join("d", 4)
    house.drop("d")
    house.ask("a", "leave")
    house.ask("b", "unpublish")
    back = house.rejoin("d2", seat, known=[1, 2, 3, 4, 99])
    assert back["removed"] == [1, 2, 99]
    assert [stream["uid"] for stream in back["streams"]] == [3]


def test_coming_back_with_another_label_tells_the_others() -> None:
    house = House()
    seat = house.talker("a", 1, label="kitchen")
    house.join("b", 2)
    house.news("b")
    house.rejoin("a2", seat, label="kitchen")
    house.rejoin("a3", seat, label="hall")
    assert house.news("b") == [("stream-added", {"uid": 1, "label": "hall"})]


def test_news_go_to_the_newest_connection_and_media_to_both() -> None:
    house = House()
    house.talker("a", 1)
    seat = house.join("b", 2, autoSubscribe=True)
    house.rejoin("b2", seat)
    assert house.speak("a", 1) == ["b", "b2"]
    house.ask("a", "unpublish")
    assert house.news("b") == [] and house.news("b2") == [("stream-removed", {"uid": 1})]


def test_a_third_connection_closes_the_oldest() -> None:
    house = House()
    house.talker("a", 1)
    seat = house.join("b", 2, autoSubscribe=True)
    house.rejoin("b2", seat)
    house.rejoin("b3", seat)
    assert house.closed == {"b": (4002, "two newer connections hold this seat")}
    assert house.speak("a", 1) == ["b2", "b3"]


def test_a_second_connection_that_dies_leaves_the_first_alone() -> None:
    house = House()
    seat = house.talker("a", 1)
    house.join("b", 2, autoSubscribe=True)
    house.rejoin("a2", seat)
    house.heartbeat("a2", "b", seconds=21)
    assert house.closed == {"a": (1008, "silent for 20 s")}
    assert house.speak("a2", 1) == ["b"]


def test_a_packet_that_comes_on_both_connections_is_passed_on_once() -> None:
    house = House()
    seat = house.talker("a", 1)
    house.rejoin("a2", seat)
    house.join("b", 2, autoSubscribe=True)
    got = [house.speak(connection, 1, sequence) for sequence in (65_534, 65_535, 0, 1) for connection in ("a", "a2")]
    assert got == [["b"], []] * 4


def test_a_restarted_device_is_heard_whatever_its_first_number() -> None:
    house = House()
    seat = house.talker("a", 1)
    house.join("b", 2, autoSubscribe=True)
    assert house.speak("a", 1, 500) == ["b"]
    house.drop("a")
    house.rejoin("a2", seat)
    assert house.speak("a2", 1, 500) == ["b"]


# A hub that restarts, a hub that slept


def test_a_restarted_hub_honours_its_sessions_and_waits_before_it_says_who_is_missing() -> None:
    before = House()
    seats = {name: before.join(name, uid) for uid, name in enumerate("abc", 1)}
    house = House(seed=2, started=0.0)
    a = house.rejoin("a", seats["a"], known=[1, 2, 3, 9])
    assert (a["resumed"], a["removed"], a["streams"]) == (False, [], [])
    house.wait(1.0)
    house.rejoin("b", seats["b"], known=[3])
    house.ask("b", "publish")
    assert house.news("a") == [("user-joined", {"uid": 2, "label": ""}), ("stream-added", {"uid": 2, "label": ""})]
    house.drop("b")
    house.heartbeat("a", seconds=5)
    assert house.news("a") == [("stream-removed", {"uid": 3}), ("stream-removed", {"uid": 9})]
    assert house.news("b") == [], "b is away, and will ask when it is back"
    house.heartbeat("a", seconds=2)
    assert house.news("a") == [], "told once"


def test_a_hub_that_slept_blames_nobody() -> None:
    house = House()
    seat = house.talker("a", 1)
    house.join("b", 2)
    house.drop("a")
    house.open("c")
    house.news("b")
    house.now += 60.0
    assert house.rooms.tick(house.now) == []
    house.wait(4.0)
    assert house.news("b") == [] and not house.closed
    assert house.rejoin("a2", seat)["resumed"]


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
    monkeypatch.setattr(limits, "MAX_SEATS_PER_CHANNEL", 2)
    monkeypatch.setattr(limits, "MAX_CHANNELS", 2)
    monkeypatch.setattr(limits, "MAX_SEATS", 3)
    house = House()
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
            house.take(house.rooms.text(("stranger", stranger), data, house.now))
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
