"""The floor of the CPU bench with a network: the least that two threads can do to send and play speech.

    python -m tests.bench.network_floor MIC SPK --frame-ms 20 --opus voip --seconds 10

One thread reads a period, encodes it and sends it over TCP on loopback, the other receives, decodes and plays; a
process beside it, which is not counted, sends everything back half a frame later. There is no hub, no WebSocket, no
RTP, no jitter buffer, no clock and no event loop, and what comes late is an xrun. Prints one JSON line when it ends, as
floor.py does.
"""

import json
import socket
import subprocess
import sys
import threading
import time

import alsaaudio
import opuslib

from tests.bench.floor import APPLICATIONS, RATE, WARM_UP_S, arguments, open_card

# Half a frame later, as what another says comes at another moment than what is said here goes: else the thread that
# sends is still awake when it comes, and has it for nothing.
ECHO = """
import socket, time
listening = socket.create_server(("127.0.0.1", 0))
print(listening.getsockname()[1], flush=True)
peer = listening.accept()[0]
peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
while data := peer.recv(4096):
    time.sleep(0.01)
    peer.sendall(data)
"""
_LONGEST = 1_500  # a packet of ours, and what one `recv` returns


class Ear(threading.Thread):
    """Receives, decodes, plays."""

    def __init__(self, network: socket.socket, spk: alsaaudio.PCM, frame: int, prefill: int) -> None:
        super().__init__(daemon=True)
        self._network, self._spk, self._frame = network, spk, frame
        self._silence = bytes(2 * frame) * prefill
        self._decoder = opuslib.Decoder(RATE, 1)
        self.xruns = 0

    def run(self) -> None:
        playing = False
        while payload := self._network.recv(_LONGEST):
            pcm = self._decoder.decode(payload, self._frame)
            written = self._spk.write(pcm if playing else self._silence + pcm)
            self.xruns += written < 0
            playing = written > 0


def main() -> None:
    options = arguments()
    frame = RATE * options.frame_ms // 1_000
    encoder = opuslib.Encoder(RATE, 1, APPLICATIONS[options.opus])
    encoder.bitrate, encoder.complexity = options.bitrate, options.complexity
    with subprocess.Popen([sys.executable, "-c", ECHO], stdout=subprocess.PIPE) as echo:
        assert echo.stdout
        network = socket.create_connection(("127.0.0.1", int(echo.stdout.readline())))
        network.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        mic = open_card(alsaaudio.PCM_CAPTURE, options.mic, frame, options.periods)
        ear = Ear(network, open_card(alsaaudio.PCM_PLAYBACK, options.spk, frame, options.periods), frame, 2)
        ear.start()
        begin, counted_from = time.monotonic(), (0.0, 0.0)
        while (now := time.monotonic()) < begin + WARM_UP_S + options.seconds:
            if not counted_from[0] and now >= begin + WARM_UP_S:
                counted_from, ear.xruns = (now, time.process_time()), 0
            count, pcm = mic.read()
            if count == frame:
                network.send(encoder.encode(pcm, frame))
        counted_s, cpu_s = time.monotonic() - counted_from[0], time.process_time() - counted_from[1]
        network.shutdown(socket.SHUT_WR)
        ear.join()
        echo.wait()
    print(json.dumps({
        "case": f"floor with a network, {options.frame_ms} ms", "cpu_ms_per_s": round(cpu_s / counted_s * 1_000, 2),
        "xruns": ear.xruns, "seconds": round(counted_s, 2),
    }), flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
