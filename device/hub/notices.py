"""What happens in the channels, as plain values for whoever is told elsewhere: an administrator's webhook. PURE."""

from collections import deque
from dataclasses import dataclass
from enum import Enum, IntEnum, auto

from device.channel import rules
from device.hub.seats import Seat

# A full hub that loses everybody at once has so much to say: 4,000 seats and 1,000 channels. 300 bytes each.
MAX_NOTICES = 5_000


class Kind(Enum):
    """What happened to a channel, or to one participant of it."""

    CREATED = auto()
    DESTROYED = auto()
    JOINED = auto()
    LEFT = auto()
    ROLE_CHANGED = auto()


class Leave(IntEnum):
    """Why somebody is gone: the documented reasons of a leave (spec 4.5), as far as they happen here."""

    OTHER = 0
    QUIT = 1
    TIMEOUT = 2
    KICKED = 3
    DUPLICATE = 5

    @property
    def told(self) -> str:
        """The word for it in `user-left`, which knows two."""
        return "quit" if self is Leave.QUIT else "dropped"


@dataclass(frozen=True, slots=True)
class Notice:
    """One of them. uid: whose; of a channel, who came first or left last. role: the one from now on.

    joined_at: since when the participant has been there, in monotonic seconds. reason: of a leave.
    """

    kind: Kind
    app_id: str
    channel: str
    uid: int
    profile: rules.Profile
    role: rules.Role
    label: str = ""
    joined_at: float = 0.0
    reason: Leave = Leave.OTHER


class Notices:
    """What nobody has taken yet. Kept only when `wanted`; dropped: how many were too many."""

    def __init__(self) -> None:
        self.wanted = False
        self.dropped = 0
        self._waiting: deque[Notice] = deque()

    def joined(self, seat: Seat) -> None:
        """Somebody has a seat now; the first one makes the channel. Call it when the seat is in there."""
        if len(seat.channel.seats) == 1 and not self._never_was_away(seat):
            self._put(Kind.CREATED, seat)
        self._put(Kind.JOINED, seat)

    def left(self, seat: Seat, reason: Leave) -> None:
        """Somebody has none any more; the last one ends the channel. Call it when the seat is not in there."""
        self._put(Kind.LEFT, seat, reason)
        if not seat.channel.seats:
            self._put(Kind.DESTROYED, seat)

    def role_changed(self, seat: Seat) -> None:
        """Somebody has another role from now on."""
        self._put(Kind.ROLE_CHANGED, seat)

    def take(self) -> list[Notice]:
        """All that has happened since this was asked last."""
        taken = list(self._waiting)
        self._waiting.clear()
        return taken

    def _put(self, kind: Kind, seat: Seat, reason: Leave = Leave.OTHER) -> None:
        if not self.wanted:
            return
        if len(self._waiting) >= MAX_NOTICES:
            self._waiting.popleft()
            self.dropped += 1
        channel = seat.channel
        self._waiting.append(
            Notice(kind, channel.app_id, channel.name, seat.uid, channel.profile, seat.role, seat.label,
                   seat.before.joined_at, reason)
        )  # fmt: skip

    def _never_was_away(self, seat: Seat) -> bool:
        """A newcomer takes the seat of the only one there: the channel ended and began in the same moment."""
        last = self._waiting[-1] if self._waiting else None
        whose = seat.channel.app_id, seat.channel.name, seat.uid
        if last is None or last.kind is not Kind.DESTROYED or (last.app_id, last.channel, last.uid) != whose:
            return False
        self._waiting.pop()
        return True
