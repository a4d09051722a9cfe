"""The file with a secret by which administrators, or the hub at a webhook, prove who they are."""

from pathlib import Path

# What nobody guesses: 16 characters of 6 bits are 96.
MIN_BYTES, MAX_BYTES = 16, 1_024


def load(path: Path) -> bytes:
    """What is in it, without white space around. Raises OSError, and ValueError, which never quotes it."""
    if "\0" in str(path):
        raise ValueError("cannot be read: not a path")
    with path.open("rb") as opened:
        secret = opened.read(64 * MAX_BYTES).strip()
    if not secret.isascii() or not secret.decode().isprintable():
        raise ValueError("holds more than one line of plain characters; openssl rand -hex 32 makes one")
    if not MIN_BYTES <= len(secret) <= MAX_BYTES:
        raise ValueError(f"holds {len(secret)} bytes, not {MIN_BYTES} to {MAX_BYTES}; openssl rand -hex 32 makes one")
    return secret
