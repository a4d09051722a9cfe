"""The two ways of the sound of one box together: gate, microphone, speaker, self-test, and the threads behind them.

They can be exchanged while the call goes on. The capture clock is one for all microphones, so RTP time runs on; a
thread that does not let go of its card counts as hung until it does.
"""

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from device.audio import echo
from device.audio.capture_clock import CaptureClock
from device.audio.card import Capture, Playback
from device.audio.gate import Gate
from device.config import Config
from device.selftest import SelfTest
from device.sound import Microphone, Send, Speaker

logger = logging.getLogger(__name__)

# How long all threads together are waited for.
_END_S = 0.3
_LOOK_S = 0.01


class Duplex:
    """All of it belongs to the event loop. The gate is closed until it is told otherwise.

    cleaned: the maker that does each of echo, noise and gain, or "off"; of echo also "half-duplex".

    send: called with (payload, timestamp, level_dbov, first_of_spurt) of each packet that leaves. begins: when somebody
    else begins to talk. works_again: when a card does.
    """

    gate: Gate
    microphone: Microphone
    speaker: Speaker
    self_test: SelfTest
    cleaned: dict[str, str]

    def __init__(
        self,
        config: Config,
        send: Send,
        loop: asyncio.AbstractEventLoop,
        begins: Callable[[], None] = lambda: None,
        works_again: Callable[[], None] = lambda: None,
    ) -> None:
        self._send, self._loop, self._begins, self._works_again = send, loop, begins, works_again
        self._clock = CaptureClock(random.getrandbits(32))  # RFC 3550 section 5.1: starts anywhere
        self._left_behind: list[Capture | Playback] = []
        self._make(config)

    def start(self) -> None:
        """Open the cards, and go on trying."""
        for thread in self._threads():
            thread.start()
        self.self_test.start()

    def stop(self) -> None:
        """Close the gate for good, and ask the threads to end."""
        self.gate.mute()
        self.self_test.stop()
        self.microphone.stop()
        self.speaker.card.stop()

    def join(self) -> None:
        """Wait for the threads, 0.3 s for all of them, and name the one that does not end."""
        end = time.monotonic() + _END_S
        for thread in (one for one in (*self._threads(), *self._left_behind) if one.is_alive()):
            thread.join(max(0.0, end - time.monotonic()))
            if thread.is_alive():
                logger.warning("the %s thread does not end; leaving it behind", thread.name)

    def beats(self) -> Mapping[str, int]:
        """Counters of the threads, by name: one that stays as it is hangs. A missing card is no hang."""
        hung = {thread.name for thread in self._left_behind if thread.is_alive()}
        return {thread.name: 0 if thread.name in hung else thread.turns for thread in self._threads()}

    async def change(self, config: Config) -> None:
        """Go on as this configuration says, with the gate closed; the old threads have let go of their cards by then,
        or else count as hung."""
        self.stop()
        old, end = self._threads(), self._loop.time() + _END_S
        while any(thread.is_alive() for thread in old) and self._loop.time() < end:
            await asyncio.sleep(_LOOK_S)
        self._left_behind = [thread for thread in (*self._left_behind, *old) if thread.is_alive()]
        self._make(config)
        self.start()

    def _make(self, config: Config) -> None:
        audio, gate = config.audio, config.gate
        box = echo.choose(audio.echo, audio.noise, audio.gain)
        half_duplex = gate.half_duplex or (box is None and audio.echo != echo.OFF)
        self.cleaned = echo.done_by(box)
        if half_duplex and self.cleaned["echo"] == echo.OFF:
            self.cleaned["echo"] = echo.HALF_DUPLEX
        self.gate = Gate(muted=True, voice=gate.mode == "voice", half_duplex=half_duplex, block_ms=audio.frame_ms)
        self.microphone = Microphone(audio, self.gate, self._send, self._loop, self._clock)
        self.speaker = Speaker(audio, self.gate.heard if half_duplex else None, self._begins)
        self.microphone.sends = self.speaker.sidetone.hear
        if box is not None:
            self.microphone.clean, self.speaker.card.played = box.clean, box.played
        self.self_test = SelfTest(config.self_test.every_h, self.gate, self.microphone, self.speaker)
        for thread in self._threads():
            thread.works_again = self._tell

    def _tell(self) -> None:
        """In an audio thread."""
        with contextlib.suppress(RuntimeError):  # the loop has just closed: this process is ending
            self._loop.call_soon_threadsafe(self._works_again)

    def _threads(self) -> tuple[Capture, Playback]:
        return self.microphone.card, self.speaker.card


def is_another(one: Config, other: Config) -> bool:
    """Whether `change` is needed between the two; the volume is not among it."""
    first, second = ((replace(each.audio, volume=0), each.gate, each.self_test) for each in (one, other))
    return first != second
