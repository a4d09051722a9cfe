"""The table of what follows from which failure."""

import pytest

from device.channel import errors, verdicts
from device.channel.errors import ChannelError, Remedy
from device.channel.verdicts import Miss, Verdict


@pytest.mark.parametrize(
    ("miss", "verdict"),
    [
        (Miss.TIMEOUT, Verdict.MISSED),
        (Miss.UNREACHABLE, Verdict.MISSED),
        (Miss.REFUSED, Verdict.MISSED),
        (Miss.DNS, Verdict.MISSED),
        (Miss.TLS, Verdict.SLOWED),
        (Miss.HTTP, Verdict.SLOWED),
        (Miss.DROPPED, Verdict.SLOWED),
        (Miss.STRANGER, Verdict.SLOWED),
        (Miss.NO_WEBSOCKET, Verdict.SLOWED),
    ],
)
def test_only_an_answer_slows_the_dialling_down(miss: Miss, verdict: Verdict) -> None:
    came, error = verdicts.of_miss(miss)
    assert came is verdict
    assert (error.code, error.reason) == (errors.UNREACHABLE, str(miss))


def test_a_machine_without_a_network_is_told_from_a_hub_that_is_not_there() -> None:
    came, error = verdicts.of_miss(Miss.NO_NETWORK)
    assert (came, error.code, error.reason) == (Verdict.MISSED, errors.NO_NETWORK, "this machine has no network")


def test_every_miss_has_a_verdict() -> None:
    assert {verdicts.of_miss(miss)[0] for miss in Miss} == {Verdict.MISSED, Verdict.SLOWED}


@pytest.mark.parametrize(
    ("status", "verdict", "code"),
    [
        (401, Verdict.REFUSED, errors.LOGIN_FAILED),
        (403, Verdict.REFUSED, errors.LOGIN_FAILED),
        (429, Verdict.SLOWED, errors.TOO_FREQUENT),
        (500, Verdict.SLOWED, errors.OVERLOADED),
        (502, Verdict.SLOWED, errors.OVERLOADED),
        (503, Verdict.SLOWED, errors.OVERLOADED),
        (504, Verdict.SLOWED, errors.OVERLOADED),
        (404, Verdict.SLOWED, errors.UNREACHABLE),
        (301, Verdict.SLOWED, errors.UNREACHABLE),
        (200, Verdict.SLOWED, errors.UNREACHABLE),
    ],
)
def test_http_answers(status: int, verdict: Verdict, code: int) -> None:
    came, error = verdicts.of_miss(Miss.HTTP, status)
    assert (came, error.code) == (verdict, code)
    assert str(status) in error.reason


def test_a_better_sentence_takes_the_place_of_the_general_one() -> None:
    assert verdicts.of_miss(Miss.TLS, detail="set ca_file")[1].reason == "set ca_file"


@pytest.mark.parametrize(
    ("remedy", "verdict"),
    [
        (Remedy.FIX_THE_CALL, Verdict.REFUSED),
        (Remedy.REJOIN, Verdict.SLOWED),
        (Remedy.SLOW_DOWN, Verdict.SLOWED),
        (Remedy.ASK_A_HUMAN, Verdict.REFUSED),
        (Remedy.GIVE_WAY, Verdict.GIVE_WAY),
    ],
)
def test_refusals_follow_the_remedy(remedy: Remedy, verdict: Verdict) -> None:
    codes = [code for code, meaning in errors.TABLE.items() if meaning.remedy is remedy]
    assert codes
    assert {verdicts.of_refusal(ChannelError(code)) for code in codes} == {verdict}


def test_what_openssl_says_of_a_certificate_becomes_a_remedy_and_what_is_rare_stays_as_it_is_said() -> None:
    assert verdicts.of_certificate(10, "certificate has expired").endswith("renew it, or set the clock")
    assert verdicts.of_certificate(23, "certificate revoked") == "the certificate is not trusted: certificate revoked"


def test_a_close_is_told_in_words_where_there_are_some() -> None:
    assert verdicts.of_close(1006) == "the connection broke"
    assert verdicts.of_close(1001) == "the hub is going away"
    assert verdicts.of_close(1013) == "closed with 1013"
