"""Speech over a network that loses packets or delays them, in virtual time: what the sender does, and what is heard.

No hub of today brings media over one that loses; gateways do, and what is measured here is what they would be given.
Everything but the network is the product's: encoder, packets, receiver's reports, jitter buffer, decoder.
"""

from dataclasses import dataclass

import numpy as np

from device.audio.capture_clock import Block
from device.audio.opus import Decoder
from device.audio.packer import Packer
from device.audio.talkers import Talkers
from device.channel import doubling, redundancy, rtp
from device.channel.adapt import Adapt, Coding
from device.channel.listeners import Listeners
from device.channel.reception import Reception
from device.channel.report import Told
from device.channel.voice import Voice
from tests.netem import Path, Weather
from tests.soundcard import quality
from tests.soundcard.device import Samples
from tests.soundcard.quality import Heard
from tests.soundcard.speech import RATE, Speech

SPEAKER = 7
FRAME, FRAME_MS = 960, 20
SHIPPED = Coding(28_000, FRAME_MS)
COMPLEXITY = 5
DELAY_MS, JITTER_MS = 20.0, 40.0
FEC = Coding(32_000, FRAME_MS, fec_percent=10)
# Reports come every two seconds in which somebody spoke, and two of them count.
WARM_UP_S = 10.0


@dataclass(frozen=True)
class Simulated:
    """A network, and what speech over it must be like, as medians. fixed: see `Call`."""

    name: str
    weather: Weather
    fixed: Coding | None = None
    pesq: float = 0.0
    stoi: float = 0.0
    speech_kbit: float = 100.0

    @property
    def limit(self) -> str:
        """In words."""
        wanted = [f"{name} >= {value:g}" for name in ("pesq", "stoi") if (value := getattr(self, name))]
        return ", ".join([*wanted, f"speech_kbit <= {self.speech_kbit:g}"]) if wanted else "none: the floor"


@dataclass(frozen=True)
class Outcome:
    """heard: each sentence. speech_kbit: sent per second in which one was spoken, without headers."""

    heard: list[Heard]
    speech_kbit: float
    coding: Coding


class Call:
    """Somebody speaks, and somebody else hears it. fixed: how it is encoded; None where reports say how."""

    def __init__(self, weather: Weather, seed: int, fixed: Coding | None) -> None:
        self._network = Path(weather, seed)
        self._packer = Packer(FRAME_MS, SHIPPED.bitrate, COMPLEXITY, self._packed)
        self._voice, self._adapt, self._fixed = Voice(self._network._random), Adapt(), fixed
        self._adapt.begin(SHIPPED)
        self._reception, self._listeners = Reception(), Listeners()
        self._talkers = Talkers(Decoder, FRAME)
        self._now_s = 1.0
        self.sent_bytes: list[int] = []
        self.coding = SHIPPED
        if fixed is not None:
            self._encode(fixed)

    def hear(self, said: Samples) -> Samples:
        """What is sounded while this is said."""
        sounded = []
        for number in range(len(said) // FRAME):
            self.sent_bytes.append(0)
            frame = said[number * FRAME : (number + 1) * FRAME].astype("<i2").tobytes()
            self._packer.take(Block(frame, number * FRAME, 0), -30, number == 0)
            self._now_s += FRAME_MS / 1_000
            for at_s, data in self._network.arrived(self._now_s):
                self._arrived(data, at_s)
            sounded.append(self._talkers.pull(round(self._now_s * 1e9)))
            if number % 50 == 0:
                self._look()
        return np.frombuffer(b"".join(sounded), "<i2")

    def _packed(self, payload: bytes, timestamp: int, level_dbov: int, first: bool) -> None:
        data = self._voice.packet(SPEAKER, payload, timestamp, level_dbov, first)
        self.sent_bytes[-1] += len(data) - rtp.OWN_HEADER_BYTES
        self._network.send(data, self._now_s, len(data))

    def _arrived(self, data: bytes, at_s: float) -> None:
        packet = rtp.unpack(data)
        self._reception.heard(packet, at_s)
        for one in redundancy.split(packet) if packet.payload_type == rtp.REDUNDANT_TYPE else [packet]:
            self._talkers.push(one.ssrc, one.sequence, one.timestamp, one.payload, round(at_s * 1e9), again=one.again)

    def _look(self) -> None:
        for uid, percent in self._reception.due(self._now_s):
            assert uid == SPEAKER
            self._listeners.told(Told(1, percent, crowded=False), self._now_s)
        coding = self._adapt.looked(
            doubling.Path(0, 0.0, 0.0), 0, self._now_s, self._listeners.arriving(1, self._now_s)
        )
        if coding is not None and self._fixed is None:
            self._encode(coding)

    def _encode(self, coding: Coding) -> None:
        self.coding = coding
        self._packer.encode(coding.bitrate, coding.packet_ms, coding.fec_percent)
        self._voice.copies = coding.copies


def run(said: Speech, weather: Weather, seed: int, fixed: Coding | None = None) -> Outcome:
    """Speak all sentences; before them some of it, to be reported on."""
    call = Call(weather, seed, fixed)
    warm_up = said.samples[: round(WARM_UP_S * RATE)]
    sounded = call.hear(np.concatenate((warm_up, said.samples, np.zeros(RATE, "<i2"))))
    heard, kbit = [], []
    for sentence in said.sentences:
        first, end = len(warm_up) + sentence.first_frame, len(warm_up) + sentence.end_frame
        original = said.samples[sentence.first_frame : sentence.end_frame]
        heard.append(quality.compare(sentence.text, original, sounded[first : end + RATE // 2]))
        kbit.append(sum(call.sent_bytes[first // FRAME : end // FRAME]) * 8 / (end - first) * RATE / 1_000)
    return Outcome(heard, sum(kbit) / len(kbit), call.coding)


def losing(share: float) -> Weather:
    """A network that loses so many of all packets."""
    return Weather(delay_ms=DELAY_MS, loss=share)


SIMULATED = (
    Simulated("40 ms of jitter", Weather(delay_ms=2 * JITTER_MS, jitter_ms=JITTER_MS), SHIPPED, pesq=3.7),
    Simulated("10 % of packets lost, nothing done about it", losing(0.1), SHIPPED),
    Simulated("10 % of packets lost, FEC", losing(0.1), FEC, pesq=2.4, speech_kbit=40),
    Simulated("2 % of packets lost, as reports say", losing(0.02), pesq=2.8, speech_kbit=40),
    Simulated("10 % of packets lost, as reports say", losing(0.1), pesq=2.8, speech_kbit=40),
    Simulated("30 % of packets lost, as reports say", losing(0.3), stoi=0.9),
)
