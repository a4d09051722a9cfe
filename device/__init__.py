"""intercomd: a headless intercom. This page is the map of the house.

Follow the sound from a microphone to the other end's speaker:

    mic -> audio.card -> sound (audio.echo, audio.gate, audio.packer) -> membership -> channel.client -> channel.rtp
    ==> hub.server -> hub.rooms -> hub.server ==> channel.client -> channel.rtp -> sound
    -> audio.talkers (jitter, opus, pcm) -> audio.card -> speaker

and a button, until the microphone is closed and a light says so:

    pin -> panel.pins -> front (panel.gestures, panel.meaning) -> appliance.feed -> call (the table) -> an Action
    -> appliance -> duplex.gate -> sound; and call.looks -> front (panel.lights) -> panel.pins

Rooms, and what each may import:

    cli         arguments, log handlers, exit codes
    ending      how a command ends: exit codes, one line; imports nothing
    controls    the commands that ask the running intercom; imports service
    app         the process of a device, from its start to its end: signals, hub, control socket
    tokens      the commands that make and verify tokens; imports channel
    commands    what the control socket offers
    appliance   assembles a device from its Config, and does what the table says; translates between the rooms
    call        the appliance as a table: (state, input) -> (state, what is to be done and heard); imports nothing
    front       buttons and lights between the pins and the table, on the loop
    membership  the device's place in its channel: the client in the table's words
    belonging   what a seat belongs to; imports config
    others      who else is there, and who of them is muted; imports nothing
    token_file  the token of this device, read again when it changes
    duplex      the two ways of the sound together, exchanged while a call goes on
    sound       each of them, between the audio threads and the loop
    handover    what a thread has for the loop
    selftest    the box listens to itself: between sound and audio.selftest, on the loop
    heard       what `status` tells of one talker; imports audio
    bell        tones and the ring, into the speaker
    state       what survives a restart
    saver       a file that is replaced as a whole, by a thread of its own; imports nothing
    failure     what fails where nobody waits for it ends all of it
    pulse       what systemd hears while a device or a hub runs
    hubapp      assembles a hub
    restart     a hub leaves everything to its successor, a process that it starts
    doctor/     one check per file, each a finding with its remedy; may import every room
    config      intercom.toml -> frozen dataclasses; what a value must be is in checks
    doubts      what a configuration may say and hardly means; imports config, checks, service.systemd
    checks      imports channel.rules, channel.address (pure) and of the hub appsfile, secret and tls; no other room
    tomltext    a TOML file's mistakes in words
    jsonrpc     the JSON-RPC 2.0 envelope alone; everybody may import it
    channel/    what both ends of the wire agree on, and the client end; imports no other room
    audio/      samples: cards, codec, jitter buffer, mix; imports no other room, and never sees RTP
    panel/      buttons and lights: gestures, patterns, pins; imports no other room
    lookout     when to look at what tells nobody when it changes
    service/    the local control socket, a status as people and Prometheus read it, systemd; imports no other room
    hub/        the server that channels live on; imports channel

Pure files compute and nothing else: no socket, thread, clock, file or global state; time and bytes come in as
arguments, events and bytes come out. Each outside world has one file, and its library is imported nowhere else: ALSA in
audio/alsa.py (audio/card.py starts the two audio threads), Opus in audio/opus.py, pins in panel/pins.py, the client's
websockets in channel/wire.py, names of hosts in channel/resolver.py (a daemon thread each, never joined, as a lookup
cannot be interrupted), the hub's websockets in hub/server.py and hub/connection.py, its HTTP for administrators in
hub/api.py and hub/courier.py, the control socket in service/control.py.
Each room has a map of its own, in its `__init__.py`. That only those import each other who may, tests/test_layers.py
holds.

Three threads and no more carry a call: the event loop (network, control), capture (read, echo, gate, encode) and
playback (pull, decode, mix, write). Capture hands a packet to the loop by handover.py; the loop hands packets to
playback through one bounded drop-oldest queue. A thread never touches asyncio objects, the loop never waits for a
thread.
"""
