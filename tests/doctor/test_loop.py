"""What is said of the way from speaker to microphone."""

import pytest

from device.audio.selftest import Result, Verdict
from device.doctor import finding, loop


@pytest.mark.parametrize(
    ("result", "verdict", "text"),
    [
        (Result(Verdict.FINE, -60, 0, -43.2, 84.4), finding.Verdict.OK, "fine: heard at -43 dBFS after 84 ms"),
        (Result(Verdict.MUTE, -60, 0), finding.Verdict.FAIL, "mute: the microphone works"),
        (Result(Verdict.DEAF, -127, 0), finding.Verdict.FAIL, "deaf: the microphone delivers nothing"),
        (Result(Verdict.UNCLEAR, -20, 0, why="too loud"), finding.Verdict.WARN, "unclear: too loud"),
    ],
)
def test_each_verdict_has_its_words_and_its_remedy(result: Result, verdict: finding.Verdict, text: str) -> None:
    found = loop.judge(result, "")
    assert found.verdict is verdict and found.found.startswith(text)
    assert (found.figures["loop"], found.figures["delay_ms"]) == (result.verdict.value, result.delay_ms)
    assert bool(found.remedy) == (verdict is not finding.Verdict.OK)


def test_without_a_test_it_says_why() -> None:
    assert "not tested: somebody talks" in loop.judge(None, "somebody talks").found
