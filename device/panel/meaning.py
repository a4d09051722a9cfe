"""What the gestures of one button come to. PURE.

An action that closes the microphone hears of every gesture, and never waits. Any other one happens once for a press:
when the press is confirmed, or, on a button that can mean something else, when it is clear that it does not.
"""

from device.panel.gestures import Gesture

AT_THE_EDGE = ("mute", "talk")


class Meaning:
    """Of one button. tap, double, long: its actions, "" for nothing. Raises ValueError for a tap that may not wait."""

    def __init__(self, tap: str, double: str = "", long: str = "") -> None:
        if tap in AT_THE_EDGE and double:
            raise ValueError(f"a tap that means {tap} never waits, so there is no double tap beside it")
        self._tap, self._double, self._long = tap, double, long
        self._done = False  # this press has meant something already

    @property
    def has_double(self) -> bool:
        """Whether it means something to press it twice."""
        return bool(self._double)

    def of(self, gesture: Gesture) -> str:
        """The action to take now, "" for none; one AT_THE_EDGE is to be told the gesture, too."""
        if gesture in (Gesture.DOUBLE, Gesture.LONG):
            action = self._double if gesture is Gesture.DOUBLE else self._long
            self._done = self._done or bool(action)
            return action
        if self._tap in AT_THE_EDGE:
            return self._tap
        if gesture is Gesture.DOWN:
            self._done = not (self._double or self._long)
            return self._tap if self._done else ""
        if gesture in (Gesture.TAP, Gesture.OVER) and not self._done:
            self._done = True
            return self._tap
        return ""
