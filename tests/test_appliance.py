"""The appliance as people meet it: real processes whose buttons are pressed and whose lights are looked at."""

import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests import pins
from tests.call import Call
from tests.daemon import DeviceDaemon, HubDaemon, free_port
from tests.pins import Fingers
from tests.soundcard import Bench, Device
from tests.timing import until

MUTE, LEAVE, REJOIN, TALK, CALL, LOUDER, SOFTER = 17, 27, 22, 23, 24, 25, 16
LINK_LIGHT, TALK_LIGHT, MUTE_LIGHT = 5, 6, 13
WIRED: dict[str, dict[str, Any]] = {
    "buttons": {
        "mute": MUTE, "leave": LEAVE, "rejoin": REJOIN, "talk": TALK, "call": CALL,
        "volume_up": LOUDER, "volume_down": SOFTER,
    },
    "lights": {"link": LINK_LIGHT, "talk": TALK_LIGHT, "mute": MUTE_LIGHT},
}  # fmt: skip


class Box:
    """A wired intercom, its pins and both ends of its sound card."""

    def __init__(self, daemon: DeviceDaemon, fingers: Fingers, mic: Device, spk: Device) -> None:
        self.daemon, self.fingers, self.mic, self.spk = daemon, fingers, mic, spk

    def status(self) -> dict[str, Any]:
        return self.daemon.ask("status")

    def shines(self, light: int, for_s: float = 0.5) -> bool:
        """Whether a light is on, and stays so for a while."""
        end = time.monotonic() + for_s
        while time.monotonic() < end:
            if not self.fingers.shines(light):
                return False
            time.sleep(0.02)
        return True

    def blinks(self, light: int) -> bool:
        """Whether a light goes on and off within two seconds."""
        seen: set[bool] = set()
        end = time.monotonic() + 2.5
        while time.monotonic() < end and len(seen) < 2:
            seen.add(self.fingers.shines(light))
            time.sleep(0.02)
        return len(seen) == 2


@contextmanager
def folder() -> Iterator[Path]:
    """One that the daemon, which is not root, may write to."""
    path = Path(tempfile.mkdtemp(prefix="intercomd-test-"))
    path.chmod(0o777)
    try:
        yield path
    finally:
        shutil.rmtree(path)


@contextmanager
def box(hub: str, *, state: Path | None = None, name: str = "", **sections: Any) -> Iterator[Box]:
    with ExitStack() as stack:
        bench, socket = stack.enter_context(Bench()), stack.enter_context(folder()) / "pins.sock"
        mic, spk = bench.device("mic"), bench.device("spk")
        env = {**bench.env("mic", "spk"), **pins.env(socket)}
        if state is not None:
            env["STATE_DIRECTORY"] = str(state)
        daemon = stack.enter_context(DeviceDaemon(hub, env=env, **{**WIRED, **sections}))
        until(lambda: socket.exists() and daemon.pid > 0)
        yield Box(daemon, stack.enter_context(connected(socket)), mic, spk)


@contextmanager
def connected(socket: Path) -> Iterator[Fingers]:
    found: list[Fingers] = []

    def there() -> bool:
        try:
            found.append(Fingers(socket))
        except ConnectionRefusedError:  # bound, and not listening yet
            return False
        return True

    until(there)
    with found[0] as fingers:
        yield fingers


@pytest.fixture
def hub() -> Iterator[HubDaemon]:
    with HubDaemon() as daemon:
        yield daemon


def test_mute_closes_and_opens_and_its_light_says_so(hub: HubDaemon) -> None:
    with box(hub.url) as kitchen:
        kitchen.daemon.until_state("in-call")
        until(lambda: kitchen.status()["microphone_open"])
        assert kitchen.shines(LINK_LIGHT) and not kitchen.fingers.shines(MUTE_LIGHT)
        kitchen.fingers.press(MUTE)
        assert not kitchen.status()["microphone_open"] and kitchen.status()["muted"]
        assert kitchen.shines(MUTE_LIGHT)
        kitchen.fingers.press(MUTE)
        until(lambda: bool(kitchen.status()["microphone_open"]))
        assert not kitchen.fingers.shines(MUTE_LIGHT)


def test_a_spark_on_the_wire_may_mute_and_never_opens(hub: HubDaemon) -> None:
    with box(hub.url, gate={"mode": "push-to-talk"}) as kitchen:
        kitchen.daemon.until_state("in-call")
        for button in (MUTE, TALK, LEAVE, REJOIN, CALL):
            kitchen.fingers.down(button)
            kitchen.fingers.up(button)
        time.sleep(0.1)
        status = kitchen.status()
        assert (status["state"], status["microphone_open"]) == ("in-call", False)


def test_talk_is_open_while_it_is_held_and_a_tap_stays(hub: HubDaemon) -> None:
    with box(hub.url, gate={"mode": "push-to-talk"}) as kitchen:
        kitchen.daemon.until_state("in-call")
        assert kitchen.status()["muted"]
        kitchen.fingers.down(TALK)
        until(lambda: bool(kitchen.status()["microphone_open"]))
        time.sleep(0.35)
        kitchen.fingers.up(TALK)
        assert not kitchen.status()["microphone_open"]
        kitchen.fingers.press(TALK)
        assert kitchen.status()["microphone_open"]
        kitchen.fingers.press(TALK)
        assert not kitchen.status()["microphone_open"]


def test_leave_and_rejoin_and_what_is_pressed_while_offline() -> None:
    port = free_port()
    with box(f"ws://127.0.0.1:{port}") as kitchen:
        kitchen.daemon.until_state("joining")
        assert kitchen.blinks(LINK_LIGHT)
        kitchen.fingers.press(MUTE)
        with HubDaemon(port):
            kitchen.daemon.until_state("in-call")
            assert kitchen.status()["muted"], "pressed while there was no hub"
            kitchen.fingers.press(LEAVE)
            kitchen.daemon.until_state("left")
            assert not kitchen.fingers.shines(LINK_LIGHT)
            kitchen.fingers.press(REJOIN)
            kitchen.daemon.until_state("in-call")
            assert kitchen.status()["muted"]


def test_its_status_tells_the_last_press_of_each_button(hub: HubDaemon) -> None:
    with box(hub.url, long_press={"leave": "ring"}) as kitchen:
        assert kitchen.status()["panel"]["open"]
        assert set(kitchen.status()["panel"]["buttons"].values()) == {None}
        kitchen.fingers.press(SOFTER)
        kitchen.fingers.down(LEAVE)
        until(lambda: "long press" in str(kitchen.status()["panel"]["buttons"]["leave"]))
        kitchen.fingers.up(LEAVE)
        buttons = kitchen.status()["panel"]["buttons"]
        assert (buttons["volume_down"]["gesture"], buttons["leave"]["gesture"]) == ("tap", "long press")
        assert buttons["volume_down"]["age_s"] > 0.9 > buttons["leave"]["age_s"]


def test_the_volume_buttons_and_the_volume_command(hub: HubDaemon) -> None:
    with box(hub.url) as kitchen:
        kitchen.daemon.until_state("in-call")
        kitchen.fingers.press(SOFTER)
        kitchen.fingers.press(SOFTER)
        kitchen.fingers.press(LOUDER)
        until(lambda: bool(kitchen.status()["volume"] == 90))
        assert kitchen.daemon.ask("volume", volume=30)["volume"] == 30
        for _ in range(4):
            kitchen.fingers.press(SOFTER)
        until(lambda: bool(kitchen.status()["volume"] == 0))


def test_mute_volume_and_whether_it_had_left_survive_a_crash(hub: HubDaemon) -> None:
    with folder() as state:
        with box(hub.url, state=state) as kitchen:
            kitchen.daemon.until_state("in-call")
            kitchen.daemon.ask("volume", volume=40)
            kitchen.daemon.ask("volume", volume=70, uid=7)
            kitchen.fingers.press(MUTE)
            saved = state / "state.json"
            until(lambda: saved.exists() and '"muted": true' in saved.read_text())
            kitchen.daemon.kill()
        with box(hub.url, state=state) as kitchen:
            kitchen.daemon.until_state("in-call")
            assert (kitchen.status()["muted"], kitchen.status()["volume"]) == (True, 40)
            kitchen.fingers.press(LEAVE)
            until(lambda: '"joined": false' in saved.read_text())
            assert kitchen.daemon.end()[0] == 0
        with box(hub.url, state=state) as kitchen:
            kitchen.daemon.until_state("left")
            kitchen.fingers.press(REJOIN)
            kitchen.daemon.until_state("in-call")
            assert kitchen.daemon.end(signal.SIGTERM)[0] == 0
        with box(hub.url, state=state) as kitchen:
            kitchen.daemon.until_state("in-call")


def test_a_stored_mute_wins_and_a_state_that_cannot_be_read_means_muted(hub: HubDaemon) -> None:
    with folder() as state:
        (state / "state.json").write_text("rubbish")
        with box(hub.url, state=state, channel={"start_muted": False}) as kitchen:
            kitchen.daemon.until_state("in-call")
            assert kitchen.status()["muted"]
            kitchen.daemon.wait_for("starting muted")


def test_a_door_station_rings_and_the_house_answers(hub: HubDaemon) -> None:
    door = {"start": "left", "label": "door"}
    house = {"start_muted": True, "label": "house"}
    with box(hub.url, channel=door) as outside, box(hub.url, channel=house, tones={"on": True}) as inside:
        inside.daemon.until_state("in-call")
        outside.daemon.until_state("left")
        outside.fingers.press(CALL)
        outside.daemon.until_state("in-call")
        until(lambda: bool(inside.status()["ringing"]))
        inside.daemon.wait_for("door rings")
        assert inside.blinks(TALK_LIGHT)
        since = int(inside.spk.frame())
        until(lambda: inside.spk.frame() > since + 48_000 * 3)
        assert np.abs(inside.spk.got(since, since + 48_000 * 3)).max() > 1_000, "it sounds, too"
        assert not inside.status()["microphone_open"]
        inside.fingers.press(CALL)
        until(lambda: not inside.status()["ringing"])
        assert inside.status()["microphone_open"]
        quiet_from = int(inside.spk.frame()) + 48_000
        until(lambda: inside.spk.frame() > quiet_from + 48_000)
        assert np.abs(inside.spk.got(quiet_from, quiet_from + 48_000)).max() < 300


def test_one_answer_ends_the_ringing_everywhere_and_do_not_disturb_hears_nothing(hub: HubDaemon) -> None:
    with (
        box(hub.url, channel={"label": "first"}) as first,
        box(hub.url, channel={"start_muted": True}) as second,
        box(hub.url, ring={"do_not_disturb": True}) as third,
        box(hub.url, ring={"auto_answer": True}, channel={"start_muted": True}) as fourth,
    ):
        for one in (first, second, third):
            one.daemon.until_state("in-call")
        first.daemon.ask("ring")
        until(lambda: bool(second.status()["ringing"]))
        assert not third.status()["ringing"]
        second.daemon.ask("answer")
        assert not second.status()["muted"]
        fourth.daemon.until_state("in-call")
        assert fourth.status()["muted"]
        first.daemon.ask("ring")
        until(lambda: not fourth.status()["muted"])
        until(lambda: not any(one.status()["ringing"] for one in (second, third, fourth)))


def test_tones_are_heard_here_and_never_sent(hub: HubDaemon) -> None:
    with Call(tones={"on": True}) as call:
        talker, listener = call.parties
        begin = int(talker.spk.frame()) + 48_000  # both have said that they joined
        until(lambda: talker.spk.frame() > begin)
        talker.daemon.ask("mute")
        talker.daemon.ask("unmute")
        until(lambda: talker.spk.frame() > begin + 72_000)
        assert np.abs(talker.spk.got(begin, begin + 72_000)).max() > 1_000
        assert np.abs(listener.spk.got(begin, begin + 72_000)).max() < 300


def test_the_microphone_of_a_card_that_is_gone_is_closed_and_comes_back(hub: HubDaemon) -> None:
    with box(hub.url) as kitchen:
        kitchen.daemon.until_state("in-call")
        until(lambda: bool(kitchen.status()["microphone_open"]))
        kitchen.mic.unplug()
        until(lambda: not kitchen.status()["microphone_open"])
        assert kitchen.blinks(MUTE_LIGHT)
        kitchen.mic.plug()
        until(lambda: bool(kitchen.status()["microphone_open"]))


def test_without_pins_there_is_one_warning_and_the_rest_works(hub: HubDaemon) -> None:
    with Bench() as bench:
        bench.device("mic")
        bench.device("spk")
        env = {**bench.env("mic", "spk"), "GPIOZERO_PIN_FACTORY": "lgpio"}
        with DeviceDaemon(hub.url, env=env, buttons=WIRED["buttons"], lights=WIRED["lights"]) as device:
            device.until_state("in-call")
            device.wait_for("no buttons and lights")
            panel = device.ask("status")["panel"]
            assert not panel["open"] and "no buttons and lights" in panel["problem"]
            assert device.ask("mute")["muted"]
            device.end()
            assert sum("WARNING" in line for line in device.log) == 1


def test_buttons_are_wired_anew_while_the_call_goes_on(hub: HubDaemon) -> None:
    with box(hub.url) as kitchen:
        kitchen.daemon.until_state("in-call")
        kitchen.daemon.reload(buttons={"mute": CALL, "call": MUTE})
        kitchen.fingers.press(CALL)
        until(lambda: bool(kitchen.status()["muted"]))
        kitchen.daemon.reload(tap={"mute": "talk"}, tones={"on": False})
        kitchen.fingers.press(CALL)
        until(lambda: not kitchen.status()["muted"])
        assert kitchen.status()["link"]["reconnects"] == 0
