"""Whoever can speak WebSocket, JSON and RTP is a client: one made of sockets alone is in a call with ours."""

import asyncio
import json
from typing import Any

from device.channel import rtp
from device.channel.client import Client
from device.hubapp import Hub
from tests.hub.house import APP
from tests.hub.plain import UPGRADE, masked
from tests.timing import seconds

TEXT, BINARY = 0x81, 0x82
OURS, THEIRS = 7, 8


class Stranger:
    """A program in another language, say: it knows the wire and nothing of this repository."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def frame(self) -> tuple[int, bytes]:
        async with asyncio.timeout(seconds(10)):
            first, size = await self._reader.readexactly(2)
            if size == 126:
                size = int.from_bytes(await self._reader.readexactly(2), "big")
            return first, await self._reader.readexactly(size)

    async def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """The result; what else comes meanwhile is passed over."""
        message = {"jsonrpc": "2.0", "id": method, "method": method, "params": params}
        self._writer.write(masked(TEXT, json.dumps(message).encode()))
        while True:
            kind, data = await self.frame()
            if kind == TEXT and (answer := json.loads(data)).get("id") == method:
                result: dict[str, Any] = answer["result"]
                return result

    def speak(self, packet: bytes) -> None:
        self._writer.write(masked(BINARY, packet))

    async def hears(self) -> bytes:
        while True:
            kind, data = await self.frame()
            if kind == BINARY:
                return data


async def test_X1_a_client_of_sockets_alone_talks_with_one_of_ours() -> None:
    async with Hub("127.0.0.1:0") as hub:
        reader, writer = await asyncio.open_connection("127.0.0.1", hub.port)
        writer.write(UPGRADE)
        await reader.readuntil(b"\r\n\r\n")
        stranger, ours, heard = Stranger(reader, writer), Client([hub.url]), asyncio.Queue[rtp.Packet]()
        ours.init(APP)
        ours.on("media", lambda packet, arrived_ns: heard.put_nowait(packet))
        await ours.join(None, "lobby", OURS, auto_subscribe=True)
        await ours.publish()
        joined = await stranger.ask("join", appId=APP, channel="lobby", uid=THEIRS, autoSubscribe=True)
        assert [stream["uid"] for stream in joined["streams"]] == [OURS]
        await stranger.ask("publish")
        # RFC 3550: version 2, dynamic payload type, sequence, timestamp, SSRC; then Opus
        stranger.speak(bytes((0x80, 111)) + bytes((0, 1)) + bytes(4) + THEIRS.to_bytes(4, "big") + b"\xf8speech")
        packet = await asyncio.wait_for(heard.get(), seconds(10))
        assert (packet.ssrc, packet.payload) == (THEIRS, b"\xf8speech")
        assert ours.send(b"\xf8words", 960)
        told = await stranger.hears()
        assert told[0] >> 6 == 2 and told[8:12] == OURS.to_bytes(4, "big") and told.endswith(b"\xf8words")
        writer.close()
        await ours.leave()


async def test_X2_media_needs_no_rtmp_and_no_address_of_its_own() -> None:
    """The documented SDK hands out an rtmp:// address to push to. A device has its microphone and the connection it
    joined on, so the name of a stream is that of the hub, and its sound goes the way of everything else."""
    async with Hub("127.0.0.1:0") as hub:
        mouth, ear, heard = Client([hub.url]), Client([hub.url]), asyncio.Queue[rtp.Packet]()
        for client, uid in ((mouth, OURS), (ear, THEIRS)):
            client.init(APP)
            await client.join(None, "lobby", uid, auto_subscribe=True)
        ear.on("media", lambda packet, arrived_ns: heard.put_nowait(packet))
        url = await mouth.publish()
        assert url == f"{hub.url}/v1/lobby/{OURS}"
        assert mouth.send(b"\xf8words", 0)
        assert (await asyncio.wait_for(heard.get(), seconds(10))).payload == b"\xf8words"
        assert hub.snapshot()["connections"] == 2
        for client in (mouth, ear):
            await client.leave()
