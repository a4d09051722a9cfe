"""One button's edges -> gestures. PURE.

Closing acts on the first edge, opening waits. So a press is told twice: EDGE at once, when nobody knows yet whether it
is a finger or a spark on a long wire, and DOWN when the contact has been closed for 5 ms without a break. A press of
10 ms is never lost.

A contact that was open for less than 20 ms bounces or has a break: it is the same press, and told again to nobody. So a
worn-out button does not count twice, which would open the microphone that its press has just closed. Only what is held
hears of it, since letting go acts at once: UP, and AGAIN 5 ms after the break.

    EDGE    the contact has closed, perhaps for a moment only
    DOWN    it is a press
    UP      a press of more than 300 ms may have ended: the contact has opened, perhaps for a moment only
    AGAIN   for a moment only: the press goes on
    TAP     it is over, after at most 300 ms; on a button with a double tap, when there was no second one in time
    DOUBLE  a second tap has begun within 250 ms after the first
    OVER    it is over, after more than 300 ms, or was the second of two
    LONG    it lasts for a second by now
    STUCK   for a minute: nothing more is told of it, its end neither

Times are monotonic nanoseconds.
"""

from enum import StrEnum

_MS = 1_000_000
CONFIRM_NS = 5 * _MS
BREAK_NS = 20 * _MS
TAP_NS = 300 * _MS
DOUBLE_NS = 250 * _MS
LONG_NS = 1_000 * _MS
STUCK_NS = 60_000 * _MS
_NEVER = -(1 << 62)


class Gesture(StrEnum):
    """See above."""

    EDGE = "edge"
    DOWN = "down"
    UP = "up"
    AGAIN = "again"
    TAP = "tap"
    DOUBLE = "double"
    OVER = "over"
    LONG = "long"
    STUCK = "stuck"


class Button:
    """One button. double: whether a double tap means something, so that a single one has to wait."""

    def __init__(self, *, double: bool) -> None:
        self._double = double
        self._closed = False
        self._changed_at = _NEVER  # when the contact closed or opened last
        self._began_at: int | None = None  # the press that was told DOWN, and whose end was not
        self._told: set[Gesture] = set()  # of UP, DOUBLE, LONG and STUCK, in this press
        self._tapped_at: int | None = None  # when a tap ended that may become a double one

    def edge(self, closed: bool, at_ns: int) -> list[Gesture]:
        """The contact closed or opened at this moment. Told twice, the second time means nothing."""
        gestures = self.tick(at_ns)
        if closed is self._closed:
            return gestures
        open_ns = at_ns - self._changed_at
        self._closed, self._changed_at = closed, at_ns
        if closed and open_ns >= BREAK_NS:
            gestures.append(Gesture.EDGE)
        elif not closed and self._began_at is not None and at_ns - self._began_at > TAP_NS:
            gestures += self._tell(Gesture.UP)
        return gestures

    def tick(self, now_ns: int) -> list[Gesture]:
        """Time has passed; to be called at `deadline_ns`. Called late it tells the same."""
        return self._is_closed(now_ns) if self._closed else self._is_open(now_ns)

    def deadline_ns(self) -> int | None:
        """When to call `tick`, None while there is nothing to wait for."""
        if not self._closed:
            if self._began_at is not None:
                return self._changed_at + BREAK_NS
            return None if self._tapped_at is None else self._tapped_at + DOUBLE_NS
        if Gesture.STUCK in self._told:
            return None
        sure_at = self._changed_at + CONFIRM_NS
        if self._began_at is None or Gesture.UP in self._told:
            return sure_at
        return max(sure_at, self._began_at + (STUCK_NS if Gesture.LONG in self._told else LONG_NS))

    def _is_closed(self, now_ns: int) -> list[Gesture]:
        """For so long that it means something?"""
        if now_ns - self._changed_at < CONFIRM_NS:
            return []
        gestures = []
        if self._began_at is None:
            self._began_at = self._changed_at
            gestures += self._begins()
        elif Gesture.UP in self._told:
            self._told.remove(Gesture.UP)
            gestures.append(Gesture.AGAIN)
        for gesture, after_ns in ((Gesture.LONG, LONG_NS), (Gesture.STUCK, STUCK_NS)):
            if now_ns - self._began_at >= after_ns:
                gestures += self._tell(gesture)
        return gestures

    def _begins(self) -> list[Gesture]:
        if self._tapped_at is None:
            return [Gesture.DOWN]
        self._tapped_at = None
        return [Gesture.DOWN, *self._tell(Gesture.DOUBLE)]

    def _is_open(self, now_ns: int) -> list[Gesture]:
        """For so long that the press is over, or that nobody presses a second time?"""
        gestures = []
        if self._began_at is not None and now_ns - self._changed_at >= BREAK_NS:
            gestures += self._is_over(self._changed_at - self._began_at)
        if self._tapped_at is not None and self._began_at is None and now_ns - self._tapped_at >= DOUBLE_NS:
            gestures.append(Gesture.TAP)
            self._tapped_at = None
        return gestures

    def _is_over(self, lasted_ns: int) -> list[Gesture]:
        told, self._told, self._began_at = self._told, set(), None
        if Gesture.STUCK in told:
            return []
        if lasted_ns > TAP_NS or Gesture.DOUBLE in told:
            return [Gesture.OVER]
        if self._double:
            self._tapped_at = self._changed_at
            return []
        return [Gesture.TAP]

    def _tell(self, gesture: Gesture) -> list[Gesture]:
        """Once in a press, and nothing once it is stuck."""
        if gesture in self._told or Gesture.STUCK in self._told:
            return []
        self._told.add(gesture)
        return [gesture]
