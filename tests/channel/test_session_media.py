"""What a session sends and skips of our speech, and what it takes of others'."""

from itertools import pairwise

import pytest

from device import jsonrpc
from device.channel import messages, rtp
from device.channel.doubling import Path
from device.channel.liveness import SPEECH_S
from device.channel.news import State
from device.channel.verdicts import Miss
from tests.channel.world import JOIN, OPUS, World, in_call


def test_speech_goes_out_as_our_uid_in_order() -> None:
    world = in_call(World())
    world.talk(1.0)
    world.run(0.1)
    packets = [rtp.unpack(data) for data in world.media[world.session.conn or 0]]
    assert len(packets) == 50
    assert {packet.ssrc for packet in packets} == {7}
    assert [(b.sequence - a.sequence) % 2**16 for a, b in pairwise(packets)] == [1] * 49
    assert [packet.marker for packet in packets] == [True] + [False] * 49


def test_nothing_is_sent_before_publishing() -> None:
    world = World()
    world.session.join(JOIN, world.now)
    world.run(1.0)
    assert world.session.send(OPUS, 0, None, True, world.now) is None
    assert world.session.status.skipped == 0


def test_in_a_hole_200_ms_are_sent_and_the_rest_is_skipped_without_a_number() -> None:
    world = in_call(World())
    world.talk(1.0)
    world.run(0.1)
    before = len(world.media[world.session.conn or 0])
    world.dead, world.network = True, world.black_hole
    world.talk(3.0)
    held = (SPEECH_S + world.rtt_s) / 0.02
    assert world.session.status.skipped == pytest.approx(150 - held, abs=3)
    world.revive()
    world.talk(1.0)
    packets = [rtp.unpack(data) for data in world.media[world.session.conn or 0]]
    numbers = sorted({(packet.sequence - packets[0].sequence) % 2**16 for packet in packets})
    assert numbers == list(range(len(numbers)))
    assert len(numbers) - before == pytest.approx(held + 50, abs=4)


def test_without_a_connection_nothing_counts_as_skipped_and_the_mark_is_kept() -> None:
    world = in_call(World())
    world.hub_closes(world.session.conn)
    assert world.session.send(OPUS, 0, None, True, world.now) is None
    world.run(0.5)
    sending = world.session.send(OPUS, 960, None, False, world.now)
    assert sending is not None
    data, conns = sending
    assert rtp.unpack(data).marker and conns == world.session.conns
    assert world.session.status.skipped == 0


def test_media_counts_only_on_the_seated_connection_and_only_if_it_can_be_read() -> None:
    world = in_call(World())
    packet = rtp.Packet(3, 1, 2, b"opus", marker=True, level_dbov=-20)
    conn = world.session.conn or 0
    assert world.session.media(conn, packet.pack(), world.now) == (packet,)
    assert world.session.media(conn, b"garbage", world.now) == ()
    assert world.session.media(conn + 1, packet.pack(), world.now) == ()
    world.session.leave(world.now)
    assert world.session.media(conn, packet.pack(), world.now) == ()


def test_what_comes_from_a_connection_that_was_closed_is_ignored() -> None:
    world = in_call(World())
    session, old = world.session, world.session.conn or 0
    world.session.rejoin(world.now)
    world.run(1.0)
    before = session.status
    session.reached(old, world.now)
    session.opened(old, world.now)
    session.failed(old, Miss.REFUSED, world.now)
    session.closed(old, messages.CLOSE_UID_CONFLICT, world.now)
    session.text(old, jsonrpc.reply(1, {}), world.now)
    session.unacknowledged(old, 10**9, world.now)
    session.path(old, Path(10**6, 9.0, 0.1), world.now)
    world.run(1.0)
    assert session.status.state is State.IN_CALL
    assert session.status.reconnects == before.reconnects


def test_a_connection_told_about_before_any_join_is_nobody() -> None:
    world = World()
    world.session.opened(5, world.now)
    world.session.text(5, "{}", world.now)
    world.session.closed(5, 1006, world.now)
    world.run(1.0)
    assert world.requests == []
