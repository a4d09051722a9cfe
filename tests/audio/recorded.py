"""What alsaaudio.cards() answers on a Raspberry Pi, written down from /proc/asound/cards of such machines.

The first two and the last are as people have published them (a Pi 4; a Pi 3 on Debian 12 with two USB cards; a Pi 5
with a HAT), the others follow from how the kernel gives numbers: the first free one, in the order in which drivers find
their cards; and names: that of the USB product, with _1 behind it where the name is taken.
"""

PI_4 = ["Headphones", "vc4hdmi0", "vc4hdmi1"]
PI_3_WITH_USB_CARDS = ["Headphones", "Webcam", "CODEC", "vc4hdmi"]
PI_4_WITH_ITS_USB_CARD = ["Headphones", "vc4hdmi0", "vc4hdmi1", "Device"]
# The USB card was there before the others.
PI_4_STARTED_WITH_ITS_USB_CARD = ["Device", "Headphones", "vc4hdmi0", "vc4hdmi1"]
PI_4_WITH_TWO_OF_A_KIND = ["Headphones", "vc4hdmi0", "vc4hdmi1", "Device", "Device_1"]
PI_5_WITH_A_HAT = ["vc4hdmi0", "vc4hdmi1", "sndrpihifiberry"]
NONE: list[str] = []
