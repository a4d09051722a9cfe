"""The command line: arguments, log handlers, exit codes (0 done, 1 it did not work, 2 wrong usage or configuration).

Each command imports what it needs when it runs: an intercom is to talk soon after it was started.
"""

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from device import controls, tokens
from device.ending import DONE, FAILED, WRONG, end

if TYPE_CHECKING:
    from device.config import Config, ConfigError
    from device.jsonrpc import Params

logger = logging.getLogger(__name__)


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
        end(f"{type(error).__name__}: {error}; run with --log-level debug for details")
    return code


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--log-level", choices=("debug", "info", "warning", "error"), default="info")
    reads_config = argparse.ArgumentParser(add_help=False)
    reads_config.add_argument(
        "--config", type=Path, metavar="FILE",
        help="default: intercom.toml in /etc/intercomd, then in ~/.config/intercomd",
    )  # fmt: skip
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

    controls.add(commands, [common, at_socket])

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
    config.add_argument("--beside", type=Path, metavar="DIR", help="as if it were in this folder")
    config.add_argument("--hub", action="store_true", help="of a hub alone, which needs no App ID of its own")
    config.set_defaults(command=_config)
    return parser


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
        return app.run(
            lambda: _tell(options.config, load(options.config), of_hub=options.with_hub),
            with_hub=options.with_hub,
            control_dir=options.control,
        )
    except ConfigError as error:
        _refuse(error)
    except wrong as error:
        end(str(error), WRONG)
    except failed as error:
        end(str(error))


def _hub(options: argparse.Namespace) -> int:
    asked: Params = {"open": True} if options.open else {}
    asked |= _listen(options.listen)
    config = _tell(options.config, _load(options.config, needs_app_id=False, hub=asked))
    from device import hubapp
    from device.hubapp import Hub, HubConfigError, HubError
    from device.service import systemd

    try:
        hub = Hub(
            config.hub.listen,
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
        end(str(error), WRONG)
    except HubError as error:
        end(str(error))
    try:
        hubapp.run(hub)
    except HubError as error:
        end(str(error))
    return DONE


def _config(options: argparse.Namespace) -> int:
    from device.config import ConfigError, as_toml, load
    from device.doubts import doubts

    try:
        config = load(options.file, needs_app_id=not options.hub, beside=options.beside)
    except ConfigError as error:
        alone = "[channel] app_id: is missing" in str(error) and not options.beside
        _refuse(f"{error}\nthat of a hub alone needs none: intercomd config --hub" if alone else error)
    for line in doubts(config):
        print(f"warning: {line}", file=sys.stderr)
    if not options.quiet:
        print(as_toml(config), end="")
    return DONE


def _doctor(options: argparse.Namespace) -> int:
    from device.doctor import examination

    if options.log_level == "info":  # what the checks find they say themselves
        logging.getLogger().setLevel(logging.CRITICAL)
    return examination.run(options.config, options.control, as_json=options.json, press=options.buttons)


def _listen(listen: str | None) -> dict[str, str]:
    """What of [hub] --listen replaces."""
    from device.channel import address

    try:
        return {} if listen is None else {"listen": listen} if address.read_listen(listen) else {}
    except ValueError as error:
        end(f"--listen {error}", WRONG)


def _tell(path: Path | None, config: "Config", *, of_hub: bool = True) -> "Config":
    """The log says which file a daemon goes by, and what is doubtful in it."""
    from device.config import find
    from device.doubts import doubts

    logger.info("configuration: %s", path or find() or "none found")
    for line in doubts(config, of_hub=of_hub):
        logger.warning("%s", line)
    return config


def _load(path: Path | None, **how: Any) -> "Config":
    from device.config import ConfigError, load

    try:
        return load(path, **how)
    except ConfigError as error:
        _refuse(error)


def _refuse(mistakes: "ConfigError | str") -> NoReturn:
    print(mistakes, file=sys.stderr)
    raise SystemExit(WRONG) from None


def _log(level: str) -> None:
    from device.service import systemd

    logging.basicConfig(level=level.upper(), handlers=[systemd.log_handler()])
