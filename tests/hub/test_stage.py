"""Stories of roles and rights: promotion, demotion, who may publish, and what happens when a right ends."""

from typing import Any

import pytest

from device.channel import errors
from device.channel.rules import Profile
from device.hub import limits
from device.hub.stage import PUT_OUT_AT_ONCE, TURNED_OUT_AT_ONCE
from tests.hub.house import APP, OTHER_APP, House, refused
from tests.hub.passes import listed, only, token

LIVE, COMMUNICATION = Profile.LIVE, Profile.COMMUNICATION
SILENCED = ("error", {"code": errors.NOT_ALLOWED_TO_PUBLISH, "reason": "this token gives no right to publish"})


def house_of(**more: Any) -> House:
    return House(apps=only(listed(**more)))


def enter(house: House, connection: str, uid: int, **more: Any) -> dict[str, Any]:
    """Join with a token that is good for an hour, and lets everything be done, unless there is another."""
    return house.join(connection, uid, **{"token": token(made_s=house.wall_s), **more})


# Profiles


@pytest.mark.parametrize("role", ["broadcaster", "audience"])
def test_H5_in_a_communication_everybody_is_announced_and_may_publish_whatever_role_he_asks_for(role: str) -> None:
    house = house_of(profile=COMMUNICATION)
    enter(house, "a", 1, autoSubscribe=True)
    enter(house, "b", 2, role=role, label="hall")
    house.ask("b", "publish")
    assert house.speak("b", 2) == ["a"]
    house.ask("b", "leave")
    user = {"uid": 2, "label": "hall"}
    assert house.news("a") == [
        ("user-joined", user), ("stream-added", user), ("stream-removed", {"uid": 2}),
        ("user-left", {"uid": 2, "reason": "quit"}),
    ]  # fmt: skip


def test_H5_nobody_in_a_communication_becomes_an_audience() -> None:
    house = house_of(profile=COMMUNICATION)
    enter(house, "a", 1)
    seat = enter(house, "b", 2, role="audience")
    house.ask("b", "publish")
    house.news("a")
    assert refused(house, "b", "setRole", role="audience") == errors.LOGIN_FAILED
    assert house.ask("b", "setRole", role="broadcaster") == {}
    house.drop("b")
    house.rejoin("b2", seat, role="audience")
    assert house.news("a") == []


def test_H6_live_announces_hosts_and_an_audience_only_hears() -> None:
    house = house_of(profile=LIVE)
    enter(house, "a", 1, autoSubscribe=True)
    enter(house, "b", 2, role="audience", autoSubscribe=True)
    assert refused(house, "b", "publish") == errors.AUDIENCE_CANNOT_PUBLISH == 433
    house.ask("a", "publish")
    assert house.speak("a", 1) == ["b"] and house.speak("b", 2) == []
    house.ask("b", "leave")
    assert house.news("a") == []
    enter(house, "c", 3)
    house.ask("c", "leave")
    assert [method for method, _ in house.news("a")] == ["user-joined", "user-left"]


# Roles


@pytest.mark.parametrize(("role", "announced"), [("broadcaster", 1), ("audience", 0)])
def test_A17_the_role_is_the_one_that_is_asked_for_at_the_join(role: str, announced: int) -> None:
    house = house_of()
    enter(house, "a", 1)
    enter(house, "b", 2, role=role)
    assert len(house.news("a")) == announced


def test_A18_who_is_promoted_is_announced_and_may_publish() -> None:
    house = house_of()
    enter(house, "a", 1, autoSubscribe=True)
    enter(house, "b", 2, role="audience", label="hall")
    for _ in range(2):
        assert house.ask("b", "setRole", role="broadcaster") == {}
    house.ask("b", "publish")
    user = {"uid": 2, "label": "hall"}
    assert house.news("a") == [("user-joined", user), ("stream-added", user)], "asking twice changes nothing"
    assert house.speak("b", 2) == ["a"] and house.news("b") == []


def test_A18_who_is_demoted_loses_his_stream_and_leaves_as_an_audience() -> None:
    house = house_of()
    enter(house, "a", 1, autoSubscribe=True)
    enter(house, "b", 2, autoSubscribe=True)
    house.ask("a", "publish")
    house.ask("b", "publish")
    house.news("a")
    assert house.ask("b", "setRole", role="audience") == {}
    left = ("user-left", {"uid": 2, "reason": "became-audience"})
    assert house.news("a") == [("stream-removed", {"uid": 2}), left]
    assert house.speak("b", 2) == [] and house.speak("a", 1) == ["b"], "he only hears"
    assert refused(house, "b", "publish") == errors.AUDIENCE_CANNOT_PUBLISH
    house.ask("b", "leave")
    assert house.news("a") == [], "he has left for the others already"


@pytest.mark.parametrize("params", [{}, {"role": "king"}, {"role": ""}, {"role": None}, {"role": 1}, {"role": ["a"]}])
def test_A18_a_role_that_is_none_is_refused_with_431(params: dict[str, Any]) -> None:
    house = house_of()
    enter(house, "a", 1)
    assert refused(house, "a", "setRole", **params) == errors.LOGIN_FAILED == 431
    house.ask("a", "publish")


def test_A18_a_role_is_set_in_the_channel_and_not_before_it() -> None:
    house = house_of()
    house.open("a")
    assert refused(house, "a", "setRole", role="audience") == errors.OUT_OF_ORDER == 434


def test_A18_a_role_outlives_a_lost_connection_and_the_rejoin_of_a_new_process_may_change_it() -> None:
    house = house_of()
    enter(house, "a", 1)
    seat = enter(house, "b", 2)
    house.ask("b", "publish")
    house.ask("b", "setRole", role="audience")
    house.news("a")
    house.rejoin("beside", seat, role="broadcaster")
    assert house.news("a") == [], "it was written before the other connection had said something newer"
    house.drop("b", "beside")
    house.rejoin("c", seat, role="audience")
    assert house.news("a") == []
    house.drop("c")
    house.rejoin("d", seat, role="broadcaster")
    assert house.news("a") == [("user-joined", {"uid": 2, "label": ""})]


# Who may publish


def test_T8_with_co_host_it_takes_the_role_and_the_right() -> None:
    house = house_of(co_host=True)
    enter(house, "a", 1, autoSubscribe=True)
    enter(house, "b", 2, role="audience", token=token(publish_s=None))
    assert refused(house, "b", "publish") == errors.AUDIENCE_CANNOT_PUBLISH
    house.ask("b", "setRole", role="broadcaster")
    assert refused(house, "b", "publish") == errors.NOT_ALLOWED_TO_PUBLISH
    assert house.ask("b", "unpublish") == {}
    house.ask("b", "renewToken", token=token(2))
    house.ask("b", "publish")
    assert house.speak("b", 2) == ["a"]


def test_T8_without_it_any_token_will_do() -> None:
    house = house_of(co_host=False)
    enter(house, "a", 1, token=token(publish_s=None))
    house.ask("a", "publish")


def test_T8_a_stream_ends_with_the_right_to_publish_and_its_owner_is_told() -> None:
    house = house_of(co_host=True)
    enter(house, "a", 1, autoSubscribe=True)
    enter(house, "b", 2, token=token(publish_s=60))
    house.ask("b", "publish")
    house.heartbeat("a", "b", seconds=59)
    assert house.speak("b", 2) == ["a"]
    house.news("a")
    house.heartbeat("a", "b", seconds=2)
    assert house.news("a") == [("stream-removed", {"uid": 2})], "he is still there"
    assert house.news("b") == [SILENCED]
    assert house.speak("b", 2) == [] and refused(house, "b", "publish") == errors.NOT_ALLOWED_TO_PUBLISH
    house.ask("b", "renewToken", token=token(2, made_s=house.wall_s, publish_s=60))
    house.ask("b", "publish")
    assert house.speak("b", 2) == ["a"]


def test_T8_without_co_host_the_right_to_publish_may_end() -> None:
    house = house_of()
    enter(house, "a", 1, token=token(publish_s=60))
    house.ask("a", "publish")
    house.heartbeat("a", seconds=61)
    assert house.news("a") == [] and house.rooms.snapshot().streams == 1


def test_H5_only_so_many_publish_in_a_channel_as_its_app_allows() -> None:
    house = house_of(max_publishers=2)
    for uid, connection in enumerate("abc", 1):
        enter(house, connection, uid)
    house.ask("a", "publish")
    house.ask("b", "publish")
    assert refused(house, "c", "publish") == errors.TOO_MANY_PUBLISHERS
    house.ask("b", "publish")  # who does already may ask again
    house.ask("a", "setRole", role="audience")
    house.ask("c", "publish")
    enter(house, "d", 4, channel="attic", token=token(channel="attic"))
    house.ask("d", "publish")


def test_H5_only_so_many_sit_in_a_channel_as_its_app_allows() -> None:
    house = house_of(max_seats=2)
    enter(house, "a", 1)
    enter(house, "b", 2)
    house.open("c")
    assert refused(house, "c", "join", appId=APP, channel="lobby", token=token()) == errors.CHANNEL_FULL
    enter(house, "d", 1)  # a seat that is there may change hands


# The end of a token


def test_B6_B7_T7_the_end_of_the_right_to_join_is_told_before_and_then_and_then_the_seat_is_given_up() -> None:
    house = house_of()
    enter(house, "a", 1, token=token(join_s=60))
    house.ask("a", "publish")
    enter(house, "b", 2, autoSubscribe=True)
    house.news("a")
    house.news("b")
    told: list[tuple[float, str]] = []
    for quarter in range(1, 270):
        house.wait(0.25)
        if quarter % 4 == 0 and "a" not in house.closed:
            house.ask("a", "ping")
            house.ask("b", "ping")
        told += [(house.now, method) for method, _ in house.news("a")]
    assert told == [(30.0, "token-privilege-will-expire"), (60.0, "token-privilege-did-expire"), (65.0, "error")]
    assert house.closed == {"a": (1008, "expired token: get a new one")}
    assert house.news("b") == [("stream-removed", {"uid": 1}), ("user-left", {"uid": 1, "reason": "dropped"})]
    assert house.rooms.snapshot().seats == 1


def test_B7_a_token_that_is_renewed_in_the_last_moment_keeps_the_seat() -> None:
    house = house_of()
    enter(house, "a", 1, token=token(join_s=60))
    house.ask("a", "publish")
    enter(house, "b", 2, autoSubscribe=True)
    house.news("b")
    house.heartbeat("a", "b", seconds=62)
    assert house.news("a")[-1] == ("token-privilege-did-expire", {})
    assert house.speak("a", 1) == ["b"], "until it is given up nothing is different"
    house.ask("a", "renewToken", token=token(1, made_s=house.wall_s))
    house.heartbeat("a", "b", seconds=60)
    assert house.news("a") == house.news("b") == [] and house.speak("a", 1) == ["b"]


def test_B6_who_is_away_when_his_token_is_about_to_end_hears_it_when_he_is_back() -> None:
    house = house_of()
    seat = enter(house, "a", 1, token=token(join_s=60))
    house.heartbeat("a", seconds=25)
    house.drop("a")
    house.wait(15)
    house.rejoin("a2", seat)
    house.wait(0.5)
    assert house.news("a2") == [("token-privilege-will-expire", {})]


def test_T7_a_seat_whose_owner_is_away_is_given_up_with_its_token() -> None:
    house = house_of()
    enter(house, "a", 1, token=token(join_s=60))
    enter(house, "b", 2)
    house.heartbeat("a", "b", seconds=59)
    house.drop("a")
    house.news("b")
    house.heartbeat("b", seconds=5)
    assert house.news("b") == []
    house.heartbeat("b", seconds=2)
    assert house.news("b") == [("user-left", {"uid": 1, "reason": "dropped"})]


# A planned restart


def test_T7_A18_rights_and_roles_survive_a_planned_restart() -> None:
    apps = only(listed(co_host=True))
    house = House(apps=apps)
    enter(house, "a", 1, token=token(join_s=60, publish_s=90), role="audience")
    enter(house, "b", 2, token=token(publish_s=50), autoSubscribe=True)
    enter(house, "c", 3)
    house.ask("b", "publish")
    house.heartbeat("a", "b", "c", seconds=31)
    assert ("token-privilege-will-expire", {}) in house.news("a")
    house.news("b")
    house.hand_over(apps)
    house.wall_s -= 3_600
    house.heartbeat("a", "b", "c", seconds=20)
    assert house.news("a") == [("stream-removed", {"uid": 2})], "and what has been told is not told again"
    assert house.news("b") == [SILENCED]
    assert refused(house, "a", "publish") == errors.AUDIENCE_CANNOT_PUBLISH
    house.heartbeat("a", "b", "c", seconds=10)
    assert house.news("a") == [("token-privilege-did-expire", {})]
    house.heartbeat("b", "c", seconds=6)
    assert house.closed["a"][0] == 1008
    house.ask("c", "publish")


def test_H3_an_app_that_is_in_the_file_no_more_is_given_up_and_the_others_go_on() -> None:
    house = House(apps=only(listed(APP), listed(OTHER_APP)))
    enter(house, "a", 1)
    house.ask("a", "publish")
    enter(house, "a2", 3, autoSubscribe=True)
    house.open("b")
    house.ask("b", "join", appId=OTHER_APP, channel="lobby", uid=2, token=token(app_id=OTHER_APP))
    house.hand_over(only(listed(APP)))
    house.wait(0.5)
    assert house.news("b") == [("error", {"code": 401, "reason": "this hub does not serve this App ID"})]
    assert list(house.closed) == ["b"] and house.rooms.snapshot().seats == 2
    assert house.speak("a", 1) == ["a2"]


def test_H3_of_a_large_app_that_is_served_no_more_some_seats_go_at_a_time_and_none_is_told_of_others() -> None:
    house = House(apps=only(listed(APP), listed(OTHER_APP)))
    enter(house, "stays", 1)
    seats = 2 * PUT_OUT_AT_ONCE + 7
    for uid in range(1, seats + 1):
        house.open(uid, f"10.0.0.{uid}")
        house.ask(uid, "join", appId=OTHER_APP, channel="lobby", uid=uid, token=token(app_id=OTHER_APP))
        house.ask(uid, "publish")
    for uid in range(1, seats + 1):
        house.news(uid)
    house.hand_over(only(listed(APP)))
    gone = []
    while len(house.closed) < seats:
        before = len(house.closed)
        house.wait(limits.TICK_S)
        gone.append(len(house.closed) - before)
    assert max(gone) <= PUT_OUT_AT_ONCE and len(gone) <= 3
    told = [house.news(uid) for uid in range(1, seats + 1)]
    assert told == [[("error", {"code": 401, "reason": "this hub does not serve this App ID"})]] * seats
    assert house.rooms.snapshot().seats == 1 and "stays" not in house.closed


def test_T9_H5_who_sits_already_keeps_his_seat_whatever_a_new_file_asks_of_newcomers() -> None:
    house = House(apps=only(listed(max_publishers=2)))
    enter(house, "a", 1, autoSubscribe=True)
    enter(house, "b", 2)
    house.ask("a", "publish")
    house.ask("b", "publish")
    seat = enter(house, "c", 3, role="audience")
    house.hand_over(only(listed(APP, "f" * 32, profile=COMMUNICATION, max_seats=1, max_publishers=1)))
    house.heartbeat("a", "b", "c", seconds=3)
    assert house.rooms.snapshot().streams == 2 and house.speak("b", 2) == ["a"]
    assert house.rejoin("c2", seat)["resumed"]
    house.open("d")
    assert refused(house, "d", "join", appId=APP, channel="lobby", token=token()) == errors.TOKEN_INVALID


def test_T7_of_many_tokens_that_end_together_a_few_seats_go_at_a_time() -> None:
    house = House(apps=only(listed()))
    for uid in range(1, 2 * TURNED_OUT_AT_ONCE + 1):
        house.join(uid, uid, token=token(uid, join_s=10))
    house.wait(19.0)
    assert house.rooms.snapshot().seats == 0
