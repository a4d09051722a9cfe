"""The last press of a button, as people call it. PURE."""

from device.panel.gestures import Gesture

_NAMES = {
    Gesture.DOWN: "pressed", Gesture.TAP: "tap", Gesture.DOUBLE: "double tap", Gesture.LONG: "long press",
    Gesture.STUCK: "stuck",
}  # fmt: skip
# What its end does not change: it has been more than a hold.
_MORE = ("double tap", "long press", "stuck")


class Press:
    """name: "pressed" while it may still become anything, then "tap", "double tap", "hold", "long press", "stuck"; ""
    before the first. at_ns: when it became that, monotonic.
    """

    def __init__(self) -> None:
        self.name, self.at_ns = "", 0

    def became(self, gesture: Gesture, at_ns: int) -> None:
        """A gesture of this button. An edge alone is no press: it may be a spark on the wire."""
        if gesture is Gesture.OVER and self.name not in _MORE:
            self.name, self.at_ns = "hold", at_ns
        elif gesture in _NAMES:
            self.name, self.at_ns = _NAMES[gesture], at_ns
