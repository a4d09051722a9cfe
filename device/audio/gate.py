"""What of the captured sound is sent. In this first form: nothing while muted, everything otherwise. PURE."""


class Gate:
    """One microphone's gate.

    `mute` and `unmute` may be called from any thread; the capture thread asks `admit` for each block.
    """

    def __init__(self, muted: bool) -> None:
        self.muted = muted
        self._open_since_ns = 0
        self._talking = False

    def mute(self) -> None:
        """From the next block on nothing is admitted."""
        self.muted = True

    def unmute(self, now_ns: int) -> None:
        """What is captured from now on (monotonic time) is admitted; what waits in the card since before is not."""
        self._open_since_ns = now_ns
        self.muted = False

    def admit(self, first_ns: int) -> tuple[bool, bool]:
        """Judge the next captured block, first_ns: when its first sample was captured.

        Returns (send it, it is the first of a talk-spurt).
        """
        send = not self.muted and first_ns >= self._open_since_ns
        first_of_spurt = send and not self._talking
        self._talking = send
        return send, first_of_spurt
