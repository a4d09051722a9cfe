"""How much a peer may ask of the hub: the numbers, each with its reason, and the pace that holds somebody to one.

The rates of one seat that a client is told at join stand in `channel.rules`. PURE.
"""

import ipaddress

from device.channel import rules

# Each costs 20 kB here, and 100 kB of the kernel's while it does not read: 240 MB when every place is taken so. What
# waits for those of one address to read it is 16 MB at most (connection.py).
MAX_CONNECTIONS = 2_000
# A house, an office or a load test behind one address; a single machine cannot take all the places.
MAX_CONNECTIONS_PER_ADDRESS = 250
# Those above it are told why, as long as there are not too many of them. Each may be in the middle of a TLS handshake,
# which takes 160 kB: 43 MB for a stranger who takes all he can get.
MAX_SOCKETS_PER_ADDRESS = 270
# All of one address may come back twice at once, when a hub is left by everybody for another; a connection costs a
# millisecond, with TLS several.
CONNECTS_PER_S = 50
CONNECT_BURST = 600
# The event loop lets so many in before the others have their turn again, or turns so many away, at 20 us each.
ACCEPTED_AT_ONCE = 4
TURNED_AWAY_AT_ONCE = 50
# What is left of a connection is a heap of objects that know each other, with 45 kB of TLS: Python would look for such
# heaps after many hundreds. It takes some ms, at most once a second with that pace.
GONE_BEFORE_COLLECTION = 50
# Whose pace is remembered: those who came last, at 300 bytes each.
MAX_HOUSEHOLDS = 4_096
# A join tells everybody else in the channel, so this is also how many messages one request may cause.
MAX_SEATS_PER_CHANNEL = 500
MAX_CHANNELS = 1_000
# Every connection may have a seat, and as many again may be waiting for their owner to come back.
MAX_SEATS = 4_000
# The path in use, and the new one that is tried beside it.
MAX_CONNECTIONS_PER_SEAT = 2

# A request is written within milliseconds of the handshake; who has not joined by now holds a place for nothing.
JOIN_WITHIN_S = 5.0
# How often the hub wants to hear `ping`: a device that talks is heard anyway, a silent one costs 100 bytes a second.
PING_MS = 1_000
# "Web: stream-removed after 10 s without media", "remote declared offline after 20 s" (spec 4.3). Both count from the
# close of a seat's last connection, or from the last thing heard on one that is still open, or had been silent for so
# long when it was closed.
STREAM_GRACE_S = 10.0
SEAT_GRACE_S = 20.0
# A hub that starts again hears from everybody within this time; until then it cannot know who is missing.
SETTLE_S = 5.0
# The hub looks at its seats four times a second. When it comes back after more than this it was itself stopped or
# starved, and nobody's silence meanwhile can be held against them.
TICK_S = 0.25
ABSENT_HUB_S = 2.0

# A join, a rejoin, a publish and 98 subscriptions at once are a busy start; on the average rules.MAX_REQUESTS_PER_S.
REQUEST_BURST = 100
# Requests above the pace still get a 429 of their own, this many a second. What is above that is not even read...
REFUSALS_PER_S = 50
# ...and a tenth of a second of 10,000 a second closes the connection, as a slower flood does in the long run.
UNREAD_PER_S = 50
UNREAD_BURST = 1_000
# In the log, of joins from one address that were refused: a house full of wrong tokens, and then one a minute of each.
REFUSAL_LINES_PER_S = 0.1
REFUSAL_LINE_BURST = 10
# Who presses a bell button again and again is heard: five times at once, and then every other second.
RINGS_PER_S = 0.5
RING_BURST = 5
# Of one participant, who reports every two seconds: whoever comes more often takes the place of others.
OWN_REPORTS_PER_S = 1
# Of all that listeners of a channel report to talkers: they say it again.
REPORTS_PER_S = 100
REPORT_BURST = 200
# Half a second of packets: what a path that stalled may deliver at once.
PACKET_BURST = rules.MAX_PACKETS_PER_S // 2
# Packets that are no RTP or carry a foreign SSRC: a hundred at once, or ten a second for long, are no accident.
BAD_PACKETS_PER_S = 10
BAD_PACKET_BURST = 100
# Good packets that come too fast, or while nothing is published, are only dropped; at twice the rate for ten seconds,
# or 4,000 at once, they are a flood.
SURPLUS_BURST = 10 * rules.MAX_PACKETS_PER_S
# WebSocket pings and pongs, each of which has to be answered, and messages in pieces: no device of ours sends them.
RARITIES_PER_S = 10
RARITY_BURST = 100
# The headers of a browser are 2 kB; the library would take a megabyte.
MAX_HANDSHAKE_BYTES = 8_192

# Administrators, by hand or by program: a request takes up to 5 ms, and everybody talks meanwhile.
API_REQUESTS_PER_S = 20
API_REQUEST_BURST = 40
# Who does not know the secret has no need to try often; all strangers together.
API_STRANGERS_PER_S = 5
API_STRANGER_BURST = 20
# Each takes 100 kB with TLS; and is over after this long, whatever it does or does not do.
MAX_API_CONNECTIONS = 32
API_CONNECTION_S = 30.0
# The longest rule is 500 bytes.
MAX_API_BODY_BYTES = 4_096


def household(address: str) -> str:
    """Whose limits an IP address counts for: its own, and for IPv6 those of its /64, the least that anybody gets.

    Anything that is no address counts for itself.
    """
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv4Address) or ip.ipv4_mapped:
        return str(getattr(ip, "ipv4_mapped", None) or ip)
    return str(ipaddress.IPv6Network((int(ip) >> 64 << 64, 64)))


class Pace:
    """`per_s` events a second on the average, `burst` at once: the virtual scheduling of ITU-T I.371, a leaky bucket.

    Two numbers and no timer: `_due_s` is when the next event would come if all so far had kept an even pace.
    """

    __slots__ = ("_ahead_s", "_due_s", "_interval_s")

    def __init__(self, per_s: float, burst: int) -> None:
        self._interval_s = 1 / per_s
        self._ahead_s = (burst - 0.999) / per_s  # a thousandth of room for the rounding of large times
        self._due_s = float("-inf")

    def take(self, now: float) -> bool:
        """Whether one more event at `now` keeps to the pace; one that does not counts for nothing."""
        due = self._due_s
        if due < now:
            due = now
        elif due - now > self._ahead_s:
            return False
        self._due_s = due + self._interval_s
        return True

    def take_many(self, count: int, now: float) -> bool:
        """The same for `count` events at once, of which one more than the pace allows may be the last."""
        if not self.take(now):
            return False
        self._due_s += self._interval_s * (count - 1)
        return True
