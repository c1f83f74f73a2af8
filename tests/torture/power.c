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
#include <sys/stat.h>
#include <unistd.h>

#include "replay.h"

enum { PENDING_MAX = 256, SEEN_BITS = 21, MODES = 4, TREE_BYTES = 1 << 22 };

/* What an unsynced file may hold. */
enum mode { ABSENT, PRESENT, ZERO, TORN };

struct machine {
    const struct scenario *scenario;
    const struct power_limits *limits;
    struct power_result *out;
    struct replay *replay;
    struct client client;
    char folder[PATH_BYTES], root[PATH_BYTES];
    uint64_t *seen;
    struct rng rng;
    /* the steps so far */
    int ended, begun, code;
    struct expect expect;
    /* of the cut in hand */
    size_t pending[PENDING_MAX], pending_count;
    /* of the state in hand */
    bool chosen[PENDING_MAX];
    enum mode mode[NODE_MAX];
    uint64_t torn_seed;
    struct replay_names names[NODE_MAX]; /* of each folder */
    bool built[NODE_MAX];
    uint8_t *tree; /* the state, flat: what is hashed and written out */
    size_t tree_bytes;
};

/* ---- the bytes of a file ---- */

struct content {
    uint8_t *data;
    size_t size_bytes, room;
};

static void grow(struct content *c, size_t size_bytes)
{
    if (size_bytes > c->room) {
        c->room = size_bytes * 2;
        c->data = realloc(c->data, c->room);
        if (!c->data) {
            abort();
        }
    }
    if (size_bytes > c->size_bytes) {
        memset(c->data + c->size_bytes, 0, size_bytes - c->size_bytes);
        c->size_bytes = size_bytes;
    }
}

static void put_bytes(struct content *c, const struct replay_write *w, size_t from,
                      size_t to)
{
    size_t at = (size_t)w->offset;

    grow(c, at + to);
    memcpy(c->data + at + from, w->data + from, to - from);
}

static void put_size(struct content *c, const struct replay_write *w)
{
    size_t end = (size_t)w->offset;

    if (end < c->size_bytes && !w->grows_only) {
        c->size_bytes = end;
    }
    if (end > c->size_bytes) {
        grow(c, end);
    }
}

/* Some of the blocks of a write, by chance. */
static void put_torn(struct content *c, const struct replay_write *w, struct rng *r)
{
    size_t block = rng_below(r, 2) ? 4096 : 512, at = 0;

    while (at < w->size_bytes) {
        size_t end = ((size_t)w->offset + at) / block * block + block - (size_t)w->offset;

        end = end < w->size_bytes ? end : w->size_bytes;
        if (rng_below(r, 2)) {
            put_bytes(c, w, at, end);
        }
        at = end;
    }
}

static void put_write(struct content *c, const struct replay_write *w, enum mode mode,
                      struct rng *r)
{
    if (mode == ABSENT) {
        return;
    }
    if (!w->data) {
        if (mode != TORN || rng_below(r, 2)) {
            put_size(c, w);
        }
    } else if (mode == PRESENT) {
        put_bytes(c, w, 0, w->size_bytes);
    } else if (mode == ZERO) {
        grow(c, (size_t)w->offset + w->size_bytes);
    } else {
        put_torn(c, w, r);
    }
}

static bool is_durable(const struct replay_node *n, size_t i)
{
    return i < n->synced && !n->writes[i].lost;
}

static bool is_unsynced(const struct replay_node *n)
{
    for (size_t i = 0; i < n->write_count; i++) {
        if (!is_durable(n, i)) {
            return true;
        }
    }
    return false;
}

static void content_of(const struct machine *m, const struct replay_node *n,
                       enum mode mode, struct content *c)
{
    struct rng r = {m->torn_seed};
    size_t kept = 0;

    c->size_bytes = 0;
    grow(c, n->base_bytes + 1);
    c->size_bytes = n->base_bytes;
    if (n->base_bytes) {
        memcpy(c->data, n->base, n->base_bytes);
    }
    for (size_t i = 0; i < n->write_count; i++) {
        put_write(c, &n->writes[i], is_durable(n, i) ? PRESENT : mode, &r);
        kept = is_durable(n, i) ? c->size_bytes : kept;
    }
    if (mode == TORN && is_unsynced(n) && c->size_bytes > kept && rng_below(&r, 2)) {
        c->size_bytes = kept + rng_below(&r, c->size_bytes - kept);
    }
}

/* ---- a state as a flat tree ---- */

static size_t node_index(const struct replay *r, const struct replay_node *n)
{
    size_t i = 0;

    while (i < r->node_count && r->node[i] != n) {
        i++;
    }
    return i;
}

static void copy_names(struct replay_names *to, const struct replay_names *from)
{
    to->count = 0;
    for (size_t i = 0; i < from->count; i++) {
        replay_set(NULL, to, from->items[i].name, from->items[i].node);
    }
}

static void build_names(struct machine *m)
{
    struct replay *r = m->replay;
    size_t next = 0;

    for (size_t i = 0; i < r->node_count; i++) {
        copy_names(&m->names[i], &r->node[i]->first);
    }
    for (size_t i = 0; i < r->meta_count; i++) {
        const struct replay_meta *meta = &r->meta[i];
        bool there = meta->durable;

        if (!there && next < m->pending_count) {
            there = m->chosen[next++];
        }
        for (int u = 0; there && u < meta->count; u++) {
            replay_set(NULL, &m->names[node_index(r, meta->update[u].folder)],
                       meta->update[u].name, meta->update[u].node);
        }
    }
}

static void emit(struct machine *m, const void *data, size_t size_bytes)
{
    if (m->tree_bytes + size_bytes > TREE_BYTES) {
        abort();
    }
    memcpy(m->tree + m->tree_bytes, data, size_bytes);
    m->tree_bytes += size_bytes;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct replay_entry *)a)->name,
                  ((const struct replay_entry *)b)->name);
}

static void emit_folder(struct machine *m, const struct replay_node *folder,
                        unsigned depth, struct content *c)
{
    struct replay_names *names = &m->names[node_index(m->replay, folder)];

    if (names->count) {
        qsort(names->items, names->count, sizeof *names->items, by_name);
    }
    for (size_t i = 0; depth < 8 && i < names->count; i++) {
        const struct replay_node *n = names->items[i].node;
        size_t size = 0;

        emit(m, n->is_folder ? "D" : "F", 1);
        emit(m, names->items[i].name, strlen(names->items[i].name) + 1);
        if (n->is_folder) {
            emit_folder(m, n, depth + 1, c);
        } else {
            content_of(m, n, m->mode[node_index(m->replay, n)], c);
            size = c->size_bytes;
            emit(m, &size, sizeof size);
            emit(m, c->data, size);
        }
    }
    emit(m, "E", 1);
}

static void flatten(struct machine *m)
{
    static struct content c;

    m->tree_bytes = 0;
    build_names(m);
    emit_folder(m, m->replay->top, 0, &c);
}

/* Writes the flat tree out; returns where the folder's records end. */
static const uint8_t *write_folder(const uint8_t *at, const char *path)
{
    while (*at != 'E') {
        bool is_folder = *at == 'D';
        const char *name = (const char *)at + 1;
        char child[PATH_BYTES * 2];
        size_t size;
        int fd;

        at += strlen(name) + 2;
        (void)snprintf(child, sizeof child, "%s/%s", path, name);
        if (is_folder) {
            (void)mkdir(child, 0777);
            at = write_folder(at, child);
            continue;
        }
        memcpy(&size, at, sizeof size);
        fd = open(child, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd < 0 || write(fd, at + sizeof size, size) != (ssize_t)size || close(fd)) {
            abort();
        }
        at += sizeof size + size;
    }
    return at + 1;
}

/* ---- one state ---- */

static uint64_t hash(const struct machine *m)
{
    uint64_t h =
        0xcbf29ce484222325u ^ (uint64_t)m->ended << 32 ^ (uint64_t)m->begun << 40;

    for (size_t i = 0; i < m->tree_bytes; i++) {
        h = (h ^ m->tree[i]) * 0x100000001b3u;
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
              m->replay->meta_count ? m->replay->meta[m->replay->meta_count - 1].text
                                    : "");
    for (size_t i = 0; i < m->pending_count; i++) {
        (void)say(text, "%s %s", m->chosen[i] ? "done" : "lost",
                  m->replay->meta[m->pending[i]].text);
    }
    for (size_t i = 0; i < m->replay->node_count; i++) {
        if (!m->replay->node[i]->is_folder && is_unsynced(m->replay->node[i])) {
            (void)say(text, "file %zu %s", i,
                      m->mode[i] == ABSENT    ? "absent"
                      : m->mode[i] == PRESENT ? "present"
                      : m->mode[i] == ZERO    ? "zero"
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
    flatten(m);
    if (!is_new(m)) {
        return;
    }
    m->out->distinct++;
    scratch_clear(m->folder);
    (void)write_folder(m->tree, m->folder);
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
    for (size_t i = 0; i < m->replay->node_count; i++) {
        m->mode[i] = mode;
    }
}

/* Numbers 0 .. count-1 as choices: names first, then modes of the unsynced files. */
static void choose(struct machine *m, uint64_t number, const size_t *files,
                   size_t file_count)
{
    for (size_t i = 0; i < m->pending_count; i++, number /= 2) {
        m->chosen[i] = number % 2;
    }
    all_modes(m, ABSENT);
    for (size_t i = 0; i < file_count; i++, number /= MODES) {
        m->mode[files[i]] = (enum mode)(number % MODES);
    }
}

static void choose_randomly(struct machine *m, const size_t *files, size_t file_count)
{
    size_t shape = rng_below(&m->rng, 3),
           prefix = rng_below(&m->rng, m->pending_count + 1);
    size_t odd = rng_below(&m->rng, m->pending_count + 1);

    for (size_t i = 0; i < m->pending_count; i++) {
        m->chosen[i] = shape == 0   ? i < prefix
                       : shape == 1 ? (i < prefix) != (i == odd)
                                    : rng_below(&m->rng, 2) == 1;
    }
    for (size_t i = 0; i < file_count; i++) {
        m->mode[files[i]] = (enum mode)rng_below(&m->rng, MODES);
    }
    m->torn_seed = rng_next(&m->rng);
}

/* Nothing of what is pending, all of it, and every prefix: always tried. */
static void plain_states(struct machine *m)
{
    for (size_t prefix = 0; prefix <= m->pending_count && !is_over(m); prefix++) {
        for (size_t i = 0; i < m->pending_count; i++) {
            m->chosen[i] = i < prefix;
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

    for (size_t i = 0; i < m->replay->node_count; i++) {
        if (!m->replay->node[i]->is_folder && is_unsynced(m->replay->node[i])) {
            files[count++] = i;
        }
    }
    return count;
}

static void find_pending(struct machine *m)
{
    m->pending_count = 0;
    for (size_t i = 0; i < m->replay->meta_count; i++) {
        if (!m->replay->meta[i].durable && m->pending_count < PENDING_MAX) {
            m->pending[m->pending_count++] = i;
        }
    }
}

static void cut_here(struct machine *m)
{
    size_t files[NODE_MAX], file_count = unsynced_files(m, files), bits;

    find_pending(m);
    m->out->cuts++;
    m->torn_seed = rng_next(&m->rng);
    expect_after(m->scenario, m->ended, m->begun > m->ended, m->code, &m->expect);
    bits = m->pending_count + 2 * file_count;
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
    const struct fault_record *r = &m->replay->last;
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
    while (!is_over(m) && replay_next(m->replay)) {
        note_step(m);
        if (m->replay->changed && !m->limits->only_end) {
            cut_here(m);
        }
    }
    if (m->limits->only_end) {
        cut_here(m);
    }
    m->out->ended = !m->replay->faulty && m->pending_count < PENDING_MAX;
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
                         .replay = &replay,
                         .rng = {j->limits->seed},
                         .seen = calloc((size_t)1 << SEEN_BITS, sizeof *m.seen),
                         .tree = malloc(TREE_BYTES)};
    m.out->complete = true;
    if (!m.seen || !m.tree || !scratch_make(m.folder, "cut") ||
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
