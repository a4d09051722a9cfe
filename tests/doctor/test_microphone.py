"""What is said of a microphone's level."""

import pytest

from device.audio.selftest import Result, Verdict
from device.doctor import finding, microphone


@pytest.mark.parametrize(
    ("level_dbfs", "clipped_share", "verdict", "text"),
    [
        (-127.0, 0.0, finding.Verdict.FAIL, "digital silence"),
        (-94.0, 0.0, finding.Verdict.FAIL, "digital silence"),
        (-85.0, 0.0, finding.Verdict.WARN, "very low"),
        (-60.0, 0.0, finding.Verdict.OK, "it hears -60 dBFS"),
        (-6.0, 0.02, finding.Verdict.WARN, "2.0 % of it is clipped"),
        (-6.0, 0.0005, finding.Verdict.OK, "it hears -6 dBFS"),
    ],
)
def test_a_level_is_judged(level_dbfs: float, clipped_share: float, verdict: finding.Verdict, text: str) -> None:
    found = microphone.judge(Result(Verdict.MUTE, level_dbfs, clipped_share), "")
    assert found.verdict is verdict and text in found.found
    assert found.figures["level_dbfs"] == level_dbfs
    assert bool(found.remedy) == (verdict is not finding.Verdict.OK)


def test_without_a_test_it_says_why() -> None:
    assert microphone.judge(None, "somebody talks").line().startswith("warn  microphone: not tested: somebody talks")
