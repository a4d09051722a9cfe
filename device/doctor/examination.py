"""All checks, one after the other, each told as soon as it is known."""

import asyncio
import json
import logging
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import asdict
from pathlib import Path

from device.channel.errors import ChannelError
from device.doctor import (
    buttons,
    cards,
    clock,
    configuration,
    echo,
    finding,
    hearing,
    hubs,
    lights,
    loop,
    microphone,
    realtime,
    service,
    token,
    versions,
    wifi,
)
from device.doctor.finding import Finding, Verdict
from device.doctor.patient import Patient, meet
from device.doctor.pins import Pins
from device.doubts import doubts
from device.service.control import ControlError

logger = logging.getLogger(__name__)

Found = list[Finding]


def run(path: Path | None, control: Path | None, *, as_json: bool, press: bool) -> int:
    """Print what is found, as lines or as JSON; 0 when nothing failed, else 1. press: somebody presses the buttons."""

    async def examine() -> Found:
        found = []
        async for one in Examination(meet(path, control), press, say):
            found.append(one)
            if not as_json:
                print(one.line(), flush=True)
        return found

    def say(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    found = asyncio.run(examine())
    if as_json:
        print(json.dumps([one.members() for one in found], indent=2))
    return finding.exit_code(found)


class Examination:
    """`async for finding in Examination(...)`. say: tells the person at the buttons what to do."""

    def __init__(self, patient: Patient, press: bool, say: Callable[[str], None]) -> None:
        self._patient, self._press, self._say = patient, press, say
        self._cards: dict[str, cards.Granted] = {}
        self._ways: list[hubs.Way] = []
        self._token = ""

    async def __aiter__(self) -> AsyncIterator[Finding]:
        for name, check in (
            (versions.CHECK, self._versions), (configuration.CHECK, self._configuration),
            (service.CHECK, self._service), ("sound cards", self._sound_cards), (microphone.CHECK, self._hearing),
            ("buttons and lights", self._panel), (token.CHECK, self._tokens), ("hubs", self._hubs),
            (clock.CHECK, self._clock), (realtime.CHECK, self._realtime), (wifi.CHECK, self._wifi),
        ):  # fmt: skip
            for one in await guarded(name, check):
                yield one

    async def _versions(self) -> Found:
        return [versions.judge(versions.look())]

    async def _configuration(self) -> Found:
        config = self._patient.config
        file = str(self._patient.file or "it")
        doubtful = [] if config is None else doubts(config, of_hub=False)
        return configuration.judge(self._patient.mistakes, doubtful, file, runs=self._patient.status is not None)

    async def _service(self) -> Found:
        return [service.judge(self._patient.status, self._patient.silence, self._patient.alone)]

    async def _sound_cards(self) -> Found:
        self._cards = cards.look(self._patient)
        around, problem = cards.look_around()
        judged = (cards.judge(way, grant, around) for way, grant in self._cards.items())
        return [cards.judge_all(around, problem), *judged]

    async def _hearing(self) -> Found:
        heard = await hearing.listen(self._patient, self._cards)
        found = [microphone.judge(heard.microphone, heard.why_not), loop.judge(heard.loop, heard.why_not)]
        if self._patient.config is not None:
            found.append(echo.judge(*echo.look(self._patient.status, self._patient.config), heard.loop))
            found += echo.judge_noise(self._patient.config)
        return found

    async def _panel(self) -> Found:
        patient = self._patient
        if patient.status is not None:
            return await self._pins(Pins.of_running(patient))
        if patient.config is None:
            return []
        pins = Pins.own(patient.config)
        try:
            return await self._pins(pins)
        finally:
            pins.close()

    async def _pins(self, pins: Pins) -> Found:
        status, config = pins.status(), self._patient.config
        button_pins = {} if config is None else asdict(config.buttons)
        light_pins = {} if config is None else asdict(config.lights)
        found = [buttons.judge(status)]
        if self._press and status["open"]:
            found = buttons.judge_presses(button_pins, await buttons.watch(pins, self._say)) or found
        lit = await lights.light_up(pins, self._say) if self._press else ()
        return [*found, lights.judge(status, lit, light_pins, self._press)]

    async def _tokens(self) -> Found:
        config = self._patient.config
        if config is None:
            return [Finding(token.CHECK, Verdict.WARN, "not looked at: the configuration is wrong", "correct it first")]
        self._token, problem = token.look(config.channel.token_file)
        return [token.judge(self._token, problem, time.time())]

    async def _hubs(self) -> Found:
        config = self._patient.config
        if config is None:
            return [Finding("hubs", Verdict.WARN, "not tried: the configuration is wrong", "correct it first")]
        told = (self._patient.status or {}).get("problem")
        problems = {told["hub"]: ChannelError(told["code"], told["reason"])} if told and told["hub"] else {}
        self._ways = await hubs.look(config.channel, self._token or None, not self._patient.alone, problems)
        return hubs.judge(self._ways, versions.look()["intercomd"])

    async def _clock(self) -> Found:
        ahead_s = {way.hub: way.clock_ahead_s for way in self._ways if way.clock_ahead_s is not None}
        return [clock.judge(*clock.look(), ahead_s)]

    async def _realtime(self) -> Found:
        status = self._patient.status
        return [realtime.judge(realtime.look(status), status is not None)]

    async def _wifi(self) -> Found:
        return [wifi.judge(*wifi.look())]


async def guarded(name: str, check: Callable[[], Awaitable[Found]]) -> Found:
    """What a check finds; one that itself fails is a finding, too, and the others go on."""
    try:
        return await check()
    except ControlError as error:  # the intercom has ended meanwhile
        return [Finding(name, Verdict.WARN, str(error), "try again")]
    except Exception as error:
        logger.debug("this should not have happened", exc_info=error)
        remedy = "that is a defect of the doctor: tell us, with what --log-level debug adds"
        return [Finding(name, Verdict.FAIL, f"the check itself failed ({type(error).__name__})", remedy)]
