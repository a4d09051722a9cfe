"""What administrators are answered, as HTTP would carry it."""

import json
from typing import Any

import pytest

from device.channel.rules import Profile, Role
from device.hub import moderation
from device.hub.answers import Answers, Asked, Wrong
from tests.hub.house import APP, OTHER_APP, House

WALL_S = 1_800_000_000.0
RULE = "/dev/v1/kicking-rule"
CHANNEL = "/dev/v1/channel"
USERS = CHANNEL + "/user/{appid}/{channelName}"
HOSTS = f"{USERS}/hosts_only"
USER = CHANNEL + "/user/property/{appid}/{uid}/{channelName}"
LOBBY = {"appid": APP, "channelName": "lobby"}
BAN = {"appid": APP, "uid": 7, "privileges": ["join_channel"]}


class Office:
    """A hub, and somebody who asks about it."""

    def __init__(self) -> None:
        self.house = House()
        self._answers = Answers(self.house.rooms.moderator, lambda wall_s: f"at {wall_s - WALL_S:.0f}")

    def ask(
        self,
        method: str,
        path: str,
        parts: dict[str, str] | None = None,
        query: dict[str, str] | None = None,
        body: Any = None,
    ) -> Any:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        asked = Asked(self.house.now, WALL_S + self.house.now, parts or {}, query or {}, data)
        return self._answers.routes[method, path](asked)

    def get(self, path: str, parts: dict[str, str], **query: str) -> Any:
        return self.ask("GET", path, parts, query)["data"]

    def wrong(self, method: str, path: str, **more: Any) -> tuple[int, str]:
        with pytest.raises(Wrong) as refusal:
            self.ask(method, path, **more)
        return refusal.value.status, refusal.value.message


@pytest.fixture
def office() -> Office:
    return Office()


def make(profile: Profile, office: Office) -> None:
    """The lobby as the channels of an App with this profile are."""
    office.house.rooms._seating.channels[APP, "lobby"].profile = profile


# Who is there


def test_H12_channels_of_an_app_by_page(office: Office) -> None:
    for n in range(3):
        office.house.join(n, n + 1, channel=f"room {n}")
    path = CHANNEL + "/{appid}"
    assert office.get(path, {"appid": APP.upper()}) == {
        "channels": [{"channel_name": f"room {n}", "user_count": 1} for n in range(3)], "total_size": 3,
    }  # fmt: skip
    page = office.get(path, {"appid": APP}, page_no="1", page_size="2")
    assert page == {"channels": [{"channel_name": "room 2", "user_count": 1}], "total_size": 3}
    assert office.get(path, {"appid": OTHER_APP}) == {"channels": [], "total_size": 0}


def test_H12_users_and_hosts_of_a_communication_channel(office: Office) -> None:
    office.house.join("a", 7)
    office.house.join("b", 8, role="audience")
    make(Profile.COMMUNICATION, office)
    assert office.get(USERS, LOBBY) == {"channel_exist": True, "mode": 1, "total": 2, "users": [7, 8]}
    assert office.get(HOSTS, LOBBY) == {"channel_exist": True, "mode": 1, "broadcasters": [7]}


def test_H12_users_and_hosts_of_a_live_channel(office: Office) -> None:
    office.house.join("a", 7)
    office.house.join("b", 8, role="audience")
    make(Profile.LIVE, office)
    assert office.get(USERS, LOBBY) == {
        "channel_exist": True, "mode": 2, "broadcasters": [7], "audience": [8], "audience_total": 1,
    }  # fmt: skip
    hosts = {"channel_exist": True, "mode": 2, "broadcasters": [7]}
    assert office.get(HOSTS, LOBBY) == office.get(USERS, LOBBY, hosts_only="") == hosts


def test_H12_of_a_channel_that_nobody_is_in_nothing_more_is_said(office: Office) -> None:
    assert office.get(USERS, LOBBY) == office.get(HOSTS, LOBBY) == {"channel_exist": False}
    assert office.get(USER, {**LOBBY, "uid": "7"}) == {"in_channel": False}


@pytest.mark.parametrize(
    ("profile", "role", "number"),
    [
        (Profile.COMMUNICATION, Role.BROADCASTER, 1),
        (Profile.LIVE, Role.BROADCASTER, 2),
        (Profile.LIVE, Role.AUDIENCE, 3),
    ],
)
def test_H12_one_users_status_has_role_and_unix_time_of_the_join(
    office: Office, profile: Profile, role: Role, number: int
) -> None:
    office.house.join("a", 7, role=role.value)
    make(profile, office)
    office.house.heartbeat("a", seconds=5)
    status = office.get(USER, {**LOBBY, "uid": "7"})
    assert status == {"in_channel": True, "uid": 7, "join": int(WALL_S), "role": number}
    assert office.get(USER, {**LOBBY, "uid": "8"}) == {"in_channel": False}


@pytest.mark.parametrize(
    ("path", "parts", "query", "says"),
    [
        (CHANNEL + "/{appid}", {"appid": "mine"}, {}, "appid: an App ID has 32"),
        (CHANNEL + "/{appid}", {"appid": APP}, {"page_no": "-1"}, "page_no is a number, 0 to"),
        (CHANNEL + "/{appid}", {"appid": APP}, {"page_size": "501"}, "page_size is a number, 1 to 500"),
        (CHANNEL + "/{appid}", {"appid": APP}, {"page_size": "٣"}, "page_size is a number"),
        (CHANNEL + "/{appid}", {"appid": APP}, {"page_size": "9" * 5_000}, "page_size is a number"),
        (CHANNEL + "/{appid}", {"appid": APP}, {"page": "1"}, "'page' is not known here; there is page_no, page_size"),
        (USERS, {**LOBBY, "channelName": "a/b"}, {}, "channelName: a channel name cannot contain '/'"),
        (HOSTS, LOBBY, {"x": "1"}, "'x' is not known here; there is nothing to say"),
        (USER, {**LOBBY, "uid": "0"}, {}, "uid is a number, 1 to 4294967295"),
        (USER, {**LOBBY, "uid": "7"}, {"y": ""}, "'y' is not known"),
        (RULE, {}, {}, "appid is missing"),
    ],
)
def test_H12_a_question_that_makes_no_sense_is_answered_with_what_is_wrong(
    office: Office, path: str, parts: dict[str, str], query: dict[str, str], says: str
) -> None:
    status, message = office.wrong("GET", path, parts=parts, query=query)
    assert status == 400 and says in message


# Rules


def test_H11_a_rule_is_made_listed_prolonged_and_deleted(office: Office) -> None:
    office.house.wait(10.0)
    made = office.ask("POST", RULE, body=BAN | {"cname": "lobby", "ip": "2001:db8::1", "time": 30})
    assert made == {"status": "success", "id": 1}
    office.house.wait(60.0)
    (rule,) = office.ask("GET", RULE, query={"appid": APP})["rules"]
    assert rule == {
        "id": 1, "appid": APP, "uid": 7, "cname": "lobby", "ip": "2001:db8::/64", "privileges": ["join_channel"],
        "ts": "at 1810", "createAt": "at 10", "updateAt": "at 10",
    }  # fmt: skip
    updated = office.ask("PUT", RULE, body={"appid": APP, "id": 1, "time": 5})
    assert updated == {"status": "success", "result": {"id": 1, "ts": "at 370"}}
    assert office.ask("DELETE", RULE, body={"appid": APP, "id": 1.0}) == {"status": "success", "id": 1}
    assert office.ask("GET", RULE, query={"appid": APP}) == {"status": "success", "rules": []}


def test_H11_a_rule_lasts_an_hour_where_nothing_is_said(office: Office) -> None:
    office.ask("POST", RULE, body=BAN)
    (rule,) = office.ask("GET", RULE, query={"appid": APP})["rules"]
    assert rule["ts"] == "at 3600" and "cname" not in rule and "ip" not in rule


def test_H11_empty_texts_are_as_good_as_none_and_both_privileges_may_be_taken(office: Office) -> None:
    office.ask("POST", RULE, body=BAN | {"cname": "", "ip": "", "privileges": ["publish_audio", "join_channel"]})
    (rule,) = office.ask("GET", RULE, query={"appid": APP})["rules"]
    assert rule["privileges"] == ["publish_audio", "join_channel"] and "cname" not in rule and "ip" not in rule


def test_H11_a_rule_of_another_app_is_not_there(office: Office) -> None:
    office.ask("POST", RULE, body=BAN)
    gone = (404, "no rule 1 in this App")
    assert office.wrong("PUT", RULE, body={"appid": OTHER_APP, "id": 1, "time": 5}) == gone
    assert office.wrong("DELETE", RULE, body={"appid": OTHER_APP, "id": 1}) == gone


def test_H11_there_is_a_limit_and_it_is_said(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moderation, "MAX_RULES", 1)
    office.ask("POST", RULE, body=BAN)
    status, message = office.wrong("POST", RULE, body=BAN)
    assert status == 409 and "delete some" in message


@pytest.mark.parametrize(
    ("method", "body", "says"),
    [
        ("POST", b"\xff", "no JSON"),
        ("POST", b"[" * 4_000, "no JSON"),
        ("POST", [], "no JSON object"),
        ("POST", {"uid": 7, "privileges": ["join_channel"]}, "appid is missing"),
        ("POST", BAN | {"appid": 7}, "appid is a text"),
        ("POST", {"appid": APP, "privileges": ["join_channel"]}, "whom? at least one of uid, cname and ip"),
        ("POST", BAN | {"uid": 0}, "uid is a number, 1 to"),
        ("POST", BAN | {"uid": "7"}, "uid is a number"),
        ("POST", BAN | {"uid": True}, "uid is a number"),
        ("POST", BAN | {"uid": 7.5}, "uid is a number"),
        ("POST", BAN | {"uid": 2**32}, "uid is a number"),
        ("POST", BAN | {"cname": "a/b"}, "cname: a channel name cannot"),
        ("POST", BAN | {"ip": "kitchen"}, "ip: an IPv4 or IPv6 address is needed"),
        ("POST", BAN | {"ip": 7}, "ip is a text"),
        ("POST", BAN | {"time": 1_441}, "time is a number, 0 to 1440"),
        ("POST", BAN | {"time": -1}, "time is a number"),
        ("POST", BAN | {"time": None}, "time is a number"),
        ("POST", BAN | {"privileges": []}, "privileges is a list of what is taken away: join_channel or publish_audio"),
        ("POST", BAN | {"privileges": "join_channel"}, "privileges is a list"),
        ("POST", BAN | {"privileges": ["publish_video"]}, "privileges is a list"),
        ("POST", BAN | {"privileges": [[]]}, "privileges is a list"),
        ("POST", BAN | {"privileges": ["join_channel"] * 2}, "privileges names one of them twice"),
        ("POST", BAN | {"chanel": "lobby"}, "'chanel' is not known here; there is appid, uid, cname"),
        ("PUT", {"appid": APP, "id": 1}, "time is missing"),
        ("PUT", {"appid": APP, "id": "1", "time": 5}, "id is a number"),
        ("DELETE", {"appid": APP}, "id is a number"),
    ],
)
def test_H11_a_rule_that_makes_no_sense_is_refused_with_what_is_wrong_and_bans_nobody(
    office: Office, method: str, body: Any, says: str
) -> None:
    status, message = office.wrong(method, RULE, body=body)
    assert status == 400 and says in message
    assert office.ask("GET", RULE, query={"appid": APP})["rules"] == []


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_H11_what_stands_in_the_wrong_place_is_refused(office: Office, method: str) -> None:
    assert office.wrong(method, RULE, body=BAN, query={"time": "5"})[0] == 400


def test_what_somebody_sent_is_shown_cut_and_harmless(office: Office) -> None:
    _, message = office.wrong("POST", RULE, body={"\x1b[2J" + "x" * 100: 1})
    assert len(message) < 120 + 40 and message.isprintable()
