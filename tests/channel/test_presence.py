"""Who is there, and who of them is silent."""

from typing import Any

from device.channel.messages import Seated, Stream
from device.channel.presence import MAX_USERS, Presence


def seated(*users: int, muted: tuple[int, ...] = (), left: tuple[int, ...] = ()) -> Seated:
    named = tuple(Stream(uid, f"label {uid}") for uid in users)
    return Seated(7, "s", False, (), (), 1_000, 20_000, "", named, muted, left)


def joined(uid: int) -> tuple[str, dict[str, Any]]:
    return ("user-joined", {"uid": uid, "label": f"label {uid}"})


def test_B18_who_was_there_before_us_is_told_silent_or_not_and_we_are_not() -> None:
    presence = Presence()
    assert presence.came(seated(1, 7, 2, muted=(2, 7))) == [joined(1), joined(2), ("mute-audio", {"uid": 2})]
    assert sorted(presence.users) == [1, 2]


def test_B4_silence_is_told_when_it_changes() -> None:
    presence = Presence()
    presence.came(seated(1, muted=(1,)))
    assert presence.muted(1, True) == []
    assert presence.muted(1, False) == [("unmute-audio", {"uid": 1})]
    assert presence.muted(1, False) == []
    assert presence.muted(99, True) == [], "of whom nobody knows"


def test_B18_after_a_redial_only_what_has_changed_is_told() -> None:
    presence = Presence()
    presence.came(seated(1, 2, muted=(1,)))
    again = seated(1, 3, muted=(3,), left=(2,))
    assert presence.came(again) == [("unmute-audio", {"uid": 1}), joined(3), ("mute-audio", {"uid": 3})]
    assert presence.gone(again, told_known=True) == [("user-left", {"uid": 2, "reason": "dropped"})]


def test_B12_a_hub_that_does_not_know_whom_we_know_lists_all_there_are() -> None:
    presence = Presence()
    presence.came(seated(1, 2))
    assert presence.gone(seated(1), told_known=False) == [("user-left", {"uid": 2, "reason": "dropped"})]
    assert presence.gone(seated(), told_known=True) == [], "one that has just started says so when it knows"


def test_B12_who_leaves_and_comes_again_talks_as_far_as_is_known() -> None:
    presence = Presence()
    presence.came(seated(1, muted=(1,)))
    assert presence.left(1, "quit") == [("user-left", {"uid": 1, "reason": "quit"})]
    assert presence.joined(Stream(1, "label 1")) == [joined(1)]
    assert presence.joined(Stream(1, "label 1")) == []
    assert presence.muted(1, True) == [("mute-audio", {"uid": 1})]


def test_A8_whom_somebody_knows_already_is_no_news_and_his_leaving_is() -> None:
    presence = Presence()
    presence.expect((1, 2))
    assert presence.came(seated(1, 3)) == [joined(3)]
    assert presence.gone(seated(1, 3), told_known=False) == [("user-left", {"uid": 2, "reason": "dropped"})]


def test_a_hub_that_names_people_without_end_is_not_believed() -> None:
    presence = Presence()
    for uid in range(1, 2 * MAX_USERS):
        presence.joined(Stream(uid))
    assert len(presence.users) == MAX_USERS
