"""How the connection stands, told in the documented SDK's words."""

import pytest

from device.channel import errors
from device.channel.errors import ChannelError
from device.channel.standing import FAILED_S, LOST_S, Chronicle, Reason, of_problem

Events = list[tuple[str, dict[str, object]]]


def words(events: Events) -> list[object]:
    return [
        (params["state"], params["reason"]) if event == "connection-state-change" else event for event, params in events
    ]


def test_B10_a_call_from_beginning_to_end() -> None:
    chronicle = Chronicle()
    assert chronicle.due_at() == float("inf")
    assert chronicle.joining(10.0) == [
        ("connection-state-change", {"state": "connecting", "previous": "disconnected", "reason": "connecting"})
    ]
    assert words(chronicle.seated(False, 10.5)) == [("connected", "joined")]
    assert chronicle.due_at() == float("inf")
    assert words(chronicle.left(None)) == [("disconnected", "left")]
    assert chronicle.left(None) == []


def test_B11_an_outage_is_told_at_once_after_10_s_and_when_it_is_over() -> None:
    chronicle = Chronicle()
    chronicle.joining(0.0)
    chronicle.seated(False, 0.5)
    told = chronicle.offline(False, 100.0)
    assert words(told) == [("reconnecting", "interrupted"), "reconnecting"]
    assert told[1] == ("reconnecting", {"reason": "interrupted"})
    assert chronicle.due_at() == 100.0 + LOST_S
    assert chronicle.due(100.0 + LOST_S - 0.1) == []
    assert words(chronicle.due(100.0 + LOST_S)) == ["connection-lost"]
    assert chronicle.due(100.0 + LOST_S + 1) == []
    back = chronicle.seated(True, 112.25)
    assert words(back) == [("connected", "rejoined"), "rejoined"]
    assert back[1][1] == {"after_ms": 12_250}


def test_B10_silence_has_a_reason_of_its_own() -> None:
    chronicle = Chronicle()
    chronicle.joining(0.0)
    chronicle.seated(False, 0.5)
    assert words(chronicle.offline(True, 3.0)) == [("reconnecting", "keepalive-timeout"), "reconnecting"]


@pytest.mark.parametrize("held_before", [True, False])
def test_B10_after_20_minutes_it_has_failed_and_may_still_come_back(held_before: bool) -> None:
    chronicle = Chronicle()
    chronicle.joining(0.0)
    if held_before:
        chronicle.seated(False, 0.0)
        chronicle.offline(False, 0.0)
        chronicle.due(LOST_S)
    assert chronicle.due_at() == FAILED_S
    assert words(chronicle.due(FAILED_S)) == [("failed", "join-failed")]
    assert chronicle.due_at() == float("inf")
    expected = [("connected", "rejoined"), "rejoined"] if held_before else [("connected", "joined")]
    assert words(chronicle.seated(held_before, FAILED_S + 1)) == expected


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (errors.BANNED, Reason.BANNED),
        (errors.BAD_REQUEST, Reason.APP_ID),
        (errors.TOKEN_INVALID, Reason.TOKEN),
        (errors.TOKEN_EXPIRED, Reason.TOKEN_EXPIRED),
        (errors.UID_CONFLICT, Reason.SAME_UID),
        (errors.LOGIN_FAILED, Reason.REJECTED),
    ],
)
def test_B10_a_refusal_says_why(code: int, reason: Reason) -> None:
    assert of_problem(ChannelError(code)) is reason
    chronicle = Chronicle()
    chronicle.joining(0.0)
    assert words(chronicle.left(ChannelError(code))) == [("failed", reason.value)]


def test_B10_what_only_a_person_can_change_has_failed_and_what_passes_has_not() -> None:
    chronicle = Chronicle()
    chronicle.joining(0.0)
    assert chronicle.refused(ChannelError(errors.OVERLOADED)) == []
    assert words(chronicle.refused(ChannelError(errors.LOGIN_FAILED))) == [("failed", "rejected")]
    assert chronicle.refused(ChannelError(errors.LOGIN_FAILED)) == []
    chronicle.seated(False, 60.0)
    assert chronicle.refused(ChannelError(errors.LOGIN_FAILED)) == [], "of a look at another hub"
