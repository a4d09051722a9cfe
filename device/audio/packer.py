"""From blocks of the microphone to packets: one block each, or several in one where the path has little room.

A packet of 40 or 60 ms costs fewer headers and is heard later. What belongs together stays together: a packet never
reaches over a gap, nor from one talk-spurt into the next.
"""

from collections.abc import Callable

from device.audio.capture_clock import RATE_HZ, Block
from device.audio.opus import SAMPLE_BYTES, Encoder

Put = Callable[[bytes, int, int, bool], object]
_LEAST_FALL = RATE_HZ // 100


class Packer:
    """Belongs to the capture thread, but for `encode`. put: called with (payload, timestamp, level_dbov,
    first_of_spurt) of each packet; the level is that of its loudest block.
    """

    def __init__(self, frame_ms: int, bitrate: int, complexity: int, put: Put) -> None:
        self._encoder, self._put = Encoder(frame_ms, bitrate, complexity), put
        self._wanted, self._coding = (bitrate, frame_ms, 0), (bitrate, 0)
        self._pcm = b""
        self._frame = self._level_dbov = 0  # of the first sample in it, and the loudest
        self._first = False

    def encode(self, bitrate: int, packet_ms: int, fec_percent: int = 0) -> None:
        """From the next packet on; bit/s, as long as a block or 20, 40 or 60 ms, and the losses that FEC is to expect,
        0 for no FEC. In any thread."""
        self._wanted = bitrate, packet_ms, fec_percent

    @property
    def fall(self) -> int:
        """In so many samples the last block of a spurt should fall to nothing: what is heard with its own packet of it.
        The others would be heard with the next one only. In less than 10 ms it would click."""
        return max(self._encoder.frame_samples - self._encoder.lookahead, _LEAST_FALL)

    @property
    def coding(self) -> dict[str, int]:
        """How it is encoded now: bitrate in bit/s, packet_ms, fec_percent: the losses that FEC is to expect."""
        bitrate, packet_ms, fec_percent = self._wanted
        return {"bitrate": bitrate, "packet_ms": packet_ms, "fec_percent": fec_percent}

    def take(self, block: Block, level_dbov: int, first_of_spurt: bool) -> None:
        """One block that is to be sent; first_of_spurt: nothing was, before it."""
        if first_of_spurt or block.frame != self._frame + len(self._pcm) // SAMPLE_BYTES:  # or the card stood still
            self.flush()
            self._encoder.forget()
        if self._pcm:
            self._pcm, self._level_dbov = self._pcm + block.pcm, max(self._level_dbov, level_dbov)
        else:
            self._pcm, self._frame, self._level_dbov, self._first = block.pcm, block.frame, level_dbov, first_of_spurt
        if len(self._pcm) >= self._wanted[1] * RATE_HZ // 1_000 * SAMPLE_BYTES:
            self.flush()

    def flush(self) -> None:
        """What has been taken is sent, however little it is."""
        bitrate, _, fec_percent = self._wanted
        if (bitrate, fec_percent) != self._coding:
            self._coding = bitrate, fec_percent
            self._encoder.set_bitrate(bitrate)
            self._encoder.expect_loss(fec_percent)
        while self._pcm:
            size = len(self._pcm)
            if size not in self._encoder.lengths:
                size = max(length for length in self._encoder.lengths if length <= size)
            payload = self._encoder.encode(self._pcm[:size])
            self._put(payload, self._frame & 0xFFFFFFFF, self._level_dbov, self._first)
            self._pcm, self._frame, self._first = self._pcm[size:], self._frame + size // SAMPLE_BYTES, False

    def drop(self) -> None:
        """What has been taken is sent to nobody; nor is what the encoder still holds of it, as a spurt comes next."""
        self._pcm = b""
