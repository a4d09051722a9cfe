"""One talker's jitter buffer, in RTP time, pulled by the playback clock.

`push` takes packets as they arrive, `pop` says what sounds next at a given moment: a packet, Lost (conceal), or
Silence. There is always an answer, nothing waits for later packets, and a spurt needs no end marker.

    position  RTP time of what is handed out next; None while nobody talks
    floor     end of the last packet handed out: what is older is never played, so order holds
    due       when a packet should sound (arrivals.py)

Nobody talks: silence until the first packet held is due, to the sample; so the delay is the same in every spurt.
Talking: the packet at the position. Where it is missing and a later one is held, Lost of exactly the missing length,
with that packet if it has the one before it once more.
Where nothing is held (late, lost, or the spurt is over: nobody can tell), Lost in pieces, for at most 100 ms; a packet
that comes meanwhile takes the position back to its own time, at most to the floor. So nothing that comes up to 100 ms
too late is skipped, it makes the delay longer; and an isolated loss costs its own length, however shallow the buffer.

What would sound more than 100 ms later than usual while newer packets are held is skipped up to the first one that is
on time: after an outage nothing old is played, and the delay is what it was before.

A delay that nobody needs any more is given up by whoever plays, as told by each packet's excess and spare: in steps
that nobody hears (drift.py, stretch.py). Nothing is skipped for that.

All times are samples of 48 kHz; those of arrival and playing on the monotonic clock.
"""

import math
from bisect import insort
from dataclasses import dataclass
from typing import NamedTuple

from device.audio.arrivals import MS, Arrivals
from device.audio.payload import has_fec, packet_samples

# Older speech than this is never played (the age of arrivals.py, on arrival and again when it would sound).
MAX_AGE = 500 * MS
# libopus fades out what it makes up; beyond this it is noise, and the hearer should notice that something is missing.
MAX_CONCEALED = 100 * MS
# libopus conceals in steps of 2.5 ms.
CONCEAL_STEP = 120
# Memory that a talker may take: 1 s of the shortest usual packets, 130 kB at the very most.
MAX_HELD = 100
# RFC 3550 appendix A.1: a sequence that jumps further is another stream.
_MAX_DROPOUT = 3_000
_MAX_MISORDER = 100
# No connection holds a packet back for longer: RTP time this far off is another stream.
_LONGEST_HOLDUP = 60_000 * MS
# How far behind the newest a sequence is still known as received already.
_SEEN_BITS = 128
# Nothing but packets that are too old for so long: they do not stand in a queue, which senders and hubs keep short, but
# the path is longer now, or the talker's clock stood still.
_BELIEVED_AFTER = 10_000 * MS
# An arrival so long ago that whatever comes is another stream.
_NEVER = -(1 << 62)


class Play(NamedTuple):
    """Decode this packet. delay: from its fastest possible arrival to its sounding; excess: of that, beyond due.

    spare: of the excess, what no packet of the last seconds needed (arrivals.py); < 0: how much is missing.
    """

    payload: bytes
    samples: int
    delay: int
    excess: int
    spare: int


class Lost(NamedTuple):
    """Conceal so many samples; `after` may hold what was said in them: the packet that follows, b"" for none."""

    samples: int
    after: bytes = b""


class Silence(NamedTuple):
    """Nobody talks for so many samples."""

    samples: int


@dataclass(slots=True)
class Counts:
    """What became of the packets: pushed = played + late + duplicate + dropped + those held.

    late: came too late to be played. duplicate: came a second time. dropped: no Opus, too many at once, or of a stream
    that was restarted. lost: did not come in time, late or not there at all, when a later one was played. concealed:
    gaps bridged between packets.
    """

    pushed: int = 0
    played: int = 0
    late: int = 0
    duplicate: int = 0
    dropped: int = 0
    lost: int = 0
    concealed: int = 0


class _Held(NamedTuple):
    timestamp: int
    sequence: int
    samples: int
    payload: bytes
    arrived: int


class JitterBuffer:
    """See above. `tick`: samples that playback pulls at a time."""

    def __init__(self, tick: int) -> None:
        self.counts = Counts()
        self._tick = tick
        self._held: list[_Held] = []
        self._position: int | None = None
        self._floor: float = -math.inf
        self._last_sequence = self._concealing = 0
        self._old_since: int | None = None
        self._restart(0, 0, _NEVER)

    @property
    def held(self) -> int:
        """Packets waiting."""
        return len(self._held)

    def push(self, sequence: int, timestamp: int, payload: bytes, arrived: int, again: bool = False) -> None:
        """Take a packet: sequence 0..65535 and timestamp 0..2^32-1 as on the wire. again: it came with a later one."""
        self.counts.pushed += 1
        try:
            samples = packet_samples(payload)
        except ValueError:
            self.counts.dropped += 1
            return
        step = _signed(sequence - self._newest_sequence, 16)
        at = self._newest_timestamp + _signed(timestamp - self._newest_timestamp, 32)
        age = arrived - at - self._arrivals.fastest
        if abs(age) <= _LONGEST_HOLDUP:
            if -_SEEN_BITS < step <= 0 and self._seen >> -step & 1:
                self.counts.duplicate += 1
                return
            if age > MAX_AGE:
                self._old_since = arrived if self._old_since is None else self._old_since
                if arrived - self._old_since < _BELIEVED_AFTER:
                    self.counts.late += 1
                    return
        self._old_since = None
        if age > MAX_AGE or abs(age) > _LONGEST_HOLDUP or not -_MAX_MISORDER <= step <= _MAX_DROPOUT:
            self._restart(sequence, timestamp, arrived)
            step, at = 0, timestamp
        if step > 1 and has_fec(payload):  # the one that is missing before it has come with it
            self._arrivals.add_again(arrived - at + samples, arrived, MAX_CONCEALED)
        if again and step > 0:
            self._arrivals.add_again(arrived - at, arrived, MAX_CONCEALED)
        self._note(step, at, samples, arrived)
        if at < self._floor:
            self.counts.late += 1
        else:
            self._hold(_Held(at, self._newest_sequence + min(0, step), samples, payload, arrived))

    def pop(self, at: int, wanted: int) -> Play | Lost | Silence:
        """What sounds at `at`: Play and Lost may be longer than wanted (samples), Silence never is."""
        head = self._head(at)
        if self._position is not None and head is not None:
            if head.timestamp <= self._position:
                return self._play(head, at)
            if head.sequence == self._last_sequence + 1:
                self._position = None  # a pause, not a loss: what follows starts when it is due
        if self._position is not None and self._concealing < MAX_CONCEALED:
            return self._conceal(head, self._position, wanted)
        self._position, self._concealing = None, 0
        if head is None:
            return Silence(wanted)
        wait = head.timestamp + self._arrivals.due - at
        return Silence(min(wait, wanted)) if wait > 0 else self._play(head, at)

    def fell_behind(self) -> None:
        """The speaker stood still. How late all is for that is not usual: so one time and the next do not add up."""
        self._usual_delay = 0

    def _restart(self, sequence: int, timestamp: int, arrived: int) -> None:
        """Another stream begins with this packet."""
        self.counts.dropped += len(self._held)
        self._held.clear()
        self._arrivals = Arrivals(arrived - timestamp, arrived, self._tick)
        self._newest_sequence, self._newest_timestamp, self._seen = sequence, timestamp, 0
        self._position, self._floor, self._last_sequence = None, -math.inf, sequence - 1
        self._concealing = self._usual_delay = 0

    def _note(self, step: int, at: int, samples: int, arrived: int) -> None:
        if step > 0:
            self._newest_sequence += step
            self._newest_timestamp = at
            self._seen = (self._seen << step | 1) & ((1 << _SEEN_BITS) - 1)
        else:
            self._seen |= 1 << -step
        self._arrivals.add(arrived - at, samples, arrived, MAX_CONCEALED)

    def _hold(self, packet: _Held) -> None:
        insort(self._held, packet)
        if len(self._held) > MAX_HELD:
            del self._held[0]
            self.counts.dropped += 1

    def _head(self, at: int) -> _Held | None:
        """The oldest packet held, after skipping what would sound too late."""
        target = self._arrivals.due - self._arrivals.fastest
        limit = max(target, self._usual_delay) + MAX_CONCEALED
        while self._held:
            head = self._held[0]
            delay = at - head.timestamp - self._arrivals.fastest
            if delay <= MAX_AGE and (delay <= limit or len(self._held) == 1):
                return head
            self.counts.lost += max(1, head.sequence - self._last_sequence)
            self._take(head)
            self.counts.late += 1
            self._position = None
            limit = target
        return None

    def _play(self, head: _Held, at: int) -> Play:
        self.counts.lost += max(0, head.sequence - self._last_sequence - 1)
        self.counts.concealed += self._concealing > 0
        self._take(head)
        self.counts.played += 1
        self._position = head.timestamp + head.samples
        self._concealing = 0
        delay, due_delay = at - head.timestamp - self._arrivals.fastest, self._arrivals.due - self._arrivals.fastest
        self._usual_delay = min(delay, max(due_delay, self._usual_delay) + MAX_CONCEALED)
        excess, unneeded = delay - due_delay, at - head.timestamp - self._arrivals.needed
        spare = max(0, min(excess, unneeded)) if excess > 0 else excess
        return Play(head.payload, head.samples, delay, excess, spare)

    def _take(self, head: _Held) -> None:
        del self._held[0]
        self._floor = head.timestamp + head.samples
        self._last_sequence = head.sequence

    def _conceal(self, head: _Held | None, position: int, wanted: int) -> Lost:
        missing = head.timestamp - position if head else -(-wanted // CONCEAL_STEP) * CONCEAL_STEP
        after = head.payload if head and has_fec(head.payload) else b""
        if head and after and missing > head.samples:  # it has its own length of what was before it, and no more
            missing, after = missing - head.samples, b""
        lost = min(missing, MAX_CONCEALED - self._concealing)
        self._concealing += lost
        self._position = position + lost
        if head is not None:  # what is known to be lost is not waited for any more
            self._floor = self._position
        return Lost(lost, after if lost == missing else b"")


def _signed(difference: int, bits: int) -> int:
    """The shortest way round between two numbers that wrap, as RFC 3550 counts."""
    half = 1 << bits - 1
    return (difference + half) % (2 * half) - half
