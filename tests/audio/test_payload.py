"""What an Opus packet says of itself: its length, and whether it has the one before it once more."""

import math

import numpy as np
import pytest

from device.audio.opus import Encoder
from device.audio.payload import has_fec, packet_samples


@pytest.mark.parametrize(
    ("head", "samples"),
    [
        (b"\x00", 480), (b"\x08", 960), (b"\x10", 1_920), (b"\x18", 2_880),  # SILK, narrowband
        (b"\x58", 2_880), (b"\x60", 480), (b"\x68", 960), (b"\x70", 480), (b"\x78", 960),  # SILK wideband, hybrid
        (b"\x80", 120), (b"\x88", 240), (b"\x90", 480), (b"\xf8", 960),  # CELT
        (b"\xf9", 1_920), (b"\xfa", 1_920), (b"\xfb\x03", 2_880), (b"\xe3\x18", 2_880), (b"\xfc", 960),  # more frames
    ],
)  # fmt: skip
def test_a_packet_s_length_stands_in_its_first_byte(head: bytes, samples: int) -> None:
    assert packet_samples(head + b"sound") == samples


@pytest.mark.parametrize("nonsense", [b"", b"\xfb", b"\xfb\x00", b"\xfb\x04", b"\x19", b"\xfb\x3f"])
def test_nonsense_and_more_than_60_ms_are_refused(nonsense: bytes) -> None:
    with pytest.raises(ValueError, match="Opus packet"):
        packet_samples(nonsense)


def spoken(seconds: int = 1) -> bytes:
    """Something that an encoder takes for a voice: a buzz whose pitch and loudness change."""
    at = np.arange(seconds * 48_000) / 48_000
    buzz = sum(
        np.sin(2 * math.pi * (120 + 10 * np.sin(4 * at)) * harmonic * at) / harmonic for harmonic in range(1, 20)
    )
    return bytes((buzz * (4_000 + 3_000 * np.sin(20 * at))).astype("<i2").tobytes())


@pytest.mark.parametrize("packet_ms", [20, 40, 60])
def test_a_packet_says_whether_it_has_the_one_before_it_once_more(packet_ms: int) -> None:
    encoder, size = Encoder(20, 32_000, 5), packet_ms * 96
    pieces = [spoken()[at : at + size] for at in range(0, 96_000 - size, size)]
    assert not any(has_fec(encoder.encode(piece)) for piece in pieces)
    encoder.expect_loss(20)
    assert sum(has_fec(encoder.encode(piece)) for piece in pieces) > len(pieces) // 2
    encoder.expect_loss(0)
    assert not any([has_fec(encoder.encode(piece)) for piece in pieces][1:])


@pytest.mark.parametrize("payload", [b"\x48", b"\x80\xff", b"\xf8\xff", b"\x49\xff"])
def test_packets_that_cannot_have_it_have_not(payload: bytes) -> None:
    """One byte, CELT, and two frames in one."""
    assert not has_fec(payload)
