"""What the documented SDK has, and a voice on a device does not need.

Most of these are accepted, so that a program written for that SDK runs, and change nothing; the log says so the first
time. The event video-rotation never comes, nor do mute-video and unmute-video. `Client.send` is for media: the raw
request of the same name in that SDK is absent, as every request has a method here.
"""

import logging

from device.channel import arguments, errors
from device.channel.errors import ChannelError
from device.channel.outcome import Callback, Done, Outcome, failed

logger = logging.getLogger(__name__)

_OPUS = (111, "111", "opus")
_said: set[str] = set()


def say_once(what: str) -> None:
    """A line of the log, the first time in this process."""
    if what not in _said:
        _said.add(what)
        logger.info("%s", what)


class Unneeded:
    """A part of `Client`."""

    def set_audio_codec(self, codec: str | int) -> None:
        """Opus (or 111, its RTP number), which every participant speaks. Raises ValueError for any other."""
        if codec not in _OPUS:
            raise ValueError("the codec is opus: others are not offered")
        say_once("set_audio_codec: it is opus in any case")

    def set_remote_video_stream_type(
        self, uid: int, type: int, on_success: Callback | None = None, on_failure: Callback | None = None
    ) -> Outcome[None]:
        """Ignored, as there is no video. Raises ValueError."""
        arguments.somebody(uid)
        return self._ignored("set_remote_video_stream_type: there is no video", on_success)

    def update_pusher_state_change(self, detail: object) -> Outcome[None]:
        """Ignored, as there is no media player: the statistics are measured here (`network-quality`)."""
        return self._ignored("reports of a media player are ignored", None)

    def update_pusher_net_status(self, detail: object) -> Outcome[None]:
        """Ignored, as `update_pusher_state_change`."""
        return self._ignored("reports of a media player are ignored", None)

    def update_player_state_change(self, uid: int, detail: object) -> Outcome[None]:
        """Ignored, as `update_pusher_state_change`. Raises ValueError."""
        arguments.somebody(uid)
        return self._ignored("reports of a media player are ignored", None)

    def update_player_net_status(self, uid: int, detail: object) -> Outcome[None]:
        """Ignored, as `update_pusher_state_change`. Raises ValueError."""
        arguments.somebody(uid)
        return self._ignored("reports of a media player are ignored", None)

    def start_channel_media_relay(
        self, configuration: object, on_success: Callback | None = None, on_failure: Callback | None = None
    ) -> Outcome[None]:
        """Not offered: a Client in each of the channels does it. Fails with BAD_REQUEST."""
        return self._refused("start_channel_media_relay", on_success, on_failure)

    def update_channel_media_relay(
        self, configuration: object, on_success: Callback | None = None, on_failure: Callback | None = None
    ) -> Outcome[None]:
        """Not offered, as `start_channel_media_relay`."""
        return self._refused("update_channel_media_relay", on_success, on_failure)

    def stop_channel_media_relay(
        self, on_success: Callback | None = None, on_failure: Callback | None = None
    ) -> Outcome[None]:
        """Not offered, as `start_channel_media_relay`."""
        return self._refused("stop_channel_media_relay", on_success, on_failure)

    def _ignored(self, what: str, on_success: Callback | None) -> Outcome[None]:
        say_once(what)
        return Done(what, on_success)

    def _refused(self, name: str, on_success: Callback | None, on_failure: Callback | None) -> Outcome[None]:
        error = ChannelError(errors.BAD_REQUEST, "media relay is not offered: use a Client in each of the channels")
        return Outcome(name, failed(error), on_success, on_failure)
