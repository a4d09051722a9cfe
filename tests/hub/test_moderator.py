"""Stories of a hub whose administrator makes rules: who is put out, kept out, silenced, and what they are told."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from device.channel import errors
from device.hub import limits
from device.hub.moderation import Privilege, Whom
from device.hub.moderator import CARRIED_OUT_AT_ONCE
from device.hub.notices import Kind, Leave
from device.hub.out import CLOSE_BANNED
from device.hub.rooms import Rooms
from device.hub.sessions import Sessions
from tests.hub.house import APP, KEY, OTHER_APP, House, Refused, refused

JOIN, PUBLISH = (Privilege.JOIN,), (Privilege.PUBLISH,)


def rule(house: House, whom: Whom, privileges: tuple[Privilege, ...] = JOIN, minutes: int = 60) -> int:
    """Make one, and let it be carried out."""
    id = house.rooms.moderator.create(whom, privileges, minutes, house.now).id
    house.wait(limits.TICK_S)
    return id


def here(house: House, channel: str = "lobby", app_id: str = APP) -> list[int]:
    """The uids in a channel."""
    found = house.rooms.moderator.members(app_id, channel, house.now)
    return [member.uid for member in found.members] if found else []


# Out


def test_B8_who_is_banned_is_told_so_with_what_to_do_and_put_out() -> None:
    house = House()
    house.talker("a", 7)
    house.join("b", 8)
    house.news("a"), house.news("b")
    rule(house, Whom(APP, uid=7), minutes=30)
    banned, error = house.news("a")
    assert banned == ("client-banned", {"minutes": 30})
    assert error[0] == "error" and error[1]["code"] == errors.BANNED
    assert "for 30 min (rule 1): ask the hub's administrator" in error[1]["reason"]
    assert house.closed["a"] == (CLOSE_BANNED, error[1]["reason"]) and len(error[1]["reason"]) <= 123
    assert house.news("b") == [
        ("stream-removed", {"uid": 7}), ("user-left", {"uid": 7, "reason": "dropped"}),
    ]  # fmt: skip
    assert here(house) == [8]


def test_B8_both_connections_of_a_banned_seat_are_closed() -> None:
    house = House()
    seat = house.join("a", 7)
    house.rejoin("a2", seat)
    rule(house, Whom(APP, uid=7))
    assert set(house.closed) == {"a", "a2"} and [name for name, _ in house.news("a2")] == ["client-banned", "error"]


def test_H11_who_is_banned_is_refused_at_join_and_rejoin_until_the_minutes_are_over() -> None:
    house = House()
    seat = house.join("a", 7)
    id = rule(house, Whom(APP, uid=7), minutes=1)
    house.open("b", "c")
    with pytest.raises(Refused) as refusal:
        house.ask("b", "join", appId=APP.upper(), channel="lobby", uid=7)
    assert refusal.value.args == (
        errors.BANNED, f"a rule of the hub keeps this device out for 1 min (rule {id}): ask the hub's administrator",
    )  # fmt: skip
    claim = {"appId": APP, "channel": "lobby", "uid": 7, "session": seat["session"]}
    assert refused(house, "c", "rejoin", **claim) == errors.BANNED
    assert errors.TABLE[errors.BANNED].remedy is errors.Remedy.ASK_A_HUMAN, "it tries again once a minute"
    house.wait(60.0)
    assert house.rejoin("d", seat)["uid"] == 7


def test_H11_who_is_kicked_once_may_come_back_at_once() -> None:
    house = House()
    seat = house.join("a", 7)
    rule(house, Whom(APP, uid=7), minutes=0)
    banned, error = house.news("a")
    assert banned == ("client-banned", {"minutes": 0})
    assert error[1] == {"code": errors.BANNED, "reason": "the hub's administrator put it out this once"}
    assert here(house) == []
    assert house.rejoin("b", seat)["uid"] == 7


def test_H11_nobody_is_banned_from_another_app() -> None:
    house = House()
    house.open("a", "b")
    house.ask("a", "join", appId=APP, channel="lobby", uid=7)
    house.ask("b", "join", appId=OTHER_APP, channel="lobby", uid=7)
    rule(house, Whom(APP, uid=7))
    assert set(house.closed) == {"a"} and here(house, app_id=OTHER_APP) == [7]
    house.open("c")
    house.ask("c", "join", appId=OTHER_APP, channel="attic", uid=7)


def test_H11_a_channel_is_closed_and_its_neighbour_not() -> None:
    house = House()
    house.join("a", 7), house.join("b", 8), house.join("c", 9, channel="attic")
    rule(house, Whom(APP, channel="lobby"))
    assert set(house.closed) == {"a", "b"} and here(house, "attic") == [9]
    house.open("d")
    assert refused(house, "d", "join", appId=APP, channel="lobby", uid=0) == errors.BANNED


def test_H11_an_address_is_put_out_with_all_of_its_household() -> None:
    house = House()
    house.open("a", address="2001:db8::1")
    house.open("b", address="2001:db8::2")
    house.open("c", address="2001:db8:0:1::1")
    for connection, uid in (("a", 7), ("b", 8), ("c", 9)):
        house.ask(connection, "join", appId=APP, channel="lobby", uid=uid)
    rule(house, Whom(APP, household=limits.household("2001:db8::1")))
    assert set(house.closed) == {"a", "b"}


def test_H11_an_address_is_known_over_a_planned_restart() -> None:
    house = House()
    house.join("a", 7)
    house.open("b", address="10.0.0.2")
    house.ask("b", "join", appId=APP, channel="lobby", uid=8)
    house.hand_over()
    rule(house, Whom(APP, household="10.0.0.2"))
    assert set(house.closed) == {"b"} and here(house) == [7]


def test_H11_who_is_away_when_he_is_banned_has_lost_his_seat_when_he_is_back() -> None:
    house = House()
    seat = house.join("a", 7)
    house.drop("a")
    rule(house, Whom(APP, uid=7))
    assert here(house) == []
    house.open("b")
    claim = {"appId": APP, "channel": "lobby", "uid": 7, "session": seat["session"]}
    assert refused(house, "b", "rejoin", **claim) == errors.BANNED


def test_H11_a_full_channel_is_put_out_a_few_at_a_time_so_that_others_are_heard_meanwhile() -> None:
    house = House()
    people = 2 * CARRIED_OUT_AT_ONCE + 1
    for uid in range(1, people + 1):
        house.join(uid, uid)
    house.rooms.moderator.create(Whom(APP, channel="lobby"), JOIN, 60, house.now)
    left = []
    for _ in range(4):
        left.append(len(here(house)))
        house.wait(limits.TICK_S)
    assert left == [people, CARRIED_OUT_AT_ONCE + 1, 1, 0]


def test_H11_of_two_rules_at_once_the_stricter_one_is_carried_out_whichever_came_first() -> None:
    for order in ((JOIN, PUBLISH), (PUBLISH, JOIN)):
        house = House()
        house.talker("a", 7)
        for privileges in order:
            house.rooms.moderator.create(Whom(APP, uid=7), privileges, 60, house.now)
        house.wait(limits.TICK_S)
        assert "a" in house.closed


def test_H11_who_has_left_before_it_is_his_turn_is_not_put_out_when_he_is_back() -> None:
    house = House()
    house.join("a", 7)
    house.rooms.moderator.create(Whom(APP, uid=7), JOIN, 0, house.now)
    house.ask("a", "leave")
    house.ask("a", "join", appId=APP, channel="lobby", uid=7)
    house.wait(limits.TICK_S)
    assert here(house) == [7]


# Silent


def test_H11_a_publish_ban_ends_the_stream_refuses_another_and_leaves_the_seat() -> None:
    house = House()
    house.talker("a", 7)
    house.join("b", 8, autoSubscribe=True)
    house.news("a"), house.news("b")
    rule(house, Whom(APP, uid=7), PUBLISH)
    assert house.news("b") == [("stream-removed", {"uid": 7})] and here(house) == [7, 8]
    ((name, told),) = house.news("a")
    assert name == "error" and told["code"] == errors.SILENCED
    assert errors.TABLE[errors.SILENCED].remedy is errors.Remedy.FIX_THE_CALL, "it is no reason to dial again"
    assert "keeps this device from talking for 60 min (rule 1): ask" in told["reason"]
    assert house.speak("a", 7) == []
    assert refused(house, "a", "publish") == errors.SILENCED
    house.heartbeat("a", "b", seconds=1)
    assert house.news("a") == [], "what is still on its way is no reason to complain"


def test_H11_when_a_publish_ban_is_over_who_was_silenced_is_heard_again() -> None:
    house = House()
    house.talker("a", 7)
    house.join("b", 8, autoSubscribe=True)
    rule(house, Whom(APP, uid=7), PUBLISH, minutes=1)
    house.heartbeat("a", "b", seconds=59)
    assert house.speak("a", 7) == []
    house.news("b")
    house.news("a")
    house.heartbeat("a", "b", seconds=2)
    assert house.news("b") == [("stream-added", {"uid": 7, "label": ""})] and house.speak("a", 7) == ["b"]
    assert house.news("a") == [("heard-again", {})]


def test_H11_who_came_while_he_was_silenced_is_heard_when_the_ban_is_over() -> None:
    house = House()
    house.join("a", 7)
    house.join("b", 8, autoSubscribe=True)
    id = rule(house, Whom(APP, uid=7), PUBLISH)
    assert refused(house, "a", "publish") == errors.SILENCED
    assert refused(house, "a", "publish") == errors.SILENCED
    house.rooms.moderator.rules.delete(APP, id, house.now)
    house.news("b")
    house.heartbeat("a", "b", seconds=1)
    assert house.news("b") == [("stream-added", {"uid": 7, "label": ""})] and house.speak("a", 7) == ["b"]


def test_H11_who_was_silenced_and_wants_to_publish_no_more_stays_silent_after_it() -> None:
    house = House()
    house.talker("a", 7)
    house.join("b", 8, autoSubscribe=True)
    id = rule(house, Whom(APP, uid=7), PUBLISH)
    house.ask("a", "unpublish")
    house.rooms.moderator.rules.delete(APP, id, house.now)
    house.news("b")
    house.heartbeat("a", "b", seconds=1)
    assert house.news("b") == []
    house.ask("a", "publish")
    assert house.speak("a", 7) == ["b"]


def test_H11_who_was_silenced_and_has_left_is_no_concern_any_more() -> None:
    house = House()
    house.talker("a", 7)
    id = rule(house, Whom(APP, uid=7), PUBLISH)
    house.ask("a", "leave")
    house.wait(limits.TICK_S)
    house.rooms.moderator.rules.delete(APP, id, house.now)
    house.join("b", 8)
    house.heartbeat("b", seconds=1)
    assert house.news("b") == []


def test_H11_who_is_silenced_by_his_address_stays_it_while_he_is_away() -> None:
    house = House()
    seat = house.talker("a", 7)
    house.join("b", 8, autoSubscribe=True)
    rule(house, Whom(APP, household="10.0.0.1"), PUBLISH)
    house.drop("a")
    house.heartbeat("b", seconds=1)
    house.rejoin("a2", seat)
    house.heartbeat("a2", "b", seconds=1)
    assert house.speak("a2", 7) == []


def test_H11_to_silence_somebody_once_ends_his_stream_and_he_may_begin_anew() -> None:
    house = House()
    house.talker("a", 7)
    house.news("a")
    rule(house, Whom(APP, uid=7), PUBLISH, minutes=0)
    ((_, told),) = house.news("a")
    assert told == {"code": errors.SILENCED, "reason": "the hub's administrator silenced it this once"}
    house.heartbeat("a", seconds=1)
    assert refused_packets(house, "a") == 1, "it does not come back by itself"
    house.ask("a", "publish")
    house.heartbeat("a", seconds=1)
    assert refused_packets(house, "a") == 0


def refused_packets(house: House, connection: Any) -> int:
    """How many of one packet the hub does not take."""
    before = house.rooms.snapshot().packets_refused
    house.speak(connection, 7)
    return house.rooms.snapshot().packets_refused - before


def test_H11_who_publishes_nothing_is_not_told_of_a_publish_ban_before_he_tries() -> None:
    house = House()
    house.join("a", 7)
    rule(house, Whom(APP, uid=7), PUBLISH)
    assert house.news("a") == []
    assert refused(house, "a", "publish") == errors.SILENCED


def test_H11_who_is_an_audience_when_his_publish_ban_is_over_stays_silent() -> None:
    house = House()
    house.talker("a", 7)
    house.join("b", 8, autoSubscribe=True)
    id = rule(house, Whom(APP, uid=7), PUBLISH)
    house.ask("a", "setRole", role="audience")
    house.rooms.moderator.rules.delete(APP, id, house.now)
    house.news("b")
    house.heartbeat("a", "b", seconds=1)
    assert house.news("b") == [] and house.speak("a", 7) == []


# Rules are changed


def test_H11_a_rule_that_is_prolonged_keeps_out_for_longer_and_one_that_is_deleted_no_more() -> None:
    house = House()
    id = rule(house, Whom(APP, uid=7), minutes=1)
    house.rooms.moderator.update(APP, id, 5, house.now)
    house.wait(61.0)
    house.open("b")
    assert refused(house, "b", "join", appId=APP, channel="lobby", uid=7) == errors.BANNED
    house.rooms.moderator.rules.delete(APP, id, house.now)
    house.ask("b", "join", appId=APP, channel="lobby", uid=7)
    assert here(house) == [7]


def test_H11_rules_and_who_is_silenced_go_over_to_the_next_hub() -> None:
    house = House()
    house.talker("a", 7)
    house.join("b", 8, autoSubscribe=True)
    rule(house, Whom(APP, uid=7), PUBLISH, minutes=1)
    rule(house, Whom(APP, uid=9))
    house.hand_over()
    house.open("c")
    assert refused(house, "c", "join", appId=APP, channel="lobby", uid=9) == errors.BANNED
    house.heartbeat("a", "b", seconds=58)
    assert house.speak("a", 7) == []
    house.heartbeat("a", "b", seconds=4)
    assert house.speak("a", 7) == ["b"]


# What administrators see


def test_H12_channels_come_by_page_with_how_many_are_in_them() -> None:
    house = House()
    for n in range(5):
        house.join(n, n + 1, channel=f"room {n}")
    house.join("x", 9, channel="room 4")
    moderator = house.rooms.moderator
    assert moderator.channels(APP, 0, 2) == ([("room 0", 1), ("room 1", 1)], 5)
    assert moderator.channels(APP, 4, 2) == ([("room 4", 2)], 5)
    assert moderator.channels(APP, 6, 2) == ([], 5) and moderator.channels(OTHER_APP, 0, 2) == ([], 0)


def test_H12_who_is_in_a_channel_with_role_and_time_also_after_a_planned_restart() -> None:
    house = House()
    house.join("a", 7)
    house.heartbeat("a", seconds=10)
    house.join("b", 8, role="audience")
    house.hand_over()
    found = house.rooms.moderator.members(APP, "lobby", house.now)
    assert found is not None and found.profile == "live"
    assert [(one.uid, one.role.value, one.joined_s) for one in found.members] == [
        (7, "broadcaster", 10.0), (8, "audience", 0.0),
    ]  # fmt: skip
    assert house.rooms.moderator.members(APP, "attic", house.now) is None


def test_H11_a_hub_that_knows_no_rules_leaves_none_and_takes_none_away() -> None:
    """As one before the first version with rules."""
    house = House()
    house.join("a", 7)
    old = house.rooms
    estate = replace(old.bequeath({"a": 1}), joined=(), rules="")
    house.rooms = Rooms(Sessions(KEY), bytes, 0.0)
    house.rooms.moderator.create(Whom(APP, uid=9), JOIN, 60, house.now)
    house.rooms.inherited("a", house.now)
    house.rooms.inherit(estate, {1: "a"}, house.now)
    assert here(house) == [7]
    house.open("b")
    assert refused(house, "b", "join", appId=APP, channel="lobby", uid=9) == errors.BANNED


def test_H13_a_kick_is_told_with_its_reason() -> None:
    house = House()
    house.rooms.notices.wanted = True
    house.join("a", 7)
    rule(house, Whom(APP, uid=7))
    left = [notice for notice in house.rooms.notices.take() if notice.kind is Kind.LEFT]
    assert [(notice.uid, notice.reason) for notice in left] == [(7, Leave.KICKED)]


# What nobody may slip through


def test_H11_a_rule_that_is_deleted_before_all_had_their_turn_puts_nobody_else_out() -> None:
    house = House()
    for uid in range(1, 4 * CARRIED_OUT_AT_ONCE + 1):
        house.join(uid, uid)
    id = rule(house, Whom(APP, channel="lobby"))
    house.rooms.moderator.delete(APP, id, house.now)
    house.wait(5.0)
    assert len(here(house)) == 3 * CARRIED_OUT_AT_ONCE


def test_H11_the_end_of_a_publish_ban_gives_back_a_few_streams_at_a_time() -> None:
    house = House()
    for uid in range(1, 3 * CARRIED_OUT_AT_ONCE + 1):
        house.talker(uid, uid)
    people = range(1, 3 * CARRIED_OUT_AT_ONCE + 1)
    rule(house, Whom(APP, channel="lobby"), PUBLISH, minutes=1)
    house.heartbeat(*people, seconds=59)
    assert house.rooms.snapshot().streams == 0
    streams = []
    for _ in range(12):
        house.wait(limits.TICK_S)
        streams.append(house.rooms.snapshot().streams)
    assert streams[-1] == 3 * CARRIED_OUT_AT_ONCE
    assert max(later - earlier for earlier, later in pairwise([0, *streams])) == CARRIED_OUT_AT_ONCE


def test_H11_who_comes_back_to_where_he_may_not_publish_is_silent_there() -> None:
    """A ban by address that came while he was away, or on another connection."""
    house = House()
    seat = house.talker("a", 7)
    house.drop("a")
    rule(house, Whom(APP, household="10.0.0.2"), PUBLISH)
    house.open("b", address="10.0.0.2")
    claim = {"appId": APP, "channel": "lobby", "uid": 7, "session": seat["session"]}
    house.ask("b", "rejoin", **claim)
    assert house.rooms.snapshot().streams == 0
    assert ("error", errors.SILENCED) in [(name, params.get("code")) for name, params in house.news("b")]


def test_H11_who_had_not_been_put_out_when_the_hub_was_restarted_is_by_the_next() -> None:
    house = House()
    for uid in range(1, 3 * CARRIED_OUT_AT_ONCE + 1):
        house.join(uid, uid)
    rule(house, Whom(APP, channel="lobby"))
    house.hand_over()
    house.wait(5.0)
    assert here(house) == []
