"""Whether real-time priority is granted."""

import os
from typing import Any

import pytest

from device.audio import realtime as priority
from device.doctor import realtime
from device.doctor.finding import Verdict
from tests.service.test_status import alone


def test_the_doctor_asks_for_it_and_gives_it_back() -> None:
    granted = realtime.look(None)
    assert os.sched_getscheduler(0) == os.SCHED_OTHER
    assert realtime.judge(granted, False).verdict is (Verdict.OK if granted else Verdict.WARN)


def test_where_it_is_refused_the_remedy_names_the_unit(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "sched_setscheduler", refuse)
    assert not priority.ask()
    found = realtime.judge(realtime.look(None), False)
    assert found.verdict is Verdict.WARN and "LimitRTPRIO" in found.remedy


def test_of_a_running_intercom_both_threads_count() -> None:
    assert realtime.look(alone())
    without = alone(playback={"state": "running", "device": "default", "xruns": 0, "realtime": False})
    assert not realtime.look(without)
    assert "the intercom does not have it" in realtime.judge(False, True).found
