"""What the hub notifies of, as events."""

from typing import Any

import pytest

from device import jsonrpc
from device.channel import notices
from device.channel.presence import Presence
from device.channel.streams import Streams


def test_each_notification_is_the_event_of_its_name() -> None:
    streams, presence = Streams(), Presence()
    told: list[tuple[str, dict[str, Any], dict[str, Any] | None]] = [
        ("user-joined", {"uid": 3, "label": "hall"}, {"uid": 3, "label": "hall"}),
        ("stream-added", {"uid": 3, "label": "hall"}, {"uid": 3, "label": "hall"}),
        ("stream-added", {"uid": 7, "label": "ourselves"}, None),
        ("mute-audio", {"uid": 3}, {"uid": 3}),
        ("unmute-audio", {"uid": 3}, {"uid": 3}),
        ("ring", {"uid": 3, "answered": True}, {"uid": 3, "label": "", "answered": True}),
        ("stream-message", {"uid": 3, "stream": 2, "data": "aGk="}, {"uid": 3, "stream": 2, "data": b"hi"}),
        ("stream-removed", {"uid": 3}, {"uid": 3}),
        ("user-left", {"uid": 3, "reason": "became-audience"}, {"uid": 3, "reason": "became-audience"}),
        ("user-left", {"uid": 3, "reason": "abducted"}, {"uid": 3, "reason": "dropped"}),
        ("client-banned", {"why": "?", "minutes": 60}, {"minutes": 60}),
        ("client-banned", {}, {"minutes": 0}),
        ("heard-again", {"since": "?"}, {}),
        ("video-rotation", {"uid": 3, "rotation": 90}, None),
    ]
    for method, params, expected in told:
        news = notices.read(method, params, 7, streams, presence)
        assert news == ([] if expected is None else [(method, expected)])


@pytest.mark.parametrize("method", ["mute-audio", "stream-message", "user-left", "stream-removed", "stream-added"])
def test_one_about_nobody_is_unreadable(method: str) -> None:
    with pytest.raises(jsonrpc.JsonRpcError):
        notices.read(method, {"data": "aGk="}, 7, Streams(), Presence())
