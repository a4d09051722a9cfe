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

# What each request asks for: our stream (key 0) or the stream of a uid, to be there or not.
_WANTED = {messages.PUBLISH: True, messages.UNPUBLISH: False, messages.SUBSCRIBE: True, messages.UNSUBSCRIBE: False}
_OURS = 0


@dataclass(slots=True)
class Streams:
    """known: the others' streams by uid."""

    known: dict[int, Stream] = field(default_factory=dict)
    _wishes: dict[int, bool] = field(default_factory=dict)

    @property
    def published(self) -> bool:
        """Whether ours is to be there."""
        return self._wishes.get(_OURS, False)

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
        return [(messages.STREAM_ADDED, stream.params())]

    def removed(self, uid: int) -> News:
        """Somebody publishes no more. Returns the event, none where nobody knew."""
        if self.known.pop(uid, None) is None:
            return []
        self._wishes.pop(uid, None)
        return [(messages.STREAM_REMOVED, {"uid": uid})]

    def wished(self, method: str, params: jsonrpc.Params) -> None:
        """This request is made; of no concern here if it is about no stream."""
        if method in _WANTED:
            key = params.get("uid", _OURS)
            self._wishes[key] = _WANTED[method]

    def agreed(self, method: str, params: jsonrpc.Params) -> None:
        """The hub has carried it out."""
        key = params.get("uid", _OURS)
        if method == messages.PUBLISH:  # after it has ended the one of before
            self._wishes.setdefault(_OURS, True)
        if self._wishes.get(key) is False and _WANTED.get(method) is False:
            del self._wishes[key]

    def refused(self, method: str, params: jsonrpc.Params) -> None:
        """The hub will not."""
        key = params.get("uid", _OURS)
        if method in _WANTED and self._wishes.get(key) is _WANTED[method]:
            del self._wishes[key]

    def silenced(self) -> None:
        """The hub has ended ours, and would not have it again as things are."""
        self.refused(messages.PUBLISH, {})

    def not_there(self, params: jsonrpc.Params) -> None:
        """The hub, asked at a new seat, knows no such stream. One that we know may come back: it is wanted still."""
        if params["uid"] not in self.known:
            self._wishes.pop(params["uid"], None)

    def wants(self, uid: int) -> bool:
        """Whether this stream was asked for by name."""
        return self._wishes.get(uid, False)

    def again(self) -> list[tuple[str, jsonrpc.Params]]:
        """The requests to make at a seat: all that is wanted, and what is no longer and was not agreed to.

        Also at a seat that the hub calls resumed: when several attempts reach a hub at once, the first makes the seat
        and the others resume it as it is, with nothing published yet. Asking twice changes nothing.
        """
        requests: list[tuple[str, jsonrpc.Params]] = []
        for key, wanted in sorted(self._wishes.items()):
            if key == _OURS:
                requests.append((messages.PUBLISH if wanted else messages.UNPUBLISH, {}))
            else:
                requests.append((messages.SUBSCRIBE if wanted else messages.UNSUBSCRIBE, {"uid": key}))
        return requests
