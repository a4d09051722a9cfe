"""What a configuration may say and hardly means."""

from pathlib import Path

import pytest

from device import config
from device.doubts import doubts

APP_ID = "0123456789abcdef0123456789abcdef"


def doubted(file: Path, text: str) -> list[str]:
    file.write_text(f'[channel]\napp_id = "{APP_ID}"\n{text}')
    return doubts(config.load(file))


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
    for folder in (tmp_path, *tmp_path.parents):
        folder.chmod(folder.stat().st_mode | 0o001)
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


def test_a_token_that_would_go_to_nobody(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("a token")
    token.chmod(0o600)
    told = f'token_file = "{token}"\nhub = ["ws://127.0.0.1:8800", "ws://192.0.2.2:8800", "wss://a"]\n'
    (line,) = doubted(tmp_path / "a.toml", told)
    assert line.startswith("[channel] hub: the token does not go to ws://192.0.2.2:8800 in clear; write wss://")
    assert doubted(tmp_path / "a.toml", f"{told}insecure = true") == []
