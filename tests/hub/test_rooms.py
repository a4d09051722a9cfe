"""Stories of a hub: joining, publishing, subscribing, leaving; who hears whom, and what others are told."""

import pytest

from device import jsonrpc
from device.channel import errors
from device.hub.apps import Apps
from device.hub.rooms import Rooms
from device.hub.sessions import Sessions
from tests.hub.house import APP, KEY, OTHER_APP, House, refused

# Joining


def test_the_answer_to_join_says_all_that_a_client_needs() -> None:
    house = House()
    answer = house.join("a", uid=7)
    assert {name: answer[name] for name in ("uid", "resumed", "streams", "removed", "ping_ms", "grace_ms")} == {
        "uid": 7, "resumed": False, "streams": [], "removed": [], "ping_ms": 1_000, "grace_ms": 20_000,
    }  # fmt: skip
    assert answer["hub"] == {"version": "test"} and answer["limits"]["packets_per_s"] == 400
    assert Sessions(KEY).is_ours(answer["session"], APP, "lobby", 7)


def test_A4_H2_uid_0_gets_a_free_one_that_is_not_0() -> None:
    class Dice:
        """Throws 0, then a uid in use, then a free one; anything for sessions."""

        throws = iter([0, 7, 8])

        def __call__(self, size: int) -> bytes:
            return next(self.throws).to_bytes(4, "big") if size == 4 else b"r" * size

    house = House()
    house.rooms = Rooms(Sessions(KEY), Dice(), 0.0)
    house.join("a", uid=7)
    assert house.join("b")["uid"] == 8


def test_B12_others_hear_of_a_newcomer_and_he_hears_who_speaks() -> None:
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


def test_E4_joining_twice_on_one_connection_is_refused_and_changes_nothing() -> None:
    house = House()
    seat = house.talker("a", 1)
    assert refused(house, "a", "join", appId=APP, channel="other", uid=2) == errors.LOGIN_FAILED
    rejoin = {"appId": APP, "channel": "lobby", "uid": 1, "session": seat["session"]}
    assert refused(house, "a", "rejoin", **rejoin) == errors.LOGIN_FAILED
    assert house.rooms.snapshot().seats == 1
    house.join("b", 2, autoSubscribe=True)
    assert house.speak("a", 1) == ["b"]


@pytest.mark.parametrize("method", ["publish", "unpublish", "subscribe", "unsubscribe", "leave", "ping"])
def test_E7_everything_else_comes_after_join(method: str) -> None:
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


def test_E1_a_hub_for_certain_apps_refuses_others() -> None:
    house = House(apps=Apps.of_ids([APP.upper()]))
    house.join("a", 1)
    house.open("b")
    assert refused(house, "b", "join", appId=OTHER_APP, channel="lobby") == errors.BAD_REQUEST


# Apps and channels


def test_H3_apps_and_channels_never_hear_each_other() -> None:
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


def test_H4_a_channel_ends_with_its_last_seat() -> None:
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
def test_E5_nobody_subscribes_to_silence_or_himself(uid: int, code: int) -> None:
    house = House()
    house.talker("a", 1)
    house.join("b", 2)
    assert refused(house, "a", "subscribe", uid=uid) == code


def test_E6_an_audience_cannot_publish() -> None:
    house = House()
    house.join("a", 1, role="audience")
    assert refused(house, "a", "publish") == refused(house, "a", "unpublish") == errors.AUDIENCE_CANNOT_PUBLISH
    assert house.speak("a", 1) == []
    house.wait(0.5)
    assert house.news("a") == [("error", {"code": 433, "reason": "an audience cannot publish"})]


def test_B12_leaving_frees_the_seat_at_once_and_says_quit() -> None:
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


def test_after_leaving_there_are_5_s_to_join_again() -> None:
    house = House()
    house.join("a", 1)
    house.heartbeat("a", seconds=60)
    house.ask("a", "leave")
    house.wait(4.5)
    assert not house.closed
    house.wait(1.0)
    assert house.closed["a"] == (1008, "no join within 5 s")


def test_a_ring_is_heard_by_everybody_else_or_by_the_one_it_is_for() -> None:
    house = House()
    house.join("a", 1, label="door")
    house.join("b", 2)
    house.join("c", 3)
    house.join("elsewhere", 4, channel="attic")
    for connection in ("a", "b", "c"):
        house.news(connection)
    house.ask("a", "ring")
    rung = ("ring", {"uid": 1, "label": "door", "answered": False})
    assert (house.news("a"), house.news("b"), house.news("c")) == ([], [rung], [rung])
    house.ask("a", "ring", uid=3)
    assert (house.news("b"), house.news("c")) == ([], [rung])
    house.ask("b", "ring", answered=True)
    assert house.news("a") == house.news("c") == [("ring", {"uid": 2, "label": "", "answered": True})]
    assert house.news("elsewhere") == []


def test_a_ring_for_nobody_or_too_often_is_refused() -> None:
    house = House()
    house.join("a", 1)
    assert refused(house, "a", "ring") == errors.NOBODY_THERE
    house.join("b", 2)
    house.join("elsewhere", 4, channel="attic")
    assert [refused(house, "a", "ring", uid=uid) for uid in (1, 3, 4)] == [errors.NOBODY_THERE] * 3
    assert refused(house, "a", "ring", uid="2") == refused(house, "a", "ring", answered=1) == jsonrpc.INVALID_PARAMS
    house.wait(15)
    house.ask("b", "ping")
    house.news("b")
    answers = [house.text("a", jsonrpc.request(1, "ring", {}))[0] for _ in range(100)]
    assert sum(isinstance(answer, jsonrpc.Reply) for answer in answers) == len(house.news("b")) == 5
    assert refused(house, "a", "ring") == errors.TOO_FREQUENT
    house.wait(2.1)
    house.ask("a", "ring")
