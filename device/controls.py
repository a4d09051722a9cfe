"""The commands that ask the running intercom: its status, what its buttons do, volumes."""

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from device.ending import DONE, end

if TYPE_CHECKING:
    from device.jsonrpc import Params

WATCH_EVERY_S = 0.5


def add(commands: Any, parents: Sequence[argparse.ArgumentParser]) -> None:
    """Adds them to the subparsers of the command line. Each is in `command` of what was parsed."""
    status = commands.add_parser("status", parents=parents, help="what the running intercom is doing")
    form = status.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="for programs")
    form.add_argument("--metrics", action="store_true", help="for Prometheus, in its text format")
    form.add_argument("--watch", action="store_true", help="one line, again and again, until Ctrl-C")
    status.set_defaults(command=_status)

    for method, help in (
        ("mute", "switch its microphone off"),
        ("unmute", "switch its microphone on"),
        ("leave", "leave the channel"),
        ("rejoin", "take its seat in the channel again"),
        ("answer", "answer who rings, with an open microphone"),
    ):
        action = commands.add_parser(method, parents=parents, help=help)
        action.set_defaults(command=_act, method=method)

    ring = commands.add_parser("ring", parents=parents, help="call others, joining first where it has to")
    ring.add_argument("--uid", type=_UID, help="this one, 0 for everybody; without it whom the call button calls")
    ring.set_defaults(command=_ring)

    volume = commands.add_parser("volume", parents=parents, help="how loud everybody is, or one of them")
    volume.add_argument("volume", type=_PERCENT, nargs="?", metavar="0..100", help="without it volumes are printed")
    volume.add_argument("--uid", type=_UID, help="of this one alone")
    volume.set_defaults(command=_volume)


def _number(text: str, most: int) -> int:
    if not text.isdecimal() or int(text) > most:
        raise argparse.ArgumentTypeError(f"must be 0 to {most}, not {text}")
    return int(text)


_PERCENT, _UID = partial(_number, most=100), partial(_number, most=2**32 - 1)


def _status(options: argparse.Namespace) -> int:
    from device.service import status

    if options.watch:
        return _watch(options)
    answer = _call("status", options)
    if options.json:
        import json

        print(json.dumps(answer, indent=2))
    elif options.metrics:
        from device.service import metrics

        print(metrics.text(answer), end="")
    else:
        print(status.block(answer))
    return DONE


def _watch(options: argparse.Namespace) -> int:
    """A live line: on a terminal it is written over itself, elsewhere it is a line for each change."""
    import contextlib
    import shutil
    import time

    from device.service import status

    shown = ""
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            line = status.line(_call("status", options))
            if sys.stdout.isatty():
                width = shutil.get_terminal_size().columns - 1
                print(f"\r\x1b[K{line[:width]}", end="", flush=True)
            elif line != shown:
                print(line, flush=True)
            shown = line
            time.sleep(WATCH_EVERY_S)
    return DONE


def _act(options: argparse.Namespace) -> int:
    from device.service import status

    print(status.line(_call(options.method, options)))
    return DONE


def _ring(options: argparse.Namespace) -> int:
    from device.service import status

    print(status.line(_call("ring", options, {} if options.uid is None else {"uid": options.uid})))
    return DONE


def _volume(options: argparse.Namespace) -> int:
    if options.volume is None:
        answer = _call("status", options)
        if options.uid is None:
            print(f"everybody {answer['volume']}")
        for talker in answer["talkers"]:
            if options.uid in (None, talker["uid"]):
                print(f"{talker['uid']} {talker['label']} {talker['volume']}")
        if options.uid not in (None, *(talker["uid"] for talker in answer["talkers"])):
            end(f"nobody with uid {options.uid} is to be heard")
        return DONE
    params = {"volume": options.volume} | ({} if options.uid is None else {"uid": options.uid})
    answer = _call("volume", options, params)
    if not answer.get("known", True):
        end(f"nobody with uid {options.uid} is to be heard; the volume is kept for when somebody is")
    return DONE


def _call(method: str, options: argparse.Namespace, params: "Params | None" = None) -> "Params":
    from device.service.control import ControlError, call

    try:
        return call(method, params, folder=options.control)
    except ControlError as error:
        end(str(error))
