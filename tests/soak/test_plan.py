"""The sequence of faults, without any process."""

from itertools import islice

import pytest

from .plan import DEVICES, KINDS, MORTAL, WALL_CLOCK, Episode, Kind, episodes

MANY = 200


def first(seed: int, count: int = MANY) -> list[Episode]:
    return list(islice(episodes(seed), count))


def test_the_same_seed_gives_the_same_faults_and_another_one_others() -> None:
    assert first(7) == first(7)
    assert first(7) != first(8)


def test_every_kind_comes_before_one_comes_again() -> None:
    firsts = [episode.faults[0].kind for episode in first(3, 2 * len(KINDS))]
    names = {kind.name for kind in KINDS}
    assert set(firsts[: len(KINDS)]) == set(firsts[len(KINDS) :]) == names


@pytest.mark.parametrize("seed", range(5))
def test_two_faults_at_once_are_elsewhere_and_the_second_begins_during_the_first(seed: int) -> None:
    takes = {kind.name: set(kind.takes) for kind in KINDS}
    pairs = [episode.faults for episode in first(seed) if len(episode.faults) == 2]
    assert MANY / 10 < len(pairs) < MANY / 2
    for one, another in pairs:
        assert one.target != another.target or not takes[one.kind] & takes[another.kind]
        assert 0 == one.begins_s <= another.begins_s <= one.ends_s


@pytest.mark.parametrize("seed", range(5))
def test_what_has_to_live_for_the_whole_run_is_never_killed_and_somebody_can_always_be_heard(seed: int) -> None:
    for episode in first(seed):
        assert len(episode.muted) < len(DEVICES)
        for fault in episode.faults:
            if fault.kind in ("device killed and restarted", "card busy at boot"):
                assert fault.target in MORTAL
            if fault.target.startswith("hub"):
                assert fault.target == "hub 0"
            if fault.kind == "muted for a moment":
                assert fault.target not in episode.muted


def test_lengths_and_amounts_are_those_of_their_kind() -> None:
    kinds = {kind.name: kind for kind in KINDS}
    lengths: dict[str, list[float]] = {}
    for fault in (fault for episode in first(1) for fault in episode.faults):
        kind: Kind = kinds[fault.kind]
        assert fault.target in kind.targets
        assert kind.lasts_s[0] <= fault.lasts_s <= kind.lasts_s[1]
        assert kind.amounts[0] <= fault.amount <= kind.amounts[1]
        lengths.setdefault(fault.kind, []).append(fault.lasts_s)
    assert max(lengths["black hole"]) - min(lengths["black hole"]) > 10
    assert max(episode.lasts_s for episode in first(1)) < 35


def test_a_wall_clock_that_is_set_is_an_episode_of_its_own_in_which_nothing_may_happen_or_one_of_two_faults() -> None:
    clocks = [episode for episode in first(2) if any(fault.kind == WALL_CLOCK for fault in episode.faults)]
    alone = [episode for episode in clocks if {fault.kind for fault in episode.faults} == {WALL_CLOCK}]
    assert 0 < len(alone) < len(clocks)
    assert [episode for episode in first(2) if episode.harmless] == alone


def test_a_run_of_few_kinds_has_those_alone() -> None:
    few = [kind for kind in KINDS if kind.name in ("xruns", "jitter, ms")]
    assert {fault.kind for episode in islice(episodes(1, few), 20) for fault in episode.faults} == {
        "xruns",
        "jitter, ms",
    }


def test_an_episode_says_what_happens() -> None:
    episode = first(1)[0]
    assert all(fault.kind in episode.name and fault.target in str(fault) for fault in episode.faults)
