"""What a session asks for can be logged as it is."""

from device.channel import address
from device.channel.actions import Answer, Dial, Send


def test_nothing_secret_is_in_a_repr() -> None:
    hub = address.read("ws://127.0.0.1:8800/v1?key=SECRET")
    for action in (Dial(1, hub), Send(1, "SECRET"), Answer(1, {"session": "SECRET"})):
        assert "SECRET" not in repr(action)
