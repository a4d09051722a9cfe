"""How densely speech is to be encoded, by what the path to the hub allows. PURE.

A path that is full answers late: what is sent stands in a queue, and the kernel's round trip shows it. Then fewer bits
help, and fewer packets even more, as each one costs some 80 bytes of headers (RTP, WebSocket, TCP, IP): 50 a second
are 32 kbit/s. Steps down come quickly, and one at a time up again once the queue has been short for a while; who falls
back soon after a step up waits twice as long for the next. A path that only loses packets, or is dead for a while, is
not full: its round trip stays as it was.
"""

from typing import NamedTuple

TARGET_BITRATE = "target-bitrate-changed"  # {bitrate, packet_ms}
LOOK_S = 0.9
# Beyond the shortest round trip; a radio's own mood is below that. The second is full even where nothing was skipped.
QUEUE_S, LONG_QUEUE_S = 0.1, 0.3
SHORT_QUEUE_S = 0.05
UP_AFTER_S, UP_AFTER_MAX_S = 5.0, 60.0
# So soon after a step up it was that step which was too much.
BLAME_S = 10.0
_NEVER = float("-inf")


class Coding(NamedTuple):
    """bitrate: bit/s. packet_ms: how much sound goes into one packet."""

    bitrate: int
    packet_ms: int


# Below 20 ms it is the frame that the owner wants; Opus packs 40 and 60 ms as well (RFC 6716 section 2.1.4).
# Denser than the last, speech loses more than the path wins: half of what is left on the wire then are headers.
_STEPS = (Coding(20_000, 20), Coding(16_000, 40), Coding(12_000, 60))


class Adapt:
    """One for each session; of no use before `begin`."""

    def __init__(self) -> None:
        self._steps: tuple[Coding, ...] = ()
        self._at = self._skipped = 0
        self._up_after_s = UP_AFTER_S
        self._looked_at = self._raised_at = _NEVER
        self._short_since: float | None = None

    def begin(self, wanted: Coding) -> None:
        """That is how it is encoded while there is room."""
        lower = (Coding(min(step.bitrate, wanted.bitrate), max(step.packet_ms, wanted.packet_ms)) for step in _STEPS)
        self._steps, self._at = tuple(dict.fromkeys((wanted, *lower))), 0

    def looked(self, queue_s: float, skipped: int, now: float) -> Coding | None:
        """How long what is sent stands in the queue, and the frames that were not sent, ever. Once a second is enough.

        Returns how to encode from now on, None where nothing changes.
        """
        if not self._steps or now - self._looked_at < LOOK_S:
            return None
        self._looked_at = now
        since, self._skipped = skipped - self._skipped, skipped
        before = self._at
        if queue_s > LONG_QUEUE_S or (queue_s > QUEUE_S and since):
            self._down(2 if queue_s > LONG_QUEUE_S else 1, now)
        elif queue_s > SHORT_QUEUE_S:
            self._short_since = None
        else:
            self._up(now)
        return self._steps[self._at] if self._at != before else None

    def _down(self, steps: int, now: float) -> None:
        if now - self._raised_at < BLAME_S:
            self._up_after_s, self._raised_at = min(UP_AFTER_MAX_S, 2 * self._up_after_s), _NEVER
        self._at, self._short_since = min(self._at + steps, len(self._steps) - 1), None

    def _up(self, now: float) -> None:
        if self._short_since is None:
            self._short_since = now
        if self._at and now - self._short_since >= self._up_after_s:
            self._at, self._raised_at, self._short_since = self._at - 1, now, now
        if not self._at and now - self._raised_at > BLAME_S:
            self._up_after_s = UP_AFTER_S
