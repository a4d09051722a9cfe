"""What of the captured sound is sent. In this first form: nothing while muted, everything otherwise."""


class Gate:
    """One microphone's gate.

    `muted` may be set from any thread; the capture thread asks `admit` for each frame and sees it from the next one on.
    """

    def __init__(self, muted: bool) -> None:
        self.muted = muted
        self._talking = False

    def admit(self) -> tuple[bool, bool]:
        """Judge the next captured frame: (send it, it is the first of a talk-spurt)."""
        send = not self.muted
        first_of_spurt = send and not self._talking
        self._talking = send
        return send, first_of_spurt
