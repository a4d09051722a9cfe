# opuslib 3.0.1, which installs no types: its classes and constants, and what its `api` needs to be typed.

from . import api as api
from .classes import Decoder as Decoder
from .classes import Encoder as Encoder
from .constants import *  # noqa: F403
from .exceptions import OpusError as OpusError
