"""The apps file: what it comes to, and every mistake in it at once, in words that help."""

import pytest

from device.channel.rules import Profile
from device.hub import apps
from device.hub.apps import App, Apps, AppsError
from tests.hub.house import APP, OTHER_APP
from tests.hub.passes import CERTIFICATE, SECONDARY

FILES = {"main.cert": f"{CERTIFICATE}\n", "short.cert": "abc", "empty.cert": ""}
NAMED = f'[[app]]\napp_id = "{APP}"\n'


def read_file(name: str) -> str:
    if name not in FILES:
        raise ValueError("cannot be read: No such file or directory")
    return FILES[name]


def read(text: str) -> Apps:
    return apps.read(text, read_file)


def mistakes(text: str) -> list[str]:
    with pytest.raises(AppsError) as refused:
        read(text)
    return str(refused.value).splitlines()


def test_H3_a_file_names_several_apps_each_with_what_it_asks_for() -> None:
    found = read(
        f'{NAMED}certificate_file = "main.cert"\ncertificate_secondary = "{SECONDARY}"\nprofile = "communication"\n'
        f'co_host = true\nmax_seats = 8\nmax_publishers = 3\n[[app]]\napp_id = "{OTHER_APP.upper()}"\n'
    )
    assert found.find(APP.upper()) == App(
        APP, (CERTIFICATE, SECONDARY), Profile.COMMUNICATION, co_host=True, max_seats=8, max_publishers=3, listed=True
    )
    assert found.find(OTHER_APP) == App(OTHER_APP.upper(), listed=True), "the rest has defaults"
    assert found.find("0" * 32) is None


def test_apps_without_a_file_are_those_named_or_every_one() -> None:
    assert Apps.of_ids([]).find(APP) == App(APP)
    assert Apps.of_ids([APP.upper()]).find(APP) == App(APP.upper())
    assert Apps.of_ids([APP]).find(OTHER_APP) is None
    with pytest.raises(ValueError, match="32 hexadecimal"):
        Apps.of_ids(["mine"])


def test_T2_nobody_comes_in_with_an_app_id_alone_if_each_has_a_certificate() -> None:
    certified = f'{NAMED}certificate = "{CERTIFICATE}"\n'
    assert read(certified).ask_for_tokens
    assert not read(f'{certified}[[app]]\napp_id = "{OTHER_APP}"\n').ask_for_tokens
    assert not Apps.of_ids([]).ask_for_tokens and not Apps.of_ids([APP]).ask_for_tokens


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("", "[[app]]: is missing: a hub serves the Apps that are named here"),
        ("app = []", "[[app]]: is missing: a hub serves the Apps that are named here"),
        ("[[app]", "line 1, column 6: is not TOML: Expected ']]' at the end of an array declaration"),
        ("[app]", "app: must be [[app]], in two pairs of brackets, for each App"),
        ("app = 7", "app: must be [[app]], in two pairs of brackets, for each App"),
        ("app = [7]", "app: must be [[app]], in two pairs of brackets, for each App"),
        (f"profile = 'live'\n{NAMED}", "profile: stands before the first [[app]]"),
        (f"{NAMED}[[apps]]", "apps: no such section; did you mean [[app]]?"),
        (f"{NAMED}[hub]", "hub: no such section"),
        (f"colour = 1\n{NAMED}", "colour: no such key"),
        ("[[app]]", "[[app]] 1 app_id: is missing; make one: openssl rand -hex 16"),
        ("[[app]]\napp_id = 'x'", "[[app]] 1 app_id: an App ID has 32 hexadecimal characters, such as 0123456789abc"),
        (
            f"{NAMED}{NAMED.upper().replace('APP_ID', 'app_id').replace('[[APP', '[[app')}",
            "[[app]] 1 app_id: stands tw",
        ),
        (f"{NAMED}certificat = ''", "[[app]] 1 certificat: no such key; did you mean certificate?"),
        (f"{NAMED}certificate = 'x'", "[[app]] 1 certificate: the certificate of an App has 32 hexadecimal characters"),
        (f"{NAMED}certificate = {'1' * 32}", "[[app]] 1 certificate: must be text in quotes"),
        (f"{NAMED}certificate_file = 7", '[[app]] 1 certificate_file: must be text in quotes; did you mean "7"?'),
        (f"{NAMED}certificate_file = 'none'", "[[app]] 1 certificate_file: cannot be read: No such file or directory"),
        (f"{NAMED}certificate_file = 'short.cert'", "[[app]] 1 certificate_file: the certificate of an App has 32"),
        (f"{NAMED}certificate_file = 'empty.cert'", "[[app]] 1 certificate_file: the certificate of an App has 32"),
        (
            f"{NAMED}certificate_file = 'main.cert'\ncertificate = '{CERTIFICATE}'",
            "[[app]] 1 certificate_file: must be empty: there is certificate, too",
        ),
        (
            f"{NAMED}certificate_secondary = '{SECONDARY}'",
            "[[app]] 1 certificate: is missing; certificate_secondary stands beside one",
        ),
        (
            f"{NAMED}certificate = '{CERTIFICATE}'\ncertificate_secondary = '{CERTIFICATE}'",
            "[[app]] 1 certificate_secondary: is the same as certificate",
        ),
        (f"{NAMED}profile = 'Live'", '[[app]] 1 profile: must be "communication" or "live", not "Live"'),
        (f"{NAMED}co_host = 'yes'", "[[app]] 1 co_host: must be true or false"),
        (f"{NAMED}co_host = true", "[[app]] 1 co_host: needs a certificate: the right to publish is in a token"),
        (f"{NAMED}max_seats = 0", "[[app]] 1 max_seats: must be 1 to 500, not 0"),
        (f"{NAMED}max_publishers = 501", "[[app]] 1 max_publishers: must be 1 to 500, not 501"),
        (f"{NAMED}max_seats = '8'", "[[app]] 1 max_seats: must be a whole number; did you mean 8?"),
        (f"{NAMED}max_seats = '900'", "[[app]] 1 max_seats: must be a whole number"),
        (f'{NAMED}"a\\nb" = 1', "[[app]] 1 a\\nb: no such key"),
    ],
)
def test_one_mistake_gets_a_line_that_says_what_was_meant(text: str, mistake: str) -> None:
    assert mistakes(text)[0].startswith(mistake)
    assert "did you mean 900" not in mistakes(text)[0]


def test_a_file_is_refused_whole_with_all_its_mistakes() -> None:
    text = f"colour = 1\n{NAMED}co_host = 1\nprofile = 2\n[[app]]\nmax_seats = 0\n{NAMED}certificate = 'x'\n"
    assert [line.partition(":")[0] for line in mistakes(text)] == [
        "colour", "[[app]] 1 co_host", "[[app]] 1 profile", "[[app]] 1 app_id", "[[app]] 2 max_seats",
        "[[app]] 2 app_id", "[[app]] 3 certificate", "[[app]] 3 app_id",
    ]  # fmt: skip


def test_a_certificate_is_neither_in_a_mistake_nor_in_a_repr() -> None:
    secret = CERTIFICATE[:-1]
    said = mistakes(f"{NAMED}certificate = '{secret}'\ncertificate_secondary = {'7' * 32}\n")
    assert len(said) == 2 and not [line for line in said if secret in line or "77" in line]
    assert CERTIFICATE not in repr(read(f'{NAMED}certificate = "{CERTIFICATE}"\n'))
