"""A room: what a speaker sounds comes to a microphone, later and quieter, and the room has a noise of its own."""

import threading
from types import TracebackType
from typing import Self

import numpy as np

from .device import Device

RATE = 48_000
_STEP_S = 0.004


class Coupling:
    """While it is entered, `mic` hears `spk`, exact to the frame, and noise.

    Both are 48 kHz mono, of one bench and with the same clock; that of the speaker may stand still. delay_ms: also how
    late the thread that carries the sound over may be before the microphone misses some of it. loss_db: None for a
    speaker that is dead.
    """

    def __init__(
        self, spk: Device, mic: Device, loss_db: float | None = 20.0, delay_ms: float = 60.0, room_dbfs: float = -60.0
    ) -> None:
        self._spk, self._mic = spk, mic
        self.loss_db = loss_db
        self._delay_frames = round(delay_ms * RATE / 1_000)
        self._noise = 32_768 * 10 ** (room_dbfs / 20)
        self._rng = np.random.default_rng(1)
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._carry, daemon=True)

    def _carry(self) -> None:
        done = int(self._mic.frame())
        while not self._end.wait(_STEP_S):
            now = int(self._mic.frame())
            gain = 0.0 if self.loss_db is None else 10 ** (-self.loss_db / 20)
            sound = self._spk.got(done, now) * gain + self._rng.normal(0, self._noise, now - done)
            self._mic.put(np.clip(np.round(sound), -32_768, 32_767), done + self._delay_frames)
            done = now

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._end.set()
        self._thread.join()
