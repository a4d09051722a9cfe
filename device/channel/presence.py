"""Who else is in the channel, and who of them is silent by himself. PURE.

Somebody who joins and never says a word is there from the start for everybody, also for those who come later (the
documented SDK has lost such people until they unmuted): the hub names all whom the channel announces at each join.
"""

from dataclasses import dataclass, field

from device.channel import messages
from device.channel.messages import Seated, Stream
from device.channel.streams import News

# As many as a rejoin can name; a hub that names more is not believed.
MAX_USERS = messages.MAX_KNOWN_UIDS


@dataclass(slots=True)
class Presence:
    """users: by uid. Each method returns what is news in what the hub says."""

    users: dict[int, Stream] = field(default_factory=dict)
    _muted: set[int] = field(default_factory=set)

    def expect(self, uids: tuple[int, ...]) -> None:
        """Somebody else has told our owner of these before."""
        for uid in uids:
            self.users.setdefault(uid, Stream(uid))

    def came(self, seated: Seated) -> News:
        """Those whom the hub lists at a join or rejoin."""
        news: News = []
        for user in seated.users:
            if user.uid != seated.uid:
                news += self.joined(user)
                news += self.muted(user.uid, user.uid in seated.muted)
        return news

    def gone(self, seated: Seated, told_known: bool) -> News:
        """Those who are there no more; said by a hub that was told whom we know, else whoever is not in its list."""
        there = {user.uid for user in seated.users}
        gone = set(seated.left) if told_known else set(self.users)
        return [one for uid in sorted(gone - there) for one in self.left(uid, "dropped")]

    def joined(self, user: Stream) -> News:
        """Whom we know never left: it is back at a hub that has started anew."""
        if user.uid in self.users or len(self.users) >= MAX_USERS:
            return []
        self.users[user.uid] = user
        return [(messages.USER_JOINED, user.params())]

    def left(self, uid: int, reason: str) -> News:
        """Somebody is gone, or is no host any more; a hub says so once, also of whom it has not named before."""
        self._muted.discard(uid)
        self.users.pop(uid, None)
        return [(messages.USER_LEFT, {"uid": uid, "reason": reason})]

    def muted(self, uid: int, is_muted: bool) -> News:
        """Somebody is silent by himself, or talks again."""
        if uid not in self.users or (uid in self._muted) is is_muted:
            return []
        (self._muted.add if is_muted else self._muted.discard)(uid)
        return [(messages.MUTE_AUDIO if is_muted else messages.UNMUTE_AUDIO, {"uid": uid})]
