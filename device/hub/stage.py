"""What a seat may do in its channel by its role and its token, and for how long.

Roles: a broadcaster publishes, an audience only hears. Where the profile of the App is live each may become the other:
who is promoted is announced with `user-joined`, who is demoted loses his stream, and leaves for the others with the
reason "became-audience". In a communication everybody is a broadcaster: another role is ignored in a join, as the
documented SDK sets one without knowing the profile, and refused later.

A seat whose App this hub does not serve any more, after a planned restart with another apps file, is given up, some at
a time: whoever took the App out of the file wants nobody to go on in it. Other changes are for those who come from then
on.
"""

from collections.abc import Callable
from dataclasses import replace

from device import jsonrpc
from device.channel import errors, messages
from device.channel.messages import Join
from device.channel.rules import Profile, Role
from device.hub.apps import EVERY, Apps
from device.hub.out import CLOSE_POLICY, Out
from device.hub.reports import Reports
from device.hub.rights import Rights
from device.hub.seating import Seating, refusal
from device.hub.seats import Link, Seat
from device.hub.sessions import Sessions

# Of seats whose right to be there has ended, in one look: each is news to everybody else in its channel.
TURNED_OUT_AT_ONCE = 10
# Of seats whose App is not served any more, in one look: each is news to nobody, as the others go, too.
PUT_OUT_AT_ONCE = 50


class Stage(Seating):
    """All seats of one hub, and what may be done in them. reports: what arrives of what is said in them."""

    def __init__(
        self, signing: Sessions, draw: Callable[[int], bytes], started: float, out: list[Out], apps: Apps = EVERY
    ) -> None:
        super().__init__(signing, draw, started, out, apps)
        self.reports = Reports(self)

    def publish(self, seat: Seat, now: float) -> None:
        """Raises JsonRpcError: AUDIENCE_CANNOT_PUBLISH, NOT_ALLOWED_TO_PUBLISH, TOO_MANY_PUBLISHERS."""
        app = self._app(seat.channel.app_id)
        if seat.role is Role.AUDIENCE:
            raise refusal(errors.AUDIENCE_CANNOT_PUBLISH)
        if app.co_host and not seat.rights.may_publish(now):
            raise refusal(errors.NOT_ALLOWED_TO_PUBLISH)
        others = sum(other.publishing for other in seat.channel.seats.values() if other is not seat)
        if others >= app.max_publishers:
            raise refusal(errors.TOO_MANY_PUBLISHERS)
        seat.publishing = True
        if not seat.live:
            self._show(seat)

    def unpublish(self, seat: Seat) -> None:
        """The stream ends, the participant stays. Raises JsonRpcError(AUDIENCE_CANNOT_PUBLISH)."""
        if seat.role is Role.AUDIENCE:
            raise refusal(errors.AUDIENCE_CANNOT_PUBLISH)
        seat.publishing = False
        if seat.live:
            self._hide(seat)

    def set_role(self, seat: Seat, role: Role) -> None:
        """Promote or demote; harmless where that is the role. Raises JsonRpcError(LOGIN_FAILED) in a communication."""
        if role is seat.role:
            return
        if role is Role.AUDIENCE:
            if self._app(seat.channel.app_id).profile is Profile.COMMUNICATION:
                raise refusal(errors.LOGIN_FAILED, "this App is for communication: everybody is a broadcaster")
            self.unpublish(seat)
            seat.before.silenced = False  # nothing is to come back
            seat.rights = replace(seat.rights, role=role)
            self.tell_others(seat, messages.USER_LEFT, {"uid": seat.uid, "reason": messages.BECAME_AUDIENCE})
        else:
            seat.rights = replace(seat.rights, role=role)
            self.tell_others(seat, messages.USER_JOINED, seat.stream().params())
            if seat.uid in seat.channel.muted:
                self.tell_others(seat, messages.MUTE_AUDIO, {"uid": seat.uid})
        self.notices.role_changed(seat)

    def renew(self, seat: Seat, rights: Rights) -> None:
        """The rights of a new token take the place of the old one's; the role stays. What was published goes on."""
        seat.rights = replace(rights, role=seat.role)

    def age(self, now: float) -> None:
        """As of any seat; then the clocks of its token."""
        super().age(now)
        places, exits = TURNED_OUT_AT_ONCE, PUT_OUT_AT_ONCE
        for channel in list(self._channels.values()):
            if self._apps.find(channel.app_id) is None:
                for seat in list(channel.seats.values())[:exits]:
                    self._turn_out(seat, errors.BAD_REQUEST, CLOSE_POLICY)
                    exits -= 1
                continue
            co_host = self._app(channel.app_id).co_host
            for seat in list(channel.seats.values()):
                if seat.rights.are_over(now):
                    if places > 0:
                        self._turn_out(seat, errors.TOKEN_EXPIRED, CLOSE_POLICY)
                    places -= 1
                else:
                    self._tell_of_the_end(seat, now)
                    if co_host and seat.publishing and not seat.rights.may_publish(now):
                        self._silence(seat)

    def tell_others(self, seat: Seat, method: str, params: jsonrpc.Params) -> None:
        """Tell everybody else in the channel, unless all of them have to go."""
        if self._apps.find(seat.channel.app_id) is not None:
            super().tell_others(seat, method, params)

    def _resume(self, seat: Seat, link: Link, join: Join) -> None:
        """The role is that of the rejoin, unless the seat is still held on another connection: something newer may have
        been said there."""
        if not seat.links and self._app(seat.channel.app_id).profile is Profile.LIVE:
            self.set_role(seat, join.role)
        super()._resume(seat, link, join)

    def _tell_of_the_end(self, seat: Seat, now: float) -> None:
        notice = seat.rights.notice(now)
        if notice and seat.links:  # nobody else would hear of it, and who comes back hears it then
            seat.rights = replace(seat.rights, told=notice)
            self._tell([seat], notice, {})

    def _silence(self, seat: Seat) -> None:
        self.unpublish(seat)
        code = errors.NOT_ALLOWED_TO_PUBLISH
        self._tell([seat], messages.ERROR, {"code": code, "reason": errors.TABLE[code].reason})
