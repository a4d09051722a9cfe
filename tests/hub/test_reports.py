"""Who is told what of his packets does not arrive."""

import pytest

from device import jsonrpc
from device.channel import errors
from device.hub import limits
from tests.hub.house import House, call, refused


def reports(house: House, connection: str | int) -> list[dict[str, object]]:
    return [params for event, params in house.news(connection) if event == "report"]


def test_who_misses_packets_tells_those_whose_they_are() -> None:
    house = call()
    house.ask("b", "report", streams=[{"uid": 1, "lost": 12}, {"uid": 99, "lost": 5}])
    assert reports(house, "a") == [{"uid": 2, "lost": 12, "crowded": False}]


def test_nobody_knows_who_of_an_audience_misses_packets() -> None:
    house = call()
    house.ask("c", "report", streams=[{"uid": 1, "lost": 13}, {"uid": 2, "lost": 4}])
    house.wait(2.0)
    assert reports(house, "a") == reports(house, "b") == [], "once is over when it is told"
    house.ask("c", "report", streams=[{"uid": 1, "lost": 3}, {"uid": 2, "lost": 14}])
    house.wait(2.0)
    assert reports(house, "a") == [{"uid": 0, "lost": 3, "crowded": False}]
    assert reports(house, "b") == [{"uid": 0, "lost": 4, "crowded": False}]
    house.wait(10.0)
    assert reports(house, "a") == reports(house, "b") == [], "once told"


@pytest.mark.parametrize(("every_s", "times"), [(2, 3), (10, 3), (28, 3), (31, 0)])
def test_an_audience_that_misses_something_of_a_word_now_and_then_is_told_of_with_each_but_the_first(
    every_s: int, times: int
) -> None:
    house, told = call(), list[dict[str, object]]()
    for _ in range(4):
        house.ask("c", "report", streams=[{"uid": 1, "lost": 10}])
        house.heartbeat("a", "b", "c", seconds=every_s)
        told += reports(house, "a")
    assert told == [{"uid": 0, "lost": 10, "crowded": False}] * times


def concert() -> House:
    """1 and 2 talk; 100 hear them, as c0 to c99."""
    house = House()
    house.talker("a", 1, autoSubscribe=True)
    house.talker("b", 2, autoSubscribe=True)
    for n in range(100):
        house.join(f"c{n}", 1_000 + n, role="audience", autoSubscribe=True)
    house.news("a")
    return house


EVERYBODY = "a", "b", *(f"c{n}" for n in range(100))


def miss(house: House, *listeners: int, rounds: int = 2) -> None:
    """These of the audience, and as many rounds."""
    for _ in range(rounds):
        for n in listeners:
            house.ask(f"c{n}", "report", streams=[{"uid": 1, "lost": 1 + n}])
        house.heartbeat(*EVERYBODY, seconds=2)


def test_of_an_audience_counts_what_a_quarter_of_all_who_listen_misses() -> None:
    house = concert()
    miss(house, *range(25))
    assert reports(house, "a") == [], "of 101"
    miss(house, *range(26), rounds=1)
    assert reports(house, "a") == [], "one of them for the first time"
    miss(house, *range(26), rounds=1)
    assert reports(house, "a") == [{"uid": 0, "lost": 1, "crowded": False}]
    miss(house, *range(40), rounds=3)
    assert [report["lost"] for report in reports(house, "a")] == [1, 15, 15]


def test_two_who_miss_something_once_are_not_one_who_does_twice() -> None:
    house = concert()
    miss(house, 1, rounds=1)
    miss(house, 2, rounds=1)
    assert reports(house, "a") == []


def test_one_of_many_whose_way_is_full_changes_nothing_and_a_quarter_does_whatever_others_miss() -> None:
    house = concert()
    for crowded, expected in ((1, set[str]()), (25, set[str]()), (26, {"a", "b"})):
        for _ in range(13):
            for n in range(crowded):
                house.rooms.crowded(f"c{n}", house.now)
            house.ask("c99", "report", streams=[{"uid": 1, "lost": 1}])
            house.heartbeat(*EVERYBODY, seconds=1)
        told = {each: reports(house, each) for each in "ab"}
        assert {each for each in "ab" if told[each]} == expected
    assert all(report == {"uid": 0, "lost": 0, "crowded": True} for report in told["a"] + told["b"])
    assert len(told["a"]) == 7


def test_of_a_small_audience_each_single_one_counts_at_once_where_his_way_is_full() -> None:
    house = call()
    house.rooms.crowded("c", house.now)
    house.wait(0.25)
    assert reports(house, "a") == reports(house, "b") == [{"uid": 0, "lost": 0, "crowded": True}]


def test_of_a_talker_who_has_left_nothing_is_told() -> None:
    house = call()
    miss_a = [{"uid": 1, "lost": 5}]
    house.ask("c", "report", streams=miss_a)
    house.wait(2.0)
    house.ask("c", "report", streams=miss_a)
    house.ask("a", "unpublish")
    house.wait(2.0)
    assert reports(house, "a") == []


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
    house = House()
    house.talker("a", 1)
    for uid in range(2, 250):
        house.join(uid, uid, autoSubscribe=True)
        house.ask(uid, "report", streams=[{"uid": 1, "lost": 12}])
    assert len(reports(house, "a")) == limits.REPORT_BURST


def test_a_report_that_is_none_is_refused() -> None:
    house = call()
    assert refused(house, "b", "report", streams=5) == jsonrpc.INVALID_PARAMS
    assert refused(house, "b", "report", streams=[{"uid": 1, "lost": 12}] * 2) == jsonrpc.INVALID_PARAMS
    assert reports(house, "a") == []


def test_each_reports_once_a_second_and_nobody_silences_another() -> None:
    house = House()
    for uid in range(1, 7):
        house.talker(uid, uid, autoSubscribe=True)
    flood = [{"uid": uid, "lost": 1} for uid in range(1, 6)]
    told = []
    for twentieth in range(400):
        house.wait(0.05)
        for _ in range(4):
            house.text(6, jsonrpc.request(8, "report", {"streams": flood}))
        if twentieth % 40 == 0:
            for uid in range(1, 6):
                house.ask(uid, "ping")
            house.ask(2, "report", streams=[{"uid": 1, "lost": 10}])
        told += [report["uid"] for report in reports(house, 1)]
    assert told.count(2) == 10
    assert 19 <= told.count(6) <= 21
    assert refused(house, 6, "report", streams=flood) == errors.TOO_FREQUENT
    house.join("another", 6)
    house.ask("another", "report", streams=flood)
