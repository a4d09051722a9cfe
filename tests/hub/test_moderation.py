"""Rules as plain values: whom they are about, for how long, how many, and what is left of them on a disk."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.hub import moderation
from device.hub.moderation import MAX_RULES, Privilege, Rules, TooManyRules, Whom
from tests.hub.house import APP, OTHER_APP

JOIN, PUBLISH = Privilege.JOIN, Privilege.PUBLISH


def ban(rules: Rules, whom: Whom, minutes: int = 60, now: float = 0.0, privilege: Privilege = JOIN) -> int:
    return rules.create(whom, [privilege], minutes, now).id


def keeps_out(rules: Rules, uid: int, channel: str, household: str, now: float = 0.0, app_id: str = APP) -> bool:
    return rules.against(JOIN, app_id, uid, channel, household, now) is not None


@pytest.mark.parametrize(
    ("whom", "uid", "channel", "household"),
    [
        (Whom(APP, uid=7), {7}, {"lobby", "attic"}, {"10.0.0.1", "10.0.0.2"}),
        (Whom(APP, channel="lobby"), {7, 8}, {"lobby"}, {"10.0.0.1", "10.0.0.2"}),
        (Whom(APP, household="10.0.0.1"), {7, 8}, {"lobby", "attic"}, {"10.0.0.1"}),
        (Whom(APP, 7, "lobby"), {7}, {"lobby"}, {"10.0.0.1", "10.0.0.2"}),
        (Whom(APP, 7, "", "10.0.0.1"), {7}, {"lobby", "attic"}, {"10.0.0.1"}),
        (Whom(APP, 0, "lobby", "10.0.0.1"), {7, 8}, {"lobby"}, {"10.0.0.1"}),
        (Whom(APP, 7, "lobby", "10.0.0.1"), {7}, {"lobby"}, {"10.0.0.1"}),
    ],
)
def test_H11_a_rule_is_about_those_for_whom_all_that_it_says_is_true(
    whom: Whom, uid: set[int], channel: set[str], household: set[str]
) -> None:
    rules = Rules()
    ban(rules, whom)
    for one in (7, 8):
        for name in ("lobby", "attic"):
            for place in ("10.0.0.1", "10.0.0.2"):
                expected = one in uid and name in channel and place in household
                assert keeps_out(rules, one, name, place) is expected, (one, name, place)


def test_H11_a_rule_is_about_its_own_app_and_its_own_privilege_alone() -> None:
    rules = Rules()
    ban(rules, Whom(APP, uid=7))
    assert not keeps_out(rules, 7, "lobby", "", app_id=OTHER_APP)
    assert rules.against(PUBLISH, APP, 7, "lobby", "", 0.0) is None


def test_H11_a_rule_lasts_for_its_minutes_and_not_a_moment_longer() -> None:
    rules = Rules()
    ban(rules, Whom(APP, uid=7), minutes=1, now=100.0)
    assert keeps_out(rules, 7, "lobby", "", now=159.9) and not keeps_out(rules, 7, "lobby", "", now=160.0)
    assert [rule.minutes_left(now) for rule in rules.of(APP, 100.0) for now in (100.0, 100.1, 159.9)] == [1, 1, 1]
    assert rules.of(APP, 160.0) == []


def test_H11_of_several_rules_the_one_that_lasts_longest_is_told() -> None:
    rules = Rules()
    ban(rules, Whom(APP, uid=7), minutes=10)
    longest = ban(rules, Whom(APP, channel="lobby"), minutes=20)
    ban(rules, Whom(APP, uid=7), minutes=5)
    rule = rules.against(JOIN, APP, 7, "lobby", "", 0.0)
    assert rule is not None and rule.id == longest


def test_H11_a_rule_of_no_minutes_is_carried_out_once_and_not_kept() -> None:
    rules = Rules()
    ban(rules, Whom(APP, uid=7), minutes=0)
    assert rules.of(APP, 0.0) == [] and not keeps_out(rules, 7, "lobby", "")


def test_H11_rules_are_listed_prolonged_and_deleted_by_their_own_app() -> None:
    rules = Rules()
    first, second = ban(rules, Whom(APP, uid=7)), ban(rules, Whom(OTHER_APP, uid=7))
    assert [rule.id for rule in rules.of(APP, 0.0)] == [first]
    with pytest.raises(KeyError):
        rules.update(APP, second, 5, 0.0)
    with pytest.raises(KeyError):
        rules.delete(APP, second, 0.0)
    updated = rules.update(APP, first, 5, 100.0)
    assert (updated.created_at, updated.updated_at, updated.expires_at) == (0.0, 100.0, 400.0)
    assert rules.of(APP, 100.0) == [updated]
    rules.delete(APP, first, 100.0)
    assert rules.of(APP, 100.0) == [] and len(rules.of(OTHER_APP, 100.0)) == 1
    with pytest.raises(KeyError):
        rules.update(APP, first, 5, 100.0)


def test_H11_an_update_to_no_minutes_ends_a_rule() -> None:
    rules = Rules()
    id = ban(rules, Whom(APP, uid=7))
    assert rules.update(APP, id, 0, 1.0).minutes == 0
    assert rules.of(APP, 1.0) == []


def test_H11_there_are_only_so_many_rules_until_the_time_of_one_is_over() -> None:
    rules = Rules()
    for uid in range(1, MAX_RULES + 1):
        ban(rules, Whom(APP, uid=uid), minutes=1 if uid == 1 else 2)
    with pytest.raises(TooManyRules):
        ban(rules, Whom(APP, uid=9_999))
    ban(rules, Whom(APP, uid=9_999), minutes=0)
    ban(rules, Whom(APP, uid=9_999), now=60.0)


@pytest.mark.parametrize(
    ("text", "household"),
    [("192.168.1.20", "192.168.1.20"), ("2001:db8::7", "2001:db8::/64"), ("::ffff:10.0.0.1", "10.0.0.1")],
)
def test_an_address_counts_for_its_household(text: str, household: str) -> None:
    assert moderation.check_address(text) == household


@pytest.mark.parametrize("text", ["", "kitchen", "999.1.1.1", "10.0.0.0/8", "10.0.0.1:80"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="such as 192"):
        moderation.check_address(text)


# What is left on a disk


WHOM = st.builds(
    Whom, st.just(APP), st.integers(0, 9), st.sampled_from(["", "lobby"]), st.sampled_from(["", "10.0.0.1"])
)


@given(st.lists(st.tuples(WHOM, st.integers(1, 1_440)), max_size=8), st.floats(-1e9, 1e9))
def test_H11_rules_outlive_a_hub_whatever_its_monotonic_clock_says(
    made: list[tuple[Whom, int]], another_start: float
) -> None:
    """A machine that was started anew counts from somewhere else; the wall clock has gone on by ten seconds."""
    rules, after = Rules(), Rules()
    for whom, minutes in made:
        ban(rules, whom, minutes)
    after.load(rules.dump(1e9), another_start + 10.0, 1e9 - another_start)
    for before, rule in zip(rules.of(APP, 0.0), after.of(APP, another_start + 10.0), strict=True):
        assert (rule.id, rule.whom, rule.privileges) == (before.id, before.whom, before.privileges)
        assert rule.expires_at - another_start == pytest.approx(before.expires_at, abs=1e-3)


def test_H11_no_rule_lasts_longer_than_it_was_made_for_when_the_clock_is_set_back() -> None:
    rules, after = Rules(), Rules()
    ban(rules, Whom(APP, uid=7), minutes=60)
    after.load(rules.dump(ahead_s=1e9), 50.0, ahead_s=0.0)
    (rule,) = after.of(APP, 50.0)
    assert rule.expires_at == 50.0 + 3_600 and rule.created_at == 50.0


def test_H11_what_has_expired_meanwhile_is_not_loaded_and_no_number_is_given_twice() -> None:
    rules, after = Rules(), Rules()
    last = ban(rules, Whom(APP, uid=7), minutes=1)
    after.load(rules.dump(), 61.0)
    assert after.of(APP, 61.0) == []
    assert ban(after, Whom(APP, uid=8)) > last


def test_there_is_something_to_keep_whenever_a_rule_was_made_changed_or_deleted() -> None:
    rules = Rules()
    versions = [rules.version]
    id = ban(rules, Whom(APP, uid=7))
    versions.append(rules.version)
    rules.update(APP, id, 5, 0.0)
    versions.append(rules.version)
    rules.delete(APP, id, 0.0)
    assert len({*versions, rules.version}) == 4


RULE = {
    "id": 1, "app_id": APP, "uid": 7, "channel": "", "household": "", "privileges": ["join_channel"], "minutes": 5,
    "created": 0, "updated": 0, "expires": 300,
}  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "{}", "null", '{"last": 1}', '{"last": 1, "rules": [7]}', '{"last": [], "rules": []}', "[" * 100_000,
        *(json.dumps({"last": 1, "rules": [RULE | wrong]}) for wrong in (
            {"minutes": 1_441}, {"minutes": -1}, {"app_id": "x"}, {"uid": -1}, {"channel": '"'},
            {"privileges": ["fly"]}, {"expires": "soon"}, {"id": None},
        )),
        json.dumps({"last": 1, "rules": [RULE | {"id": id} for id in range(MAX_RULES + 1)]}),
    ],
)  # fmt: skip
def test_what_no_hub_has_written_is_refused_and_changes_nothing(text: str) -> None:
    rules = Rules()
    ban(rules, Whom(APP, uid=7))
    with pytest.raises(ValueError):
        rules.load(text, 0.0)
    assert keeps_out(rules, 7, "lobby", "")


def test_what_a_hub_has_written_is_read_as_it_stands_in_the_file() -> None:
    rules = Rules()
    rules.load(json.dumps({"last": 1, "rules": [RULE]}), 0.0)
    assert keeps_out(rules, 7, "lobby", "", now=299.0) and not keeps_out(rules, 7, "lobby", "", now=300.0)
