"""What happens outside of a running intercom, with real processes: what comes of the call, of mute, uid and channel.

How long it takes is measured by scripts/bench faults; here is what has to hold however slow the machine is.
"""

import asyncio
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from device.channel.client import Client
from device.failure import NO_MEMORY
from tests.box import folder
from tests.call import Call, Party
from tests.channel.fakehub import make_certificates
from tests.daemon import APP_ID, Daemon, DeviceDaemon, HubDaemon, free_port
from tests.soundcard import Bench
from tests.test_app import hears
from tests.timing import seconds, until
from tests.wallclock import DAY_S, WallClock


def place(party: Party) -> tuple[Any, ...]:
    """What nothing that happens may change."""
    status = party.daemon.ask("status")
    return status["uid"], status["channel"], status["muted"], status["volume"]


def talker_uids(party: Party) -> list[int]:
    return [talker["uid"] for talker in party.daemon.ask("status")["talkers"]]


def test_a_card_that_is_unplugged_leaves_the_seat_the_stream_and_mute_as_they_were() -> None:
    with Call() as call:
        first, second = call.parties
        before = place(first)
        (uid,) = talker_uids(second)
        second.daemon.ask("mute")
        for device in (first.mic, first.spk):
            device.unplug()
        until(lambda: first.daemon.ask("status")["capture"]["state"] == "absent")
        until(lambda: first.daemon.ask("status")["playback"]["state"] == "absent")
        assert place(first) == before
        assert first.daemon.ask("status")["state"] == "in-call"
        for device in (first.mic, first.spk):
            device.set_ppm(300)  # it is another device that has this name now
            device.plug()
        until(lambda: first.daemon.ask("status")["microphone_open"])
        until(lambda: first.daemon.ask("status")["playback"]["state"] == "running")
        assert hears(first.mic, second.spk).missed == 0
        assert hears(second.mic, first.spk).missed == 3, "it is muted"
        assert (place(first), talker_uids(second)) == (before, [uid])
        assert first.daemon.ask("status")["link"]["reconnects"] == 0
        warned = [line for line in first.daemon.log if "WARNING" in line and "trying on" in line]
        assert len(warned) == 2, "one line for each way"


def test_one_that_is_killed_and_started_again_has_its_seat_its_uid_and_its_mute_and_the_others_see_no_ghost() -> None:
    with Call() as call:
        first, second = call.parties
        uids = talker_uids(second)
        first.daemon.ask("mute")
        first.daemon.ask("volume", volume=60)
        saved = first.state / "state.json"
        until(lambda: '"muted": true' in saved.read_text() and '"volume": 60' in saved.read_text())
        before = place(first)
        first.daemon.kill()
        call.restart(0)
        assert place(first) == before
        assert not first.daemon.ask("status")["microphone_open"]
        first.daemon.ask("unmute")
        assert hears(first.mic, second.spk).missed == 0
        assert talker_uids(second) == uids
        session = saved.read_text().split('"session": "')[1].split('"')[0]
        assert not [line for line in (*first.daemon.log, *call.hub.log) if session in line]
        assert session not in str(first.daemon.ask("status"))


# The wall clock


def test_a_wall_clock_that_steps_changes_nothing_in_a_call_over_tls() -> None:
    with folder() as readable:
        certificates, clock = make_certificates(readable), WallClock(readable)
        for file in readable.iterdir():
            file.chmod(0o644)
        tls = f'[hub]\ntls_cert = "{readable}/hub.pem"\ntls_key = "{readable}/hub.key"'
        port = free_port()
        with Bench() as bench, Daemon("hub", "--listen", f"127.0.0.1:{port}", config=tls, env=clock.env) as hub:
            hub.wait_for("listens")
            channel = {"hub": [f"wss://127.0.0.1:{port}"], "ca_file": certificates.ca_file}
            mic, spk = bench.device("mic"), bench.device("spk")
            bench.device("mic2"), bench.device("spk2")
            with (
                DeviceDaemon(hub_url="", env=bench.env("mic", "spk2") | clock.env, channel=channel) as first,
                DeviceDaemon(hub_url="", env=bench.env("mic2", "spk") | clock.env, channel=channel) as second,
            ):
                for daemon in (first, second):
                    daemon.until_state("in-call")
                before = [len(daemon.log) for daemon in (first, second)]
                for ahead_s, step in ((DAY_S, mic.unplug), (-DAY_S, mic.plug)):
                    clock.set(ahead_s)
                    said = len(first.log)
                    step()
                    until(lambda said=said: len(first.log) > said)  # type: ignore[misc]
                    day = time.strftime("%Y-%m-%d", time.localtime(time.time() + ahead_s))
                    assert first.log[-1].startswith(day), "what it says tells that it has seen the step"
                until(lambda: first.ask("status")["microphone_open"])
                assert hears(mic, spk).missed == 0
                assert [len(daemon.log) for daemon in (first, second)] == [before[0] + 2, before[1]], second.log
                assert [daemon.ask("status")["link"]["reconnects"] for daemon in (first, second)] == [0, 0]


# The disk

# What a process is started with so that, for it alone, this is so.
WITH_A_FULL_DISK = 'mount -t tmpfs -o size=8k,mode=777 none "$0" && ! head -c 1M /dev/zero >"$0/full" 2>/dev/null'
WITH_A_READ_ONLY_ROOT = "mount --bind /tmp /tmp && mount -o remount,bind,ro /"


@pytest.mark.root
@pytest.mark.parametrize("disk", [WITH_A_FULL_DISK, WITH_A_READ_ONLY_ROOT])
def test_a_disk_that_takes_nothing_is_said_once_and_is_all(disk: str, tmp_path: Path) -> None:
    state = tmp_path if disk is WITH_A_FULL_DISK else Path("/var/lib/intercomd-test")
    tmp_path.chmod(0o755)
    prefix = ("unshare", "--mount", "sh", "-c", f'{disk} && exec "$@"', str(state))
    with Bench() as bench, HubDaemon(prefix=prefix, env={"STATE_DIRECTORY": str(state)}) as hub:
        bench.device("mic")
        bench.device("spk")
        hub.wait_for("cannot keep the hub's key")
        env = bench.env("mic", "spk") | {"STATE_DIRECTORY": str(state)}
        with DeviceDaemon(hub.url, env=env, prefix=prefix) as device:
            device.until_state("in-call")
            until(lambda: device.ask("status")["microphone_open"])
            for method in ("mute", "unmute", "mute"):
                device.ask(method)
                time.sleep(0.05)  # for the thread that saves; it is a thread that fails here
            assert device.ask("status")["muted"]
            assert device.end()[0] == 0
            assert len([line for line in device.log if "a restart forgets" in line]) == 1
            assert not [line for line in device.log if "Traceback" in line]


def test_a_log_that_nobody_takes_stops_nothing() -> None:
    with Bench() as bench, HubDaemon() as hub:
        bench.device("mic")
        bench.device("spk")
        prefix = ("sh", "-c", 'exec "$@" >/dev/full 2>&1', "sh")
        with DeviceDaemon(hub.url, env=bench.env("mic", "spk"), prefix=prefix) as device:
            device.until_state("in-call")
            bench.devices["mic"].unplug()
            until(lambda: device.ask("status")["capture"]["state"] == "absent")
            assert device.end()[0] == 0


# Memory


async def crowd(hub: HubDaemon) -> None:
    """More and more join, until the hub is no more."""
    clients: list[Client] = []

    async def gather() -> None:
        while True:
            clients.append(Client([hub.url]))
            clients[-1].init(APP_ID)
            await clients[-1].join(None, "lobby")

    gathering = asyncio.create_task(gather())
    async with asyncio.timeout(seconds(60)):
        while hub.alive:
            await asyncio.wait([gathering], timeout=0.05)
            assert not gathering.done(), gathering
    gathering.cancel()
    await asyncio.gather(*(client.leave() for client in clients))


def size_bytes(daemon: Daemon) -> int:
    return int(Path(f"/proc/{daemon.pid}/status").read_text().split("VmSize:")[1].split()[0]) * 1_024


def test_a_hub_without_memory_ends_with_one_line_and_a_code_that_starts_it_anew() -> None:
    with HubDaemon() as hub:
        enough = size_bytes(hub)
    with HubDaemon(prefix=("prlimit", f"--as={enough + 1_500_000}")) as hub:
        asyncio.run(crowd(hub))
        code = hub.end()[0]
        # The kernel ends it where the stack may not grow (setrlimit(2)): rare, and started anew as well.
        # What comes before is which configuration it has, that it keeps nothing, and where it listens.
        assert (code, hub.log[3:]) in [(1, [f"CRITICAL {NO_MEMORY}"]), (-signal.SIGSEGV, [])]
