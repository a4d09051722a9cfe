"""Tests of the audio room. `properties`: the settings of its Hypothesis tests."""

from hypothesis import settings

properties = settings(max_examples=40)
