"""Assembles the appliance: builds the pieces from Config, connects them, and translates between the rooms.

    buttons, commands, channel, cards -> Input -> call (the table) -> actions -> microphone, client, speaker
                                                  call.looks       -> lights

Nothing is decided here: what the appliance does stands in the table, and each piece decides for itself.
"""

import asyncio
import contextlib
import logging
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from device import call
from device.audio import tones
from device.audio.gate import Gate
from device.audio.tones import Tone
from device.call import Action, Input, Mic, Place, Sound
from device.channel import errors
from device.channel.client import Client
from device.channel.errors import ChannelError
from device.channel.rules import Role
from device.channel.verdicts import Miss
from device.config import Config
from device.front import Panel
from device.selftest import SelfTest
from device.sound import Microphone, Speaker
from device.state import Keeper, Kept, State

logger = logging.getLogger(__name__)

Status = dict[str, Any]

_THREAD_END_S = 0.3
# How often levels and cards are looked at: as often as playback publishes its snapshot.
_LOOK_S = 0.2
# Speech, in what is heard and in what is sent.
_SPEECH_DBFS = -50
RING_S = 30.0

_OF_STATE = {"in-call": Input.JOINED, "offline": Input.LINK_LOST, "left": Input.LEFT_BY_HUB}
_OF_ERROR = {
    errors.UID_CONFLICT: Input.UID_CONFLICT, errors.LOGIN_FAILED: Input.WRONG_TOKEN,
    errors.BAD_REQUEST: Input.WRONG_TOKEN, errors.IN_CLEAR: Input.WRONG_TOKEN,
}  # fmt: skip
_NO_NETWORK = (str(Miss.UNREACHABLE), str(Miss.DNS))
_OF_CARD = {"running": Input.CARD_BACK, "opening": None}


class Device:
    """One seat in one channel, a microphone, a speaker, buttons and lights. state_dir: None keeps nothing."""

    def __init__(self, config: Config, loop: asyncio.AbstractEventLoop, state_dir: Path | None = None) -> None:
        channel = config.channel
        self._config, self._loop = config, loop
        self._keeper = Keeper(State(state_dir))
        default = Kept(channel.start_muted, channel.start == "joined", config.audio.volume)
        self._kept = self._keeper.state.load(default)
        muted = self._kept.muted or config.gate.mode == "push-to-talk"
        self._state = call.State(mic=Mic.MUTED if muted else Mic.OPEN)
        gate = config.gate
        self._gate = Gate(
            muted=True, voice=gate.mode == "voice", half_duplex=gate.half_duplex, block_ms=config.audio.frame_ms
        )
        self._client = Client(channel.hub, ca_file=channel.ca_file or None, insecure=channel.insecure)
        self._client.init(channel.app_id)
        self._microphone = Microphone(config.audio, self._gate, self._client, loop)
        self._speaker = Speaker(config.audio, self._gate.heard if gate.half_duplex else None)
        self._speaker.set_volume(self._kept.volume, self._kept.volumes)
        self.self_test = SelfTest(config.self_test.every_h, self._gate, self._microphone, self._speaker)
        self._labels: dict[int, str] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._panel = Panel(config, loop, self.feed, self._turn)
        self._timers: dict[str, asyncio.TimerHandle] = {}
        for event, handler in (
            ("media", self._speaker.received), ("stream-added", self._stream_added),
            ("stream-removed", self._stream_removed), ("connection-state", self._state_changed),
            ("error", self._refused), ("ring", self._rung),
        ):  # fmt: skip
            self._client.on(event, handler)

    def start(self) -> None:
        """Open cards and pins, and join if it was joined before, or else if the configuration says so."""
        self._microphone.card.start()
        self._speaker.card.start()
        self.feed(Input.START_JOINED if self._kept.joined else Input.START_LEFT)
        self._panel.open()
        self.self_test.start()
        self._look()

    async def stop(self) -> None:
        """Leave the channel and let the threads end; at most 0.3 s on the loop. What is kept stays as it was."""
        self._client.off("connection-state")
        for timer in self._timers.values():
            timer.cancel()
        self._panel.close()
        self.self_test.stop()
        self._microphone.card.stop()
        self._speaker.card.stop()
        await self._leave()

    def join_threads(self) -> None:
        """After the loop has ended: wait for the threads, and name the one that does not end."""
        for thread in (self._microphone.card, self._speaker.card):
            thread.join(_THREAD_END_S)
            if thread.is_alive():
                logger.warning("the %s thread does not end; leaving it behind", thread.name)
        self._keeper.join(_THREAD_END_S)

    def feed(self, given: Input) -> None:
        """Something happened: ask the table, and do what it says."""
        self._state, done = call.step(self._state, given)
        for one in done:
            logger.debug("%s: %s", given.value, one)
            if isinstance(one, Sound):
                self._sound(Tone(one.value))
            else:
                self._do(one)
        self._keep()
        self._show()

    def volume(self, volume: int, uid: int | None = None) -> None:
        """How loud everybody is, or one of them; 0 to 100."""
        if uid is None:
            self._kept = replace(self._kept, volume=volume)
        else:
            self._kept = replace(self._kept, volumes={**self._kept.volumes, uid: volume})
        self._speaker.set_volume(self._kept.volume, self._kept.volumes)
        self._keeper.keep(self._kept)

    def status(self) -> Status:
        """Everything that `intercomd status --json` prints."""
        client, speaker = self._client.status, self._speaker.card
        before_buffer_ms = self._config.audio.frame_ms + (client.rtt_ms or 0.0) / 2
        talkers = [
            {
                **asdict(talker),
                "label": self._labels[talker.uid],
                "latency_ms": round(before_buffer_ms + talker.buffer_ms + speaker.queue_ms, 1),
                "volume": self._kept.volumes.get(talker.uid, 100),
            }
            for talker in self._speaker.talkers()
        ]
        return {
            "state": client.state, "channel": self._config.channel.name, "uid": client.uid,
            "muted": self._state.mic not in (Mic.OPEN, Mic.TALKING), "microphone_open": self._state.microphone_open,
            "ringing": self._state.ringing, "volume": self._kept.volume, "hub": client.hub,
            "problem": client.problem and {"code": client.problem.code, "reason": client.problem.reason},
            "talkers": talkers,
            "capture": asdict(self._microphone.card.status), "playback": asdict(speaker.status),
            "link": {"rtt_ms": client.rtt_ms, "reconnects": client.reconnects, "skipped": client.skipped},
            "panel": self._panel.status(), "self_test": self.self_test.status(),
        }  # fmt: skip

    async def settled(self) -> None:
        """Wait until what was asked for has begun, and a leave is over."""
        await asyncio.sleep(0)
        if self._state.place is Place.LEFT:
            await self._client.leave()

    # What the table asks for

    def _do(self, action: Action) -> None:
        match action:
            case Action.OPEN_MICROPHONE:
                if self._config.channel.role == Role.BROADCASTER:
                    self._gate.unmute(time.monotonic_ns())
            case Action.CLOSE_MICROPHONE:
                self._gate.mute()
            case Action.JOIN | Action.REDIAL:
                self._begin(self._join())
            case Action.LEAVE:
                self._begin(self._leave())
            case Action.SEND_RING:
                self._begin(self._say(self._client.ring()))
            case Action.SEND_ANSWER:
                self._begin(self._say(self._client.answer()))
            case Action.START_RINGING:
                self._after("over", RING_S, lambda: self.feed(Input.RING_OVER))
                self._ring()
            case Action.STOP_RINGING:
                for name in ("over", "ring"):
                    self._timers.pop(name).cancel()
                self._speaker.hush()

    def _begin(self, work: Any) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _join(self) -> None:
        channel = self._config.channel
        try:
            await self._client.join(
                _token(channel.token_file), channel.name, channel.uid,
                label=channel.label, role=Role(channel.role), auto_subscribe=True,
            )  # fmt: skip
        except ChannelError as error:
            logger.error("cannot join %s: %s", channel.name, error)
            self._refused({"code": error.code})
        if channel.role == Role.BROADCASTER:
            with contextlib.suppress(ChannelError):  # said already; what is refused now is asked for at the next seat
                await self._client.publish()

    async def _leave(self) -> None:
        for task in self._tasks.difference([asyncio.current_task()]):
            task.cancel()
        await self._client.leave()

    async def _say(self, saying: Any) -> None:
        try:
            await saying
        except ChannelError as error:
            logger.warning("ring: %s", error)
            self._sound(Tone.ERROR)

    def _ring(self) -> None:
        sound = self._sound(Tone.RING)
        self._after("ring", sound, self._ring)

    def _sound(self, tone: Tone) -> float:
        """Returns how long it lasts, s."""
        sound = tones.pcm(tone, self._config.tones.volume)
        if self._config.tones.on:
            self._speaker.sound(sound)
        return len(sound) / 2 / tones.RATE_HZ

    def _after(self, name: str, wait_s: float, then: Any) -> None:
        self._timers[name] = self._loop.call_later(wait_s, then)

    # What happens

    def _stream_added(self, params: dict[str, Any]) -> None:
        self._labels[params["uid"]] = params["label"]
        self._speaker.added(params["uid"])

    def _stream_removed(self, params: dict[str, Any]) -> None:
        self._labels.pop(params["uid"], None)
        self._speaker.removed(params["uid"])

    def _state_changed(self, params: dict[str, Any]) -> None:
        if params["state"] == "left":
            for uid in self._labels:
                self._speaker.removed(uid)
            self._labels.clear()
        if params["state"] in _OF_STATE:
            self.feed(_OF_STATE[params["state"]])

    def _refused(self, params: dict[str, Any]) -> None:
        if params["code"] in _OF_ERROR:
            self.feed(_OF_ERROR[params["code"]])

    def _rung(self, params: dict[str, Any]) -> None:
        ring = self._config.ring
        if params["answered"]:
            self.feed(Input.RING_OVER)
        elif not ring.do_not_disturb:
            logger.info("%s rings", params["label"] or params["uid"])
            self.feed(Input.RUNG)
            if ring.auto_answer:
                self.feed(Input.ANSWER)

    def _turn(self, step: int) -> None:
        self.volume(max(0, min(100, self._kept.volume + step)))

    def _look(self) -> None:
        """At what tells nobody when it changes: cards, levels, why there is no link."""
        self._after("look", _LOOK_S, self._look)
        card = _OF_CARD.get(self._microphone.card.status.state, Input.CARD_LOST)
        if card is not None and (card is Input.CARD_LOST) != self._state.card_missing:
            self.feed(card)
        problem = self._client.status.problem
        no_network = problem is not None and problem.reason in _NO_NETWORK
        if no_network != self._state.no_network:
            self.feed(Input.NO_NETWORK if no_network else Input.NO_HUB)
        self._show()

    def _show(self) -> None:
        someone = any(talker.level_dbfs > _SPEECH_DBFS for talker in self._speaker.talkers())
        you = self._microphone.level_dbov > _SPEECH_DBFS
        self._panel.show(call.looks(self._state, someone_talks=someone, you_talk=you))

    def _keep(self) -> None:
        muted = self._state.mic not in (Mic.OPEN, Mic.TALKING)
        joined = self._state.place not in (Place.LEFT, Place.BOOT)
        if (muted, joined) != (self._kept.muted, self._kept.joined) and self._state.place is not Place.BOOT:
            self._kept = replace(self._kept, muted=muted, joined=joined)
            self._keeper.keep(self._kept)


def _token(token_file: str) -> str | None:
    """The token of this file, None without one. Raises ChannelError."""
    try:
        return Path(token_file).read_text("utf-8").strip() if token_file else None
    except (OSError, ValueError):  # not the cause's text: it would quote what it could not decode
        raise ChannelError(errors.LOGIN_FAILED, f"the token in {token_file} cannot be read") from None
