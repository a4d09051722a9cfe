"""What the values of intercom.toml must be: a check for a key that there is. What they refuse: test_config.py."""

import tomllib
from pathlib import Path

import pytest

from device import checks, config
from device.hubapp import Hub, HubConfigError
from tests.channel.fakehub import make_certificates


def test_every_check_belongs_to_a_key_and_lets_its_default_pass() -> None:
    sections = tomllib.loads(config.DEFAULTS.read_text())
    may_be_empty = {"app_id", "ca_file", "token_file", "apps_file", "tls_cert", "tls_key", "api_listen", "webhook_url"}
    may_be_empty |= {"api_secret_file", "webhook_secret_file"}
    for (section, key), check in checks.CHECKS.items():
        for value in sections[section].values() if key == "*" else [sections[section][key]]:
            if key not in may_be_empty:
                check(value)


def test_a_path_that_holds_a_secret_is_not_repeated() -> None:
    with pytest.raises(ValueError, match="must be a file that can be read: No such file") as refusal:
        checks.check_file("/nowhere/planted-secret")
    assert "planted" not in str(refusal.value)


def test_an_intercom_need_not_be_able_to_read_the_key_of_its_hub(closed: str) -> None:
    with pytest.raises(ValueError, match="must be a file that can be read: Permission denied"):
        checks.CHECKS["hub", "tls_cert"](closed)
    checks.CHECKS["hub", "tls_key"](closed)
    with pytest.raises(ValueError, match="must be a file that can be read: No such file"):
        checks.CHECKS["hub", "tls_key"]("/nowhere/hub.key")


def test_nor_the_apps_file_whose_hub_may_then_be_reached_as_far_as_it_can_tell(closed: str) -> None:
    checks.CHECKS["hub", "apps_file"](closed)
    assert checks.asks_for_tokens(closed)
    assert not checks.asks_for_tokens("")
    with pytest.raises(ValueError, match="must be a file that can be read: No such file"):
        checks.CHECKS["hub", "apps_file"]("/nowhere/apps.toml")


def test_a_key_of_another_certificate_is_refused_as_the_hub_would_refuse_it(tmp_path: Path) -> None:
    make_certificates(tmp_path)

    def wrong(cert: str, key: str) -> str:
        (tmp_path / "a.toml").write_text(f"[hub]\ntls_cert = '{cert}'\ntls_key = '{key}'\n")
        try:
            config.load(tmp_path / "a.toml", needs_app_id=False)
        except config.ConfigError as error:
            return str(error)
        return ""

    assert wrong("hub.pem", "hub.key") == ""
    pair = f"{tmp_path}/hub.pem and {tmp_path}/ca.key"
    told = f"{tmp_path}/a.toml: [hub] tls_key: {pair} are no certificate and its key: KEY_VALUES_MISMATCH"
    assert wrong("hub.pem", "ca.key") == told
    with pytest.raises(HubConfigError, match="no certificate and its key: KEY_VALUES_MISMATCH"):
        Hub("127.0.0.1:0", tls_cert=str(tmp_path / "hub.pem"), tls_key=str(tmp_path / "ca.key"))
    assert wrong("hub.key", "hub.pem").count("are no certificate and its key") == 1
    (line,) = wrong("hub.pem", "none").splitlines()
    assert "[hub] tls_key: must be a file that can be read: No such file" in line


def test_a_key_that_only_the_hub_may_read_is_taken_as_it_is(closed: str) -> None:
    checks.check_pair("/dev/null", closed)
    with pytest.raises(ValueError, match="are no certificate and its key"):
        checks.check_pair("/dev/null", "/dev/null")


@pytest.mark.parametrize(
    "url",
    ["", "example.org", "ftp://example.org", "https://", "https://planted:planted@example.org", "https://exämple.org"],
)
def test_H13_a_webhook_has_an_address_of_http_that_is_not_repeated(url: str) -> None:
    with pytest.raises(ValueError, match="must be an address such as https") as refusal:
        checks.check_webhook(url)
    assert "planted" not in str(refusal.value)


def test_H13_a_webhook_without_tls_is_on_this_machine() -> None:
    for url in ("http://127.0.0.1:8123/x", "http://[::1]/x", "http://localhost/x", "https://example.org/x"):
        checks.check_webhook(url)
    with pytest.raises(ValueError, match="must be https://, as events tell who talks when"):
        checks.check_webhook("http://example.org/planted")


def test_a_webhook_that_is_not_there_is_nothing_to_mask() -> None:
    assert checks.masked_webhook("") == ""
