"""The commands `intercomd token make` and `intercomd token verify`: arguments, a certificate's file, clock, stdout.

Neither writes a certificate anywhere, and of a token that is verified its signature is not shown.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from device.channel import rules
from device.ending import DONE, FAILED

if TYPE_CHECKING:
    from device.channel.grant import Grant, Privilege

Checked = TypeVar("Checked")

MOST_S, DEFAULT_S = 86_400, 3_600
_ROLES = {rules.Role.BROADCASTER: "join,publish-audio,publish-video,publish-data", rules.Role.AUDIENCE: "join"}


def add(commands: Any, parents: Sequence[argparse.ArgumentParser]) -> None:
    """Adds `token` to the subparsers of the command line. Each command is in `command` of what was parsed."""
    actions = commands.add_parser("token", help="make a token, or look at one").add_subparsers(
        required=True, metavar="COMMAND"
    )
    who = argparse.ArgumentParser(add_help=False)
    who.add_argument("--app-id", type=_checked(rules.check_app_id), required=True)
    who.add_argument(
        "--certificate-file", type=_checked(_certificates), required=True, metavar="FILE", dest="certificates",
        help="that of the App; in a second line there may be another one, which is good to verify with",
    )  # fmt: skip

    make = actions.add_parser("make", parents=[*parents, who], help="print a new token")
    make.add_argument("--channel", type=_checked(_pattern), required=True, help='"*" in it stands for any characters')
    make.add_argument("--uid", type=_UID, required=True, help="0 for everybody")
    may = make.add_mutually_exclusive_group()
    may.add_argument("--role", choices=[role.value for role in rules.Role], default=rules.Role.BROADCASTER.value)
    may.add_argument(
        "--privileges", metavar="P,P", help=f"some of {_ROLES[rules.Role.BROADCASTER]}, instead of those of a role"
    )
    make.add_argument(
        "--seconds",
        type=partial(_number, least=1, most=MOST_S),
        default=DEFAULT_S,
        help=f"how long it is good; {DEFAULT_S}",
    )
    make.add_argument("--format", choices=("007", "006"), default="007", help="007, or 006 for what is older")
    make.set_defaults(command=_make, wrong=make.error)

    verify = actions.add_parser("verify", parents=[*parents, who], help="what is in a token, and whether it is good")
    verify.add_argument("--channel", type=_checked(rules.check_channel), required=True)
    verify.add_argument("--uid", type=_UID, required=True, help="who joins with it; 0 for who leaves it to the hub")
    verify.add_argument(
        "--now",
        type=partial(_number, least=0, most=2**53),
        metavar="UNIX",
        help="as if it were then, in seconds since 1970",
    )
    verify.add_argument("token", metavar="TOKEN", help="- reads it from standard input")
    verify.set_defaults(command=_verify, wrong=verify.error)


def _make(options: argparse.Namespace) -> int:
    import secrets
    import time

    from device.channel import token006, token007

    names = options.privileges or _ROLES[options.role]
    try:
        privileges = _privileges(names.split(","))
        made_s, salt = int(time.time()), 1 + secrets.randbelow(99_999_999)
        which = options.app_id, options.certificates[0], options.channel, options.uid
        if options.format == "006":
            if "*" in options.channel:
                raise ValueError("in 006 a token is for one channel; 007 knows *")
            ends_s = made_s + options.seconds
            text = token006.build(*which, dict.fromkeys(privileges, ends_s), ends_s, salt)
        else:
            text = token007.build(*which, dict.fromkeys(privileges, options.seconds), made_s, options.seconds, salt)
    except ValueError as wrong:
        options.wrong(str(wrong))
    print(text)
    return DONE


def _verify(options: argparse.Namespace) -> int:
    """Prints one JSON object, and where a hub would not let the holder in a line that says why."""
    import json
    import time

    from device.channel import token
    from device.channel.errors import ChannelError

    if len(options.token) < 256 and Path(options.token).is_file():  # longer than any name of a file: a token
        options.wrong(f"{options.token} is a file, and a file is read by - < FILE")
    text = sys.stdin.read().strip() if options.token == "-" else options.token
    now_s = time.time() if options.now is None else options.now
    told: dict[str, Any] = {"admitted": False, **token.content(text)}
    refusal = ""
    try:
        grant = token.verify(text, options.app_id, options.certificates, options.channel, options.uid, now_s)
    except ChannelError as refused:
        refusal = str(refused)
    else:
        told |= {"admitted": True, **_ends(grant)}
    print(json.dumps(told, indent=2))
    if refusal:
        print(f"intercomd: {refusal}", file=sys.stderr)
    return FAILED if refusal else DONE


def _ends(grant: "Grant") -> dict[str, Any]:
    """Seconds since 1970, null for ever."""
    from device.channel.grant import FOREVER

    def seconds(end_s: float) -> int | None:
        return None if end_s == FOREVER else int(end_s)

    privileges = {_name(privilege): seconds(end_s) for privilege, end_s in grant.ends_s.items()}
    return {"usable_until": seconds(grant.usable_until_s), "until": privileges}


def _privileges(names: Sequence[str]) -> "set[Privilege]":
    from device.channel.grant import Privilege

    known = {_name(privilege): privilege for privilege in Privilege}
    if unknown := set(names) - set(known):
        raise ValueError(f"there is no privilege {sorted(unknown)[0]!r}, only {', '.join(known)}")
    if _name(Privilege.JOIN) not in names:
        raise ValueError("without the privilege to join a token is good for nothing")
    return {known[name] for name in names}


def _name(privilege: "Privilege") -> str:
    return privilege.name.lower().replace("_", "-")


def _pattern(channel: str) -> str:
    rules.check_channel(channel.replace("*", "x"))
    return channel


def _certificates(path: str) -> list[str]:
    """One or two, a line each. The path is not repeated: somebody may have put the secret itself there."""
    try:
        lines = Path(path).read_text("ascii").split()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no text"
        raise ValueError(f"must be a file that can be read: {reason}") from None
    if not 1 <= len(lines) <= 2:
        raise ValueError("must hold a certificate, and in a second line another one where there are two")
    return [rules.check_certificate(line) for line in lines]


def _number(text: str, least: int, most: int) -> int:
    if not text.isdecimal() or not least <= int(text) <= most:
        raise argparse.ArgumentTypeError(f"must be {least} to {most}")
    return int(text)


_UID = partial(_number, least=0, most=rules.UID_MAX)


def _checked(check: Callable[[str], Checked]) -> Callable[[str], Checked]:
    """For argparse, which shows the texts of no other errors."""

    def checked(text: str) -> Checked:
        try:
            return check(text)
        except ValueError as wrong:
            raise argparse.ArgumentTypeError(str(wrong)) from None

    return checked
