"""Whether one connection still carries anything, and how old what it has not delivered is. PURE.

Two things are waited for, each with a clock of its own:

    bytes   written and not yet acknowledged by the other kernel (the client reads their number from its socket).
            Progress is any acknowledgement. What arrives is none: after an outage the two ways come back each in its
            own time, and a hub that is heard may hear nothing for another second.
    ping    sent when nothing has come for `ping_s`, answered by the hub's process. Progress is anything that
            arrives: a hub that has stopped still acknowledges bytes.

When one of them has waited for `patience` without progress, the connection is in doubt. Patience is 400 ms and the
round trip on top, because on a long path nothing at all can come back sooner. The round trip is the shorter one of the
last two measured: one answer that a stall held up does not make the next outage take longer to see, while a path that
has become long is believed at its second answer. A doubt that turned out to be wrong teaches too: for 10 s the next one
waits a little longer than that silence lasted, up to 2 s, so that a path with regular gaps is not doubted at each.
"""

from collections import deque

DOUBT_S = 0.4
SPEECH_S = 0.2
# A listener who has nothing to say pings nevertheless: the hub wants to hear it, and the round trip is to be known.
PING_ANYWAY_S = 5.0
LOST_S = 10.0
WARY_S = 10.0
WARY_MORE = 1.25
WARY_MAX_S = 2.0
# Bytes that a WebSocket frame of a client adds (RFC 6455 section 5.2: header, mask), and a TLS record at the least. One
# byte too many here would look like progress on a dead path; too few only make unacknowledged speech look older.
_FRAME_BYTES = 6
_LONG_FRAME_BYTES = 8
_LONG_PAYLOAD = 126
_TLS_BYTES = 21
_NEVER = float("inf")


class Liveness:
    """One connection, from the moment it is seated. rtt_s: how long the answer to `join` took, the first measure."""

    def __init__(self, now: float, rtt_s: float, ping_s: float, secure: bool) -> None:
        self.rtt_s = rtt_s
        self._short_rtt_s = rtt_s
        self._ping_s = ping_s
        self._record_bytes = _TLS_BYTES if secure else 0
        self._written = self._acknowledged = 0
        self._waiting: deque[tuple[int, float]] = deque()  # (last byte of a message, when it was written)
        self._acknowledged_at = self._heard_at = now
        self._pinged_at = now  # the last one
        self._ping_waits = False  # and may still be answered
        self._unanswered_since = _NEVER  # the first of those that were not
        self._wary_s, self._wary_until = 0.0, now

    def wrote(self, payload_bytes: int, now: float) -> None:
        """A message of this many bytes goes out."""
        frame = _FRAME_BYTES if payload_bytes < _LONG_PAYLOAD else _LONG_FRAME_BYTES
        self._written += payload_bytes + frame + self._record_bytes
        self._waiting.append((self._written, now))

    def heard(self, now: float) -> None:
        """Something came."""
        self._heard_at = now

    def acknowledged_all_but(self, unacknowledged_bytes: int, now: float) -> None:
        """This many bytes are still on their way, buffers of ours included."""
        acknowledged = self._written - unacknowledged_bytes
        if acknowledged <= self._acknowledged:
            return
        self._acknowledged, self._acknowledged_at = acknowledged, now
        waiting = self._waiting
        while waiting and waiting[0][0] <= acknowledged:
            waiting.popleft()

    def pinged(self, now: float) -> None:
        """A ping goes out."""
        self._pinged_at, self._ping_waits = now, True
        self._unanswered_since = min(self._unanswered_since, now)

    def ponged(self, now: float) -> None:
        """The answer came."""
        self._short_rtt_s, self.rtt_s = min(self.rtt_s, now - self._pinged_at), now - self._pinged_at
        self._ping_waits, self._unanswered_since = False, _NEVER

    def ping_at(self) -> float:
        """When the next ping is due: one at a time, the next after 10 s where it is not answered."""
        if self._ping_waits:
            return self._pinged_at + LOST_S
        quiet_since = max(self._pinged_at, self._heard_at)
        return min(quiet_since + self._ping_s, self._pinged_at + max(self._ping_s, PING_ANYWAY_S))

    def doubt_at(self) -> float:
        """When this connection is in doubt unless something comes before; in the past where it is already."""
        waiting_since = self.waiting_since()
        patience_s = DOUBT_S + self._short_rtt_s
        if waiting_since < self._wary_until:
            patience_s = max(patience_s, self._wary_s)
        return waiting_since + patience_s

    def was_wrong(self, silent_s: float, now: float) -> None:
        """The connection was in doubt and is alive after all: something came after `silent_s`."""
        self._wary_s, self._wary_until = min(WARY_MORE * silent_s, WARY_MAX_S), now + WARY_S

    def is_clogged(self, now: float) -> bool:
        """Whether more than 200 ms of speech, beyond the round trip, lies unacknowledged: no more is to be added."""
        return bool(self._waiting) and now - self._waiting[0][1] > SPEECH_S + self._short_rtt_s

    def waiting_since(self) -> float:
        """Since when something is waited for without progress; infinity while nothing is."""
        bytes_since = ping_since = _NEVER
        if self._waiting:
            bytes_since = max(self._waiting[0][1], self._acknowledged_at)
        if self._unanswered_since != _NEVER:
            ping_since = max(self._unanswered_since, self._heard_at)
        return min(bytes_since, ping_since)
