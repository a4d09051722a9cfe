"""A daemon among others on its machine. The map of the room:

    control   the socket that commands go through, both ends of it
    status    the answer to `status` as people read it
    metrics   the same as Prometheus reads it
    systemd   readiness, a status line, the journal, credentials, sockets
    watchdog  whether everything that must never stand still is going

What the commands do is for the house to say: see commands.py.
"""
