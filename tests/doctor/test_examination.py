"""The command `intercomd doctor` as people run it: real cards, a real hub, with and without an intercom that runs."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from device.doctor import examination
from device.doctor.finding import Finding, Verdict
from device.service.control import ControlError
from tests import pins
from tests.box import CALL, LINK_LIGHT, MUTE, TALK_LIGHT, WIRED, box, connected
from tests.call import Call
from tests.daemon import APP_ID, ROOT, DeviceDaemon, HubDaemon, free_port
from tests.pins import Fingers
from tests.soundcard import Bench, Device
from tests.soundcard.coupling import Coupling
from tests.timing import seconds, until

NOTHING_WIRED = """
[buttons]
mute = 0
leave = 0
rejoin = 0
[lights]
link = 0
talk = 0
mute = 0
"""


class Said:
    """What one run of the doctor said."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err
        assert "Traceback" not in out + err

    def findings(self) -> dict[str, dict[str, Any]]:
        """Of --json, by check."""
        return {one["check"]: one for one in json.loads(self.out)}

    def verdicts(self, *checks: str) -> list[str]:
        return [self.findings()[check]["verdict"] for check in checks]


def doctor(folder: Path, *arguments: str, env: Mapping[str, str] | None = None) -> Said:
    """Run it; its control socket is looked for in the folder."""
    command = [sys.executable, "-m", "device", "doctor", "--control", str(folder), *arguments]
    ran = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=seconds(60),
        env={**os.environ, "XDG_CONFIG_HOME": "/nonexistent", **(env or {})},
    )  # fmt: skip
    return Said(ran.returncode, ran.stdout, ran.stderr)


def test_it_leaves_an_intercom_in_its_seat_that_it_does_not_know_of(tmp_path: Path) -> None:
    with Bench() as bench, HubDaemon() as hub:
        bench.device("mic")
        bench.device("spk")
        env = bench.env("mic", "spk")
        with DeviceDaemon(hub.url, env=env, channel={"uid": 7}) as intercom:
            intercom.until_state("in-call")
            said = doctor(tmp_path, "--config", str(write(tmp_path, hub.url, channel="uid = 7")), "--json")
            (found,) = [one for one in json.loads(said.out) if one["check"].startswith("hub")]
            assert (found["verdict"], found["reached"]) == ("ok", "join")
            assert intercom.ask("status")["link"]["reconnects"] == 0
            assert intercom.ask("status")["state"] == "in-call"


def write(folder: Path, hub: str, more: str = "", channel: str = "") -> Path:
    file = folder / "intercom.toml"
    file.write_text(f"[channel]\nhub = ['{hub}']\napp_id = '{APP_ID}'\n{channel}\n{more or NOTHING_WIRED}")
    return file


@contextmanager
def room(**coupling: Any) -> Iterator[tuple[dict[str, str], Device, Device]]:
    """Cards of a box whose microphone hears its speaker."""
    with Bench() as bench:
        mic, spk = bench.device("mic"), bench.device("spk")
        with Coupling(spk, mic, **coupling):
            yield bench.env("mic", "spk"), mic, spk


def test_a_healthy_box_without_an_intercom_running(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("006planted-secret")
    with HubDaemon() as hub, room() as (env, _, _):
        channel = f"token_file = '{token}'"
        file = write(tmp_path, f"{hub.url}?key=planted-secret", channel=channel)
        said = doctor(tmp_path, "--json", "--config", str(file), env=env)
        lines = doctor(tmp_path, "--log-level", "debug", "--config", str(file), env=env)
        assert not [line for line in hub.log if "planted" in line]
    assert said.code == 0, said.out
    found = said.findings()
    assert said.verdicts("microphone", "speaker to microphone", f"hub {hub.url}", "clock", "token") == ["ok"] * 5
    assert found["speaker to microphone"]["loop"] == "fine"
    assert 60 < found["speaker to microphone"]["delay_ms"] < 140
    assert found["microphone"]["level_dbfs"] == pytest.approx(-60, abs=2)
    assert found["capture card"]["rate_hz"] == found["playback card"]["rate_hz"] == 48_000
    assert found[f"hub {hub.url}"]["hub_version"] == found["versions"]["intercomd_version"]
    assert abs(found["clock"]["clock_ahead_s"]) < 5
    assert found["service"]["verdict"] == "warn"
    for text in (said.out, said.err, lines.out, lines.err):
        assert "planted" not in text
    assert lines.code == 0
    assert {line.split()[0] for line in lines.out.splitlines()} == {"ok", "warn"}
    assert "ok    speaker to microphone: fine: heard at " in lines.out


def test_a_silent_microphone_is_deaf_and_a_dead_speaker_mute(tmp_path: Path) -> None:
    with HubDaemon() as hub:
        file = write(tmp_path, hub.url)
        with Bench() as bench:
            bench.device("mic")
            bench.device("spk")
            silent = doctor(tmp_path, "--json", "--config", str(file), env=bench.env("mic", "spk"))
        with room(loss_db=None) as (env, _, _):
            dead = doctor(tmp_path, "--json", "--config", str(file), env=env)
    assert (silent.code, dead.code) == (1, 1)
    assert silent.verdicts("microphone", "speaker to microphone") == ["fail", "fail"]
    assert silent.findings()["speaker to microphone"]["loop"] == "deaf"
    assert dead.verdicts("microphone", "speaker to microphone") == ["ok", "fail"]
    assert dead.findings()["speaker to microphone"]["loop"] == "mute"


def test_cards_that_are_missing_or_of_another_rate_are_named_with_the_remedy(tmp_path: Path) -> None:
    with HubDaemon() as hub, Bench() as bench:
        bench.device("slow", rate=44_100)
        file = write(tmp_path, hub.url, "[audio]\ncapture = 'nowhere'\nplayback = 'slow'\n" + NOTHING_WIRED)
        said = doctor(tmp_path, "--json", "--config", str(file), env=bench.env())
        file = write(tmp_path, hub.url, "[audio]\ncapture = 'slow'\nplayback = 'nowhere'\n" + NOTHING_WIRED)
        lines = doctor(tmp_path, "--config", str(file), env=bench.env())
    assert (said.code, lines.code) == (1, 1)
    found = said.findings()
    assert found["capture card"]["found"] == "there is no sound card nowhere"
    assert found["capture card"]["remedy"] == "plug it in, or name another in [audio]"
    assert (found["playback card"]["rate_hz"], found["playback card"]["verdict"]) == (44_100, "fail")
    assert "plughw:" in found["playback card"]["remedy"]
    assert said.verdicts("microphone", "speaker to microphone") == ["warn", "warn"]
    assert "FAIL  capture card: slow grants 44100 Hz mono S16_LE; name it as plughw:" in lines.out


def test_it_asks_the_intercom_that_runs_and_does_not_disturb_it() -> None:
    with Call() as call:
        here, there = call.parties
        with Coupling(here.spk, here.mic):
            until(lambda: bool(np.any(here.mic.got(int(here.mic.frame()) - 480, int(here.mic.frame())))))
            uid = here.daemon.ask("status")["uid"]
            said = doctor(here.daemon.folder, "--json", "--config", str(here.daemon.config))
            status = here.daemon.ask("status")
        assert said.code == 0, said.out
        found = said.findings()
        assert found["service"]["state"] == "in-call"
        assert said.verdicts("microphone", "speaker to microphone", f"hub {call.hub.url}") == ["ok"] * 3
        assert found["speaker to microphone"]["delay_ms"] == status["self_test"]["delay_ms"]
        assert (status["state"], status["uid"], status["link"]["reconnects"]) == ("in-call", uid, 0)
        assert len(there.daemon.ask("status")["talkers"]) == 1, "the doctor was here for a moment, and in silence"


def test_a_hub_that_is_not_there_and_a_card_that_has_gone_under_a_running_intercom() -> None:
    with Bench() as bench:
        mic = bench.device("mic")
        bench.device("spk")
        url = f"ws://127.0.0.1:{free_port()}"
        with DeviceDaemon(url, env=bench.env("mic", "spk")) as device:
            device.until_state("joining")
            mic.unplug()
            until(lambda: device.ask("status")["capture"]["state"] == "absent")
            said = doctor(device.folder, "--config", str(device.config))
    assert said.code == 1
    assert f"FAIL  hub {url}: connection refused: no hub is running there; start the hub there, or " in said.out
    assert "FAIL  capture card: default does not run in the intercom: absent; plug it in" in said.out
    assert "warn  speaker to microphone: not tested: the sound card default is not there" in said.out
    assert "warn  service: an intercom is running, joining in lobby: connection refused" in said.out


def test_every_mistake_of_the_configuration_and_what_can_be_looked_at_without_one(tmp_path: Path) -> None:
    file = tmp_path / "intercom.toml"
    file.write_text("[channel]\nname = ''\nhub = ['ws://x:y/?planted-secret']\n")
    said = doctor(tmp_path, "--config", str(file))
    assert said.code == 1
    assert said.out.count("FAIL  configuration: ") == 3
    assert "warn  hubs: not tried: the configuration is wrong" in said.out
    assert "planted" not in said.out + said.err


def test_wrong_usage_is_exit_code_2(tmp_path: Path) -> None:
    assert doctor(tmp_path, "--loud").code == 2


@contextmanager
def asked(folder: Path, *arguments: str, env: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
    """A doctor that asks for buttons, and does not wait for output to be read."""
    command = [sys.executable, "-m", "device", "doctor", "--buttons", "--json", "--control", str(folder), *arguments]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **env}
    ) as process:
        ending = threading.Timer(seconds(60), process.kill)
        ending.start()
        try:
            yield process
        finally:
            ending.cancel()
            process.kill()


def press_what_it_asks_for(process: "subprocess.Popen[str]", fingers: Fingers, instead: Mapping[str, str]) -> list[str]:
    """Press each button that it asks for, or another one instead; the lights that shone when it said so."""
    shone = []
    numbers, lights = WIRED["buttons"], WIRED["lights"]
    assert process.stderr
    for line in process.stderr:
        if line.startswith("press the button "):
            name = line.split()[3]
            fingers.press(numbers[instead.get(name, name)], 400 if name == "talk" else 60)
        elif line.startswith("the light "):
            until(lambda line=line: fingers.shines(lights[line.split()[2]]))  # type: ignore[misc]
            shone += [name for name, pin in lights.items() if fingers.shines(pin)]
    return shone


def toml(sections: Mapping[str, Mapping[str, Any]]) -> str:
    return "".join(
        f"[{name}]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in keys.items())
        for name, keys in sections.items()
    )


def test_buttons_are_pressed_and_lights_lit_one_by_one(tmp_path: Path) -> None:
    with ExitStack() as stack:
        hub = stack.enter_context(HubDaemon())
        env, _, _ = stack.enter_context(room())
        file = write(tmp_path, hub.url, toml({**WIRED, "buttons": {**WIRED["buttons"], "rejoin": 0}}))
        socket = tmp_path / "pins.sock"
        process = stack.enter_context(
            asked(tmp_path, "--config", str(file), env={**env, **pins.env(socket), "XDG_CONFIG_HOME": "/nonexistent"})
        )
        until(socket.exists)
        fingers = stack.enter_context(connected(socket))
        shone = press_what_it_asks_for(process, fingers, {})
        assert process.stdout
        found = {one["check"]: one for one in json.loads(process.stdout.read())}
        assert process.wait(seconds(10)) == 0
    gestures = {check.removeprefix("button "): one["gesture"] for check, one in found.items() if "gesture" in one}
    assert gestures == {
        "mute": "tap", "leave": "tap", "talk": "hold", "call": "tap", "volume_up": "tap", "volume_down": "tap",
    }  # fmt: skip
    assert shone == found["lights"]["lit"] == ["link", "talk", "mute"]


def test_buttons_of_an_intercom_that_runs_are_told_by_its_status() -> None:
    wired: dict[str, Any] = {
        "buttons": {"mute": MUTE, "leave": 0, "rejoin": 0, "call": CALL},
        "lights": {"link": LINK_LIGHT, "talk": TALK_LIGHT, "mute": 0},
    }
    with HubDaemon() as hub, box(hub.url, **wired) as kitchen:
        kitchen.daemon.until_state("in-call")
        folder, config = kitchen.daemon.folder, str(kitchen.daemon.config)
        with asked(folder, "--config", config, env={}) as process:
            shone = press_what_it_asks_for(process, kitchen.fingers, {"call": "mute"})
            assert process.stdout
            found = {one["check"]: one for one in json.loads(process.stdout.read())}
            assert process.wait(seconds(10)) == 1
    assert found["button mute"]["gesture"] == "tap"
    assert (found["button call"]["verdict"], found["button call"]["found"]) == ("fail", "not pressed, but mute was")
    assert not shone
    assert "stop the intercom" in found["lights"]["remedy"]


async def test_a_check_that_fails_itself_is_a_finding_without_its_text() -> None:
    async def defect() -> list[Finding]:
        raise ZeroDivisionError("planted-secret")

    async def gone() -> list[Finding]:
        raise ControlError("no intercomd is running here")

    (found,) = await examination.guarded("clock", defect)
    assert (found.check, found.verdict) == ("clock", Verdict.FAIL)
    assert "ZeroDivisionError" in found.line() and "planted" not in found.line()
    (found,) = await examination.guarded("panel", gone)
    assert (found.verdict, found.found) == (Verdict.WARN, "no intercomd is running here")
