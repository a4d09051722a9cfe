"""What of the captured sound is sent. PURE.

    muted        nothing, from the next block on, whatever else is said here
    open         everything
    voice        while somebody speaks: from 40 ms before it is noticed, so that no first consonant is lost, until
                 300 ms after it was last noticed
    half-duplex  voice, and nothing while others are heard, so that a microphone that hears its own speaker does not
                 howl, nor pass the noise of a room round and round. Whoever talks first keeps the floor, also if the
                 others talk nevertheless; but for 2 s only, and only while it is no louder here than before: else what
                 keeps the floor is their echo

    paused       nothing either, for a moment: while the box listens to itself. What was muted stays muted, and what was
                 open is open again

Its edges are none to those who hear: where it shuts in the middle of a sound, one more block is sent, which falls to
nothing as far as it is heard without a next one, and what begins rises within 2 ms. Cut off, the sound clicked: what
their decoder makes up of what is missing stops somewhere, and what begins does not fit it. Once muted or paused,
nothing is sent for that either.

That block may be the echo of others that shut the gate. It goes round no further: who sends it has stopped to speak,
and no other gate sends one for it but at the end of its own speech.

Levels are those of RFC 6464: dBov, -127 to 0.

The voice detection of WebRTC beside the level would keep nothing out: of 100 knocks on a table it takes all 100 for a
voice, in each of its modes, and in the strictest one 16 of 100 words lose their beginning (`scripts/bench gate`).
"""

from typing import NamedTuple

PREROLL_MS = 40
HANGOVER_MS = 300
# No consonant is lost in so little.
RISE_MS = 2
# How long after the others were last heard their sound is still in the room, and in the card's buffer.
ECHO_MS = 250
DOUBLE_TALK_MS = 2_000
# Louder by so much than it was before others were heard, and it is they whom the microphone hears.
LOUDER_DB = 3
# Above the noise by so much it is a voice; a fan or a street stays within a few dB of its own floor.
VOICE_DB = 9.0
STILL_VOICE_DB = 6.0
# What others are heard with counts as speech above this; what is below is the noise of their rooms.
_HEARD_DBOV = -50
# The floor follows a quieter room within a few blocks, and a louder one by 1 dB a second: speech has pauses.
_DOWN_SHARE, _UP_DB_PER_MS = 0.3, 0.001
_FIRST_FLOOR_DBOV, _LOWEST_FLOOR_DBOV = -45.0, -75.0
_NS_PER_MS = 1_000_000


class Verdict(NamedTuple):
    """On one block. earlier: so many of the blocks before it, which were held back, are to be sent as well, first.

    first_of_spurt: the first of all these rises from nothing. fades: it falls to nothing, and is the last.
    """

    send: bool
    first_of_spurt: bool = False
    earlier: int = 0
    fades: bool = False


_HELD, _ENDS = Verdict(False), Verdict(True, fades=True)


class Voice:
    """Whether somebody speaks, by the level of each block of block_ms over the noise floor."""

    def __init__(self, block_ms: int) -> None:
        self._block_ms = block_ms
        self._floor_dbov = _FIRST_FLOOR_DBOV
        self._lasts_ms = 0

    def hears(self, level_dbov: int) -> bool:
        """Take the next block."""
        over_db = level_dbov - self._floor_dbov
        if over_db < 0:
            self._floor_dbov = max(_LOWEST_FLOOR_DBOV, self._floor_dbov + over_db * _DOWN_SHARE)
        else:
            self._floor_dbov += min(over_db, _UP_DB_PER_MS * self._block_ms)
        if self._lasts_ms:
            self._lasts_ms = max(0, self._lasts_ms - self._block_ms)
        if over_db >= (STILL_VOICE_DB if self._lasts_ms else VOICE_DB):
            self._lasts_ms = HANGOVER_MS
        return self._lasts_ms > 0

    def interrupt(self) -> None:
        """What was heard until now is over."""
        self._lasts_ms = 0


class Gate:
    """One microphone's gate.

    `mute`, `unmute`, `pause`, `resume` and `heard` may be called from any thread; the capture thread asks `admit` for
    each block.
    """

    def __init__(self, muted: bool, *, voice: bool = False, half_duplex: bool = False, block_ms: int = 20) -> None:
        self.muted = muted
        self.paused = False
        self._by_voice, self._half_duplex = voice or half_duplex, half_duplex
        self._voice = Voice(block_ms)
        self._preroll_blocks = PREROLL_MS // block_ms if self._by_voice else 0
        self._held = 0
        self._open_since_ns = 0
        self._echo_until_ns = 0
        self._talking = False
        self._block_ms = block_ms
        self._floor_for_ms = 0  # for how much longer we keep the floor while others are heard
        self._alone_dbov = 0  # how loud it was at most in this spurt while no others were heard

    def mute(self) -> None:
        """From the next block on nothing is admitted."""
        self.muted = True

    def unmute(self, now_ns: int) -> None:
        """What is captured from now on (monotonic time) is admitted; what waits in the card since before is not."""
        self._open_since_ns = now_ns
        self.muted = False

    def pause(self) -> None:
        """From the next block on nothing is admitted, until `resume`, whatever is muted or unmuted meanwhile."""
        self.paused = True

    def resume(self, now_ns: int) -> None:
        """What is captured from now on (monotonic time) is admitted, where it is not muted."""
        self._open_since_ns = now_ns
        self.paused = False

    @property
    def closed(self) -> bool:
        """Whether nothing at all is admitted now."""
        return self.muted or self.paused

    def heard(self, level_dbov: int, now_ns: int) -> None:
        """This is what the speaker sounds of others at that time (monotonic)."""
        if level_dbov > _HEARD_DBOV:
            self._echo_until_ns = now_ns + ECHO_MS * _NS_PER_MS

    def admit(self, first_ns: int, level_dbov: int) -> Verdict:
        """Judge the next captured block, first_ns: when its first sample was captured."""
        if self.muted or self.paused or first_ns < self._open_since_ns:
            self._talking, self._held = False, 0
            return _HELD
        others = self._half_duplex and first_ns < self._echo_until_ns
        if others and not (self._floor_for_ms and level_dbov <= self._alone_dbov + LOUDER_DB):
            self._floor_for_ms = 0
            self._voice.interrupt()  # what the microphone hears of them is no voice of ours
            return self._shut(keep=False)
        if self._by_voice:
            speaks = self._voice.hears(level_dbov)
            if self._half_duplex:
                self._keep_the_floor(speaks, others, level_dbov)
            if not speaks:
                return self._shut(keep=True)
        first_of_spurt, earlier = not self._talking, self._held
        self._talking, self._held = True, 0
        return Verdict(True, first_of_spurt, earlier)

    def _keep_the_floor(self, speaks: bool, others: bool, level_dbov: int) -> None:
        if others:
            self._floor_for_ms = max(0, self._floor_for_ms - self._block_ms) if speaks else 0
        else:
            self._floor_for_ms = DOUBLE_TALK_MS if speaks else 0
            self._alone_dbov = max(level_dbov, self._alone_dbov) if self._talking else level_dbov

    def _shut(self, keep: bool) -> Verdict:
        """keep: it may turn out to be the beginning of something."""
        ends, self._talking = self._talking, False
        self._held = min(self._held + 1, self._preroll_blocks) if keep and not ends else 0
        return _ENDS if ends else _HELD
