"""What the control socket offers: each command, and what it answers, which is the status after it."""

from collections.abc import Callable

from device import jsonrpc
from device.appliance import Device, Status
from device.call import Input
from device.selftest import NotNow
from device.service.control import Handler, Handlers

_INPUTS = {
    "mute": Input.MUTE, "unmute": Input.UNMUTE, "leave": Input.LEAVE, "rejoin": Input.REJOIN,
}  # fmt: skip
# As in the channel's table of errors: not at this moment.
OUT_OF_ORDER = 434
_NO_LINK = ("offline", "joining")


def handlers(device: Device) -> Handlers:
    """status, volume {volume: 0..100, uid}, ring {uid}, self-test, and those that buttons have, too.

    Without a uid volume is everybody's, and a ring for whom the configuration says; a ring for 0 is for everybody. A
    ring without a link is refused and remembered: it is made up for in the call. The answer of volume has `known`:
    false where nobody with that uid has a stream; it is kept for when somebody has.
    """

    def handler(act: Callable[[jsonrpc.Params], None]) -> Handler:
        async def handle(params: jsonrpc.Params) -> Status:
            act(params)
            await device.settled()
            return device.status()

        return handle

    def feed(given: Input) -> Callable[[jsonrpc.Params], None]:
        return lambda params: device.feed(given)

    async def volume(params: jsonrpc.Params) -> Status:
        uid = _volume(device, params)
        return {**device.status(), "known": uid is None or uid in device.membership.others.streams}

    async def ring(params: jsonrpc.Params) -> Status:
        before = device.status()
        device.feed(Input.RING, _uid(params, 0))
        if before["state"] in _NO_LINK:
            raise jsonrpc.JsonRpcError(OUT_OF_ORDER, f"{before['state']}: it rings as soon as it is in the call")
        if before["state"] == "in-call":
            return await said()
        await device.settled()
        return device.status()

    async def answer(params: jsonrpc.Params) -> Status:
        if not device.status()["ringing"]:
            raise jsonrpc.JsonRpcError(OUT_OF_ORDER, "nobody rings here")
        device.feed(Input.ANSWER)
        return await said()

    async def said() -> Status:
        if refusal := await device.membership.said():
            raise jsonrpc.JsonRpcError(OUT_OF_ORDER, refusal)
        return device.status()

    async def test(params: jsonrpc.Params) -> Status:
        try:
            await device.self_test.run()
        except NotNow as reason:
            raise jsonrpc.JsonRpcError(OUT_OF_ORDER, str(reason)) from reason
        return device.status()

    return {
        "status": handler(lambda params: None),
        "volume": volume,
        "ring": ring,
        "answer": answer,
        "self-test": test,
        **{name: handler(feed(given)) for name, given in _INPUTS.items()},
    }


def _volume(device: Device, params: jsonrpc.Params) -> int | None:
    """Whose it was, None for everybody's."""
    volume = params.get("volume")
    if type(volume) is not int or not 0 <= volume <= 100:
        raise jsonrpc.JsonRpcError(jsonrpc.INVALID_PARAMS, "a volume is 0 to 100")
    uid = _uid(params, 1)
    device.volume(volume, uid)
    return uid


def _uid(params: jsonrpc.Params, lowest: int) -> int | None:
    uid = params.get("uid")
    if uid is not None and (type(uid) is not int or not lowest <= uid < 2**32):
        raise jsonrpc.JsonRpcError(jsonrpc.INVALID_PARAMS, f"a uid is {lowest} to 4294967295")
    return uid
