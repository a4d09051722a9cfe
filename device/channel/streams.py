"""Whose streams there are, and what this client wants of them: what a lost seat must find again. PURE.

A wish is made by a request and outlives it: it is asked for again at the next seat. Only a refusal, or the end of the
stream, ends it.
"""

from dataclasses import dataclass, field

from device import jsonrpc
from device.channel import messages
from device.channel.messages import Seated, Stream

# The hub seats 500 in a channel; a hub that names more streams than a rejoin can is not believed.
MAX_STREAMS = messages.MAX_KNOWN_UIDS

News = list[tuple[str, jsonrpc.Params]]

# What is wished for, of our stream (uid 0) or of somebody's: that it is there, and that nothing is in it. In this
# order, as nobody mutes what he has not subscribed.
_THERE, _MUTED = 0, 1
_OURS = 0
# What each request asks for, and whether it is to be so or not.
_WANTED = {
    messages.PUBLISH: (_THERE, True), messages.UNPUBLISH: (_THERE, False),
    messages.SUBSCRIBE: (_THERE, True), messages.UNSUBSCRIBE: (_THERE, False),
    messages.MUTE_LOCAL: (_MUTED, True), messages.UNMUTE_LOCAL: (_MUTED, False),
    messages.MUTE: (_MUTED, True), messages.UNMUTE: (_MUTED, False),
}  # fmt: skip
_OF_OURS = {
    (_THERE, True): messages.PUBLISH, (_THERE, False): messages.UNPUBLISH,
    (_MUTED, True): messages.MUTE_LOCAL, (_MUTED, False): messages.UNMUTE_LOCAL,
}  # fmt: skip
_OF_OTHERS = {
    (_THERE, True): messages.SUBSCRIBE, (_THERE, False): messages.UNSUBSCRIBE,
    (_MUTED, True): messages.MUTE, (_MUTED, False): messages.UNMUTE,
}  # fmt: skip


@dataclass(slots=True)
class Streams:
    """known: the others' streams by uid."""

    known: dict[int, Stream] = field(default_factory=dict)
    _wishes: dict[tuple[int, int], bool] = field(default_factory=dict)  # by uid and what
    _told_before: set[int] = field(default_factory=set)

    @property
    def published(self) -> bool:
        """Whether ours is to be there."""
        return self._wishes.get((_OURS, _THERE), False)

    @property
    def silenced(self) -> bool:
        """Whether nothing is to be in ours."""
        return self.is_muted(_OURS)

    def subscribed(self, all_streams: bool) -> set[int]:
        """Whose is heard, or would be if it were not muted. all_streams: no one is chosen."""
        return {uid for uid in self.known if all_streams or self.wants(uid)}

    def is_muted(self, uid: int) -> bool:
        """Whether nothing is to be heard of this one."""
        return self._wishes.get((uid, _MUTED), False)

    def expect(self, uids: tuple[int, ...], subscribe: bool) -> None:
        """Somebody else has told our owner of these streams before: they are no news, their end is.

        subscribe: they were subscribed, and are to be again.
        """
        for uid in uids:
            if uid not in self.known:
                self.known[uid] = Stream(uid)
                self._told_before.add(uid)
            if subscribe:
                self._wishes[uid, _THERE] = True

    def missing(self, seated: Seated) -> set[int]:
        """Whose streams we know that the hub's list has not."""
        return self.known.keys() - {stream.uid for stream in seated.streams}

    def seated(self, seated: Seated, told_known: bool) -> News:
        """The hub's list at join or rejoin; returns the difference, as events.

        A hub that was told whom we know names who has gone: one that has just started does not know everybody yet. One
        that was not lists all there are.
        """
        there = {stream.uid for stream in seated.streams}
        gone = set(seated.removed) if told_known else set(self.known)
        news = [one for uid in sorted(gone - there) for one in self.removed(uid)]
        for stream in seated.streams:
            if stream.uid != seated.uid:
                news += self.added(stream)
        return news

    def added(self, stream: Stream) -> News:
        """Somebody publishes. Returns the event, none where that is known."""
        if self.known.get(stream.uid) == stream or (stream.uid not in self.known and len(self.known) >= MAX_STREAMS):
            return []
        self.known[stream.uid] = stream
        if stream.uid in self._told_before:  # what it is called has been told too
            self._told_before.discard(stream.uid)
            return []
        return [(messages.STREAM_ADDED, stream.params())]

    def removed(self, uid: int) -> News:
        """Somebody publishes no more. Returns the event, none where nobody knew."""
        if self.known.pop(uid, None) is None:
            return []
        self._told_before.discard(uid)
        self._wishes.pop((uid, _THERE), None)
        self._wishes.pop((uid, _MUTED), None)
        return [(messages.STREAM_REMOVED, {"uid": uid})]

    def wished(self, method: str, params: jsonrpc.Params) -> None:
        """This request is made; of no concern here if it is about no stream."""
        if method in _WANTED:
            uid = params.get("uid", _OURS)
            what, wanted = _WANTED[method]
            self._wishes[uid, what] = wanted
            if method == messages.UNSUBSCRIBE:
                self._wishes.pop((uid, _MUTED), None)

    def agreed(self, method: str, params: jsonrpc.Params) -> None:
        """The hub has carried it out."""
        what, wanted = _WANTED.get(method, (_THERE, True))
        key = params.get("uid", _OURS), what
        if method == messages.PUBLISH:  # after it has ended the one of before
            self._wishes.setdefault(key, True)
        if not wanted and self._wishes.get(key) is False:
            del self._wishes[key]

    def refused(self, method: str, params: jsonrpc.Params) -> None:
        """The hub will not."""
        if method in _WANTED and method != messages.MUTE_LOCAL:
            what, wanted = _WANTED[method]
            key = params.get("uid", _OURS), what
            if self._wishes.get(key) is wanted:
                del self._wishes[key]

    def ended(self) -> None:
        """The hub has ended ours, and would not have it again as things are."""
        self.refused(messages.PUBLISH, {})

    def not_there(self, uid: int) -> None:
        """The hub, asked at a new seat, knows no such stream. One that we know may come back: it is wanted still."""
        if uid not in self.known:
            self._wishes.pop((uid, _THERE), None)
            self._wishes.pop((uid, _MUTED), None)

    def wants(self, uid: int) -> bool:
        """Whether this stream was asked for by name."""
        return self._wishes.get((uid, _THERE), False)

    def again(self) -> list[tuple[str, jsonrpc.Params]]:
        """The requests to make at a seat: all that is wanted, and what is no longer and was not agreed to.

        Also at a seat that the hub calls resumed: when several attempts reach a hub at once, the first makes the seat
        and the others resume it as it is, with nothing published yet. Asking twice changes nothing.
        """
        return [
            (_OF_OURS[what, wanted], {}) if uid == _OURS else (_OF_OTHERS[what, wanted], {"uid": uid})
            for (uid, what), wanted in sorted(self._wishes.items())
        ]

    def again_of(self, uid: int) -> list[str]:
        """The requests to make when this stream is there: a hub that has started anew did not know it when we asked."""
        wished = (_THERE, _MUTED)
        return [_OF_OTHERS[what, True] for what in wished if self._wishes.get((uid, what))]
