"""What a token allows ends at its end, and what it does not name was never allowed."""

from device.channel.grant import FOREVER, WITHOUT_CERTIFICATE, Grant, Privilege


def test_something_is_allowed_until_just_before_its_end() -> None:
    grant = Grant(50.0, {Privilege.JOIN: 100, Privilege.PUBLISH_AUDIO: FOREVER})
    assert grant.may(Privilege.JOIN, 99.999)
    assert not grant.may(Privilege.JOIN, 100)
    assert grant.may(Privilege.PUBLISH_AUDIO, 1e12)
    assert (grant.joined_until_s, grant.publish_until_s) == (100, FOREVER)


def test_what_was_not_given_has_ended_before_it_began() -> None:
    grant = Grant(50.0, {Privilege.JOIN: 100})
    assert not grant.may(Privilege.PUBLISH_AUDIO, 0.0)
    assert (grant.publish_until_s, grant.until_s(Privilege.PUBLISH_DATA)) == (0, 0)


def test_without_a_certificate_everybody_may_everything() -> None:
    assert all(WITHOUT_CERTIFICATE.may(privilege, 1e12) for privilege in Privilege)
    assert WITHOUT_CERTIFICATE.usable_until_s == FOREVER
