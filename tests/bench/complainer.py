"""Somebody in the channel of a call who misses some of what everybody says, as over a gateway to UDP."""

import threading
import time
from collections.abc import Sequence
from typing import Self

from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from device import jsonrpc
from device.channel import messages, rules
from device.channel.messages import Join
from device.channel.reception import EVERY_S
from device.channel.report import Report
from tests.daemon import APP_ID

# As much as FEC is for; from 5 % on everything is sent twice instead (device/channel/protection.py).
LOST_PERCENT = 3
CHANNEL = "lobby"


class Complainer:
    """One listener in a thread of its own. Use as `with Complainer(url, uids)`. uids: of whom it misses packets."""

    def __init__(self, hub: str, uids: Sequence[int]) -> None:
        self._hub = hub
        self._complaint = Report(tuple((uid, LOST_PERCENT) for uid in uids)).params()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._listen)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _listen(self) -> None:
        join = Join(APP_ID, CHANNEL, auto_subscribe=True)
        with connect(self._hub + rules.PATH, subprotocols=[Subprotocol(rules.SUBPROTOCOL)], compression=None) as ws:
            ws.send(jsonrpc.request(1, messages.JOIN, join.params()))
            number = 1
            while not self._over.is_set():
                _hear(ws, EVERY_S)
                number += 1
                ws.send(jsonrpc.request(number, messages.REPORT, self._complaint))


def _hear(ws: ClientConnection, for_s: float) -> None:
    """All that comes in this time."""
    until_s = time.monotonic() + for_s
    while (left_s := until_s - time.monotonic()) > 0:
        try:
            ws.recv(timeout=left_s)
        except TimeoutError:
            return
