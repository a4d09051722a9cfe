"""What a voice on a device does not need is accepted, or refused in words, and said once."""

import asyncio
import logging

import pytest

from device.channel import errors, unneeded
from device.channel.client import Client
from device.channel.errors import ChannelError


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Client:
    monkeypatch.setattr(unneeded, "_said", set())
    return Client(["ws://127.0.0.1:1"])


async def test_B9_pictures_are_accepted_and_ignored_and_that_is_said_once(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    told = list[str]()
    for _ in range(2):
        await client.set_remote_video_stream_type(3, 1, lambda: told.append("done"))
    assert told == ["done", "done"]
    assert [record.getMessage() for record in caplog.records] == ["set_remote_video_stream_type: there is no video"]
    with pytest.raises(ValueError, match="Invalid uid type"):
        client.set_remote_video_stream_type(0, 1)


async def test_A26_reports_of_a_media_player_are_accepted_and_ignored(client: Client) -> None:
    await client.update_pusher_state_change({"code": 1_002})
    await client.update_pusher_net_status({})
    await client.update_player_state_change(3, {})
    await client.update_player_net_status(3, {})
    for call in (client.update_player_state_change, client.update_player_net_status):
        with pytest.raises(ValueError, match="Invalid uid type"):
            call(0, {})


async def test_A27_media_relay_is_refused_in_words(client: Client) -> None:
    failures = list[ChannelError]()
    for call in (
        client.start_channel_media_relay({}, None, failures.append),
        client.update_channel_media_relay({}, None, failures.append),
        client.stop_channel_media_relay(None, failures.append),
    ):
        with pytest.raises(ChannelError, match="a Client in each of the channels") as refused:
            await call
        assert refused.value.code == errors.BAD_REQUEST
    await asyncio.sleep(0)
    assert len(failures) == 3


def test_A25_the_codec_is_opus(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    for name in ("opus", 111):
        client.set_audio_codec(name)
    assert [record.getMessage() for record in caplog.records] == ["set_audio_codec: it is opus in any case"]
    for other in (9, 0, "g722"):
        with pytest.raises(ValueError, match="opus"):
            client.set_audio_codec(other)


def test_A24_the_raw_request_is_absent_and_said_to_be() -> None:
    assert "raw\nrequest of the same name in that SDK is absent" in (unneeded.__doc__ or "")
