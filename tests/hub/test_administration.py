"""What a hub has for its administrators is there as configured, over restarts, and else refused in one line."""

import asyncio
import importlib.util
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from device.hubapp import Hub, HubConfigError, HubError
from device.restart import RestartError
from tests.daemon import ROOT, Daemon, free_port
from tests.hub.guest import guest
from tests.hub.house import APP, Refused
from tests.hub.office import BAN, HOOK_SECRET, RULES, SECRET, clerk, office, secret_file
from tests.hub.receiver import Receiver
from tests.hub.test_succession import House, cannot_be_started
from tests.timing import seconds, until

LIST = f"{RULES}?appid={APP}"


# What is refused


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"api_listen": "8801"}, "must be HOST:PORT"),
        ({"api_listen": "127.0.0.1:0"}, "api_secret_file is missing in \\[hub\\]: openssl rand -hex 32"),
        ({"webhook_url": "https://a.example"}, "webhook_secret_file is missing"),
        ({"api_listen": "127.0.0.1:0", "api_secret_file": "/nowhere"}, "api_secret_file cannot be read: No such file"),
        ({"api_listen": "127.0.0.1:0", "api_secret_file": "a\0b"}, "api_secret_file cannot be read: not a path"),
        ({"api_listen": "127.0.0.1:0", "api_secret_file": "SHORT"}, "holds 5 bytes, not 16 to 1024"),
        ({"api_listen": "127.0.0.1:0", "api_secret_file": "LONG"}, "holds 5000 bytes, not 16 to 1024"),
        ({"api_listen": "0.0.0.0:0", "api_secret_file": "GOOD"}, "beyond this machine needs TLS: set tls_cert"),
    ],
)
def test_H12_settings_that_make_no_sense_are_refused_with_what_to_do(
    tmp_path: Path, settings: dict[str, str], says: str
) -> None:
    contents = {"SHORT": "short", "LONG": "x" * 5_000, "GOOD": SECRET}
    for key, value in settings.items():
        if value in contents:
            (tmp_path / value).write_text(contents[value])
            settings = {**settings, key: str(tmp_path / value)}
    with pytest.raises(HubConfigError, match=says) as refusal:
        Hub("127.0.0.1:0", **settings)  # type: ignore[arg-type]
    assert "\n" not in str(refusal.value) and SECRET not in str(refusal.value)


def test_H12_without_aiohttp_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(HubConfigError, match=f"need aiohttp: {sys.prefix}/bin/pip install aiohttp"):
        office(tmp_path)
    Hub("127.0.0.1:0")


def test_a_hub_without_an_office_does_not_even_import_aiohttp() -> None:
    program = "import device.hubapp, sys; device.hubapp.Hub('127.0.0.1:0'); print('aiohttp' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", program], cwd=ROOT) == b"False\n"


async def test_H12_a_port_in_use_is_one_line_and_nothing_is_left_open(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        hub = office(tmp_path, f"127.0.0.1:{port}")
        with pytest.raises(HubError, match=rf"the API cannot listen on 127\.0\.0\.1:{port}: Address already in use"):
            await hub.start()
    with socket.create_server(("127.0.0.1", hub.port)):
        pass


async def test_H12_the_port_of_the_hub_itself_is_none_for_the_api(tmp_path: Path) -> None:
    port = free_port()
    secret = secret_file(tmp_path, SECRET)
    hub = Hub(f"127.0.0.1:{port}", api_listen=f"127.0.0.1:{port}", api_secret_file=secret)
    with pytest.raises(HubError, match=r"the API cannot listen .*: Address already in use; end what listens there"):
        await hub.start()
    with socket.create_server(("127.0.0.1", port)):
        pass


async def test_H12_a_secret_may_be_a_credential_of_the_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "api-secret").write_text(SECRET)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    async with Hub("127.0.0.1:0", api_listen="127.0.0.1:0") as hub, clerk(hub) as boss:
        assert (await boss.json("GET", LIST))[0] == 200


async def test_H12_ipv6_works_too(tmp_path: Path) -> None:
    async with office(tmp_path, "[::1]:0") as hub, clerk(hub) as boss:
        assert hub.api_url.startswith("http://[::1]:")
        assert (await boss.json("GET", LIST))[0] == 200


async def test_H12_there_is_none_unless_it_is_configured() -> None:
    async with Hub("127.0.0.1:0") as hub:
        assert hub.api_url == "" and "webhooks_lost" not in hub.snapshot()


# Restarts


async def banned(hub: Hub, uid: int = 7) -> bool:
    async with guest(hub.url) as someone:
        try:
            await someone.join(uid)
        except Refused:
            return True
        return False


async def test_a_hub_that_keeps_nothing_says_so_and_how_it_would(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    async with Hub("127.0.0.1:0", state_dir=tmp_path):
        pass
    assert not [line for line in caplog.messages if "STATE_DIRECTORY" in line]
    async with Hub("127.0.0.1:0"):
        pass
    (line,) = [line for line in caplog.messages if "STATE_DIRECTORY" in line]
    assert line.startswith("rules and the key of all seats are not kept over a crash: ")


async def test_H11_a_ban_outlives_a_restart_and_so_does_its_deletion(tmp_path: Path) -> None:
    state_dir = tmp_path / "state"
    async with office(tmp_path, state_dir=state_dir) as hub, clerk(hub) as boss:
        await boss.json("POST", RULES, json=BAN)
    async with office(tmp_path, state_dir=state_dir) as hub, clerk(hub) as boss:
        assert await banned(hub)
        await boss.json("DELETE", RULES, json={"appid": APP, "id": 1})
    async with office(tmp_path, state_dir=state_dir) as hub:
        assert not await banned(hub)


async def test_H11_a_rule_is_on_the_disk_soon_and_not_only_at_the_end(tmp_path: Path) -> None:
    async with office(tmp_path, state_dir=tmp_path / "state") as hub, clerk(hub) as boss:
        await boss.json("POST", RULES, json=BAN)
        await asyncio.to_thread(until, lambda: (tmp_path / "state" / "rules.json").exists())


@pytest.mark.parametrize("keeps", [False, True])
async def test_H11_rules_and_the_port_of_the_api_go_over_to_the_next_process(tmp_path: Path, keeps: bool) -> None:
    options: dict[str, Any] = {"api_listen": "127.0.0.1:0", "api_secret_file": secret_file(tmp_path)}
    if keeps:
        options["state_dir"] = str(tmp_path / "state")
    async with House(**options) as house, clerk(house.now) as boss:
        old, url = house.now, house.now.api_url
        await boss.json("POST", RULES, json=BAN)
        await house.restart()
        assert house.now.api_url == url and await banned(house.now)
        assert (await boss.json("GET", LIST))[0] == 503, "on a connection to the old one"
        async with clerk(house.now) as another:
            status, answer = await another.json("GET", LIST)
            assert (status, [rule["uid"] for rule in answer["rules"]]) == (200, [7])
            await another.json("DELETE", RULES, json={"appid": APP, "id": 1})
        await old.stop()
        await house.now.stop()
    if keeps:
        async with Hub("127.0.0.1:0", state_dir=tmp_path / "state") as hub:
            assert not await banned(hub), "the old one has not written over it"


async def test_H12_while_a_successor_does_not_come_up_the_api_goes_on(tmp_path: Path) -> None:
    options = {"api_listen": "127.0.0.1:0", "api_secret_file": secret_file(tmp_path)}
    async with House(**options) as house, clerk(house.now) as boss:
        await boss.json("POST", RULES, json=BAN)
        with pytest.raises(RestartError):
            await house.now.hand_over(cannot_be_started)
        assert (await boss.json("GET", LIST))[0] == 200
        async with clerk(house.now) as another:
            assert (await another.json("GET", LIST))[0] == 200
        assert await banned(house.now)


async def test_H12_a_successor_without_an_api_lets_its_port_go(tmp_path: Path) -> None:
    options = {"api_listen": "127.0.0.1:0", "api_secret_file": secret_file(tmp_path)}
    async with House(**options) as house:
        old, port = house.now, int(house.now.api_url.rpartition(":")[2])
        house.options = {}
        await house.restart()
        assert house.now.api_url == ""
        await old.stop()
        with socket.create_server(("127.0.0.1", port)):
            pass


async def test_H13_the_next_process_tells_who_leaves_and_nobody_has_left_meanwhile(tmp_path: Path) -> None:
    async with Receiver() as receiver:
        options = {"webhook_url": receiver.url, "webhook_secret_file": secret_file(tmp_path, HOOK_SECRET)}
        async with House(**options) as house, guest(house.now.url) as someone:
            await someone.join(7)
            await receiver.until(101, 103)
            await house.restart()
            await someone.ask("leave")
            await receiver.until(101, 103, 104, 102)
    assert len({event["noticeId"] for event in receiver.events}) == 4


# As a daemon


async def test_H11_H12_H13_as_a_daemon_it_does_all_of_it_and_no_secret_is_in_its_log(tmp_path: Path) -> None:
    """Not root; with the configuration that people write."""
    async with Receiver() as receiver:
        for content in (SECRET, HOOK_SECRET):
            Path(secret_file(tmp_path, content)).chmod(0o644)
        config = f"""[channel]
app_id = "{APP}"
[hub]
listen = "127.0.0.1:0"
api_listen = "127.0.0.1:0"
api_secret_file = "{tmp_path}/{SECRET}.file"
webhook_url = "{receiver.url}"
webhook_secret_file = "{tmp_path}/{HOOK_SECRET}.file"
"""
        tmp_path.chmod(0o755)
        with Daemon("hub", "--log-level", "debug", config=config) as daemon:
            line = await asyncio.to_thread(daemon.wait_for, "administrators find it at ")
            url = line.rpartition(" ")[2]
            hub_url = (await asyncio.to_thread(daemon.wait_for, "the hub listens at ")).rpartition(" ")[2]
            async with guest(hub_url) as someone, clerk(Hub("127.0.0.1:0"), url=url) as boss:
                await someone.join(7)
                assert (await boss.json("POST", RULES, json=BAN))[0] == 200
                await someone.closed()
            payloads = await receiver.until(101, 103, 104, 102)
            assert payloads[2]["reason"] == 3
            code, took_s = await asyncio.to_thread(daemon.end)
        assert code == 0 and took_s < seconds(2)
        assert "planted" not in "\n".join(daemon.log)
