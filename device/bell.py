"""What is to be heard from the box itself, on the loop: its tones, and the ring until it is over."""

import asyncio
from collections.abc import Callable

from device.audio import tones
from device.audio.tones import Tone
from device.config import Tones
from device.sound import Speaker

RING_S = 30.0
# A speaker that is gone, or stands still, would sound it whenever it is back.
_HEARD = ("running", "opening")


class Bell:
    """Of one box. over: called when it has rung for 30 s."""

    def __init__(self, config: Tones, speaker: Speaker, over: Callable[[], None]) -> None:
        self._config, self._speaker, self._over = config, speaker, over
        self._timers: list[asyncio.TimerHandle] = []

    def sound(self, tone: Tone) -> float:
        """Let it be heard, after what sounds already. Returns how long it lasts, s."""
        pcm = tones.pcm(tone, self._config.volume)
        if self._config.on and self._speaker.card.status.state in _HEARD:
            self._speaker.sound(pcm)
        return len(pcm) / 2 / tones.RATE_HZ

    def ring(self) -> None:
        """Ring, until `hush` or for 30 s."""
        self._timers = [asyncio.get_running_loop().call_later(RING_S, self._over)]
        self._again()

    def hush(self) -> None:
        """Silent at once."""
        self.stop()
        self._speaker.hush()

    def stop(self) -> None:
        """Nothing is waited for any more."""
        for timer in self._timers:
            timer.cancel()

    def _again(self) -> None:
        lasts_s = self.sound(Tone.RING)
        self._timers[1:] = [asyncio.get_running_loop().call_later(lasts_s, self._again)]
