"""What is said of the intercom that runs, or does not."""

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


def test_none_and_one_that_may_not_be_asked() -> None:
    found = service.judge(None, "no intercomd is running here (...); start one: intercomd run")
    assert (found.verdict, found.found) == (Verdict.WARN, "no intercom is running here")
    found = service.judge(None, "permission denied at /run/x: add yourself to group intercom and log in again")
    assert (found.found, found.remedy) == (
        "permission denied at /run/x", "add yourself to group intercom and log in again",
    )  # fmt: skip
