"""Who is let in with a token: those whom the published builders meant, and nobody else."""

import hmac
import traceback
from collections.abc import Sequence
from typing import Any

import pytest

from device.channel import errors, token
from device.channel.errors import ChannelError, Remedy
from device.channel.grant import FOREVER, WITHOUT_CERTIFICATE, Grant, Privilege
from tests.channel.tokens import (
    ACCEPTED,
    APP_ID,
    CERTIFICATE,
    CHANNEL,
    LASTS_S,
    MADE_S,
    REFUSED,
    SECONDARY,
    UID,
    of_005,
    of_006,
    of_007,
    sealed_007,
    service,
)

# Genuine tokens that are not for calls.
OTHER_PURPOSES = {
    "005-official-RecordingKey", "005-official-PublicSharingKey", "005-official-InChannelPermission-noUpload",
    "005-official-InChannelPermission-audioVideoUpload", "007-official-rtm",
}  # fmt: skip
BY_NAME = {vector["name"]: vector for vector in ACCEPTED}
of_all_formats = pytest.mark.parametrize("made", [of_005, of_006, of_007])


def verify(
    text: str,
    *,
    app_id: str = APP_ID,
    certificates: Sequence[str] = (CERTIFICATE,),
    channel: str = CHANNEL,
    uid: int | str = UID,
    now_s: float = MADE_S,
) -> Grant:
    return token.verify(text, app_id, certificates, channel, uid, now_s)


def refusal(text: str, **changes: Any) -> ChannelError:
    with pytest.raises(ChannelError) as refused:
        verify(text, **changes)
    return refused.value


def when(content: dict[str, Any]) -> float:
    """A moment at which a token of the vectors has not ended."""
    made_s: float = content["ends"] - 86_400 if content["version"] == "006" else content["made"]
    end_s: float = content["ends"] if content["version"] == "005" and content["ends"] else FOREVER
    return min(made_s, end_s - 1)


@pytest.mark.parametrize("vector", ACCEPTED, ids=lambda vector: vector["name"])
def test_tokens_of_the_published_builders_are_read_verified_and_admitted(vector: dict[str, Any]) -> None:
    app_id, certificate, uid = vector["app_id"], vector["certificate"], vector["uid"]
    channel = vector["channel"] or CHANNEL
    read = token.read(vector["token"])
    content = read.content()
    assert _as_json(content) == vector["content"]
    assert getattr(read, "signature") in (vector["signature"].encode(), bytes.fromhex(vector["signature"]))  # noqa: B009
    assert read.is_of(app_id) and read.is_signed(certificate, channel, uid)
    assert not read.is_signed(SECONDARY, channel, uid)
    arguments = vector["token"], app_id, [certificate], channel, uid, when(content)
    if vector["name"] not in OTHER_PURPOSES:
        assert token.verify(*arguments).may(Privilege.JOIN, when(content))
    else:
        with pytest.raises(ChannelError, match=r"not for joining|not for calls"):
            token.verify(*arguments)


def _as_json(value: Any) -> Any:
    """Keys as JSON has them."""
    if isinstance(value, dict):
        return {str(name): _as_json(item) for name, item in value.items()}
    return [_as_json(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("vector", REFUSED, ids=lambda vector: vector["name"])
def test_what_was_changed_or_is_in_the_wrong_place_is_refused(vector: dict[str, Any]) -> None:
    base = BY_NAME[vector["of"]]
    now_s = when(base["content"])

    def admitted(text: str, changes: dict[str, Any]) -> Grant:
        asked = {"certificate": base["certificate"], "channel": base["channel"], "uid": base["uid"], "now_s": now_s}
        asked |= {name: changes[name] for name in asked if name in changes}
        return token.verify(
            text, base["app_id"], [asked["certificate"]], asked["channel"], asked["uid"], asked["now_s"]
        )

    assert admitted(base["token"], {}).may(Privilege.JOIN, now_s)
    with pytest.raises(ChannelError) as refused:
        admitted(vector["token"], vector)
    expected = errors.TOKEN_EXPIRED if "now_s" in vector else errors.TOKEN_INVALID
    assert refused.value.code == expected


def test_without_a_certificate_the_app_id_suffices_and_a_token_is_refused() -> None:
    assert verify("", certificates=()) == WITHOUT_CERTIFICATE
    refused = refusal(of_007(), certificates=())
    assert (refused.code, refused.reason) == (
        119,
        "this App has no certificate to verify a token with: join without one",
    )


def test_with_a_certificate_there_must_be_a_token() -> None:
    refused = refusal("")
    assert (refused.code, refused.reason) == (120, "this App asks for a token: get one to join with")


@of_all_formats
def test_both_certificates_are_good(made: Any) -> None:
    for certificate in (CERTIFICATE, SECONDARY):
        text = made(certificate=certificate)
        assert verify(text, certificates=(CERTIFICATE, SECONDARY)) == verify(text, certificates=(certificate,))
    assert refusal(made(certificate="0" * 32), certificates=(CERTIFICATE, SECONDARY)).code == 110


@of_all_formats
@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"certificates": (SECONDARY,)}, "was not made .*with a certificate of this App"),
        ({"certificates": (CERTIFICATE.lower()[::-1],)}, "was not made .*with a certificate of this App"),
        ({"channel": "garage"}, "channel"),
        ({"uid": UID + 1}, "uid"),
        ({"uid": 0}, "uid"),
        ({"app_id": APP_ID[::-1]}, "another App ID"),
    ],
    ids=str,
)
def test_a_token_for_something_else_is_refused(made: Any, changes: dict[str, Any], why: str) -> None:
    refused = refusal(made(), **changes)
    assert (refused.code, refused.remedy) == (110, Remedy.ASK_A_HUMAN)
    with pytest.raises(ChannelError, match=f"invalid token: it .*{why}.*; get one for this App, channel and uid"):
        raise refused


def test_only_a_channel_key_knows_its_app_id_in_any_case() -> None:
    assert verify(of_005(), app_id=APP_ID.lower()) == verify(of_005())
    for made in (of_006, of_007):
        assert "another App ID" in refusal(made(), app_id=APP_ID.lower()).reason


@pytest.mark.parametrize(
    ("text", "first_s", "why"),
    [
        (of_005(), MADE_S + 300, "it ended"),
        (of_005(ends_s=MADE_S + 200), MADE_S + 200, "its right to join ended"),
        (of_006(), MADE_S + LASTS_S, "its right to join ended"),
        (of_006(privileges={1: 0}), MADE_S + 86_400, "it ended"),
        (of_007(), MADE_S + LASTS_S, "it ended"),
        (of_007(privileges={1: 60}), MADE_S + 60, "its right to join ended"),
        (of_007(lasts_s=2**32 - 1, privileges={1: 0}), MADE_S + 86_400, "it ended"),
        (of_007(lasts_s=0), MADE_S, "it ended"),
    ],
)
def test_a_token_that_has_ended_is_refused_from_that_second_on(text: str, first_s: float, why: str) -> None:
    assert verify(text, now_s=first_s - 0.001).may(Privilege.JOIN, first_s - 0.001)
    for now_s, ago in ((first_s, 0), (first_s + 86_400, 86_400)):
        refused = refusal(text, now_s=now_s)
        assert refused.code == 109
        assert f"expired token: {why} {ago} s ago; get a new one, or set the hub's clock" == refused.reason


@of_all_formats
def test_a_clock_that_is_behind_locks_nobody_out(made: Any) -> None:
    assert verify(made(), now_s=0.0).may(Privilege.JOIN, 0.0)


def test_the_right_to_publish_is_none_to_join() -> None:
    for text in (of_006(privileges={2: 0}), of_007(privileges={2: 0, 3: 0}), of_007(privileges={})):
        assert "no right to join" in refusal(text).reason


def test_an_audience_may_join_and_not_publish() -> None:
    for text in (of_006(privileges={1: 0}), of_007(privileges={1: 0})):
        grant = verify(text)
        assert (grant.may(Privilege.JOIN, MADE_S), grant.may(Privilege.PUBLISH_AUDIO, MADE_S)) == (True, False)


def test_an_expired_token_that_is_not_genuine_is_just_invalid() -> None:
    assert refusal(of_007(certificate=SECONDARY), now_s=MADE_S + 10 * LASTS_S).code == 110
    assert refusal(of_007(), now_s=MADE_S + 10 * LASTS_S, channel="garage").code == 110


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("0", "none of the formats"),
        ("008" + of_007()[3:], "none of the formats"),
        ("007", "cut off"),
        (of_007() + "ä", "none of the formats"),
        (of_007()[:3] + "ä" + of_007()[4:], "none of the formats"),
        ("\u0660\u0660\u0667" + of_007()[3:], "none of the formats"),
        (of_007() + "\n", "base64"),
        ("007" + "A" * 2_044, "inflated"),
        ("007" + "A" * 2_045, "1 to 2047 characters, and this has 2048"),
        (of_007() * 1_000, "1 to 2047 characters"),
    ],
)
def test_what_is_no_token_is_refused(text: str, why: str) -> None:
    refused = refusal(text)
    assert (refused.code, why in refused.reason) == (110, True)


def test_a_genuine_token_that_cannot_be_read_to_its_end_is_refused() -> None:
    assert "cut off" in refusal(sealed_007(service(1, {1: 0}, CHANNEL, ""), 2)).reason


@of_all_formats
def test_signatures_are_compared_in_constant_time(made: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[bytes] = []
    constant_time = hmac.compare_digest

    def compare_digest(one: bytes, other: bytes) -> bool:
        compared.extend((one, other))
        return constant_time(one, other)

    monkeypatch.setattr(hmac, "compare_digest", compare_digest)
    text = made(certificate=SECONDARY)
    refusal(text)
    assert getattr(token.read(text), "signature") in compared  # noqa: B009


@of_all_formats
def test_nothing_of_a_token_or_a_certificate_is_told_to_anybody(made: Any) -> None:
    for text in (made(), made(certificate=SECONDARY), made()[:-1], made() + "=", made() + "\udcff", "009" + made()):
        for changes in ({"channel": "garage"}, {"certificates": ()}, {"now_s": 2**33}):
            told = "".join(traceback.format_exception(refusal(text, **changes), chain=True))
            secrets = {text[begin : begin + 12] for begin in range(35, len(text) - 12)} | {CERTIFICATE, SECONDARY}
            assert not [secret for secret in secrets if secret in told]
    with pytest.raises(ValueError, match="certificate") as wrong:
        verify(made(), certificates=(f"{CERTIFICATE}x",))
    assert CERTIFICATE not in str(wrong.value)


@pytest.mark.parametrize(
    "changes",
    [
        {"app_id": "x"}, {"certificates": ("",)}, {"certificates": (CERTIFICATE, "")}, {"channel": ""},
        {"channel": "*"}, {"uid": -1}, {"uid": 2**32},
    ],
    ids=str,
)  # fmt: skip
def test_what_the_caller_should_have_checked_is_no_matter_of_tokens(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"App ID|certificate|channel|uid") as wrong:
        verify(of_007("*"), **changes)
    assert not isinstance(wrong.value, ChannelError)
