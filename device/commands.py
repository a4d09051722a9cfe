"""What the control socket offers: each command, and what it answers, which is the status after it."""

from collections.abc import Callable

from device import jsonrpc
from device.appliance import Device, Status
from device.call import Input
from device.selftest import NotNow
from device.service.control import Handler, Handlers

_INPUTS = {
    "mute": Input.MUTE, "unmute": Input.UNMUTE, "leave": Input.LEAVE, "rejoin": Input.REJOIN, "ring": Input.RING,
    "answer": Input.ANSWER,
}  # fmt: skip
# As in the channel's table of errors: not at this moment.
OUT_OF_ORDER = 434


def handlers(device: Device) -> Handlers:
    """status, volume {volume: 0..100, uid}, self-test, and those that buttons have, too."""

    def handler(act: Callable[[jsonrpc.Params], None]) -> Handler:
        async def handle(params: jsonrpc.Params) -> Status:
            act(params)
            await device.settled()
            return device.status()

        return handle

    def feed(given: Input) -> Callable[[jsonrpc.Params], None]:
        return lambda params: device.feed(given)

    async def test(params: jsonrpc.Params) -> Status:
        try:
            await device.self_test.run()
        except NotNow as reason:
            raise jsonrpc.JsonRpcError(OUT_OF_ORDER, str(reason)) from reason
        return device.status()

    return {
        "status": handler(lambda params: None),
        "volume": handler(lambda params: _volume(device, params)),
        "self-test": test,
        **{name: handler(feed(given)) for name, given in _INPUTS.items()},
    }


def _volume(device: Device, params: jsonrpc.Params) -> None:
    volume, uid = params.get("volume"), params.get("uid")
    if type(volume) is not int or not 0 <= volume <= 100:
        raise jsonrpc.JsonRpcError(jsonrpc.INVALID_PARAMS, "a volume is 0 to 100")
    if uid is not None and (type(uid) is not int or not 1 <= uid < 2**32):
        raise jsonrpc.JsonRpcError(jsonrpc.INVALID_PARAMS, "a uid is 1 to 4294967295")
    device.volume(volume, uid)
