"""All faults at random, for as long as one likes, against one call: what a table of single faults cannot show.

plan       which faults come when, from a seed: pure
timeline   what each of them does to the scene
ears       what was heard meanwhile: fresh again, nothing old, nothing of who was muted
leaks      memory, threads and descriptors, and what of them is too much
scales     when they are looked at
logbook    what all processes say
chatter    how much of that is too much: pure
soak       the run: one episode after the other
"""
