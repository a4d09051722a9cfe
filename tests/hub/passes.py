"""An App with a certificate, and tokens for it: who may come in at `tests.hub.house`, and until when."""

from typing import Any

from device.channel import token007
from device.channel.grant import Privilege
from device.hub.apps import App, Apps
from tests.hub.house import APP, NOON

CERTIFICATE = "5cfd2fd1755d40ecb72977518be15d3b"
SECONDARY = "00112233445566778899aabbccddeeff"


def listed(app_id: str = APP, *certificates: str, **more: Any) -> App:
    """An App as an apps file lists it, with CERTIFICATE unless there are others."""
    return App(app_id, certificates or (CERTIFICATE,), listed=True, **more)


def only(*apps: App) -> Apps:
    """These Apps, and no others."""
    return Apps({app.app_id.lower(): app for app in apps})


def token(
    uid: int | str = 0,
    channel: str = "lobby",
    *,
    app_id: str = APP,
    certificate: str = CERTIFICATE,
    made_s: float = NOON,
    lasts_s: int = 3_600,
    join_s: int = 0,
    publish_s: int | None = 0,
) -> str:
    """A token of the format 007. lasts_s: for how long it opens the door. join_s, publish_s: how long each right lasts,
    0 for ever; without a publish_s it gives no right to publish. uid: 0 for any."""
    rights: dict[int, int] = {Privilege.JOIN: join_s}
    if publish_s is not None:
        rights[Privilege.PUBLISH_AUDIO] = publish_s
    return token007.build(app_id, certificate, channel, uid, rights, int(made_s), lasts_s, 1)
