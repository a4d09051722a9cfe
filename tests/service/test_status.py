"""What a person reads of a status."""

from typing import Any

import pytest

from device.service import status

SENDS = {"bitrate": 28_000, "packet_ms": 20, "fec_percent": 0}


def alone(**changes: Any) -> dict[str, Any]:
    return {
        "state": "in-call",
        "channel": "lobby",
        "uid": 7,
        "muted": False,
        "hub": "ws://127.0.0.1:8800",
        "problem": None,
        "talkers": [],
        "capture": {"state": "running", "device": "default", "xruns": 0, "realtime": True},
        "playback": {"state": "running", "device": "plughw:CARD=Device", "xruns": 1, "realtime": True},
        "link": {"rtt_ms": 0.5, "connections": 1, "reconnects": 1, "skipped": 2, **SENDS},
        **changes,
    }


def talker(uid: int, label: str) -> dict[str, Any]:
    counts = {"late": 1, "lost": 2, "concealed": 3, "drift_ppm": 4.0, "mos": 4.4}
    return {"uid": uid, "label": label, "level_dbfs": -23, "buffer_ms": 20.4, "latency_ms": 61.6, **counts}


def test_a_block_shows_every_part_on_a_line_of_its_own() -> None:
    assert status.block(alone(talkers=[talker(8, "kitchen"), talker(9, "")])).splitlines() == [
        "in-call: lobby as 7, microphone on",
        "hub       ws://127.0.0.1:8800, round trip 0.5 ms, 1 reconnect, 2 frames skipped",
        "sends     28 kbit/s of speech, 20 ms in a packet",
        "capture   running on default, 0 xruns",
        "playback  running on plughw:CARD=Device, 1 xrun",
        "hears     kitchen (8): -23 dBFS, 62 ms old, of which 20 ms in the buffer; 1 late, 2 lost, 3 concealed, "
        "drift +4 ppm, MOS 4.4",
        "hears     9: -23 dBFS, 62 ms old, of which 20 ms in the buffer; 1 late, 2 lost, 3 concealed, drift +4 ppm, "
        "MOS 4.4",
    ]


def test_a_block_before_any_hub_was_reached() -> None:
    link = {"rtt_ms": None, "connections": 0, "reconnects": 0, "skipped": 0, **SENDS}
    first, second, *_ = status.block(alone(state="joining", uid=0, hub=None, muted=True, link=link)).splitlines()
    assert first == "joining: lobby as nobody yet, microphone muted"
    assert second == "hub       none, round trip unknown, 0 reconnects, 0 frames skipped"


def test_a_block_says_what_takes_the_echo_out() -> None:
    assert "echo      speex" in status.block(alone(echo="speex")).splitlines()
    assert "echo" not in status.block(alone(echo="off"))


def test_a_block_says_that_what_is_lost_is_sent_once_more() -> None:
    link = {**alone()["link"], "fec_percent": 10}
    assert "sends     28 kbit/s of speech, with FEC, 20 ms in a packet" in status.block(alone(link=link))


def test_a_block_says_that_there_are_two_connections() -> None:
    link = {"rtt_ms": 41.0, "connections": 2, "reconnects": 0, "skipped": 0, **SENDS}
    _, second, *_ = status.block(alone(link=link)).splitlines()
    assert second == ("hub       ws://127.0.0.1:8800, 2 connections, round trip 41 ms, 0 reconnects, 0 frames skipped")


def test_a_line_has_state_microphone_talkers_levels_and_latency() -> None:
    assert status.line(alone()) == "in-call: lobby | microphone on | hears nobody"
    shown = status.line(alone(talkers=[talker(8, "kitchen"), talker(9, "")], muted=True))
    assert shown == "in-call: lobby | microphone muted | hears kitchen (8) -23 dBFS 62 ms, 9 -23 dBFS 62 ms"


def test_a_line_names_a_card_that_does_not_run() -> None:
    stalled = alone(capture={"state": "absent", "device": "default", "xruns": 0, "realtime": False})
    assert status.line(stalled) == "in-call: lobby | microphone on | hears nobody | capture absent"


def test_both_say_what_keeps_it_out_of_the_call() -> None:
    refused = alone(state="joining", uid=0, problem={"code": 101, "reason": "no such App ID here"})
    assert status.line(refused) == "joining: lobby | no such App ID here | microphone on | hears nobody"
    assert "problem   no such App ID here (101): intercomd doctor says what to do" in status.block(refused).splitlines()


def test_a_block_says_which_hub_a_problem_is_about_and_which_of_the_list_it_is_at() -> None:
    closed = {"hub": "ws://a:8800", "code": 905, "reason": "connection refused: no hub is running there"}
    lines = status.block(alone(state="offline", problem=closed)).splitlines()
    assert (
        "problem   ws://a:8800: connection refused: no hub is running there (905): intercomd doctor says what to do"
        in lines
    )
    taken = {"hub": None, "code": 1001, "reason": "another device joined with this uid"}
    assert "problem   another device joined with this uid (1001): give one of the two" in status.block(
        alone(problem=taken)
    )
    later = status.block(alone(hub="ws://b:8800", hub_number=2)).splitlines()[1]
    assert later.startswith("hub       ws://b:8800 (number 2 of the list; the first is looked for again), round trip")
    assert "number" not in status.block(alone(hub_number=1))


@pytest.mark.parametrize(
    ("code", "reason", "ends"),
    [
        (401, "this hub does not serve this App ID", "(401); write the hub's into [channel] app_id"),
        (120, "this App asks for a token: get one to join with", "(120); name its file in [channel] token_file"),
        (1006, "a rule of the hub keeps this device out: ask the hub's administrator", "administrator (1006)"),
        (109, "expired token: it ended 3 s ago; get a new one, or set the hub's clock", "or set the hub's clock (109)"),
        (905, "the certificate is not trusted: it has expired: renew it, or set the clock", "or set the clock (905)"),
        (431, "the token in token cannot be read", "(431): intercomd doctor says what to do"),
    ],
)
def test_a_problem_ends_with_what_to_do(code: int, reason: str, ends: str) -> None:
    (line,) = (
        line for line in status.block(alone(problem={"code": code, "reason": reason})).splitlines() if reason in line
    )
    assert line.startswith("problem ") and line.endswith(ends)


def test_a_block_says_what_the_last_self_test_said_and_when() -> None:
    fine = {"verdict": "fine", "delay_ms": 84.2, "why": "", "age_s": 12.0}
    unclear = {"verdict": "unclear", "delay_ms": None, "why": "it was too loud here to hear the tone", "age_s": 7_000.0}
    mute = {"verdict": "mute", "delay_ms": None, "why": "", "age_s": 600.0}
    for test, shown in (
        (fine, "self-test fine, after 84 ms; 12 s ago"),
        (unclear, "self-test unclear: it was too loud here to hear the tone; 2 h ago"),
        (mute, "self-test mute; 10 min ago"),
    ):
        assert shown in status.block(alone(self_test=test)).splitlines()
    assert not [line for line in status.block(alone(self_test=None)).splitlines() if "self-test" in line]


def test_a_block_names_those_who_are_muted() -> None:
    muted = [{"uid": 8, "label": "kitchen"}, {"uid": 9, "label": ""}]
    assert "muted     kitchen (8), 9" in status.block(alone(muted_talkers=muted)).splitlines()
    assert "muted    " not in status.block(alone(muted_talkers=[]))


def test_a_block_says_that_somebody_rings() -> None:
    assert "rings     somebody rings: intercomd answer" in status.block(alone(ringing=True)).splitlines()


def test_who_is_not_heard_is_told_so() -> None:
    silenced = alone(unheard="a rule of the hub keeps this device from talking")
    assert "unheard   nobody hears it: a rule of the hub keeps this device from talking" in status.block(silenced)
    assert "| nobody hears it: a rule of the hub" in status.line(silenced)
