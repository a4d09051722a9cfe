"""Which packets of one talker have passed already: he may send each on two connections, listeners get it once.

A sliding window over the 16-bit sequence numbers, as in RFC 3711 section 3.3.2. PURE.
"""

# 2.5 s of packets at 10 ms: two paths that lie further apart than this are no two paths of a call.
WINDOW_PACKETS = 256

_ALL = (1 << WINDOW_PACKETS) - 1


class Window:
    """Remembers the last WINDOW_PACKETS sequence numbers."""

    __slots__ = ("_newest", "_seen")

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Take the next packet whatever its number: its sender may have started anew."""
        self._newest = 0
        self._seen = 0  # bit n: newest - n has passed

    def is_new(self, sequence: int) -> bool:
        """Whether this number (0..65535) has not passed yet; from now on it has.

        A number outside the window, ahead or behind, starts the window again there: a sender may start anew at random.
        """
        behind = (self._newest - sequence) & 0xFFFF
        if behind < WINDOW_PACKETS:
            bit = 1 << behind
            if self._seen & bit:
                return False
            self._seen |= bit
            return True
        ahead = 0x10000 - behind
        self._seen = ((self._seen << ahead) & _ALL | 1) if ahead < WINDOW_PACKETS else 1
        self._newest = sequence
        return True
