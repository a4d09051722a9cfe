"""The others in the channel, as far as people are told of them: who has a stream, who is muted, and why none of them
hears us. PURE.
"""

from typing import Any


class Others:
    """What the client's events say of them."""

    def __init__(self) -> None:
        self.streams: dict[int, str] = {}  # by uid, with what people read
        self._muted: set[int] = set()
        self.unheard = ""  # why they do not hear us, though we are there

    def clear(self) -> None:
        """Nobody is known any more."""
        self.streams.clear()
        self._muted.clear()

    def mute(self, who: dict[str, Any]) -> None:
        """mute-audio: somebody is silent by himself."""
        self._muted.add(who["uid"])

    def unmute(self, who: dict[str, Any]) -> None:
        """unmute-audio, or user-left: he talks again, or is gone."""
        self._muted.discard(who["uid"])

    def hear_nothing(self, reason: str) -> None:
        """Of us, from now on."""
        self.unheard = reason

    def hear(self) -> None:
        """As far as we are told, they hear us."""
        self.unheard = ""

    def label(self, uid: int) -> str:
        """What people read of this one, "" where nothing is known."""
        return self.streams.get(uid, "")

    def status(self) -> dict[str, Any]:
        """What a status has of this."""
        return {"muted_talkers": self.muted(), "unheard": self.unheard}

    def muted(self) -> list[dict[str, Any]]:
        """Those who are, as a status tells them."""
        return [{"uid": uid, "label": self.label(uid)} for uid in sorted(self._muted)]
