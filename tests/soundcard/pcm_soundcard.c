/* A virtual sound card for tests: an ALSA plugin ("type soundcard") whose hardware is a file.
 *
 * The file starts with one page, `struct registers` below, which the test's side (device.py) maps too: the clock,
 * the faults, the counters. After that page comes the tape: one s16le sample per channel for every frame of the
 * device's clock, frame 0 first. A capture device reads the tape at the frame its clock shows; a playback device
 * records there what its speaker would have sounded. What was never written is a hole in the file, and silence.
 *
 * The clock is arithmetic on CLOCK_MONOTONIC: frame = epoch_frame + (now - epoch_ns) * frames_per_second. Nothing
 * ticks; a timerfd, armed for the moment when the next avail_min frames are due, wakes those who poll.
 *
 * Positions: `started` is the device's frame at which this stream began, `moved` the frames read or written by the
 * application since then. Where a rule imitates the kernel (an xrun is a full capture or an empty playback buffer,
 * POLLERR with it, "No such device" after an unplug) the kernel's sound/core/pcm_native.c and pcm_lib.c are meant.
 */
#include <alsa/asoundlib.h>
#include <alsa/pcm_external.h>
#include <fcntl.h>
#include <math.h>
#include <stdint.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define MAGIC 0x31435356 /* "VSC1"; a change of struct registers needs another one */
#define TAPE_OFFSET 4096
#define NS_PER_S 1000000000LL
/* A stopped clock gives no moment to wake at. Longer than the 100 ms that a careful program polls for, so that its
 * poll times out as on real hardware; short enough for a blocked read to see that the card is gone or runs again. */
#define STALLED_RECHECK_NS 250000000LL

/* Kept equal to Registers in device.py. */
struct registers {
    uint32_t magic, rate, channels, reserved;
    /* Clock. clock_version is odd while the other three change. */
    uint64_t clock_version;
    int64_t epoch_ns;
    double epoch_frame, frames_per_second;
    /* A capture tape that repeats: from loop_start on, the loop_frames there are heard again and again. */
    int64_t loop_start, loop_frames;
    /* Faults. `unplugs` and `xruns_ordered` count, so that a stream notices one that is already over. */
    uint32_t gone, busy, unplugs, xruns_ordered, transfer_errno, reserved2;
    /* Counters, written here. played_end: one past the last frame ever written to a playback device. */
    uint64_t opens, closes, starts, frames, xruns;
    int64_t played_end;
};

struct card {
    snd_pcm_ioplug_t io;
    struct registers *regs;
    int file, timer;
    int running;
    int64_t started, moved;
    int64_t armed_ns; /* what the timer is set to; 0 = never */
    uint32_t unplugs_seen, xruns_seen;
    snd_pcm_uframes_t avail_min, boundary;
    int16_t *prefill; /* what playback wrote before it started, when no frame of the clock belongs to it yet */
};

struct clock {
    int64_t epoch_ns;
    double epoch_frame, frames_per_second;
};

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

static int64_t frame_now(const struct card *card) {
    struct clock c = clock_read(card->regs);
    return (int64_t)floor(c.epoch_frame + (double)(monotonic_ns() - c.epoch_ns) / NS_PER_S * c.frames_per_second);
}

/* The moment at which frame_now() has reached `frame`: one microsecond late, so that rounding never makes it early. */
static int64_t time_of_frame(const struct card *card, int64_t frame) {
    struct clock c = clock_read(card->regs);
    if (c.frames_per_second <= 0)
        return monotonic_ns() + STALLED_RECHECK_NS;
    return c.epoch_ns + (int64_t)(((double)frame - c.epoch_frame) / c.frames_per_second * NS_PER_S) + 1000;
}

/* ---- tape ----------------------------------------------------------------------------------------------- */

static size_t frame_bytes(const struct card *card) {
    return sizeof(int16_t) * card->regs->channels;
}

static off_t tape_offset(const struct card *card, int64_t frame) {
    return TAPE_OFFSET + (off_t)frame * (off_t)frame_bytes(card);
}

/* Reads one unbroken run; what the file does not hold is silence. */
static int tape_read_run(const struct card *card, int64_t frame, char *to, int64_t frames) {
    size_t size = (size_t)frames * frame_bytes(card);
    ssize_t got = frame < 0 ? 0 : pread(card->file, to, size, tape_offset(card, frame));
    if (got < 0)
        return -errno;
    memset(to + got, 0, size - (size_t)got);
    return 0;
}

static int tape_read(const struct card *card, int64_t frame, char *to, int64_t frames) {
    int64_t loop_start = card->regs->loop_start, loop_frames = card->regs->loop_frames;
    while (frames > 0) {
        int64_t at = frame, run = frames;
        if (loop_frames > 0 && frame >= loop_start) {
            at = loop_start + (frame - loop_start) % loop_frames;
            if (run > loop_start + loop_frames - at)
                run = loop_start + loop_frames - at;
        }
        int err = tape_read_run(card, at, to, run);
        if (err < 0)
            return err;
        to += (size_t)run * frame_bytes(card);
        frame += run;
        frames -= run;
    }
    return 0;
}

static int tape_write(struct card *card, int64_t frame, const char *from, int64_t frames) {
    size_t size = (size_t)frames * frame_bytes(card);
    ssize_t put = pwrite(card->file, from, size, tape_offset(card, frame));
    if (put != (ssize_t)size)
        return put < 0 ? -errno : -ENOSPC;
    if (card->regs->played_end < frame + frames)
        card->regs->played_end = frame + frames;
    return 0;
}

/* What was queued and never sounded (drop, an ordered xrun) is taken off the tape. */
static void tape_erase_unplayed(struct card *card) {
    int64_t now = frame_now(card), end = card->started + card->moved;
    char *silence = now < end ? calloc((size_t)(end - now), frame_bytes(card)) : NULL;
    if (!silence)
        return;
    tape_write(card, now, silence, end - now);
    card->regs->played_end = now;
    free(silence);
}

/* ---- state ---------------------------------------------------------------------------------------------- */

static int is_playback(const struct card *card) {
    return card->io.stream == SND_PCM_STREAM_PLAYBACK;
}

/* A stream that was open while its card was unplugged stays dead, also when the card is back. */
static int is_unplugged(const struct card *card) {
    return card->regs->gone || card->unplugs_seen != card->regs->unplugs;
}

/* Frames that the hardware has captured or sounded since the stream began. */
static int64_t elapsed(const struct card *card) {
    if (!card->running)
        return 0;
    int64_t frames = frame_now(card) - card->started;
    if (card->io.state == SND_PCM_STATE_DRAINING && is_playback(card) && frames > card->moved)
        frames = card->moved;
    return frames < 0 ? 0 : frames;
}

/* Frames that can be read or written now. */
static int64_t available(const struct card *card) {
    if (is_playback(card))
        return (int64_t)card->io.buffer_size - card->moved + elapsed(card);
    return elapsed(card) - card->moved;
}

static int is_xrun(struct card *card) {
    if (card->io.state == SND_PCM_STATE_XRUN)
        return 1;
    if (!card->running || card->io.state == SND_PCM_STATE_DRAINING)
        return 0;
    int ordered = card->xruns_seen != card->regs->xruns_ordered;
    card->xruns_seen = card->regs->xruns_ordered;
    if (!ordered && available(card) < (int64_t)card->io.buffer_size)
        return 0;
    card->regs->xruns++;
    return 1;
}

static void stream_stop(struct card *card) {
    if (card->running && is_playback(card))
        tape_erase_unplayed(card);
    card->running = 0;
    card->moved = 0;
}

/* ---- waking those who poll ------------------------------------------------------------------------------ */

static int64_t wake_time(const struct card *card) {
    if (card->io.state == SND_PCM_STATE_XRUN || is_unplugged(card))
        return 1; /* at once: the next call tells what is wrong */
    if (!card->running)
        return is_playback(card) ? 1 : 0; /* a prepared capture has nothing until a first read starts it */
    int64_t wanted = card->started + card->moved; /* capture: data; a draining playback: all of it sounded */
    if (is_playback(card) && card->io.state != SND_PCM_STATE_DRAINING)
        wanted += (int64_t)card->avail_min - (int64_t)card->io.buffer_size;
    else if (!is_playback(card))
        wanted += (int64_t)card->avail_min;
    int64_t ns = time_of_frame(card, wanted);
    return ns < 1 ? 1 : ns;
}

/* Sets the timer, which also takes back a wake-up that was already due; free of charge when nothing has changed. */
static void arm(struct card *card) {
    int64_t ns = wake_time(card);
    if (ns == card->armed_ns)
        return;
    struct itimerspec when = {.it_value = {.tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S}};
    timerfd_settime(card->timer, TFD_TIMER_ABSTIME, &when, NULL);
    card->armed_ns = ns;
}

static int on_poll_descriptors(snd_pcm_ioplug_t *io, struct pollfd *fds, unsigned int space) {
    struct card *card = io->private_data;
    if (space < 1)
        return 0;
    arm(card);
    *fds = (struct pollfd){.fd = card->timer, .events = POLLIN};
    return 1;
}

static int on_poll_revents(snd_pcm_ioplug_t *io, struct pollfd *fds, unsigned int count, unsigned short *revents) {
    struct card *card = io->private_data;
    unsigned short ready = is_playback(card) ? POLLOUT : POLLIN;
    (void)fds, (void)count;
    *revents = 0;
    if (is_unplugged(card)) {
        snd_pcm_ioplug_set_state(io, SND_PCM_STATE_DISCONNECTED);
        *revents = ready | POLLERR;
    } else if (is_xrun(card)) {
        snd_pcm_ioplug_set_state(io, SND_PCM_STATE_XRUN);
        *revents = ready | POLLERR;
    } else if (io->state == SND_PCM_STATE_DRAINING) {
        if (elapsed(card) >= card->moved)
            *revents = ready;
    } else if (available(card) >= (int64_t)card->avail_min) {
        *revents = ready;
    }
    if (!*revents)
        arm(card);
    return 0;
}

/* ---- the stream, as libasound drives it ----------------------------------------------------------------- */

static snd_pcm_sframes_t on_pointer(snd_pcm_ioplug_t *io) {
    struct card *card = io->private_data;
    if (is_unplugged(card)) {
        /* libasound takes every error from here for an xrun, so the state is set and the position stays. */
        snd_pcm_ioplug_set_state(io, SND_PCM_STATE_DISCONNECTED);
        arm(card);
        return (snd_pcm_sframes_t)io->hw_ptr;
    }
    if (is_xrun(card))
        return -EPIPE;
    arm(card);
    return (snd_pcm_sframes_t)(elapsed(card) % (int64_t)card->boundary);
}

static int transfer_playback(struct card *card, const char *samples, int64_t frames) {
    if (card->running)
        return tape_write(card, card->started + card->moved, samples, frames);
    memcpy((char *)card->prefill + (size_t)card->moved * frame_bytes(card), samples, (size_t)frames * frame_bytes(card));
    return 0;
}

static snd_pcm_sframes_t on_transfer(snd_pcm_ioplug_t *io, const snd_pcm_channel_area_t *areas,
                                     snd_pcm_uframes_t offset, snd_pcm_uframes_t size) {
    struct card *card = io->private_data;
    char *samples = (char *)areas->addr + (areas->first + areas->step * offset) / 8;
    int err;
    if (is_unplugged(card))
        return -ENODEV;
    if (card->regs->transfer_errno)
        return -(snd_pcm_sframes_t)card->regs->transfer_errno;
    if (is_playback(card))
        err = transfer_playback(card, samples, (int64_t)size);
    else
        err = tape_read(card, card->started + card->moved, samples, (int64_t)size);
    if (err < 0)
        return err;
    card->moved += (int64_t)size;
    card->regs->frames += size;
    arm(card);
    return (snd_pcm_sframes_t)size;
}

static int on_start(snd_pcm_ioplug_t *io) {
    struct card *card = io->private_data;
    if (is_unplugged(card))
        return -ENODEV;
    card->started = frame_now(card);
    card->running = 1;
    card->xruns_seen = card->regs->xruns_ordered;
    card->regs->starts++;
    arm(card);
    return is_playback(card) ? tape_write(card, card->started, (char *)card->prefill, card->moved) : 0;
}

static int on_stop(snd_pcm_ioplug_t *io) {
    stream_stop(io->private_data);
    return 0;
}

static int on_prepare(snd_pcm_ioplug_t *io) {
    struct card *card = io->private_data;
    if (is_unplugged(card))
        return -ENODEV;
    stream_stop(card);
    return 0;
}

static int on_hw_params(snd_pcm_ioplug_t *io, snd_pcm_hw_params_t *params) {
    struct card *card = io->private_data;
    (void)params;
    free(card->prefill);
    card->prefill = is_playback(card) ? malloc(io->buffer_size * frame_bytes(card)) : NULL;
    return is_playback(card) && !card->prefill ? -ENOMEM : 0;
}

static int on_sw_params(snd_pcm_ioplug_t *io, snd_pcm_sw_params_t *params) {
    struct card *card = io->private_data;
    snd_pcm_sw_params_get_avail_min(params, &card->avail_min);
    return snd_pcm_sw_params_get_boundary(params, &card->boundary);
}

/* ---- opening and closing -------------------------------------------------------------------------------- */

static void card_free(struct card *card) {
    if (card->regs != MAP_FAILED)
        munmap(card->regs, TAPE_OFFSET);
    if (card->timer >= 0)
        close(card->timer);
    if (card->file >= 0)
        close(card->file); /* gives the lock back */
    free(card->prefill);
    free(card);
}

static int on_close(snd_pcm_ioplug_t *io) {
    struct card *card = io->private_data;
    stream_stop(card);
    card->regs->closes++;
    card_free(card);
    return 0;
}

static const snd_pcm_ioplug_callback_t callbacks = {
    .start = on_start,
    .stop = on_stop,
    .pointer = on_pointer,
    .transfer = on_transfer,
    .close = on_close,
    .hw_params = on_hw_params,
    .sw_params = on_sw_params,
    .prepare = on_prepare,
    .poll_descriptors = on_poll_descriptors,
    .poll_revents = on_poll_revents,
};

/* As with a hw: device, one stream at a time: the lock on the file is held while it is open. */
static int card_attach(struct card *card, const char *path) {
    card->file = open(path, O_RDWR | O_CLOEXEC);
    if (card->file < 0)
        return -errno; /* no such card: "No such file or directory" */
    card->regs = mmap(NULL, TAPE_OFFSET, PROT_READ | PROT_WRITE, MAP_SHARED, card->file, 0);
    if (card->regs == MAP_FAILED)
        return -errno;
    if (card->regs->magic != MAGIC) {
        SNDERR("soundcard: %s was not made by the device.py of this version", path);
        return -EINVAL;
    }
    if (card->regs->gone)
        return -ENODEV;
    if (card->regs->busy || flock(card->file, LOCK_EX | LOCK_NB) < 0)
        return -EBUSY;
    card->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    card->unplugs_seen = card->regs->unplugs;
    return card->timer < 0 ? -errno : 0;
}

/* What this card can do: s16le, one rate and one number of channels, periods of 16 frames to 0.2 s, 2 to 64 of them. */
static int card_constrain(struct card *card) {
    static const unsigned int access[] = {SND_PCM_ACCESS_RW_INTERLEAVED};
    static const unsigned int format[] = {SND_PCM_FORMAT_S16_LE};
    unsigned int rate = card->regs->rate, channels = card->regs->channels, bytes = (unsigned int)frame_bytes(card);
    snd_pcm_ioplug_t *io = &card->io;
    int err;
    if ((err = snd_pcm_ioplug_set_param_list(io, SND_PCM_IOPLUG_HW_ACCESS, 1, access)) < 0 ||
        (err = snd_pcm_ioplug_set_param_list(io, SND_PCM_IOPLUG_HW_FORMAT, 1, format)) < 0 ||
        (err = snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_CHANNELS, channels, channels)) < 0 ||
        (err = snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_RATE, rate, rate)) < 0 ||
        (err = snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_PERIOD_BYTES, 16 * bytes, rate / 5 * bytes)) < 0)
        return err;
    return snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_PERIODS, 2, 64);
}

static int card_open(snd_pcm_t **pcm, const char *name, const char *path, snd_pcm_stream_t stream, int mode) {
    struct card *card = calloc(1, sizeof *card);
    int err;
    if (!card)
        return -ENOMEM;
    card->regs = MAP_FAILED;
    card->timer = -1;
    if ((err = card_attach(card, path)) < 0) {
        card_free(card);
        return err;
    }
    card->io = (snd_pcm_ioplug_t){
        .version = SND_PCM_IOPLUG_VERSION,
        .name = "virtual sound card",
        .flags = SND_PCM_IOPLUG_FLAG_MONOTONIC | SND_PCM_IOPLUG_FLAG_BOUNDARY_WA,
        .poll_fd = card->timer,
        .poll_events = POLLIN,
        .callback = &callbacks,
        .private_data = card,
    };
    if ((err = snd_pcm_ioplug_create(&card->io, name, stream, mode)) < 0) {
        card_free(card);
        return err;
    }
    card->regs->opens++;
    if ((err = card_constrain(card)) < 0) {
        snd_pcm_ioplug_delete(&card->io); /* calls on_close */
        return err;
    }
    *pcm = card->io.pcm;
    return 0;
}

/* pcm.NAME { type soundcard file "/path/of/the/device" } */
SND_PCM_PLUGIN_DEFINE_FUNC(soundcard) {
    snd_config_iterator_t entry, next;
    const char *path = NULL;
    (void)root;
    snd_config_for_each(entry, next, conf) {
        snd_config_t *node = snd_config_iterator_entry(entry);
        const char *id;
        if (snd_config_get_id(node, &id) < 0 || !strcmp(id, "comment") || !strcmp(id, "type") || !strcmp(id, "hint"))
            continue;
        if (strcmp(id, "file") || snd_config_get_string(node, &path) < 0) {
            SNDERR("soundcard: %s is not a key of this type; it has one, file, a path", id);
            return -EINVAL;
        }
    }
    if (!path) {
        SNDERR("soundcard: name the device with file \"/path\"");
        return -EINVAL;
    }
    return card_open(pcmp, name, path, stream, mode);
}
SND_PCM_PLUGIN_SYMBOL(soundcard);
