"""`intercomd token` as people type it: what is made is admitted, and what is not admitted says why."""

import io
import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from device import cli
from device.channel import token
from device.channel.errors import ChannelError
from device.channel.grant import Grant, Privilege
from tests.channel.tokens import (
    ACCEPTED,
    APP_ID,
    CERTIFICATE,
    CHANNEL,
    LASTS_S,
    MADE_S,
    SECONDARY,
    UID,
    of_005,
    of_006,
    of_007,
    sealed_007,
    service,
)
from tests.shell import intercomd


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    file = tmp_path / "certificate"
    file.write_text(f"{CERTIFICATE}\n")
    return file


@pytest.fixture
def say(certificate: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """Types `intercomd token ...`; the exit code, stdout and stderr are what it returns."""

    def say(action: str, *arguments: object, **named: object) -> tuple[int, str, str]:
        names = {"app_id": APP_ID, "certificate_file": certificate, "channel": CHANNEL, "uid": UID, **named}
        options = [f"--{name.replace('_', '-')}={value}" for name, value in names.items()]
        try:
            code = cli.main(["token", action, *options, *map(str, arguments)])
        except SystemExit as end:
            code = int(end.code or 0)
        said = capsys.readouterr()
        return code, said.out, said.err

    return say


def grant(text: str, now_s: float, channel: str = CHANNEL, uid: int = UID) -> Grant:
    return token.verify(text.strip(), APP_ID, [CERTIFICATE], channel, uid, now_s)


def test_a_token_is_made_and_verified_from_the_first_line_of_python_to_the_last(certificate: Path) -> None:
    where = ("--app-id", APP_ID, "--certificate-file", certificate, "--channel", CHANNEL, "--uid", str(UID))
    made = intercomd("token", "make", *where)
    assert (made.returncode, made.stdout.count("\n"), made.stderr) == (0, 1, "")
    verified = intercomd("token", "verify", *where, made.stdout.strip())
    assert (verified.returncode, verified.stderr) == (0, "")
    assert json.loads(verified.stdout)["admitted"] is True
    refused = intercomd("token", "verify", *where[:-1], "8", made.stdout.strip())
    assert refused.returncode == 1
    assert json.loads(refused.stdout)["admitted"] is False
    assert refused.stderr == (
        f"intercomd: invalid token: it is for uid {UID}, not for 8; get one for this App, channel and uid (110)\n"
    )


def test_the_name_of_a_file_is_no_token_and_says_how_one_is_read(say: Any, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("007")
    code, out, err = say("verify", str(file))
    assert (code, out) == (2, "") and "a file is read by - < FILE" in err


@pytest.mark.parametrize("kind", ["006", "007"])
def test_what_is_made_is_good_for_as_long_as_was_asked_for(say: Any, kind: str) -> None:
    before_s = int(time.time())
    code, text, _ = say("make", "--seconds=60", f"--format={kind}")
    assert code == 0 and text.startswith(kind)
    given = grant(text, before_s)
    assert set(given.ends_s) == set(Privilege)
    assert before_s + 60 <= given.usable_until_s <= time.time() + 60
    assert set(given.ends_s.values()) == {given.usable_until_s}
    with pytest.raises(ChannelError, match="expired"):
        grant(text, given.usable_until_s)


def test_each_token_is_made_with_a_salt_of_its_own(say: Any) -> None:
    salts = {token.content(say("make")[1].strip())["salt"] for _ in range(5)}
    assert len(salts) > 3 and all(1 <= salt <= 99_999_999 for salt in salts)


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ("--role=broadcaster", set(Privilege)),
        ("--role=audience", {Privilege.JOIN}),
        ("--privileges=join,publish-audio", {Privilege.JOIN, Privilege.PUBLISH_AUDIO}),
        ("--privileges=publish-data,join", {Privilege.JOIN, Privilege.PUBLISH_DATA}),
    ],
)
def test_a_token_is_for_a_role_or_for_some_privileges(say: Any, asked: str, given: set[Privilege]) -> None:
    for kind in ("006", "007"):
        code, text, _ = say("make", asked, f"--format={kind}")
        assert (code, set(grant(text, time.time()).ends_s)) == (0, given)


def test_a_token_may_be_for_everybody_and_for_many_channels(say: Any) -> None:
    text = say("make", channel="floor*", uid=0)[1]
    assert grant(text, time.time(), "floor2", 5).may(Privilege.JOIN, time.time())
    with pytest.raises(ChannelError, match="another channel"):
        grant(text, time.time(), "cellar", 5)


@pytest.mark.parametrize(
    ("action", "arguments", "named", "why"),
    [
        ("make", ("--role=singer",), {}, "invalid choice: 'singer'"),
        ("make", ("--privileges=join,sing",), {}, "there is no privilege 'sing', only join, publish-audio,"),
        ("make", ("--privileges=publish-audio",), {}, "without the privilege to join"),
        ("make", ("--role=audience", "--privileges=join"), {}, "not allowed with"),
        ("make", ("--seconds=0",), {}, "must be 1 to 86400"),
        ("make", ("--seconds=86401",), {}, "must be 1 to 86400"),
        ("make", ("--format=005",), {}, "invalid choice: '005'"),
        ("make", ("--format=006",), {"channel": "*"}, "in 006 a token is for one channel; 007 knows *"),
        ("make", (), {"channel": "a/b"}, "a channel name cannot contain '/'"),
        ("make", (), {"app_id": "x"}, "an App ID has 32 hexadecimal characters"),
        ("make", (), {"uid": 2**32}, "must be 0 to 4294967295"),
        (
            "make",
            (),
            {"certificate_file": "/nonexistent"},
            "must be a file that can be read: No such file or directory",
        ),
        ("verify", ("x",), {"certificate_file": CERTIFICATE}, "must be a file that can be read: No such file"),
        ("verify", ("x",), {"channel": "*"}, "a channel name cannot contain '*'"),
        ("verify", ("x", "--now=soon"), {}, "must be 0 to"),
        ("verify", (), {}, "required: TOKEN"),
    ],
)
def test_wrong_usage_is_exit_code_2_and_says_what_would_be_right(
    say: Any, action: str, arguments: tuple[str, ...], named: dict[str, Any], why: str
) -> None:
    code, out, err = say(action, *arguments, **named)
    assert (code, out) == (2, "")
    assert err.startswith("usage: intercomd token") and why in err
    assert CERTIFICATE not in err


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "must hold a certificate"),
        (f"{CERTIFICATE}\n{SECONDARY}\n{SECONDARY}".encode(), "must hold a certificate, and in a second line"),
        (b"planted-secret", "the certificate of an App has 32 hexadecimal characters"),
        (f"{CERTIFICATE}\nplanted-secret".encode(), "the certificate of an App has 32 hexadecimal characters"),
        (b"\xffplanted-secret", "must be a file that can be read: no text"),
    ],
)
def test_a_file_without_a_certificate_is_wrong_usage_and_is_not_quoted(
    say: Any, certificate: Path, content: bytes, why: str
) -> None:
    certificate.write_bytes(content)
    code, out, err = say("make")
    assert (code, out) == (2, "")
    assert why in err and "planted" not in err and CERTIFICATE not in err


def test_a_second_certificate_is_good_to_verify_with(say: Any, certificate: Path) -> None:
    certificate.write_text(f"{SECONDARY}\n{CERTIFICATE}\n")
    assert say("verify", of_007(), now=MADE_S)[0] == 0
    made = say("make")[1].strip()
    certificate.write_text(f"{CERTIFICATE}\n")
    code, _, err = say("verify", made)
    assert (code, "was not made with a certificate of this App" in err) == (1, True)


def test_the_content_is_one_json_object_with_the_end_of_everything(say: Any) -> None:
    code, out, err = say("verify", of_007(privileges={1: 0, 2: 60}), now=MADE_S)
    assert (code, err) == (0, "")
    assert json.loads(out) == {
        "admitted": True, "version": "007", "app_id": APP_ID, "made": MADE_S, "lasts": LASTS_S, "salt": 7,
        "services": [{"type": 1, "privileges": {"1": 0, "2": 60}, "channel": CHANNEL, "uid": str(UID)}],
        "usable_until": MADE_S + LASTS_S, "until": {"join": None, "publish-audio": MADE_S + 60},
    }  # fmt: skip


@pytest.mark.parametrize("vector", ACCEPTED, ids=lambda vector: vector["name"])
def test_the_content_of_what_others_make_is_shown_whether_it_is_admitted_or_not(
    say: Any, certificate: Path, vector: dict[str, Any]
) -> None:
    certificate.write_text(vector["certificate"])
    named = {"channel": vector["channel"] or CHANNEL, "app_id": vector["app_id"]}
    _, out, _ = say("verify", vector["token"], now=1_111_000, uid=1, **named)
    shown = json.loads(out)
    assert {name: shown[name] for name in vector["content"]} == vector["content"]


@pytest.mark.parametrize(
    ("text", "named", "why"),
    [
        (
            of_007(),
            {"now": MADE_S + LASTS_S},
            "expired token: it ended 0 s ago; get a new one, or set the hub's clock (109)",
        ),
        (of_007(), {"app_id": APP_ID.lower()}, "invalid token: it is of another App ID"),
        (of_006(), {"channel": "garage"}, "invalid token: it was not made for this channel and uid with a certificate"),
        (
            of_005(service=2),
            {},
            "invalid token: it is a Channel Key for recording, not for joining; get one for this App",
        ),
        (sealed_007(service(2, {1: 0}, "me"), 1), {}, "invalid token: it is for another service, not for calls;"),
        (of_007(certificate=SECONDARY), {}, "invalid token: it was not made with a certificate of this App; get one"),
    ],
)
def test_who_would_not_be_admitted_is_told_why_and_what_to_do(
    say: Any, text: str, named: dict[str, Any], why: str
) -> None:
    code, out, err = say("verify", text, **{"now": MADE_S, **named})
    assert (code, err.count("\n")) == (1, 1)
    assert err.startswith(f"intercomd: {why}")
    shown = json.loads(out)
    assert (shown["admitted"], shown["version"]) == (False, text[:3])
    assert "until" not in shown


@pytest.mark.parametrize("text", ["", "x", "007", of_007()[:-5], sealed_007(service(1, {1: 0}, "cut"), 1)])
def test_what_cannot_be_read_has_no_content(say: Any, text: str) -> None:
    code, out, err = say("verify", text)
    assert (code, json.loads(out)) == (1, {"admitted": False})
    assert err.startswith("intercomd: ") and err.count("\n") == 1


def test_a_token_can_come_from_standard_input(say: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a command line everybody on the machine could read it."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{of_007()}\n"))
    assert say("verify", "-", now=MADE_S)[0] == 0


def test_no_signature_is_shown(say: Any) -> None:
    for made in (of_005, of_006, of_007):
        out = say("verify", made(), now=MADE_S)[1]
        signature = getattr(token.read(made()), "signature")  # noqa: B009
        assert signature.hex() not in out.lower() and signature.decode("ascii", "replace") not in out
