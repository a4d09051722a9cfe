"""Opus through libopus itself: what goes in comes out again, and what is wrong is said in one readable line."""

import array
import math
import os
import random
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from device.audio import opus
from device.audio.payload import has_fec, packet_samples

RATE_HZ = 48_000


def tone(samples: int, hz: float = 440.0, peak: int = 12_000) -> bytes:
    return array.array("h", (int(peak * math.sin(2 * math.pi * hz * n / RATE_HZ)) for n in range(samples))).tobytes()


def chirp(samples: int) -> bytes:
    """From 500 to 3,000 Hz, so that a shift in time cannot be mistaken."""
    phase = (2 * math.pi * (500 * t + 2_500 * t * t / 2) for t in (n / RATE_HZ for n in range(samples)))
    return array.array("h", (int(12_000 * math.sin(angle)) for angle in phase)).tobytes()


def rms(pcm: bytes) -> float:
    samples = array.array("h", pcm)
    return math.sqrt(sum(sample * sample for sample in samples) / len(samples))


def correlation(a: bytes, b: bytes) -> float:
    one, other = array.array("h", a), array.array("h", b)
    both = sum(x * y for x, y in zip(one, other, strict=True))
    return both / math.sqrt(sum(x * x for x in one) * sum(y * y for y in other))


def frames(pcm: bytes, samples: int) -> list[bytes]:
    return [pcm[at : at + 2 * samples] for at in range(0, len(pcm), 2 * samples)]


@pytest.mark.parametrize("application", ["voip", "audio", "lowdelay"])
@pytest.mark.parametrize("frame_ms", [10, 20])
def test_what_is_encoded_comes_out_again_later_by_the_lookahead(application: str, frame_ms: int) -> None:
    encoder, decoder = opus.Encoder(frame_ms, 32_000, 5, application), opus.Decoder()
    said = chirp(48_000)
    heard = b"".join(decoder.decode(encoder.encode(frame)) for frame in frames(said, encoder.frame_samples))
    assert len(heard) == len(said)

    def likeness(samples_late: int) -> float:
        return correlation(said[19_200:86_400], heard[19_200 + 2 * samples_late : 86_400 + 2 * samples_late])

    assert max(range(0, 480, 24), key=likeness) in range(encoder.lookahead - 24, encoder.lookahead + 25)


def test_the_bitrate_is_kept() -> None:
    random.seed(1)
    noise = array.array("h", (int(random.gauss(0, 3_000)) for _ in range(96_000))).tobytes()
    for bitrate in (12_000, 24_000, 64_000):
        encoder = opus.Encoder(20, bitrate, 5)
        sent = sum(len(encoder.encode(frame)) for frame in frames(noise, 960))
        assert sent * 8 / 2 == pytest.approx(bitrate, rel=0.2)


def test_what_lies_above_the_bandwidth_is_not_sent() -> None:
    whistle = frames(tone(48_000, hz=11_000), 960)
    heard = {}
    for bandwidth in ("wide", "superwide", "full"):
        encoder, decoder = opus.Encoder(20, 64_000, 5, "audio", bandwidth), opus.Decoder()
        heard[bandwidth] = [rms(decoder.decode(encoder.encode(frame))) for frame in whistle][-1]
    assert heard["wide"] < 200
    assert min(heard["superwide"], heard["full"]) > 4_000


def test_lowdelay_looks_ahead_2_5_ms_and_the_others_6_5() -> None:
    assert [opus.Encoder(20, 24_000, 5, name).lookahead for name in ("voip", "audio", "lowdelay")] == [312, 312, 120]


@pytest.mark.parametrize("packet_ms", [20, 40, 60])
def test_several_frames_go_into_one_packet(packet_ms: int) -> None:
    encoder = opus.Encoder(10, 24_000, 5)
    assert packet_samples(encoder.encode(bytes(packet_ms * 96))) == packet_ms * 48


def test_the_bitrate_changes_on_the_way() -> None:
    encoder, noise = opus.Encoder(20, 32_000, 5), np.random.default_rng(1).normal(0, 3_000, 960).astype(np.int16)
    sizes = [len(encoder.encode(noise.tobytes())) for _ in range(20)]
    encoder.set_bitrate(8_000)
    fewer = [len(encoder.encode(noise.tobytes())) for _ in range(20)]
    assert sum(fewer[5:]) < sum(sizes[5:]) / 2


@pytest.mark.parametrize("length", [0, 959 * 2, 960 * 2 - 1, 961 * 2])
def test_a_block_of_another_length_is_refused_before_libopus_reads_beyond_it(length: int) -> None:
    with pytest.raises(ValueError, match=f"1920, 3840, 5760. bytes, not {length}$"):
        opus.Encoder(20, 24_000, 5).encode(bytes(length))


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ((15, 24_000, 5, "voip"), "10 or 20 ms here, not 15"),
        ((20, 24_000, 5, "music"), "voip, audio, lowdelay, not music"),
        ((20, 24_000, 5, "voip", "narrow"), "wide, superwide, full, not narrow"),
        ((20, 5_999, 5, "voip"), "6000 to 510000 bit/s, not 5999"),
        ((20, 24_000, 11, "voip"), "0 to 10, not 11"),
    ],
)
def test_wrong_settings_are_refused_in_one_line(settings: tuple[Any, ...], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        opus.Encoder(*settings)


def test_a_lost_packet_is_concealed_and_fades() -> None:
    encoder, decoder = opus.Encoder(20, 24_000, 5), opus.Decoder()
    for frame in frames(tone(48_000), 960):
        loud = rms(decoder.decode(encoder.encode(frame)))
    concealed = [rms(decoder.conceal(960)) for _ in range(20)]
    assert concealed[0] > loud / 3
    assert concealed[-1] < loud / 20


@pytest.mark.parametrize("frame_ms", [10, 20])
@pytest.mark.parametrize("pieces", [[240] * 20, [120] * 40, [360, *[960] * 5], [840, *[960] * 4]])
def test_what_is_concealed_in_pieces_has_no_seams(frame_ms: int, pieces: list[int]) -> None:
    """A speaker's tick cuts it anywhere, and a click in each would be heard in every gap."""
    for begin in range(0, 2_400, 300):
        encoder, decoder = opus.Encoder(frame_ms, 28_000, 5), opus.Decoder()
        for frame in frames(tone(26_400)[2 * begin :][:48_000], 48 * frame_ms):
            heard = decoder.decode(encoder.encode(frame))
        heard += b"".join(decoder.conceal(samples) for samples in pieces)
        whole = np.frombuffer(heard, np.int16).astype(int)
        steps = np.abs(np.diff(whole))
        assert steps.max() < 1.2 * steps[: 48 * frame_ms].max()


@pytest.mark.parametrize(("frame_ms", "made_up"), [(20, 240), (20, 600), (20, 720), (10, 120), (10, 240)])
def test_where_a_packet_has_less_to_recover_than_its_length_it_is_made_up_without_a_seam(
    frame_ms: int, made_up: int
) -> None:
    for begin in range(0, 2_400, 300):
        encoder, decoder = opus.Encoder(frame_ms, 28_000, 5), opus.Decoder()
        encoder.expect_loss(20)
        packets = [encoder.encode(frame) for frame in frames(tone(26_400)[2 * begin :][:48_000], 48 * frame_ms)]
        for packet in packets[:-2]:
            heard = decoder.decode(packet)
        heard += decoder.conceal(made_up) + decoder.recover(packets[-1], 48 * frame_ms - made_up)
        steps = np.abs(np.diff(np.frombuffer(heard, np.int16).astype(int)))
        assert steps.max() < 1.2 * steps[: 48 * frame_ms].max()


@pytest.mark.parametrize("recovered", [False, True])
def test_nothing_of_what_was_concealed_is_left_after_what_follows(recovered: bool) -> None:
    encoder, decoder = opus.Encoder(20, 28_000, 5), opus.Decoder()
    for frame in frames(tone(24_000), 960):
        decoder.decode(encoder.encode(frame))
    assert rms(decoder.conceal(120)) > 1_000
    for payload in [encoder.encode(bytes(1_920)) for _ in range(20)]:
        if recovered:
            decoder.recover(payload, 960)
        else:
            decoder.decode(payload)
    assert rms(decoder.conceal(360)) < 300


@pytest.mark.parametrize("samples", [120, 480, 960, 2_880, 5_760])
def test_concealment_is_as_long_as_asked(samples: int) -> None:
    assert len(opus.Decoder().conceal(samples)) == 2 * samples


@pytest.mark.parametrize("samples", [0, -120, 100, 5_880])
def test_concealment_comes_in_steps_of_2_5_ms(samples: int) -> None:
    with pytest.raises(ValueError, match=f"steps of 120, not {samples}"):
        opus.Decoder().conceal(samples)


@pytest.mark.parametrize("payload", [b"", b"\xff", b"\xff\xff\xff", b"\x03"])
def test_a_payload_that_is_no_opus_is_one_readable_error(payload: bytes) -> None:
    with pytest.raises(opus.OpusError, match=r"cannot decode a packet: corrupted stream \(-4\)"):
        opus.Decoder().decode(payload)


def test_the_decoder_goes_on_after_garbage() -> None:
    """20,000 random packets: each gives sound or our error; then a clean tone is heard again."""
    random.seed(2)
    encoder, decoder = opus.Encoder(20, 32_000, 5), opus.Decoder()
    for _ in range(20_000):
        try:
            assert 0 < len(decoder.decode(random.randbytes(random.randint(1, 80)))) <= 2 * opus.MAX_SAMPLES
        except opus.OpusError as error:
            assert "cannot decode a packet" in str(error)
    for frame in frames(tone(48_000), 960):
        heard = decoder.decode(encoder.encode(frame))
    assert rms(heard) == pytest.approx(12_000 / math.sqrt(2), rel=0.1)


def test_an_encoder_s_refusal_can_be_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opus, "MAX_PAYLOAD_BYTES", 0)  # libopus refuses to write into no space
    with pytest.raises(opus.OpusError, match=r"cannot encode a frame: invalid argument \(-1\)"):
        opus.Encoder(20, 24_000, 5).encode(bytes(1_920))


def test_the_interpreter_goes_on_while_libopus_encodes() -> None:
    """Two threads encode at once and both get what one alone gets: no state is shared, and the lock is given away."""
    said = frames(tone(48_000), 960)

    def encode(into: list[bytes]) -> None:
        encoder = opus.Encoder(20, 24_000, 5)
        into.extend(encoder.encode(frame) for frame in said)

    alone: list[bytes] = []
    encode(alone)
    results: list[list[bytes]] = [[], []]
    threads = [threading.Thread(target=encode, args=(result,)) for result in results]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [alone, alone]


def run_python(program: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, env=environment)


def test_a_missing_libopus_is_one_line_with_its_remedy() -> None:
    program = (
        "import ctypes.util; ctypes.util.find_library = lambda name: None\n"
        "try:\n    import device.audio.opus\nexcept ImportError as error:\n    print(error)\n"
    )
    result = run_python(program)
    assert result.stdout == "libopus is missing; install it: apt install libopus0\n", result.stderr


def test_a_missing_opuslib_names_itself() -> None:
    result = run_python("import sys; sys.modules['opuslib'] = None\nimport device.audio.opus")
    assert "opuslib" in result.stderr.splitlines()[-1]
    assert "apt install" not in result.stderr


def test_the_first_import_warns_of_nothing(tmp_path: Path) -> None:
    """opuslib's own SyntaxWarnings come at its first byte-compile."""
    nothing_compiled = f"import sys, warnings; sys.pycache_prefix = {str(tmp_path)!r}; warnings.simplefilter('error')\n"
    result = run_python(nothing_compiled + "import device.audio.opus")
    assert (result.returncode, result.stderr) == (0, "")


def test_a_packet_has_the_one_before_it_once_more_when_losses_are_expected() -> None:
    """Of a voice, whose pitch changes: what is made up from the sound before it, is off there."""
    at = np.arange(96_000) / 48_000
    buzz = sum(np.sin(2 * math.pi * harmonic * (110 * at + 20 * at * at)) / harmonic for harmonic in range(1, 20))
    said = frames((buzz * (4_000 + 3_000 * np.sin(20 * at))).astype("<i2").tobytes(), 960)
    recovered, made_up = encoded(said, loss_percent=20), encoded(said, loss_percent=0)
    twice = [number for number in range(40, 90, 4) if has_fec(recovered[number + 1])]
    assert len(twice) > 5
    assert min(likeness_of_recovered(recovered, number) for number in twice) > 0.95
    assert max(likeness_of_recovered(made_up, number) for number in twice) < 0.95


def encoded(said: list[bytes], loss_percent: int) -> list[bytes]:
    encoder = opus.Encoder(20, 32_000, 5)
    encoder.expect_loss(loss_percent)
    return [encoder.encode(frame) for frame in said]


def likeness_of_recovered(packets: list[bytes], number: int) -> float:
    """Of this packet, which does not arrive, to what it holds."""
    whole, holed = opus.Decoder(), opus.Decoder()
    said = [whole.decode(packet) for packet in packets[: number + 1]]
    for packet in packets[:number]:
        holed.decode(packet)
    return correlation(holed.recover(packets[number + 1], 960), said[number])


def test_only_what_libopus_can_recover_is_asked_of_it() -> None:
    for samples in (0, 100, 5_880):
        with pytest.raises(ValueError, match="recovers 120 to 5760 samples"):
            opus.Decoder().recover(b"\x48\x40", samples)
