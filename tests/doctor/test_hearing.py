"""The box listens to itself for the doctor; with real cards it is in test_examination.py."""

import asyncio
from pathlib import Path
from typing import Any

from device import jsonrpc
from device.audio.selftest import Result, Verdict
from device.doctor import hearing
from device.doctor.hearing import Heard
from device.doctor.patient import Patient
from device.service.control import Control

TEST = {"verdict": "fine", "level_dbfs": -60.0, "clipped_share": 0.0, "loop_dbfs": -43.0, "delay_ms": 84.0, "why": ""}


def ask(patient: Patient) -> Heard:
    return asyncio.run(hearing.listen(patient, {}))


async def test_the_intercom_that_runs_is_asked_and_may_refuse(tmp_path: Path) -> None:
    refused = False

    def test(params: jsonrpc.Params) -> dict[str, Any]:
        if refused:
            raise jsonrpc.JsonRpcError(434, "somebody talks")
        return {"self_test": TEST}

    patient = Patient(None, (), {"state": "in-call"}, control=tmp_path)
    async with Control(tmp_path, {"self-test": test}):
        fine = Result(Verdict.FINE, -60.0, 0.0, -43.0, 84.0)
        assert await asyncio.to_thread(ask, patient) == Heard(fine, fine)
        refused = True
        assert await asyncio.to_thread(ask, patient) == Heard(None, None, "somebody talks")


def test_without_a_configuration_nothing_is_opened() -> None:
    assert ask(Patient(None, ("wrong",), None)) == Heard(None, None, "the configuration is wrong")
