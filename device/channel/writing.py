"""What a host says to the whole channel in writing: stream messages. PURE."""

import base64
import binascii
from dataclasses import dataclass
from typing import Self

from device import jsonrpc
from device.channel import rules
from device.channel.members import between, checked, member


@dataclass(frozen=True, slots=True)
class Message:
    """What a host says to everybody in writing. stream: 1 to 5, so that several matters stay apart. data: <= 1 kB."""

    data: bytes
    stream: int = 1

    def params(self) -> jsonrpc.Params:
        """What goes on the wire."""
        return {"stream": self.stream, "data": base64.b64encode(self.data).decode()}

    @classmethod
    def read(cls, params: jsonrpc.Params) -> Self:
        """Raises JsonRpcError(INVALID_PARAMS)."""
        return cls(
            data=checked("data", _decoded, member(params, "data", str)),
            stream=checked("stream", between(1, rules.MAX_MESSAGE_STREAMS), member(params, "stream", int, 1)),
        )


def _decoded(text: str) -> bytes:
    try:
        return rules.check_message(base64.b64decode(text, validate=True))
    except binascii.Error as error:
        raise ValueError("not base64") from error
