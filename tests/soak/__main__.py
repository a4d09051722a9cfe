"""A soak: all faults at random against one call, and nothing may stay behind.

    scripts/soak [--minutes N] [--seed S] [--only KIND]...

30 minutes and any seed unless told otherwise; the same seed, the same faults. A KIND that there is not names all that
there are.

Two hubs, the second of them in everybody's list, three devices on the virtual sound card, two of them behind bad
networks of their own, and somebody who watches. From the seed comes a sequence of episodes: a fault, now and then a
second one elsewhere at the same time, some of the devices muted. After each one everything has to be well again within
10 s: everybody in the call, at one hub, muted or not as before, with the channel and the uid of before (who had left
and joined again may have another uid), and fresh sound both ways; after 15 s nobody is heard more than 300 ms late,
and before the next one everybody sends as many bits as before, within two minutes.
Nothing may be played that is too old, and nothing at all of who was muted or had left. Where all that happens is that
the wall clock is set, a day ahead, a day back and right again, sound may not stay away for 0.4 s, and nobody may warn.

Every minute, in the calm, each process is weighed: memory (RssAnon: pages that it has filled itself; RSS also counts
files that the kernel keeps or drops as it likes), threads, descriptors, children; the least of what is seen in up to
25 s. At the end its memory is within 5 % of what it was when the process was five minutes old, and there is no thread,
descriptor or child more; in a run of less than ten minutes, or of a younger process, than the least that it ever had.
"near", "far" and the second hub live for the whole run; "other" and the first hub are killed now and then, and compared
only with themselves.

Log lines at the shipped level: the first failure is a WARNING, its repeats are DEBUG, its end is INFO. All are counted,
from the first episode to the end. From the beginning of a fault until all is well a process may write 8 lines for each
fault that hits it, at the end of the run 4 in the mean, and 120 for each hour of outage; in the calm one for each
button; and 3 in any of both, as the call moves to the first hub again, at the end one for each fault. The devices say
everything, for who looks into a failure; DEBUG is not counted.

Prints one line of JSON with the seed and the figures, exit code 0; where something is wrong, whatever it is, also with
all faults so far, what was expected, and the end of every log, exit code 1. The seed, and then what happens, is told on
stderr meanwhile. Ctrl-C ends it, with what there is to say until then.
"""

import argparse
import json
import logging
import os
import secrets
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from .plan import KINDS
from .soak import Failure, Soak

FAILED, INTERRUPTED = 1, 130


def main(arguments: Sequence[str]) -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(
        "scripts/soak", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=30.0, metavar="N", help="default 30")
    parser.add_argument("--seed", type=int, metavar="S", help="the same one, the same faults; default: any")
    names = [kind.name for kind in KINDS]
    parser.add_argument(
        "--only", action="append", choices=names, metavar="KIND", help="repeatable: " + "; ".join(names)
    )
    chosen = parser.parse_args(arguments)
    if os.geteuid() != 0 or not Path("/dev/net/tun").exists():
        print("scripts/soak needs root and /dev/net/tun, to make networks that it can break", file=sys.stderr)
        return FAILED
    seed = secrets.randbelow(1_000_000) if chosen.seed is None else chosen.seed
    _tell(f"--seed {seed}")
    kinds = [kind for kind in KINDS if not chosen.only or kind.name in chosen.only]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(f"told to end; --seed {seed}"))
    logging.getLogger("device").addHandler(logging.NullHandler())  # what the observer's client would say
    try:
        return _run(Soak(chosen.minutes, seed, kinds, _tell))
    except KeyboardInterrupt:
        _tell(f"interrupted; --seed {seed}")
        return INTERRUPTED


def _run(soak: Soak) -> int:
    """However it ends, it reports; what nobody has thought of goes on from here, with its traceback."""
    wrong: list[str] = []
    try:
        with soak:
            try:
                soak.run()
            except Failure as failure:
                wrong += failure.lines
    except BaseException as error:
        wrong.append(f"{type(error).__name__}: {error}")
        raise
    finally:
        print(json.dumps(soak.report(wrong)), flush=True)
    return FAILED if wrong else 0


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
