"""Joins that were refused: counted, and told, not too often."""

import pytest

from device.channel import errors
from device.hub import limits
from tests.hub.house import APP, House, refused


def test_a_refused_join_is_counted_and_the_log_has_why() -> None:
    house = House()
    house.open("a")
    assert refused(house, "a", "join", appId="x", channel="lobby") == -32602
    assert house.rooms.snapshot().joins_refused == 1
    assert house.notes == ["may not join: appId: an App ID has 32 hexadecimal characters, such as "
                           "0123456789abcdef0123456789abcdef; 'x' is none (-32602)"]  # fmt: skip


def test_a_flood_of_them_is_counted_and_hides_nobody_from_elsewhere() -> None:
    house = House()
    for number in range(200):
        house.open(number)
        refused(house, number, "join", appId="x", channel="lobby")
    assert house.rooms.snapshot().joins_refused == 200
    assert len(house.notes) == limits.REFUSAL_LINE_BURST
    house.open("elsewhere", address="10.0.0.2")
    refused(house, "elsewhere", "join", appId="y", channel="lobby")
    assert house.notes[-1].endswith(f"'y' is none (-32602); {200 - limits.REFUSAL_LINE_BURST} others before")


def test_a_session_of_another_hub_is_no_refusal() -> None:
    house = House()
    house.open("a")
    claim = {"appId": APP, "channel": "lobby", "uid": 7, "session": "strange"}
    assert refused(house, "a", "rejoin", **claim) == errors.SESSION_UNKNOWN
    assert refused(house, "a", "publish") == errors.OUT_OF_ORDER
    assert house.rooms.snapshot().joins_refused == 0 and house.notes == []


def test_a_crowd_of_houses_is_not_remembered_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_HOUSEHOLDS", 2)
    house = House()
    for number in range(3 * limits.REFUSAL_LINE_BURST):
        house.open(number, address=f"10.0.{number % 3}.1")
        refused(house, number, "join", appId="x", channel="lobby")
    assert len(house.notes) == 3 * limits.REFUSAL_LINE_BURST, "and whoever is forgotten begins anew"
