# pystoi 0.4.1, which installs no types.

from typing import Any

from numpy.typing import NDArray

def stoi(x: NDArray[Any], y: NDArray[Any], fs_sig: int, extended: bool = ...) -> float: ...
