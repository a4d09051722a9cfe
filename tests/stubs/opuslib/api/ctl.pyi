# Each is handed to encoder_ctl or decoder_ctl, with a value where its name begins with set_.

from collections.abc import Callable
from typing import Any

_Request = Callable[..., Any]

def query(request: int) -> _Request: ...
def get(request: int, result_type: type[Any]) -> _Request: ...
def ctl_set(request: int) -> _Request: ...

reset_state: _Request
get_final_range: _Request
get_bandwidth: _Request
get_pitch: _Request
set_lsb_depth: _Request
get_lsb_depth: _Request
get_gain: _Request
set_gain: _Request
set_complexity: _Request
get_complexity: _Request
set_bitrate: _Request
get_bitrate: _Request
set_vbr: _Request
get_vbr: _Request
set_vbr_constraint: _Request
get_vbr_constraint: _Request
set_force_channels: _Request
get_force_channels: _Request
set_max_bandwidth: _Request
get_max_bandwidth: _Request
set_bandwidth: _Request
set_signal: _Request
get_signal: _Request
set_application: _Request
get_application: _Request
get_sample_rate: _Request
get_lookahead: _Request
set_inband_fec: _Request
get_inband_fec: _Request
set_packet_loss_perc: _Request
get_packet_loss_perc: _Request
set_dtx: _Request
get_dtx: _Request
unimplemented: _Request
