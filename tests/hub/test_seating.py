"""Who gets a seat that is taken, who gets his own back, what others see of it; and a hub that restarts or sleeps."""

from typing import Any

from device.channel import errors
from device.hub.sessions import Sessions
from tests.hub.house import APP, House, refused

# A used uid


def test_H7_the_newcomer_gets_the_seat_and_the_other_is_told() -> None:
    house = House()
    old = house.talker("a", 1)
    house.rejoin("a2", old)
    house.join("b", 2, autoSubscribe=True)
    assert house.news("a") == house.news("a2")
    new = house.join("c", 1)
    assert new["session"] != old["session"]
    conflict = ("error", {"code": errors.UID_CONFLICT, "reason": "another device joined with this uid"})
    assert house.news("a") == house.news("a2") == [conflict]
    assert house.closed["a"][0] == house.closed["a2"][0] == 4001
    assert [method for method, _ in house.news("b")] == ["stream-removed", "user-left", "user-joined"]
    assert house.speak("c", 1) == [], "the newcomer has not published"


def test_H7_the_old_session_never_steals_the_seat_back() -> None:
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
    for session in ("", "x" * 43, "\xe9", "\ud800", Sessions(b"x" * 32).issue(APP, "lobby", 1, b"r" * 16)):
        claim = {"appId": APP, "channel": "lobby", "uid": 1, "session": session}
        assert refused(house, "thief", "rejoin", **claim) == errors.SESSION_UNKNOWN
    assert not house.closed and house.rooms.snapshot().seats == 1


# Coming back


def test_H9_who_is_back_within_10_s_was_never_away_for_the_others() -> None:
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


def test_H8_the_stream_goes_after_10_s_and_comes_back_with_its_owner() -> None:
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


def test_H8_the_seat_goes_after_20_s() -> None:
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


def test_the_end_of_a_connection_that_was_dead_already_is_no_sign_of_life() -> None:
    """The kernel may give it up at any time; who has two has two such ends."""
    house = House()
    seat = house.talker("a", 1)
    house.rejoin("a2", seat)
    house.join("b", 2, autoSubscribe=True)
    house.news("b")
    house.heartbeat("b", seconds=15)
    house.drop("a2")
    house.heartbeat("b", seconds=1)
    house.drop("a")
    house.heartbeat("b", seconds=5)
    assert house.news("b") == [("stream-removed", {"uid": 1}), ("user-left", {"uid": 1, "reason": "dropped"})]


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


def test_news_and_media_go_to_both_connections_of_a_seat() -> None:
    house = House()
    house.talker("a", 1)
    seat = house.join("b", 2, autoSubscribe=True)
    house.rejoin("b2", seat)
    assert house.speak("a", 1) == ["b", "b2"]
    house.ask("a", "unpublish")
    assert house.news("b") == house.news("b2") == [("stream-removed", {"uid": 1})]


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


def restarted(*uids: int) -> tuple[House, dict[int, dict[str, Any]]]:
    """A hub that has crashed with these in the lobby and has just started again, and the seats they had."""
    before = House()
    return House(seed=2, started=0.0), {uid: before.talker(f"before {uid}", uid) for uid in uids}


def test_a_restarted_hub_honours_its_sessions_and_waits_before_it_says_who_is_missing() -> None:
    house, seats = restarted(1, 2, 3)
    a = house.rejoin("a", seats[1], known=[1, 2, 3, 9])
    assert (a["resumed"], a["removed"], a["streams"]) == (False, [], [])
    house.wait(1.0)
    house.rejoin("b", seats[2], known=[3])
    house.ask("b", "publish")
    assert house.news("a") == [("stream-added", {"uid": 2, "label": ""})]
    house.drop("b")
    house.heartbeat("a", seconds=5)
    assert house.news("a") == [("stream-removed", {"uid": 3}), ("stream-removed", {"uid": 9})]
    assert house.news("b") == [], "b is away, and will ask when it is back"
    house.heartbeat("a", seconds=2)
    assert house.news("a") == [], "told once"


def test_H9_who_is_back_within_20_s_of_a_crash_has_neither_left_nor_joined_for_the_others() -> None:
    house, seats = restarted(1, 2, 3, 4)
    house.rejoin("a", seats[1], known=[2, 3, 4])
    house.rejoin("b", seats[2], known=[1, 3, 4])
    house.heartbeat("a", "b", seconds=18)
    late = house.rejoin("c", seats[3], known=[1, 2, 4])
    house.ask("c", "publish")
    assert late["uid"] == 3
    house.heartbeat("a", "b", "c", seconds=10)
    for connection in "abc":
        told = [(method, params["uid"]) for method, params in house.news(connection) if method.startswith("user-")]
        assert told == [("user-left", 4)], "who is not back has left by now, and nobody else"


def test_after_20_s_who_comes_back_joins_again() -> None:
    house, seats = restarted(1, 2)
    house.rejoin("a", seats[1], known=[2])
    house.heartbeat("a", seconds=21)
    assert ("user-left", {"uid": 2, "reason": "dropped"}) in house.news("a")
    house.rejoin("b", seats[2], known=[1])
    assert house.news("a") == [("user-joined", {"uid": 2, "label": ""})]


def test_a_newcomer_hears_of_everybody_whom_it_cannot_have_known() -> None:
    house, seats = restarted(1, 2)
    house.join("new", 7)
    house.rejoin("a", seats[1])
    assert house.news("new") == [("user-joined", {"uid": 1, "label": ""})]
    house.join("newer", 8)
    assert house.news("a") == [("user-joined", {"uid": 8, "label": ""})]


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


def test_whose_last_sign_came_after_the_hub_slept_is_waited_for_no_longer_than_anybody() -> None:
    """What came meanwhile is read before the hub looks at its seats."""
    house = House()
    for uid, connection in enumerate("abc", 1):
        house.join(connection, uid)
    house.now += 60.0
    house.drop("a")
    house.ask("b", "ping")
    house.open("stranger")
    house.wait(0.25)
    house.heartbeat("c", seconds=6)
    assert house.closed == {"stranger": (1008, "no join within 5 s")}
    house.heartbeat("c", seconds=13)
    house.news("c")
    house.heartbeat("c", seconds=2)
    assert house.news("c") == [("user-left", {"uid": uid, "reason": "dropped"}) for uid in (1, 2)]
    assert house.closed["b"] == (1008, "silent for 20 s")


# A hub that makes room for its next process


def test_the_next_process_goes_on_as_if_it_had_been_there_all_the_time() -> None:
    house = House()
    house.talker("a", 1)
    house.talker("b", 2)
    house.ask("b", "subscribe", uid=1)
    listener = house.join("c", 3, role="audience", autoSubscribe=True, label="hall")
    gone = house.talker("d", 4)
    house.drop("d")
    house.open("stranger")
    house.heartbeat("a", "b", "c", seconds=4)
    for connection in "abc":
        house.news(connection)
    house.hand_over()
    assert house.speak("a", 1) == ["b", "c"] and house.speak("b", 2) == ["c"]
    assert refused(house, "c", "publish") == errors.AUDIENCE_CANNOT_PUBLISH
    again = house.rejoin("c2", listener, known=[1, 2, 4, 9], role="audience", label="hall", autoSubscribe=True)
    assert (again["resumed"], again["removed"]) == (True, [9]), "it has been settled long since"
    house.heartbeat("a", "b", "c", "c2", seconds=5)
    assert house.news("a") == house.news("b") == []
    house.heartbeat("a", "b", "c", "c2", seconds=12)
    assert house.news("a") == [("stream-removed", {"uid": 4}), ("user-left", {"uid": 4, "reason": "dropped"})]
    assert not house.rejoin("d2", gone)["resumed"]
    assert house.closed["stranger"] == (1008, "no join within 5 s")
    assert not set("abc") & set(house.closed)


def test_a_crash_and_a_planned_restart_right_after_it_leave_the_same_patience() -> None:
    house, seats = restarted(1, 2)
    house.rejoin("a", seats[1], known=[2])
    house.wait(2.0)
    house.hand_over()
    assert house.news("a") == []
    house.rejoin("b", seats[2], known=[1])
    assert house.news("a") == [], "neither missing nor new"
