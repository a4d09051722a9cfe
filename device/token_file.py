"""The token of this device: in a file, or systemd's credential. Whoever writes the file need not tell anybody."""

from pathlib import Path

from device.channel import errors
from device.channel.errors import ChannelError
from device.channel.messages import TOKEN_MAX_CHARACTERS
from device.service import systemd


class TokenFile:
    """name: of the file, "" for systemd's credential `token`, if there is one."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._known: str | None = None

    def read(self) -> str | None:
        """The token, None where there is none. Raises ChannelError(LOGIN_FAILED) for what cannot be one."""
        where = self._name or "systemd's credential"
        try:
            path = Path(self._name) if self._name else systemd.credential("token")
            text = path.read_text("utf-8").strip() if path else None
        except OSError as error:
            remedy = f"{error.strerror}; the user that intercomd runs as has to be able to"
            raise ChannelError(errors.LOGIN_FAILED, f"the token in {where} cannot be read: {remedy}") from None
        except ValueError:  # without its text: that would quote what it could not decode
            raise ChannelError(errors.LOGIN_FAILED, f"the token in {where} cannot be read: it is no text") from None
        if text and (text.lower() == "null" or len(text) > TOKEN_MAX_CHARACTERS):
            raise ChannelError(errors.LOGIN_FAILED, f"what is in {where} is no token")
        self._known = text
        return text

    def news(self) -> str | None:
        """Another token than the one read last; None where it is the same, or is being written."""
        before = self._known
        try:
            now = self.read()
        except ChannelError:
            return None
        return now if now and now != before else None
