/* SPDX-License-Identifier: Apache-2.0 */
/* expect.c: what a store may hold after some of a scenario's steps. */
#include "torture.h"

static void only(struct expect *x, int w, int t, int value)
{
    x->count[w][t] = 1;
    x->allowed[w][t][0] = value;
}

static void also(struct expect *x, int w, int t, int value)
{
    for (int i = 0; i < x->count[w][t]; i++) {
        if (x->allowed[w][t][i] == value) {
            return;
        }
    }
    if (x->count[w][t] < ALLOWED) {
        x->allowed[w][t][x->count[w][t]++] = value;
    }
}

static void merge(struct expect *x, const struct expect *other)
{
    for (int w = 0; w < WORKFLOWS; w++) {
        x->may_lack[w] |= other->may_lack[w];
        x->may_have[w] |= other->may_have[w];
        for (int t = 0; t < TASKS; t++) {
            for (int i = 0; i < other->count[w][t]; i++) {
                also(x, w, t, other->allowed[w][t][i]);
            }
        }
    }
}

static void no_tasks(struct expect *x, int w)
{
    for (int t = 0; t < TASKS; t++) {
        only(x, w, t, NO_VALUE);
    }
}

static void move(struct expect *x, const struct step *s)
{
    x->count[s->to_w][s->to_t] = x->count[s->w][s->t];
    memcpy(x->allowed[s->to_w][s->to_t], x->allowed[s->w][s->t],
           sizeof x->allowed[s->w][s->t]);
    only(x, s->w, s->t, NO_VALUE);
}

static void apply(struct expect *x, const struct step *s)
{
    if (s->want) {
        return;
    }
    switch (s->kind) {
    case STEP_WORKFLOW:
    case STEP_REMOVE_WORKFLOW:
        x->may_have[s->w] = s->kind == STEP_WORKFLOW || s->kind == STEP_OTHERS;
        x->may_lack[s->w] = !x->may_have[s->w];
        if (x->may_lack[s->w]) {
            no_tasks(x, s->w);
        }
        break;
    case STEP_OTHERS: /* not durable */
        x->may_have[s->w] = true;
        break;
    case STEP_SAVE:
    case STEP_SAVE_ABSENT:
    case STEP_PUSH:
    case STEP_READ_STALE:
        only(x, s->w, s->t, s->value);
        x->may_lack[s->w] = false;
        break;
    case STEP_EDIT:
        only(x, s->to_w, s->to_t, s->value);
        break;
    case STEP_MOVE:
        move(x, s);
        break;
    case STEP_REMOVE:
        only(x, s->w, s->t, NO_VALUE);
        break;
    case STEP_REMOVE_ALL:
        no_tasks(x, s->w);
        break;
    case STEP_KILLED: /* visible, but not durable */
        also(x, s->w, s->t, s->value);
        break;
    default:
        break;
    }
}

/* One call of the library that is more than one commit: it may end halfway. */
static bool is_compound(const struct step *s)
{
    return s->kind == STEP_READ_STALE || s->kind == STEP_REMOVE_ALL ||
           s->kind == STEP_REMOVE_WORKFLOW || s->kind == STEP_KILLED ||
           (s->kind == STEP_MOVE && s->w != s->to_w) || s->kind == STEP_WORKFLOW ||
           s->kind == STEP_OTHERS;
}

void expect_after(const struct scenario *s, int ended, bool begun, int code,
                  struct expect *x)
{
    *x = (struct expect){.move = NULL};
    for (int w = 0; w < WORKFLOWS; w++) {
        x->may_lack[w] = true;
        no_tasks(x, w);
    }
    for (int i = 0; i < STEPS && s->setup[i].kind; i++) {
        apply(x, &s->setup[i]);
    }
    for (int i = 0; i < ended; i++) {
        apply(x, &s->action[i]);
    }
    if (begun &&
        (!code || code == FF_E_UNKNOWN_OUTCOME || is_compound(&s->action[ended]))) {
        struct expect next = *x;

        apply(&next, &s->action[ended]);
        merge(x, &next);
        x->move = s->action[ended].kind == STEP_MOVE ? &s->action[ended] : NULL;
    }
}

void expect_outcome(const struct scenario *s, const struct outcome *o, struct expect *x)
{
    const struct step *last = o->steps ? &s->action[o->steps - 1] : NULL;

    if (!last) {
        expect_after(s, 0, false, 0, x);
    } else if (o->ended && o->code == last->want) {
        expect_after(s, o->steps, false, 0, x);
    } else {
        expect_after(s, o->steps - 1, true, o->ended ? o->code : 0, x);
    }
}

bool outcome_check(const struct scenario *s, const struct outcome *o, char *why)
{
    const struct ff_error *e = &o->error;

    if (o->steps && !o->ended) {
        return say(why, "step %d did not end", o->steps);
    }
    if (o->steps && o->code == FF_OK && !e->code) {
        return true;
    }
    if (o->code == WRONG || e->code == WRONG) {
        return say(why, "step %d: %s: %s", o->steps, e->place, e->message);
    }
    if (o->code >= 0 || e->code != o->code || !e->message[0]) {
        return say(why, "step %d of %s returned %d, its error has %d \"%s\"", o->steps,
                   s->name, o->code, e->code, e->message);
    }
    return true;
}

bool outcome_is_told(const struct scenario *s, const struct outcome *o, char *why)
{
    const struct ff_error *e = &o->error;

    if (e->code && (!e->place[0] || !e->fix[0])) {
        return say(why, "step %d of %s: no %s: %d at \"%s\": %s", o->steps, s->name,
                   e->place[0] ? "fix" : "place", e->code, e->place, e->message);
    }
    return true;
}
