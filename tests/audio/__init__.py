"""Tests of the audio room. `properties`: the settings of its Hypothesis tests; a busy machine must not fail them."""

from hypothesis import settings

properties = settings(deadline=None, max_examples=40)
