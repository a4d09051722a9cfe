"""intercom.toml: what is refused, how it is said, and that what is printed means the same."""

import json
import os
import string
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device import config
from device.channel import rules
from tests.channel.fakehub import make_certificates

APP_ID = "0123456789abcdef0123456789abcdef"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder without a configuration."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    return tmp_path


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("config")
    (folder / "right.secret").write_text("0123456789abcdef")
    return folder / "intercom.toml"


def mistakes(file: Path, text: str | bytes, *, needs_app_id: bool = False) -> list[str]:
    """What is wrong with a file of this text, without the name of the file that must begin each line."""
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(config.ConfigError) as raised:
        config.load(file, needs_app_id=needs_app_id)
    lines = str(raised.value).splitlines()
    assert all(line.startswith(f"{file}: ") for line in lines)
    return [line.removeprefix(f"{file}: ") for line in lines]


def test_a_file_needs_only_what_differs(file: Path) -> None:
    file.write_text(f'[channel]\napp_id = "{APP_ID}"\nhub = ["ws://a:1", "wss://b"]\n[audio]\nframe_ms = 10\n')
    loaded = config.load(file)
    assert loaded.channel.hub == ("ws://a:1", "wss://b")
    assert (loaded.audio.frame_ms, loaded.audio.bitrate) == (10, config.load(None, needs_app_id=False).audio.bitrate)


def test_a_side_tone_goes_with_noise_taken_out_and_speech_made_louder(file: Path) -> None:
    file.write_text("[audio]\nsidetone = 40\nnoise = true\ngain = true\n[gate]\nmode = 'voice'\n")
    assert config.load(file, needs_app_id=False).audio.sidetone == 40


def test_the_shipped_file_holds_the_documented_defaults() -> None:
    channel, hub = config.load(needs_app_id=False).channel, config.load(needs_app_id=False).hub
    assert (channel.hub, channel.name, channel.start) == (("ws://127.0.0.1:8800",), "lobby", "joined")
    assert (hub.listen, hub.open) == ("127.0.0.1:8800", False)


def test_every_key_of_the_shipped_file_is_explained() -> None:
    """Each run of keys stands under a comment."""
    lines = config.DEFAULTS.read_text().splitlines()
    for above, line in pairwise(lines):
        if " = " in line and not line.startswith("#") and not above.startswith("["):
            assert above.startswith("#") or " = " in above, line


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("[chanel]", "[chanel]: no such section; did you mean [channel]?"),
        ("[video]", "[video]: no such section"),
        ("colour = 1", "colour: stands before the first section"),
        ("bitrate = 1", "bitrate: stands before the first section; it belongs into [audio]"),
        (
            "call = 1",
            "call: stands before the first section; it belongs into [buttons] or [tap] or [double_tap] or [long_press]",
        ),
        ("audio = 3", "audio: is a section of its own, [audio]"),
        ("[channel]\nnme = 1", "[channel] nme: no such key; did you mean name?"),
        ("[channel]\ntoken = 's3cret'", "[channel] token: no such key; did you mean token_file?"),
        ("[channel]\nbitrate = 1", "[channel] bitrate: no such key; it belongs into [audio]"),
        ("[channel]\nxyzzy = 1", "[channel] xyzzy: no such key"),
        ("[channel]\nuid = '7'", "[channel] uid: must be a whole number; did you mean 7?"),
        ("[audio]\nbitrate = 24000.0", "[audio] bitrate: must be a whole number; did you mean 24000?"),
        ("[audio]\nbitrate = '24k'", "[audio] bitrate: must be a whole number"),
        ("[audio]\nvolume = '30'", "[audio] volume: must be a whole number; did you mean 30?"),
        ("[channel]\nuid = true", "[channel] uid: must be a whole number"),
        ("[channel]\nlabel = 3", '[channel] label: must be text in quotes; did you mean "3"?'),
        ("[channel]\nlabel = ['a']", "[channel] label: must be text in quotes"),
        ("[channel]\ninsecure = 'no'", "[channel] insecure: must be true or false"),
        ("[channel]\ninsecure = 0", "[channel] insecure: must be true or false"),
        ("[channel]\nhub = 'ws://a'", '[channel] hub: must be a list of texts; did you mean ["ws://a"]?'),
        (
            "[channel]\nhub = '192.168.1.10'",
            '[channel] hub: must be a list of texts; did you mean ["ws://192.168.1.10:8800"]?',
        ),
        (
            "[channel]\nhub = ['ws://a', '192.168.1.10']",
            "[channel] hub: a hub has an address such as ws://192.168.1.10:8800 or wss://hub.example.org; "
            'did you mean "ws://192.168.1.10:8800"?',
        ),
        ("[channel]\nhub = [1]", "[channel] hub: must be a list of texts"),
        (
            "[channel]\nhub = ['http://a:1']",
            "[channel] hub: a hub",
        ),
        ("[channel]\nname = ''", "[channel] name: a channel name is needed"),
        (f"[channel]\nname = '{'x' * 65}'", "[channel] name: a channel name has at most 64 bytes, this one has 65"),
        ("[channel]\nname = 'böse'", "[channel] name: a channel name cannot contain 'ö'"),
        ('[channel]\nlabel = "a\\u0007"', "[channel] label: a label cannot contain control characters"),
        ("[channel]\nuid = -1", "[channel] uid: a uid is 0 (the hub assigns one) to 4294967295"),
        ("[channel]\nrole = 'host'", '[channel] role: must be "broadcaster" or "audience", not "host"'),
        ("[channel]\nstart = 'on'", '[channel] start: must be "joined" or "left", not "on"'),
        ("[audio]\nframe_ms = 15", "[audio] frame_ms: must be 10 or 20, not 15"),
        ("[audio]\nbitrate = 5999", "[audio] bitrate: must be 6000 to 128000 bit/s, not 5999"),
        ("[audio]\ncomplexity = 11", "[audio] complexity: must be 0 to 10, not 11"),
        ("[audio]\nequal = 1", "[audio] equal: must be true or false"),
        ("[audio]\nsidetone = 101", "[audio] sidetone: must be 0 to 100, not 101"),
        (
            "[audio]\nsidetone = 40\necho = 'auto'",
            "[audio] sidetone: must be 0 where echo is taken out or half_duplex is true: it is for headsets",
        ),
        ("[audio]\nsidetone = 1\n[gate]\nhalf_duplex = true", "[audio] sidetone: must be 0 where echo is taken out"),
        ("[audio]\ncapture = ''", '[audio] capture: must be the name of an ALSA device, such as "default"'),
        ("[buttons]\nmute = 28", "[buttons] mute: must be a BCM number, 1 to 27, or 0 for not wired, not 28"),
        (
            "[tap]\ncall = 'sing'",
            '[tap] call: must be one of "mute", "talk", "leave", "rejoin", "ring", "volume-up", "volume-down", "", '
            'not "sing"',
        ),
        (
            "[long_press]\nleave = 'mute'",
            '[long_press] leave: must be one of "leave", "rejoin", "ring", "volume-up", "volume-down", "", not "mute"',
        ),
        ("[double_tap]\nleave = 'talk'", "[double_tap] leave: must be one of"),
        (
            "[double_tap]\nmute = 'ring'",
            '[double_tap] mute: must be "": a tap there means mute, and never waits',
        ),
        ("[ring]\nuid = -1", "[ring] uid: a uid is 0"),
        ("[buttons]\ntalk = 5", "[lights] link: pin 5 is taken by [buttons] talk; 0 means not wired"),
        ("[hub]\nlisten = '8800'", '[hub] listen: must be HOST:PORT, such as "127.0.0.1:8800" or "[::1]:8800"'),
        ("[hub]\nlisten = '::1:8800'", '[hub] listen: must be HOST:PORT, such as "127.0.0.1:8800" or "[::1]:8800"'),
        ("[hub]\nlisten = 'a:65536'", '[hub] listen: must be HOST:PORT, such as "127.0.0.1:8800" or "[::1]:8800"'),
        ("[hub]\ntls_key = '/dev/null'", "[hub] tls_cert: is missing; tls_key needs it"),
        ("[hub]\ntls_cert = '/dev/null'", "[hub] tls_key: is missing; tls_cert needs it"),
        ("[hub]\napi_secret_file = 'right.secret'", "[hub] api_listen: is missing; api_secret_file needs it"),
        ("[hub]\nwebhook_secret_file = 'right.secret'", "[hub] webhook_url: is missing; webhook_secret_file needs it"),
        ("[hub]\napi_listen = '8801'", '[hub] api_listen: must be HOST:PORT, such as "127.0.0.1:8800" or "[::1]:8800"'),
        (
            "[hub]\napi_listen = '0.0.0.0:8801'",
            '[hub] api_listen: needs tls_cert and tls_key beyond this machine; "127.0.0.1:8801" keeps it to this one',
        ),
        ("[hub]\nwebhook = 'x'", "[hub] webhook: no such key; did you mean webhook_url?"),
        ('[channel]\n"a\\nb" = 1', "[channel] a\\nb: no such key"),
        ("[channel]\nname = x", "line 2, column 8: is not TOML: Invalid value"),
        ("[channel]\nname = ", "line 2, the end: is not TOML: Invalid value"),
        ("[channel]\nname = 'a", 'line 2, the end: is not TOML: Expected "\'"'),
        (b"[channel]\nname = '\xff'", "is not UTF-8 text (byte 18)"),
    ],
)
def test_one_mistake_gets_one_line_that_says_what_was_meant(file: Path, text: str | bytes, mistake: str) -> None:
    (said,) = mistakes(file, text)
    assert said.startswith(mistake)


@pytest.mark.parametrize(
    "text",
    ["[channel]\nhub = 'wss://me:s3cret@a'", "[channel]\nhub = 's3cret'", "[audio]\nvolume = '101'",
     "[channel]\nname = 7777777777777777777777777777777777777777777777777777777777777777777777777"],
)  # fmt: skip
def test_nothing_is_said_to_be_meant_that_would_be_wrong_too(file: Path, text: str) -> None:
    (said,) = mistakes(file, text)
    assert "did you mean" not in said and "s3cret" not in said


@pytest.mark.parametrize("key", ["ca_file", "token_file"])
@pytest.mark.parametrize("path", ["/nonexistent/s3cret", "s3cret\\u0000"])
def test_an_unreadable_file_is_refused_without_repeating_what_may_be_the_secret_itself(
    file: Path, key: str, path: str
) -> None:
    (said,) = mistakes(file, f'[channel]\n{key} = "{path}"')
    assert said.startswith(f"[channel] {key}: must be a file that can be read: ")
    assert "s3cret" not in said


def test_a_device_needs_an_app_id_and_a_hub_does_not(file: Path) -> None:
    missing = "[channel] app_id: is missing; take the hub's, or make one: openssl rand -hex 16"
    assert mistakes(file, "", needs_app_id=True) == [missing]
    assert mistakes(file, "[channel]\napp_id = ''", needs_app_id=True) == [missing]
    assert config.load(file, needs_app_id=False).channel.app_id == ""
    (wrong,) = mistakes(file, "[channel]\napp_id = '123'", needs_app_id=True)
    assert wrong.startswith("[channel] app_id: an App ID has 32 hexadecimal characters")


def test_a_pin_with_another_mistake_is_not_blamed_twice(file: Path) -> None:
    assert len(mistakes(file, "[buttons]\nmute = 'x'\ntalk = 17")) == 1


def test_a_named_file_must_exist(tmp_path: Path) -> None:
    with pytest.raises(config.ConfigError, match=r"absent.toml: cannot be read: No such file or directory"):
        config.load(tmp_path / "absent.toml")


def test_without_a_name_the_users_own_file_is_found(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = home / ".config" / "intercomd" / "intercom.toml"
    own.parent.mkdir(parents=True)
    own.write_text(f"[channel]\napp_id = '{APP_ID}'")
    assert config.load().channel.app_id == APP_ID
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "elsewhere"))
    with pytest.raises(
        config.ConfigError, match=r"no configuration, neither .* nor .*elsewhere/intercomd/intercom.toml"
    ):
        config.load()


@pytest.mark.parametrize("rest", ["/planted/secret", "?planted", "/x?planted#planted", "#planted"])
def test_H13_whatever_follows_the_host_of_a_webhook_is_masked_when_printed(file: Path, rest: str) -> None:
    file.write_text(f'[hub]\nwebhook_url = "https://example.org:8443{rest}"\n')
    printed = config.as_toml(config.load(file, needs_app_id=False))
    assert 'webhook_url = "https://example.org:8443/***"' in printed and "planted" not in printed
    file.write_text(printed)
    config.load(file, needs_app_id=False)


def test_secrets_of_a_hubs_url_are_masked_when_printed(file: Path) -> None:
    file.write_text("[channel]\nhub = ['wss://a/v1?token=s3cret']")
    assert config.load(file, needs_app_id=False).channel.hub == ("wss://a/v1?token=s3cret",)
    assert 'hub = ["wss://a/v1?***"]' in config.as_toml(config.load(file, needs_app_id=False))
    (said,) = mistakes(file, "[channel]\nhub = 'wss://a/?s3cret'")
    assert said.endswith('did you mean ["wss://a/?***"]?')


def test_a_strange_file_name_is_printed_so_that_it_can_be_read_again(tmp_path: Path, file: Path) -> None:
    strange = tmp_path / 'to\x7fk\x01e"n\\'
    strange.touch()
    file.write_text(written({("channel", "token_file"): str(strange)}))
    loaded = config.load(file, needs_app_id=False)
    file.write_text(config.as_toml(loaded))
    assert config.load(file, needs_app_id=False).channel.token_file == str(strange)


GOOD: dict[tuple[str, str], st.SearchStrategy[Any]] = {
    ("channel", "hub"): st.lists(st.sampled_from(["ws://a", "wss://b:1/v1", "ws://[::1]:8800"]), min_size=1),
    ("channel", "app_id"): st.text(string.hexdigits, min_size=32, max_size=32),
    ("channel", "name"): st.text(sorted(rules.CHANNEL_CHARACTERS), min_size=1, max_size=64),
    ("channel", "label"): st.text(max_size=16).filter(lambda text: text.isprintable()),
    ("channel", "uid"): st.integers(0, rules.UID_MAX),
    ("channel", "insecure"): st.booleans(),
    ("channel", "role"): st.sampled_from(["broadcaster", "audience"]),
    ("channel", "start_muted"): st.booleans(),
    ("channel", "token_file"): st.just(os.devnull),
    ("audio", "capture"): st.text(min_size=1).filter(lambda text: text.isprintable()),
    ("audio", "frame_ms"): st.sampled_from([10, 20]),
    ("audio", "bitrate"): st.integers(6_000, 128_000),
    ("audio", "complexity"): st.integers(0, 10),
    ("hub", "listen"): st.integers(0, 65_535).map(lambda port: f"localhost:{port}"),
    ("hub", "open"): st.booleans(),
}
BAD: dict[tuple[str, str], st.SearchStrategy[Any]] = {
    ("chanel", "name"): st.just("lobby"),
    ("channel", "nam"): st.text(max_size=3),
    ("channel", "hub"): st.sampled_from([["http://a"], [""], "ws://a", 1, True]),
    ("channel", "app_id"): st.text(max_size=31).filter(bool) | st.integers(),
    ("channel", "name"): st.just("") | st.text(min_size=65, max_size=80) | st.booleans(),
    ("channel", "label"): st.text(min_size=65) | st.just("\n"),
    ("channel", "uid"): st.integers(max_value=-1) | st.integers(2**32) | st.booleans() | st.floats(0, 1),
    ("channel", "role"): st.text().filter(lambda text: text not in ("broadcaster", "audience")),
    ("channel", "start_muted"): st.integers() | st.text(),
    ("audio", "frame_ms"): st.integers().filter(lambda number: number not in (10, 20)) | st.text(),
    ("audio", "bitrate"): st.integers(max_value=5_999) | st.integers(128_001),
    ("buttons", "leave"): st.integers(28) | st.integers(max_value=-1) | st.booleans(),
    ("hub", "listen"): st.text().filter(lambda text: ":" not in text) | st.integers(),
}


def written(values: dict[tuple[str, str], Any]) -> str:
    sections: dict[str, dict[str, Any]] = {}
    for (section, key), value in values.items():
        sections.setdefault(section, {})[key] = value
    return "\n".join(
        f"[{section}]\n" + "".join(f"{key} = {toml(value)}\n" for key, value in keys.items())
        for section, keys in sections.items()
    )


def toml(value: Any) -> str:
    """TOML escapes what JSON does, but characters beyond 16 bits as they are, and DEL too."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


@given(values=st.fixed_dictionaries({}, optional=GOOD))
def test_what_is_printed_loads_to_the_same_configuration(file: Path, values: dict[tuple[str, str], Any]) -> None:
    file.write_text(written(values))
    loaded = config.load(file, needs_app_id=False)
    for (section, key), value in values.items():
        assert asdict(loaded)[section][key] == (tuple(value) if key == "hub" else value)
    file.write_text(config.as_toml(loaded))
    assert config.load(file, needs_app_id=False) == loaded


@given(
    good=st.fixed_dictionaries({}, optional=GOOD),
    bad=st.fixed_dictionaries({}, optional=BAD).filter(bool),
)
def test_all_mistakes_are_said_at_once_and_nothing_else(
    file: Path, good: dict[tuple[str, str], Any], bad: dict[tuple[str, str], Any]
) -> None:
    said = mistakes(file, written({**good, **bad}))
    expected = {"[chanel]" if section == "chanel" else f"[{section}] {key}" for section, key in bad}
    assert {line.split(": ")[0] for line in said} == expected
    assert len(said) == len(expected)


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode(errors="replace")))
def test_any_file_at_all_loads_or_says_what_is_wrong(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    try:
        config.load(file, needs_app_id=False)
    except config.ConfigError as error:
        assert all(line.startswith(f"{file}: ") for line in str(error).split("\n"))


@pytest.mark.parametrize(
    ("hub", "own"),
    [
        ("", "ws://127.0.0.1:8800"),
        ('listen = "[::1]:9000"', "ws://[::1]:9000"),
        ('listen = "0.0.0.0:9000"\nopen = true', "ws://127.0.0.1:9000"),
        ('listen = "[::]:9000"\nopen = true', "ws://[::1]:9000"),
        ('listen = "box.local:9000"\nopen = true', "ws://box.local:9000"),
        ('tls_cert = "hub.pem"\ntls_key = "hub.key"', "wss://127.0.0.1:8800"),
    ],
)
def test_without_a_hub_it_is_the_one_of_this_machine(file: Path, hub: str, own: str) -> None:
    if "tls" in hub:
        make_certificates(file.parent)
    file.write_text(f"[hub]\n{hub}")
    assert config.load(file, needs_app_id=False).channel.hub == (own,)


def test_a_hub_for_everybody_has_to_be_open(file: Path) -> None:
    file.write_text('[hub]\nlisten = "0.0.0.0:8800"')
    with pytest.raises(config.ConfigError, match=r"\[hub\] listen: lets anybody on the network join at 0.0.0.0:8800"):
        config.load(file, needs_app_id=False)
    assert config.load(file, needs_app_id=False, hub={"open": True}).hub.open


# The apps file


def test_T2_every_mistake_of_the_apps_file_is_one_of_the_configuration(file: Path) -> None:
    apps = file.with_name("apps.toml")
    apps.write_text(f'[[app]]\nprofile = "Live"\n[[app]]\napp_id = "{APP_ID}"\ncertificat = "planted-secret"\n')
    said = mistakes(file, f"[hub]\napps_file = '{apps}'\nlisten = '0.0.0.0:8800'\n[audio]\nframe_ms = 15\n")
    assert said == [
        f'[hub] apps_file: {apps}: [[app]] 1 profile: must be "communication" or "live", not "Live"',
        f"[hub] apps_file: {apps}: [[app]] 1 app_id: is missing; make one: openssl rand -hex 16",
        f"[hub] apps_file: {apps}: [[app]] 2 certificat: no such key; did you mean certificate?",
        "[audio] frame_ms: must be 10 or 20, not 15",
    ]


def test_T2_a_hub_that_is_reached_from_elsewhere_asks_for_tokens_or_is_open(file: Path) -> None:
    apps = file.with_name("apps.toml")
    text = f"[hub]\nlisten = '0.0.0.0:8800'\napps_file = '{apps}'\n"
    apps.write_text(f'[[app]]\napp_id = "{APP_ID}"\ncertificate = "{APP_ID}"\n')
    file.write_text(text)
    assert config.load(file, needs_app_id=False).hub.apps_file == str(apps)
    apps.write_text(f'[[app]]\napp_id = "{APP_ID}"\n')
    (said,) = mistakes(file, text)
    assert said.startswith("[hub] listen: lets anybody on the network join at 0.0.0.0:8800; open = true allows that")
    file.write_text(f"{text}open = true\n")
    assert config.load(file, needs_app_id=False).hub.open


# Files


def test_a_file_without_a_folder_is_beside_the_configuration(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.with_name("beside.token").write_text("a token")
    monkeypatch.chdir(tmp_path)
    file.write_text("[channel]\ntoken_file = 'beside.token'\nca_file = ''\n")
    loaded = config.load(file, needs_app_id=False).channel
    assert (loaded.token_file, loaded.ca_file) == (str(file.with_name("beside.token")), "")
    assert mistakes(file, "[channel]\ntoken_file = 'nowhere'\n") == [
        "[channel] token_file: must be a file that can be read: No such file or directory"
    ]


def test_it_may_be_looked_at_as_if_it_were_in_another_folder(file: Path, tmp_path: Path) -> None:
    (tmp_path / "there.token").write_text("a token")
    file.write_text("[channel]\ntoken_file = 'there.token'\n")
    loaded = config.load(file, needs_app_id=False, beside=tmp_path)
    assert loaded.channel.token_file == str(tmp_path / "there.token")


@pytest.mark.parametrize(
    "url", ["wss://h:8800/#PLANTED", "ws://u:PLANTED@h", "ws:/u:PLANTED@h", "PLANTED", "ws://h?PLANTED#x"]
)
def test_of_a_hub_only_an_address_is_quoted(file: Path, url: str) -> None:
    assert "PLANTED" not in "".join(mistakes(file, f"[channel]\nhub = ['{url}']"))
    (line,) = mistakes(file, "[channel]\nhub = ['ftp://x:80']")
    assert line.endswith(', not "ftp://x:80"')
    (line,) = mistakes(file, "[channel]\nhub = ['http://x:80']")
    assert line.endswith('; did you mean "ws://x:80"?')


@pytest.mark.parametrize("secret", ["", "x" * 15, "x" * 1_025])
def test_H12_H13_a_secret_that_the_hub_would_refuse_is_a_mistake(file: Path, secret: str) -> None:
    file.with_name("secret").write_text(secret)
    (line,) = mistakes(file, "[hub]\napi_listen = '127.0.0.1:8801'\napi_secret_file = 'secret'\n")
    assert line.startswith(f"[hub] api_secret_file: holds {len(secret)} bytes, not 16 to 1024; openssl rand -hex 32")


def test_a_byte_order_mark_is_no_mistake(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbf[channel]\nname = 'attic'\n")
    assert config.load(file, needs_app_id=False).channel.name == "attic"
