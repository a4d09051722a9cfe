"""Samples, between a sound card and packets of Opus. The map of the room, from the microphone to the speaker:

    card           the two audio threads: capture and playback
    alsa           how a card is opened, and how it is
    faults         what can be wrong with it, and what to do about that
    holder         which program holds it
    realtime       real-time priority for the threads
    capture_clock  numbers captured samples, so that their clock keeps to real time
    echo           what the speaker sounds is taken out of it, by one of the next two
    webrtc         AEC3, by the package livekit
    speex          libspeexdsp
    reference      what the speaker sounded at the time
    gate           what of the captured sound is sent: muted, open, voice, half-duplex
    packer         blocks to packets
    opus           the encoder, and at the other end the decoders

What others sent:

    talkers        all of them -> one block per tick: buffer, decoder, clock and mix
    talker         one of them
    jitter         its buffer
    payload        what an Opus packet says of itself
    arrivals       how late packets arrive, and so when they are due
    limiter        the mix, each with his gain, and what is done where it is too loud
    loudness       a whisper as loud as a shout
    dimming        all others are quieter while somebody with priority speaks
    drift          how far apart two clocks run, and what is done about it
    stretch        a delay that is far too long, or too short: single periods of the sound are left out, or repeated
    pcm            all arithmetic on samples: levels, volumes, sums
    tones          what the appliance itself has to say
    sidetone       the own voice, for who wears a headset
    reserve        how much sound the speaker's card still holds when the next tick is written

Whether all that works:

    selftest       a chirp to play, and the search for it in what is captured
    emodel         how good a call is, estimated from delay and losses
    meter          how loud a microphone is, and what is wrong with it
"""
