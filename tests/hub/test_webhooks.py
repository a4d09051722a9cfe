"""What a webhook is told: numbers, payloads, signatures; in order, again and again, but not for ever."""

import hashlib
import hmac
import json
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from device.channel.rules import Profile, Role
from device.hub import webhooks
from device.hub.notices import Kind, Leave, Notice
from device.hub.webhooks import MAX_TRIES, Delivery, Webhooks, event_type
from tests.hub.house import APP

SECRET = b"the secret of the webhook"
WALL_S = 1_800_000_000.25


def notice(kind: Kind = Kind.JOINED, uid: int = 7, **more: Any) -> Notice:
    settings: dict[str, Any] = {
        "profile": Profile.COMMUNICATION,
        "role": Role.BROADCASTER,
        "label": "kitchen",
        "joined_at": 100.0,
    }
    return Notice(kind, APP, "lobby", uid, **settings | more)


def hook() -> Webhooks:
    return Webhooks(SECRET, "hub1")


def due(hook: Webhooks, now: float = 0.0) -> Delivery:
    delivery = hook.due(now, WALL_S)
    assert delivery is not None
    return delivery


def content(delivery: Delivery) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(delivery.body)
    return read


@pytest.mark.parametrize(
    ("kind", "profile", "role", "number"),
    [
        (Kind.CREATED, Profile.LIVE, Role.BROADCASTER, 101),
        (Kind.DESTROYED, Profile.LIVE, Role.BROADCASTER, 102),
        (Kind.JOINED, Profile.LIVE, Role.BROADCASTER, 103),
        (Kind.LEFT, Profile.LIVE, Role.BROADCASTER, 104),
        (Kind.JOINED, Profile.LIVE, Role.AUDIENCE, 105),
        (Kind.LEFT, Profile.LIVE, Role.AUDIENCE, 106),
        (Kind.JOINED, Profile.COMMUNICATION, Role.BROADCASTER, 107),
        (Kind.JOINED, Profile.COMMUNICATION, Role.AUDIENCE, 107),
        (Kind.LEFT, Profile.COMMUNICATION, Role.BROADCASTER, 108),
        (Kind.LEFT, Profile.COMMUNICATION, Role.AUDIENCE, 108),
        (Kind.ROLE_CHANGED, Profile.LIVE, Role.BROADCASTER, 111),
        (Kind.ROLE_CHANGED, Profile.LIVE, Role.AUDIENCE, 112),
    ],
)
def test_H13_everything_has_its_documented_number(kind: Kind, profile: Profile, role: Role, number: int) -> None:
    assert event_type(notice(kind, profile=profile, role=role)) == number


def test_H13_the_body_is_the_documented_one() -> None:
    one = hook()
    one.tell(notice(), now=100.0, wall_s=WALL_S)
    assert content(due(one)) == {
        "noticeId": "hub1:1:107", "productId": 1, "eventType": 107, "notifyMs": 1_800_000_000_250,
        "payload": {
            "appId": APP, "channelName": "lobby", "ts": 1_800_000_000, "uid": 7, "clientSeq": 1_800_000_000_250,
            "label": "kitchen", "platform": 0,
        },
    }  # fmt: skip


@pytest.mark.parametrize(
    ("told", "members"),
    [
        (notice(Kind.CREATED), set()),
        (notice(Kind.DESTROYED), {"lastUid"}),
        (notice(Kind.ROLE_CHANGED), {"uid", "clientSeq", "label"}),
        (notice(Kind.LEFT), {"uid", "clientSeq", "label", "platform", "reason", "duration"}),
    ],
)
def test_H13_each_event_has_its_members(told: Notice, members: set[str]) -> None:
    one = hook()
    one.tell(told, now=100.0, wall_s=WALL_S)
    assert set(content(due(one))["payload"]) == members | {"appId", "channelName", "ts"}


@pytest.mark.parametrize(
    ("reason", "number"),
    [(Leave.QUIT, 1), (Leave.TIMEOUT, 2), (Leave.KICKED, 3), (Leave.DUPLICATE, 5), (Leave.OTHER, 0)],
)
def test_H13_a_leave_says_why_and_for_how_long_somebody_was_there(reason: Leave, number: int) -> None:
    one = hook()
    one.tell(notice(Kind.LEFT, reason=reason), now=161.9, wall_s=WALL_S)
    payload = content(due(one))["payload"]
    assert (payload["reason"], payload["duration"]) == (number, 61)


def test_H13_both_signatures_are_of_the_body_byte_for_byte() -> None:
    one = hook()
    one.tell(notice(label="Küche"), 0.0, WALL_S)
    delivery = due(one)
    assert delivery.headers == {
        "Content-Type": "application/json",
        "Agora-Signature": hmac.new(SECRET, delivery.body, hashlib.sha1).hexdigest(),
        "Agora-Signature-V2": hmac.new(SECRET, delivery.body, hashlib.sha256).hexdigest(),
    }


def test_H13_signatures_are_those_of_a_published_example() -> None:
    """RFC 2202 and RFC 4231, test case 2 of each."""
    assert webhooks.signatures(b"Jefe", b"what do ya want for nothing?") == {
        "Agora-Signature": "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79",
        "Agora-Signature-V2": "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    }


def test_H13_of_an_event_a_log_shows_its_id_alone() -> None:
    one = hook()
    one.tell(notice(), 0.0, WALL_S)
    delivery = due(one)
    assert repr(delivery) == "Delivery(event=Event(id='hub1:1:107', type=107, tries=0))"


def test_H13_ids_are_unique_and_a_second_delivery_has_the_same_one_and_a_new_time() -> None:
    one = hook()
    for uid in range(20):
        one.tell(notice(uid=uid), 0.0, WALL_S)
    first = content(due(one))
    one.answered(due(one).event, 500, 0.0)
    again = one.due(1.0, WALL_S + 1)
    assert again is not None and content(again) == first | {"notifyMs": first["notifyMs"] + 1_000}
    ids, now = set(), 10.0
    while one.waiting():
        delivery = due(one, now)
        ids.add(content(delivery)["noticeId"])
        one.answered(delivery.event, 200, now)
    assert len(ids) == 20


def test_H13_events_can_be_sorted_also_when_the_clock_is_set_back() -> None:
    one = hook()
    for wall_s in (WALL_S, WALL_S - 86_400, WALL_S - 86_399):
        one.tell(notice(), 0.0, wall_s)
    numbers = []
    for _ in range(3):
        delivery = due(one)
        numbers.append(content(delivery)["payload"]["clientSeq"])
        one.answered(delivery.event, 200, 0.0)
    assert numbers == sorted(set(numbers))


def test_H13_a_dead_receiver_is_tried_less_and_less_often_and_an_event_not_for_ever() -> None:
    one = hook()
    one.tell(notice(uid=1), 0.0, WALL_S)
    one.tell(notice(uid=2), 0.0, WALL_S)
    now, tried = 0.0, []
    for _ in range(MAX_TRIES):
        while one.due(now, WALL_S) is None:
            now += 0.25
        tried.append(now)
        assert not one.answered(due(one, now).event, 0, now)
    waits = [after - before for before, after in pairwise(tried)]
    assert waits == [1, 2, 4, 8, 16, 32, 64]
    assert one.given_up == 1 and content(due(one, now))["payload"]["uid"] == 2, "the next one at once"


def test_H13_a_receiver_that_is_back_gets_all_of_them_in_order() -> None:
    one = hook()
    for uid in (1, 2, 3):
        one.tell(notice(uid=uid), 0.0, WALL_S)
    one.answered(due(one).event, 503, 0.0)
    assert one.due(0.9, WALL_S) is None and one.due_at() == 1.0
    got = []
    while one.waiting():
        delivery = due(one, 1.0)
        got.append(content(delivery)["payload"]["uid"])
        assert one.answered(delivery.event, 204, 1.0)
    assert got == [1, 2, 3] and one.given_up == 0
    assert one.due(1.0, WALL_S) is None and one.due_at() == float("inf")


@pytest.mark.parametrize(
    ("status", "again"), [(400, False), (404, False), (410, False), (408, True), (429, True), (301, True)]
)
def test_H13_what_is_refused_is_not_tried_again_and_what_is_put_off_is(status: int, again: bool) -> None:
    one = hook()
    one.tell(notice(), 0.0, WALL_S)
    assert not one.answered(due(one).event, status, 0.0)
    assert (one.waiting(), one.given_up) == ((1, 0) if again else (0, 1))


def test_H13_of_too_many_the_oldest_go_and_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "MAX_WAITING", 3)
    one = hook()
    one.tell(notice(uid=0), 0.0, WALL_S)
    under_way = due(one).event
    for uid in range(1, 6):
        one.tell(notice(uid=uid), 0.0, WALL_S)
    assert (one.waiting(), one.given_up) == (3, 3)
    one.answered(under_way, 200, 0.0)
    assert (one.waiting(), one.given_up) == (3, 2), "it had been given up too early"
    assert content(due(one))["payload"]["uid"] == 3


def test_H13_what_waits_goes_on_in_the_next_hub_with_its_ids_and_numbers() -> None:
    old = hook()
    for uid in (7, 8):
        old.tell(notice(uid=uid), 200.0, WALL_S + 60)
    old.answered(due(old).event, 500, 0.0)
    new = Webhooks(SECRET, "hub2", old.pack())
    new.tell(notice(uid=9), 201.0, WALL_S)  # a clock that was set back
    told = []
    while new.waiting():
        delivery = due(new)
        told.append(content(delivery))
        new.answered(delivery.event, 200, 0.0)
    assert [one["payload"]["uid"] for one in told] == [7, 8, 9]
    assert [one["noticeId"] for one in told] == ["hub1:1:107", "hub1:2:107", "hub2:1:107"]
    numbers = [one["payload"]["clientSeq"] for one in told]
    assert numbers == sorted(set(numbers))


@pytest.mark.parametrize(
    "packed",
    [
        b"",
        b"[]",
        b"[1]",
        b"{}",
        b"no JSON",
        b'[["id", 107]]',
        b"\xff",
        b'[["id", 107, "payload"]]',
        b'[["id", 107, {"clientSeq": "x"}]]',
        b'[["id", 107, {}, 0]]',
    ],
)
def test_H13_what_another_version_has_left_is_no_harm(packed: bytes) -> None:
    assert Webhooks(SECRET, "hub2", packed).waiting() == 0


def test_H13_a_hub_that_is_restarted_again_and_again_gives_nothing_up_sooner() -> None:
    one = hook()
    one.tell(notice(), 200.0, WALL_S)
    for number in range(MAX_TRIES + 1):
        one.answered(due(one).event, 500, 0.0)
        one = Webhooks(SECRET, f"hub{number}", one.pack())
    assert one.waiting() == 1


def test_H13_whoever_comes_and_goes_all_the_time_crowds_out_his_own_events() -> None:
    one = hook()
    one.tell(notice(uid=1), 200.0, WALL_S)
    for number in range(2 * webhooks.MAX_WAITING):
        one.tell(replace(notice(uid=2 + number), channel="attic"), 200.0, WALL_S)
    assert one.waiting() == webhooks.MAX_WAITING and one.given_up == webhooks.MAX_WAITING + 1
    first = content(due(one))
    assert (first["payload"]["channelName"], first["payload"]["uid"]) == ("lobby", 1)
