"""The test's side of one virtual sound device: its clock, its tape, its faults and its counters.

A device is one file, described at the top of hardware.h. Registers and tape grow and shrink with nobody's help:
the tape has a place for every frame since the clock's epoch, and takes memory only where somebody wrote.
"""

import ctypes
import errno
import mmap
import os
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

MAGIC = 0x31435356
TAPE_OFFSET = 4096
FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE = 1, 2

Samples = NDArray[np.int16]
"""s16le; one row per frame and one column per channel, or flat when there is one channel."""


class Registers(ctypes.Structure):
    """The first page of the file, kept equal to `struct registers` in hardware.h, where each is explained."""

    _fields_ = (
        ("magic", ctypes.c_uint32),
        ("rate", ctypes.c_uint32),
        ("channels", ctypes.c_uint32),
        ("hung", ctypes.c_uint32),
        ("clock_version", ctypes.c_uint64),
        ("epoch_ns", ctypes.c_int64),
        ("epoch_frame", ctypes.c_double),
        ("frames_per_second", ctypes.c_double),
        ("loop_start", ctypes.c_int64),
        ("loop_frames", ctypes.c_int64),
        ("gone", ctypes.c_uint32),
        ("busy", ctypes.c_uint32),
        ("unplugs", ctypes.c_uint32),
        ("xruns_ordered", ctypes.c_uint32),
        ("transfer_errno", ctypes.c_uint32),
        ("reserved2", ctypes.c_uint32),
        ("opens", ctypes.c_uint64),
        ("closes", ctypes.c_uint64),
        ("starts", ctypes.c_uint64),
        ("frames", ctypes.c_uint64),
        ("xruns", ctypes.c_uint64),
        ("played_end", ctypes.c_int64),
    )


class Clock(NamedTuple):
    """A stretch of a clock: frame `epoch_frame` at CLOCK_MONOTONIC `epoch_ns`, and so fast."""

    epoch_ns: int
    epoch_frame: float
    frames_per_second: float

    def frame(self, at_ns: int) -> float:
        return self.epoch_frame + (at_ns - self.epoch_ns) * self.frames_per_second / 1e9


class Device:
    """One microphone or one speaker. `Device(path)` attaches to a file that `Device.create` made, in any process."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        self._page = mmap.mmap(self._file, TAPE_OFFSET)
        self.registers = Registers.from_buffer(self._page)
        self._past: list[Clock] = []  # how the clock ran before this object changed it, oldest first

    @classmethod
    def create(
        cls, path: Path, rate: int = 48_000, channels: int = 1, ppm: float = 0.0, epoch_ns: int | None = None
    ) -> "Device":
        """A new device at `path`, which every user of the machine may open.

        rate: the only rate it can do, Hz. ppm: how much faster than that its clock runs.
        epoch_ns: CLOCK_MONOTONIC at its frame 0; now, if not given. Raises FileExistsError.
        """
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        os.fchmod(file, 0o666)  # whatever the umask is: daemons under test run as another user
        os.ftruncate(file, TAPE_OFFSET)
        os.close(file)
        device = cls(path)
        registers = device.registers
        registers.rate, registers.channels = rate, channels
        registers.epoch_ns = time.monotonic_ns() if epoch_ns is None else epoch_ns
        registers.frames_per_second = rate * (1 + ppm / 1e6)
        registers.magic = MAGIC
        return device

    # Clock

    def frame(self, at_ns: int | None = None) -> float:
        """The device's frame at CLOCK_MONOTONIC `at_ns`, by its clock as it ran then; at present, if not given.

        What was changed by another `Device` of this file is not known here.
        """
        at_ns = time.monotonic_ns() if at_ns is None else at_ns
        clocks = self._clocks()
        return next((one for one in reversed(clocks) if one.epoch_ns <= at_ns), clocks[0]).frame(at_ns)

    def time_ns(self, frame: float) -> int:
        """CLOCK_MONOTONIC at `frame`, by the clock as it ran then; where it stood still, the end of that."""
        running = [one for one in self._clocks() if one.frames_per_second]
        clock = next((one for one in reversed(running) if one.epoch_frame <= frame), running[0])
        return int(clock.epoch_ns + (frame - clock.epoch_frame) / clock.frames_per_second * 1e9)

    def _clocks(self) -> list[Clock]:
        registers = self.registers
        now = Clock(registers.epoch_ns, registers.epoch_frame, registers.frames_per_second)
        return [*self._past, now]

    def set_ppm(self, ppm: float) -> None:
        """From now on the clock runs `ppm` parts per million faster than the device's rate says."""
        self._set_clock(self.registers.rate * (1 + ppm / 1e6))

    def stall(self) -> None:
        """The clock stops, until `set_ppm`."""
        self._set_clock(0.0)

    def _set_clock(self, frames_per_second: float) -> None:
        now_ns = time.monotonic_ns()
        frame = self.frame(now_ns)
        self._past = self._clocks()
        registers = self.registers
        registers.clock_version += 1
        registers.epoch_ns, registers.epoch_frame = now_ns, frame
        registers.frames_per_second = frames_per_second
        registers.clock_version += 1

    # Tape

    def put(self, samples: ArrayLike, at_frame: int) -> None:
        """Lays `samples` on the tape from `at_frame` on: what a microphone is going to hear."""
        tape = np.ascontiguousarray(samples, "<i2").tobytes()
        written = os.pwrite(self._file, tape, self._offset(at_frame))
        if written != len(tape):
            raise OSError(errno.ENOSPC, f"{self.path.parent} is full")

    def loop(self, start_frame: int, frames: int) -> None:
        """From `start_frame` on a microphone hears the `frames` frames there again and again. 0 frames: no more."""
        self.registers.loop_frames = 0
        self.registers.loop_start = start_frame
        self.registers.loop_frames = frames

    def got(self, first_frame: int, end_frame: int) -> Samples:
        """The tape between two frames, never-written parts as silence: what a speaker has sounded.

        Shape (frames,) with one channel, else (frames, channels). A loop is not unrolled.
        """
        width = 2 * self.registers.channels
        tape = os.pread(self._file, (end_frame - first_frame) * width, self._offset(first_frame))
        samples = np.zeros((end_frame - first_frame) * self.registers.channels, np.int16)
        heard = np.frombuffer(tape, "<i2")
        samples[: len(heard)] = heard
        return samples if self.registers.channels == 1 else samples.reshape(-1, self.registers.channels)

    def sounded(self, from_ns: int, to_ns: int) -> Samples:
        """What a speaker has sounded between two times, silence while its clock stood still. As `got`."""
        clocks, pieces = self._clocks(), []
        for number, clock in enumerate(clocks):
            begin_ns = max(from_ns, clock.epoch_ns) if number else from_ns
            end_ns = min(to_ns, clocks[number + 1].epoch_ns) if number + 1 < len(clocks) else to_ns
            if begin_ns < end_ns and clock.frames_per_second:
                pieces.append(self.got(round(clock.frame(begin_ns)), round(clock.frame(end_ns))))
            elif begin_ns < end_ns:
                silent = round((end_ns - begin_ns) * self.registers.rate / 1e9)
                pieces.append(np.zeros((silent, *pieces[-1].shape[1:]) if pieces else silent, np.int16))
        return np.concatenate(pieces)

    def forget(self, before_frame: int) -> None:
        """Gives back the memory of the tape before `before_frame` (whole pages), for runs of hours."""
        length = self._offset(before_frame) - TAPE_OFFSET
        if length <= 0:
            return
        libc = ctypes.CDLL(None, use_errno=True)
        offsets = ctypes.c_int64(TAPE_OFFSET), ctypes.c_int64(length)
        if libc.fallocate64(self._file, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, *offsets) != 0:
            raise OSError(ctypes.get_errno(), f"could not punch a hole into {self.path}")

    def _offset(self, frame: int) -> int:
        if frame < 0:
            raise ValueError(f"frame {frame} is before the device's first")
        return TAPE_OFFSET + frame * 2 * int(self.registers.channels)

    # Faults

    def unplug(self) -> None:
        """The card is pulled out: what is open gets ENODEV and stays dead, what is opened gets ENODEV."""
        self.registers.gone = 1
        self.registers.unplugs += 1

    def plug(self) -> None:
        """The card is back for those who open it again."""
        self.registers.gone = 0

    def busy(self, busy: bool = True) -> None:
        """Opening answers EBUSY, as while another program holds the card; what is open stays so."""
        self.registers.busy = busy

    def xrun(self) -> None:
        """One xrun of a running stream, now."""
        self.registers.xruns_ordered += 1

    def fail_transfers(self, error: int = errno.EIO) -> None:
        """Every read or write of samples fails with this errno, until `fail_transfers(0)`."""
        self.registers.transfer_errno = error

    def hang(self, hung: bool = True) -> None:
        """Who reads or writes samples does not come back, until `hang(False)`."""
        self.registers.hung = hung

    def stats(self) -> dict[str, int]:
        """Counters since `create`: opens, closes, starts, frames, xruns, played_end."""
        return {
            name: getattr(self.registers, name)
            for name in ("opens", "closes", "starts", "frames", "xruns", "played_end")
        }

    def close(self) -> None:
        """Detaches; the file stays."""
        del self.registers
        self._page.close()
        os.close(self._file)
