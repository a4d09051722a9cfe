/* Registers, clock and tape of one virtual device; hardware.h says what they are. */
#include "hardware.h"

#include <alsa/asoundlib.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define MAGIC 0x31435356 /* "VSC1"; a change of struct registers needs another one */
#define TAPE_OFFSET 4096
#define NS_PER_S 1000000000LL
/* Longer than the 100 ms that a careful program polls for, so that its poll times out, as with a real card that stands
 * still; short enough for a blocked read to see soon that the clock runs again or the card is gone. */
#define STALLED_RECHECK_NS 250000000LL

struct clock {
    int64_t epoch_ns;
    double epoch_frame, frames_per_second;
};

/* ---- attaching ------------------------------------------------------------------------------------------ */

int hardware_attach(struct hardware *hw, const char *path) {
    hw->regs = NULL;
    hw->file = open(path, O_RDWR | O_CLOEXEC);
    if (hw->file < 0)
        return -errno;
    void *page = mmap(NULL, TAPE_OFFSET, PROT_READ | PROT_WRITE, MAP_SHARED, hw->file, 0);
    if (page == MAP_FAILED)
        return -errno;
    hw->regs = page;
    if (hw->regs->magic != MAGIC) {
        SNDERR("soundcard: %s was not made by the device.py of this version", path);
        return -EINVAL;
    }
    if (hw->regs->gone)
        return -ENODEV;
    if (hw->regs->busy || flock(hw->file, LOCK_EX | LOCK_NB) < 0)
        return -EBUSY;
    return 0;
}

void hardware_detach(struct hardware *hw) {
    if (hw->regs)
        munmap(hw->regs, TAPE_OFFSET);
    if (hw->file >= 0)
        close(hw->file); /* gives the lock back */
    hw->regs = NULL;
    hw->file = -1;
}

/* ---- clock ---------------------------------------------------------------------------------------------- */

static int64_t monotonic_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * NS_PER_S + t.tv_nsec;
}

static struct clock clock_read(const struct registers *regs) {
    struct clock c;
    uint64_t before, after;
    do {
        before = __atomic_load_n(&regs->clock_version, __ATOMIC_ACQUIRE);
        c.epoch_ns = regs->epoch_ns;
        c.epoch_frame = regs->epoch_frame;
        c.frames_per_second = regs->frames_per_second;
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
        after = __atomic_load_n(&regs->clock_version, __ATOMIC_RELAXED);
    } while (before != after || before % 2);
    return c;
}

int64_t hardware_frame_now(const struct hardware *hw) {
    struct clock c = clock_read(hw->regs);
    return (int64_t)floor(c.epoch_frame + (double)(monotonic_ns() - c.epoch_ns) / NS_PER_S * c.frames_per_second);
}

int64_t hardware_time_of_frame(const struct hardware *hw, int64_t frame) {
    struct clock c = clock_read(hw->regs);
    if (c.frames_per_second <= 0)
        return monotonic_ns() + STALLED_RECHECK_NS;
    /* One microsecond late, so that rounding never makes it early. */
    return c.epoch_ns + (int64_t)(((double)frame - c.epoch_frame) / c.frames_per_second * NS_PER_S) + 1000;
}

/* ---- tape ----------------------------------------------------------------------------------------------- */

/* The tape is read and written, not mapped: a mapping would count as memory of the program under test. */

size_t hardware_frame_bytes(const struct hardware *hw) {
    return sizeof(int16_t) * hw->regs->channels;
}

static off_t tape_offset(const struct hardware *hw, int64_t frame) {
    return TAPE_OFFSET + (off_t)frame * (off_t)hardware_frame_bytes(hw);
}

/* One stretch without a seam; what the file does not hold is silence. */
static int listen_straight(const struct hardware *hw, int64_t frame, char *to, int64_t frames) {
    size_t size = (size_t)frames * hardware_frame_bytes(hw);
    ssize_t got = pread(hw->file, to, size, tape_offset(hw, frame));
    if (got < 0)
        return -errno;
    memset(to + got, 0, size - (size_t)got);
    return 0;
}

int hardware_listen(const struct hardware *hw, int64_t frame, char *to, int64_t frames) {
    int64_t loop_start = hw->regs->loop_start, loop_frames = hw->regs->loop_frames;
    while (frames > 0) {
        int64_t at = frame, run = frames;
        if (loop_frames > 0 && frame >= loop_start) {
            at = loop_start + (frame - loop_start) % loop_frames;
            if (run > loop_start + loop_frames - at)
                run = loop_start + loop_frames - at;
        }
        int err = listen_straight(hw, at, to, run);
        if (err < 0)
            return err;
        to += (size_t)run * hardware_frame_bytes(hw);
        frame += run;
        frames -= run;
    }
    return 0;
}

int hardware_sound(struct hardware *hw, int64_t frame, const char *from, int64_t frames) {
    size_t size = (size_t)frames * hardware_frame_bytes(hw);
    ssize_t put = pwrite(hw->file, from, size, tape_offset(hw, frame));
    if (put < 0)
        return -errno;
    if ((size_t)put != size)
        return -ENOSPC;
    if (hw->regs->played_end < frame + frames)
        hw->regs->played_end = frame + frames;
    return 0;
}

void hardware_silence_rest(struct hardware *hw, int64_t end) {
    int64_t now = hardware_frame_now(hw);
    if (now >= end)
        return;
    char *silence = calloc((size_t)(end - now), hardware_frame_bytes(hw));
    if (!silence)
        return; /* the tape keeps a few milliseconds too many */
    hardware_sound(hw, now, silence, end - now);
    hw->regs->played_end = now;
    free(silence);
}
