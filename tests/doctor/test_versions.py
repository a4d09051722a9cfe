"""Which versions there are."""

from pathlib import Path

from device.doctor import versions
from device.doctor.finding import Verdict


def test_everything_has_a_version_here() -> None:
    found = versions.judge(versions.look())
    assert found.verdict is Verdict.OK, found
    for name in ("intercomd", "websockets", "pyalsaaudio", "Python", "libopus", "libasound", "kernel"):
        assert found.figures[f"{name.lower()}_version"][0].isdigit(), name


def test_what_is_missing_is_named() -> None:
    found = versions.judge({"websockets": "", "Python": "3.11"})
    assert found.verdict is Verdict.WARN and "install websockets again" in found.remedy


def test_a_raspberry_pi_is_called_by_its_name(tmp_path: Path) -> None:
    model = tmp_path / "model"
    model.write_bytes(b"Raspberry Pi Zero 2 W Rev 1.0\0")
    assert versions.look(model)["machine"] == "Raspberry Pi Zero 2 W Rev 1.0"
    assert versions.look(tmp_path / "none")["machine"]
