/* SPDX-License-Identifier: Apache-2.0 */
/* torture_fill: four processes fill one array, another one commits it; each is killed before a
 * system call that chance chooses, and started again, with gc at work beside them. The task is
 * the old one, whole, until it is the new one, whole; a filling whose first process lives is
 * never lost; in the end gc leaves no orphan. */
#include <functionfuse/fill.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "runner.h"

enum {
    WORKERS = 4,
    ROWS = 31, /* the last chunks are cut on both axes */
    COLUMNS = 48,
    CHUNK_ROWS = 2,
    CHUNK_COLUMNS = 20,
    EACH = 8, /* rows of one worker */
    TRIES = 4,
    COLLECTIONS = 3,
    BEGIN_CALLS = 60, /* about; not all of them lie before the token */
    TIMEOUT_S = 60
};

/* What the processes share, as a scheduler's files would have it. */
struct board {
    char folder[PATH_BYTES], root[PATH_BYTES], why[TEXT_BYTES];
    char token[1024], receipt[WORKERS][512];
    int salt;     /* of the array that is being filled */
    int seen;     /* of the task, by look() */
    bool guarded; /* the process of begin lives on, so nothing may be lost */
    bool lost, committed;
    atomic_bool is_held;
    uint64_t calls; /* of the last process that was not killed */
};

struct job {
    struct board *board;
    int number;
    struct fault_rule rule;
};

static const int64_t shape[2] = {ROWS, COLUMNS}, chunk[2] = {CHUNK_ROWS, CHUNK_COLUMNS};

static int32_t element(int salt, int64_t row, int64_t column)
{
    return (int32_t)(salt * 1000003 + row * 1009 + column);
}

static void die(void *ctx, int fd)
{
    (void)ctx;
    (void)fd;
    (void)kill(getpid(), SIGKILL);
}

static bool failed(struct board *b, const char *who, const struct ff_error *e)
{
    return say(b->why, "%s: %d %s: %s", who, e->code, e->place, e->message);
}

/* `work` with a storage, in this process, under the job's rule. */
static bool with_storage(struct job *j, const char *who,
                         void (*work)(struct job *, struct ff_storage *,
                                      struct ff_error *))
{
    struct ff_error e = FF_ERROR_INIT;
    struct faultsys f;
    struct client c;

    faultsys_init(&f, &ff_sys_posix);
    if (client_open(&c, j->board->root, &f.table, &e)) {
        faultsys_arm(&f, &j->rule);
        work(j, c.storage, &e);
        if (j->rule.on_stop) {
            j->board->calls = f.calls;
        }
        faultsys_disarm(&f);
        client_close(&c);
    }
    faultsys_free(&f);
    return !e.code || failed(j->board, who, &e);
}

/* A filling that gc has taken away says so, to who was attached at the end; the round begins
 * again. */
static void note_lost(struct board *b, struct ff_error *e)
{
    if (e->code == FF_E_NOT_FOUND || e->code == FF_E_CONFLICT) {
        b->lost = true;
        ff_error_clear(e);
    }
}

static struct fault_rule chance(struct rng *r, uint64_t calls, bool spare)
{
    struct fault_rule rule = {.stop_any = true, .on_stop = die};

    if (!spare && calls && rng_below(r, 3)) {
        rule.stop_at = 1 + rng_below(r, (size_t)calls);
    }
    return rule;
}

/* ---- begin: the process that holds the handle ---- */

static void begin_and_wait(struct job *j, struct ff_storage *s, struct ff_error *e)
{
    struct ff_array_params p = {.struct_size = FF_SIZE(ff_array_params, options),
                                .ndim = 2,
                                .descr = "<i4",
                                .shape = shape,
                                .chunk = chunk};
    struct ff_array *like = ff_array_new(&p, e);
    struct ff_draft_filling *f = ff_draft_fill_begin(s, "w0", like, e);

    ff_array_free(like);
    if (f) {
        (void)snprintf(j->board->token, sizeof j->board->token, "%s",
                       ff_draft_fill_token(f));
        atomic_store(&j->board->is_held, true);
        while (pause() < 0) { /* until it is killed */
        }
    }
    ff_draft_fill_close(f);
}

static bool hold(void *ctx)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    return with_storage(ctx, "begin", begin_and_wait);
}

/* One try; 0: it was killed, or failed. */
static pid_t try_to_hold(struct job *j)
{
    const struct timespec nap = {0, 1000000};
    struct board *b = j->board;
    pid_t pid = child_start(hold, j);

    while (!atomic_load(&b->is_held) && waitpid(pid, NULL, WNOHANG) == 0) {
        (void)nanosleep(&nap, NULL);
    }
    return atomic_load(&b->is_held) ? pid : 0;
}

/* The holder, with its token on the board, after some that died; 0: it failed. */
static pid_t start_holder(struct board *b, struct rng *r)
{
    pid_t pid = 0;

    atomic_store(&b->is_held, false);
    memset(b->receipt, 0, sizeof b->receipt);
    b->lost = b->committed = false;
    for (int i = 0; !pid && i < TRIES; i++) {
        struct job j = {b, 0, chance(r, BEGIN_CALLS, i == TRIES - 1)};

        pid = try_to_hold(&j);
    }
    return pid;
}

static void end_holder(pid_t *pid)
{
    if (*pid > 0) {
        (void)kill(*pid, SIGKILL);
        (void)waitpid(*pid, NULL, 0);
        *pid = 0;
    }
}

/* ---- work ---- */

static int write_rows(struct ff_draft_filling *f, int salt, int64_t row, int64_t rows,
                      struct ff_error *e)
{
    int64_t start[2] = {row, 0}, count[2] = {rows, COLUMNS};
    int32_t data[CHUNK_ROWS * COLUMNS];

    for (int64_t i = 0; i < rows * COLUMNS; i++) {
        data[i] = element(salt, row + i / COLUMNS, i % COLUMNS);
    }
    return ff_draft_fill_write(f, start, count, data, NULL, e);
}

static void fill_part(struct job *j, struct ff_storage *s, struct ff_error *e)
{
    struct board *b = j->board;
    struct ff_draft_filling *f = ff_draft_fill_attach(s, b->token, e);
    int64_t end = (j->number + 1) * EACH < ROWS ? (j->number + 1) * EACH : ROWS;
    const char *receipt;

    for (int64_t row = j->number * EACH; row < end; row += CHUNK_ROWS) {
        (void)write_rows(f, b->salt, row, end - row < CHUNK_ROWS ? end - row : CHUNK_ROWS,
                         e);
    }
    receipt = ff_draft_fill_end(f, e);
    if (receipt) {
        (void)snprintf(b->receipt[j->number], sizeof *b->receipt, "%s", receipt);
    }
    ff_draft_fill_close(f);
    note_lost(b, e);
}

static bool work(void *ctx)
{
    return with_storage(ctx, "worker", fill_part);
}

static void collect_often(struct job *j, struct ff_storage *s, struct ff_error *e)
{
    struct ff_gc_options o = {.struct_size = FF_SIZE(ff_gc_options, assume_lost),
                              .really = 1};

    (void)j;
    for (int i = 0; i < COLLECTIONS; i++) {
        (void)ff_gc(s, NULL, &o, NULL, NULL, e);
    }
}

static bool collect(void *ctx)
{
    return with_storage(ctx, "gc", collect_often);
}

struct tally {
    size_t rounds, workers_killed, committers_killed, lost;
};

/* All who have no receipt yet, at once, beside gc; whether none ended badly. */
static bool fill_once(struct board *b, struct rng *r, bool spare, struct tally *t)
{
    static uint64_t calls;
    struct job jobs[WORKERS], gc = {.board = b};
    pid_t pids[WORKERS] = {0}, collector = 0;
    bool ok = true;

    if (b->guarded || rng_below(r, 8) == 0) {
        collector = child_start(collect, &gc);
    }

    for (int i = 0; i < WORKERS; i++) {
        if (!b->receipt[i][0]) {
            jobs[i] = (struct job){b, i, chance(r, calls, spare)};
            pids[i] = child_start(work, &jobs[i]);
        }
    }
    for (int i = 0; i < WORKERS; i++) {
        enum child_end end = pids[i] ? child_wait(pids[i], TIMEOUT_S) : CHILD_OK;

        t->workers_killed += end == CHILD_KILLED;
        ok = ok && (end == CHILD_OK || end == CHILD_KILLED);
    }
    calls = b->calls ? b->calls : calls;
    return (!collector || child_wait(collector, TIMEOUT_S) == CHILD_OK) && ok;
}

static bool fill(struct board *b, struct rng *r, struct tally *t)
{
    bool ok = true, whole = false;

    for (int i = 0; ok && !b->lost && !whole && i < TRIES; i++) {
        ok = fill_once(b, r, i == TRIES - 1, t);
        whole = true;
        for (int k = 0; k < WORKERS; k++) {
            whole = whole && b->receipt[k][0];
        }
    }
    return ok && (whole || b->lost || say(b->why, "no receipts after %d tries", TRIES));
}

/* ---- commit ---- */

static void save_and_remove(struct job *j, struct ff_storage *s, struct ff_error *e)
{
    const char *receipts[WORKERS];
    struct board *b = j->board;
    struct ff_doc *doc = ff_doc_new(e);
    struct ff_saving *saving = ff_saving_begin(s, "w0", "t0", NULL, e);
    struct ff_value v;

    for (int i = 0; i < WORKERS; i++) {
        receipts[i] = b->receipt[i];
    }
    v = ff_draft_fill_finish(saving, doc, b->token, receipts, WORKERS, e);
    if (e->code) {
        ff_saving_abort(saving);
    } else if (!ff_saving_commit(saving, v, e)) {
        b->committed = true;
        (void)ff_draft_fill_remove(s, b->token, e);
    }
    ff_doc_free(doc);
    note_lost(b, e);
}

static bool commit(void *ctx)
{
    return with_storage(ctx, "commit", save_and_remove);
}

/* The task, whole, of one salt. */
static bool look(void *ctx)
{
    struct board *b = ctx;
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *doc = NULL;
    int32_t data[ROWS * COLUMNS];
    struct client c;
    bool ok = true;

    if (client_open(&c, b->root, NULL, &e)) {
        doc = ff_read_task(c.storage, "w0", "t0", NULL, &e);
        (void)ff_array_read(ff_array(ff_doc_root(doc), &e), NULL, data, NULL, NULL, &e);
        ff_doc_free(doc);
        if (!e.code) {
            (void)ff_verify(c.storage, NULL, NULL, 1, NULL, NULL, &e);
        }
        client_close(&c);
    }
    if (e.code) {
        return failed(b, "read", &e);
    }
    b->seen = (int)(data[0] / 1000003);
    for (int64_t i = 0; i < ROWS * COLUMNS; i++) {
        ok = ok && data[i] == element(b->seen, i / COLUMNS, i % COLUMNS);
    }
    return ok || say(b->why, "elements are of no one array");
}

/* The old array or the new one; `must`: the new one. */
static bool is_whole(struct board *b, bool must)
{
    return in_child(look, b, TIMEOUT_S) == CHILD_OK &&
           (b->seen == b->salt || (!must && b->seen == b->salt - 1) ||
            say(b->why, "the task has array %d instead of %d", b->seen, b->salt));
}

static bool commit_until_done(struct board *b, struct rng *r, bool spare, struct tally *t)
{
    static uint64_t calls;
    enum child_end end = CHILD_KILLED;
    bool ok = true;

    for (int i = 0; ok && end == CHILD_KILLED && i < TRIES; i++) {
        struct job j = {b, 0, chance(r, calls, spare || i == TRIES - 1)},
                   gc = {.board = b};
        pid_t collector =
            b->guarded || rng_below(r, 8) == 0 ? child_start(collect, &gc) : 0;

        end = in_child(commit, &j, TIMEOUT_S);
        t->committers_killed += end == CHILD_KILLED;
        ok = (end == CHILD_OK || end == CHILD_KILLED) &&
             (!collector || child_wait(collector, TIMEOUT_S) == CHILD_OK) &&
             is_whole(b, b->committed);
    }
    calls = b->calls ? b->calls : calls;
    return ok;
}

/* ---- rounds ---- */

/* Nobody is at work: one array, no private name, the task as it was. An empty folder is nobody's
 * and no orphan. */
static bool is_clean(struct board *b)
{
    char folder[PATH_BYTES + 32];
    struct job gc = {.board = b};
    size_t bigdata = 0, private_names = 0;
    bool ok = in_child(collect, &gc, TIMEOUT_S) == CHILD_OK;

    (void)snprintf(folder, sizeof folder, "%s/w0/bigdata/filling", b->root);
    (void)rmdir(folder);
    store_count(b->root, &bigdata, &private_names);
    return ((ok && bigdata == 1 && private_names == 0) ||
            say(b->why, "gc leaves %zu of big data, %zu private names", bigdata,
                private_names)) &&
           is_whole(b, false);
}

static bool one_round(struct board *b, struct rng *r, struct tally *t)
{
    pid_t holder;
    bool ok;

    b->salt++;
    holder = start_holder(b, r);
    ok = holder > 0 || say(b->why, "no holder");
    if (!b->guarded) {
        end_holder(&holder);
    }
    ok = ok && fill(b, r, t);
    ok = ok && (b->lost || commit_until_done(b, r, false, t));
    end_holder(&holder);
    if (b->lost && !b->committed) {
        is_whole(
            b,
            false); /* it is the old one, or a committer was killed behind its commit */
        t->lost++;
        ok = ok && (!b->guarded || b->seen == b->salt ||
                    say(b->why, "a filling was lost whose first process lived"));
    }
    ok = ok && is_clean(b);
    b->salt = b->seen;
    return ok;
}

static bool first_value(void *ctx)
{
    struct board *b = ctx;
    struct ff_error e = FF_ERROR_INIT;
    struct client c;

    if (client_open(&c, b->root, NULL, &e)) {
        (void)ff_new_workflow(c.storage, "w0", &e);
        client_close(&c);
    }
    return !e.code || failed(b, "set-up", &e);
}

static bool set_up(struct board *b, struct rng *r, struct tally *t)
{
    pid_t holder;
    bool ok = scratch_make(b->folder, "fill");

    (void)snprintf(b->root, sizeof b->root, "%.400s/store", b->folder);
    ok = ok && in_child(first_value, b, TIMEOUT_S) == CHILD_OK;
    b->salt = 1;
    holder = ok ? start_holder(b, r) : 0;
    ok = holder > 0 && fill_once(b, r, true, t) && commit_until_done(b, r, true, t);
    end_holder(&holder);
    return ok && is_whole(b, true);
}

static void rounds(struct board *b, bool guarded)
{
    struct rng r = {torture_seed() + guarded};
    struct tally t = {0};
    size_t most = torture_long() ? 150 : 1000;
    double until = torture_until(6);
    bool ok = set_up(b, &r, &t);

    b->guarded = guarded;
    while (ok && t.rounds < most && now_s() < until) {
        ok = one_round(b, &r, &t);
        t.rounds++;
    }
    (void)tap_ok(ok && t.rounds && t.workers_killed,
                 "%zu arrays filled by %d processes, %s: %zu of them killed, and %zu "
                 "committers; %zu fillings lost %s",
                 t.rounds, WORKERS,
                 guarded ? "while the first one lives" : "when the first one is dead",
                 t.workers_killed, t.committers_killed, t.lost, b->why);
    scratch_remove(b->folder);
}

/* It is the intent of an open handle that keeps gc away. */
static void intents_guard(struct board *b)
{
    struct rng r = {1};
    struct tally t = {0};
    bool ok = set_up(b, &r, &t), kept, gone;
    struct job gc = {.board = b}, blind = {.board = b, .rule = {.hide_intents = true}};
    pid_t holder = ok ? start_holder(b, &r) : 0;
    struct job one = {.board = b};

    ok = ok && in_child(collect, &gc, TIMEOUT_S) == CHILD_OK &&
         in_child(work, &one, TIMEOUT_S) == CHILD_OK;
    kept = ok && !b->lost;
    ok = ok && in_child(collect, &blind, TIMEOUT_S) == CHILD_OK &&
         in_child(work, &one, TIMEOUT_S) == CHILD_OK;
    gone = ok && b->lost;
    end_holder(&holder);
    (void)tap_ok(kept && gone,
                 "gc spares a filling whose handle is open, and one that does not see "
                 "intents does not %s",
                 b->why);
    scratch_remove(b->folder);
}

int main(void)
{
    struct board *b = shared_memory(3 * sizeof *b);

    if (b) {
        rounds(&b[0], true);
        rounds(&b[1], false);
        intents_guard(&b[2]);
    } else {
        (void)tap_ok(false, "no memory to share");
    }
    return tap_end();
}
