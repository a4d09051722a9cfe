"""The device's place in its channel: what the table asks of the client, and what happens there in the table's words.

Action -> client        events of the client -> Input, streams -> speaker
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from device import belonging
from device.call import Input
from device.channel import errors, messages
from device.channel.adapt import TARGET_BITRATE, Coding
from device.channel.client import Client
from device.channel.errors import ChannelError
from device.channel.messages import Ticket
from device.channel.news import State, Status
from device.channel.rules import Role
from device.config import Audio, Channel
from device.others import Others
from device.sound import Speaker
from device.state import Held
from device.token_file import TokenFile

logger = logging.getLogger(__name__)

T = TypeVar("T")

_OF_STATE = {"in-call": Input.JOINED, "offline": Input.LINK_LOST, "left": Input.LEFT_BY_HUB}
_OF_ERROR = {
    errors.UID_CONFLICT: Input.UID_CONFLICT, errors.BANNED: Input.BANNED, errors.LOGIN_FAILED: Input.WRONG_TOKEN,
    errors.BAD_REQUEST: Input.WRONG_TOKEN, errors.IN_CLEAR: Input.WRONG_TOKEN, errors.TOKEN_MISSING: Input.WRONG_TOKEN,
    errors.TOKEN_INVALID: Input.WRONG_TOKEN, errors.TOKEN_EXPIRED: Input.WRONG_TOKEN,
    errors.TOKEN_UNEXPECTED: Input.WRONG_TOKEN,
}  # fmt: skip


# It stays in the call, and nobody hears it.
_UNHEARD = (errors.SILENCED, errors.NOT_ALLOWED_TO_PUBLISH, errors.TOO_MANY_PUBLISHERS)
# How long a hub that is well may take to say no to a ring, on the longest path.
_SAID_WITHIN_S = 2.0
# Who writes the file tells nobody; a token is written anew minutes before the old one ends.
TOKEN_LOOK_S = 5.0


class Membership:
    """One seat in one channel, or the wish for one. Everything of it belongs to the event loop.

    where: what its seat belongs to; "" where nobody knows. others: who else is there.

    held: the seat of the process before this one, which is taken again if it belongs there. feed: called with each
    Input. rung: with {uid, label, answered} of each ring. failed: when a ring cannot be sent. allows: with (bitrate,
    packet_ms, fec_percent) when the path allows less than `audio` says, or more again, or what is lost changes.
    """

    def __init__(
        self,
        channel: Channel,
        audio: Audio,
        held: Held | None,
        speaker: Speaker,
        feed: Callable[[Input], None],
        rung: Callable[[dict[str, Any]], None],
        failed: Callable[[], object],
        allows: Callable[[int, int, int], None],
    ) -> None:
        self._channel, self._speaker, self._feed, self._failed = channel, speaker, feed, failed
        self.where = belonging.of(channel)
        self._ticket = Ticket(held.uid, held.session) if held is not None and held.where == self.where else None
        self._token_file = TokenFile(channel.token_file)
        self.others = Others()
        self._silent = False
        self._tasks: set[asyncio.Task[Any]] = set()
        self._saying: asyncio.Task[str] | None = None  # the last ring or answer
        self._watching: asyncio.Task[None] | None = None
        self._put_out_once = False  # and its reason has not come yet
        self._client = Client(channel.hub, ca_file=channel.ca_file or None, insecure=channel.insecure)
        self._client.init(channel.app_id)
        self._events: dict[str, Callable[..., object]] = {
            "media": speaker.received, "stream-added": self._added, "stream-removed": self._removed,
            "connection-state": self._state_changed, "error": self._refused, "ring": rung,
            messages.TOKEN_WILL_EXPIRE: self._token_ends, messages.TOKEN_DID_EXPIRE: self._token_ends,
            messages.CLIENT_BANNED: self._put_out,
            messages.MUTE_AUDIO: self.others.mute, messages.UNMUTE_AUDIO: self.others.unmute,
            messages.USER_LEFT: self.others.unmute,
            messages.HEARD_AGAIN: lambda _: self.others.hear(),
            TARGET_BITRATE: lambda coding: allows(coding["bitrate"], coding["packet_ms"], coding["fec_percent"]),
        }  # fmt: skip
        self.adapt(audio)
        for event, handler in self._events.items():
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

    def be_silent(self, silent: bool) -> None:
        """Let the others know that nothing is said here until further notice, or that it is again."""
        if silent is self._silent:
            return
        self._silent = silent
        if self._client.status.state is not State.LEFT:  # else the next join says it
            tell = self._client.mute_local if silent else self._client.unmute_local
            tell(on_failure=self._not_told)

    def send(self, payload: bytes, timestamp: int, level_dbov: int, first_of_spurt: bool) -> None:
        """One packet of ours; see `Client.send`."""
        self._client.send(payload, timestamp, level_dbov, first_of_spurt)

    def adapt(self, audio: Audio) -> None:
        """That is how our speech is encoded from now on, while the path allows it; `allows` is told at once."""
        self._client.adapt(audio.bitrate, audio.frame_ms)
        self._events[TARGET_BITRATE](Coding(audio.bitrate, audio.frame_ms)._asdict())

    def hear(self, speaker: Speaker) -> None:
        """From now on this is the speaker."""
        self._speaker = speaker
        for uid in self.others.streams:
            speaker.added(uid)
        self._client.on("media", speaker.received)

    def join(self) -> None:
        """Take the seat, or dial once more at once; begins, and goes on for as long as it takes."""
        self._begin(self._join())
        if self._watching is None or self._watching.done():
            self._watching = self._begin(self._watch_token())

    def leave(self) -> None:
        """Give the seat up; begins."""
        self._begin(self.left())

    async def left(self) -> None:
        """Give the seat up; done within 0.3 s."""
        current, self._watching = asyncio.current_task(), None
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
        said = self._saying
        if said is not None:
            await asyncio.wait([said], timeout=_SAID_WITHIN_S)
        return said.result() if said is not None and said.done() and not said.cancelled() else ""

    async def end(self) -> None:
        """Leave; what happens there from now on is nobody's business any more. Done within 0.3 s."""
        for event in self._events:
            self._client.off(event)
        self._forget_others()
        await self.left()

    def _begin(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _join(self) -> None:
        channel = self._channel
        try:
            take = self._client.join if self._client.status.state is State.LEFT else self._client.rejoin
            await take(
                self._token_file.read(), channel.name, channel.uid,
                label=channel.label, role=Role(channel.role), auto_subscribe=True,
                ticket=self._ticket, muted=self._silent,
            )  # fmt: skip
        except ChannelError as error:
            logger.error("cannot join %s: %s", channel.name, error)
            self._refused({"code": error.code})
        if channel.role == Role.BROADCASTER:
            await self._publish()

    async def _publish(self) -> None:
        try:
            await self._client.publish()
            self.others.hear()
        except ChannelError as error:  # what is refused now is asked for at the next seat, or with the next token
            if self._client.status.state is State.IN_CALL:  # else why there is no seat is said already
                self.others.hear_nothing(error.reason)
                logger.warning("%s: not heard by the others: %s", self._channel.name, error)

    async def _watch_token(self) -> None:
        while True:
            await asyncio.sleep(TOKEN_LOOK_S)
            self._renew()

    def _renew(self) -> None:
        """Go on with the token of the file, if that is another one than before."""
        token = self._token_file.news()
        if not token:
            return
        logger.info("%s: there is a new token", self._channel.name)
        problem = self._client.status.problem
        if problem is not None and problem.code == errors.UID_CONFLICT:
            return  # another has the seat: read again when somebody presses rejoin
        if self._client.status.state is State.LEFT:  # the one before could not even be read, or sent
            self._begin(self._join())
        else:
            self._client.renew_token(token, self._renewed, self._not_renewed)

    def _renewed(self) -> None:
        """It may allow what the one before did not any more."""
        if self._channel.role == Role.BROADCASTER:
            self._begin(self._publish())

    def _not_renewed(self, error: ChannelError) -> None:
        logger.warning("the new token is refused: %s; the old one stays for as long as it is good", error)

    def _not_told(self, error: ChannelError) -> None:
        logger.debug("the others do not know whether this microphone is on: %s", error)

    def _token_ends(self, _: dict[str, Any]) -> None:
        self._renew()

    async def _say(self, saying: Awaitable[None]) -> str:
        try:
            await saying
        except ChannelError as error:
            logger.warning("ring: %s", error)
            self._failed()
            return error.reason
        return ""

    # What happens

    def _added(self, params: dict[str, Any]) -> None:
        self.others.streams[params["uid"]] = params["label"]
        self._speaker.added(params["uid"])

    def _removed(self, params: dict[str, Any]) -> None:
        self.others.streams.pop(params["uid"], None)
        self._speaker.removed(params["uid"])

    def _forget_others(self) -> None:
        for uid in self.others.streams:
            self._speaker.removed(uid)
        self.others.clear()

    def _state_changed(self, params: dict[str, Any]) -> None:
        if params["state"] == "left":
            self.others.hear()
        if params["state"] in ("in-call", "left"):  # the client has another one, or there is none any more
            self._ticket = None
        if params["state"] == "left":
            self._forget_others()
        if params["state"] in _OF_STATE:
            self._feed(_OF_STATE[params["state"]])

    def _put_out(self, params: dict[str, Any]) -> None:
        """Who is put out once may come back; the error that follows, and says why, finds it there already."""
        self._put_out_once = not params["minutes"]
        if self._put_out_once:
            self._feed(Input.KICKED)

    def _refused(self, params: dict[str, Any]) -> None:
        if params["code"] in _UNHEARD:
            self.others.hear_nothing(params["reason"])
        put_out_once, self._put_out_once = self._put_out_once, False
        if params["code"] in _OF_ERROR and not (put_out_once and params["code"] == errors.BANNED):
            self._feed(_OF_ERROR[params["code"]])
        if _OF_ERROR.get(params["code"]) is Input.WRONG_TOKEN:
            self._renew()  # perhaps it is there already
