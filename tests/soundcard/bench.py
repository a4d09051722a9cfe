"""A folder with virtual sound devices and the ALSA configuration that names them."""

import os
import shutil
import tempfile
import time
from pathlib import Path

from .build import build
from .device import Device

_SHARED_MEMORY = Path("/dev/shm")

# alsa.conf reads the machine's and the user's own files by its hook 0, after everything written here; a hook 1 comes
# after that, so that these names win over a `default` which the machine may have.
_CONFIG = """\
<confdir:alsa.conf>
@hooks.1 {{ func load files [ "{devices}" ] errors true }}
"""
_TYPE = 'pcm_type.soundcard {{ lib "{plugin}" }}\n'
_DEVICE = 'pcm.!{name} {{ type soundcard file "{path}" }}\n'
_DEFAULT = "pcm.!default {{ type asym {directions} }}\n"


class Bench:
    """Devices that share one clock epoch: frame 0 of all of them is the moment the bench was made.

    All that a process needs to open them lies in `folder`, readable for every user: the devices, the plugin, the
    configuration. If none is given it is made in the folder SOUNDCARD_FOLDER of the environment, else in memory
    where the machine allows, and removed by `close`.
    """

    def __init__(self, folder: Path | None = None) -> None:
        built = build()
        self.epoch_ns = time.monotonic_ns()
        self.devices: dict[str, Device] = {}
        self._renamed: dict[str, Device] = {}
        self._own_folder = folder is None
        if folder is None:
            parent = os.environ.get("SOUNDCARD_FOLDER") or (_SHARED_MEMORY if _SHARED_MEMORY.is_dir() else None)
            folder = Path(tempfile.mkdtemp(prefix="soundcard-", dir=parent))
            folder.chmod(0o755)
        self.folder = folder
        self._plugin = folder / built.name
        shutil.copy(built, self._plugin)
        self._plugin.chmod(0o755)

    def device(self, name: str, rate: int = 48_000, channels: int = 1, ppm: float = 0.0) -> Device:
        """A new device, opened by ALSA under `name`; arguments as in `Device.create`."""
        device = Device.create(self.folder / name, rate, channels, ppm, self.epoch_ns)
        self.devices[name] = device
        return device

    def rename(self, name: str, device: Device) -> None:
        """From now on ALSA opens this device under that name, in processes that are running as well.

        They notice when they read ALSA's configuration anew.
        """
        self._renamed[name] = device
        for config in self.folder.glob("devices-*.conf"):
            with config.open("a") as file:
                file.write(_DEVICE.format(name=name, path=device.path))

    def env(self, capture: str | None = None, playback: str | None = None) -> dict[str, str]:
        """What to add to a process's environment, so that ALSA knows the devices made so far by their names.

        capture, playback: the devices that this process finds under the name `default`.
        """
        return {"ALSA_CONFIG_PATH": str(self._write_config(capture, playback))}

    def _write_config(self, capture: str | None, playback: str | None) -> Path:
        directions = {"capture": capture, "playback": playback}
        suffix = "-".join(name or "none" for name in directions.values())
        devices, config = self.folder / f"devices-{suffix}.conf", self.folder / f"asound-{suffix}.conf"
        named = {**self.devices, **self._renamed}
        text = _TYPE.format(plugin=self._plugin)
        text += "".join(_DEVICE.format(name=name, path=device.path) for name, device in named.items())
        if capture or playback:
            chosen = " ".join(f'{way}.pcm "{name}"' for way, name in directions.items() if name)
            text += _DEFAULT.format(directions=chosen)
        for path, content in ((devices, text), (config, _CONFIG.format(devices=devices))):
            path.write_text(content)
            path.chmod(0o644)
        return config

    def close(self) -> None:
        """Detaches from all devices and removes the folder, unless it was given."""
        for device in self.devices.values():
            device.close()
        if self._own_folder:
            shutil.rmtree(self.folder)

    def __enter__(self) -> "Bench":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
