"""One button's edges -> gestures. PURE.

Closing acts on the first edge, opening waits. So a press is told twice: EDGE at once, when nobody knows yet whether it
is a finger or a spark on a long wire, and DOWN when the contact has been closed for 5 ms without a break. What ends it
is told at once: a break of a millisecond in a press that is held ends it, and if the finger is still there, it has
become a new one 5 ms later. A press of 10 ms is never lost.

    EDGE    the contact has closed, perhaps for a moment only; not again within 20 ms
    DOWN    it is a press
    TAP     the press has ended within 300 ms; on a button with a double tap, when there was no second one in time
    DOUBLE  a second tap has begun within 250 ms after the first
    UP      the press has ended later than that, or was the second of two
    LONG    it lasts for a second by now
    STUCK   for a minute: nothing more is told of it, its end neither

Times are monotonic nanoseconds.
"""

from enum import StrEnum

_MS = 1_000_000
CONFIRM_NS = 5 * _MS
DEAF_NS = 20 * _MS
TAP_NS = 300 * _MS
DOUBLE_NS = 250 * _MS
LONG_NS = 1_000 * _MS
STUCK_NS = 60_000 * _MS
_NEVER = -(1 << 62)


class Gesture(StrEnum):
    """See above."""

    EDGE = "edge"
    DOWN = "down"
    TAP = "tap"
    DOUBLE = "double"
    UP = "up"
    LONG = "long"
    STUCK = "stuck"


class Button:
    """One button. double: whether a double tap means something, so that a single one has to wait."""

    def __init__(self, *, double: bool) -> None:
        self._double = double
        self._closed_at: int | None = None  # since when the contact is closed, None while it is open
        self._edge_at = _NEVER
        self._pressed = False  # DOWN was told, and not yet its end
        self._told: set[Gesture] = set()  # of DOUBLE, LONG and STUCK, in this press
        self._tapped_at: int | None = None  # a tap that may become a double one

    def edge(self, closed: bool, at_ns: int) -> list[Gesture]:
        """The contact closed or opened at this moment. Told twice, the second time means nothing."""
        gestures = self.tick(at_ns)
        if closed and self._closed_at is None:
            self._closed_at = at_ns
            if at_ns - self._edge_at >= DEAF_NS:
                gestures.append(Gesture.EDGE)
                self._edge_at = at_ns
        elif not closed and self._closed_at is not None:
            gestures += self._ended(at_ns - self._closed_at, at_ns)
            self._closed_at = None
        return gestures

    def tick(self, now_ns: int) -> list[Gesture]:
        """Time has passed; to be called at `deadline_ns`."""
        gestures = []
        if self._tapped_at is not None and not self._pressed and now_ns >= self._waits_until(self._tapped_at):
            gestures.append(Gesture.TAP)
            self._tapped_at = None
        if self._closed_at is None:
            return gestures
        lasts_ns = now_ns - self._closed_at
        if not self._pressed and lasts_ns >= CONFIRM_NS and Gesture.STUCK not in self._told:
            gestures += self._began()
        for gesture, after_ns in ((Gesture.LONG, LONG_NS), (Gesture.STUCK, STUCK_NS)):
            if self._pressed and lasts_ns >= after_ns and gesture not in self._told:
                gestures.append(gesture)
                self._told.add(gesture)
        self._pressed = self._pressed and Gesture.STUCK not in self._told
        return gestures

    def deadline_ns(self) -> int | None:
        """When to call `tick`, None while there is nothing to wait for."""
        waits = []
        if self._tapped_at is not None and not self._pressed:
            waits.append(self._waits_until(self._tapped_at))
        if self._closed_at is not None and not self._pressed and Gesture.STUCK not in self._told:
            waits.append(self._closed_at + CONFIRM_NS)
        if self._closed_at is not None and self._pressed:
            waits.append(self._closed_at + (STUCK_NS if Gesture.LONG in self._told else LONG_NS))
        return min(waits, default=None)

    def _waits_until(self, tapped_at: int) -> int:
        """A second press that has begun in time, and is not confirmed yet, is waited for."""
        second = self._closed_at if self._closed_at is not None and self._closed_at < tapped_at + DOUBLE_NS else None
        return tapped_at + DOUBLE_NS if second is None else max(tapped_at + DOUBLE_NS, second + CONFIRM_NS + 1)

    def _began(self) -> list[Gesture]:
        self._pressed, self._told = True, set()
        if self._tapped_at is None:
            return [Gesture.DOWN]
        self._tapped_at = None
        self._told.add(Gesture.DOUBLE)
        return [Gesture.DOWN, Gesture.DOUBLE]

    def _ended(self, lasted_ns: int, at_ns: int) -> list[Gesture]:
        was_pressed, self._pressed = self._pressed, False
        told, self._told = self._told, set()
        if not was_pressed:
            return []
        if lasted_ns > TAP_NS or Gesture.DOUBLE in told:
            return [Gesture.UP]
        if self._double:
            self._tapped_at = at_ns
            return []
        return [Gesture.TAP]
