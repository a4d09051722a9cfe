"""Whoever has a token server points it at this hub: the builders that are published, as they are installed with pip.

agora-token-builder makes 006, agora-rest-client-python 007.
"""

import base64
import time
import warnings
import zlib

import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # of theirs, against the library that they check values with
    from agora_rest.utils import AccessToken as AccessToken2
    from agora_rest.utils import ServiceChat, ServiceRtc, ServiceRtm
    from agora_rest.utils.RtcTokenBuilder2 import Role_Publisher, Role_Subscriber
    from agora_rest.utils.RtcTokenBuilder2 import RtcTokenBuilder as Builder007
from agora_token_builder import RtcTokenBuilder as Builder006
from agora_token_builder import RtmTokenBuilder
from agora_token_builder.AccessToken import AccessToken

from device.channel import token, token006
from device.channel.errors import ChannelError
from device.channel.grant import DAY_S, FOREVER, Grant, Privilege
from tests.channel.tokens import APP_ID, CERTIFICATE, CHANNEL, LASTS_S, MADE_S, UID, of_006, of_007

EVERYTHING, LISTENING = set(Privilege), {Privilege.JOIN}
of_both_roles = pytest.mark.parametrize(
    ("role", "allowed"), [(Role_Publisher, EVERYTHING), (Role_Subscriber, LISTENING)], ids=["publisher", "subscriber"]
)
WHERE = (APP_ID, CERTIFICATE, CHANNEL)


def admitted(text: str, uid: int | str = UID, now_s: float | None = None) -> Grant:
    return token.verify(text, APP_ID, [CERTIFICATE], CHANNEL, uid, time.time() if now_s is None else now_s)


@of_both_roles
def test_006_of_a_token_server_is_admitted(role: int, allowed: set[Privilege]) -> None:
    end_s = int(time.time()) + LASTS_S
    grant = admitted(Builder006.buildTokenWithUid(*WHERE, UID, role, end_s))
    assert dict(grant.ends_s) == dict.fromkeys(allowed, end_s)
    assert grant.usable_until_s == pytest.approx(time.time() + DAY_S, abs=60)
    assert set(admitted(Builder006.buildTokenWithUid(*WHERE, 0, role, end_s), 5).ends_s) == allowed
    assert (
        set(admitted(Builder006.buildTokenWithAccount(*WHERE, "door-bell", role, end_s), "door-bell").ends_s) == allowed
    )


@of_both_roles
def test_007_of_a_token_server_is_admitted(role: int, allowed: set[Privilege]) -> None:
    grant = admitted(Builder007.build_token_with_uid(*WHERE, UID, role, 600, LASTS_S))
    assert set(grant.ends_s) == allowed
    assert grant.usable_until_s == pytest.approx(time.time() + 600, abs=60)
    assert grant.joined_until_s == pytest.approx(time.time() + LASTS_S, abs=60)
    for_ever = admitted(Builder007.build_token_with_uid(*WHERE, 0, role, 600), 5)
    assert dict(for_ever.ends_s) == dict.fromkeys(allowed, FOREVER)
    account = Builder007.build_token_with_user_account(*WHERE, "door-bell", role, 600)
    assert set(admitted(account, "door-bell").ends_s) == allowed


def test_007_with_an_end_for_each_privilege_is_admitted() -> None:
    text = Builder007.build_token_with_uid_and_privilege(*WHERE, UID, 600, 500, 400, 300, 0)
    grant = admitted(text)
    made_s = grant.usable_until_s - 600
    assert dict(grant.ends_s) == {
        Privilege.JOIN: made_s + 500, Privilege.PUBLISH_AUDIO: made_s + 400, Privilege.PUBLISH_VIDEO: made_s + 300,
        Privilege.PUBLISH_DATA: FOREVER,
    }  # fmt: skip


def test_007_for_several_services_is_admitted_whichever_comes_first() -> None:
    made = AccessToken2(APP_ID, CERTIFICATE, MADE_S, 600)
    chat, messages, call = ServiceChat("me"), ServiceRtm("me"), ServiceRtc(CHANNEL, UID)
    for service in (chat, messages, call):
        service.add_privilege(1, 300)
        made.add_service(service)
    assert dict(admitted(made.build(), now_s=MADE_S).ends_s) == {Privilege.JOIN: MADE_S + 300}


def test_what_is_not_for_calls_is_refused() -> None:
    """A login for messages has neither a channel nor the privilege to join one."""
    login = RtmTokenBuilder.buildToken(APP_ID, CERTIFICATE, "me", 1, int(time.time()) + LASTS_S)
    messages = AccessToken2(APP_ID, CERTIFICATE, MADE_S, 600)
    messages.add_service(ServiceRtm("me"))
    for text in (login, messages.build()):
        with pytest.raises(ChannelError, match="invalid token"):
            admitted(text, "me", MADE_S)


def test_006_is_built_to_the_last_character_as_theirs() -> None:
    theirs = AccessToken(APP_ID, CERTIFICATE, CHANNEL, UID)
    theirs.salt, theirs.ts = 7, MADE_S + DAY_S
    for privilege in (4, 2, 1, 3):
        theirs.addPrivilege(privilege, MADE_S + LASTS_S)
    ours = token006.build(
        APP_ID, CERTIFICATE, CHANNEL, UID, dict.fromkeys((2, 1, 4, 3), MADE_S + LASTS_S), MADE_S + DAY_S, 7
    )
    assert ours == theirs.build()


def test_006_of_ours_is_read_by_theirs() -> None:
    theirs = AccessToken()
    assert theirs.fromString(of_006(privileges={1: 5, 2: 6}))
    assert (theirs.salt, theirs.ts, theirs.messages) == (7, MADE_S + DAY_S, {1: 5, 2: 6})


def test_007_of_ours_is_read_by_theirs_and_holds_what_theirs_would() -> None:
    assert AccessToken2().from_string(of_007())
    theirs = AccessToken2(APP_ID, CERTIFICATE, MADE_S, LASTS_S)
    call = ServiceRtc(CHANNEL, UID)
    for privilege in (1, 2, 3, 4):
        call.add_privilege(privilege, LASTS_S)
    theirs.add_service(call)
    setattr(theirs, "_AccessToken__salt", 7)  # noqa: B010
    ours, wanted = (zlib.decompress(base64.b64decode(text[3:])) for text in (of_007(), theirs.build()))
    assert ours == wanted
