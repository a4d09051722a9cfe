/* A virtual sound card for tests: an ALSA plugin, "type soundcard", on the pretended hardware of hardware.h.
 *
 * libasound calls the functions named on_...; each stream is a `struct card`. Positions: `started` is the frame of the
 * hardware's clock at which the stream began, `moved` the frames that the application has read or written since.
 * The position advances by a millisecond at a time, as that of a USB card does. A timerfd, armed for the moment when
 * the next avail_min frames are due, wakes those who poll.
 *
 * Where this imitates the kernel (a full capture buffer or an empty playback buffer is an xrun, POLLERR comes with it,
 * an unplugged stream answers "No such device" to everything), sound/core/pcm_native.c and pcm_lib.c are meant.
 */
#include "hardware.h"

#include <alsa/asoundlib.h>
#include <alsa/pcm_external.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define NS_PER_S 1000000000LL
#define AT_ONCE 1 /* for a timer: a moment long past */
#define NEVER 0

struct card {
    snd_pcm_ioplug_t io;
    struct hardware hw;
    int running;
    int64_t started, moved;
    int timer, polled; /* polled: somebody has asked for the timer */
    int64_t armed_ns;  /* what it is set to */
    uint32_t unplugs_seen, xruns_seen;
    snd_pcm_uframes_t avail_min, boundary;
    char *prefill; /* what was written before playback started: no frame of the clock belongs to it yet */
};

/* ---- state ---------------------------------------------------------------------------------------------- */

static int is_playback(const struct card *card) {
    return card->io.stream == SND_PCM_STREAM_PLAYBACK;
}

static int is_draining(const struct card *card) {
    return card->io.state == SND_PCM_STATE_DRAINING;
}

/* A stream that was open while its card was unplugged stays dead, also when the card is back. */
static int is_unplugged(const struct card *card) {
    return card->hw.regs->gone || card->unplugs_seen != card->hw.regs->unplugs;
}

/* The step by which the position advances. Without one, libasound's blocking read, which asks again as long as it
 * finds anything, would fetch frame by frame. */
static int64_t burst(const struct card *card) {
    return card->hw.regs->rate / 1000;
}

/* Frames that the hardware has captured or sounded since the stream began. */
static int64_t elapsed(const struct card *card) {
    if (!card->running)
        return 0;
    int64_t frames = hardware_frame_now(&card->hw) - card->started;
    return frames - frames % burst(card);
}

/* Frames that can be read or written now. */
static int64_t available(const struct card *card) {
    if (is_playback(card))
        return (int64_t)card->io.buffer_size - card->moved + elapsed(card);
    return elapsed(card) - card->moved;
}

/* Counts an xrun when it is first seen. */
static int is_xrun(struct card *card) {
    if (card->io.state == SND_PCM_STATE_XRUN)
        return 1;
    if (!card->running || is_draining(card))
        return 0;
    int ordered = card->xruns_seen != card->hw.regs->xruns_ordered;
    card->xruns_seen = card->hw.regs->xruns_ordered;
    if (!ordered && available(card) < (int64_t)card->io.buffer_size)
        return 0;
    card->hw.regs->xruns++;
    return 1;
}

static void stream_stop(struct card *card) {
    if (card->running && is_playback(card))
        hardware_silence_rest(&card->hw, card->started + card->moved);
    card->running = 0;
    card->moved = 0;
}

/* ---- waking those who poll ------------------------------------------------------------------------------ */

static int64_t wake_time(const struct card *card) {
    if (card->io.state == SND_PCM_STATE_XRUN || is_unplugged(card))
        return AT_ONCE; /* the next call tells what is wrong */
    if (!card->running)
        return is_playback(card) ? AT_ONCE : NEVER; /* a capture has nothing until a first read starts it */
    int64_t due = card->moved;
    if (!is_draining(card))
        due += (int64_t)card->avail_min - (is_playback(card) ? (int64_t)card->io.buffer_size : 0);
    if (due <= 0)
        return AT_ONCE;
    int64_t bursts = (due + burst(card) - 1) / burst(card);
    return hardware_time_of_frame(&card->hw, card->started + bursts * burst(card));
}

/* Sets the timer, which takes back a wake-up that has come already. Costs nothing when nothing has changed. */
static void arm(struct card *card) {
    int64_t ns = card->polled ? wake_time(card) : NEVER;
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
    card->polled = 1;
    arm(card);
    *fds = (struct pollfd){.fd = card->timer, .events = POLLIN};
    return 1;
}

static int is_ready(const struct card *card) {
    if (is_draining(card))
        return elapsed(card) >= card->moved;
    return available(card) >= (int64_t)card->avail_min;
}

static int on_poll_revents(snd_pcm_ioplug_t *io, struct pollfd *fds, unsigned int count, unsigned short *revents) {
    struct card *card = io->private_data;
    unsigned short ready = is_playback(card) ? POLLOUT : POLLIN;
    (void)fds, (void)count;
    if (is_unplugged(card)) {
        snd_pcm_ioplug_set_state(io, SND_PCM_STATE_DISCONNECTED);
        *revents = ready | POLLERR;
    } else if (is_xrun(card)) {
        snd_pcm_ioplug_set_state(io, SND_PCM_STATE_XRUN);
        *revents = ready | POLLERR;
    } else {
        *revents = is_ready(card) ? ready : 0;
    }
    arm(card);
    return 0;
}

/* ---- the stream ----------------------------------------------------------------------------------------- */

static snd_pcm_sframes_t on_pointer(snd_pcm_ioplug_t *io) {
    struct card *card = io->private_data;
    if (is_unplugged(card)) {
        /* libasound would take any error from here for an xrun: the state says it, and the position stays. */
        snd_pcm_ioplug_set_state(io, SND_PCM_STATE_DISCONNECTED);
        arm(card);
        return (snd_pcm_sframes_t)io->hw_ptr;
    }
    if (is_xrun(card))
        return -EPIPE;
    arm(card);
    return (snd_pcm_sframes_t)(elapsed(card) % (int64_t)card->boundary);
}

static int write_samples(struct card *card, const char *samples, int64_t frames) {
    size_t width = hardware_frame_bytes(&card->hw);
    if (card->running)
        return hardware_sound(&card->hw, card->started + card->moved, samples, frames);
    memcpy(card->prefill + (size_t)card->moved * width, samples, (size_t)frames * width);
    return 0;
}

static snd_pcm_sframes_t on_transfer(snd_pcm_ioplug_t *io, const snd_pcm_channel_area_t *areas,
                                     snd_pcm_uframes_t offset, snd_pcm_uframes_t size) {
    struct card *card = io->private_data;
    char *samples = (char *)areas->addr + (areas->first + areas->step * offset) / 8;
    int err;
    while (*(volatile uint32_t *)&card->hw.regs->hung)
        usleep(1000);
    if (is_unplugged(card))
        return -ENODEV;
    if (card->hw.regs->transfer_errno)
        return -(snd_pcm_sframes_t)card->hw.regs->transfer_errno;
    if (is_playback(card))
        err = write_samples(card, samples, (int64_t)size);
    else
        err = hardware_listen(&card->hw, card->started + card->moved, samples, (int64_t)size);
    if (err < 0)
        return err;
    card->moved += (int64_t)size;
    card->hw.regs->frames += size;
    arm(card);
    return (snd_pcm_sframes_t)size;
}

static int on_start(snd_pcm_ioplug_t *io) {
    struct card *card = io->private_data;
    if (is_unplugged(card))
        return -ENODEV;
    card->started = hardware_frame_now(&card->hw);
    card->running = 1;
    card->xruns_seen = card->hw.regs->xruns_ordered;
    card->hw.regs->starts++;
    arm(card);
    return is_playback(card) ? hardware_sound(&card->hw, card->started, card->prefill, card->moved) : 0;
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
    card->prefill = malloc(io->buffer_size * hardware_frame_bytes(&card->hw));
    return card->prefill ? 0 : -ENOMEM;
}

static int on_sw_params(snd_pcm_ioplug_t *io, snd_pcm_sw_params_t *params) {
    struct card *card = io->private_data;
    snd_pcm_sw_params_get_avail_min(params, &card->avail_min);
    return snd_pcm_sw_params_get_boundary(params, &card->boundary);
}

/* ---- opening and closing -------------------------------------------------------------------------------- */

static void card_free(struct card *card) {
    hardware_detach(&card->hw);
    if (card->timer >= 0)
        close(card->timer);
    free(card->prefill);
    free(card);
}

static int on_close(snd_pcm_ioplug_t *io) {
    struct card *card = io->private_data;
    stream_stop(card);
    card->hw.regs->closes++;
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

/* What this card can do: s16le, one rate and one number of channels, periods of 16 frames to 0.2 s, 2 to 64 of them. */
static int set_constraints(struct card *card) {
    static const unsigned int access[] = {SND_PCM_ACCESS_RW_INTERLEAVED};
    static const unsigned int format[] = {SND_PCM_FORMAT_S16_LE};
    unsigned int rate = card->hw.regs->rate, channels = card->hw.regs->channels;
    unsigned int width = (unsigned int)hardware_frame_bytes(&card->hw);
    snd_pcm_ioplug_t *io = &card->io;
    int err;
    if ((err = snd_pcm_ioplug_set_param_list(io, SND_PCM_IOPLUG_HW_ACCESS, 1, access)) < 0 ||
        (err = snd_pcm_ioplug_set_param_list(io, SND_PCM_IOPLUG_HW_FORMAT, 1, format)) < 0 ||
        (err = snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_CHANNELS, channels, channels)) < 0 ||
        (err = snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_RATE, rate, rate)) < 0 ||
        (err = snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_PERIOD_BYTES, 16 * width, rate / 5 * width)) < 0)
        return err;
    return snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_PERIODS, 2, 64);
}

/* A card on the file at `path`, known to nobody yet; NULL and *err when that is impossible. */
static struct card *card_new(const char *path, int *err) {
    struct card *card = calloc(1, sizeof *card);
    *err = -ENOMEM;
    if (!card)
        return NULL;
    card->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    *err = hardware_attach(&card->hw, path);
    if (!*err && card->timer < 0)
        *err = -EMFILE;
    if (*err) {
        card_free(card);
        return NULL;
    }
    card->unplugs_seen = card->hw.regs->unplugs;
    return card;
}

static int card_open(snd_pcm_t **pcm, const char *name, const char *path, snd_pcm_stream_t stream, int mode) {
    int err;
    struct card *card = card_new(path, &err);
    if (!card)
        return err;
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
    card->hw.regs->opens++;
    if ((err = set_constraints(card)) < 0) {
        snd_pcm_ioplug_delete(&card->io); /* closes it */
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
