"""What is said of a configuration."""

from device.doctor import configuration
from device.doctor.finding import Verdict


def test_none_one_and_many_mistakes() -> None:
    (found,) = configuration.judge([])
    assert found.verdict is Verdict.OK
    first, second = configuration.judge(["x.toml: [audio] frame_ms: must be 10 or 20", "x.toml: [hub] listen: is not"])
    assert (first.verdict, first.found) == (Verdict.FAIL, "x.toml: [audio] frame_ms: must be 10 or 20")
    assert second.found.startswith("x.toml: [hub]") and "correct it" in second.remedy


def test_a_file_that_only_the_intercom_may_read_is_no_mistake_to_correct() -> None:
    (found,) = configuration.judge(["x: [channel] token_file: must be a file that can be read: Permission denied"])
    assert "sudo -u intercom" in found.remedy
