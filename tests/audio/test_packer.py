"""Blocks to packets: one each, or several in one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.audio.capture_clock import Block
from device.audio.opus import Decoder
from device.audio.packer import Packer
from device.audio.payload import packet_samples
from tests.audio import properties


class Post:
    """What is sent: timestamp, length, level and mark of each packet."""

    def __init__(self, frame_ms: int = 20) -> None:
        self.sent: list[tuple[int, int, int, bool]] = []
        self.bytes = 0
        self.packer = Packer(frame_ms, 28_000, 0, self._put)
        self._frames = frame_ms * 48

    def _put(self, payload: bytes, timestamp: int, level_dbov: int, first: bool) -> None:
        self.sent.append((timestamp, packet_samples(payload), level_dbov, first))
        self.bytes += len(payload)

    def say(self, number: int, level_dbov: int = -20, first: bool = False) -> None:
        pcm = np.random.default_rng(number).normal(0, 3_000, self._frames).astype(np.int16).tobytes()
        self.packer.take(Block(pcm, number * self._frames, 0), level_dbov, first)


def test_each_block_is_a_packet_at_once_where_there_is_room() -> None:
    post = Post()
    post.say(0, first=True)
    post.say(1, -30)
    assert post.sent == [(0, 960, -20, True), (960, 960, -30, False)]


def test_where_there_is_little_three_share_one_and_the_loudest_counts() -> None:
    post = Post()
    post.packer.encode(12_000, 60)
    for number, level_dbov in enumerate((-40, -20, -30)):
        post.say(number, level_dbov, first=not number)
    assert post.sent == [(0, 2_880, -20, True)]


def test_the_rest_of_a_spurt_is_sent_however_little_it_is() -> None:
    post = Post()
    post.packer.encode(12_000, 60)
    for number in range(5):
        post.say(number)
    post.packer.flush()
    assert [(at, samples) for at, samples, *_ in post.sent] == [(0, 2_880), (2_880, 1_920)]


def test_a_packet_never_reaches_over_a_gap_nor_into_the_next_spurt() -> None:
    post = Post()
    post.packer.encode(12_000, 60)
    post.say(0)
    post.say(5)
    post.say(6, first=True)
    post.packer.flush()
    assert [(at // 960, samples, first) for at, samples, _, first in post.sent] == [
        (0, 960, False), (5, 960, False), (6, 960, True),
    ]  # fmt: skip


def test_what_is_dropped_is_sent_to_nobody() -> None:
    post = Post()
    post.packer.encode(12_000, 60)
    post.say(0)
    post.packer.drop()
    post.packer.flush()
    assert post.sent == []


def test_fewer_bits_are_fewer_bytes() -> None:
    plenty, few = Post(), Post()
    few.packer.encode(8_000, 20)
    for number in range(50):
        plenty.say(number)
        few.say(number)
    assert few.bytes < 0.5 * plenty.bytes


@given(st.sampled_from([10, 20]), st.lists(st.sampled_from([0, 20, 40, 60, 10]), max_size=40))
@properties
def test_everything_taken_is_sent_once_in_order_whatever_the_length_becomes(frame_ms: int, lengths: list[int]) -> None:
    """0: the spurt ends."""
    post = Post(frame_ms)
    for number, packet_ms in enumerate(lengths):
        if packet_ms:
            post.packer.encode(20_000, max(frame_ms, packet_ms))
        else:
            post.packer.flush()
        post.say(number)
    post.packer.flush()
    at = 0
    for timestamp, samples, *_ in post.sent:
        assert timestamp == at
        at += samples
    assert at == len(lengths) * frame_ms * 48


@pytest.mark.parametrize("pause", [True, False])
@pytest.mark.parametrize(("frame_ms", "most"), [(20, 100), (10, 700)])
def test_nothing_that_was_said_before_a_spurt_or_a_standstill_is_heard_after_it(
    frame_ms: int, most: int, pause: bool
) -> None:
    """The encoder holds 6.5 ms back: what was said when the button was pressed, or the card unplugged."""
    frames, sent = frame_ms * 48, list[bytes]()
    packer = Packer(frame_ms, 28_000, 5, lambda payload, *_: sent.append(payload))
    said = (8_000 * np.sin(np.arange(14_400) * 2 * np.pi * 190 / 48_000)).astype("<i2")
    for number in range(300 // frame_ms):
        block = said[number * frames : (number + 1) * frames].tobytes()
        packer.take(Block(block, number * frames, 0), -20, not number)
    if pause:
        packer.drop()
    sent.clear()
    for number in range(100 // frame_ms):
        packer.take(Block(bytes(2 * frames), 144_000 + number * frames, 0), -127, pause and not number)
    decoder = Decoder()
    heard = np.frombuffer(b"".join(map(decoder.decode, sent)), "<i2")
    assert np.abs(heard.astype(int)).max() < most
