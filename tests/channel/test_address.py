"""Where a hub is: what people write, what is dialled, and what may be shown."""

import pytest

from device.channel import address


@pytest.mark.parametrize(
    ("url", "dialled", "shown"),
    [
        ("ws://127.0.0.1:8800", "ws://127.0.0.1:8800/v1", "ws://127.0.0.1:8800"),
        ("  wss://hub.example.org/ ", "wss://hub.example.org/v1", "wss://hub.example.org:443"),
        ("ws://hub.local", "ws://hub.local/v1", "ws://hub.local:80"),
        ("ws://[::1]:8800/own/path", "ws://[::1]:8800/own/path", "ws://[::1]:8800"),
        ("WS://HUB.local:1", "ws://HUB.local:1/v1", "ws://hub.local:1"),
    ],
)
def test_what_people_write(url: str, dialled: str, shown: str) -> None:
    hub = address.read(url)
    assert (hub.url, str(hub)) == (dialled, shown)


def test_a_query_is_dialled_and_never_shown() -> None:
    hub = address.read("wss://hub.example.org/v1?key=SECRET")
    assert hub.url.endswith("?key=SECRET")
    assert "SECRET" not in f"{hub} {hub!r}"


@pytest.mark.parametrize(
    "url",
    [
        "", "hub.local", "http://hub.local", "ws://", "ws://:8800", "ws://hub:port", "ws://hub:65536", "ws://[::1",
        "ws://user:SECRET@hub.local", "ws://hub.local#SECRET", "ws://küche.local",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ValueError, match="hub") as refused:
        address.read(url)
    assert "SECRET" not in str(refused.value)
    assert refused.value.__cause__ is None


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("192.168.1.10", "ws://192.168.1.10:8800"), ("192.168.1.10:8801", "ws://192.168.1.10:8801"),
        (" hub.local/ ", "ws://hub.local:8800"), ("hub:8800", "ws://hub:8800"), ("localhost", "ws://localhost:8800"),
        ("[fe80::1]", "ws://[fe80::1]:8800"), ("[::1]:8801", "ws://[::1]:8801"), ("::1", "ws://[::1]:8800"),
        ("http://hub.local", "ws://hub.local:8800"), ("https://hub.local:8443/", "wss://hub.local:8443"),
        ("ws://hub.local", "ws://hub.local"), ("wss://hub.local/v1?key=x", "wss://hub.local/v1?key=x"),
        ("", ""), ("0123SECRET", ""), ("hub.local:99999", ""), ("user:SECRET@hub.local", ""), ("hub.local/SECRET", ""),
        ("hub.local:port", ""), ("[::1", ""), ("ws://user:SECRET@hub.local", ""), ("2026:11", "ws://2026:11"),
    ],
)  # fmt: skip
def test_who_left_something_out_is_told_an_address_that_is_one(text: str, meant: str) -> None:
    assert address.meant(text) == meant
    if meant:
        address.read(meant)


@pytest.mark.parametrize(
    ("host", "is_loopback"),
    [
        ("127.0.0.1", True), ("127.3.2.1", True), ("[::1]", True), ("localhost", True),
        ("192.168.1.10", False), ("0.0.0.0", False), ("hub.local", False), ("localhost.example.org", False),
    ],
)  # fmt: skip
def test_what_cannot_leave_this_machine(host: str, is_loopback: bool) -> None:
    assert address.read(f"ws://{host}:8800").is_loopback is is_loopback


def test_A9_a_stream_is_called_by_its_hub_channel_and_uid() -> None:
    assert address.stream_url("wss://hub:443", "lobby", 7) == "wss://hub:443/v1/lobby/7"
    assert address.stream_url("ws://[::1]:1", "a b#?%=", 1) == "ws://[::1]:1/v1/a%20b%23%3F%25%3D/1"
