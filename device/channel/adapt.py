"""How densely speech is to be encoded, by what the path to the hub allows. PURE.

A path that is full answers late: what is sent stands in a queue, and the kernel's round trip shows it. Then fewer bits
help, and fewer packets even more, as each one costs some 80 bytes of headers (RTP, WebSocket, TCP, IP): 50 a second
are 32 kbit/s. Steps down come quickly, and one at a time up again once the queue has been short for a while; who falls
back soon after a step up waits twice as long for the next. A path that only loses packets, or is dead for a while, is
not full: its round trip stays as it was.

Nor is one full on which everything takes now longer, now shorter, as on a crowded radio: what counts is what stands in
the queue, and not what comes and goes; and what stands there though we send the least that we can, and all of that goes
through, is not ours. Without that a radio that begins to jitter while we talk had us at 12 kbit/s for minutes, until
the kernel forgets the shortest round trip of before. But where frame after frame is skipped the path is full, whatever
else there is: a queue that fills looks like one that comes and goes, and what a packet of ours needs to get through a
narrow one like that of others.

The path from the hub to those who listen counts likewise, as they report it. What only loses packets is met by sending
more (protection.py), which a full path would make worse: so only where nothing is full.
"""

from typing import NamedTuple

from device.channel.doubling import Path
from device.channel.listeners import ALL_ARRIVES, Arriving
from device.channel.protection import Protected, Protection
from device.channel.reception import EVERY_S

TARGET_BITRATE = "target-bitrate-changed"  # {bitrate, packet_ms, fec_percent, copies}
# What a step down does is seen when the queue has moved on.
LOOK_S = 0.45
# Beyond the shortest round trip; a radio's own mood is below that. The second is full even where nothing was skipped.
QUEUE_S, LONG_QUEUE_S = 0.1, 0.3
SHORT_QUEUE_S = 0.05
# So many frames since it was looked at last are no mood. It is seen at once.
MANY_SKIPPED = 5
# So long at the least, with nothing skipped, and what stands in the queue is not ours.
NOT_OURS_AFTER_S = 3.0
UP_AFTER_S, UP_AFTER_MAX_S = 5.0, 60.0
# So soon after a step up it was that step which was too much.
BLAME_S = 10.0
# So long after a step down listeners report what came of it.
TOLD_AFTER_S = 1.5 * EVERY_S
_NEVER = float("-inf")


class Coding(NamedTuple):
    """bitrate: bit/s. packet_ms: how much sound goes into one packet. The rest: see protection.py."""

    bitrate: int
    packet_ms: int
    fec_percent: int = 0
    copies: int = 0


# Below 20 ms it is the frame that the owner wants; Opus packs 40 and 60 ms as well (RFC 6716 section 2.1.4).
# Denser than the last, speech loses more than the path wins: half of what is left on the wire then are headers.
_STEPS = (Coding(20_000, 20), Coding(16_000, 40), Coding(12_000, 60))


class Adapt:
    """One for each session; of no use before `begin`."""

    def __init__(self) -> None:
        self._steps: tuple[Coding, ...] = ()
        self._protection = Protection()
        self._told: Coding | None = None
        self._at = self._skipped = 0
        self._up_after_s = UP_AFTER_S
        self._looked_at = self._raised_at = self._lowered_at = _NEVER
        self._short_since: float | None = None
        self._others_s = self._least_s = 0.0  # of the queue: what is not ours; the least since `_least_since`
        self._least_since = _NEVER

    @property
    def copies(self) -> int:
        """How many packets are to be sent once more with each."""
        return self._told.copies if self._told else 0

    def begin(self, wanted: Coding) -> None:
        """That is how it is encoded while there is room."""
        lower = (Coding(min(step.bitrate, wanted.bitrate), max(step.packet_ms, wanted.packet_ms)) for step in _STEPS)
        self._steps, self._at, self._told = tuple(dict.fromkeys((wanted, *lower))), 0, wanted

    def looked(self, path: Path, skipped: int, now: float, arriving: Arriving = ALL_ARRIVES) -> Coding | None:
        """How the way to the hub is, the frames that were not sent, ever, and how they arrive. At once where a frame
        would be skipped; once a second else.

        Returns how to encode from now on, None where nothing changes.
        """
        since = skipped - self._skipped
        full = since >= MANY_SKIPPED and path.queue_s > QUEUE_S and now - self._lowered_at >= LOOK_S
        if not self._steps or (now - self._looked_at < LOOK_S and not full):
            return None
        self._looked_at, self._skipped = now, skipped
        if full:
            self._others_s = 0.0
        others_s = self._not_ours(path.queue_s, since > 0, now)
        queue_s, standing_s = path.queue_s - others_s, path.standing_queue_s - others_s
        if full or queue_s > LONG_QUEUE_S or (standing_s > QUEUE_S and since):
            self._down(2 if queue_s > LONG_QUEUE_S else 1, now)
        elif arriving.crowded and now - self._lowered_at >= TOLD_AFTER_S:
            self._down(2, now)
        elif queue_s > SHORT_QUEUE_S or arriving.crowded:
            self._short_since = None
        else:
            self._up(now)
        return self._news(self._protected(arriving.lost_percent, now))

    def _not_ours(self, queue_s: float, skips: bool, now: float) -> float:
        """How much of the queue stays whatever we send."""
        if skips or self._at < len(self._steps) - 1:
            self._least_s, self._least_since = queue_s, now
        self._least_s = min(self._least_s, queue_s)
        if now - self._least_since >= NOT_OURS_AFTER_S:
            self._others_s = self._least_s
        self._others_s = min(self._others_s, queue_s)
        return self._others_s

    def _protected(self, lost_percent: int, now: float) -> Coding:
        coding, protected = self._steps[self._at], self._protection.looked(lost_percent, now)
        if self._at or protected == Protected():
            return coding
        return Coding(protected.bitrate(coding.bitrate), coding.packet_ms, *protected)

    def _news(self, coding: Coding) -> Coding | None:
        if coding == self._told:
            return None
        self._told = coding
        return coding

    def _down(self, steps: int, now: float) -> None:
        if now - self._raised_at < BLAME_S:
            self._up_after_s, self._raised_at = min(UP_AFTER_MAX_S, 2 * self._up_after_s), _NEVER
        self._at, self._short_since = min(self._at + steps, len(self._steps) - 1), None
        self._lowered_at = now

    def _up(self, now: float) -> None:
        if self._short_since is None:
            self._short_since = now
        if self._at and now - self._short_since >= self._up_after_s:
            self._at, self._raised_at, self._short_since = self._at - 1, now, now
        if not self._at and now - self._raised_at > BLAME_S:
            self._up_after_s = UP_AFTER_S
