"""What a seat may ask for beside joining, publishing and subscribing: silence, rings, stream messages. PURE."""

from collections.abc import Callable

from device import jsonrpc
from device.channel import errors, messages, rules
from device.channel.writing import Message
from device.hub.seating import Seating, refusal
from device.hub.seats import Link, Seat, Writer

Request = Callable[[Link, Seat, jsonrpc.Params], object]


def requests(seating: Seating) -> dict[str, Request]:
    """What carries out each of these requests, by method."""
    return {
        messages.RING: lambda link, seat, params: ring(seating, link, seat, messages.Ring.read(params)),
        messages.MUTE: lambda link, seat, params: mute(seat, messages.read_uid(params), True),
        messages.UNMUTE: lambda link, seat, params: mute(seat, messages.read_uid(params), False),
        messages.MUTE_LOCAL: lambda link, seat, params: mute_local(seating, seat, True),
        messages.UNMUTE_LOCAL: lambda link, seat, params: mute_local(seating, seat, False),
        messages.STREAM_MESSAGE: lambda link, seat, params: write(seating, link, seat, Message.read(params)),
    }


def ring(seating: Seating, link: Link, seat: Seat, ring: messages.Ring) -> None:
    """Tell one, or all others, that it rings, or has answered. Raises JsonRpcError: TOO_FREQUENT, NOBODY_THERE, also
    where all others are none."""
    if not link.rings.take(link.heard_at):
        raise refusal(errors.TOO_FREQUENT)
    params = seat.stream().params() | {"answered": ring.answered}
    if len(seat.channel.seats) == 1 and not ring.answered:
        raise refusal(errors.NOBODY_THERE, "nobody else is in the channel")
    if not ring.uid:
        seating.tell_others(seat, messages.RING, params)
        return
    other = seat.channel.seats.get(ring.uid)
    if other is None or other is seat:
        raise refusal(errors.NOBODY_THERE)
    seating.tell(other, messages.RING, params)


def mute(seat: Seat, uid: int, is_muted: bool) -> None:
    """Hear a stream no more and stay subscribed, or hear it again. Raises JsonRpcError: MALFORMED without that."""
    talker = seat.channel.seats.get(uid)
    if talker is None or seat.uid not in talker.subscribers:
        raise refusal(errors.MALFORMED, "subscribe first")
    seat.channel.mute(seat, talker, is_muted)


def mute_local(seating: Seating, seat: Seat, is_muted: bool) -> None:
    """Be silent and stay published, or talk again; others are told. Of an audience it is kept for when it is a host."""
    seating.set_muted(seat, is_muted)


def write(seating: Seating, link: Link, seat: Seat, message: Message) -> None:
    """Tell everybody else, an audience too. Raises JsonRpcError: AUDIENCE_CANNOT_PUBLISH, TOO_FREQUENT."""
    if seat.role is rules.Role.AUDIENCE:
        raise refusal(errors.AUDIENCE_CANNOT_PUBLISH, "an audience writes no stream messages")
    if not seat.channel.writers.setdefault(seat.uid, Writer()).take(len(message.data), link.heard_at):
        raise refusal(errors.TOO_FREQUENT, "too many stream messages")
    seating.tell_others(seat, messages.MESSAGE, {"uid": seat.uid, **message.params()})
