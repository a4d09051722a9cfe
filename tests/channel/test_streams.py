"""What a client knows of the streams, and what it wants of them."""

from device.channel.messages import Seated, Stream
from device.channel.streams import MAX_STREAMS, Streams


def seated(*uids: int, removed: tuple[int, ...] = ()) -> Seated:
    streams = tuple(Stream(uid, f"label {uid}") for uid in uids)
    return Seated(7, "s", False, streams, removed, 1_000, 20_000, "")


def added(uid: int) -> tuple[str, dict[str, object]]:
    return ("stream-added", {"uid": uid, "label": f"label {uid}"})


def removed(uid: int) -> tuple[str, dict[str, object]]:
    return ("stream-removed", {"uid": uid})


def test_the_first_seat_shows_all_streams_but_our_own() -> None:
    assert Streams().seated(seated(1, 7, 2), told_known=False) == [added(1), added(2)]


def test_a_hub_that_does_not_know_what_we_know_lists_all_there_are() -> None:
    streams = Streams()
    streams.seated(seated(1, 2), told_known=False)
    assert streams.seated(seated(2, 3), told_known=False) == [removed(1), added(3)]


def test_a_hub_that_was_told_names_who_has_gone() -> None:
    """One that has just started does not know everybody yet."""
    streams = Streams()
    streams.seated(seated(1, 2, 3), told_known=False)
    assert streams.seated(seated(4, removed=(2, 9)), told_known=True) == [removed(2), added(4)]


def test_whom_the_list_of_the_next_seat_has_not_is_missing() -> None:
    streams = Streams()
    streams.seated(seated(1, 2, 3), told_known=False)
    assert streams.missing(seated(3, 4, 7)) == {1, 2}


def test_a_stream_that_is_there_is_not_removed_whatever_else_the_hub_says() -> None:
    streams = Streams()
    streams.seated(seated(1), told_known=False)
    assert streams.seated(seated(1, removed=(1,)), told_known=True) == []


def test_a_new_label_is_news_and_the_same_one_is_not() -> None:
    streams = Streams()
    assert streams.added(Stream(1, "a")) == [("stream-added", {"uid": 1, "label": "a"})]
    assert streams.added(Stream(1, "a")) == []
    assert streams.added(Stream(1, "b")) == [("stream-added", {"uid": 1, "label": "b"})]
    assert streams.removed(1) == [removed(1)]
    assert streams.removed(1) == []


def test_a_hub_that_names_streams_without_end_is_not_believed() -> None:
    streams = Streams()
    for uid in range(1, 3 * MAX_STREAMS):
        streams.added(Stream(uid))
    assert len(streams.known) == MAX_STREAMS
    assert streams.added(Stream(1, "renamed"))


def test_wishes_are_asked_for_again_at_every_seat() -> None:
    streams = Streams()
    for method, params in [("subscribe", {"uid": 5}), ("publish", {}), ("ping", {}), ("subscribe", {"uid": 3})]:
        streams.wished(method, params)
        streams.agreed(method, params)
    assert streams.published
    assert streams.again() == [("publish", {}), ("subscribe", {"uid": 3}), ("subscribe", {"uid": 5})]


def test_what_is_wanted_no_more_is_asked_for_until_the_hub_agrees() -> None:
    streams = Streams()
    for method in ("publish", "unpublish"):
        streams.wished(method, {})
    streams.wished("subscribe", {"uid": 3})
    streams.wished("unsubscribe", {"uid": 3})
    assert not streams.published
    assert streams.again() == [("unpublish", {}), ("unsubscribe", {"uid": 3})]
    streams.agreed("publish", {})  # the answer to the older request, late
    assert streams.again() == [("unpublish", {}), ("unsubscribe", {"uid": 3})]
    streams.agreed("unpublish", {})
    streams.agreed("unsubscribe", {"uid": 3})
    assert streams.again() == []


def test_a_refusal_ends_the_wish_it_answers_and_no_newer_one() -> None:
    streams = Streams()
    streams.wished("publish", {})
    streams.wished("unpublish", {})
    streams.refused("publish", {})
    assert streams.again() == [("unpublish", {})]
    streams.refused("unpublish", {})
    streams.refused("ping", {})
    assert streams.again() == []


def test_the_end_of_a_stream_ends_the_subscription() -> None:
    streams = Streams()
    streams.added(Stream(3))
    streams.wished("subscribe", {"uid": 3})
    streams.removed(3)
    assert streams.again() == []


def test_A20_what_is_muted_is_asked_for_again_behind_its_subscription() -> None:
    streams = Streams()
    streams.wished("mute", {"uid": 3})
    streams.wished("subscribe", {"uid": 3})
    streams.wished("muteLocal", {})
    streams.agreed("mute", {"uid": 3})
    assert streams.is_muted(3) and streams.silenced and not streams.is_muted(4)
    assert streams.again() == [("muteLocal", {}), ("subscribe", {"uid": 3}), ("mute", {"uid": 3})]
    assert streams.again_of(3) == ["subscribe", "mute"]
    assert streams.again_of(4) == []
    streams.wished("unmute", {"uid": 3})
    assert not streams.is_muted(3)
    assert streams.again()[-1] == ("unmute", {"uid": 3})
    streams.agreed("unmute", {"uid": 3})
    assert streams.again() == [("muteLocal", {}), ("subscribe", {"uid": 3})]


def test_A20_the_end_of_the_subscription_or_of_the_stream_ends_it() -> None:
    streams = Streams()
    streams.added(Stream(3))
    for method in ("subscribe", "mute", "unsubscribe"):
        streams.wished(method, {"uid": 3})
    assert not streams.is_muted(3)
    streams.wished("mute", {"uid": 3})
    streams.removed(3)
    assert not streams.is_muted(3)


def test_E3_a_mute_that_was_refused_is_not_asked_for_again() -> None:
    streams = Streams()
    streams.wished("mute", {"uid": 3})
    streams.refused("mute", {"uid": 3})
    assert not streams.is_muted(3) and streams.again() == []


def test_A8_what_somebody_knows_already_is_no_news_once() -> None:
    streams = Streams()
    streams.expect((3, 4), subscribe=True)
    streams.expect((3,), subscribe=False)
    assert streams.added(Stream(3, "hall")) == []
    assert streams.added(Stream(3, "cellar")) == [("stream-added", {"uid": 3, "label": "cellar"})]
    assert streams.removed(4) == [removed(4)]
    assert streams.wants(3) and not streams.wants(4)
