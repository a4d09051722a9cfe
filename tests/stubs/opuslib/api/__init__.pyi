import ctypes

from . import ctl as ctl
from . import decoder as decoder
from . import encoder as encoder
from . import info as info

lib_location: str
libopus: ctypes.CDLL
c_int_pointer: type[ctypes._Pointer[ctypes.c_int]]
c_int16_pointer: type[ctypes._Pointer[ctypes.c_int16]]
c_float_pointer: type[ctypes._Pointer[ctypes.c_float]]
