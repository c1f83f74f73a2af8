/* SPDX-License-Identifier: Apache-2.0 */
/* interleavings.c: see interleavings.h. */
#include "interleavings.h"

#define NONE                                                                             \
    {                                                                                    \
        NO_VALUE, NO_VALUE, NO_VALUE                                                     \
    }
#define NONES                                                                            \
    {                                                                                    \
        NONE, NONE, NONE, NONE                                                           \
    }

const struct interleaving interleavings[] = {
    {.name = "gc while a save is stopped",
     .first = {.name = "save",
               .setup = {{STEP_WORKFLOW, .w = 0},
                         {STEP_SAVE, .w = 0, .t = 0, .value = VALUE(1, 1)}},
               .action = {{STEP_SAVE, .w = 0, .t = 0, .value = VALUE(2, 2)}}},
     .second = {{STEP_GC, .w = 0}},
     .allowed = {{{VALUE(2, 2), VALUE(2, 2), VALUE(2, 2)}, NONE, NONE, NONE}, NONES},
     .may_lack = {false, true}},
    {.name = "gc while a save is stopped for long, without locks",
     .first = {.name = "save",
               .setup = {{STEP_WORKFLOW, .w = 0},
                         {STEP_SAVE, .w = 0, .t = 0, .value = VALUE(1, 1)}},
               .action = {{STEP_SAVE, .w = 0, .t = 0, .value = VALUE(2, 2)}}},
     .second = {{STEP_GC, .w = 0}},
     .no_locks = true,
     .age = true,
     .codes = {FF_E_CONFLICT, FF_E_CONFLICT, FF_E_CONFLICT},
     .allowed = {{{VALUE(1, 1), VALUE(2, 2), VALUE(2, 2)}, NONE, NONE, NONE}, NONES},
     .may_lack = {false, true}},
    {.name = "gc that does not see intents",
     .first = {.name = "save",
               .setup = {{STEP_WORKFLOW, .w = 0},
                         {STEP_SAVE, .w = 0, .t = 0, .value = VALUE(1, 1)}},
               .action = {{STEP_SAVE, .w = 0, .t = 0, .value = VALUE(2, 2)}}},
     .second = {{STEP_GC, .w = 0}},
     .hide_intents = true,
     .allowed = {{{VALUE(2, 2), VALUE(2, 2), VALUE(2, 2)}, NONE, NONE, NONE}, NONES},
     .may_lack = {false, true}},
    {.name = "a workflow is removed during a save",
     .first = {.name = "save",
               .setup = {{STEP_WORKFLOW, .w = 0},
                         {STEP_SAVE, .w = 0, .t = 0, .value = VALUE(1, 1)}},
               .action = {{STEP_SAVE, .w = 0, .t = 0, .value = VALUE(2, 2)}}},
     .second = {{STEP_REMOVE_WORKFLOW, .w = 0}},
     .must_fail = true,
     .codes = {FF_E_CONFLICT, FF_E_NOT_FOUND, FF_E_NOT_FOUND},
     .allowed = {NONES, NONES},
     .may_lack = {true, true}},
    {.name = "a workflow is removed and made again during a save",
     .first = {.name = "save",
               .setup = {{STEP_WORKFLOW, .w = 0},
                         {STEP_SAVE, .w = 0, .t = 0, .value = VALUE(1, 1)}},
               .action = {{STEP_SAVE, .w = 0, .t = 0, .value = VALUE(2, 2)}}},
     .second = {{STEP_REMOVE_WORKFLOW, .w = 0}, {STEP_WORKFLOW, .w = 0}},
     .must_fail = true,
     .codes = {FF_E_CONFLICT, FF_E_NOT_FOUND, FF_E_NOT_FOUND},
     .allowed = {NONES, NONES},
     .may_lack = {false, true}},
    {.name = "a task is renamed while gc is stopped",
     .first = {.name = "gc",
               .setup = {{STEP_WORKFLOW, .w = 0},
                         {STEP_SAVE, .w = 0, .t = 0, .value = VALUE(1, 1)},
                         {STEP_SAVE, .w = 0, .t = 2, .value = VALUE(2, 2)},
                         {STEP_ORPHAN, .w = 0}},
               .action = {{STEP_GC, .w = 0}}},
     .second = {{STEP_MOVE, .w = 0, .t = 0, .to_w = 0, .to_t = 1}},
     .every_call = true,
     .allowed = {{NONE,
                  {VALUE(1, 1), VALUE(1, 1), VALUE(1, 1)},
                  {VALUE(2, 2), VALUE(2, 2), VALUE(2, 2)},
                  NONE},
                 NONES},
     .may_lack = {false, true}},
    {.name = "tasks come, are replaced and go while gc is stopped",
     .first = {.name = "gc",
               .setup = {{STEP_WORKFLOW, .w = 0},
                         {STEP_SAVE, .w = 0, .t = 0, .value = VALUE(1, 1)},
                         {STEP_SAVE, .w = 0, .t = 1, .value = VALUE(2, 2)},
                         {STEP_ORPHAN, .w = 0}},
               .action = {{STEP_GC, .w = 0}}},
     .second = {{STEP_SAVE, .w = 0, .t = 0, .value = VALUE(3, 3)},
                {STEP_REMOVE, .w = 0, .t = 1},
                {STEP_SAVE, .w = 0, .t = 2, .value = VALUE(4, 4)}},
     .every_call = true,
     .allowed = {{{VALUE(3, 3), VALUE(3, 3), VALUE(3, 3)},
                  NONE,
                  {VALUE(4, 4), VALUE(4, 4), VALUE(4, 4)},
                  NONE},
                 NONES},
     .may_lack = {false, true}},
    {.name = "a task is replaced while it is read",
     .first = {.name = "read",
               .setup = {{STEP_WORKFLOW, .w = 0},
                         {STEP_SAVE, .w = 0, .t = 0, .value = VALUE(1, 1)}},
               .action = {{STEP_READ_LAZY, .w = 0, .t = 0, .value = VALUE(1, 1)}}},
     .second = {{STEP_SAVE, .w = 0, .t = 0, .value = VALUE(1, 2)}},
     .sampled = true,
     .every_call = true,
     .codes = {FF_E_STALE, WRONG, WRONG}, /* WRONG: the new value was read */
     .allowed = {{{VALUE(1, 2), VALUE(1, 2), VALUE(1, 2)}, NONE, NONE, NONE}, NONES},
     .may_lack = {false, true}},
    {.name = "a task is replaced while another save of it is stopped",
     .first = {.name = "save",
               .setup = {{STEP_WORKFLOW, .w = 0},
                         {STEP_SAVE, .w = 0, .t = 0, .value = VALUE(1, 1)}},
               .action = {{STEP_SAVE, .w = 0, .t = 0, .value = VALUE(2, 2)}}},
     .second = {{STEP_SAVE, .w = 0, .t = 0, .value = VALUE(3, 3)}},
     .sampled = true,
     .every_call = true,
     .allowed = {{{VALUE(2, 2), VALUE(3, 3), VALUE(3, 3)}, NONE, NONE, NONE}, NONES},
     .may_lack = {false, true}},
    {.name = "a task is removed while a save of it is stopped",
     .first = {.name = "save",
               .setup = {{STEP_WORKFLOW, .w = 0},
                         {STEP_SAVE, .w = 0, .t = 0, .value = VALUE(1, 1)}},
               .action = {{STEP_SAVE, .w = 0, .t = 0, .value = VALUE(2, 2)}}},
     .second = {{STEP_REMOVE, .w = 0, .t = 0}},
     .sampled = true,
     .every_call = true,
     .allowed = {{{VALUE(2, 2), NO_VALUE, NO_VALUE}, NONE, NONE, NONE}, NONES},
     .may_lack = {false, true}},
};
const size_t interleaving_count = sizeof interleavings / sizeof interleavings[0];

void interleaving_expect(const struct interleaving *in, struct expect *x)
{
    *x = (struct expect){.move = NULL};
    for (int w = 0; w < WORKFLOWS; w++) {
        x->may_lack[w] = in->may_lack[w];
        x->may_have[w] = !in->may_lack[w];
        for (int t = 0; t < TASKS; t++) {
            x->count[w][t] = 3;
            memcpy(x->allowed[w][t], in->allowed[w][t], sizeof in->allowed[w][t]);
        }
    }
}

bool interleaving_may_end(const struct interleaving *in, int code)
{
    for (int i = 0; i < 3; i++) {
        if (in->codes[i] == code) {
            return true;
        }
    }
    return false;
}
