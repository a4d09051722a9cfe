"""The server that channels live on. The map of the room, from a socket that opens to the listeners of a packet:

    limits       how much anybody may ask of the hub, each number with its reason
    door         the listening socket: who comes too often, or with too many, is turned away
    server       websockets, and /healthz
    sockets      how much the kernel may keep for one client, and for how long
    connection   one websocket
    turns        whose bytes are looked at next
    exchange     between the connections and the rooms, which know nothing of each other
    apps         which Apps there are, and what is asked of whom
    appsfile     the file that says so
    admission    who is let in, by App ID and token
    rooms        what every connection may do, and who hears whom
    asides       what else a seat may ask for: silence, rings, stream messages
    seating      who gets which seat, who keeps it, and what the others are told
    stage        roles, the clocks of tokens, who publishes
    rights       what a seat may do, and until when
    sessions     what proves whose seat it was
    keys         the key that signs them, kept on the disk
    seats        channels, seats and links: who sits where
    window       which packets of a talker have passed already
    out          what the rooms ask for: send, close, a line in the log
    refusals     joins that were refused
    reports      what arrives of a talker's packets, told to him
    open_files   how many this process may have open
    frames       a message made a frame once, for every listener
    flow         when a listener whose path is full is given more
    pouring      gives it to him
    backlog      what waits for a listener who does not read: 200 ms at most
    tls          certificate and key

for its administrators, who may have none of it (aiohttp is only there):

    administration  all of it together, as it is configured
    moderation   the rules that keep somebody out, or silent
    moderator    holds the seats to them
    rulebook     the file in which they outlive the hub
    answers      what administrators may ask, and hear
    api          HTTP, and who may ask
    secret       the file with what administrators and webhooks prove themselves by
    notices      what happens in the channels
    webhooks     what of it the webhook is told, how it is signed, when it is tried again
    courier      carries it there

and from one process of the hub to the next:

    bridge       what the two say to each other
    succession   the old one's end of it
    predecessor  the new one's
"""
