"""A bad network between real processes: network namespaces, real TCP, and a link that can be made as bad as wished."""

from .network import BadNetwork, Host

__all__ = ["BadNetwork", "Host"]
