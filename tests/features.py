"""What the documented voice-call SDK has, and the tests that show that it is here: `scripts/check features`.

A test says in its name which row it shows, between underscores: test_A8_whoever_comes_back_is_told_what_changed.
`scripts/test -k A8_` runs those of a row. Must: in the SDK's first documentation; should: needed to make that right;
could: taken from its other editions. Prints a line for each row, and exits 1 while a must or a should is open.
"""

import contextlib
import io
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import NamedTuple

import pytest


class Tier(StrEnum):
    """How much a row is wanted."""

    MUST = "must"
    SHOULD = "should"
    COULD = "could"


class Row(NamedTuple):
    """One feature."""

    id: str
    tier: Tier
    what: str


_M, _S, _C = Tier.MUST, Tier.SHOULD, Tier.COULD
ROWS = tuple(
    Row(*row)
    for row in (
        ("A1", _S, "several clients in one process, each with its hubs"),
        ("A2", _M, "init checks the App ID, and asks nobody"),
        ("A3", _M, "join with a token, or without where the App has no certificate"),
        ("A4", _M, "without a uid the hub chooses one, and join returns it"),
        ("A5", _S, "join takes the audio-only flag and the kind of uid"),
        ("A6", _S, "a second join while joined does one documented thing"),
        ("A7", _S, "after a join that failed the client can be used again"),
        ("A8", _M, "rejoin tells the uids it knows, and hears what has changed"),
        ("A9", _M, "publish returns the address of the stream"),
        ("A10", _S, "unpublish ends the stream, and the user stays"),
        ("A11", _M, "on and off, several handlers, and * for all events"),
        ("A12", _M, "subscribe returns address and rotation"),
        ("A13", _S, "unsubscribe ends that stream alone"),
        ("A14", _M, "leave at any time, joined or not"),
        ("A15", _S, "destroy frees the connection"),
        ("A16", _S, "whether it is connected, and where"),
        ("A17", _M, "set_role before join"),
        ("A18", _S, "set_role in the channel: up, then publish; unpublish, then down"),
        ("A19", _S, "mute_local and unmute_local: the stream stays, the others are told"),
        ("A20", _S, "mute and unmute a remote, after subscribing"),
        ("A21", _C, "mute all remotes at once"),
        ("A22", _S, "renew_token in the channel, the last one counts"),
        ("A23", _S, "another address for the own stream on request"),
        ("A24", _S, "a request of one's own making, or a word that there is none"),
        ("A25", _S, "the choice of a codec"),
        ("A26", _S, "reports about the media, not too often"),
        ("A27", _C, "relays between channels"),
        ("A28", _S, "callbacks as well as await"),
        ("B1", _M, "stream-added, also for the streams that are there at join"),
        ("B2", _S, "stream-removed after unpublish, leave and silence"),
        ("B3", _S, "update-url"),
        ("B4", _S, "mute-audio and unmute-audio"),
        ("B5", _M, "error with code and reason; 503 is silent, 904 when the connection breaks"),
        ("B6", _S, "token-privilege-will-expire 30 s before"),
        ("B7", _S, "token-privilege-did-expire, then a new token"),
        ("B8", _S, "client-banned"),
        ("B9", _S, "events of video are accepted and ignored"),
        ("B10", _C, "connection-state-change: five states and why"),
        ("B11", _C, "reconnecting, lost, back: after 4 s, after 10 s, on success"),
        ("B12", _C, "user-joined and user-left with its reason; of hosts alone in a live channel"),
        ("B13", _C, "volume indication: the loudest three and self"),
        ("B14", _C, "network quality every 2 s"),
        ("B15", _C, "stream messages within limits"),
        ("B16", _C, "the bitrate that the path allows"),
        ("B17", _C, "a role that changed, or could not"),
        ("B18", _S, "who is muted from the start is visible all the same"),
        ("E1", _S, "401 an App that is not served"),
        ("E2", _S, "429 too often"),
        ("E3", _S, "430 mute before subscribe"),
        ("E4", _S, "431 a wrong role or uid, a second login"),
        ("E5", _S, "432 subscribed to who publishes nothing"),
        ("E6", _S, "433 an audience cannot publish"),
        ("E7", _S, "434 out of order, or as somebody else"),
        ("E8", _S, "500 and 502: dial again"),
        ("E9", _M, "501 the hub lost the call: dial again"),
        ("E10", _S, "503 the hub stops: no event"),
        ("E11", _S, "901, 902, 903, 905: no hub, no id, no answer, none reached"),
        ("E12", _M, "904 the connection broke: dial again"),
        ("E13", _S, "wrong arguments have their texts, and no code"),
        ("E14", _C, "codes of the other editions, by name"),
        ("H1", _S, "channel names: 64 bytes of 89 characters"),
        ("H2", _S, "uids: 32 bits, 0 to have one assigned"),
        ("H3", _M, "Apps never hear each other"),
        ("H4", _S, "a channel lives from its first join to its last leave"),
        ("H5", _M, "profiles: communication and live"),
        ("H6", _M, "an audience hears only, and is not announced in a live channel"),
        ("H7", _S, "of two with one uid the newcomer stays, and the other is told why"),
        ("H8", _S, "the silent: no stream after 10 s, no seat after 20 s"),
        ("H9", _C, "who is back within 20 s has never been away"),
        ("H10", _C, "more speakers than can be heard: by a rule"),
        ("H11", _C, "kick and ban by channel, uid and address, for minutes"),
        ("H12", _C, "questions to the hub: channels, users, hosts, status"),
        ("H13", _C, "webhooks, signed"),
        ("H14", _S, "a hub moves its users and no call is lost"),
        ("T1", _M, "without a certificate the App ID suffices"),
        ("T2", _M, "with a certificate a token is needed, and its lack has a code"),
        ("T3", _M, "tokens of version 005: 5 minutes to join, a limit for the stay"),
        ("T4", _M, "tokens of version 006: absolute times"),
        ("T5", _S, "tokens of version 007: relative times, services"),
        ("T6", _C, "tokens for any uid, for any channel"),
        ("T7", _S, "two clocks: the token's end and the privilege's"),
        ("T8", _S, "the privilege to publish, where co-hosts are authenticated"),
        ("T9", _C, "a second certificate, to change the first one in peace"),
        ("T10", _S, "hostile tokens"),
        ("R1", _M, "dials again by itself"),
        ("R2", _S, "several hubs, tried in order"),
        ("R3", _S, "a heartbeat"),
        ("R4", _C, "hints about the network from outside"),
        ("R5", _M, "suspended and resumed"),
        ("L1", _M, "LOG: levels -1 to 4, 3 by default"),
        ("L2", _M, "LOG: onLog, and onlog"),
        ("L3", _S, "logs are kept within limits"),
        ("X1", _M, "other clients in the same channel"),
        ("X2", _M, "RTMP addresses for the media, or why not"),
        ("X3", _C, "G.711 and G.722"),
        ("X4", _C, "one device in several channels"),
        ("X5", _C, "the mix of all, in frames of 20 ms"),
        ("X6", _S, "echo cancellation"),
        ("X7", _C, "encryption"),
        ("P1", _S, "joins within 5 s"),
        ("P2", _S, "hardly a freeze of 200 ms"),
        ("P3", _S, "a delay below 400 ms"),
        ("P4", _C, "understood at 30 to 80 % of loss"),
        ("P5", _S, "8 talkers in comfort, 17 at all"),
    )
)
_ID = re.compile(r"(?<![A-Za-z0-9])[A-Z]\d{1,2}(?![A-Za-z0-9])")


def shown_by(names: Iterable[str]) -> dict[str, list[str]]:
    """The tests of each row, by its id. names: node ids of pytest, such as tests/x/test_y.py::test_A8_z[1]."""
    tests: dict[str, list[str]] = defaultdict(list)
    for name in names:
        for found in _ID.findall(name.split("::", 1)[-1].split("[")[0].replace("_", " ")):
            tests[found].append(name)
    return tests


def verdict(row: Row, tests: Mapping[str, list[str]], failed: set[str]) -> str:
    """One word for a row."""
    mine = tests.get(row.id, [])
    if not mine:
        return "open"
    return "fail" if failed.intersection(mine) else "pass"


def page(tests: Mapping[str, list[str]], failed: set[str]) -> list[str]:
    """A line for each row."""
    return [
        f"{verdict(row, tests, failed):4}  {row.id:3}  {row.tier:6}  {len(tests.get(row.id, [])):3} tests  {row.what}"
        for row in ROWS
    ]


def is_whole(tests: Mapping[str, list[str]], failed: set[str]) -> bool:
    """Whether every row passes that must or should."""
    return all(verdict(row, tests, failed) == "pass" for row in ROWS if row.tier is not Tier.COULD)


class _Listener:
    """Hears from pytest which tests there are, and which do not pass."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.failed: set[str] = set()

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.names = [item.nodeid for item in session.items]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.outcome != "passed":
            self.failed.add(report.nodeid.split("@")[0])  # behind the @ stands its group


def main() -> int:
    """Runs all tests that show a row; 1 where that is not enough."""
    there = _Listener()
    with contextlib.redirect_stdout(io.StringIO()):
        if pytest.main(["--collect-only", "-q"], plugins=[there]):
            sys.exit("the tests cannot be collected: scripts/test says why")
    known = {row.id for row in ROWS}
    tests = {id: names for id, names in shown_by(there.names).items() if id in known}
    run = _Listener()
    wanted = sorted({name for names in tests.values() for name in names})
    if wanted:
        pytest.main(["-q", "--no-header", "--numprocesses", "2", "--dist", "loadgroup", *wanted], plugins=[run])
    print(*page(tests, run.failed), sep="\n")
    return 0 if is_whole(tests, run.failed) else 1


if __name__ == "__main__":
    sys.exit(main())
