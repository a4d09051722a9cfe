"""What rooms ask for can be carried by a WebSocket."""

from websockets.frames import Close as CloseFrame

from device.channel import messages
from device.hub import out


def test_every_close_code_may_be_sent() -> None:
    codes = [messages.CLOSE_UID_CONFLICT, *(code for name, code in vars(out).items() if name.startswith("CLOSE_"))]
    assert len(codes) == len(set(codes)) == 7
    for code in codes:
        CloseFrame(code, "why").check()
