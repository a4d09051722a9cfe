"""Everybody who is heard: packets of many talkers in, one block per tick out."""

import dataclasses
import itertools
import math
import random
from array import array
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.audio.opus import Decoder, Encoder
from device.audio.payload import packet_samples
from device.audio.talker import Decoder as AnyDecoder
from device.audio.talker import TalkerStatus
from device.audio.talkers import MAX_TALKERS, Talkers
from tests.audio import properties
from tests.audio.listening import MS, SECOND, TICK, Arrival, in_order, number_of, payload, talk
from tests.soundcard.speech import speech

CORRUPT = 999_999
CONCEALED = 30_000


class Marking:
    """A decoder that makes each packet a block of its number (as +n, -n, ...), so that one hears which it was."""

    def decode(self, payload: bytes) -> bytes:
        number = number_of(payload)
        if number == CORRUPT:
            raise ValueError("no Opus")
        return array("h", [number % 10_000 + 1]).tobytes() * packet_samples(payload)

    def conceal(self, samples: int) -> bytes:
        assert samples % 120 == 0
        return array("h", [CONCEALED]).tobytes() * samples

    def recover(self, payload: bytes, samples: int) -> bytes:
        """The number before that of the packet."""
        number = number_of(payload)
        if number == CORRUPT:
            raise ValueError("no Opus")
        return array("h", [number % 10_000]).tobytes() * samples


def ns(samples: float) -> int:
    return round(samples * 1_000_000 / MS)


class Room:
    """Talkers and a speaker, in virtual time; `wake`: how late the playback thread is at each tick.

    rest: so much more silence the speaker is given at once while everybody is asleep, and so much later it is asked.
    """

    def __init__(
        self, tick: int = TICK, wake: Callable[[], float] = lambda: 0.0, slow_ppm: float = 0.0, rest: int = 0
    ) -> None:
        self.talkers = Talkers(Marking, tick)
        self.tick, self.wake = tick, wake
        self.tick_time = tick * (1 + slow_ppm / 1e6)
        self.at, self.since, self.rest, self.resting = 0.0, tick, rest, False
        self.waiting: list[tuple[int, Arrival]] = []
        self.stream = 0

    def send(self, uid: int, packets: list[Arrival]) -> "Room":
        waiting = [*self.waiting, *((uid, packet) for packet in packets)]
        self.waiting = sorted(waiting, key=lambda one: (-one[1].arrived, -one[1].sequence))
        return self

    def play(self, until: float) -> Iterator[tuple[float, list[int]]]:
        """Tick by tick until then: when it sounds, and its samples."""
        for at, block in self._pulls(until):
            assert len(block) == 2 * self.tick
            yield at, array("h", block).tolist()

    def _pulls(self, until: float) -> Iterator[tuple[float, bytes]]:
        while self.at < until:
            now = self.at + self.wake()
            while self.waiting and self.waiting[-1][1].arrived <= now + self.rest * self.resting:
                uid, packet = self.waiting.pop()
                self.talkers.push(
                    uid, packet.sequence & 0xFFFF, packet.timestamp & 0xFFFFFFFF,
                    payload(packet.samples, packet.number), ns(packet.arrived), self.stream,
                )  # fmt: skip
            block = self.talkers.pull(ns(now), self.since)
            self.since = self.tick + self.rest * (self.resting and self.talkers.asleep)
            self.resting = self.talkers.asleep
            at, self.at = self.at, self.at + self.since * self.tick_time / self.tick
            yield at, block

    def listen(self, until: float) -> list[int]:
        """All samples until then."""
        return [sample for _, block in self.play(until) for sample in block]

    def delays(self, packets: list[Arrival], until: float) -> dict[int, float]:
        """From sent to sounding, by number, in samples; packets of equal length, numbers below 10,000."""
        heard: dict[int, float] = {}
        for at, block in self.play(until):
            for number in {value - 1 for value in (block[0], block[-1])} - heard.keys():
                heard[number] = at + block.index(number + 1)
        return {packet.number: heard[packet.number] - sent(packet) for packet in packets if packet.number in heard}

    def skip(self, until: float) -> Iterator[TalkerStatus]:
        """Play on without listening; the status of uid 1 once a second."""
        while self.at < until:
            for _ in zip(range(SECOND // self.tick), self._pulls(until), strict=False):
                pass
            yield self.status()

    def status(self, uid: int = 1) -> TalkerStatus:
        [status] = [status for status in self.talkers.snapshot() if status.uid == uid]
        return status


def sent(packet: Arrival) -> int:
    """When a packet of `talk` left its talker."""
    return SECOND + packet.timestamp - 5_000_000 + packet.samples


def test_nobody_is_silence() -> None:
    assert Talkers(Marking, TICK).pull(0) == bytes(2 * TICK)


@pytest.mark.parametrize("tick", [240, 480, 960])
@pytest.mark.parametrize("lengths", [[480] * 12, [960] * 6, [1_920] * 3, [2_880] * 2, [480, 960, 480, 1_920, 480]])
def test_packets_of_any_length_come_out_whole_and_in_order(tick: int, lengths: list[int]) -> None:
    packets = talk(lengths, number=1_000)
    heard = Room(tick).send(1, packets).listen(2 * SECOND)
    spoken = [sample - 1 for sample in heard if sample not in (0, CONCEALED)]
    assert [number for number, _ in itertools.groupby(spoken)] == [packet.number for packet in packets]
    for packet in packets:
        assert spoken.count(packet.number) == pytest.approx(packet.samples, rel=0.011)


def test_talkers_are_summed() -> None:
    room = Room()
    room.send(1, [dataclasses.replace(packet, number=99) for packet in talk([960] * 10)])
    room.send(2, [dataclasses.replace(packet, number=999) for packet in talk([960] * 10)])
    assert set(room.listen(SECOND + 10 * 960)) == {0, 100 + 1_000}


def test_a_tick_decodes_what_it_needs_and_no_more() -> None:
    decoded = []

    class Counting(Marking):
        def decode(self, payload: bytes) -> bytes:
            decoded.append(number_of(payload))
            return super().decode(payload)

    room = Room()
    room.talkers = Talkers(Counting, TICK)
    for at, _ in room.send(1, talk([960] * 10)).play(2 * SECOND):
        assert len(decoded) <= max(0, at - SECOND) // 960 + 1
    assert decoded == list(range(10))


def test_a_corrupt_packet_is_concealed_and_counted() -> None:
    packets = talk([960] * 20)
    packets[10] = dataclasses.replace(packets[10], number=CORRUPT)
    room = Room().send(1, packets)
    heard = room.listen(SECOND + 15 * 960)
    assert heard.count(CONCEALED) == 960
    assert {sample for sample in heard if sample} == {*range(1, 11), CONCEALED, *range(12, 16)} & set(heard)
    room.listen(2 * SECOND)
    assert room.status().concealed == 1


def test_a_loss_of_an_odd_length_is_concealed_exactly() -> None:
    """A talker's clock may jump by any number of samples; libopus conceals in steps of 120."""
    packets = talk([960] * 10)
    jumped = [dataclasses.replace(packet, timestamp=packet.timestamp + 77) for packet in packets[6:]]
    heard = Room().send(1, packets[:5] + jumped).listen(SECOND + 12 * 960)
    assert heard.count(CONCEALED) == 960 + 77


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 65_535), st.integers(0, 1 << 32), st.binary(max_size=9))))
@properties
def test_whatever_is_sent_every_pull_is_one_tick_and_at_most_32_talkers_are_kept(
    packets: list[tuple[int, int, int, bytes]],
) -> None:
    talkers = Talkers(Marking, TICK)
    for number, (uid, sequence, timestamp, sent) in enumerate(packets):
        talkers.push(uid, sequence, timestamp & 0xFFFFFFFF, sent, ns(number * TICK))
        assert len(talkers.pull(ns(number * TICK))) == 2 * TICK
    assert len(talkers.snapshot()) <= MAX_TALKERS


def test_a_newcomer_takes_the_place_of_who_was_silent_longest() -> None:
    room = Room()
    for uid in range(MAX_TALKERS):
        room.send(uid, talk([960] * 2, start=SECOND + uid * 100))
    room.send(0, talk([960] * 30, start=3 * SECOND, sequence=1_002, timestamp=5_000_000 + 2 * SECOND))
    room.send(99, talk([960] * 30, start=4 * SECOND))
    room.listen(6 * SECOND)
    assert {status.uid for status in room.talkers.snapshot()} == {0, *range(2, MAX_TALKERS), 99}


def test_where_more_talk_than_have_a_place_nobody_takes_it_from_another() -> None:
    made: list[Marking] = []

    def decoder() -> Marking:
        made.append(Marking())
        return made[-1]

    room, packets = Room(), talk([960] * 100)
    room.talkers = Talkers(decoder, TICK)
    for uid in range(MAX_TALKERS + 8):
        room.send(uid, packets if uid < MAX_TALKERS else [packet.late(100 * MS) for packet in packets])
    room.listen(2 * SECOND)
    assert {status.uid for status in room.talkers.snapshot()} == set(range(MAX_TALKERS))
    assert len(made) == MAX_TALKERS, "whoever loses his place for a moment begins anew"


def test_a_minute_of_silence_leaves_nothing_behind() -> None:
    room = Room(tick=960).send(1, talk([960] * 10))
    room.listen(61 * SECOND)
    assert [status.uid for status in room.talkers.snapshot()] == [1]
    room.listen(62 * SECOND)
    assert room.talkers.snapshot() == ()


def test_a_talker_whose_clock_fell_behind_is_heard_again_after_ten_seconds() -> None:
    """All its packets look too old until then."""
    packets = talk([960] * 1_000)
    behind = [packet if packet.number < 10 else packet.late(SECOND) for packet in packets]
    delays = Room(tick=960).send(1, behind).delays(behind, 22 * SECOND)
    assert set(range(10, 500)) & delays.keys() == set()
    assert set(range(550, 990)) <= delays.keys()


def test_another_process_with_the_same_uid_is_heard_at_once() -> None:
    """Its sequence and timestamps may lie anywhere; here they are those of long ago, which would be too late."""
    first = [packet.late(5 * SECOND) for packet in talk([960] * 100)]
    delays = []
    for stream in (0, 1):
        room = Room().send(1, talk([960] * 150))
        room.listen(5 * SECOND)
        room.stream = stream
        delays.append(room.send(1, first).delays(first, 9 * SECOND))
    same, another = delays
    assert len(same) < 5
    assert len(another) == 100


def test_the_snapshot_tells_who_is_loud_late_and_lost() -> None:
    packets = [dataclasses.replace(packet, number=9_999) for packet in talk([960] * 200)]
    del packets[40], packets[80]
    packets[120] = packets[120].late(70 * MS)
    room = Room().send(1, packets)
    room.listen(4 * SECOND)
    status = room.status()
    assert status.level_dbfs == -10  # 10,000 of 32,768
    assert (status.lost, status.late, status.concealed) == (3, 1, 3)
    assert status.buffer_ms == pytest.approx(12.5, abs=1.5)
    assert status.drift_ppm == 0
    with pytest.raises(dataclasses.FrozenInstanceError):
        status.late = 0  # type: ignore[misc]
    room.listen(6 * SECOND)
    assert room.status().level_dbfs == -127


def test_losses_of_the_last_ten_seconds_are_told_and_forgotten() -> None:
    packets = talk([960] * 1_000)
    room = Room().send(1, [packet for number, packet in enumerate(packets) if not (number < 500 and number % 10 == 5)])
    room.listen(10 * SECOND)
    assert room.status().loss_percent == pytest.approx(10, abs=0.5)
    room.listen(20 * SECOND)
    assert 2 < room.status().loss_percent < 4


def test_a_snapshot_is_made_every_200_ms_and_stays_as_it_is() -> None:
    room = Room().send(1, talk([960] * 100))
    pictures = []
    for _ in room.play(2 * SECOND):
        pictures.append(room.talkers.snapshot())
    changes = [n for n in range(1, len(pictures)) if pictures[n] is not pictures[n - 1]]
    assert {later - earlier for earlier, later in itertools.pairwise(changes)} == {20}


# How long it takes from a talker to the speaker


def hiccups(seed: int) -> Callable[[], int]:
    """Delays as a busy machine makes them: mostly some 100 us, now and then a few ms."""
    chance = random.Random(seed)
    return lambda: int(abs(chance.gauss(0, 0.2 * MS)) if chance.random() < 0.98 else chance.uniform(0, 3 * MS))


@pytest.mark.parametrize("length", [480, 960])
def test_latency_is_steady_after_the_first_five_seconds(length: int) -> None:
    packets = talk([length] * (60 * SECOND // length))
    network, thread = hiccups(1), hiccups(2)
    room = Room(wake=thread).send(1, [packet.late(network()) for packet in packets])
    delays = room.delays(packets, 60 * SECOND)
    steady = sorted(delay for number, delay in delays.items() if number * length > 5 * SECOND)
    assert len(delays) > 0.99 * 58 * SECOND / length
    assert steady[-1] - steady[0] < 3 * MS
    assert steady[len(steady) // 2] < 15 * MS


@pytest.mark.parametrize("phase", [0, 100, 239, 240, 400])
def test_latency_does_not_depend_on_how_the_two_clocks_stand(phase: int) -> None:
    packets = talk([960] * 50, start=SECOND + phase)
    delays = Room().send(1, packets).delays(packets, 3 * SECOND)
    assert delays[0] - phase == pytest.approx(22.5 * MS, abs=1)


@pytest.mark.parametrize(("fast_ppm", "slow_ppm", "seconds"), [(100, 100, 3_600), (-200, 0, 600), (0, -200, 600)])
@pytest.mark.unmeasured
def test_an_hour_of_clocks_200_ppm_apart_changes_nothing(fast_ppm: float, slow_ppm: float, seconds: int) -> None:
    """fast: the talker's clock; slow: the speaker's."""
    hour = seconds * SECOND
    packets = [dataclasses.replace(packet, number=packet.number % 9_000) for packet in talk([2_880] * (hour // 2_880))]
    drifting = [packet.late(-round((packet.arrived - SECOND) * fast_ppm / 1e6)) for packet in packets]
    room = Room(tick=960, slow_ppm=slow_ppm).send(1, drifting)

    def sounded_late(some: list[Arrival], until: float) -> list[float]:
        drifted = {packet.number: packet.arrived - sent(packet) for packet in some}
        return [delay - drifted[number] for number, delay in room.delays(some, until).items()]

    first = sounded_late(drifting[170:330], 20 * SECOND)
    waits = [status.buffer_ms for status in room.skip(hour - 20 * SECOND)]
    last = sounded_late(drifting[-320:-170], hour - 10 * SECOND)
    assert min(len(first), len(last)) > 120
    assert max(first + last) - min(first + last) < 1.5 * MS
    assert max(waits[5:]) - min(waits[5:]) < 1.5
    assert room.status().drift_ppm == pytest.approx(fast_ppm + slow_ppm, abs=3)


def test_delay_grows_with_jitter_and_shrinks_back_within_seconds() -> None:
    chance = random.Random(3)
    packets = talk([960] * (40 * 50))
    jittery = [packet.late(chance.randint(0, 60 * MS) * (500 <= packet.number < 1_000)) for packet in packets]
    room = Room().send(1, jittery)
    delays = room.delays(packets, 40 * SECOND)

    def delay_ms(second: float) -> float:
        return delays[min(number for number in delays if number >= second * 50)] / MS

    assert delay_ms(9) < 14
    assert delay_ms(19) > 60
    assert delay_ms(29) < 20
    assert len(delays) > 1_940


class Voice(Marking):
    """A decoder of somebody who sounds a tone all the time, whatever is sent."""

    def __init__(self, peak: int, hz: float = 150.0) -> None:
        self.peak, self.turn, self.at = peak, 2 * math.pi * hz / SECOND, 0

    def decode(self, payload: bytes) -> bytes:
        self.at += packet_samples(payload)
        return array("h", (round(self.peak * math.sin(self.turn * n))
                           for n in range(self.at - packet_samples(payload), self.at))).tobytes()  # fmt: skip


def waits_ms(decoder: AnyDecoder, packets: list[Arrival], seconds: int) -> dict[float, float]:
    """What the snapshots tell, ten times a second."""
    room = Room()
    room.talkers = Talkers(lambda: decoder, TICK)
    room.send(1, packets)
    told = {}
    while room.at < seconds * SECOND:
        room.listen(room.at + SECOND // 10)
        if room.talkers.snapshot():
            told[round(room.at / SECOND, 1)] = room.status().buffer_ms
    return told


@pytest.mark.parametrize(("peak", "within_s"), [(100, 1.0), (9_000, 2.1)])
def test_100_ms_too_much_are_gone_within_2_s_of_speech_and_sooner_in_a_pause(peak: int, within_s: float) -> None:
    """A standstill made it longer, at 7 s; after 1 s it is known that nobody needs it. Quiet is less than -45 dBFS."""
    packets = in_order(packet.late(105 * MS * (packet.number == 300)) for packet in talk([960] * 1_000))
    waits = waits_ms(Voice(peak), packets, 20)
    assert waits[7.0] < 14
    assert (waits[8.1] > 80) == (peak == 9_000)
    assert all(wait < 27 for at, wait in waits.items() if at > 7.1 + within_s)
    assert all(wait < 14 for at, wait in waits.items() if at > 7.1 + within_s + 1.5)


def test_periods_that_were_left_out_are_not_taken_for_drift() -> None:
    """Of 4 ms each: 10 ms have no room for two of them."""
    packets = in_order(packet.late(105 * MS * (packet.number % 800 == 600)) for packet in talk([480] * 2_000))
    room = Room()
    room.talkers = Talkers(lambda: Voice(9_000, 250), TICK)
    room.send(1, packets).listen(8 * SECOND)
    drifts = [status.drift_ppm for status in room.skip(20 * SECOND)]
    assert drifts == [pytest.approx(0, abs=100)] * len(drifts)


@pytest.mark.parametrize("length", [960, 1_920, 2_880])
def test_300_ms_too_much_are_gone_within_5_s_of_speech_and_nothing_is_skipped(length: int) -> None:
    """A path was full and is not any more: nobody should wait for a minute until a conversation is one again."""
    full_until = 6 * SECOND
    packets = in_order(packet.late(round(0.06 * (packet.arrived - SECOND)) * (packet.arrived < full_until))
                       for packet in talk([length] * (20 * SECOND // length)))  # fmt: skip
    decoder = Voice(9_000)
    waits = waits_ms(decoder, packets, 20)
    assert max(waits.values()) > 270
    assert all(wait < 35 for at, wait in waits.items() if at > 11)
    assert decoder.at > 18.5 * SECOND, "all of it was decoded"


def test_a_delay_that_a_bad_path_needs_every_few_seconds_is_not_given_up() -> None:
    """Each time that it was not there, it would be heard."""
    packets = in_order(packet.late(95 * MS * (packet.number % 200 == 199)) for packet in talk([960] * 1_500))
    waits = waits_ms(Voice(9_000), packets, 30)
    assert min(wait for at, wait in waits.items() if at > 10) > 60


def test_standstills_are_not_taken_for_drift() -> None:
    """Each makes the delay longer by 60 ms and slips make it shorter again; neither is the talker's clock."""
    packets = talk([960] * 1_500)
    stuck = in_order(packet.late(80 * MS * (packet.number % 250 == 100)) for packet in packets)
    room = Room().send(1, stuck)
    room.listen(2 * SECOND)
    for status in room.skip(30 * SECOND):
        assert status.drift_ppm == pytest.approx(0, abs=100)


def test_after_an_outage_the_delay_is_what_it_was_at_once() -> None:
    packets = talk([960] * 500)
    stuck = packets[250].arrived + 450 * MS
    held_up = [packet.late(max(0, stuck - packet.arrived)) if packet.number >= 250 else packet for packet in packets]
    delays = Room().send(1, held_up).delays(packets, 11 * SECOND)
    assert all(delay < 16 * MS for number, delay in delays.items() if number > 200)
    assert set(delays) >= {*range(250), *range(274, 490)}


def test_a_card_that_stood_still_plays_nothing_old_afterwards() -> None:
    packets = talk([960] * 300)
    room = Room().send(1, packets)
    room.listen(3 * SECOND)
    room.at += SECOND  # no pull for 1 s
    delays = room.delays(packets, 6 * SECOND)
    assert max(delays.values()) < 25 * MS
    assert min(delays) >= 145
    assert {*range(150, 240)} <= delays.keys()


@pytest.mark.parametrize("dry", [30 * MS, 60 * MS, 90 * MS])
def test_a_card_that_ran_dry_for_a_moment_says_so_and_the_delay_is_back_soon(dry: int) -> None:
    """Without a word of it the clock of playing would follow for seven."""
    packets = talk([960] * 500)
    room = Room().send(1, packets)
    room.listen(3 * SECOND)
    room.at, room.since = room.at + dry, room.since + dry
    delays = room.delays(packets, 10 * SECOND)
    usual = max(delay for number, delay in delays.items() if number > 400)
    assert max(delays.values()) > usual + dry // 2, "what was held is not skipped"
    assert all(delay < usual + 2 * MS for number, delay in delays.items() if number > 150 + 40)


@pytest.mark.parametrize(("dry", "every"), [(80 * MS, 5), (80 * MS, 2)])
def test_a_card_that_runs_dry_again_and_again_does_not_make_it_later_and_later(dry: int, every: int) -> None:
    """every: so many times a second."""
    packets = talk([960] * 600)
    room, delays = Room().send(1, packets), dict[int, float]()
    for _ in range(10 * every):
        delays |= room.delays(packets, room.at + SECOND // every)
        room.at, room.since = room.at + dry, room.since + dry
    assert max(delays.values()) < 160 * MS


def test_what_was_decoded_before_a_card_was_dry_for_long_is_not_heard_after_it() -> None:
    packets = talk([2_880] * 100)
    room = Room().send(1, packets)
    room.listen(3 * SECOND)
    for more in (100 * MS, 99 * MS):
        before = room.listen(room.at + TICK)[-1]
        room.at, room.since = room.at + more, room.since + more
        after = room.listen(room.at + TICK)[0]
        assert (after == before) is (more < 100 * MS), "the rest of a packet of 60 ms"


def test_a_thread_that_wakes_late_does_not_move_the_sound() -> None:
    """One wake-up in ten is up to 9 ms late: the card's queue covers that, and so the clock of playing is steady."""
    chance = random.Random(4)
    packets = talk([960] * 1_000)
    room = Room(wake=lambda: chance.uniform(0, 9 * MS) if chance.random() < 0.1 else 0.0).send(1, packets)
    delays = room.delays(packets, 20 * SECOND)
    steady = [delay for number, delay in delays.items() if number > 250]
    assert max(steady) - min(steady) < 2 * MS


def spurts() -> list[Arrival]:
    """Three times a second 100 ms of talk, for 20 s; number 10 n begins the n-th."""
    return [
        packet
        for n in range(60)
        for packet in talk(
            [960] * 5, start=SECOND + n * SECOND // 3 + 37 * n, sequence=1_000 + 5 * n,
            timestamp=5_000_000 + n * SECOND // 3 + 37 * n, number=10 * n,
        )
    ]  # fmt: skip


@pytest.mark.parametrize("tick", [480, 960])
def test_who_begins_to_talk_while_the_speaker_rests_is_heard_as_soon_and_as_steadily(tick: int) -> None:
    packets = spurts()
    awake, rested = (Room(tick, rest=rest).send(1, packets) for rest in (0, 6 * MS))
    usual, delays = (room.delays(packets, 22 * SECOND) for room in (awake, rested))
    assert delays.keys() == usual.keys()
    late = [delays[number] - usual[number] for number in delays if number > 50]
    assert max(map(abs, late)) <= 1
    assert rested.status().concealed == 0


def test_a_talker_falls_asleep_after_what_it_said_and_wakes_with_a_packet() -> None:
    packets = talk([960] * 3)
    room = Room(960).send(1, packets)
    assert room.talkers.asleep
    room.listen(packets[0].arrived + 960)
    assert not room.talkers.asleep, "a packet waits until it is due"
    room.listen(packets[-1].arrived + SECOND)
    assert room.talkers.asleep and room.status().level_dbfs == -127
    room.send(1, talk([960], start=round(room.at), sequence=1_003, timestamp=5_000_000 + round(room.at) - SECOND))
    room.listen(room.at + 4 * 960)
    assert not room.talkers.asleep


def test_a_thread_that_wakes_late_does_not_make_a_spurt_start_early() -> None:
    chance = random.Random(5)
    packets = spurts()
    room = Room(wake=lambda: chance.uniform(0, 9 * MS) if chance.random() < 0.3 else 0.0).send(1, packets)
    delays = room.delays(packets, 22 * SECOND)
    starts = [delays[10 * n] for n in range(5, 60)]
    assert max(starts) - min(starts) < 2 * MS


class Loud:
    """A decoder of somebody who shouts the same all the time."""

    def decode(self, payload: bytes) -> bytes:
        return array("h", [4_000]).tobytes() * packet_samples(payload)

    def conceal(self, samples: int) -> bytes:
        return bytes(samples * 2)

    def recover(self, payload: bytes, samples: int) -> bytes:
        return bytes(samples * 2)


def test_while_somebody_with_priority_speaks_the_others_are_14_db_quieter() -> None:
    room = Room()
    room.talkers = Talkers(Loud, TICK, priority=7)
    room.send(8, talk([960] * 300)).send(7, [packet.late(2 * SECOND) for packet in talk([960] * 50)])
    heard = dict(room.play(7 * SECOND))
    levels = {round(at / SECOND, 1): samples[0] for at, samples in heard.items()}
    assert levels[2.0] == 4_000, "alone"
    assert levels[3.8] == pytest.approx(4_000 + 4_000 * 10 ** (-14 / 20), rel=0.02)
    assert levels[6.5] == 4_000, "and as loud as before once he has said it"


SPOKEN = speech(6).samples
WHISPER_DB, SHOUT_DB = -13.0, 11.0  # against the usual level of speech


def said(uid: int, gain_db: float, until: int) -> list[tuple[int, bytes]]:
    """The sentences, so loud, in packets: when each arrives, and the packet. Each uid begins with another word."""
    loud = np.clip(np.roll(SPOKEN, uid * 3 * SECOND) * 10 ** (gain_db / 20), -32_768, 32_767).astype(np.int16)
    encoder = Encoder(20, 28_000, 0)
    return [(at, encoder.encode(loud[at : at + 960].tobytes())) for at in range(0, until, 960)]


def heard_db(
    *voices: tuple[int, float], equal: bool = True, volume: float = 1.0, priority: int = 0
) -> tuple[float, int]:
    """How loud these (uid, gain_db) are together from their tenth second on, dBFS of the mean power, and the peak."""
    talkers, end = Talkers(Decoder, 960, priority, equal), 20 * SECOND
    talkers.set_gains({1: volume})
    sounds = {uid: said(uid, gain_db, end) for uid, gain_db in voices}
    blocks = []
    for number in range(end // 960):
        for uid, packets in sounds.items():
            at, packet = packets[number]
            talkers.push(uid, number, at, packet, ns(at))
        blocks.append(talkers.pull(ns(number * 960 + 480)))
    heard = np.frombuffer(b"".join(blocks[10 * 50 :]), np.int16).astype(float) / 32_768
    return 10 * np.log10(np.mean(heard**2)), round(np.abs(heard).max() * 32_768)


def test_a_whisper_is_about_as_loud_as_a_shout() -> None:
    usual, _ = heard_db((1, 0.0), equal=False)
    whisper, shout = heard_db((1, WHISPER_DB))[0], heard_db((1, SHOUT_DB))[0]
    assert abs(whisper - shout) < 4
    assert usual - 3 < whisper < shout < usual + 3
    apart = heard_db((1, SHOUT_DB), equal=False)[0] - heard_db((1, WHISPER_DB), equal=False)[0]
    assert apart > 20, "what it would be"


def test_the_volume_of_a_talker_counts_beside_that_and_so_does_the_priority_of_another() -> None:
    whisper, _ = heard_db((1, WHISPER_DB))
    assert whisper - heard_db((1, WHISPER_DB), volume=0.5)[0] == pytest.approx(6, abs=0.2)
    announced, _ = heard_db((7, 0.0), (1, WHISPER_DB), priority=7)
    alone, _ = heard_db((7, 0.0), (1, WHISPER_DB), volume=0.0, priority=7)
    assert announced - alone < 0.5, "who is dimmed is not made louder for it"


def test_two_who_are_made_louder_have_room_together() -> None:
    together, peak = heard_db((1, WHISPER_DB), (2, WHISPER_DB))
    assert together - heard_db((1, WHISPER_DB))[0] == pytest.approx(3, abs=1)
    assert peak < 32_767


class Whispering(Loud):
    """A decoder of somebody who says something at -40 dBov, and nothing after every fifth packet."""

    def decode(self, payload: bytes) -> bytes:
        value = 0 if number_of(payload) % 5 == 4 else 328
        return array("h", [value]).tobytes() * packet_samples(payload)


def test_after_a_silence_a_word_is_as_loud_as_ever_however_loud_it_was_before() -> None:
    room = Room()
    for uid in range(1, 6):
        room.send(uid, talk([960] * 20, number=9_000))
    assert max(room.listen(3 * SECOND)) > 30_000, "more than there is room for"
    word = talk([960] * 5, start=round(room.at), sequence=5_000, number=4_000)
    assert set(room.send(7, word).listen(room.at + SECOND)) - {0, CONCEALED} == set(range(4_001, 4_006))


def test_who_was_silent_for_long_is_as_loud_as_before_at_once() -> None:
    room = Room(960)
    room.talkers = Talkers(Whispering, 960, equal=True)
    loud = max(room.send(1, talk([960] * 400)).listen(70 * SECOND))
    assert loud > 2 * 328
    assert room.talkers.snapshot() == (), "nothing else is known of him"
    again = talk([960] * 5, start=round(room.at), sequence=9_000, timestamp=77)
    assert set(room.send(1, again).listen(room.at + SECOND)) == {0, loud}
