"""Stories of who is let in: App IDs, certificates, tokens, and seats that are taken again."""

from typing import Any

from device import jsonrpc
from device.channel import errors
from device.hub.apps import App, Apps
from tests.hub.house import APP, NOON, OTHER_APP, House, refused
from tests.hub.passes import CERTIFICATE, SECONDARY, listed, only, token

DAY_S = 86_400.0


def certified(**more: Any) -> House:
    """A hub that asks for tokens."""
    return House(apps=only(listed(**more)))


def refusal(house: House, text: str | None, *, app_id: str = APP, channel: str = "lobby", uid: int = 0) -> int:
    """The code with which somebody who comes with this token is turned away."""
    house.open("stranger")
    params = {"appId": app_id, "channel": channel, "uid": uid} | ({} if text is None else {"token": text})
    code = refused(house, "stranger", "join", **params)
    house.drop("stranger")
    return code


# App IDs


def test_H3_each_app_of_a_hub_has_its_own_channels_and_its_own_tokens() -> None:
    house = House(apps=only(listed(APP), listed(OTHER_APP, SECONDARY)))
    house.talker("a", 1, token=token(), autoSubscribe=True)
    house.open("b")
    other = token(app_id=OTHER_APP, certificate=SECONDARY)
    house.ask("b", "join", appId=OTHER_APP, channel="lobby", uid=2, autoSubscribe=True, token=other)
    house.ask("b", "publish")
    assert house.news("a") == [] and house.speak("a", 1) == house.speak("b", 2) == []
    assert refusal(house, other) == refusal(house, token(), app_id=OTHER_APP) == errors.TOKEN_INVALID


def test_H3_an_app_id_that_nobody_knows_here_is_refused() -> None:
    house = certified()
    assert refusal(house, token(), app_id=OTHER_APP) == errors.BAD_REQUEST == 401
    house.join("a", 1, token=token())
    assert house.rooms.snapshot().seats == 1


def test_T1_an_app_without_a_certificate_is_entered_with_its_app_id_alone() -> None:
    house = House(apps=only(App(APP, listed=True)))
    house.join("a", 1)
    assert refusal(house, token()) == errors.TOKEN_UNEXPECTED, "nobody could tell a good one from a bad one"


def test_T1_a_hub_without_an_apps_file_looks_at_no_token() -> None:
    for apps in (Apps.of_ids([]), Apps.of_ids([APP])):
        house = House(apps=apps)
        house.join("a", 1, token="anything")
        assert house.ask("a", "renewToken", token="something else") == {}
        house.heartbeat("a", seconds=30)
        assert house.news("a") == []


# Tokens


def test_T2_an_app_with_a_certificate_is_entered_with_a_token_and_without_it_not() -> None:
    house = certified()
    assert house.join("a", 7, token=token(7))["uid"] == 7
    wrong = token(certificate=SECONDARY)
    refusals: dict[int, list[str | None]] = {
        errors.TOKEN_MISSING: [None, ""],
        errors.TOKEN_INVALID: ["007rubbish", wrong, token(8), token(7, "attic"), token(app_id=OTHER_APP)],
        errors.TOKEN_EXPIRED: [token(made_s=NOON - 3_600), token(7, made_s=NOON - 600, join_s=600)],
    }
    for code, texts in refusals.items():
        assert {refusal(house, text, uid=7) for text in texts} == {code}
    assert house.rooms.snapshot().seats == 1
    assert house.ask("a", "ping") == {}, "who is in has noticed nothing"


def test_T2_a_token_for_one_uid_is_none_for_a_uid_that_the_hub_assigns() -> None:
    house = certified()
    assert refusal(house, token(7), uid=0) == errors.TOKEN_INVALID
    assert house.join("a", token=token())["uid"] > 0


def test_T2_a_refusal_says_what_is_wrong_and_nothing_of_the_token() -> None:
    house = certified()
    house.open("a")
    text = token(8)
    (answer,) = house.text("a", jsonrpc.request(7, "join", {"appId": APP, "channel": "lobby", "uid": 7, "token": text}))
    assert isinstance(answer, jsonrpc.Failure) and "it is for uid 8, not for 7;" in answer.reason
    assert text[3:20] not in answer.reason


def test_T9_tokens_of_both_certificates_are_good_while_one_is_exchanged() -> None:
    house = House(apps=only(listed(APP, CERTIFICATE, SECONDARY)))
    house.join("a", 1, token=token(certificate=CERTIFICATE))
    house.join("b", 2, token=token(certificate=SECONDARY))
    house.hand_over(only(listed(APP, SECONDARY)))
    assert refusal(house, token(certificate=CERTIFICATE)) == errors.TOKEN_INVALID
    house.join("c", 3, token=token(certificate=SECONDARY))
    assert house.rooms.snapshot().seats == 3, "nobody in a call has lost his seat"


# The two clocks


def test_T7_the_end_of_the_token_keeps_newcomers_out_and_nobody_in() -> None:
    house = certified()
    text = token(lasts_s=600, join_s=3_600)
    house.join("a", 1, token=text)
    house.heartbeat("a", seconds=601)
    assert house.news("a") == [] and house.rooms.snapshot().seats == 1
    assert refusal(house, text) == errors.TOKEN_EXPIRED


def test_T7_the_wall_clock_is_looked_at_once_and_may_be_set_afterwards() -> None:
    for steps_s in (DAY_S, -DAY_S):
        house = certified()
        house.join("a", 1, token=token(join_s=60))
        house.wall_s += steps_s
        house.heartbeat("a", seconds=29)
        assert house.news("a") == []
        house.heartbeat("a", seconds=2)
        assert house.news("a") == [("token-privilege-will-expire", {})]
        house.heartbeat("a", seconds=30)
        assert house.news("a") == [("token-privilege-did-expire", {})]


# Seats that are taken again


def test_T7_who_finds_his_seat_still_there_is_asked_for_no_token() -> None:
    house = certified()
    seat = house.talker("a", 1, token=token(lasts_s=10, join_s=3_600))
    house.join("b", 2, token=token(), autoSubscribe=True)
    house.heartbeat("a", "b", seconds=20)
    house.drop("a")
    house.news("b")
    for text in (token(lasts_s=10, join_s=3_600), "rubbish", ""):
        assert house.rejoin("a2", seat, token=text)["resumed"]
        house.drop("a2")
    assert house.news("b") == []
    house.rejoin("a3", seat)
    assert house.speak("a3", 1) == ["b"]


def test_T7_a_session_brings_nobody_back_whose_right_to_join_has_ended() -> None:
    house = certified()
    old = token(1, join_s=60)
    seat = house.join("a", 1, token=old)
    house.drop("a")
    house.heartbeat(seconds=10)
    house.rejoin("a2", seat, token=old)
    house.heartbeat("a2", seconds=52)
    house.open("a3")
    claim = {"appId": APP, "channel": "lobby", "uid": 1, "session": seat["session"]}
    assert refused(house, "a3", "rejoin", **claim, token=old) == errors.TOKEN_EXPIRED
    assert refused(house, "a3", "rejoin", **claim) == errors.TOKEN_MISSING
    assert house.ask("a3", "rejoin", **claim, token=token(1, made_s=house.wall_s))["resumed"]
    house.news("a2")
    house.heartbeat("a2", "a3", seconds=60)
    assert house.news("a2") == house.news("a3") == [], "the new token counts"


def test_T7_whose_seat_is_gone_needs_a_good_token_whatever_his_session_proves() -> None:
    house = certified()
    old = token(1, lasts_s=10)
    seat = house.join("a", 1, token=old)
    house.drop("a")
    house.wait(21)
    house.open("a2")
    claim = {"appId": APP, "channel": "lobby", "uid": 1, "session": seat["session"]}
    assert refused(house, "a2", "rejoin", **claim, token=old) == errors.TOKEN_EXPIRED
    back = house.ask("a2", "rejoin", **claim, token=token(1, made_s=house.wall_s))
    assert (back["uid"], back["session"], back["resumed"]) == (1, seat["session"], False)


# Renewing


def test_A22_a_new_token_takes_the_place_of_the_old_one_and_the_last_one_counts() -> None:
    house = certified()
    house.talker("a", 7, token=token(7, join_s=60))
    house.join("b", 8, token=token(), autoSubscribe=True)
    house.heartbeat("a", "b", seconds=31)
    assert house.news("a")[-1] == ("token-privilege-will-expire", {})
    house.news("b")
    for join_s in (3_600, 120):
        assert house.ask("a", "renewToken", token=token(7, made_s=house.wall_s, join_s=join_s)) == {}
        assert house.speak("a", 7) == ["b"]
    house.heartbeat("a", "b", seconds=89)
    assert house.news("a") == []
    house.heartbeat("a", "b", seconds=2)
    assert house.news("a") == [("token-privilege-will-expire", {})]
    assert house.news("b") == [], "nobody else hears of it"


def test_A22_a_token_is_looked_at_as_at_a_join_and_a_bad_one_changes_nothing() -> None:
    house = certified()
    house.join("a", 7, token=token(7, join_s=60))
    refusals = {
        "": errors.TOKEN_MISSING,
        "rubbish": errors.TOKEN_INVALID,
        token(8): errors.TOKEN_INVALID,
        token(7, "attic"): errors.TOKEN_INVALID,
        token(7, app_id=OTHER_APP): errors.TOKEN_INVALID,
        token(7, certificate=SECONDARY): errors.TOKEN_INVALID,
        token(7, made_s=NOON - 3_600): errors.TOKEN_EXPIRED,
    }
    for text, code in refusals.items():
        assert refused(house, "a", "renewToken", token=text) == code
    for params in ({}, {"token": 7}, {"token": "x" * 2_048}):
        assert refused(house, "a", "renewToken", **params) == jsonrpc.INVALID_PARAMS
    house.heartbeat("a", seconds=31)
    assert house.news("a") == [("token-privilege-will-expire", {})]
    house.open("b")
    assert refused(house, "b", "renewToken", token=token()) == errors.OUT_OF_ORDER


def test_A22_where_no_certificate_is_there_is_no_token_to_renew() -> None:
    house = House(apps=only(App(APP, listed=True)))
    house.join("a", 7)
    assert refused(house, "a", "renewToken", token=token()) == errors.TOKEN_UNEXPECTED
