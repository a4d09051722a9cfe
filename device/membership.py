"""The device's place in its channel: what the table asks of the client, and what happens there in the table's words.

Action -> client        events of the client -> Input, streams -> speaker
"""

import asyncio
import contextlib
import hashlib
import logging
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from device.call import Input
from device.channel import errors
from device.channel.client import Client
from device.channel.errors import ChannelError
from device.channel.messages import Ticket
from device.channel.news import Status
from device.channel.rules import Role
from device.config import Channel
from device.service import systemd
from device.sound import Speaker
from device.state import Held

logger = logging.getLogger(__name__)

_OF_STATE = {"in-call": Input.JOINED, "offline": Input.LINK_LOST, "left": Input.LEFT_BY_HUB}
_OF_ERROR = {
    errors.UID_CONFLICT: Input.UID_CONFLICT, errors.BANNED: Input.KICKED, errors.LOGIN_FAILED: Input.WRONG_TOKEN,
    errors.BAD_REQUEST: Input.WRONG_TOKEN, errors.IN_CLEAR: Input.WRONG_TOKEN, errors.TOKEN_MISSING: Input.WRONG_TOKEN,
    errors.TOKEN_INVALID: Input.WRONG_TOKEN, errors.TOKEN_EXPIRED: Input.WRONG_TOKEN,
    errors.TOKEN_UNEXPECTED: Input.WRONG_TOKEN,
}  # fmt: skip


# How long a hub that is well may take to say no to a ring, on the longest path.
_SAID_WITHIN_S = 2.0
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class Membership:
    """One seat in one channel, or the wish for one. Everything of it belongs to the event loop.

    where: what its seat belongs to; "" where nobody knows. held: the seat of the process before this one, which is
    taken again if it belongs there. feed: called with each Input. rung: with {uid, label, answered} of each ring.
    failed: when a ring cannot be sent.
    """

    def __init__(
        self,
        channel: Channel,
        held: Held | None,
        speaker: Speaker,
        feed: Callable[[Input], None],
        rung: Callable[[dict[str, Any]], None],
        failed: Callable[[], None],
    ) -> None:
        self._channel, self._speaker, self._feed, self._failed = channel, speaker, feed, failed
        self.where = _where(channel)
        self._ticket = Ticket(held.uid, held.session) if held is not None and held.where == self.where else None
        self._labels: dict[int, str] = {}  # of the streams there are, by uid
        self._tasks: set[asyncio.Task[None]] = set()
        self._saying: asyncio.Task[None] | None = None
        self._refusal = ""  # of the last ring or answer
        self._client = Client(channel.hub, ca_file=channel.ca_file or None, insecure=channel.insecure)
        self._client.init(channel.app_id)
        for event, handler in (
            ("media", speaker.received), ("stream-added", self._added), ("stream-removed", self._removed),
            ("connection-state", self._state_changed), ("error", self._refused), ("ring", rung),
        ):  # fmt: skip
            self._client.on(event, handler)

    @property
    def status(self) -> Status:
        """The client's, at this moment."""
        return self._client.status

    @property
    def held(self) -> Held | None:
        """The seat that it has, or is to take again; None where a process after this one could not take it."""
        ticket = self._client.status.ticket or self._ticket
        return Held(ticket.uid, ticket.session, self.where) if ticket and ticket.session and self.where else None

    @property
    def no_network(self) -> bool:
        """Whether this machine is what keeps it from the hub."""
        problem = self._client.status.problem
        return problem is not None and problem.code == errors.NO_NETWORK

    def label(self, uid: int) -> str:
        """What people read of this talker, "" where nothing is known."""
        return self._labels.get(uid, "")

    def has_stream(self, uid: int) -> bool:
        """Whether this one may be heard in the channel, as far as is known; silent or not."""
        return uid in self._labels

    def send(self, payload: bytes, timestamp: int, level_dbov: int, first_of_spurt: bool) -> None:
        """One packet of ours; see `Client.send`."""
        self._client.send(payload, timestamp, level_dbov, first_of_spurt)

    def hear(self, speaker: Speaker) -> None:
        """From now on this is the speaker."""
        self._speaker = speaker
        for uid in self._labels:
            speaker.added(uid)
        self._client.on("media", speaker.received)

    def join(self) -> None:
        """Take the seat, or dial once more at once; begins, and goes on for as long as it takes."""
        self._begin(self._join())

    def leave(self) -> None:
        """Give the seat up; begins."""
        self._begin(self.left())

    async def left(self) -> None:
        """Give the seat up; done within 0.3 s."""
        current = asyncio.current_task()
        for task in self._tasks:
            if task is not current:
                task.cancel()
        await self._client.leave()

    def ring(self, uid: int) -> None:
        """Call this one, or with 0 everybody in the channel."""
        self._saying = self._begin(self._say(self._client.ring(uid)))

    def answer(self) -> None:
        """Tell everybody that the ring is answered."""
        self._saying = self._begin(self._say(self._client.answer()))

    async def said(self) -> str:
        """Why the last ring or answer was refused, "" where it was not, or where nobody knows within 2 s."""
        if self._saying is not None:
            await asyncio.wait([self._saying], timeout=_SAID_WITHIN_S)
        return self._refusal

    async def end(self) -> None:
        """Leave; what happens there from now on is nobody's business any more. Done within 0.3 s."""
        for event in ("media", "stream-added", "stream-removed", "connection-state", "error", "ring"):
            self._client.off(event)
        for uid in self._labels:
            self._speaker.removed(uid)
        self._labels.clear()
        await self.left()

    def _begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _join(self) -> None:
        channel = self._channel
        try:
            await self._client.join(
                _token(channel.token_file), channel.name, channel.uid,
                label=channel.label, role=Role(channel.role), auto_subscribe=True,
                ticket=self._ticket,
            )  # fmt: skip
        except ChannelError as error:
            logger.error("cannot join %s: %s", channel.name, error)
            self._refused({"code": error.code})
        if channel.role == Role.BROADCASTER:
            with contextlib.suppress(ChannelError):  # said already; what is refused now is asked for at the next seat
                await self._client.publish()

    async def _say(self, saying: Coroutine[Any, Any, None]) -> None:
        self._refusal = ""
        try:
            await saying
        except ChannelError as error:
            self._refusal = error.reason
            logger.warning("ring: %s", error)
            self._failed()

    # What happens

    def _added(self, params: dict[str, Any]) -> None:
        self._labels[params["uid"]] = params["label"]
        self._speaker.added(params["uid"])

    def _removed(self, params: dict[str, Any]) -> None:
        self._labels.pop(params["uid"], None)
        self._speaker.removed(params["uid"])

    def _state_changed(self, params: dict[str, Any]) -> None:
        if params["state"] in ("in-call", "left"):  # the client has another one, or there is none any more
            self._ticket = None
        if params["state"] == "left":
            for uid in self._labels:
                self._speaker.removed(uid)
            self._labels.clear()
        if params["state"] in _OF_STATE:
            self._feed(_OF_STATE[params["state"]])

    def _refused(self, params: dict[str, Any]) -> None:
        if params["code"] in _OF_ERROR:
            self._feed(_OF_ERROR[params["code"]])


def _where(channel: Channel) -> str:
    """What a seat belongs to: these hubs, this channel, and this start of the machine.

    Not the next one: where a memory card was copied, two intercoms would sit in one seat. "" where nobody knows.
    """
    try:
        boot = BOOT_ID.read_text()
    except OSError:
        return ""
    place = repr((boot, channel.hub, channel.app_id, channel.name, channel.uid, channel.role))
    return hashlib.sha256(place.encode()).hexdigest()


def _token(token_file: str) -> str | None:
    """The token of this file, or of systemd's credential; None without one. Raises ChannelError."""
    try:
        path = Path(token_file) if token_file else systemd.credential("token")
        return path.read_text("utf-8").strip() if path else None
    except (OSError, ValueError):  # not the cause's text: it would quote what it could not decode
        where = token_file or "systemd's credential"
        raise ChannelError(errors.LOGIN_FAILED, f"the token in {where} cannot be read") from None
