"""The box listens to itself, on the loop: a chirp goes to the speaker, and is looked for in what the microphone hears.

Nobody else hears it: the gate is paused meanwhile. It waits for a moment when nobody talks, and takes at most 1.1 s.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from typing import Any

from device.audio import selftest
from device.audio.capture_clock import Block
from device.audio.gate import Gate
from device.audio.selftest import Detector, Result, Verdict
from device.sound import Microphone, Speaker

logger = logging.getLogger(__name__)

Listen = Callable[[Callable[[Block], None] | None], None]
Sound = Callable[[bytes, Callable[[int], None]], None]

# What others say, and what we send: louder than this is talk. The second is more, as a fan is sent, too.
_TALK_DBFS, _OWN_TALK_DBOV = -50, -40
# Somebody who takes a breath is still talking.
_QUIET_S = 2.0
# How long the room is listened to first; until the last echo of the chirp is over; and how much longer than all that
# cards that do not move are waited for.
_ROOM_S, _ECHO_S, _CARDS_S = 0.2, 0.1, 1.5
# The first one on the timer: cards have been opened and whoever is there has been heard by then.
FIRST_AFTER_S = 3.0
_S_PER_H = 3_600
_REMEDIES = {
    Verdict.DEAF: "the microphone delivers nothing: look at its plug and its switch",
    Verdict.MUTE: "the microphone does not hear the speaker: look at its plug, its amplifier and its volume",
}


class NotNow(Exception):
    """There is no self-test at this moment; one line that says why."""


async def measure(listen: Listen, sound: Sound, room_s: float = _ROOM_S) -> Result:
    """One test; also where the cards do not move, for which it waits.

    listen(sink): sink is called with every captured block from now on, listen(None): no more. sound(pcm, began): play
    that, and call began with when the card was given its beginning, monotonic ns. Both call back in any thread.
    """
    loop, detector = asyncio.get_running_loop(), Detector()
    room, done = asyncio.Event(), asyncio.Event()

    def hear(block: Block) -> None:
        detector.hear(block)
        if detector.room_ms >= room_s * 1_000:
            room.set()
        if detector.done:
            done.set()

    def to_loop(function: Callable[..., None], *arguments: Any) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has just closed: this process is ending
            loop.call_soon_threadsafe(function, *arguments)

    listen(lambda block: to_loop(hear, block))
    try:
        test_s = (selftest.PROBE_MS + selftest.MAX_DELAY_MS) / 1_000
        async with asyncio.timeout(room_s + test_s + _CARDS_S):
            await room.wait()
            sound(selftest.probe(), lambda at_ns: to_loop(detector.played, at_ns))
            await done.wait()
            await asyncio.sleep(_ECHO_S)
    except TimeoutError:  # a card stands still; the result says which
        pass
    finally:
        listen(None)
    return detector.result()


class SelfTest:
    """Of one box, and the timer for it. every_h: 0 for never."""

    def __init__(self, every_h: int, gate: Gate, microphone: Microphone, speaker: Speaker) -> None:
        self._every_s = every_h * _S_PER_H
        self._gate, self._microphone, self._speaker = gate, microphone, speaker
        self._talked_at = float("-inf")
        self._next_at = float("inf")
        self._result: Result | None = None
        self._ended_at = 0.0
        self._running: asyncio.Task[None] | None = None
        self._was_bad = False

    def start(self) -> None:
        """Test on the timer from now on, if there is one."""
        if self._every_s:
            self._next_at = time.monotonic() + FIRST_AFTER_S

    def stop(self) -> None:
        """No more of that; a test under way is given up."""
        self._next_at = float("inf")
        if self._running is not None:
            self._running.cancel()

    def status(self) -> dict[str, Any] | None:
        """The last result: verdict, level_dbfs, loop_dbfs, delay_ms, why, age_s. None before the first."""
        result = self._result
        return None if result is None else {
            "verdict": result.verdict.value, "level_dbfs": result.level_dbfs, "loop_dbfs": result.loop_dbfs,
            "delay_ms": result.delay_ms, "clipped_share": result.clipped_share, "why": result.why,
            "age_s": round(time.monotonic() - self._ended_at, 1),
        }  # fmt: skip

    async def run(self) -> None:
        """Test now. Raises NotNow."""
        reason = self._reason_against()
        if reason:
            raise NotNow(reason)
        self._running, heard = asyncio.current_task(), False
        self._gate.pause()
        try:
            result = await measure(self._listen, self._speaker.sound)
            heard = result.verdict is Verdict.FINE
        finally:
            if not heard:
                self._speaker.hush()  # a chirp that a card still keeps would sound later, with an open microphone
            self._gate.resume(time.monotonic_ns())
            self._running = None
        if self._talks() and not heard:
            raise NotNow("somebody began to talk")  # that may be all that the microphone has heard
        self._result, self._ended_at = result, time.monotonic()
        self._tell(result)

    def _listen(self, sink: Callable[[Block], None] | None) -> None:
        self._microphone.tap = sink

    def _reason_against(self) -> str:
        """Why there can be no test now, "" where there can."""
        for card in (self._microphone.card.status, self._speaker.card.status):
            if card.state not in ("running", "stalled"):
                return f"the sound card {card.device} is not there: {card.state}"
        if self._running not in (None, asyncio.current_task()):
            return "there is one under way"
        if self._speaker.sounding:
            return "it rings, or sounds a tone"
        return "somebody talks" if self._talks() else ""

    def _talks(self) -> bool:
        return time.monotonic() - self._talked_at < _QUIET_S

    def look(self) -> None:
        """At who talks, and whether it is time; to be called now and then, and soon after somebody begins to talk."""
        now = time.monotonic()
        others = any(talker.level_dbfs > _TALK_DBFS for talker in self._speaker.talkers())
        if others or self._microphone.level_dbov > _OWN_TALK_DBOV:
            self._talked_at = now
        if now >= self._next_at and not self._reason_against():
            self._next_at = now + self._every_s
            self._task = asyncio.get_running_loop().create_task(self._on_the_timer())

    async def _on_the_timer(self) -> None:
        try:
            await self.run()
        except NotNow as reason:
            logger.debug("self-test: %s", reason)
            self._next_at = time.monotonic() + _QUIET_S

    def _tell(self, result: Result) -> None:
        """The first bad one is a WARNING, its repeats are DEBUG, and the end of it is INFO."""
        if result.verdict in _REMEDIES:
            level = logging.DEBUG if self._was_bad else logging.WARNING
            logger.log(level, "self-test: %s: %s", result.verdict.value, _REMEDIES[result.verdict])
            self._was_bad = True
        elif result.verdict is Verdict.FINE:
            level = logging.INFO if self._was_bad else logging.DEBUG
            logger.log(level, "self-test: the microphone hears the speaker, after %s ms", result.delay_ms)
            self._was_bad = False
