"""Buttons and lights. The map of the room, from a finger to a light:

    pins      edges of the contacts, and what each light shines: the only file that touches gpiozero
    gestures  one button's edges -> EDGE, DOWN, tap, hold, long press
    meaning   what the gestures of one button come to: which actions, and when
    presses   the last press of a button, as people call it
    lights    how a light blinks: a pattern -> on or off

What the presses do is for the house to say: see front.py.
"""
