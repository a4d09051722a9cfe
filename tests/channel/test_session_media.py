"""What a session sends and skips of our speech, and what it takes of others'."""

from itertools import pairwise

import pytest

from device import jsonrpc
from device.channel import messages, redundancy, rtp
from device.channel.actions import WARNING
from device.channel.adapt import TARGET_BITRATE, Coding
from device.channel.doubling import Path
from device.channel.liveness import SPEECH_S
from device.channel.news import State
from device.channel.timestamps import BEHIND
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


def test_who_counts_his_timestamps_wrong_is_told_once_and_only_of_what_is_to_be_heard() -> None:
    def warnings(world: World) -> list[str]:
        return [text for level, text in world.logs if level >= WARNING]

    world = in_call(World())
    world.session.call(messages.MUTE_LOCAL, {}, world.now)
    send_stuck(world, 3.0)
    assert warnings(world) == [], "nobody would hear it anyway"
    world.session.call(messages.UNMUTE_LOCAL, {}, world.now)
    world.talk(3.0)
    assert warnings(world) == []
    send_stuck(world, 5.0)
    assert warnings(world) == [BEHIND]
    world = in_call(World())
    world.talk(2.0)
    world.session.call(messages.PUBLISH, {}, world.now)
    for _ in range(100):
        world.session.send(OPUS, round((world.now - 30.0) * 48_000) & 0xFFFFFFFF, -20, False, world.now)
        world.run(0.02)
    assert warnings(world) == [], "another stream, which counts from its own beginning"


def send_stuck(world: World, duration_s: float) -> None:
    """Frames that all have the same timestamp."""
    for _ in range(round(duration_s / 0.02)):
        world.session.send(OPUS, 0, -20, False, world.now)
        world.run(0.02)


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


def test_what_does_not_arrive_is_reported_and_nothing_else() -> None:
    world = in_call(World())
    conn = world.session.conn or 0
    for number in range(300):
        world.run(0.02)
        if number % 10 or number < 150:
            world.session.media(conn, rtp.Packet(3, number, 960 * number, b"opus").pack(), world.now)
    reports = [params for _, method, params in world.requests if method == messages.REPORT]
    assert reports and all(report["streams"][0]["uid"] == 3 for report in reports)
    assert reports[-1]["streams"][0]["lost"] == pytest.approx(10, abs=2)
    assert len(reports) <= 2, "of the first three seconds there was nothing to tell"


def test_what_listeners_miss_is_sent_once_more_while_they_do() -> None:
    world = in_call(World())
    world.session.adapt(Coding(28_000, 20))
    for _ in range(2):
        world.notify(messages.REPORT, uid=3, lost=12, crowded=False)
        world.talk(2.0)
    assert (TARGET_BITRATE, Coding(20_000, 20, 0, 1)._asdict()) in world.events
    first, second = (rtp.unpack(data) for data in world.media[world.session.conn or 0][-2:])
    before, last = redundancy.split(second)
    assert redundancy.split(first)[-1][:4] == before[:4] and last.sequence == second.sequence
    world.talk(30.0)
    assert world.events[-1] == (TARGET_BITRATE, Coding(28_000, 20)._asdict())
    assert rtp.unpack(world.media[world.session.conn or 0][-1]).payload_type == rtp.PAYLOAD_TYPE


def test_of_a_packet_with_others_in_it_all_are_heard() -> None:
    world = in_call(World())
    conn = world.session.conn or 0
    both = redundancy.joined(b"new", 960, [redundancy.Earlier(0, b"old")])
    packet = rtp.Packet(3, 1, 960, both, payload_type=rtp.REDUNDANT_TYPE)
    heard = world.session.media(conn, packet.pack(), world.now)
    assert [(one.sequence, one.timestamp, one.payload) for one in heard] == [(0, 0, b"old"), (1, 960, b"new")]
    assert world.session.media(conn, packet._replace(payload=b"\xef").pack(), world.now) == ()


def test_a_hub_that_takes_no_reports_is_no_trouble() -> None:
    world = in_call(World())
    world.unknown.add(messages.REPORT)
    for number in range(0, 300, 2):
        world.run(0.02)
        world.session.media(world.session.conn or 0, rtp.Packet(3, number, 480 * number, b"opus").pack(), world.now)
    assert messages.REPORT in world.methods() and world.errors() == [] and world.session.state is State.IN_CALL
