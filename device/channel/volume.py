"""How loud who is, from the levels that packets carry (RFC 6464): what a row of meters shows. PURE.

Nothing is decoded for it. Of the others the three loudest are told, and ourselves always; who has been silent for 20 s
is told no more. Shapes and numbers are those of the documented SDKs: an interval of more than 10 ms, volume 0 to 255.
"""

from device.jsonrpc import Params

LOUDEST = 3
FORGOTTEN_S = 20.0
SHORTEST_MS = 10
SILENT_DBOV = -127
# What counts as speech and not as the noise of a room.
SPEECH_DBOV = -50
# Who sends more names than a channel seats is not believed.
MAX_TALKERS = 1_000


class Volume:
    """Off until it is asked for."""

    def __init__(self) -> None:
        self._interval_s = 0.0
        self._due_at = float("inf")
        self._ours_dbov = SILENT_DBOV
        self._talkers: dict[int, tuple[int, float]] = {}  # by uid: loudest of this interval, and when last heard

    def set_interval(self, interval_ms: int, now: float) -> None:
        """Tell so often from now on, 0 for never. Raises ValueError for 1 to 10 ms, and for less than nothing."""
        if interval_ms and interval_ms <= SHORTEST_MS:
            raise ValueError(f"an interval is 0 (off), or more than {SHORTEST_MS} ms")
        self._interval_s = interval_ms / 1_000
        self._due_at = now + self._interval_s if interval_ms else float("inf")
        self._ours_dbov = SILENT_DBOV
        self._talkers.clear()

    @property
    def is_on(self) -> bool:
        """Whether it was asked for."""
        return self._interval_s > 0

    def due_at(self) -> float:
        """When it is to be told next, infinity for never."""
        return self._due_at

    def heard(self, uid: int, level_dbov: int | None, now: float) -> None:
        """A packet of this one came; one that carries no level says only that somebody is there."""
        loudest, _ = self._talkers.get(uid, (SILENT_DBOV, now))
        if uid in self._talkers or len(self._talkers) < MAX_TALKERS:
            self._talkers[uid] = max(loudest, SILENT_DBOV if level_dbov is None else level_dbov), now

    def said(self, level_dbov: int | None) -> None:
        """We have sent one."""
        self._ours_dbov = max(self._ours_dbov, SILENT_DBOV if level_dbov is None else level_dbov)

    def take(self, ours: int, now: float) -> Params:
        """{speakers: [{uid, volume, level_dbov, speaking}]}, the loudest first and ourselves last; begins anew.

        ours: our uid.
        """
        self._due_at = now + self._interval_s
        self._talkers = {uid: known for uid, known in self._talkers.items() if now - known[1] <= FORGOTTEN_S}
        loudest = sorted(((level, uid) for uid, (level, _) in self._talkers.items()), key=lambda one: (-one[0], one[1]))
        speakers = [*((uid, level) for level, uid in loudest[:LOUDEST]), (ours, self._ours_dbov)]
        self._talkers = {uid: (SILENT_DBOV, heard_at) for uid, (_, heard_at) in self._talkers.items()}
        self._ours_dbov = SILENT_DBOV
        return {"speakers": [_speaker(uid, level) for uid, level in speakers]}


def _speaker(uid: int, level_dbov: int) -> Params:
    return {
        "uid": uid, "volume": volume(level_dbov), "level_dbov": level_dbov, "speaking": level_dbov >= SPEECH_DBOV,
    }  # fmt: skip


def volume(level_dbov: int) -> int:
    """0 to 255, four to a decibel, as ears hear it: -64 dBov and less is 0, speech around 150."""
    return max(0, min(255, 255 + 4 * level_dbov))
