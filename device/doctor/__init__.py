"""`intercomd doctor`: looks at everything that a call needs, a file for each check, and says what to do about it.

The map of the room. What goes round the checks:

    examination    all of them, one after the other, each told as soon as it is known
    patient        what they look at: a configuration, and the intercom that runs with it
    finding        what one of them came to, and the remedy

The checks, in that order:

    versions       which versions of everything this is
    configuration  whether it can be used
    service        whether an intercom runs here, and how it is
    cards          which sound cards there are, and what they grant
    hearing        has the box listen to itself, for the next two
    microphone     whether it hears something
    loop           whether it hears the speaker
    echo           what is done about that
    pins           the pins, for the next two: the running intercom's, or the doctor's own
    buttons        each one and its gesture
    lights         one after the other
    token          whether there is one that can be read, and until when it is valid
    hubs           whether each can be reached and joined, and what its clock says
    clock          whether the time can be right
    realtime       whether the audio threads get their priority
    wifi           whether its power save is off
"""
