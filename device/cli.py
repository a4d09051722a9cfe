"""The command line: arguments, log handlers, exit codes (0 done, 1 it did not work, 2 wrong usage or configuration).

Each command imports what it needs when it runs: an intercom is to talk soon after it was started.
"""

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from device import tokens

if TYPE_CHECKING:
    from device.config import Config, ConfigError
    from device.jsonrpc import Params

logger = logging.getLogger(__name__)

DONE, FAILED, WRONG = 0, 1, 2
WATCH_EVERY_S = 0.5


def main(arguments: Sequence[str] | None = None) -> int:
    """The command `intercomd`; returns its exit code, or raises SystemExit with it."""
    options = _parser().parse_args(arguments)
    _log(options.log_level)
    try:
        code: int = options.command(options)
    except (KeyboardInterrupt, BrokenPipeError):
        return FAILED
    except MemoryError:
        from device.failure import out_of_memory

        out_of_memory()
    except Exception as error:  # a defect of ours: people get one line, --log-level debug the traceback, too
        logger.debug("this should not have happened", exc_info=error)
        _end(f"{type(error).__name__}: {error}; run with --log-level debug for details", FAILED)
    return code


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--log-level", choices=("debug", "info", "warning", "error"), default="info")
    reads_config = argparse.ArgumentParser(add_help=False)
    reads_config.add_argument(
        "--config", type=Path, metavar="FILE", help="default: /etc/intercomd/, then ~/.config/intercomd/intercom.toml"
    )
    at_socket = argparse.ArgumentParser(add_help=False)
    at_socket.add_argument("--control", type=Path, metavar="DIR", help="the folder of control.sock")

    parser = argparse.ArgumentParser(prog="intercomd", description="A voice intercom without a screen.")
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    run = commands.add_parser("run", parents=[common, reads_config, at_socket], help="be an intercom")
    run.add_argument("--with-hub", action="store_true", help="be the hub of [hub], too")
    run.set_defaults(command=_run)

    hub = commands.add_parser("hub", parents=[common, reads_config], help="be a hub alone")
    hub.add_argument("--listen", metavar="HOST:PORT", help="instead of that of [hub]")
    hub.add_argument("--open", action="store_true", help="whoever reaches it may join")
    hub.set_defaults(command=_hub)

    status = commands.add_parser("status", parents=[common, at_socket], help="what the running intercom is doing")
    form = status.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="for programs")
    form.add_argument("--watch", action="store_true", help="one line, again and again, until Ctrl-C")
    status.set_defaults(command=_status)

    _add_buttons(commands, [common, at_socket])

    doctor = commands.add_parser(
        "doctor", parents=[common, reads_config, at_socket], help="look at everything that a call needs, and explain"
    )
    doctor.add_argument("--json", action="store_true", help="for programs")
    doctor.add_argument("--buttons", action="store_true", help="somebody is there to press buttons and to see lights")
    doctor.set_defaults(command=_doctor)

    tokens.add(commands, [common])

    config = commands.add_parser("config", parents=[common], help="check a configuration and print what it comes to")
    config.add_argument("file", type=Path, nargs="?", metavar="FILE")
    config.add_argument("--quiet", action="store_true", help="only check it")
    config.set_defaults(command=_config)
    return parser


def _add_buttons(commands: Any, parents: Sequence[argparse.ArgumentParser]) -> None:
    """What buttons do, as commands."""
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


class _Version(argparse.Action):
    """Looked up only where it is asked for: that takes as long as everything else in a start."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from importlib import metadata

        print("intercomd", metadata.version("intercomd"))
        parser.exit()


def _run(options: argparse.Namespace) -> int:
    from device import app
    from device.config import ConfigError, load
    from device.service.control import ControlError

    wrong: tuple[type[Exception], ...] = ()
    failed: tuple[type[Exception], ...] = (ControlError,)
    if options.with_hub:
        from device.hubapp import HubConfigError

        wrong = (HubConfigError,)
    try:
        return app.run(lambda: load(options.config), with_hub=options.with_hub, control_dir=options.control)
    except ConfigError as error:
        _refuse(error)
    except wrong as error:
        _end(str(error), WRONG)
    except failed as error:
        _end(str(error), FAILED)


def _hub(options: argparse.Namespace) -> int:
    config = _load(options.config, needs_app_id=False, open=options.open)
    from device import hubapp
    from device.hubapp import Hub, HubConfigError, HubError
    from device.service import systemd

    try:
        hub = Hub(
            options.listen or config.hub.listen,
            app_ids=[config.channel.app_id] if config.channel.app_id else [],
            apps_file=config.hub.apps_file,
            open=config.hub.open,
            tls_cert=config.hub.tls_cert,
            tls_key=config.hub.tls_key,
            state_dir=os.environ.get("STATE_DIRECTORY"),
            sockets=systemd.sockets(),
            api_listen=config.hub.api_listen,
            api_secret_file=config.hub.api_secret_file,
            webhook_url=config.hub.webhook_url,
            webhook_secret_file=config.hub.webhook_secret_file,
        )
    except HubConfigError as error:
        _end(str(error), WRONG)
    except HubError as error:
        _end(str(error), FAILED)
    try:
        hubapp.run(hub)
    except HubError as error:
        _end(str(error), FAILED)
    return DONE


def _status(options: argparse.Namespace) -> int:
    from device.service import status

    if options.watch:
        return _watch(options)
    answer = _call("status", options)
    if options.json:
        import json

        print(json.dumps(answer, indent=2))
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
        print(f"everybody {answer['volume']}")
        for talker in answer["talkers"]:
            print(f"{talker['uid']} {talker['label']} {talker['volume']}")
        return DONE
    params = {"volume": options.volume} | ({} if options.uid is None else {"uid": options.uid})
    answer = _call("volume", options, params)
    if not answer.get("known", True):
        _end(f"nobody with uid {options.uid} is to be heard; the volume is kept for when somebody is", FAILED)
    return DONE


def _config(options: argparse.Namespace) -> int:
    from device.config import as_toml

    config = _load(options.file)
    if not options.quiet:
        print(as_toml(config), end="")
    return DONE


def _doctor(options: argparse.Namespace) -> int:
    from device.doctor import examination

    if options.log_level == "info":  # what the checks find they say themselves
        logging.getLogger().setLevel(logging.CRITICAL)
    return examination.run(options.config, options.control, as_json=options.json, press=options.buttons)


def _load(path: Path | None, *, needs_app_id: bool = True, open: bool = False) -> "Config":
    from device.config import ConfigError, load

    try:
        return load(path, needs_app_id=needs_app_id, open=open)
    except ConfigError as error:
        _refuse(error)


def _refuse(mistakes: "ConfigError") -> NoReturn:
    print(mistakes, file=sys.stderr)
    raise SystemExit(WRONG) from None


def _call(method: str, options: argparse.Namespace, params: "Params | None" = None) -> "Params":
    from device.service.control import ControlError, call

    try:
        return call(method, params, folder=options.control)
    except ControlError as error:
        _end(str(error), FAILED)


def _end(text: str, code: int) -> NoReturn:
    print(f"intercomd: {text}", file=sys.stderr)
    raise SystemExit(code) from None


def _log(level: str) -> None:
    from device.service import systemd

    logging.basicConfig(level=level.upper(), handlers=[systemd.log_handler()])
