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


def test_where_there_is_none_it_is_to_be_made_or_that_of_the_intercom_that_runs_to_be_named() -> None:
    mistake = "there is no configuration, neither a nor b; sudo scripts/install in a checkout makes one"
    (found,) = configuration.judge([mistake])
    assert (found.found, found.remedy) == tuple(mistake.split("; "))
    (found,) = configuration.judge([mistake], runs=True)
    assert found.verdict is Verdict.FAIL and found.remedy.endswith("name it by --config")


def test_a_doubt_is_a_warning_with_what_to_do_about_it_and_the_file_is_named() -> None:
    (found,) = configuration.judge([], ["[gate] mode: push-to-talk, and no button talks; give talk a pin"])
    assert (found.verdict, found.found) == (Verdict.WARN, "[gate] mode: push-to-talk, and no button talks")
    assert found.remedy == "give talk a pin"
    (found,) = configuration.judge([], [], "/etc/intercomd/intercom.toml")
    assert (found.verdict, found.found) == (Verdict.OK, "no mistake in /etc/intercomd/intercom.toml")
    mistaken = configuration.judge(["x: [audio] frame_ms: must be 10 or 20"], ["a doubt; so it is"])
    assert [one.verdict for one in mistaken] == [Verdict.FAIL], "mistakes first"
