"""What a seat may ask for beside its stream: who hears of silence and messages, and how much of it."""

import base64

import pytest

from device import jsonrpc
from device.channel import errors, rules
from tests.hub.house import House, call, refused


def data(size: int) -> str:
    return base64.b64encode(bytes(size)).decode()


def test_A20_a_muted_talker_is_heard_by_everybody_else() -> None:
    house = call()
    house.ask("b", "mute", uid=1)
    assert house.speak("a", 1) == ["c"]
    house.ask("b", "unmute", uid=1)
    assert sorted(house.speak("a", 1)) == ["b", "c"]
    assert house.news("a") == [], "which is nobody's business"


@pytest.mark.parametrize("uid", [3, 99])
def test_E3_nobody_mutes_what_he_has_not_subscribed(uid: int) -> None:
    house = call()
    assert refused(house, "a", "mute", uid=uid) == errors.MALFORMED
    house.ask("a", "unsubscribe", uid=2)
    assert refused(house, "a", "mute", uid=2) == errors.MALFORMED
    assert refused(house, "a", "unmute", uid=2) == errors.MALFORMED


def test_A20_the_end_of_a_subscription_or_of_a_stream_ends_it() -> None:
    house = call()
    house.ask("b", "mute", uid=1)
    house.ask("b", "unsubscribe", uid=1)
    house.ask("b", "subscribe", uid=1)
    assert sorted(house.speak("a", 1)) == ["b", "c"]
    house.ask("b", "mute", uid=1)
    house.ask("a", "unpublish")
    house.ask("a", "publish")
    assert sorted(house.speak("a", 1)) == ["b", "c"]


def test_A19_B4_who_is_silent_by_himself_stays_published_and_passes_nothing() -> None:
    house = call()
    house.ask("a", "muteLocal")
    house.ask("a", "muteLocal")
    assert house.news("b") == house.news("c") == [("mute-audio", {"uid": 1})]
    assert house.speak("a", 1) == []
    house.wait(1.0)
    assert house.news("a") == [], "what was on its way is no offence"
    house.ask("a", "unmuteLocal")
    assert house.news("b") == [("unmute-audio", {"uid": 1})]
    assert sorted(house.speak("a", 1)) == ["b", "c"]
    house.ask("c", "muteLocal")
    assert house.news("a") == house.news("b") == [], "nobody knows of an audience"
    house.ask("c", "setRole", role="broadcaster")
    assert house.news("b")[-1] == ("mute-audio", {"uid": 3}), "until it is a host"
    house.ask("c", "publish")
    assert house.speak("c", 3) == []
    house.ask("c", "unmuteLocal")
    assert sorted(house.speak("c", 3, sequence=1)) == ["a", "b"]


def test_B18_who_comes_later_is_told_who_is_there_and_who_of_them_is_silent() -> None:
    house = call()
    house.ask("a", "muteLocal")
    house.join("d", 4, muted=True)
    seat = house.join("e", 5)
    assert [user["uid"] for user in seat["users"]] == [1, 2, 4], "an audience is not announced"
    assert seat["muted"] == [1, 4]
    assert house.news("b")[1:] == [("user-joined", {"uid": 4, "label": ""}), ("mute-audio", {"uid": 4}),
                                   ("user-joined", {"uid": 5, "label": ""})]  # fmt: skip


def test_A19_a_rejoin_says_whether_it_is_silent() -> None:
    house = call()
    seat = house.join("d", 4)
    house.news("b")
    house.drop("d")
    house.rejoin("e", seat, muted=True)
    assert house.news("b") == [("mute-audio", {"uid": 4})]
    house.rejoin("f", seat, muted=True)
    assert house.news("b") == []
    house.rejoin("g", seat)
    assert house.news("b") == [("unmute-audio", {"uid": 4})]


def test_A19_the_next_holder_of_a_uid_is_not_silent_because_the_last_one_was() -> None:
    house = call()
    house.join("d", 4, muted=True)
    house.ask("d", "leave")
    assert house.join("e", 4)["muted"] == []
    assert house.join("f", 5)["muted"] == []


def test_A8_a_join_that_says_whom_it_knew_is_told_who_is_gone() -> None:
    house = call()
    seat = house.join("d", 4, known=[1, 3, 4, 77])
    assert (seat["removed"], seat["left"]) == ([3, 77], [3, 77]), "3 is an audience, of whom nobody is told"


def test_A20_the_next_process_keeps_everybody_as_silent_as_before() -> None:
    house = call()
    house.ask("a", "muteLocal")
    house.ask("c", "mute", uid=2)
    house.hand_over()
    assert house.speak("a", 1) == []
    assert house.speak("b", 2) == ["a"]
    house.ask("c", "unmute", uid=2)
    assert sorted(house.speak("b", 2)) == ["a", "c"]
    assert house.join("d", 4)["muted"] == [1]


def test_B15_a_message_reaches_everybody_else_in_the_channel_and_nobody_elsewhere() -> None:
    house = call()
    house.join("elsewhere", 1, "cellar")
    house.ask("a", "streamMessage", data="aGk=", stream=2)
    expected = [("stream-message", {"uid": 1, "stream": 2, "data": "aGk="})]
    assert house.news("b") == house.news("c") == expected
    assert house.news("a") == house.news("elsewhere") == []


def test_B15_hosts_only_at_most_a_kilobyte_and_five_streams() -> None:
    house = call()
    assert refused(house, "c", "streamMessage", data="aGk=") == errors.AUDIENCE_CANNOT_PUBLISH
    assert refused(house, "a", "streamMessage", data=data(1_025)) == jsonrpc.INVALID_PARAMS
    assert refused(house, "a", "streamMessage", data="aGk=", stream=6) == jsonrpc.INVALID_PARAMS
    house.ask("a", "streamMessage", data=data(1_024), stream=5)


def accepted(house: House, size: int, per_s: int, for_s: float) -> int:
    """How many of so many a second, of so many bytes each, are passed on."""
    for _ in range(round(per_s * for_s)):
        house.now += 1 / per_s
        house.text("a", jsonrpc.request(7, "streamMessage", {"data": data(size)}))
    return sum(method == "stream-message" for method, _ in house.news("b"))


def test_B15_sixty_a_second_pass_and_more_do_not() -> None:
    house = call()
    assert accepted(house, 10, 60, 10) == 600
    assert accepted(house, 10, 100, 10) <= 10 * rules.MAX_MESSAGES_PER_S + rules.MAX_MESSAGES_PER_S + 1


def test_B15_thirty_kilobytes_a_second_pass_and_more_do_not() -> None:
    house = call()
    assert accepted(house, 1_000, 30, 10) == 300
    passed = accepted(house, 1_000, 50, 10)
    assert 300 <= passed <= 332, "for ten seconds, and the burst of one"


def test_B15_the_limits_are_those_of_each_and_end_with_the_seat() -> None:
    house = call()
    accepted(house, 10, 105, 3.0)
    assert refused(house, "a", "streamMessage", data="aGk=") == errors.TOO_FREQUENT
    house.ask("b", "streamMessage", data="aGk=")
    house.ask("a", "leave")
    house.ask("a", "join", appId="0123456789abcdef0123456789abcdef", channel="lobby", uid=1)
    house.ask("a", "streamMessage", data="aGk=")


def test_E11_a_request_without_an_id_is_902() -> None:
    house = call()
    house.text("a", jsonrpc.notification("publish", {}))
    told = house.news("a")
    assert [(method, params["code"]) for method, params in told] == [("error", errors.NO_REQUEST_ID)]
    house.text("a", jsonrpc.notification("hologram", {}))
    assert house.news("a") == []
