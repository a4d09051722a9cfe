"""A hub is assembled from plain values, and what it cannot be it says in one line."""

import asyncio
import os
import socket
import ssl
import stat
from pathlib import Path
from typing import Any

import pytest

from device import hubapp
from device.channel.address import read_listen
from device.hub import keys
from device.hubapp import Hub, HubError, keep_serving, serve
from tests import unprivileged
from tests.hub.guest import guest
from tests.hub.house import APP, OTHER_APP, Refused
from tests.timing import seconds


@pytest.mark.parametrize(
    ("listen", "parts"),
    [("127.0.0.1:8800", ("127.0.0.1", 8800)), ("[::1]:0", ("::1", 0)), ("localhost:65535", ("localhost", 65535))],
)
def test_where_to_listen_is_host_and_port(listen: str, parts: tuple[str, int]) -> None:
    assert read_listen(listen) == parts


@pytest.mark.parametrize("listen", ["", "8800", ":8800", "127.0.0.1", "127.0.0.1:", "127.0.0.1:http", "x:65536"])
def test_anything_else_is_an_error_that_shows_how(listen: str) -> None:
    with pytest.raises(HubError, match='such as "127'):
        Hub(listen)


@pytest.mark.parametrize("listen", ["0.0.0.0:8800", "[::]:8800", "192.168.1.2:8800", "hub.example:8800"])
def test_beyond_loopback_it_has_to_be_open(listen: str) -> None:
    with pytest.raises(HubError) as refusal:
        Hub(listen)
    assert "open = true" in str(refusal.value) and "\n" not in str(refusal.value)
    Hub(listen, open=True)


@pytest.mark.parametrize("listen", ["127.0.0.1:0", "127.9.9.9:0", "[::1]:0", "localhost:0"])
def test_loopback_needs_no_permission(listen: str) -> None:
    Hub(listen)


async def test_it_tells_where_it_is() -> None:
    hub = Hub("localhost:0")
    assert hub.snapshot() == {}
    async with hub:
        assert hub.port > 0 and hub.url == f"ws://localhost:{hub.port}"
        async with guest(hub.url) as someone:
            await someone.join()
            assert hub.snapshot()["seats"] == 1
    await hub.stop()


async def test_ipv6_works_too() -> None:
    async with Hub("[::1]:0") as hub, guest(hub.url) as someone:
        assert hub.url == f"ws://[::1]:{hub.port}"
        await someone.join()


# A socket that systemd has opened


async def test_it_listens_on_the_socket_that_it_was_given_wherever_that_is() -> None:
    with socket.create_server(("127.0.0.1", 0)) as given:
        port, sockets = given.getsockname()[1], {"intercomd-hub.socket": given.dup()}
        async with Hub("127.0.0.1:8800", sockets=sockets) as hub, guest(hub.url) as someone:
            assert hub.url == f"ws://127.0.0.1:{port}"
            assert given.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 20_000
            await someone.join()


def test_a_given_socket_opens_the_hub_to_nobody_who_is_not_wanted() -> None:
    with socket.create_server(("0.0.0.0", 0)) as given:
        port = given.getsockname()[1]
        with pytest.raises(HubError, match=f"join at 0.0.0.0:{port}: set open = true"):
            Hub("127.0.0.1:8800", sockets={"x": given})


def test_a_hub_listens_on_one_tcp_socket() -> None:
    with socket.socket() as one, socket.socket() as two, pytest.raises(HubError, match="one TCP socket"):
        Hub("127.0.0.1:8800", sockets={"one": one, "two": two})
    with socket.socket(socket.AF_UNIX) as local, pytest.raises(HubError, match="one TCP socket"):
        Hub("127.0.0.1:8800", sockets={"local": local})


async def test_a_port_in_use_is_one_line() -> None:
    async with Hub("127.0.0.1:0") as hub:
        with pytest.raises(HubError, match=r"cannot listen on 127\.0\.0\.1:\d+: Address already in use"):
            await Hub(f"127.0.0.1:{hub.port}").start()


async def test_a_port_in_use_is_waited_for(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hubapp, "RETRY_S", 0.01)
    caplog.set_level("DEBUG")
    made: list[Hub] = []
    async with Hub("127.0.0.1:0") as first:

        def make() -> Hub:
            made.append(Hub(f"127.0.0.1:{first.port}"))
            return made[-1]

        serving = asyncio.create_task(keep_serving(make))
        while len(made) < 3:
            await asyncio.sleep(0.001)
    async with asyncio.timeout(seconds(5)):
        while "the hub works after" not in caplog.text:
            await asyncio.sleep(0.001)
    async with guest(made[-1].url) as someone:
        await someone.join()
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving
    complaints = [record.levelname for record in caplog.records if "cannot listen" in record.message]
    assert complaints[0] == "WARNING" and set(complaints[1:]) == {"DEBUG"}


async def test_a_hub_that_makes_no_sense_is_not_tried_again() -> None:
    with pytest.raises(hubapp.HubConfigError):
        await keep_serving(lambda: Hub("nowhere"))


async def test_it_serves_only_its_apps() -> None:
    async with Hub("127.0.0.1:0", app_ids=[APP]) as hub, guest(hub.url) as someone:
        with pytest.raises(Refused) as refusal:
            await someone.ask("join", appId=OTHER_APP, channel="lobby")
        assert refusal.value.code == 401
        await someone.join()


def test_an_app_id_has_to_be_one() -> None:
    with pytest.raises(HubError, match="32 hexadecimal characters"):
        Hub("127.0.0.1:0", app_ids=["mine"])


async def test_sessions_outlive_a_restart_with_a_state_directory(tmp_path: Path) -> None:
    async def rejoin(state_dir: Path | None, claim: dict[str, Any]) -> dict[str, Any]:
        async with Hub("127.0.0.1:0", state_dir=state_dir) as hub, guest(hub.url) as someone:
            return await someone.ask("rejoin", appId=APP, channel="lobby", **claim)

    folder = tmp_path / "made" / "by the hub"
    async with Hub("127.0.0.1:0", state_dir=folder) as hub, guest(hub.url) as someone:
        seat = await someone.join(7)
    claim = {"uid": 7, "session": seat["session"]}
    back = await rejoin(folder, claim)
    assert (back["uid"], back["session"], back["resumed"]) == (7, seat["session"], False)
    with pytest.raises(Refused):
        await rejoin(None, claim)
    assert stat.S_IMODE((folder / keys.KEY_FILE).stat().st_mode) == 0o600


def test_a_broken_key_is_replaced_with_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / keys.KEY_FILE).write_bytes(b"short")
    (tmp_path / "hub.new").write_bytes(b"left over")
    Hub("127.0.0.1:0", state_dir=tmp_path)
    assert "5 bytes instead of 32" in caplog.text
    key = (tmp_path / keys.KEY_FILE).read_bytes()
    assert len(key) == 32 and [path.name for path in tmp_path.iterdir()] == [keys.KEY_FILE]
    Hub("127.0.0.1:0", state_dir=tmp_path)
    assert (tmp_path / keys.KEY_FILE).read_bytes() == key


async def test_a_hub_whose_key_cannot_be_kept_says_so_and_serves(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    async with Hub("127.0.0.1:0", state_dir=tmp_path / "file") as hub, guest(hub.url) as someone:
        seat = await someone.join(7)
        async with guest(hub.url) as again:
            assert (await again.ask("rejoin", appId=APP, channel="lobby", uid=7, session=seat["session"]))["resumed"]
    assert [record.message for record in caplog.records if "cannot keep the hub's key" in record.message]


async def test_nor_does_a_folder_that_is_closed_to_it_keep_it_from_serving(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tmp_path.chmod(0)
    root = os.geteuid() == 0
    if root:
        os.seteuid(unprivileged.NOBODY)
    try:
        hub = Hub("127.0.0.1:0", state_dir=tmp_path)
    finally:
        if root:
            os.seteuid(0)
        tmp_path.chmod(0o700)
    assert "(Permission denied): no seat outlives its next start" in caplog.text
    async with hub, guest(hub.url) as someone:
        await someone.join()


def test_a_key_that_the_hub_may_not_read_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", closed)
    with pytest.raises(HubError, match=r"hub.crt or hub.key: Permission denied; .*sudo chgrp intercom, sudo chmod 640"):
        Hub("127.0.0.1:0", tls_cert="hub.crt", tls_key="hub.key")


def test_tls_needs_both_files_and_readable_ones(tmp_path: Path) -> None:
    with pytest.raises(HubError, match="set tls_cert and tls_key"):
        Hub("127.0.0.1:0", tls_cert="cert.pem")
    with pytest.raises(HubError, match="cannot read"):
        Hub("127.0.0.1:0", tls_cert=str(tmp_path / "none"), tls_key=str(tmp_path / "none"))
    (tmp_path / "cert.pem").write_text("no certificate")
    with pytest.raises(HubError, match="no certificate and its key"):
        Hub("127.0.0.1:0", tls_cert=str(tmp_path / "cert.pem"), tls_key=str(tmp_path / "cert.pem"))


@pytest.mark.parametrize("rounds", [0, 1, 2, 5])
async def test_serve_stops_the_hub_whenever_it_is_cancelled(rounds: int) -> None:
    hub = Hub("127.0.0.1:0")
    task = asyncio.get_running_loop().create_task(serve(hub, asyncio.Event()))
    while not hub.port:
        await asyncio.sleep(0)
    for _ in range(rounds):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, seconds(5))
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", hub.port)
