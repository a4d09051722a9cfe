"""What both ends of the wire agree on, and the client's end of it. The map of the room:

Both ends: what may be on the wire

    rules        names and numbers: App IDs, certificates, channel names, uids, labels, roles
    address      where a hub is: ws://host:port or wss://host:port
    errors       every error code, its meaning, and what to do about it
    members      the members of their params, checked one by one
    messages     requests and notifications: what their params hold, read and checked
    writing      what a host says to everybody in writing
    rtp          media packets
    redundancy   several packets of speech in one of them
    report       what a listener tells of what arrives
    token        the right to join: tokens of all formats, verified
    token005     Channel Key
    token006     AccessToken
    token007     AccessToken2
    token_wire   what the formats share: base64, numbers, texts and maps
    grant        what a token allows, and until when

The client's end: from a program's wish to its socket

    client       what programs import: init, join, send, on, leave
    calls        what it asks for in its seat: publish, subscribe, mute, ring, ...
    unneeded     what the documented SDK has, and a voice on a device does not need
    arguments    what programs hand over, checked in that SDK's words
    outcome      what a call comes to: to be awaited, or told to callbacks
    log          LOG: lines of the log as that SDK has them
    handlers     who wants to hear of what
    driver       the event loop: carries out what the session decides, and tells it what happens
    session      the seat that is wanted, and what is asked for in it
    actions      what it asks the driver to do: dial, send, close, tell
    connections  which connection is the one: found, doubted, doubled and lost
    dialling     when to try which hub
    moving       when to look for a better one
    company      when for where the others are
    adapt        how densely speech is to be encoded, by what the path allows
    doubling     when two connections carry the same
    protection   what is sent beside a packet, so that one that is lost is heard nevertheless
    reception    how many of each talker's packets do not arrive
    listeners    how many of ours do not arrive at them
    approach     the way of one connection to a seat: dial, handshake, join, answer
    verdicts     what its end means for the next one
    seat         uid and session, and the requests made in it
    requests     those that wait for their answer
    claims       its role and its token, if they are not those of the join
    streams      whose streams there are, and which are wanted
    notices      what the hub notifies a seat of, as events
    presence     who else is there, and who of them is silent
    copies       what the hub says on both connections, told once
    voice        numbers for the packets that are sent
    timestamps   whether theirs go with the clock
    link         one connection that is seated
    liveness     whether it still carries anything
    gauges       what is measured while somebody wants to know:
    volume       how loud who is
    quality      how good the way is
    standing     how the connection stands, in that SDK's words
    news         what the owner gets to see: state, problem, lines of the log
    wire         the websocket of one connection
    resolver     names of hosts, in threads that nobody waits for
    tcp          its socket: how it is opened, what has not arrived, how it ends at once
"""
