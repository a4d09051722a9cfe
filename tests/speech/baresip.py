"""A peer: baresip (Debian: baresip-core), where it is installed, judged by what judges ours.

Two of them call each other directly: "near" in the network where ours has its hub, "far" in one of its own.
"""

import contextlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path as File
from typing import Self

from tests import unprivileged
from tests.badnet import BadNetwork, Host
from tests.badnet.forwarder import DEVICE
from tests.soundcard import Bench
from tests.soundcard.speech import speech
from tests.timing import seconds, until

from .heard import FAR, NEAR, SENTENCES, Run, speak
from .path import Path

_PORT, _USER = 5_060, "intercom"
_ENDS_WITHIN_S = 1.0
# So that it ends even where this process is killed; the namespaces would stay as long as one is inside.
_WITH_US = ("setpriv", "--pdeathsig=KILL", "--")
_READY, _CALLED = "baresip is ready", "Call established"

# Buffers and codec are those of the configuration that 1.0.0 writes where it finds none; what is not here has its
# default: no FEC, no DTX, complexity 10. Other than there: no video, STUN, ICE and codecs but Opus; one channel, as the
# card has and ours sends; and where it listens, as a network without a default route tells it nothing.
_CONFIG = """\
poll_method epoll
sip_listen {address}:{port}
net_interface {interface}
audio_player alsa,default
audio_source alsa,default
audio_alert alsa,default
ausrc_channels 1
auplay_channels 1
audio_buffer 20-160
rtp_tos 184
jitter_buffer_delay 5-10
module_path {modules}
module opus.so
module alsa.so
module_tmp account.so
module_app menu.so
opus_bitrate 28000
opus_stereo no
opus_sprop_stereo no
"""
_ACCOUNT = "<sip:{user}@{address}>;regint=0;answermode=auto;ptime=20\n"


def program() -> File | None:
    """Where it is, with the modules that a call needs; None where it is not installed."""
    found = shutil.which("baresip")
    if found is None or not all((_modules(File(found)) / name).exists() for name in ("opus.so", "alsa.so", "menu.so")):
        return None
    return File(found)


def name(baresip: File) -> str:
    """As it is called in tables, with the version that it says it has."""
    told = subprocess.run([baresip, "-h"], capture_output=True, text=True, check=False).stdout
    version = re.search(r"baresip v(\d+\.\d+)", told)
    return f"baresip {version[1]}" if version else "baresip"


def files(address: str, modules: File) -> dict[str, str]:
    """What it reads, by the names of the files, where it has this address."""
    config = _CONFIG.format(address=address, port=_PORT, interface=DEVICE, modules=modules)
    return {"config": config, "accounts": _ACCOUNT.format(user=_USER, address=address)}


def run(baresip: File, path: Path, seed: int) -> Run:
    """Speak once, as `heard.run`. Raises AssertionError where there is no call."""
    with ExitStack() as stack:
        net = stack.enter_context(BadNetwork("hub", FAR, seed=seed))
        bench = stack.enter_context(Bench())
        mouth, ear = bench.device(f"mic_{FAR}"), bench.device(f"spk_{NEAR}")
        for silent in (f"mic_{NEAR}", f"spk_{FAR}"):
            bench.device(silent)

        def start(host: Host, name: str, *arguments: str) -> Baresip:
            env = bench.env(f"mic_{name}", f"spk_{name}")
            return stack.enter_context(Baresip(baresip, host.address, *arguments, env=env, prefix=host.prefix))

        start(net[FAR], FAR).wait_for(_READY)
        start(net["hub"], NEAR, "-e", f"/dial sip:{_USER}@{net[FAR].address}").wait_for(_CALLED)
        return speak(speech(SENTENCES, seed=seed), path, net[FAR], mouth, ear, lambda _: ())


class Baresip:
    """One process at this address, which is not root. Use as `with Baresip(...) as far`: it ends with that, or with
    this process. env: what to add to the environment. prefix: a command to start it with."""

    def __init__(
        self, baresip: File, address: str, *arguments: str, env: Mapping[str, str], prefix: tuple[str, ...] = ()
    ) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="baresip-")
        folder = File(self._folder.name)
        folder.chmod(0o755)
        for file, text in files(address, _modules(baresip)).items():
            (folder / file).write_text(text)
            (folder / file).chmod(0o644)
        self._log = folder / "log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [*prefix, *unprivileged.drop(), *_WITH_US, baresip, "-f", folder, *arguments],
                cwd=folder, env={**os.environ, "HOME": str(folder), **env},
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip

    def wait_for(self, text: str) -> None:
        """Until it says this. AssertionError when the process ends or time runs out."""
        try:
            until(lambda: text in self.said() or self._process.poll() is not None)
            assert text in self.said(), "it ended"
        except AssertionError as error:
            raise AssertionError(f"baresip never said {text!r}, {error}:\n{self.said()}") from error

    def said(self) -> str:
        """All of it, so far."""
        return self._log.read_text(errors="replace")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(seconds(_ENDS_WITHIN_S))
        finally:
            self._process.kill()
            self._process.wait()
            self._folder.cleanup()


def _modules(baresip: File) -> File:
    return baresip.parent.parent / "lib" / "baresip" / "modules"
