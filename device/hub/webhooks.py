"""What an administrator's webhook is told, how it is signed, and when it is tried again.

Events, payloads and signature headers are the documented ones (spec 4.5), with the App ID in the payload, as one hub
serves several. They go out one after the other, in order. PURE.
"""

import hashlib
import hmac
import json
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any

from device.channel import rules
from device.hub.notices import Kind, Notice

# What waits for a receiver that does not answer; 500 bytes each.
MAX_WAITING = 1_000
# 1, 2, 4, ... 64 s: an event is tried eight times in two minutes, then the next one is.
FIRST_RETRY_S = 1.0
MAX_RETRY_S = 64.0
MAX_TRIES = 8
# "Real-time communication".
PRODUCT_ID = 1
OTHER_PLATFORM = 0

_COMMUNICATION, _LIVE = rules.Profile
_BROADCASTER, _AUDIENCE = rules.Role
_EVENTS = {
    (Kind.JOINED, _COMMUNICATION, _BROADCASTER): 107, (Kind.LEFT, _COMMUNICATION, _BROADCASTER): 108,
    (Kind.JOINED, _COMMUNICATION, _AUDIENCE): 107, (Kind.LEFT, _COMMUNICATION, _AUDIENCE): 108,
    (Kind.JOINED, _LIVE, _BROADCASTER): 103, (Kind.LEFT, _LIVE, _BROADCASTER): 104,
    (Kind.JOINED, _LIVE, _AUDIENCE): 105, (Kind.LEFT, _LIVE, _AUDIENCE): 106,
}  # fmt: skip
_ROLES = {_BROADCASTER: 111, _AUDIENCE: 112}


@dataclass(slots=True, eq=False)
class Event:
    """One that waits. id: no other event has it, and a second delivery has it again."""

    id: str
    type: int
    payload: dict[str, Any] = field(repr=False)
    tries: int = 0


@dataclass(frozen=True, slots=True)
class Delivery:
    """An HTTP POST: what to send now."""

    event: Event
    headers: dict[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class Webhooks:
    """All that one receiver is to be told.

    secret: signs it. hub: text that no other process has, for the ids. packed: `pack` of the hub before this one, what
    cannot be read of it is lost. given_up: events that nobody has got: too many waited, tried too often, or refused.
    """

    def __init__(self, secret: bytes, hub: str, packed: bytes = b"") -> None:
        self.given_up = 0
        self._secret, self._hub = secret, hub
        self._waiting = deque(unpack(packed), MAX_WAITING)
        self._numbered = 0
        self._sequence = max((event.payload.get("clientSeq", 0) for event in self._waiting), default=0)
        self._again_at = float("-inf")

    def tell(self, notice: Notice, now: float, wall_s: float) -> None:
        """One more, the last; where there are too many the oldest goes, of the channel that most of them are about:
        whoever comes and goes all the time crowds out his own."""
        self._numbered += 1
        # Also when the clock is set back, an event has a higher number than those before it.
        self._sequence = max(self._sequence + 1, int(wall_s * 1_000))
        kind = event_type(notice)
        if len(self._waiting) >= MAX_WAITING:
            (crowded, _), *_ = Counter(map(_place, self._waiting)).most_common(1)
            self._waiting.remove(next(event for event in self._waiting if _place(event) == crowded))
            self.given_up += 1
        payload = _payload(notice, now, int(wall_s), self._sequence)
        self._waiting.append(Event(f"{self._hub}:{self._numbered}:{kind}", kind, payload))

    def due(self, now: float, wall_s: float) -> Delivery | None:
        """What to send now, None while there is nothing, or the last failure is not long enough ago."""
        if not self._waiting or now < self._again_at:
            return None
        event = self._waiting[0]
        content = {
            "noticeId": event.id, "productId": PRODUCT_ID, "eventType": event.type, "notifyMs": int(wall_s * 1_000),
            "payload": event.payload,
        }  # fmt: skip
        body = json.dumps(content, separators=(",", ":")).encode()
        return Delivery(event, {"Content-Type": "application/json", **signatures(self._secret, body)}, body)

    def due_at(self) -> float:
        """When the next one is to be sent, infinity where there is none."""
        return self._again_at if self._waiting else float("inf")

    def pack(self) -> bytes:
        """Those that wait, as if they had not been tried yet."""
        return json.dumps([[event.id, event.type, event.payload] for event in self._waiting]).encode()

    def clear(self) -> None:
        """Somebody else delivers them."""
        self._waiting.clear()

    def waiting(self) -> int:
        """How many have not been delivered yet."""
        return len(self._waiting)

    def answered(self, event: Event, status: int, now: float) -> bool:
        """The receiver's HTTP status, 0 for none; returns whether it has the event now.

        What it refuses (4xx) it would refuse again; 408 and 429 only ask for patience (RFC 9110, RFC 6585).
        """
        taken = 200 <= status < 300
        event.tries += 1
        final = 400 <= status < 500 and status not in (408, 429)
        if taken or final or event.tries >= MAX_TRIES:
            self._again_at = float("-inf")
            if self._waiting and self._waiting[0] is event:
                self._waiting.popleft()
                self.given_up += not taken
            else:  # it had to go meanwhile, and is counted
                self.given_up -= taken
        else:
            self._again_at = now + min(MAX_RETRY_S, FIRST_RETRY_S * 2 ** (event.tries - 1))
        return taken


def _place(event: Event) -> tuple[str, str]:
    return event.payload["appId"], event.payload["channelName"]


def unpack(packed: bytes) -> list[Event]:
    """What `pack` has packed; nothing of what another version packs in another way."""
    try:
        events = [Event(id, kind, payload) for id, kind, payload in json.loads(packed or b"[]")]
    except (ValueError, TypeError):
        return []
    return events if all(map(_is_well_formed, events)) else []


def _is_well_formed(event: Event) -> bool:
    payload = event.payload
    return (
        isinstance(event.id, str)
        and isinstance(event.type, int)
        and isinstance(payload, dict)
        and isinstance(payload.get("clientSeq", 0), int)
        and isinstance(payload.get("appId"), str)
        and isinstance(payload.get("channelName"), str)
    )


def event_type(notice: Notice) -> int:
    """The documented number of what happened."""
    if notice.kind is Kind.CREATED:
        return 101
    if notice.kind is Kind.DESTROYED:
        return 102
    if notice.kind is Kind.ROLE_CHANGED:
        return _ROLES[notice.role]
    return _EVENTS[notice.kind, notice.profile, notice.role]


def signatures(secret: bytes, body: bytes) -> dict[str, str]:
    """Both of them, as headers: HMAC of the body, byte for byte, in lower case hexadecimal."""
    return {
        "Agora-Signature": hmac.new(secret, body, hashlib.sha1).hexdigest(),
        "Agora-Signature-V2": hmac.new(secret, body, hashlib.sha256).hexdigest(),
    }


def _payload(notice: Notice, now: float, ts: int, sequence: int) -> dict[str, Any]:
    payload: dict[str, Any] = {"appId": notice.app_id, "channelName": notice.channel, "ts": ts}
    if notice.kind is Kind.CREATED:
        return payload
    if notice.kind is Kind.DESTROYED:
        return payload | {"lastUid": notice.uid}
    payload |= {"uid": notice.uid, "clientSeq": sequence, "label": notice.label}
    if notice.kind is Kind.ROLE_CHANGED:
        return payload
    payload["platform"] = OTHER_PLATFORM
    if notice.kind is Kind.LEFT:
        payload |= {"reason": int(notice.reason), "duration": int(now - notice.joined_at)}
    return payload
