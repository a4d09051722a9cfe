"""Sessions: 128 random bits that prove whose seat it was, signed so that a hub that has restarted still knows its own.

    session = base64url(random, 16 bytes || HMAC-SHA256(key, app, channel, uid, random), first 16 bytes)

A session is good for one seat only: the signature covers where it is. Nothing is stored here; rooms know who sits.
PURE.
"""

import base64
import hmac

RANDOM_BYTES = 16
KEY_BYTES = 32
# RFC 2104 section 5: not less than half the hash, here 128 bits.
_TAG_BYTES = 16


class Sessions:
    """Makes sessions with one key, and recognises them. The key is a secret of this hub."""

    def __init__(self, key: bytes) -> None:
        """key: 32 random bytes. Raises ValueError for another length."""
        if len(key) != KEY_BYTES:
            raise ValueError(f"a session key has {KEY_BYTES} bytes, this one {len(key)}")
        self._key = key

    def issue(self, app_id: str, channel: str, uid: int, random: bytes) -> str:
        """A new session for this seat: 43 characters. random: RANDOM_BYTES from a good source."""
        # Neither an App ID nor a channel name can contain a line feed, so no two seats write the same text.
        seat = f"{app_id}\n{channel}\n{uid}\n".encode()
        tag = hmac.digest(self._key, seat + random, "sha256")[:_TAG_BYTES]
        return base64.urlsafe_b64encode(random + tag).decode().rstrip("=")

    def is_ours(self, session: str, app_id: str, channel: str, uid: int) -> bool:
        """Whether this hub made this session, for this seat. Takes the same time for every wrong signature."""
        try:
            content = base64.urlsafe_b64decode(session + "=")
        except ValueError:
            return False
        return hmac.compare_digest(session, self.issue(app_id, channel, uid, content[:RANDOM_BYTES]))
