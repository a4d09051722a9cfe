"""Who is let in, and with which rights. PURE.

An App that the hub does not serve is refused with 401. Of one that the apps file lists with a certificate a token is
asked for, of one without a certificate none; with its own code each is refused who has none, one that is not good, one
that has ended, or one that nobody can verify (`channel.token`). A token of another App, channel or uid is not good.

This is for everybody who takes a seat, also for who proves with a session that it was his and finds it given up. Who
finds it still there is not asked: he has not been away for the others, and his seat has its rights and their end. So a
token that has ended while its right to join goes on is no harm to a call whose connection is lost, and certificates are
exchanged without one; only where the right to join is over, too, a good token is needed to sit down again.

An inherited seat keeps its rights whatever becomes of its App, but if that is not served any more (`stage`).
"""

from device import jsonrpc
from device.channel import errors, token
from device.channel.errors import ChannelError
from device.channel.grant import WITHOUT_CERTIFICATE, Grant
from device.channel.messages import Join
from device.channel.rules import Profile, Role
from device.hub.apps import App, Apps
from device.hub.rights import Rights
from device.hub.seating import refusal


def admit(apps: Apps, join: Join, now: float, wall_s: float) -> Rights:
    """What the seat may do that is asked for. now: monotonic. wall_s: seconds since 1970 at the same moment.

    Raises JsonRpcError: BAD_REQUEST, TOKEN_MISSING, TOKEN_INVALID, TOKEN_EXPIRED, TOKEN_UNEXPECTED.
    """
    app = apps.find(join.app_id)
    if app is None:
        raise refusal(errors.BAD_REQUEST)
    grant = _grant(app, join, wall_s) if app.listed else WITHOUT_CERTIFICATE
    ahead_s = now - wall_s
    role = Role.BROADCASTER if app.profile is Profile.COMMUNICATION else join.role
    return Rights(role, grant.joined_until_s + ahead_s, grant.publish_until_s + ahead_s)


def _grant(app: App, join: Join, wall_s: float) -> Grant:
    try:
        return token.verify(join.token, app.app_id, app.certificates, join.channel, join.uid, wall_s)
    except ChannelError as error:
        raise jsonrpc.JsonRpcError(error.code, error.reason) from error
