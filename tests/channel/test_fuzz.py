"""A hundred thousand inputs that nobody meant well: nothing but the documented exceptions comes out.

Seeded mutations of valid messages, and plain garbage. A failure prints the input; the same seed makes it again.
"""

import json
from collections.abc import Callable, Iterator
from itertools import islice
from random import Random
from typing import Any

import pytest

from device import jsonrpc
from device.channel import errors, messages, rtp, rules
from device.channel.liveness import DOUBT_S
from device.channel.messages import Join, Rejoin, Seated, Stream
from device.channel.news import State
from device.channel.writing import Message
from tests.channel.world import JOIN, World, in_call

pytestmark = pytest.mark.unmeasured

TEXTS = PACKETS = OBJECTS = TO_SESSION = 100_000

STREAMS = tuple(Stream(uid, f"é{uid}") for uid in range(1, 5))
SEATED = Seated(7, "session", True, STREAMS, (8,), 1_000, 20_000, "1", STREAMS, (1, 2), (9,))
VALID: list[dict[str, Any]] = [
    json.loads(text)
    for text in (
        jsonrpc.request(1, messages.JOIN, JOIN.params()),
        jsonrpc.request(2, messages.REJOIN, Rejoin(JOIN, "session", (1, 2, 3)).params()),
        jsonrpc.reply(3, SEATED.params()),
        jsonrpc.reply("four", {}),
        jsonrpc.failure(5, errors.LOGIN_FAILED, "no"),
        jsonrpc.notification(messages.STREAM_ADDED, STREAMS[0].params()),
        jsonrpc.notification(messages.STREAM_REMOVED, {"uid": 1}),
        jsonrpc.notification(messages.USER_JOINED, STREAMS[1].params()),
        jsonrpc.notification(messages.USER_LEFT, {"uid": 1, "reason": "quit"}),
        jsonrpc.request(6, messages.REPORT, {"streams": [{"uid": 1, "lost": 12}]}),
        jsonrpc.notification(messages.REPORT, {"uid": 2, "lost": 12, "crowded": True}),
        jsonrpc.notification(messages.MUTE_AUDIO, {"uid": 2}),
        jsonrpc.notification(messages.MESSAGE, {"uid": 2, **Message(b"hello", 3).params()}),
        jsonrpc.notification(messages.ERROR, {"code": errors.OUT_OF_ORDER, "reason": "publish first"}),
    )
]
STRANGE: list[Any] = [
    None, True, False, 0, -1, 7, 2**31, 2**32, 2**64, 10**300, 1.5, float("nan"), float("inf"), "", "x", "\x00",
    "\ud800", "\u202e", "é" * 100, "x" * 5_000, [], [[]], {}, [None] * 50, {"uid": {}}, [1, "2", {}], "2.0", "join",
    [{"uid": 7}],
]  # fmt: skip
PACKET = rtp.Packet(7, 1, 2, bytes(range(80)), marker=True, level_dbov=-30).pack()


def twisted(value: Any, random: Random) -> Any:
    """The same with something else in one place or another."""
    if isinstance(value, dict) and value and random.random() < 0.8:
        out = dict(value)
        name = random.choice(list(out))
        match random.randrange(6):
            case 0:
                del out[name]
            case 1:
                out[random.choice(list(out))] = out[name]
            case 2:
                out[str(random.choice(STRANGE))[:20]] = random.choice(STRANGE)
            case _:
                out[name] = twisted(out[name], random)
        return out
    if isinstance(value, list) and value and random.random() < 0.8:
        out_list = list(value)
        out_list[random.randrange(len(out_list))] = twisted(random.choice(out_list), random)
        return out_list * random.choice([1, 1, 1, 300])
    return random.choice(STRANGE)


def damaged(data: bytes, random: Random) -> bytes:
    """The same with bits turned, cut, doubled, or in pieces."""
    out = bytearray(data)
    for _ in range(random.randrange(4)):
        match random.randrange(4):
            case 0 if out:
                out[random.randrange(len(out))] ^= 1 << random.randrange(8)
            case 1:
                del out[random.randrange(len(out) + 1) :]
            case 2:
                at = random.randrange(len(out) + 1)
                out[at:at] = random.randbytes(random.randrange(8))
            case _:
                out += out[: random.randrange(len(out) + 1)]
    return bytes(out)


def texts(random: Random, count: int) -> Iterator[str | bytes]:
    """Messages of all kinds, few of them as they should be."""
    for _ in range(count):
        match random.randrange(10):
            case 0:
                yield random.randbytes(random.randrange(100))
            case 1:
                yield "[" * random.randrange(3_000)
            case 2 | 3 | 4:
                yield damaged(json.dumps(random.choice(VALID)).encode(), random)
            case _:
                message = random.choice(VALID)
                for _ in range(random.randrange(4)):
                    message = twisted(message, random)
                yield json.dumps(message)


def packets(random: Random, count: int) -> Iterator[bytes]:
    """Packets of all kinds."""
    for _ in range(count):
        if random.random() < 0.3:
            yield random.randbytes(random.choice([0, 1, 11, 12, 13, 20, 100, 1_300, 1_301]))
        else:
            yield damaged(PACKET, random)


def test_any_text_is_a_message_or_refused() -> None:
    for text in texts(Random(1), TEXTS):
        try:
            jsonrpc.parse(text)
        except jsonrpc.JsonRpcError as refused:
            assert refused.code in (jsonrpc.PARSE_ERROR, jsonrpc.INVALID_REQUEST, jsonrpc.INVALID_PARAMS), text
            answer = jsonrpc.failure(refused.id, refused.code, refused.reason)
            assert len(answer) < 500, "a peer must not choose how much we answer"


def test_any_packet_is_unpacked_or_refused() -> None:
    for data in packets(Random(2), PACKETS):
        try:
            packet = rtp.unpack(data)
        except ValueError:
            continue
        assert rtp.unpack(packet.pack()) == packet
        assert rtp.ssrc_of(data) == packet.ssrc


@pytest.mark.parametrize(
    ("read", "valid"),
    [
        (Join.read, JOIN.params()),
        (Rejoin.read, Rejoin(JOIN, "session", (1, 2, 3)).params()),
        (Seated.read, SEATED.params()),
        (Stream.read, STREAMS[0].params()),
        (messages.read_uid, {"uid": 7}),
        (messages.read_error, {"code": 5, "reason": "no"}),
        (messages.read_reason, {"reason": "quit"}),
        (Message.read, Message(b"hello", 3).params()),
    ],
)
def test_any_params_are_read_or_refused(read: Callable[[Any], Any], valid: dict[str, Any]) -> None:
    random = Random(3)
    for _ in range(OBJECTS // 8):
        params = twisted(valid, random)
        if not isinstance(params, dict):
            continue
        try:
            done = read(params)
        except jsonrpc.JsonRpcError as refused:
            assert refused.code == jsonrpc.INVALID_PARAMS, params
        else:
            assert isinstance(repr(done), str)


def test_a_session_survives_a_hub_that_has_lost_its_mind() -> None:
    """In a seat and on the way to one. Whatever it said, the next hub that makes sense is joined."""
    random = Random(4)
    media, said, seated = packets(random, TO_SESSION), texts(random, TO_SESSION), 0
    for round_ in range(30):
        world = in_call(World(seed=round_))

        def answer(conn: int, request: jsonrpc.Request, world: World = world) -> None:
            if random.random() < 0.5:
                world.gives_seat(conn, request)
            world.say(conn, jsonrpc.reply(request.id, twisted(SEATED.params(), random)))

        world.answer = answer
        for text in islice(said, TO_SESSION // 30):
            seated += world.session.state is State.IN_CALL
            conn = random.choice(world.open) if world.open else 0
            if random.random() < 0.03:
                world.resets()
            if random.random() < 0.3:
                world.session.media(conn, next(media, b""), world.now)
            elif random.random() < 0.1:  # an answer to something that was asked
                message = json.loads(jsonrpc.reply(random.randrange(1, 60), SEATED.params()))
                world.session.text(conn, json.dumps(twisted(message, random)), world.now)
            world.session.text(conn, text, world.now)
            world.run(random.choice([0.0, 0.0, 0.0, 0.01, DOUBT_S]))
        assert len(world.events) < 20_000
        world.answer = world.gives_seat
        world.session.leave(world.now)
        world.run(1.0)
        world.session.join(Join(JOIN.app_id, f"again {round_}"), world.now)
        world.run(2.0)
        assert world.session.state is State.IN_CALL
    assert TO_SESSION * 0.3 < seated < TO_SESSION * 0.9, "some of it in a seat, and some on the way to one"


def test_what_a_session_remembers_of_a_hub_is_bounded() -> None:
    world = in_call(World())
    for uid in range(1, 5_000):
        world.notify("stream-added", uid=uid, label="x")
        world.notify("user-joined", uid=10_000 + uid, label="x")
    added = [params["uid"] for event, params in world.events if event == "stream-added"]
    assert len(added) <= messages.MAX_KNOWN_UIDS
    world.hub_closes(world.session.conn)
    world.run(1.0)
    rejoin = next(params for _, method, params in reversed(world.requests) if method == "rejoin")
    assert len(json.dumps(rejoin)) < rules.MAX_TEXT_BYTES
