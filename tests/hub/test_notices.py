"""What happens in the channels is noticed in order, with who, what and why."""

import pytest

from device.channel import rules
from device.hub import notices
from device.hub.apps import App
from device.hub.notices import Kind, Leave, Notices
from device.hub.rights import Rights
from device.hub.seats import Channel, Seat
from tests.hub.house import APP, House
from tests.hub.passes import listed, only, token

C, D, J, L = Kind.CREATED, Kind.DESTROYED, Kind.JOINED, Kind.LEFT


def house() -> House:
    house = House()
    house.rooms.notices.wanted = True
    return house


def told(house: House) -> list[tuple[Kind, int]]:
    return [(notice.kind, notice.uid) for notice in house.rooms.notices.take()]


def test_H13_a_channel_begins_with_the_first_and_ends_with_the_last() -> None:
    here = house()
    here.join("a", 7)
    here.join("b", 8)
    here.ask("a", "leave")
    here.ask("b", "leave")
    assert told(here) == [(C, 7), (J, 7), (J, 8), (L, 7), (L, 8), (D, 8)]
    assert told(here) == [], "each is told once"


def test_H13_a_notice_says_where_who_and_since_when() -> None:
    here = house()
    here.wait(3.0)
    here.join("a", 7, label="kitchen", role="audience")
    _, joined = here.rooms.notices.take()
    assert joined == notices.Notice(
        J, APP, "lobby", 7, rules.Profile.LIVE, rules.Role.AUDIENCE, "kitchen", 3.0, Leave.OTHER
    )


def test_H13_why_somebody_has_left() -> None:
    here = house()
    for uid in (7, 8):
        here.join(uid, uid)
    here.ask(7, "leave")
    here.wait(21.0)
    left = [notice for notice in here.rooms.notices.take() if notice.kind is L]
    assert [(one.uid, one.reason) for one in left] == [(7, Leave.QUIT), (8, Leave.TIMEOUT)]


def test_H7_H13_who_loses_his_seat_to_a_duplicate_has_left_for_that_and_the_channel_stays() -> None:
    here = house()
    here.join("a", 7)
    here.rooms.notices.take()
    here.join("b", 7)
    left, joined = here.rooms.notices.take()
    assert (left.kind, left.uid, left.reason, joined.kind) == (L, 7, Leave.DUPLICATE, J)


def test_H13_a_channel_that_ends_and_begins_anew_with_somebody_else_is_another() -> None:
    here = house()
    here.join("a", 7)
    here.ask("a", "leave")
    here.join("b", 8)
    assert told(here) == [(C, 7), (J, 7), (L, 7), (D, 7), (C, 8), (J, 8)]


def test_H13_who_comes_back_within_the_grace_has_neither_left_nor_joined() -> None:
    here = house()
    seat = here.join("a", 7)
    here.rooms.notices.take()
    here.drop("a")
    here.wait(10.0)
    here.rejoin("b", seat)
    here.wait(5.0)
    assert told(here) == []


def test_H13_a_planned_restart_is_no_leave() -> None:
    here = house()
    here.join("a", 7)
    here.hand_over()
    here.rooms.notices.wanted = True
    here.ask("a", "leave")
    left, gone = here.rooms.notices.take()
    assert (left.kind, left.joined_at, gone.kind) == (L, 0.0, D)


def test_H13_another_role_is_noticed() -> None:
    waiting = Notices()
    waiting.wanted = True
    waiting.role_changed(Seat(7, "s", Channel(APP, "lobby"), rights=Rights(rules.Role.AUDIENCE)))
    (notice,) = waiting.take()
    assert (notice.kind, notice.uid, notice.role) == (Kind.ROLE_CHANGED, 7, rules.Role.AUDIENCE)


def test_H13_nothing_is_kept_that_nobody_wants() -> None:
    here = House()
    here.join("a", 7)
    assert told(here) == []


def test_H13_of_too_many_the_oldest_go_and_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notices, "MAX_NOTICES", 3)
    here = house()
    here.join("a", 7)
    here.join("b", 8)
    here.ask("a", "leave")
    assert (told(here), here.rooms.notices.dropped) == ([(J, 7), (J, 8), (L, 7)], 1)


@pytest.mark.parametrize(
    ("reason", "word"), [(Leave.QUIT, "quit"), (Leave.KICKED, "dropped"), (Leave.TIMEOUT, "dropped")]
)
def test_a_client_hears_quit_or_dropped(reason: Leave, word: str) -> None:
    assert reason.told == word


def test_H13_who_is_promoted_or_demoted_in_the_channel_is_noticed_once() -> None:
    here = house()
    here.join("a", 7, role="audience")
    here.rooms.notices.take()
    for role in ("broadcaster", "broadcaster", "audience"):
        here.ask("a", "setRole", role=role)
    assert [(one.kind, one.role.value) for one in here.rooms.notices.take()] == [
        (Kind.ROLE_CHANGED, "broadcaster"), (Kind.ROLE_CHANGED, "audience"),
    ]  # fmt: skip


def test_H13_a_notice_has_the_profile_of_its_app_also_after_a_planned_restart() -> None:
    apps = only(App(APP, profile=rules.Profile.COMMUNICATION, listed=True))
    here = House(apps=apps)
    here.join("a", 7)
    here.hand_over(apps)
    here.rooms.notices.wanted = True
    here.join("b", 8)
    here.ask("a", "leave")
    assert {one.profile for one in here.rooms.notices.take()} == {rules.Profile.COMMUNICATION}


def test_H13_who_is_put_out_because_his_token_is_over_is_put_out() -> None:
    here = House(apps=only(listed()))
    here.rooms.notices.wanted = True
    here.join("a", 7, token=token(join_s=10))
    here.heartbeat("a", seconds=14)
    here.wait(3.0)
    assert [one.reason for one in here.rooms.notices.take() if one.kind is L] == [Leave.KICKED]
