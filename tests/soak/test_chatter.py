"""How much a log may say, when something is wrong and when nothing is."""

import pytest

from .chatter import Chatter, hit
from .plan import WALL_CLOCK, Episode, Fault

LOST = [
    "07:09:29,674 WARNING ws://10.66.0.1:8800 is lost (the connection broke), dialling",
    "07:09:29,718 WARNING ws://10.66.0.1:8800: connection refused: no hub is running there; trying until it answers",
    "07:09:30,094 INFO back in lobby at ws://10.66.0.1:8801 after 0.4 s",
]
RESTARTED = ["07:09:32,024 INFO configuration: /dev/null", "07:09:32,378 INFO the hub listens at ws://10.66.0.1:8800"]
MOVED = ["07:09:38,431 INFO lobby: back at the first hub, ws://10.66.0.1:8800"]
PRESSED = ["07:09:27,480 INFO lobby: microphone open"]
XRUN = ["07:08:03,896 WARNING playback: xrun 1"]

KILLED = Episode((Fault("hub killed and restarted", "hub 0", 0.0, 2.0),))
HOLE = Episode((Fault("black hole", "far", 0.0, 20.0),))
CLOCK = Episode((Fault(WALL_CLOCK, "all", 0.0, 4.0),))


EPISODES, CALM_S, OUTAGE_S = 20, 7.0, 6.0


def every(period_s: float, lasts_s: float, name: str = "near") -> dict[str, list[str]]:
    """Somebody who says the same thing again and again for so long."""
    return {name: [f"07:00:{at} INFO I am here" for at in range(int(lasts_s / period_s))]}


def a_run(calm: dict[str, list[str]], outage: dict[str, list[str]]) -> tuple[Chatter, list[str]]:
    """Twenty times a hub is killed; returns also what was too much in any episode."""
    talk, wrong = Chatter(), list[str]()
    for _ in range(EPISODES):
        wrong += talk.calm(calm, ["near"])
        wrong += talk.outage(outage, KILLED, OUTAGE_S)
    return talk, wrong


def test_what_real_processes_say_of_a_hub_that_is_killed_and_comes_back_is_not_too_much() -> None:
    outage = {"hub 0": RESTARTED, "hub 1": [], "near": LOST, "far": LOST, "other": [*LOST, *MOVED]}
    talk, wrong = a_run({"near": PRESSED, "far": []}, outage)
    assert (wrong, talk.too_much()) == ([], [])
    assert talk.figures()["log_lines_in_outages"] == {
        "hub 0": [40, 87], "near": [60, 87], "far": [60, 87], "other": [80, 87],
    }  # fmt: skip
    calm = {"hub 0": [0, 23], "near": [20, 43], "far": [0, 23], "other": [0, 23]}
    assert talk.figures()["log_lines_in_calm"] == calm


def test_a_line_every_second_is_too_much_where_all_is_well() -> None:
    wrong = Chatter().calm(every(1, CALM_S), pressed=[])
    assert wrong == ["near: 7 lines of log in one calm, expected 3 at most; the last one: 07:00:6 INFO I am here"]


def test_a_button_is_a_line_and_a_move_of_the_call_and_an_xrun_of_this_machine_are_some() -> None:
    assert Chatter().calm({"near": [*PRESSED, *MOVED, *XRUN, *XRUN]}, pressed=["near"]) == []
    assert Chatter().calm({"near": [*PRESSED, *MOVED, *XRUN, *XRUN]}, pressed=["far"])


def test_a_line_every_few_seconds_is_too_much_at_the_end_of_the_run() -> None:
    talk, wrong = a_run(every(2, CALM_S), {"near": LOST})
    assert wrong == [], "of one calm nobody can tell"
    assert talk.too_much() == ["near: 60 lines of log in all calm, expected 43 at most"]


def test_a_line_every_second_of_an_outage_is_too_much_for_whom_it_hits_and_sooner_for_whom_not() -> None:
    said = {**every(1, 20, "far"), **every(1, 20, "near")}
    far, near = Chatter().outage(said, HOLE, 20)
    assert far.startswith("far: 20 lines of log in one outage, expected 12 at most")
    assert near.startswith("near: 20 lines of log in one outage, expected 4 at most")
    assert Chatter().outage({**every(2, 20, "far"), **every(5, 20, "near")}, HOLE, 20) == []
    assert Chatter().outage(every(4, 20, "near"), HOLE, 20), "it has nothing to say of another one's network"


def test_as_many_lines_as_one_fault_may_have_are_too_many_for_each_of_them() -> None:
    talk, wrong = a_run({}, {"near": LOST * 2})
    assert wrong == []
    assert talk.too_much() == ["near: 120 lines of log in all outages, expected 87 at most"]


def test_an_hour_of_outage_is_counted_by_its_length() -> None:
    talk, _ = a_run({}, {"near": LOST})
    assert talk.figures()["outage_s"] == EPISODES * OUTAGE_S
    assert talk.figures()["log_lines_per_hour_of_outage"] == {"near": 1800}


def test_of_a_wall_clock_that_is_set_nobody_says_anything() -> None:
    talk = Chatter()
    assert talk.outage({"near": [*XRUN, *MOVED], "far": []}, CLOCK, 8.0) == []
    assert talk.outage({"near": LOST[:1]}, CLOCK, 8.0) == [f"near: a warning where nothing is wrong: {LOST[0]}"]
    assert talk.outage_s == 0


@pytest.mark.parametrize(
    ("target", "hits"),
    [
        ("far", {"far": 1}),
        ("hub 0", {"hub 0": 1, "near": 1, "far": 1, "other": 1}),
    ],
)
def test_a_fault_hits_its_target_and_one_of_a_hub_everybody(target: str, hits: dict[str, int]) -> None:
    fault = Fault("device stopped", target, 0.0, 1.0)
    assert hit(Episode((fault,))) == hits
    assert hit(Episode((fault, fault, *CLOCK.faults))) == dict.fromkeys(hits, 2)
