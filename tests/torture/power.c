/* SPDX-License-Identifier: Apache-2.0 */
/*
 * power.c: the states that a power cut may leave, and whether the invariants hold in each.
 *
 * The model is the weakest that POSIX lets one expect and file systems are known to use:
 *  - a change of names (create, link, rename, exchange, unlink, mkdir) is atomic, and durable
 *    once its folder was synced; before that any subset of the changes may be there. So it
 *    holds what a journal with one order leaves (any prefix), and one order a folder;
 *  - the bytes of a file are durable once it was synced; before that they may be absent,
 *    there, zero with the new size, or torn at 4 KiB or 512 bytes, with any size between;
 *  - what a failed fsync should have written is never durable, whatever is synced later;
 *  - what returned before the cut is owed.
 */
#include <stdlib.h>

#include "power_own.h"

enum { SEEN_BITS = 21 };

struct machine {
    const struct scenario *scenario;
    const struct power_limits *limits;
    struct power_result *out;
    struct power_state state; /* of the cut and the state in hand */
    struct client client;
    char folder[PATH_BYTES], root[PATH_BYTES];
    uint64_t *seen;
    struct rng rng;
    /* the steps so far */
    int ended, begun, code;
    struct expect expect;
};

/* ---- one state ---- */

static uint64_t hash(const struct machine *m)
{
    uint64_t h =
        0xcbf29ce484222325u ^ (uint64_t)m->ended << 32 ^ (uint64_t)m->begun << 40;

    for (size_t i = 0; i < m->state.tree_bytes; i++) {
        h = (h ^ m->state.tree[i]) * 0x100000001b3u;
    }
    return h ? h : 1;
}

static bool is_new(struct machine *m)
{
    uint64_t h = hash(m);
    size_t mask = ((size_t)1 << SEEN_BITS) - 1, at = (size_t)(h ^ (h >> 29)) & mask;

    for (size_t i = 0; i < mask && m->seen[at]; i++) {
        if (m->seen[at] == h) {
            return false;
        }
        at = (at + 1) & mask;
    }
    m->seen[at] = h;
    return true;
}

static void tell_state(struct machine *m, const char *why)
{
    char *text = m->out->why;

    if (m->out->violations++) {
        return;
    }
    (void)say(text, "cut %zu, %d steps had ended, behind \"%s\"", m->out->cuts, m->ended,
              m->state.replay->meta_count
                  ? m->state.replay->meta[m->state.replay->meta_count - 1].text
                  : "");
    for (size_t i = 0; i < m->state.pending_count; i++) {
        (void)say(text, "%s %s", m->state.chosen[i] ? "done" : "lost",
                  m->state.replay->meta[m->state.pending[i]].text);
    }
    for (size_t i = 0; i < m->state.replay->node_count; i++) {
        if (!m->state.replay->node[i]->is_folder &&
            power_is_unsynced(m->state.replay->node[i])) {
            (void)say(text, "file %zu %s", i,
                      m->state.mode[i] == ABSENT    ? "absent"
                      : m->state.mode[i] == PRESENT ? "present"
                      : m->state.mode[i] == ZERO    ? "zero"
                                                    : "torn");
        }
    }
    (void)say(text, "%s", why);
}

static void check_state(struct machine *m)
{
    char why[TEXT_BYTES] = "";
    struct ff_error e = FF_ERROR_INIT;

    m->out->states++;
    power_flatten(&m->state);
    if (!is_new(m)) {
        return;
    }
    m->out->distinct++;
    scratch_clear(m->folder);
    power_write(&m->state, m->folder);
    if (!client_switch(&m->client, m->root, &e)) {
        (void)say(why, "I6: open: %d %s: %s", e.code, e.place, e.message);
        tell_state(m, why);
    } else if (!invariants_of(&m->client, m->root, &m->expect, 0, why)) {
        tell_state(m, why);
    }
}

static bool is_over(const struct machine *m)
{
    return (m->limits->stop_at_first && m->out->violations) ||
           now_s() > m->limits->until_s;
}

/* ---- all states of a cut, or some ---- */

static void all_modes(struct machine *m, enum mode mode)
{
    for (size_t i = 0; i < m->state.replay->node_count; i++) {
        m->state.mode[i] = mode;
    }
}

/* Numbers 0 .. count-1 as choices: names first, then modes of the unsynced files. */
static void choose(struct machine *m, uint64_t number, const size_t *files,
                   size_t file_count)
{
    for (size_t i = 0; i < m->state.pending_count; i++, number /= 2) {
        m->state.chosen[i] = number % 2;
    }
    all_modes(m, ABSENT);
    for (size_t i = 0; i < file_count; i++, number /= MODES) {
        m->state.mode[files[i]] = (enum mode)(number % MODES);
    }
}

static void choose_randomly(struct machine *m, const size_t *files, size_t file_count)
{
    size_t shape = rng_below(&m->rng, 3),
           prefix = rng_below(&m->rng, m->state.pending_count + 1);
    size_t odd = rng_below(&m->rng, m->state.pending_count + 1);

    for (size_t i = 0; i < m->state.pending_count; i++) {
        m->state.chosen[i] = shape == 0   ? i < prefix
                             : shape == 1 ? (i < prefix) != (i == odd)
                                          : rng_below(&m->rng, 2) == 1;
    }
    for (size_t i = 0; i < file_count; i++) {
        m->state.mode[files[i]] = (enum mode)rng_below(&m->rng, MODES);
    }
    m->state.torn_seed = rng_next(&m->rng);
}

/* Nothing of what is pending, all of it, and every prefix: always tried. */
static void plain_states(struct machine *m)
{
    for (size_t prefix = 0; prefix <= m->state.pending_count && !is_over(m); prefix++) {
        for (size_t i = 0; i < m->state.pending_count; i++) {
            m->state.chosen[i] = i < prefix;
        }
        for (int mode = ABSENT; mode < MODES; mode++) {
            all_modes(m, (enum mode)mode);
            check_state(m);
        }
    }
}

static size_t unsynced_files(const struct machine *m, size_t *files)
{
    size_t count = 0;

    for (size_t i = 0; i < m->state.replay->node_count; i++) {
        if (!m->state.replay->node[i]->is_folder &&
            power_is_unsynced(m->state.replay->node[i])) {
            files[count++] = i;
        }
    }
    return count;
}

static void find_pending(struct machine *m)
{
    m->state.pending_count = 0;
    for (size_t i = 0; i < m->state.replay->meta_count; i++) {
        if (!m->state.replay->meta[i].durable && m->state.pending_count < PENDING_MAX) {
            m->state.pending[m->state.pending_count++] = i;
        }
    }
}

static void cut_here(struct machine *m)
{
    size_t files[NODE_MAX], file_count = unsynced_files(m, files), bits;

    find_pending(m);
    m->out->cuts++;
    m->state.torn_seed = rng_next(&m->rng);
    expect_after(m->scenario, m->ended, m->begun > m->ended, m->code, &m->expect);
    bits = m->state.pending_count + 2 * file_count;
    if (bits < 60 && (uint64_t)1 << bits <= m->limits->each_cut) {
        for (uint64_t i = 0; i < (uint64_t)1 << bits && !is_over(m); i++) {
            choose(m, i, files, file_count);
            check_state(m);
        }
        return;
    }
    m->out->complete = false;
    plain_states(m);
    for (size_t i = 0; i < m->limits->each_cut && !is_over(m); i++) {
        choose_randomly(m, files, file_count);
        check_state(m);
    }
}

/* ---- the log ---- */

static void note_step(struct machine *m)
{
    const struct fault_record *r = &m->state.replay->last;
    bool wanted;

    if (r->op != OP_MARK) {
        return;
    }
    wanted = r->flags && r->result == m->scenario->action[r->fd].want;
    m->begun = r->fd + 1;
    m->ended = wanted ? r->fd + 1 : r->fd;
    m->code = r->flags && !wanted ? r->result : 0;
}

static void run_log(struct machine *m)
{
    while (!is_over(m) && replay_next(m->state.replay)) {
        note_step(m);
        if (m->state.replay->changed && !m->limits->only_end) {
            cut_here(m);
        }
    }
    if (m->limits->only_end) {
        cut_here(m);
    }
    m->out->ended = !m->state.replay->faulty && m->state.pending_count < PENDING_MAX;
    m->out->complete &= now_s() <= m->limits->until_s;
}

struct job {
    const struct scenario *scenario;
    const char *world, *before;
    int log_fd;
    const struct power_limits *limits;
    struct power_result *out; /* shared */
};

static bool work(void *ctx)
{
    static struct replay replay;
    static struct machine m;
    const struct job *j = ctx;
    struct ff_error e = FF_ERROR_INIT;

    m = (struct machine){.scenario = j->scenario,
                         .limits = j->limits,
                         .out = j->out,
                         .rng = {j->limits->seed},
                         .seen = calloc((size_t)1 << SEEN_BITS, sizeof *m.seen)};
    m.out->complete = true;
    if (!m.seen || !power_state_init(&m.state, &replay) ||
        !scratch_make(m.folder, "cut") ||
        !replay_begin(&replay, j->world, j->before, j->log_fd)) {
        return say(m.out->why, "the log cannot be read");
    }
    (void)snprintf(m.root, sizeof m.root, "%s/store", m.folder);
    if (client_open(&m.client, m.root, NULL, &e)) {
        run_log(&m);
    } else {
        (void)say(m.out->why, "open: %d %s: %s", e.code, e.place, e.message);
    }
    client_close(&m.client);
    scratch_remove(m.folder);
    return m.out->ended;
}

/* In a child: what crashes there is told, and its memory goes with it. */
void power_check(const struct scenario *s, const char *world, const char *before,
                 int log_fd, const struct power_limits *limits, struct power_result *out)
{
    static struct power_result *shared;
    struct job j = {s, world, before, log_fd, limits, NULL};
    enum child_end end;

    shared = shared ? shared : shared_memory(sizeof *shared);
    if (!shared) {
        abort();
    }
    memset(shared, 0, sizeof *shared);
    j.out = shared;
    end = in_child(work, &j, torture_long() ? 3600 : 180);
    *out = *shared;
    if (!out->ended) {
        (void)say(out->why, "the check ended %s", child_end_name[end]);
        out->violations++;
    }
}

size_t power_syncs(const char *world, const char *before, int log_fd,
                   bool works[SYNCS_MAX])
{
    static struct replay r;
    size_t count = 0;

    if (!replay_begin(&r, world, before, log_fd)) {
        abort();
    }
    while (replay_next(&r)) {
        bool is_sync =
            r.last.op == OP_FSYNC || r.last.op == OP_FDATASYNC || r.last.op == OP_SYNCFS;

        if (is_sync && r.last.flags && r.last.actor == 0) {
            works[count < SYNCS_MAX ? count : SYNCS_MAX - 1] = !r.idle;
            count++;
        }
    }
    replay_end(&r);
    return count;
}

void power_show(const char *world, const char *before, int log_fd)
{
    static struct replay r;

    if (!replay_begin(&r, world, before, log_fd)) {
        abort();
    }
    while (replay_next(&r)) {
        const char *text = (const char *)r.log + r.at - r.last.data_bytes -
                           r.last.other_bytes - r.last.path_bytes;

        tap_note("%d %s fd %d %s%s%s result %d%s", r.last.actor, fault_op_name[r.last.op],
                 r.last.fd, r.last.path_bytes ? text : "",
                 r.last.other_bytes ? " -> " : "",
                 r.last.other_bytes ? text + r.last.path_bytes : "", r.last.result,
                 r.idle ? "" : " *");
    }
    replay_end(&r);
}
