"""The rules by which an administrator keeps people out, or from talking: the documented kicking rules (spec 2.4).

A rule says whom (a uid, a channel, an address, or several of them together, in one App), which privileges, and for how
many minutes. Times are monotonic seconds; what is kept on a disk has wall clock times instead. PURE.
"""

import ipaddress
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from device.channel import rules
from device.hub import limits

# A join is held against every rule, at 0.2 us each; all of them are one page of an answer, 100 kB.
MAX_RULES = 500
# "1 to 1,440 minutes, 0 = once, 60 where nothing is said".
MAX_MINUTES = 1_440
DEFAULT_MINUTES = 60


class Privilege(StrEnum):
    """What a rule takes away."""

    JOIN = "join_channel"
    PUBLISH = "publish_audio"


@dataclass(frozen=True, slots=True)
class Whom:
    """Whom a rule is for. uid 0, channel "" and household "" are anybody; what is given has to be true together.

    household: an IP address as `limits.household` has it.
    """

    app_id: str
    uid: int = 0
    channel: str = ""
    household: str = ""

    def includes(self, uid: int, channel: str, household: str) -> bool:
        """Whether it is for this one of that App."""
        return self.uid in (0, uid) and self.channel in ("", channel) and self.household in ("", household)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. minutes: 0 for one that kicks once and is not kept."""

    id: int
    whom: Whom
    privileges: tuple[Privilege, ...]
    minutes: int
    created_at: float
    updated_at: float
    expires_at: float

    def minutes_left(self, now: float) -> int:
        """Begun minutes count."""
        return max(0, -int((now - self.expires_at) // 60))


class TooManyRules(Exception):
    """There is no place for one more."""


class Rules:
    """All rules of a hub. version: another number whenever there is something to keep."""

    def __init__(self) -> None:
        self.version = 0
        self._last = 0
        self._rules: dict[int, Rule] = {}

    def create(self, whom: Whom, privileges: Iterable[Privilege], minutes: int, now: float) -> Rule:
        """A new rule, in force from now on; one of 0 minutes has no force and is not kept. Raises TooManyRules."""
        self.expire(now)
        if minutes and len(self._rules) >= MAX_RULES:
            raise TooManyRules
        self._last += 1
        rule = Rule(self._last, whom, tuple(privileges), minutes, now, now, now + 60 * minutes)
        return self._keep(rule)

    def update(self, app_id: str, id: int, minutes: int, now: float) -> Rule:
        """From now on it lasts so long; 0 ends it, as one that kicks once. Raises KeyError where there is none."""
        rule = self._of_app(app_id, id, now)
        return self._keep(replace(rule, minutes=minutes, updated_at=now, expires_at=now + 60 * minutes))

    def delete(self, app_id: str, id: int, now: float) -> None:
        """It has no force any more. Raises KeyError where there is none."""
        del self._rules[self._of_app(app_id, id, now).id]
        self.version += 1

    def of(self, app_id: str, now: float) -> list[Rule]:
        """Those of one App, oldest first."""
        self.expire(now)
        return [rule for rule in self._rules.values() if rule.whom.app_id == app_id]

    def all(self) -> list[Rule]:
        """Every one."""
        return list(self._rules.values())

    def against(
        self, privilege: Privilege, app_id: str, uid: int, channel: str, household: str, now: float
    ) -> Rule | None:
        """The rule that takes this from somebody for longest, None where he may."""
        found = [
            rule
            for rule in self._rules.values()
            if rule.whom.app_id == app_id
            and privilege in rule.privileges
            and now < rule.expires_at
            and rule.whom.includes(uid, channel, household)
        ]
        return max(found, key=lambda rule: rule.expires_at, default=None)

    def expire(self, now: float) -> None:
        """Forget those whose time is over."""
        for rule in [rule for rule in self._rules.values() if rule.expires_at <= now]:
            del self._rules[rule.id]

    def dump(self, ahead_s: float = 0.0) -> str:
        """All of them, for `load`. ahead_s: how far the clock that it is kept by is ahead of ours."""
        kept = [
            {
                "id": rule.id, "app_id": rule.whom.app_id, "uid": rule.whom.uid, "channel": rule.whom.channel,
                "household": rule.whom.household, "privileges": list(rule.privileges), "minutes": rule.minutes,
                "created": rule.created_at + ahead_s, "updated": rule.updated_at + ahead_s,
                "expires": rule.expires_at + ahead_s,
            }
            for rule in self._rules.values()
        ]  # fmt: skip
        return json.dumps({"last": self._last, "rules": kept})

    def load(self, text: str, now: float, ahead_s: float = 0.0) -> None:
        """In place of what there is. No rule lasts longer than it was made for, however that other clock has moved.

        Raises ValueError for what `dump` does not write.
        """
        try:
            content = json.loads(text)
            last, loaded = int(content["last"]), [_rule(kept, now, ahead_s) for kept in content["rules"]]
        except (KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            raise ValueError(f"not the rules of a hub: {error!r}") from error
        if len(loaded) > MAX_RULES:
            raise ValueError(f"more than {MAX_RULES} rules")
        self._rules = {rule.id: rule for rule in loaded}
        self._last = max([last, *self._rules])
        self.expire(now)

    def _of_app(self, app_id: str, id: int, now: float) -> Rule:
        self.expire(now)
        rule = self._rules[id]
        if rule.whom.app_id != app_id:
            raise KeyError(id)
        return rule

    def _keep(self, rule: Rule) -> Rule:
        if rule.minutes:
            self._rules[rule.id] = rule
        else:
            self._rules.pop(rule.id, None)
        self.version += 1
        return rule


def check_address(text: str) -> str:
    """An IP address, as the household that a rule for it is about. Raises ValueError."""
    try:
        return limits.household(str(ipaddress.ip_address(text)))
    except ValueError:
        raise ValueError("an IPv4 or IPv6 address is needed, such as 192.168.1.20") from None


def check_minutes(minutes: int) -> int:
    """How long a rule may last. Raises ValueError."""
    if not 0 <= minutes <= MAX_MINUTES:
        raise ValueError(f"0 (once) to {MAX_MINUTES} minutes")
    return minutes


def _rule(kept: dict[str, Any], now: float, ahead_s: float) -> Rule:
    minutes = check_minutes(int(kept["minutes"]))
    whom = Whom(
        rules.check_app_id(kept["app_id"]), rules.check_uid(int(kept["uid"])),
        kept["channel"] and rules.check_channel(kept["channel"]), str(kept["household"]),
    )  # fmt: skip
    created_at, updated_at, expires_at = (float(kept[name]) - ahead_s for name in ("created", "updated", "expires"))
    return Rule(
        int(kept["id"]), whom, tuple(Privilege(name) for name in kept["privileges"]), minutes,
        min(created_at, now), min(updated_at, now), min(expires_at, now + 60 * minutes),
    )  # fmt: skip
