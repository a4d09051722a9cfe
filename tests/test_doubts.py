"""What a configuration may say and hardly means."""

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from device import config
from device.doubts import doubts

APP_ID = "0123456789abcdef0123456789abcdef"


def doubted(file: Path, text: str) -> list[str]:
    file.write_text(f'[channel]\napp_id = "{APP_ID}"\n{text}')
    return doubts(config.load(file))


def let_everybody_through(path: Path) -> None:
    for folder in (path, *path.parents):
        if not folder.stat().st_mode & 0o001:  # others' folders let everybody through, or these tests cannot run
            folder.chmod(folder.stat().st_mode | 0o001)


def test_nothing_is_doubtful_about_the_defaults(tmp_path: Path) -> None:
    assert doubted(tmp_path / "a.toml", "") == []


@pytest.mark.parametrize("buttons", ["", "[buttons]\ntalk = 0", "[buttons]\ntalk = 23\n[tap]\ntalk = ''"])
def test_push_to_talk_without_anything_to_push(tmp_path: Path, buttons: str) -> None:
    (line,) = doubted(tmp_path / "a.toml", f"[gate]\nmode = 'push-to-talk'\n{buttons}")
    assert line == "[gate] mode: push-to-talk, and no button talks; give talk a pin in [buttons]"


@pytest.mark.parametrize("buttons", ["[buttons]\ntalk = 23", "[tap]\nmute = 'talk'"])
def test_push_to_talk_with_a_button_is_well(tmp_path: Path, buttons: str) -> None:
    assert doubted(tmp_path / "a.toml", f"[gate]\nmode = 'push-to-talk'\n{buttons}") == []


def test_a_secret_that_everybody_may_read(tmp_path: Path) -> None:
    let_everybody_through(tmp_path)
    secret = tmp_path / "api.secret"
    secret.write_text("0123456789abcdef0123456789abcdef")
    text = f'[hub]\napi_listen = "127.0.0.1:8801"\napi_secret_file = "{secret}"'
    secret.chmod(0o644)
    (line,) = doubted(tmp_path / "a.toml", text)
    assert line.startswith("[hub] api_secret_file: everybody on this machine may read that file; chmod")
    secret.chmod(0o640)
    assert doubted(tmp_path / "a.toml", text) == []
    secret.chmod(0o644)
    tmp_path.chmod(0o700)
    assert doubted(tmp_path / "a.toml", text) == [], "nobody comes so far"


def test_a_certificate_of_an_app_that_everybody_may_read(tmp_path: Path) -> None:
    let_everybody_through(tmp_path)
    apps, certificate = tmp_path / "apps.toml", tmp_path / "main.cert"
    apps.write_text(f'[[app]]\napp_id = "{APP_ID}"\ncertificate_file = "main.cert"\n')
    certificate.write_text("f" * 32)
    apps.chmod(0o640)
    certificate.chmod(0o644)
    (line,) = doubted(tmp_path / "a.toml", f'[hub]\napps_file = "{apps}"')
    assert line == (
        f"[hub] apps_file: everybody on this machine may read {certificate}, which it names; "
        "chmod o-rwx takes that away"
    )
    certificate.chmod(0o640)
    assert doubted(tmp_path / "a.toml", f'[hub]\napps_file = "{apps}"') == []


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("api_listen = '127.0.0.1:8801'", "api_secret_file"),
        ("webhook_url = 'https://example.org/x'", "webhook_secret_file"),
    ],
)
def test_a_hub_that_would_not_start_for_want_of_a_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, key: str
) -> None:
    credential = key.removesuffix("_file").replace("_", "-")
    (line,) = doubted(tmp_path / "a.toml", f"[hub]\n{text}")
    assert line == (
        f'[hub] {key}: is missing, and the hub does not start without it, or the credential "{credential}"; '
        "openssl rand -hex 32 makes what belongs into it"
    )
    assert doubts(config.load(tmp_path / "a.toml"), of_hub=False) == [], "another process is the hub"
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    (tmp_path / credential).write_text("0123456789abcdef0123456789abcdef")
    assert doubted(tmp_path / "a.toml", f"[hub]\n{text}") == []


def test_a_hub_that_would_not_start_for_want_of_a_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    secret = tmp_path / "secret"
    secret.write_text("0123456789abcdef0123456789abcdef")
    secret.chmod(0o600)
    text = f"[hub]\napi_listen = '127.0.0.1:8801'\napi_secret_file = '{secret}'"
    (line,) = doubted(tmp_path / "a.toml", text)
    needs = "[hub] api_listen: needs aiohttp, without which the hub does not start"
    assert line == f"{needs}; {sys.prefix}/bin/pip install aiohttp"


def test_what_the_hub_has_to_read_and_nobody_could_look_at(closed: str) -> None:
    loaded = config.load(config.DEFAULTS, needs_app_id=False)
    loaded = replace(loaded, hub=replace(loaded.hub, apps_file=closed))
    (line,) = doubts(loaded)
    assert line == "[hub] apps_file: this user may not read it, so it was not checked; the hub's user has to be able to"
    assert doubts(loaded, of_hub=False) == []


def test_a_token_that_would_go_to_nobody(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("a token")
    token.chmod(0o600)
    told = f'token_file = "{token}"\nhub = ["ws://127.0.0.1:8800", "ws://192.0.2.2:8800", "wss://a"]\n'
    (line,) = doubted(tmp_path / "a.toml", told)
    assert line.startswith("[channel] hub: the token does not go to ws://192.0.2.2:8800 in clear; write wss://")
    assert doubted(tmp_path / "a.toml", f"{told}insecure = true") == []
