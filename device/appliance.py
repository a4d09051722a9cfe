"""Assembles the appliance: builds the pieces from Config, connects them, and translates between the rooms.

    buttons, commands, channel, cards -> Input -> call (the table) -> actions -> microphone, membership, speaker
                                                  call.looks       -> lights

Nothing is decided here: what the appliance does stands in the table, and each piece decides for itself.
"""

import asyncio
import logging
import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from device import call
from device.audio.pcm import SILENT_DBOV
from device.audio.tones import Tone
from device.bell import Bell
from device.call import Action, Input, Mic, Place, Sound
from device.channel.rules import Role
from device.config import Channel, Config
from device.duplex import Duplex, is_another
from device.front import Panel
from device.heard import heard
from device.lookout import Lookout
from device.membership import Membership
from device.selftest import SelfTest
from device.state import MAX_VOLUMES, Kept, State

logger = logging.getLogger(__name__)

Status = dict[str, Any]

_SAVED_S = 0.3
# Speech, in what is heard and in what is sent.
_SPEECH_DBFS = -50

# What nobody else has a line for.
_SAID = {Sound.LEFT: "left", Sound.MUTED: "microphone muted", Sound.UNMUTED: "microphone open"}


class Device:
    """One seat in one channel (membership), a microphone, a speaker, buttons, lights. state_dir: None keeps nothing."""

    def __init__(self, config: Config, loop: asyncio.AbstractEventLoop, state_dir: Path | None = None) -> None:
        channel = config.channel
        self._config, self._loop = config, loop
        self._file = State(state_dir)
        default = Kept(channel.start_muted, channel.start == "joined", config.audio.volume)
        self._kept = self._file.load(default)
        muted = self._kept.muted or config.gate.mode == "push-to-talk"
        self._state = call.State(mic=Mic.MUTED if muted else Mic.OPEN, listens_only=channel.role == Role.AUDIENCE)
        self._whom = config.ring.uid
        self._lookout = Lookout(self._look)
        self._duplex = Duplex(config, self._send, loop, self._lookout.stir, self._lookout.now)
        self._duplex.speaker.set_volume(self._kept.volume, self._kept.volumes)
        self.membership, self._bell = self._make_membership(config), self._make_bell()
        self._panel = Panel(config, loop, self.feed, self._turn)

    @property
    def self_test(self) -> SelfTest:
        """That of the cards that are open now."""
        return self._duplex.self_test

    def start(self) -> None:
        """Open cards and pins, and join if it was joined before, or else if the configuration says so."""
        self._duplex.start()
        self.feed(Input.START_JOINED if self._kept.joined else Input.START_LEFT)
        self._panel.open()
        self._lookout.start()

    async def stop(self) -> None:
        """Leave the channel and let the threads end; at most 0.3 s on the loop. What is kept stays as it was."""
        self._lookout.stop()
        self._bell.stop()
        self._panel.close()
        self._duplex.stop()
        await self.membership.end()

    def join_threads(self) -> None:
        """After the loop has ended: wait for the threads, 0.6 s at most, and name the one that does not end."""
        self._duplex.join()
        self._file.join(_SAVED_S)

    async def reload(self, config: Config) -> None:
        """Go on by another configuration. The call goes on, too, unless [channel] is another one, or refused it.

        Mute, volumes and whether it has left stay as they are. What only a start looks at waits for the next one.
        Raises ChannelError for a [channel] that cannot be; nothing has changed then.
        """
        moves = _seat(self._config.channel) != _seat(config.channel) or self._state.place in call.REFUSED
        membership = self._make_membership(config) if moves else None
        old, self._config = self._config, config
        if is_another(old, config):
            await self._change_sound()
        self._change_bell()
        if _wiring(old) != _wiring(config):
            self._change_panel()
        if old.gate.mode != config.gate.mode == "push-to-talk":
            self.feed(Input.MUTE)
        if membership is not None:
            await self._move(membership)
        self._show()

    def feed(self, given: Input, whom: int | None = None) -> None:
        """Something happened: ask the table, and do what it says. whom: of a ring, a uid, 0 for everybody."""
        if given is Input.RING:
            self._whom = self._config.ring.uid if whom is None else whom
        self._state, done = call.step(self._state, given)
        for one in done:
            logger.debug("%s: %s", given.value, one)
            if isinstance(one, Sound):
                if one in _SAID:
                    self._log(one.value, _SAID[one])
                self._bell.sound(Tone(one.value))
            else:
                self._do(one)
        self.membership.be_silent(self._state.muted and not self._state.microphone_open)
        self._keep()
        self._show()

    def volume(self, volume: int, uid: int | None = None) -> None:
        """How loud everybody is, or one of them; 0 to 100."""
        if uid is None:
            self._kept = replace(self._kept, volume=volume)
        else:
            others = {other: kept for other, kept in self._kept.volumes.items() if other != uid}
            newest = dict([*others.items(), (uid, volume)][-MAX_VOLUMES:])
            self._kept = replace(self._kept, volumes=newest)
        self._duplex.speaker.set_volume(self._kept.volume, self._kept.volumes)
        self._file.keep(self._kept)

    def status(self) -> Status:
        """Everything that `intercomd status --json` prints."""
        client, speaker = self.membership.status, self._duplex.speaker.card
        talkers = [
            heard(
                talker, self.membership.others.label(talker.uid), self._kept.volumes.get(talker.uid, 100),
                client.rtt_ms, speaker.queue_ms,
            )
            for talker in (self._duplex.speaker.talkers() if client.state == "in-call" else ())
        ]  # fmt: skip
        return {
            "state": client.state, "channel": self._config.channel.name, "uid": client.uid,
            "muted": self._state.muted, "microphone_open": self._state.microphone_open,
            "ringing": self._state.ringing, "volume": self._kept.volume, "hub": client.hub,
            "hub_number": client.hub_number, "problem": client.problem_told,
            "talkers": talkers, **self.membership.others.status(),
            "capture": asdict(self._duplex.microphone.card.status), "playback": asdict(speaker.status),
            "link": {
                "rtt_ms": client.rtt_ms, "connections": client.connections, "reconnects": client.reconnects,
                "skipped": client.skipped, **self._duplex.microphone.packer.coding,
            },
            **self._duplex.cleaned, "panel": self._panel.status(), "self_test": self.self_test.status(),
        }  # fmt: skip

    async def settled(self) -> None:
        """Wait until what was asked for has begun, and a leave is over."""
        await asyncio.sleep(0)
        if self._state.place is Place.LEFT:
            await self.membership.left()

    def beats(self) -> Mapping[str, int]:
        """Counters of the audio threads, by name: one that stays as it is hangs. A missing card is no hang."""
        return self._duplex.beats()

    # What the table asks for

    def _do(self, action: Action) -> None:
        match action:
            case Action.OPEN_MICROPHONE:
                self._duplex.gate.unmute(time.monotonic_ns())
            case Action.CLOSE_MICROPHONE:
                self._duplex.gate.mute()
            case Action.JOIN | Action.REDIAL:
                self.membership.join()
            case Action.LEAVE:
                self.membership.leave()
            case Action.SEND_RING:
                self.membership.ring(self._whom)
            case Action.SEND_ANSWER:
                self.membership.answer()
            case Action.START_RINGING:
                self._bell.ring()
            case Action.STOP_RINGING:
                self._bell.hush()

    # What happens

    def _rung(self, params: dict[str, Any]) -> None:
        ring = self._config.ring
        if params["answered"]:
            self.feed(Input.RING_OVER)
        elif not ring.do_not_disturb:
            self._log("ring", f"{params['label'] or params['uid']} rings")
            self.feed(Input.RUNG)
            if ring.auto_answer:
                self.feed(Input.ANSWER)

    def _turn(self, step: int) -> None:
        self.volume(max(0, min(100, self._kept.volume + step)))

    def _look(self) -> bool:
        """At what tells nobody when it changes: cards, levels, why there is no link, which seat it is."""
        microphone = _is_missing(self._duplex.microphone.card.status.state, self._state.card_missing)
        if microphone != self._state.card_missing:
            self.feed(Input.CARD_LOST if microphone else Input.CARD_BACK)
        speaker = _is_missing(self._duplex.speaker.card.status.state, self._state.speaker_missing)
        if speaker != self._state.speaker_missing:
            self.feed(Input.SPEAKER_LOST if speaker else Input.SPEAKER_BACK)
        no_network = self.membership.no_network
        if no_network != self._state.no_network:
            self.feed(Input.NO_NETWORK if no_network else Input.NO_HUB)
        self._keep()  # in the middle of a call the seat can become one at another hub
        self._show()
        self.self_test.look()
        if microphone or speaker:  # as soon as it is back, it is to be heard
            return False
        levels = [self._duplex.microphone.level_dbov, *(talker.level_dbfs for talker in self._duplex.speaker.talkers())]
        return self._state.place not in (Place.JOINING, Place.OFFLINE) and set(levels) == {SILENT_DBOV}

    def _show(self) -> None:
        someone = any(talker.level_dbfs > _SPEECH_DBFS for talker in self._duplex.speaker.talkers())
        you = self._duplex.microphone.level_dbov > _SPEECH_DBFS
        self._panel.show(call.looks(self._state, someone_talks=someone, you_talk=you))

    def _keep(self) -> None:
        muted = self._kept.muted if self._state.listens_only else self._state.muted
        joined = self._state.place not in (Place.LEFT, Place.BOOT)
        seat, kept = self.membership.held if joined else None, self._kept
        if (muted, joined, seat) != (kept.muted, kept.joined, kept.seat) and self._state.place is not Place.BOOT:
            self._kept = replace(kept, muted=muted, joined=joined, seat=seat)
            self._file.keep(self._kept)

    # How it is built, and changed

    def _make_membership(self, config: Config) -> Membership:
        return Membership(
            config.channel, config.audio, self._kept.seat, self._duplex.speaker, self.feed, self._rung,
            lambda: self._bell.sound(Tone.ERROR), lambda *coding: self._duplex.microphone.packer.encode(*coding),
        )  # fmt: skip

    def _make_bell(self) -> Bell:
        return Bell(self._config.tones, self._duplex.speaker, lambda: self.feed(Input.RING_OVER))

    async def _change_sound(self) -> None:
        await self._duplex.change(self._config)
        self._duplex.speaker.set_volume(self._kept.volume, self._kept.volumes)
        self.membership.hear(self._duplex.speaker)
        self.membership.adapt(self._config.audio)
        if self._state.microphone_open:
            self._duplex.gate.unmute(time.monotonic_ns())

    def _change_bell(self) -> None:
        self._bell.stop()
        self._bell = self._make_bell()
        if self._state.ringing:
            self._bell.ring()

    def _change_panel(self) -> None:
        """Whoever holds a button meanwhile lets go of it unheard."""
        self._panel.close()
        self.feed(Input.TALK_UP)
        self._panel = Panel(self._config, self._loop, self.feed, self._turn)
        self._panel.open()

    async def _move(self, membership: Membership) -> None:
        """First into the new channel, so that whatever happens meanwhile happens there; then out of the old one."""
        left, self.membership = self.membership, membership
        membership.hear(self._duplex.speaker)
        self._duplex.gate.mute()  # until the table opens it in there
        self._state = self._state._replace(listens_only=self._config.channel.role == Role.AUDIENCE)
        self.feed(Input.MOVED)
        await left.end()

    def _send(self, payload: bytes, timestamp: int, level_dbov: int, first_of_spurt: bool) -> None:
        self.membership.send(payload, timestamp, level_dbov, first_of_spurt)
        if first_of_spurt:
            self._lookout.stir()

    def _log(self, event: str, text: str) -> None:
        """A line that the journal can be searched for: EVENT=, CHANNEL=, UID=."""
        fields = {"event": event, "channel": self._config.channel.name, "uid": self.membership.status.uid}
        logger.info("%s: %s", self._config.channel.name, text, extra=fields)


def _is_missing(card_state: str, before: bool) -> bool:
    """One that is being opened is what it was before."""
    return before if card_state == "opening" else card_state != "running"


def _wiring(config: Config) -> tuple[object, ...]:
    return (config.panel, config.buttons, config.tap, config.double_tap, config.long_press, config.lights)


def _seat(channel: Channel) -> Channel:
    """As far as it decides about the seat: how it starts does not."""
    return replace(channel, start="", start_muted=False)
