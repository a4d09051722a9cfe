"""Wi-Fi power save, with folders and an iw of the tests' own."""

from pathlib import Path

import pytest

from device.doctor import wifi
from device.doctor.finding import Verdict


@pytest.mark.parametrize(
    ("said", "configured", "verdict", "text"),
    [
        ({}, "", Verdict.OK, "there is no Wi-Fi here"),
        ({"wlan0": "Power save: on\n"}, "2", Verdict.WARN, "on on wlan0"),
        ({"wlan0": "Power save: off\n"}, "", Verdict.OK, "off on wlan0"),
        ({"wlan0": ""}, "2", Verdict.OK, "off on wlan0"),
        ({"wlan0": ""}, "3", Verdict.WARN, "on on wlan0"),
        ({"wlan0": ""}, "", Verdict.WARN, "unknown (install iw) on wlan0"),
    ],
)
def test_iw_is_believed_before_the_configuration(
    said: dict[str, str], configured: str, verdict: Verdict, text: str
) -> None:
    found = wifi.judge(said, configured)
    assert found.verdict is verdict and found.found == text
    assert ("set power_save off" in found.remedy) == (verdict is Verdict.WARN)


def test_interfaces_iw_and_networkmanager_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("wlan0/phy80211", "eth0/device"):
        (tmp_path / "net" / name).mkdir(parents=True)
    manager = tmp_path / "NetworkManager"
    (manager / "conf.d").mkdir(parents=True)
    (manager / "NetworkManager.conf").write_text("[main]\nplugins=ifupdown\n[connection]\nwifi.powersave = 3\n")
    (manager / "conf.d" / "10.conf").write_text("[connection-wifi]\nwifi.powersave = 2\n")
    (manager / "conf.d" / "20.conf").write_text("no section\n")
    iw = tmp_path / "iw"
    iw.write_text('#!/bin/sh\n[ "$*" = "dev wlan0 get power_save" ] && echo "Power save: on"\n')
    iw.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert wifi.look(tmp_path / "net", manager) == ({"wlan0": "Power save: on\n"}, "2")
    iw.write_text("#!/bin/sh\nexit 1\n")
    assert wifi.look(tmp_path / "net", manager) == ({"wlan0": ""}, "2")


def test_this_machine_can_be_looked_at() -> None:
    assert wifi.judge(*wifi.look()).found
