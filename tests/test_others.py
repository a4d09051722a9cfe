"""The others in the channel, as far as people are told of them."""

from device.others import Others


def test_who_is_muted_is_told_with_his_name_until_he_talks_or_goes() -> None:
    others = Others()
    others.streams |= {8: "kitchen", 9: "cellar"}
    for uid in (9, 8, 10):
        others.mute({"uid": uid})
    assert others.muted() == [{"uid": 8, "label": "kitchen"}, {"uid": 9, "label": "cellar"}, {"uid": 10, "label": ""}]
    others.unmute({"uid": 8})
    others.unmute({"uid": 7})
    assert [who["uid"] for who in others.muted()] == [9, 10]
    others.clear()
    assert others.muted() == [] and others.label(9) == ""


def test_why_they_do_not_hear_us() -> None:
    others = Others()
    others.hear_nothing("silenced")
    assert others.status() == {"muted_talkers": [], "unheard": "silenced"}
    others.hear()
    assert others.unheard == ""
