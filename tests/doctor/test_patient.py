"""Whom the doctor looks at."""

from pathlib import Path

from device.doctor.patient import meet
from device.service.control import Control
from tests.daemon import APP_ID


def test_a_good_configuration_and_nobody_who_runs(tmp_path: Path) -> None:
    file = tmp_path / "intercom.toml"
    file.write_text(f"[channel]\napp_id = '{APP_ID}'\n")
    patient = meet(file, tmp_path)
    assert patient.config and patient.config.channel.app_id == APP_ID
    assert (patient.mistakes, patient.status) == ((), None)
    assert "no intercomd is running here" in patient.silence


async def test_mistakes_and_an_intercom_that_runs(tmp_path: Path) -> None:
    import asyncio

    file = tmp_path / "intercom.toml"
    file.write_text("[audio]\nframe_ms = 15\n")
    async with Control(tmp_path, {"status": lambda params: {"state": "left"}}):
        patient = await asyncio.to_thread(meet, file, tmp_path)
    assert patient.config is None
    assert len(patient.mistakes) == 2
    assert patient.status == {"state": "left"}
