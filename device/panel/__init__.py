"""Buttons and lights: what a press means, how a light blinks, and the pins of both. See device/__init__.py."""
