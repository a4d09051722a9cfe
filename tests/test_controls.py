"""The commands that ask the running intercom, as people type them."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from device.service.control import Control
from tests.daemon import ROOT
from tests.service.test_status import alone, talker
from tests.shell import Said, answers, intercomd
from tests.timing import seconds


@pytest.fixture
async def intercom(tmp_path: Path) -> AsyncIterator[list[str]]:
    """An intercom as far as its control socket tells; the list is what it was asked."""
    asked: list[str] = []

    def handle(method: str, **changes: object) -> None:
        def answer(params: dict[str, object]) -> dict[str, object]:
            asked.append(method)
            return alone(talkers=[talker(8, "kitchen")], **changes)

        handlers[method] = answer

    handlers: dict[str, object] = {}
    handle("status")
    handle("mute", muted=True)
    handle("unmute")
    handle("leave", state="left")
    handle("rejoin", state="joining")
    handle("ring")
    handle("answer")
    async with Control(tmp_path, handlers):  # type: ignore[arg-type]
        yield asked


async def ask(tmp_path: Path, *arguments: str) -> Said:
    return await asyncio.to_thread(intercomd, *arguments, "--control", str(tmp_path))


async def test_status_is_a_block_for_people_and_json_for_programs(intercom: list[str], tmp_path: Path) -> None:
    block = await ask(tmp_path, "status")
    assert (block.returncode, block.stdout.splitlines()[0]) == (0, "in-call: lobby as 7, microphone on")
    raw = await ask(tmp_path, "status", "--json")
    assert json.loads(raw.stdout) == alone(talkers=[talker(8, "kitchen")])
    metrics = await ask(tmp_path, "status", "--metrics")
    assert 'intercomd_talker_mos{uid="8",label="kitchen"} 4.4' in metrics.stdout.splitlines()


@pytest.mark.parametrize(
    ("method", "shown"),
    [
        ("mute", "in-call: lobby | microphone muted"),
        ("unmute", "in-call: lobby | microphone on"),
        ("leave", "left: lobby | microphone on"),
        ("rejoin", "joining: lobby | microphone on"),
        ("ring", "in-call: lobby | microphone on"),
        ("answer", "in-call: lobby | microphone on"),
    ],
)
async def test_an_action_is_done_and_shows_what_became_of_it(
    intercom: list[str], tmp_path: Path, method: str, shown: str
) -> None:
    assert answers(await ask(tmp_path, method)) == (0, f"{shown} | hears kitchen (8) -23 dBFS 62 ms\n", "")
    assert intercom == [method]


async def test_a_ring_is_for_everybody_or_for_one(tmp_path: Path) -> None:
    asked: list[dict[str, object]] = []

    def ring(params: dict[str, object]) -> dict[str, object]:
        asked.append(params)
        return alone()

    async with Control(tmp_path, {"ring": ring}):
        assert (await ask(tmp_path, "ring")).returncode == 0
        assert (await ask(tmp_path, "ring", "--uid", "8")).returncode == 0
    assert asked == [{}, {"uid": 8}]


async def test_volume_is_asked_for_and_set(tmp_path: Path) -> None:
    asked: list[dict[str, object]] = []

    def volume(params: dict[str, object]) -> dict[str, object]:
        asked.append(params)
        return status | {"known": params.get("uid") != 9}

    status = alone(volume=90, talkers=[talker(8, "kitchen") | {"volume": 40}])
    async with Control(tmp_path, {"status": lambda params: status, "volume": volume}):
        assert answers(await ask(tmp_path, "volume")) == (0, "everybody 90\n8 kitchen 40\n", "")
        assert answers(await ask(tmp_path, "volume", "--uid", "8")) == (0, "8 kitchen 40\n", "")
        code, _, err = answers(await ask(tmp_path, "volume", "--uid", "9"))
        assert (code, err) == (1, "intercomd: nobody with uid 9 is to be heard\n")
        assert answers(await ask(tmp_path, "volume", "30")) == (0, "", "")
        assert answers(await ask(tmp_path, "volume", "--uid", "8", "0")) == (0, "", "")
        said = "intercomd: nobody with uid 9 is to be heard; the volume is kept for when somebody is\n"
        assert answers(await ask(tmp_path, "volume", "--uid", "9", "0")) == (1, "", said)
    assert asked == [{"volume": 30}, {"volume": 0, "uid": 8}, {"volume": 0, "uid": 9}]


async def test_watch_prints_a_line_for_each_change_until_it_is_interrupted(tmp_path: Path) -> None:
    states = iter(["joining", "joining", "in-call", "in-call", "offline"])
    state = "left"

    def status(params: object) -> dict[str, object]:
        nonlocal state
        state = next(states, state)
        return alone(state=state)

    async with Control(tmp_path, {"status": status}):
        command = [sys.executable, "-m", "device", "status", "--watch", "--control", str(tmp_path)]
        watch = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
        assert watch.stdout
        for shown in ("joining", "in-call", "offline"):
            line = await asyncio.wait_for(watch.stdout.readline(), seconds(30))
            assert line.decode() == f"{shown}: lobby | microphone on | hears nobody\n"
        watch.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(watch.wait(), seconds(30)) == 0


def test_without_an_intercom_a_command_fails_in_one_line(tmp_path: Path) -> None:
    code, out, err = answers(intercomd("mute", "--control", tmp_path))
    assert (code, out) == (1, "")
    assert err == (
        f"intercomd: no intercomd is running here (control.sock looked for in {tmp_path}); "
        "start it: sudo systemctl start intercomd where it is installed, scripts/run in a checkout\n"
    )
