/* SPDX-License-Identifier: Apache-2.0 */
/* torture_s3_interleave: one process is stopped before or after a request is carried out, each in
 * turn, while another does its work; both end well, and the invariants hold. Or it is killed, and
 * its request is carried out late, when the other is done.
 * Needs the server of faults: ../servers/with.sh fault THIS. Some of the requests, chosen by
 * FF_SEED; with FF_LONG each of them. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "../s3/fault_ask.h"
#include "interleavings.h"
#include "s3_stage.h"

enum { SAMPLED = 29, TIMEOUT_S = 60 };

enum manner { BEFORE, AFTER, LATE, MANNERS };
static const char *const faults[MANNERS] = {"stop_before", "stop_after", "late_kill"};

struct between {
    struct s3_stage *stage;
    const struct interleaving *in;
};

/* What is true while the first one is stopped. */
struct meanwhile {
    bool begun;     /* its intent is there */
    bool committed; /* its value is */
    bool refused;   /* the other was told to come again */
};
static struct meanwhile *meanwhile; /* shared */

static bool is_committed(struct client *c, const struct step *s)
{
    struct ff_doc *doc =
        ff_read_task(c->storage, workflow_name(s->w), task_name(s->t), NULL, NULL);
    bool is = doc && value_number(ff_doc_root(doc)) == s->value;

    ff_doc_free(doc);
    return is;
}

static bool do_between(void *ctx)
{
    const struct between *b = ctx;
    struct ff_error e = FF_ERROR_INIT;
    struct client c;
    bool ok;

    if (b->in->age) {
        s3_pass_an_hour();
    }
    ok = client_open(&c, b->stage->root, NULL, &e);
    meanwhile->begun = s3_has_intent(b->stage);
    meanwhile->committed = ok && is_committed(&c, &b->in->first.action[0]);
    for (int i = 0; ok && i < STEPS && b->in->second[i].kind; i++) {
        int rc = step_run(&c, b->stage->root, &b->in->second[i], NULL, &e);

        meanwhile->refused |= rc == FF_E_CONFLICT;
        ok = rc == FF_OK || rc == FF_E_NOT_FOUND || rc == FF_E_CONFLICT;
        if (!ok) {
            (void)say(b->stage->result->why, "the other: %d %s: %s", rc, e.place,
                      e.message);
        }
        e = (struct ff_error)FF_ERROR_INIT;
    }
    client_close(&c);
    return ok;
}

/* Until it is stopped, or has ended. */
static bool wait_stopped(pid_t pid)
{
    siginfo_t info;

    memset(&info, 0, sizeof info);
    while (waitid(P_PID, (id_t)pid, &info, WSTOPPED | WEXITED | WNOWAIT) < 0 &&
           errno == EINTR) {
    }
    return info.si_code == CLD_STOPPED || info.si_code == CLD_KILLED;
}

/* What was stopped for an hour may find its time over. */
static bool may_end(const struct interleaving *in, const struct result *r, char *why)
{
    int code = r->outcome.code;

    if (code == FF_OK) {
        return !in->must_fail || !meanwhile->begun || meanwhile->committed ||
               say(why, "success, but its workflow was gone before the commit");
    }
    return interleaving_may_end(in, code) ||
           (in->age && (code == FF_E_DEADLINE || code == FF_E_UNKNOWN_OUTCOME)) ||
           say(why, "ended %d: %s: %s", code, r->outcome.error.place,
               r->outcome.error.message);
}

/* The request goes on when the other is done. False: it did not come to that request. */
static bool meet(struct s3_stage *g, const struct interleaving *in, enum manner manner,
                 unsigned at, bool *ok, char *why)
{
    pid_t pid = s3_stage_start(g, faults[manner], at);
    struct between b = {g, in};
    bool stopped = wait_stopped(pid);
    enum child_end other = CHILD_OK, end;
    char answer[64];

    memset(meanwhile, 0, sizeof *meanwhile);
    if (stopped) {
        other = in_child(do_between, &b, TIMEOUT_S);
    }
    (void)fault_ask(answer, sizeof answer, "!go");
    (void)kill(pid, SIGCONT);
    end = child_wait(pid, TIMEOUT_S);
    if (manner == LATE && stopped) {
        (void)fault_ask(answer, sizeof answer, "!landed");
    }
    s3_stage_off();
    *ok = other == CHILD_OK || say(why, "the other ended %s", child_end_name[other]);
    if (manner == LATE && stopped) {
        return true;
    }
    *ok = (end == CHILD_OK || say(why, "it ended %s", child_end_name[end])) && *ok;
    *ok = (!stopped || may_end(in, g->result, why)) && *ok;
    return stopped;
}

static void also(struct expect *x, int value)
{
    if (x->count[0][0] < ALLOWED) {
        x->allowed[0][0][x->count[0][0]++] = value;
    }
}

/* Whoever was killed may have done it, or not. */
static void expect_met(const struct interleaving *in, enum manner manner,
                       const struct result *r, struct expect *x)
{
    const struct step *first = &in->first.action[0];
    struct expect without;

    interleaving_expect(in, x);
    if (in->must_fail && !meanwhile->begun && manner != LATE &&
        r->outcome.code == FF_OK) {
        also(x, first->value); /* into the new workflow */
    }
    x->may_lack[0] |= meanwhile->refused;
    if (manner == LATE) {
        expect_after(&in->first, 0, false, 0, &without);
        for (int i = 0; i < without.count[0][first->t]; i++) {
            also(x, without.allowed[0][first->t][i]);
        }
    }
    if (in->age && r->outcome.code && r->outcome.code != FF_E_UNKNOWN_OUTCOME) {
        x->count[0][0] = 1; /* what failed has changed nothing */
    } else if (in->age && !r->outcome.code) {
        x->allowed[0][0][0] = first->value;
    }
}

static void interleave(const struct interleaving *in, enum manner manner)
{
    static struct s3_stage g;
    bool opened = s3_stage_open(&g, &in->first), more = opened;
    unsigned at, stride = s3_stride(SAMPLED, &at), tried = 0, wrong = 0;

    for (; more; at += stride) {
        char why[TEXT_BYTES] = "";
        struct expect x;
        bool ok;

        more = meet(&g, in, manner, at, &ok, why);
        if (!more) {
            break;
        }
        tried++;
        s3_pass_an_hour();
        expect_met(in, manner, g.result, &x);
        ok = s3_stage_look(&g, &x, why) && ok;
        if (!ok) {
            tap_note("%s: %s at request %u: %s %s", in->name, faults[manner], at, why,
                     g.result->why);
            wrong++;
        }
    }
    (void)tap_ok(opened && tried && !wrong, "%s: %s: %u requests, %u wrong", in->name,
                 faults[manner], tried, wrong);
}

int main(void)
{
    meanwhile = shared_memory(sizeof *meanwhile);
    for (size_t i = 0; i < interleaving_count; i++) {
        for (int manner = 0; manner < MANNERS; manner++) {
            if (!interleavings[i].hide_intents &&
                (manner != LATE || !interleavings[i].age)) {
                interleave(&interleavings[i], (enum manner)manner);
            }
        }
    }
    return tap_end();
}
