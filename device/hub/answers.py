"""What the hub answers its administrators, in the paths and words of the documented channel management API (spec 4.5).

An `Asked` comes in, a dictionary goes out as JSON, or a `Wrong` with its HTTP status. What a rule does not know it
refuses: a member that is misspelt would be a rule for more people than was meant. PURE.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from device.channel import rules
from device.hub import moderation
from device.hub.moderation import DEFAULT_MINUTES, MAX_RULES, Privilege, Rule, TooManyRules, Whom
from device.hub.moderator import Member, Moderator

Body = dict[str, Any]

# Of channels on one page; what the documented API takes.
MAX_PAGE, DEFAULT_PAGE = 500, 100
MAX_PAGE_NUMBER = 1_000_000

_CHANNEL = "/dev/v1/channel"
_USERS = f"{_CHANNEL}/user/{{appid}}/{{channelName}}"
_RULE = "/dev/v1/kicking-rule"

# The documented numbers of profiles; of the roles in them, "user" of a communication channel, host, audience.
_MODE = {rules.Profile.COMMUNICATION: 1, rules.Profile.LIVE: 2}
_USER, _ROLE = 1, {rules.Role.BROADCASTER: 2, rules.Role.AUDIENCE: 3}


class Wrong(Exception):
    """A request that cannot be answered: HTTP status, and a sentence."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


@dataclass(frozen=True, slots=True)
class Asked:
    """One request. now: monotonic seconds; wall_s: Unix time at the same moment."""

    now: float
    wall_s: float
    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


class Answers:
    """utc: Unix time as people write it."""

    def __init__(self, moderator: Moderator, utc: Callable[[float], str]) -> None:
        self._moderator = moderator
        self._utc = utc
        self.routes: dict[tuple[str, str], Callable[[Asked], Body]] = {
            ("GET", f"{_CHANNEL}/{{appid}}"): self._channels,
            ("GET", _USERS): self._users,
            ("GET", f"{_USERS}/hosts_only"): self._hosts,
            ("GET", f"{_CHANNEL}/user/property/{{appid}}/{{uid}}/{{channelName}}"): self._user,
            ("GET", _RULE): self._rules,
            ("POST", _RULE): self._create,
            ("PUT", _RULE): self._update,
            ("DELETE", _RULE): self._delete,
        }

    def _channels(self, asked: Asked) -> Body:
        _only(asked.query, "page_no", "page_size")
        page = _number("page_no", asked.query.get("page_no", "0"), 0, MAX_PAGE_NUMBER)
        size = _number("page_size", asked.query.get("page_size", str(DEFAULT_PAGE)), 1, MAX_PAGE)
        found, total = self._moderator.channels(_app_id(asked.path), page * size, size)
        channels = [{"channel_name": name, "user_count": users} for name, users in found]
        return {"success": True, "data": {"channels": channels, "total_size": total}}

    def _users(self, asked: Asked) -> Body:
        _only(asked.query, "hosts_only")
        if "hosts_only" in asked.query:
            return self._hosts(Asked(asked.now, asked.wall_s, asked.path))
        found = self._moderator.members(_app_id(asked.path), _channel(asked.path), asked.now)
        if found is None:
            return {"success": True, "data": {"channel_exist": False}}
        data: Body = {"channel_exist": True, "mode": _MODE[found.profile]}
        if found.profile is rules.Profile.COMMUNICATION:
            users = [member.uid for member in found.members]
            return {"success": True, "data": data | {"total": len(users), "users": users}}
        audience = _in_role(found.members, rules.Role.AUDIENCE)
        data["broadcasters"] = _in_role(found.members, rules.Role.BROADCASTER)
        return {"success": True, "data": data | {"audience": audience, "audience_total": len(audience)}}

    def _hosts(self, asked: Asked) -> Body:
        _only(asked.query)
        found = self._moderator.members(_app_id(asked.path), _channel(asked.path), asked.now)
        if found is None:
            return {"success": True, "data": {"channel_exist": False}}
        hosts = _in_role(found.members, rules.Role.BROADCASTER)
        data = {"channel_exist": True, "mode": _MODE[found.profile], "broadcasters": hosts}
        return {"success": True, "data": data}

    def _user(self, asked: Asked) -> Body:
        _only(asked.query)
        uid = _number("uid", asked.path["uid"], 1, rules.UID_MAX)
        found = self._moderator.members(_app_id(asked.path), _channel(asked.path), asked.now)
        member = next((member for member in found.members if member.uid == uid), None) if found else None
        if found is None or member is None:
            return {"success": True, "data": {"in_channel": False}}
        role = _USER if found.profile is rules.Profile.COMMUNICATION else _ROLE[member.role]
        join = int(asked.wall_s - member.joined_s)
        return {"success": True, "data": {"in_channel": True, "uid": uid, "join": join, "role": role}}

    def _rules(self, asked: Asked) -> Body:
        _only(asked.query, "appid")
        found = self._moderator.rules.of(_app_id(asked.query), asked.now)
        return {"status": "success", "rules": [self._as_told(rule, asked) for rule in found]}

    def _create(self, asked: Asked) -> Body:
        _only(asked.query)
        given = _json(asked.body, "appid", "uid", "cname", "ip", "time", "privileges")
        whom = Whom(
            _app_id(given),
            _whole(given, "uid", 1, rules.UID_MAX) if "uid" in given else 0,
            _checked(given, "cname", rules.check_channel) if given.get("cname", "") != "" else "",
            _checked(given, "ip", moderation.check_address) if given.get("ip", "") != "" else "",
        )
        if whom == Whom(whom.app_id):
            raise Wrong(400, "whom? at least one of uid, cname and ip is needed")
        try:
            rule = self._moderator.create(whom, _privileges(given), _minutes(given, DEFAULT_MINUTES), asked.now)
        except TooManyRules:
            raise Wrong(409, f"there are {MAX_RULES} rules already: delete some") from None
        return {"status": "success", "id": rule.id}

    def _update(self, asked: Asked) -> Body:
        _only(asked.query)
        given = _json(asked.body, "appid", "id", "time")
        if "time" not in given:
            raise Wrong(400, "time is missing")
        app_id, id, minutes = _app_id(given), _whole(given, "id", 1, rules.UID_MAX), _minutes(given, 0)
        try:
            rule = self._moderator.update(app_id, id, minutes, asked.now)
        except KeyError:
            raise Wrong(404, f"no rule {id} in this App") from None
        return {"status": "success", "result": {"id": id, "ts": self._when(rule.expires_at, asked)}}

    def _delete(self, asked: Asked) -> Body:
        _only(asked.query)
        given = _json(asked.body, "appid", "id")
        app_id, id = _app_id(given), _whole(given, "id", 1, rules.UID_MAX)
        try:
            self._moderator.delete(app_id, id, asked.now)
        except KeyError:
            raise Wrong(404, f"no rule {id} in this App") from None
        return {"status": "success", "id": id}

    def _as_told(self, rule: Rule, asked: Asked) -> Body:
        whom = {"uid": rule.whom.uid, "cname": rule.whom.channel, "ip": rule.whom.household}
        return {
            "id": rule.id, "appid": rule.whom.app_id, **{name: value for name, value in whom.items() if value},
            "ts": self._when(rule.expires_at, asked), "privileges": list(rule.privileges),
            "createAt": self._when(rule.created_at, asked), "updateAt": self._when(rule.updated_at, asked),
        }  # fmt: skip

    def _when(self, moment: float, asked: Asked) -> str:
        return self._utc(asked.wall_s + moment - asked.now)


def _in_role(members: tuple[Member, ...], role: rules.Role) -> list[int]:
    return [member.uid for member in members if member.role is role]


def _only(given: Mapping[str, Any], *known: str) -> None:
    for name in given:
        if name not in known:
            raise Wrong(400, f"{_shown(name)} is not known here; there is {', '.join(known) or 'nothing to say'}")


def _shown(name: str) -> str:
    """What somebody sent, as it may stand in an answer."""
    return ascii(name[:40])


def _json(body: bytes, *known: str) -> Body:
    try:
        given = json.loads(body)
    except (ValueError, RecursionError):
        raise Wrong(400, "the body is no JSON") from None
    if not isinstance(given, dict):
        raise Wrong(400, "the body is no JSON object")
    _only(given, *known)
    return given


def _checked(given: Mapping[str, Any], name: str, check: Callable[[str], str]) -> str:
    if name not in given:
        raise Wrong(400, f"{name} is missing")
    value = given[name]
    if not isinstance(value, str):
        raise Wrong(400, f"{name} is a text")
    try:
        return check(value)
    except ValueError as error:
        raise Wrong(400, f"{name}: {error}") from None


def _app_id(given: Mapping[str, Any]) -> str:
    return _checked(given, "appid", rules.check_app_id).lower()


def _channel(given: Mapping[str, Any]) -> str:
    return _checked(given, "channelName", rules.check_channel)


def _number(name: str, text: str, low: int, high: int) -> int:
    """As a path or a query has it."""
    if not (text.isascii() and text.isdecimal() and len(text) <= 10 and low <= int(text) <= high):
        raise Wrong(400, f"{name} is a number, {low} to {high}")
    return int(text)


def _whole(given: Body, name: str, low: int, high: int) -> int:
    """As JSON has it, where 5.0 is a whole number (JSON Schema)."""
    value = given.get(name)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise Wrong(400, f"{name} is a number, {low} to {high}")
    return value


def _minutes(given: Body, default: int) -> int:
    return _whole(given, "time", 0, moderation.MAX_MINUTES) if "time" in given else default


def _privileges(given: Body) -> tuple[Privilege, ...]:
    names = given.get("privileges")
    known = " or ".join(Privilege)
    if not isinstance(names, list) or not names or any(name not in list(Privilege) for name in names):
        raise Wrong(400, f"privileges is a list of what is taken away: {known}")
    if len(set(names)) < len(names):
        raise Wrong(400, "privileges names one of them twice")
    return tuple(Privilege(name) for name in names)
