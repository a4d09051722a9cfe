"""What an Opus packet says of itself, without being decoded. PURE."""

# RFC 6716 section 3.1, table 2: frame length by the first five bits of a packet.
_FRAME_SAMPLES = (480, 960, 1_920, 2_880) * 3 + (480, 960) * 2 + (120, 240, 480, 960) * 4
# Configurations below this have a SILK layer, which alone can carry the frame before once more.
_CELT = 16
_SILK_FRAME_SAMPLES = 960
# Longer packets are allowed by Opus and refused here: a voice call does not wait for them.
_MAX_PACKET_SAMPLES = 2_880


def packet_samples(payload: bytes) -> int:
    """Length of an Opus packet, 120 to 2,880 samples, by its TOC byte (RFC 6716 section 3.1). ValueError for others."""
    if not payload:
        raise ValueError("empty Opus packet")
    code = payload[0] & 3
    if code == 3 and len(payload) < 2:
        raise ValueError("Opus packet without its frame count")
    frames = (1, 2, 2)[code] if code < 3 else payload[1] & 0x3F
    samples = frames * _FRAME_SAMPLES[payload[0] >> 3]
    if not 0 < samples <= _MAX_PACKET_SAMPLES:
        raise ValueError(f"Opus packet of {samples / 48:g} ms; taken are 2.5 to 60 ms")
    return samples


def has_fec(payload: bytes) -> bool:
    """Whether it carries what was said before it once more, in few bits: in-band FEC, RFC 6716 section 2.1.7.

    The flag stands after those of voice activity, one for each SILK frame of 20 ms (section 4.2.3); all are the first
    bits of the range coder, each as likely as not, and so the highest of the first byte. Looked for in packets of one
    frame, as our encoder makes them.
    """
    configuration = payload[0] >> 3
    if configuration >= _CELT or payload[0] & 3 or len(payload) < 2:
        return False
    silk_frames = max(1, _FRAME_SAMPLES[configuration] // _SILK_FRAME_SAMPLES)
    return bool(payload[1] >> 7 - silk_frames & 1)
