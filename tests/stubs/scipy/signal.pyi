# scipy installs no types: the functions that the tests call, on real signals.

from typing import Any, Literal

from numpy import float64
from numpy.typing import NDArray

def fftconvolve(
    in1: NDArray[Any], in2: NDArray[Any], mode: Literal["full", "valid", "same"] = ...
) -> NDArray[float64]: ...
def resample_poly(x: NDArray[Any], up: int, down: int) -> NDArray[float64]: ...
