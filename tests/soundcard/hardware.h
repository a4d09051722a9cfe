/* What pretends to be hardware: a file with registers, a clock and a tape.
 *
 * The file starts with one page, `struct registers`, which the test's side (device.py) maps too: the clock, the
 * faults, the counters. After that page comes the tape: one s16le sample per channel for every frame of the clock,
 * frame 0 first. A microphone hears what the tape holds at the frame that its clock shows; a speaker leaves there what
 * it sounded. What was never written is a hole in the file, and silence.
 *
 * The clock is arithmetic on CLOCK_MONOTONIC: frame = epoch_frame + (now - epoch_ns) * frames_per_second. Nothing ticks.
 */
#ifndef HARDWARE_H
#define HARDWARE_H

#include <stddef.h>
#include <stdint.h>

/* Kept equal to Registers in device.py. */
struct registers {
    uint32_t magic, rate, channels;
    uint32_t hung; /* a fault: who reads or writes does not come back, as from a driver that waits for its hardware */
    /* Clock. clock_version is odd while the other three change. 0 frames per second: it stands still. */
    uint64_t clock_version;
    int64_t epoch_ns;
    double epoch_frame, frames_per_second;
    /* A microphone's tape that repeats: from loop_start on, the loop_frames there are heard again and again. */
    int64_t loop_start, loop_frames;
    /* Faults. `unplugs` and `xruns_ordered` count, so that a stream notices one that is already over. */
    uint32_t gone, busy, unplugs, xruns_ordered, transfer_errno, reserved2;
    /* Counters. played_end: one past the last frame that a speaker was given. */
    uint64_t opens, closes, starts, frames, xruns;
    int64_t played_end;
};

struct hardware {
    struct registers *regs;
    int file;
};

/* Takes the device at `path` for this opener alone. 0, or as a hw: device answers: -ENOENT (no such card), -ENODEV
 * (unplugged), -EBUSY (somebody has it). Whatever the answer, hardware_detach gives everything back. */
int hardware_attach(struct hardware *hw, const char *path);
void hardware_detach(struct hardware *hw);

size_t hardware_frame_bytes(const struct hardware *hw);

int64_t hardware_frame_now(const struct hardware *hw);

/* CLOCK_MONOTONIC, in ns, when the clock will show `frame`, never early; of a clock that stands still, a moment to look
 * again. */
int64_t hardware_time_of_frame(const struct hardware *hw, int64_t frame);

/* Both move `frames` frames from or to the tape; 0 or -errno. */
int hardware_listen(const struct hardware *hw, int64_t frame, char *to, int64_t frames);
int hardware_sound(struct hardware *hw, int64_t frame, const char *from, int64_t frames);

/* Takes back from the tape what lies between the present and `end`: it was queued and will never sound. */
void hardware_silence_rest(struct hardware *hw, int64_t end);

#endif
