"""Faults from outside, and what becomes of a call: real processes, a sound that dates itself, one row for each fault.

    dated      a sound from which every moment can be dated, and what a listener got of it
    scene      hub, devices and an observer, each in a network of the scene's own
    row        one fault: how it begins and ends, what is measured, and what it may cost
    rows_*     the rows; whoever adds a file adds rows
    once       one run of one row, as a process of its own
    floors     what bare TCP does on the same path

scripts/bench faults runs all of it; the tests beside run each short row once.
"""
