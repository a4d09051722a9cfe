"""The appliance as people meet it: real processes whose buttons are pressed and whose lights are looked at."""

import asyncio
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import numpy as np
import pytest

from device.channel import errors
from device.panel.lights import Pattern
from tests.box import (
    CALL,
    LEAVE,
    LINK_LIGHT,
    LOUDER,
    MUTE,
    MUTE_LIGHT,
    REJOIN,
    SOFTER,
    TALK,
    TALK_LIGHT,
    WIRED,
    Box,
    box,
    folder,
)
from tests.channel.fakehub import FakeHub
from tests.daemon import Daemon, DeviceDaemon, HubDaemon, free_port
from tests.soundcard import Bench, Device
from tests.soundcard.coupling import Coupling
from tests.timing import until

SECOND = 48_000
HUM = (6_000 * np.sin(np.arange(SECOND) * 2 * np.pi * 300 / SECOND)).astype(np.int16)


@pytest.fixture
def hub() -> Iterator[HubDaemon]:
    with HubDaemon() as daemon:
        yield daemon


def hums(mic: Device) -> None:
    """From now on, for ever."""
    begin = round(mic.frame())
    mic.put(HUM, begin)
    mic.loop(begin, len(HUM))


def loudest(spk: Device, begin: int, seconds: float) -> int:
    """What it sounds in the seconds after this frame."""
    end = begin + round(seconds * SECOND)
    until(lambda: spk.frame() > end + SECOND // 10)
    return int(np.abs(spk.got(begin, end).astype(int)).max())


# The microphone


def test_mute_closes_and_opens_and_its_light_says_so(hub: HubDaemon) -> None:
    with box(hub.url) as kitchen:
        kitchen.daemon.until_state("in-call")
        until(lambda: kitchen.status()["microphone_open"])
        kitchen.until_it_shows(LINK_LIGHT, Pattern.ON)
        assert not kitchen.fingers.shines(MUTE_LIGHT)
        kitchen.fingers.press(MUTE)
        assert not kitchen.status()["microphone_open"] and kitchen.status()["muted"]
        kitchen.until_it_shows(MUTE_LIGHT, Pattern.ON)
        kitchen.fingers.press(MUTE)
        until(lambda: bool(kitchen.status()["microphone_open"]))
        assert not kitchen.fingers.shines(MUTE_LIGHT)
        assert loudest(kitchen.spk, 0, kitchen.spk.frame() / SECOND) == 0, "no tones are wanted here"


def spark(kitchen: Box, button: int) -> None:
    kitchen.fingers.down(button)
    time.sleep(0.002)
    kitchen.fingers.up(button)


@pytest.mark.alone
def test_a_spark_on_the_wire_may_mute_and_never_opens(hub: HubDaemon) -> None:
    with box(hub.url) as kitchen:
        kitchen.daemon.until_state("in-call")
        until(lambda: bool(kitchen.status()["microphone_open"]))
        for button in (MUTE, TALK, LEAVE, REJOIN, CALL):
            spark(kitchen, button)
        assert not kitchen.status()["microphone_open"]
        time.sleep(0.1)
        status = kitchen.status()
        assert (status["state"], status["microphone_open"]) == ("in-call", False)


@pytest.mark.alone
def test_a_contact_that_bounces_when_it_is_let_go_opens_all_the_same(hub: HubDaemon) -> None:
    with box(hub.url, channel={"start_muted": True}) as kitchen:
        kitchen.daemon.until_state("in-call")
        kitchen.fingers.press(MUTE)
        spark(kitchen, MUTE)
        time.sleep(0.1)
        assert kitchen.status()["microphone_open"]


def test_a_press_that_is_told_late_is_not_lost(hub: HubDaemon) -> None:
    """A process that is held up hears of both ends of the press at once."""
    with box(hub.url, channel={"start_muted": True}) as kitchen:
        kitchen.daemon.until_state("in-call")
        kitchen.fingers.down(MUTE, late_ms=20)
        kitchen.fingers.up(MUTE)
        until(lambda: bool(kitchen.status()["microphone_open"]))


def test_talk_is_open_while_it_is_held_and_a_tap_stays(hub: HubDaemon) -> None:
    with box(hub.url, gate={"mode": "push-to-talk"}) as kitchen:
        kitchen.daemon.until_state("in-call")
        assert kitchen.status()["muted"]
        kitchen.fingers.down(TALK)
        until(lambda: bool(kitchen.status()["microphone_open"]))
        time.sleep(0.35)
        kitchen.fingers.up(TALK)
        assert not kitchen.status()["microphone_open"]
        time.sleep(0.05)
        kitchen.fingers.press(TALK)
        time.sleep(0.05)
        assert kitchen.status()["microphone_open"]
        kitchen.fingers.press(TALK)
        assert not kitchen.status()["microphone_open"]


def test_who_only_listens_is_always_muted(hub: HubDaemon) -> None:
    with box(hub.url, channel={"role": "audience"}) as gallery, box(hub.url, tape=hums) as stage:
        gallery.daemon.until_state("in-call")
        until(lambda: len(gallery.status()["talkers"]) == 1)
        until(lambda: loudest(gallery.spk, round(gallery.spk.frame()), 0.2) > 1_000)
        gallery.until_it_shows(MUTE_LIGHT, Pattern.ON)
        gallery.fingers.press(MUTE)
        status = gallery.daemon.ask("unmute")
        assert (status["muted"], status["microphone_open"]) == (True, False)
        assert not stage.status()["talkers"]


def test_who_talks_is_seen_on_both_ends(hub: HubDaemon) -> None:
    with box(hub.url, tape=hums) as talker, box(hub.url) as listener:
        listener.until_it_shows(TALK_LIGHT, Pattern.ON)
        talker.until_it_shows(TALK_LIGHT, Pattern.BLIP)
        talker.daemon.ask("mute")
        until(lambda: not listener.fingers.shines(TALK_LIGHT))
        talker.until_it_shows(TALK_LIGHT, Pattern.OFF)


def test_open_boxes_howl_and_half_duplex_ones_do_not(hub: HubDaemon) -> None:
    """Each microphone hears its own speaker 6 dB louder than it sounds, and one tone goes round from room to room.

    Nobody is made quieter for being loud, which would end any howl after a second.
    """

    def pair(stack: ExitStack, half_duplex: bool) -> list[Box]:
        sections: dict[str, Any] = {
            "channel": {"name": f"half-duplex {half_duplex}"}, "gate": {"half_duplex": half_duplex},
            "audio": {"equal": False},
        }  # fmt: skip
        boxes = []
        for on in (True, False):
            boxes.append(stack.enter_context(box(hub.url, tones={"on": on}, **sections)))
            stack.enter_context(Coupling(boxes[-1].spk, boxes[-1].mic, loss_db=-6))
            boxes[-1].daemon.until_state("in-call")
        return boxes

    def after_a_tone(boxes: list[Box]) -> list[int]:
        boxes[0].daemon.ask("mute")
        boxes[0].daemon.ask("unmute")
        begin = round(boxes[0].spk.frame()) + SECOND
        return [loudest(one.spk, begin, 1.0) for one in boxes]

    with ExitStack() as stack:
        howling, quiet = pair(stack, False), pair(stack, True)
        assert min(after_a_tone(howling)) > 20_000
        assert max(after_a_tone(quiet)) < 4_000


# The buttons


def test_leave_and_rejoin_and_what_is_pressed_while_offline() -> None:
    port = free_port()
    with box(f"ws://127.0.0.1:{port}") as kitchen:
        kitchen.daemon.until_state("joining")
        kitchen.until_it_shows(LINK_LIGHT, Pattern.FAST)
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
        kitchen.daemon.until_state("offline")
        kitchen.fingers.press(LEAVE)
        kitchen.daemon.until_state("left")
        kitchen.fingers.press(REJOIN)
        kitchen.fingers.press(REJOIN)
        kitchen.fingers.press(MUTE)
        with HubDaemon(port):
            kitchen.daemon.until_state("in-call")
            until(lambda: bool(kitchen.status()["microphone_open"]))


def test_a_box_that_is_wired_and_meant_in_another_way(hub: HubDaemon) -> None:
    """Buttons to 3.3 V, lights to 3.3 V; one button for three things."""
    sections: dict[str, Any] = {
        "panel": {"pull": "down", "pressed": "high", "lit": "low"},
        "buttons": {"mute": 0, "leave": LEAVE, "rejoin": 0},
        "lights": {"link": LINK_LIGHT, "talk": 0, "mute": 0},
        "double_tap": {"leave": "volume-down"},
        "long_press": {"leave": "rejoin"},
    }
    with box(hub.url, **sections) as kitchen:
        kitchen.daemon.until_state("in-call")
        until(lambda: not kitchen.fingers.shines(LINK_LIGHT))

        def press(for_s: float) -> None:
            kitchen.fingers.up(LEAVE)
            time.sleep(for_s)
            kitchen.fingers.down(LEAVE)

        press(0.05)
        time.sleep(0.05)
        press(0.05)
        until(lambda: bool(kitchen.status()["volume"] == 90))
        assert kitchen.status()["state"] == "in-call"
        time.sleep(0.05)
        press(0.05)
        kitchen.daemon.until_state("left")
        until(lambda: kitchen.fingers.shines(LINK_LIGHT))
        press(1.1)
        kitchen.daemon.until_state("in-call")


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
        for button in (SOFTER, SOFTER, LOUDER):
            kitchen.fingers.press(button)
        until(lambda: bool(kitchen.status()["volume"] == 90))
        assert kitchen.daemon.ask("volume", volume=30)["volume"] == 30
        for _ in range(4):
            kitchen.fingers.press(SOFTER)
        until(lambda: bool(kitchen.status()["volume"] == 0))


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


def test_a_button_that_is_held_while_its_wiring_changes_does_not_leave_the_microphone_open(hub: HubDaemon) -> None:
    with box(hub.url, gate={"mode": "push-to-talk"}) as kitchen:
        kitchen.daemon.until_state("in-call")
        kitchen.fingers.down(TALK)
        until(lambda: bool(kitchen.status()["microphone_open"]))
        kitchen.daemon.reload(lights={"talk": 0})
        assert not kitchen.status()["microphone_open"]
        kitchen.fingers.up(TALK)


def test_push_to_talk_begins_muted_also_when_it_comes_with_a_reload(hub: HubDaemon) -> None:
    with box(hub.url) as kitchen:
        kitchen.daemon.until_state("in-call")
        until(lambda: bool(kitchen.status()["microphone_open"]))
        kitchen.daemon.reload(gate={"mode": "push-to-talk"})
        assert not kitchen.status()["microphone_open"]


# What keeps it out of the call, seen and heard


@pytest.mark.root
def test_a_box_without_a_network_shows_it() -> None:
    with box("ws://192.0.2.1:8800", prefix=("unshare", "--net")) as kitchen:
        kitchen.until_it_shows(LINK_LIGHT, Pattern.DOUBLE)
        assert kitchen.status()["problem"]["reason"] == "this machine has no network"


def test_another_box_with_its_uid_takes_its_seat_until_it_is_told_to_rejoin(hub: HubDaemon) -> None:
    seven = {"uid": 7, "label": "first"}
    with box(hub.url, channel=seven, tones={"on": True}) as first, box(hub.url, channel={"uid": 7}) as second:
        first.until_it_shows(LINK_LIGHT, Pattern.QUADRUPLE)
        assert first.status()["problem"]["code"] == errors.UID_CONFLICT
        assert not first.status()["microphone_open"]
        first.fingers.press(REJOIN)
        first.daemon.until_state("in-call")
        second.daemon.until_state("left")


def test_a_hub_that_does_not_know_it_and_a_token_that_is_gone_are_the_same_light() -> None:
    port = free_port()
    with (
        folder() as place,
        Daemon("hub", "--listen", f"127.0.0.1:{port}", config=f'[channel]\napp_id = "{"f" * 32}"') as stranger,
    ):
        token = place / "token"
        token.write_text("a token")
        stranger.wait_for("listens")
        with box(f"ws://127.0.0.1:{port}", channel={"token_file": str(token)}) as kitchen:
            kitchen.daemon.wait_for("does not serve")
            kitchen.until_it_shows(LINK_LIGHT, Pattern.TRIPLE)
            kitchen.fingers.press(LEAVE)
            kitchen.until_it_shows(LINK_LIGHT, Pattern.OFF)
            token.unlink()
            kitchen.fingers.press(REJOIN)
            kitchen.daemon.wait_for("cannot be read")
            until(lambda: kitchen.fingers.shines(LINK_LIGHT))
            kitchen.fingers.press(REJOIN)
            until(lambda: sum("cannot be read" in line for line in kitchen.daemon.log) == 2)


async def test_who_is_kept_out_sees_and_hears_it() -> None:
    async with FakeHub() as hub:
        loop = asyncio.get_running_loop()

        def story() -> None:
            with box(hub.url, tones={"on": True}) as kitchen:
                kitchen.daemon.until_state("in-call")
                begin = int(kitchen.spk.frame()) + SECOND // 2  # it has said that it joined
                until(lambda: kitchen.spk.frame() > begin)
                notice = hub.notify("error", code=errors.BANNED, reason="not today")
                asyncio.run_coroutine_threadsafe(notice, loop).result(10)
                kitchen.daemon.wait_for("not today")
                assert not kitchen.status()["microphone_open"]
                kitchen.until_it_shows(LINK_LIGHT, Pattern.LONG)
                assert loudest(kitchen.spk, begin, 1.0) > 1_000

        await asyncio.to_thread(story)


def test_a_card_that_is_gone_is_seen_and_the_microphone_comes_back(hub: HubDaemon) -> None:
    with box(hub.url) as kitchen:
        kitchen.daemon.until_state("in-call")
        until(lambda: bool(kitchen.status()["microphone_open"]))
        kitchen.mic.unplug()
        until(lambda: not kitchen.status()["microphone_open"])
        kitchen.until_it_shows(MUTE_LIGHT, Pattern.FAST)
        kitchen.mic.plug()
        until(lambda: bool(kitchen.status()["microphone_open"]))
        kitchen.spk.unplug()
        kitchen.until_it_shows(TALK_LIGHT, Pattern.SLOW)
        assert kitchen.status()["microphone_open"]
        kitchen.spk.plug()
        kitchen.until_it_shows(TALK_LIGHT, Pattern.OFF)


# What survives


def test_mute_volume_and_whether_it_had_left_survive_a_crash(hub: HubDaemon) -> None:
    with folder() as state:
        saved = state / "state.json"
        with box(hub.url, state=state) as kitchen:
            kitchen.daemon.until_state("in-call")
            kitchen.daemon.ask("volume", volume=40)
            kitchen.daemon.ask("volume", volume=70, uid=7)
            kitchen.fingers.press(MUTE)
            until(lambda: saved.exists() and '"muted": true' in saved.read_text())
            kitchen.daemon.kill()
        with box(hub.url, state=state) as kitchen:
            kitchen.daemon.until_state("in-call")
            assert (kitchen.status()["muted"], kitchen.status()["volume"]) == (True, 40)
            assert '"7": 70' in saved.read_text()
            kitchen.fingers.press(LEAVE)
            until(lambda: '"joined": false' in saved.read_text())
        with box(hub.url, state=state) as kitchen:
            kitchen.daemon.until_state("left")
            kitchen.fingers.press(REJOIN)
            kitchen.daemon.until_state("in-call")
            assert kitchen.daemon.end(signal.SIGTERM)[0] == 0
        with box(hub.url, state=state) as kitchen:
            kitchen.daemon.until_state("in-call")


def test_a_seat_at_the_first_hub_that_it_has_gone_back_to_survives_too(hub: HubDaemon) -> None:
    """In a call before and after: nothing else has happened by which it would be written down."""
    with folder() as state:
        saved, port = state / "state.json", free_port()
        hubs = {"hub": [f"ws://127.0.0.1:{port}", hub.url]}
        with box(hub.url, state=state, channel=hubs) as kitchen:
            kitchen.daemon.until_state("in-call")
            until(lambda: saved.exists() and "session" in saved.read_text())
            before = saved.read_text()
            with HubDaemon(port) as first:
                until(lambda: kitchen.status()["hub"] == first.url)
                until(lambda: saved.read_text() != before)
                kitchen.daemon.end()


def test_a_state_that_cannot_be_read_means_muted(hub: HubDaemon) -> None:
    with folder() as state:
        (state / "state.json").write_text("rubbish")
        with box(hub.url, state=state, channel={"start_muted": False}) as kitchen:
            kitchen.daemon.until_state("in-call")
            assert kitchen.status()["muted"]
            kitchen.daemon.wait_for("starting muted")


# Calls by button


def test_a_door_station_rings_and_the_house_answers(hub: HubDaemon) -> None:
    door = {"start": "left", "label": "door"}
    house = {"start_muted": True, "label": "house"}
    with box(hub.url, channel=door) as outside, box(hub.url, channel=house, tones={"on": True}) as inside:
        inside.daemon.until_state("in-call")
        outside.daemon.until_state("left")
        begin = int(inside.spk.frame())
        outside.fingers.press(CALL)
        outside.daemon.until_state("in-call")
        until(lambda: bool(inside.status()["ringing"]))
        inside.daemon.wait_for("door rings")
        inside.until_it_shows(TALK_LIGHT, Pattern.FAST)
        until(lambda: loudest(inside.spk, begin, 1.0) > 1_000)
        assert not inside.status()["microphone_open"]
        inside.fingers.press(CALL)
        until(lambda: not inside.status()["ringing"])
        assert inside.status()["microphone_open"]
        assert loudest(inside.spk, int(inside.spk.frame()) + SECOND // 2, 2.0) < 300


def test_a_ring_may_be_for_one_alone(hub: HubDaemon) -> None:
    with (
        box(hub.url, channel={"uid": 1}, ring={"uid": 3}) as door,
        box(hub.url, channel={"uid": 2, "start_muted": True}) as kitchen,
        box(hub.url, channel={"uid": 3, "start_muted": True}) as study,
    ):
        for one in (door, kitchen, study):
            one.daemon.until_state("in-call")
        door.fingers.press(CALL)
        until(lambda: bool(study.status()["ringing"]))
        assert not kitchen.status()["ringing"]
        study.daemon.ask("answer")
        door.daemon.ask("ring", uid=2)
        until(lambda: bool(kitchen.status()["ringing"]))
        assert not study.status()["ringing"]
        with pytest.raises(AssertionError, match="nobody with that uid is in the channel"):
            door.daemon.ask("ring", uid=99)
        door.daemon.wait_for("nobody with that uid")
        door.daemon.ask("ring", uid=2)
        with pytest.raises(AssertionError, match="nobody rings here"):
            door.daemon.ask("answer")


def test_one_answer_ends_the_ringing_everywhere_and_do_not_disturb_hears_nothing(hub: HubDaemon) -> None:
    with ExitStack() as stack:

        def another(**sections: Any) -> Box:
            one = stack.enter_context(box(hub.url, **sections))
            one.daemon.until_state("in-call")
            return one

        first = another()
        second = another(channel={"start_muted": True})
        third = another(ring={"do_not_disturb": True})
        first.daemon.ask("ring")
        until(lambda: bool(second.status()["ringing"]))
        assert not third.status()["ringing"]
        second.daemon.ask("mute")
        assert second.status()["ringing"], "a mute is no answer"
        fourth = another(ring={"auto_answer": True}, channel={"start_muted": True})
        assert fourth.status()["muted"]
        first.daemon.ask("ring")
        until(lambda: not fourth.status()["muted"])
        until(lambda: not any(one.status()["ringing"] for one in (second, third, fourth)))
        assert second.status()["muted"]


def test_tones_are_heard_here_and_never_sent(hub: HubDaemon) -> None:
    with box(hub.url, tones={"on": True}) as talker, box(hub.url) as listener:
        until(lambda: len(listener.status()["talkers"]) == 1)
        begin = int(talker.spk.frame()) + SECOND // 2  # it has said that it joined
        until(lambda: talker.spk.frame() > begin)
        talker.daemon.ask("mute")
        talker.daemon.ask("unmute")
        assert 1_000 < loudest(talker.spk, begin, 1.0) < 4_000
        assert loudest(listener.spk, begin, 1.0) < 100
