"""Who is told what of his packets does not arrive."""

from device import jsonrpc
from tests.hub.house import House, call, refused


def reports(house: House, connection: str) -> list[dict[str, object]]:
    return [params for event, params in house.news(connection) if event == "report"]


def test_who_misses_packets_tells_those_whose_they_are() -> None:
    house = call()
    house.ask("b", "report", streams=[{"uid": 1, "lost": 12}, {"uid": 99, "lost": 5}])
    assert reports(house, "a") == [{"uid": 2, "lost": 12, "crowded": False}]
    house.ask("c", "report", streams=[{"uid": 1, "lost": 3}, {"uid": 2, "lost": 4}])
    assert reports(house, "a") == [{"uid": 0, "lost": 3, "crowded": False}], "nobody knows of an audience"
    assert reports(house, "b") == [{"uid": 0, "lost": 4, "crowded": False}]


def test_nobody_is_told_of_what_is_not_heard_of_him() -> None:
    house = call()
    house.ask("b", "unsubscribe", uid=1)
    house.ask("b", "report", streams=[{"uid": 1, "lost": 12}, {"uid": 3, "lost": 12}])
    assert reports(house, "a") == reports(house, "c") == []


def test_those_who_talk_are_told_at_once_when_the_hub_holds_packets_back_and_every_two_seconds() -> None:
    house = call()
    told = []
    for quarter in range(40):
        if quarter < 20:
            house.rooms.crowded("b", house.now)
        house.wait(0.25)
        told += [(quarter, report) for report in reports(house, "a")]
    assert [at for at, _ in told] == [0, 8, 16]
    assert all(report == {"uid": 2, "lost": 0, "crowded": True} for _, report in told)
    assert reports(house, "b") == reports(house, "c") == []


def test_what_a_listener_misses_then_is_told_as_that_alone() -> None:
    house = call()
    house.rooms.crowded("b", house.now)
    house.rooms.crowded("nobody", house.now)
    house.wait(0.5)
    house.ask("b", "report", streams=[{"uid": 1, "lost": 12}])
    assert [report["crowded"] for report in reports(house, "a")] == [True]
    house.wait(5.0)
    house.ask("b", "report", streams=[{"uid": 1, "lost": 12}])
    assert reports(house, "a") == [{"uid": 2, "lost": 12, "crowded": False}]


def test_who_has_left_meanwhile_is_nobody_to_tell_of() -> None:
    house = call()
    house.rooms.crowded("b", house.now)
    house.ask("b", "leave")
    house.wait(1.0)
    assert reports(house, "a") == []


def test_no_talker_is_flooded_with_reports() -> None:
    house = call()
    for _ in range(20):
        house.ask("b", "report", streams=[{"uid": 1, "lost": 12}] * 16)
    assert 100 < len(reports(house, "a")) <= 250
    assert refused(house, "b", "report", streams=5) == jsonrpc.INVALID_PARAMS
