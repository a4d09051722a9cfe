# scipy installs no types: the functions that the tests call, on real signals.

from typing import Any

from numpy import float64
from numpy.typing import NDArray

def maximum_filter1d(input: NDArray[Any], size: int, axis: int = ...) -> NDArray[float64]: ...
def uniform_filter1d(input: NDArray[Any], size: int, axis: int = ...) -> NDArray[float64]: ...
