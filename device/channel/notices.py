"""What the hub notifies a seat of, as events for its holder. PURE."""

from device.channel import messages
from device.channel.messages import Ring, Stream
from device.channel.presence import Presence
from device.channel.streams import News, Streams
from device.channel.writing import Message
from device.jsonrpc import Params


def read(method: str, params: Params, ours: int, streams: Streams, presence: Presence) -> News:
    """The news in it, kept in mind by `streams` and `presence`; none in what only a newer hub would say.

    ours: our uid. Raises JsonRpcError(INVALID_PARAMS).
    """
    if method == messages.STREAM_ADDED:
        stream = Stream.read(params)
        return streams.added(stream) if stream.uid != ours else []
    if method == messages.STREAM_REMOVED:
        return streams.removed(messages.read_uid(params))
    if method == messages.USER_JOINED:
        return presence.joined(Stream.read(params))
    if method == messages.USER_LEFT:
        return presence.left(messages.read_uid(params), messages.read_reason(params))
    if method in (messages.MUTE_AUDIO, messages.UNMUTE_AUDIO):
        return presence.muted(messages.read_uid(params), method == messages.MUTE_AUDIO)
    if method == messages.RING:
        return [(method, Stream.read(params).params() | {"answered": Ring.read(params).answered})]
    if method == messages.MESSAGE:
        message = Message.read(params)
        return [(method, {"uid": messages.read_uid(params), "stream": message.stream, "data": message.data})]
    if method == messages.CLIENT_BANNED:
        return [(method, {"minutes": messages.read_minutes(params)})]
    if method in (messages.TOKEN_WILL_EXPIRE, messages.TOKEN_DID_EXPIRE, messages.HEARD_AGAIN):
        return [(method, {})]
    return []
