"""A listener in virtual time: packets arrive, a speaker pulls. All times are samples of 48 kHz."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from device.audio.jitter import JitterBuffer, Lost, Play, Silence

MS = 48
SECOND = 1_000 * MS
TICK = 10 * MS

# The first byte of an Opus packet of one (or, for 40 ms, two; for 60 ms, three) CELT frames: RFC 6716 section 3.1.
_HEADS = {
    120: b"\xe0", 240: b"\xe8", 480: b"\xf0", 960: b"\xf8", 1_920: b"\xf9", 2_880: b"\xfb\x03",
}  # fmt: skip


def payload(samples: int, number: int) -> bytes:
    """An Opus packet of this length that carries a number."""
    return _HEADS[samples] + number.to_bytes(4, "big")


def number_of(payload: bytes) -> int:
    return int.from_bytes(payload[-4:], "big")


@dataclass(frozen=True)
class Arrival:
    """One packet: when it arrives, and what it is. sequence and timestamp are not yet wrapped."""

    arrived: int
    sequence: int
    timestamp: int
    samples: int
    number: int

    def late(self, by: int) -> "Arrival":
        return replace(self, arrived=self.arrived + by)


def talk(lengths: Iterable[int], *, start: int = SECOND, sequence: int = 1_000, timestamp: int = 5_000_000,
         number: int = 0) -> list[Arrival]:  # fmt: skip
    """A talker who sends packets of these lengths without a pause, over a network that takes no time."""
    spoken = []
    now = start
    for samples in lengths:
        now += samples
        spoken.append(Arrival(now, sequence, timestamp, samples, number))
        sequence, timestamp, number = sequence + 1, timestamp + samples, number + 1
    return spoken


def in_order(packets: Iterable[Arrival]) -> list[Arrival]:
    """The same packets as a stream brings them: one that is held up holds up those behind it."""
    brought: list[Arrival] = []
    for packet in packets:
        before = brought[-1].arrived if brought else 0
        brought.append(packet.late(max(0, before - packet.arrived)))
    return brought


@dataclass(frozen=True)
class Heard:
    """One answer of the buffer and when it sounded."""

    at: int
    answer: Play | Lost | Silence

    @property
    def number(self) -> int | None:
        return number_of(self.answer.payload) if isinstance(self.answer, Play) else None


class Listener:
    """A speaker that pulls ticks from one buffer, as talkers.py does, without slips."""

    def __init__(self, tick: int = TICK, phase: int = 0) -> None:
        self.buffer = JitterBuffer(tick)
        self.heard: list[Heard] = []
        self._tick, self._at, self._ahead = tick, phase, 0
        self._waiting: list[Arrival] = []

    def listen(self, arrivals: Iterable[Arrival], until: int) -> "Listener":
        """Take the packets as they arrive and play until then."""
        self._waiting = sorted([*self._waiting, *arrivals], key=lambda packet: (-packet.arrived, -packet.number))
        while self._at < until:
            while self._waiting and self._waiting[-1].arrived <= self._at:
                self._push(self._waiting.pop())
            self._pull()
            self._at += self._tick
        return self

    def stand_still(self, until: int) -> None:
        """Pull nothing until then."""
        self._at = until

    def _push(self, packet: Arrival) -> None:
        sequence, timestamp = packet.sequence & 0xFFFF, packet.timestamp & 0xFFFFFFFF
        self.buffer.push(sequence, timestamp, payload(packet.samples, packet.number), packet.arrived)

    def _pull(self) -> None:
        while self._ahead < self._tick:
            answer = self.buffer.pop(self._at + self._ahead, self._tick - self._ahead)
            assert answer.samples > 0
            self.heard.append(Heard(self._at + self._ahead, answer))
            self._ahead += answer.samples
        self._ahead -= self._tick

    @property
    def played(self) -> list[int]:
        """The numbers of the packets that sounded."""
        return [heard.number for heard in self.heard if heard.number is not None]

    @property
    def starts(self) -> dict[int, int]:
        """When each number sounded."""
        return {heard.number: heard.at for heard in self.heard if heard.number is not None}

    def concealed(self) -> int:
        """Samples made up before the last packet that was played."""
        last = max((n for n, heard in enumerate(self.heard) if heard.number is not None), default=0)
        return sum(heard.answer.samples for heard in self.heard[:last] if isinstance(heard.answer, Lost))
