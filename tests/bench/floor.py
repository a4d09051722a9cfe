"""The floor of the benches: a microphone heard in a speaker by the libraries alone, in one process.

    floor.py MIC SPK --frame-ms 20 [--opus voip|audio|lowdelay --bitrate 24000 --complexity 5] --seconds 10

Blocking reads and writes of one period through pyalsaaudio, and, with --opus, each period through opuslib's encoder and
decoder in between. The speaker starts with `prefill` periods of silence in front of the first sound, and again after
every xrun: the latency is period x (1 + prefill), and the codec's own delay. It starts after a period that came less
than 1 ms late, or that delay would stay. Prints one JSON line when it ends; a run with xruns is no floor.
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

import alsaaudio

RATE = 48_000
WARM_UP_S = 1.0  # not counted as CPU
APPLICATIONS = {"voip": "voip", "audio": "audio", "lowdelay": "restricted_lowdelay"}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mic")
    parser.add_argument("spk")
    parser.add_argument("--frame-ms", type=int, default=20)
    parser.add_argument("--periods", type=int, default=4)
    parser.add_argument("--prefill", type=int, default=1, help="periods of silence before the first sound")
    parser.add_argument("--opus", choices=APPLICATIONS)
    parser.add_argument("--bitrate", type=int, default=24_000)
    parser.add_argument("--complexity", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=10.0, help="counted after a warm-up of 1 s")
    return parser.parse_args()


def codec(application: str, bitrate: int, complexity: int, frame: int) -> Callable[[bytes], bytes]:
    """One period through Opus and back."""
    import opuslib

    encoder = opuslib.Encoder(RATE, 1, APPLICATIONS[application])
    encoder.bitrate = bitrate
    encoder.complexity = complexity
    decoder = opuslib.Decoder(RATE, 1)
    return lambda pcm: decoder.decode(encoder.encode(pcm, frame), frame)


def open_card(direction: int, device: str, frame: int, periods: int) -> alsaaudio.PCM:
    pcm = alsaaudio.PCM(
        direction,
        device=device,
        rate=RATE,
        channels=1,
        format=alsaaudio.PCM_FORMAT_S16_LE,
        periodsize=frame,
        periods=periods,
    )
    granted = pcm.info()
    if (granted["rate"], granted["channels"], granted["period_size"]) != (RATE, 1, frame):
        raise SystemExit(
            f"{device} grants {granted['rate']} Hz, {granted['channels']} channels, {granted['period_size']} frames"
        )
    return pcm


def peak_rss_mb() -> float:
    """ru_maxrss would include what the parent had when it forked."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1_024 / 1e6


def main() -> None:
    options = arguments()
    frame = RATE * options.frame_ms // 1_000
    through = codec(options.opus, options.bitrate, options.complexity, frame) if options.opus else bytes
    mic = open_card(alsaaudio.PCM_CAPTURE, options.mic, frame, options.periods)
    spk = open_card(alsaaudio.PCM_PLAYBACK, options.spk, frame, options.periods)
    for _ in range(5):
        through(bytes(2 * frame))  # the first calls of a coder are slow
    silence = bytes(2 * frame) * options.prefill
    xruns, playing = 0, False
    begin = time.monotonic()
    counted_from: tuple[float, float] | None = None
    while (now := time.monotonic()) < begin + WARM_UP_S + options.seconds:
        if counted_from is None and now >= begin + WARM_UP_S:
            counted_from = now, time.process_time()
        count, pcm = mic.read()
        if count > 0 and not playing and mic.avail() >= RATE // 1_000:
            mic.drop()  # it came late, and blocking reads stay as late as they once were
            continue
        written = spk.write(through(pcm) if playing else silence + through(pcm)) if count > 0 else count
        xruns += written < 0
        playing = written > 0
    assert counted_from is not None
    counted_s, cpu_s = time.monotonic() - counted_from[0], time.process_time() - counted_from[1]
    spk.drop()
    report = {
        "case": f"floor {options.opus or 'bare'} {options.frame_ms} ms",
        "cpu_ms_per_s": round(cpu_s / counted_s * 1_000, 2),
        "rss_mb": round(peak_rss_mb(), 1),
        "xruns": xruns,
        "seconds": round(counted_s, 2),
    }
    print(json.dumps(report), flush=True)


if __name__ == "__main__":
    main()
