"""What is said of the intercom that runs, or does not."""

from device.channel import errors
from device.doctor import service
from device.doctor.finding import Verdict
from tests.service.test_status import alone


def test_one_that_is_well() -> None:
    found = service.judge(alone(), "")
    assert (found.verdict, found.found) == (Verdict.OK, "an intercom is running, in-call in lobby")
    assert service.judge(alone(state="left"), "").verdict is Verdict.OK


def test_one_that_is_not() -> None:
    found = service.judge(alone(state="joining", problem={"code": 905, "reason": "no answer"}), "")
    assert (found.verdict, found.found) == (Verdict.WARN, "an intercom is running, joining in lobby: no answer (905)")
    assert service.judge(alone(state="offline"), "").verdict is Verdict.WARN


def test_one_whose_uid_another_has_taken_needs_another_or_a_word() -> None:
    taken = {"hub": None, "code": errors.UID_CONFLICT, "reason": "another device joined with this uid"}
    found = service.judge(alone(state="left", problem=taken), "")
    assert found.verdict is Verdict.WARN and "another uid" in found.remedy and "intercomd rejoin" in found.remedy


def test_none_and_one_that_may_not_be_asked() -> None:
    found = service.judge(None, "no intercomd is running here (...); start one: intercomd run", alone=True)
    assert (found.verdict, found.found) == (Verdict.WARN, "no intercom is running here")
    found = service.judge(None, "permission denied at /run/x: add yourself to group intercom and log in again")
    assert (found.found, found.remedy) == (
        "permission denied at /run/x", "add yourself to group intercom and log in again",
    )  # fmt: skip


def test_one_that_hangs_is_not_taken_for_none() -> None:
    found = service.judge(None, "intercomd does not answer status; look at its log")
    assert (found.found, found.remedy) == ("intercomd does not answer status", "look at its log")
