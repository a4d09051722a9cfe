import ctypes

from opuslib.api import info as info

libopus: ctypes.CDLL
