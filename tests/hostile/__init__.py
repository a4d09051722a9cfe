"""A hub with somebody hostile: attacks on it, each a process of its own, and what an honest call beside them notices.

    weapons    sockets that are kept busy: what an attack is made of
    attacks    one function for each attack
    siege      a hub, an honest call, an attack: the figures

scripts/bench hostile runs each for some seconds; the tests beside run them for a second.
"""
