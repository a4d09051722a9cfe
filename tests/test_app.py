"""The appliance as a whole: real processes, real ALSA on the virtual card, a real hub on loopback."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from device.channel import messages
from tests.box import folder
from tests.call import Call
from tests.channel.fakehub import FakeHub
from tests.daemon import APP_ID, Daemon, DeviceDaemon, HubDaemon, free_port
from tests.soundcard import Bench, Device, chirps
from tests.timing import seconds, until

SECOND = 48_000


def hears(mouth: Device, ear: Device, count: int = 3) -> chirps.MouthToEar:
    """Say some chirps into a microphone and look for them in a speaker."""
    sound, at = chirps.stimulus(count)
    begin = round(mouth.frame()) + SECOND // 10
    mouth.put(sound, begin)
    until(lambda: mouth.frame() > begin + len(sound) + SECOND // 2, within_s=30)
    return chirps.measure(mouth, ear, begin, at)


def test_two_devices_hear_each_other_at_once() -> None:
    with Call() as call:
        first, second = call.parties
        sound, at = chirps.stimulus(6)
        other, other_at = chirps.stimulus(6, seed=2)
        begin = round(first.mic.frame()) + SECOND // 10
        first.mic.put(sound, begin)
        second.mic.put(other, begin)
        until(lambda: first.mic.frame() > begin + max(len(sound), len(other)) + SECOND // 2, within_s=30)
        there = chirps.measure(first.mic, second.spk, begin, at)
        back = chirps.measure(second.mic, first.spk, begin, other_at)
        assert there.missed == back.missed == 0
        status = second.daemon.ask("status")
    (talker,) = status["talkers"]
    assert talker["label"] == "room 0"
    assert status["state"] == "in-call"
    assert status["channel"] == "lobby"
    assert status["capture"]["state"] == status["playback"]["state"] == "running"
    assert abs(talker["latency_ms"] - np.median(there.latency_ms)) < 25


@pytest.mark.alone
@pytest.mark.unmeasured
def test_P5_of_nine_devices_each_hears_the_eight_others_and_nobody_himself() -> None:
    """One after the other, all with open microphones."""
    with Call(ppm=[0.0] * 9, audio={"complexity": 0}) as call:
        sound, at = chirps.stimulus(2)
        begin = round(call.parties[0].mic.frame()) + SECOND // 5
        begins = [begin + number * (len(sound) + SECOND // 5) for number in range(len(call.parties))]
        for party, first in zip(call.parties, begins, strict=True):
            party.mic.put(sound, first)
        end = begins[-1] + len(sound) + SECOND // 2
        until(lambda: min(party.mic.frame() for party in call.parties) > end, within_s=60)
        for mouth, first in zip(call.parties, begins, strict=True):
            missed = [chirps.measure(mouth.mic, ear.spk, first, at).missed for ear in call.parties]
            assert missed == [2 if ear is mouth else 0 for ear in call.parties]


def test_a_muted_microphone_is_not_heard_and_an_unmuted_one_is() -> None:
    with Call() as call:
        first, second = call.parties
        assert first.daemon.ask("mute")["muted"]
        assert hears(first.mic, second.spk).missed == 3
        assert hears(second.mic, first.spk).missed == 0
        assert not first.daemon.ask("unmute")["muted"]
        assert hears(first.mic, second.spk).missed == 0


def test_who_wants_to_hear_himself_does_in_the_call_while_his_microphone_is_open() -> None:
    with Call(ppm=[0.0], audio={"sidetone": 80}) as call:
        (alone,) = call.parties
        assert hears(alone.mic, alone.spk).missed == 0
        alone.daemon.ask("mute")
        assert hears(alone.mic, alone.spk).missed == 3
        alone.daemon.ask("unmute")
        alone.daemon.ask("leave")
        alone.daemon.until_state("left")
        assert hears(alone.mic, alone.spk).missed == 3


def test_leave_is_silence_and_rejoin_is_the_call_again() -> None:
    with Call() as call:
        first, second = call.parties
        first.daemon.ask("leave")
        first.daemon.until_state("left")
        assert hears(first.mic, second.spk).missed == 3
        until(lambda: not second.daemon.ask("status")["talkers"])
        first.daemon.ask("rejoin")
        first.daemon.until_state("in-call")
        until(lambda: len(second.daemon.ask("status")["talkers"]) == 1)
        assert hears(first.mic, second.spk).missed == 0


def test_while_the_hub_is_away_it_claims_to_hear_nobody() -> None:
    with Call() as call:
        device = call.parties[0].daemon
        status = device.ask("status")
        assert (len(status["talkers"]), status["hub_number"]) == (1, 1)
        call.hub.end()
        device.until_state("offline")
        assert device.ask("status")["talkers"] == []


def test_it_joins_when_the_hub_comes_and_comes_back_when_the_hub_does() -> None:
    port = free_port()
    with Bench() as bench:
        bench.device("mic")
        bench.device("spk")
        with DeviceDaemon(f"ws://127.0.0.1:{port}", env=bench.env("mic", "spk")) as device:
            device.until_state("joining")
            with HubDaemon(port):
                device.until_state("in-call")
            until(lambda: device.ask("status")["state"] != "in-call")
            with HubDaemon(port):
                device.until_state("in-call")
            assert device.end()[0] == 0
            assert not [line for line in device.log if "Traceback" in line]


def test_a_refusal_is_in_its_status_until_it_is_no_more() -> None:
    with Bench() as bench:
        bench.device("mic")
        bench.device("spk")
        port = free_port()
        with Daemon("hub", "--listen", f"127.0.0.1:{port}", config=f'[channel]\napp_id = "{"f" * 32}"') as hub:
            hub.wait_for("listens")
            with DeviceDaemon(f"ws://127.0.0.1:{port}", env=bench.env("mic", "spk")) as device:
                device.wait_for("does not serve")
                status = device.ask("status")
                assert status["problem"] == {
                    "hub": f"ws://127.0.0.1:{port}", "code": 401, "reason": "this hub does not serve this App ID",
                }  # fmt: skip
                assert status["link"]["skipped"] == 0
                hub.end()
                with HubDaemon(port):
                    device.ask("rejoin")
                    device.until_state("in-call")
                    assert device.ask("status")["problem"] is None


def test_it_goes_on_without_a_control_socket_and_takes_its_hubs_port_when_it_is_free() -> None:
    port = free_port()
    with Bench() as bench, socket.socket() as taken:
        bench.device("mic")
        bench.device("spk")
        taken.bind(("127.0.0.1", port))
        taken.listen()
        with DeviceDaemon(
            f"ws://127.0.0.1:{port}", "--with-hub", "--control", "/proc/nowhere",
            env=bench.env("mic", "spk"), hub={"listen": f"127.0.0.1:{port}"},
        ) as device:  # fmt: skip
            device.wait_for("cannot listen")
            device.wait_for("no command reaches this intercom")
            taken.close()
            device.wait_for("joined lobby")
            assert device.end()[0] == 0


def test_it_joins_without_a_sound_card_and_talks_when_there_is_one() -> None:
    with Bench() as bench, HubDaemon() as hub:
        cards = [bench.device("mic"), bench.device("spk")]
        for card in cards:
            card.unplug()
        with DeviceDaemon(hub.url, env=bench.env("mic", "spk")) as device:
            device.until_state("in-call")
            assert device.ask("status")["capture"]["state"] == "absent"
            for card in cards:
                card.plug()
            until(lambda: device.ask("status")["capture"]["state"] == "running")
            until(lambda: device.ask("status")["playback"]["state"] == "running")


def test_start_left_waits_to_be_told_and_start_muted_starts_muted() -> None:
    with Bench() as bench, HubDaemon() as hub:
        bench.device("mic")
        bench.device("spk")
        quiet = {"start": "left", "start_muted": True}
        with DeviceDaemon(hub.url, env=bench.env("mic", "spk"), channel=quiet) as device:
            device.until_state("left")
            assert device.ask("status")["muted"]
            device.ask("rejoin")
            device.until_state("in-call")


def test_one_process_carries_hub_and_device() -> None:
    port = free_port()
    with Bench() as bench:
        bench.device("mic")
        bench.device("spk")
        url = f"ws://127.0.0.1:{port}"
        with DeviceDaemon(
            url, "--with-hub", env=bench.env("mic", "spk"), hub={"listen": f"127.0.0.1:{port}"}
        ) as device:
            device.until_state("in-call")
            assert device.ask("status")["hub"].startswith(url)
            code, took_s = device.end()
            assert code == 0
            assert took_s < 1.0


def test_a_clock_apart_is_measured() -> None:
    with Call(ppm=(200.0, -200.0)) as call:
        ear = call.parties[1].daemon
        until(lambda: ear.ask("status")["talkers"][0]["drift_ppm"] > 50, within_s=40)


# SIGTERM: leaves the channel and ends within 1 s.


def test_sigterm_leaves_the_channel_and_ends_within_a_second() -> None:
    with Call() as call:
        first, second = call.parties
        code, took_s = first.daemon.end(signal.SIGTERM)
        assert (code, took_s < 1.0) == (0, True)
        until(lambda: not second.daemon.ask("status")["talkers"], within_s=2)
        assert not [line for line in first.daemon.log if "Traceback" in line]


def test_sigterm_with_a_stalled_card() -> None:
    with Call() as call:
        party = call.parties[0]
        party.mic.stall()
        party.spk.stall()
        until(lambda: party.daemon.ask("status")["playback"]["state"] == "stalled")
        code, took_s = party.daemon.end(signal.SIGTERM)
        assert (code, took_s < 1.0) == (0, True)


@pytest.mark.root
def test_sigterm_with_dead_dns(tmp_path: Path) -> None:
    """A name server that takes every question and answers none, in a mount namespace of the process's own."""
    with silent_name_server() as address, Bench() as bench:
        bench.device("mic")
        bench.device("spk")
        resolv = tmp_path / "resolv.conf"
        resolv.write_text(f"nameserver {address}\n")
        mount = f'mount --bind {resolv} /etc/resolv.conf && exec "$@"'
        with DeviceDaemon(
            "ws://hub.example:8800", env=bench.env("mic", "spk"), prefix=("unshare", "-m", "sh", "-c", mount, "sh")
        ) as device:
            device.until_state("joining")
            code, took_s = device.end(signal.SIGTERM)
    assert (code, took_s < 1.0) == (0, True)


@contextmanager
def silent_name_server() -> Iterator[str]:
    address = "127.0.0.153"
    with socket.socket(type=socket.SOCK_DGRAM) as server:
        server.bind((address, 53))
        yield address


@pytest.mark.root
def test_sigterm_with_a_black_holed_hub() -> None:
    """The hub's network swallows everything: nothing that is sent is ever acknowledged."""
    namespace = f"intercomd-{os.getpid()}"
    subprocess.run(["ip", "netns", "add", namespace], check=True)
    try:
        ip = ["ip", "-n", namespace, "link", "set", "lo"]
        subprocess.run([*ip, "up"], check=True)
        inside = ("ip", "netns", "exec", namespace)
        with Bench() as bench, HubDaemon(8_800, prefix=inside) as hub:
            bench.device("mic")
            bench.device("spk")
            with DeviceDaemon(hub.url, env=bench.env("mic", "spk"), prefix=inside) as device:
                device.until_state("in-call")
                subprocess.run([*ip, "down"], check=True)
                until(lambda: device.ask("status")["state"] != "in-call")
                code, took_s = device.end(signal.SIGTERM)
    finally:
        subprocess.run(["ip", "netns", "del", namespace], check=True)
    assert (code, took_s < 1.0) == (0, True)


def test_status_is_json_and_names_no_secret() -> None:
    with folder() as ours, Bench() as bench, HubDaemon() as hub:
        token = ours / "token"
        token.write_text("006planted-secret")
        bench.device("mic")
        bench.device("spk")
        with DeviceDaemon(
            f"{hub.url}?key=planted-secret",
            "--log-level", "debug",
            env=bench.env("mic", "spk"), channel={"token_file": str(token)},
        ) as device:  # fmt: skip
            device.until_state("in-call")
            shown = json.dumps(device.ask("status"))
            device.end()
            assert "planted" not in shown
            assert not [line for line in [*device.log, *hub.log] if "planted" in line]
            assert APP_ID in device.config.read_text()


def test_another_codec_and_gate_are_taken_over_without_leaving_the_call() -> None:
    with Call() as call:
        first, second = call.parties
        uid = first.daemon.ask("status")["uid"]
        first.daemon.ask("volume", volume=90)
        first.daemon.reload(audio={"bitrate": 32_000, "frame_ms": 10}, gate={"half_duplex": False, "mode": "open"})
        assert hears(first.mic, second.spk).missed == 0
        assert hears(second.mic, first.spk).missed == 0
        status = first.daemon.ask("status")
        assert (status["state"], status["uid"], status["volume"]) == ("in-call", uid, 90)
        assert status["link"]["reconnects"] == 0
        assert (first.mic.stats()["opens"], second.mic.stats()["opens"]) == (2, 1)
        (talker,) = second.daemon.ask("status")["talkers"]
        assert talker["uid"] == uid and talker["buffer_ms"] < 60, "its clock went on"


def test_another_channel_is_moved_to_and_a_muted_microphone_stays_muted() -> None:
    with Call() as call:
        first, second = call.parties
        first.daemon.ask("mute")
        first.daemon.reload(channel={"name": "attic"})
        first.daemon.until_state("in-call")
        until(lambda: not second.daemon.ask("status")["talkers"])
        status = first.daemon.ask("status")
        assert (status["channel"], status["muted"], status["talkers"]) == ("attic", True, [])
        second.daemon.reload(channel={"name": "attic"})
        until(lambda: len(first.daemon.ask("status")["talkers"]) == 1)
        assert hears(first.mic, second.spk).missed == 3
        first.daemon.ask("unmute")
        assert hears(first.mic, second.spk).missed == 0


async def test_in_another_channel_speech_is_encoded_as_its_configuration_says() -> None:
    """However dense it had to be in the one before, where the way to those who listened was full."""
    async with FakeHub() as hub:
        loop = asyncio.get_running_loop()
        full = partial(hub.notify, messages.REPORT, uid=8, lost=0, crowded=True)

        def story(device: DeviceDaemon) -> None:
            def coding() -> tuple[int, int]:
                link = device.ask("status")["link"]
                return link["bitrate"], link["packet_ms"]

            def until_it_is(bitrate: int, packet_ms: int) -> None:
                asyncio.run_coroutine_threadsafe(full(), loop).result(seconds(10))
                until(lambda: coding() == (bitrate, packet_ms))

            device.until_state("in-call")
            until_it_is(16_000, 40)
            device.reload(channel={"name": "attic"})
            assert coding() == (28_000, 20)
            device.until_state("in-call")
            until_it_is(16_000, 40)
            device.reload(channel={"name": "cellar"}, audio={"bitrate": 14_000})
            assert coding() == (14_000, 20)
            device.until_state("in-call")
            until_it_is(12_000, 60)

        with Bench() as bench:
            bench.device("mic")
            bench.device("spk")
            with DeviceDaemon(hub.url, env=bench.env("mic", "spk")) as device:
                await asyncio.to_thread(story, device)


def test_a_wrong_configuration_changes_nothing_and_says_why() -> None:
    with Call() as call:
        first, second = call.parties
        for section, key, value in (
            ("channel", "ca_file", "/dev/null"), ("channel", "hub", ["ws://["]), ("audio", "frame_ms", 15),
        ):  # fmt: skip
            first.daemon.reload("stays as it was", rewrite=True, **{section: {key: value}})
        first.daemon.config.write_text(f"x = {'[' * 5_000}")
        first.daemon.reload("stays as it was", rewrite=False)
        assert any("[audio] frame_ms: must be 10 or 20, not 15" in line for line in first.daemon.log)
        assert hears(first.mic, second.spk).missed == 0
        assert first.mic.stats()["opens"] == 1
        first.daemon.reload(channel={"ca_file": "", "hub": [call.hub.url]}, audio={"frame_ms": 20})


def test_who_moves_away_from_a_dead_hub_has_no_seat_left_there() -> None:
    port = free_port()
    with HubDaemon(port) as old, HubDaemon() as new, Bench() as bench:
        bench.device("mic")
        bench.device("spk")
        with DeviceDaemon(old.url, env=bench.env("mic", "spk")) as device:
            device.until_state("in-call")
            old.send_signal(signal.SIGSTOP)
            device.reload("joined lobby", channel={"hub": [new.url]})
            device.ask("rejoin")
            device.until_state("in-call")
            old.send_signal(signal.SIGCONT)
            until(lambda: _seats(old) == 0, within_s=30)
            assert _seats(new) == 1
            assert device.ask("status")["hub"] == new.url


def test_a_reload_asks_once_more_where_it_was_refused() -> None:
    with Bench() as bench:
        bench.device("mic")
        bench.device("spk")
        port = free_port()
        stranger = Daemon("hub", "--listen", f"127.0.0.1:{port}", config=f'[channel]\napp_id = "{"f" * 32}"')
        with stranger, DeviceDaemon(f"ws://127.0.0.1:{port}", env=bench.env("mic", "spk")) as device:
            device.wait_for("does not serve")
            stranger.end()
            with HubDaemon(port):
                device.reload()
                device.until_state("in-call", within_s=10)


def _seats(hub: HubDaemon) -> int:
    with urllib.request.urlopen(f"{hub.url.replace('ws', 'http')}/healthz", timeout=seconds(5)) as answer:
        seats: int = json.loads(answer.read())["seats"]
        return seats


def test_an_intercom_with_a_hub_stays_with_it_when_its_configuration_names_another_place() -> None:
    ports = free_port(), free_port()

    def config(port: int, label: str) -> str:
        return f"[channel]\napp_id = '{APP_ID}'\nlabel = '{label}'\n[hub]\nlisten = '127.0.0.1:{port}'\n"

    with Daemon("run", "--with-hub", config=config(ports[0], "first")) as box:
        box.until_state("in-call")
        box.config.write_text(config(ports[1], "second"))
        box.send_signal(signal.SIGHUP)
        box.wait_for("[hub] has changed, which waits for the next start")
        box.wait_for("the configuration is read again")
        box.until_state("in-call")
        assert box.ask("status")["hub"] == f"ws://127.0.0.1:{ports[0]}"
