/* SPDX-License-Identifier: Apache-2.0 */
/* Plugins that break a clause of plugin.h: the host lives, the caller gets a code, and the plugin's
 * author is told who did what and which clause that breaks. */
#include <functionfuse/functionfuse.h>
#include <functionfuse/plugin.h>
#include <stdlib.h>

#include "run.h"

enum act { NONE, OPEN, OPEN_TWICE, SAVE, SAVE_AND_READ, READ, LIST, REMOVE };

struct row {
    const char *misdeed;
    enum act act;
    int code;
    const char *message; /* part of the error's */
    const char *said;    /* part of the log's, FF_LOG_MISBEHAVES; NULL = nothing */
    const char *clause;  /* the same */
};

struct place {
    struct ff_host *host;
    struct ff_storage *storage;
    char said[4096];  /* FF_LOG_MISBEHAVES */
    char error[1024]; /* FF_LOG_ERROR */
};

static void collect(void *ctx, int level, const char *text)
{
    struct place *p = ctx;
    char *to = level == FF_LOG_MISBEHAVES ? p->said : p->error;
    size_t size = level == FF_LOG_MISBEHAVES ? sizeof p->said : sizeof p->error;
    size_t used = strlen(to);

    if (level <= FF_LOG_ERROR && used < size) {
        (void)snprintf(to + used, size - used, "%s\n", text);
    }
}

static void open_host(struct place *p, const char *serializer_misdeed)
{
    static const char *const path[] = {MISDEEDS_DIR, DOUBLES_DIR, NULL};
    struct ff_host_options o = {.struct_size = FF_SIZE(ff_host_options, draft_sys),
                                .plugin_path = path,
                                .ctx = p,
                                .log = collect};
    struct ff_error e = FF_ERROR_INIT;
    char json[512];

    memset(p, 0, sizeof *p);
    (void)snprintf(json, sizeof json,
                   "{\"plugins\": {\"enable\": [\"memory\", \"misdeed\", \"misdeeds\"], "
                   "\"options\": {\"misdeeds\": {\"misdeed\": \"%s\"}}}}",
                   serializer_misdeed);
    o.config_json = json;
    p->host = ff_host_open(&o, &e);
    ck_assert_msg(p->host != NULL, "%s: %s", e.place, e.message);
}

static struct ff_storage *open_storage(struct place *p, const char *misdeed,
                                       struct ff_error *e)
{
    char json[512];

    (void)snprintf(
        json, sizeof json,
        "{\"kind\": \"misdeed\", \"options\": {\"misdeed\": \"%s\", \"inner\": "
        "{\"kind\": \"memory\", \"options\": {\"name\": \"misdeeds\"}}}}",
        misdeed);
    return ff_storage_factory(p->host, json, e);
}

static void close_place(struct place *p)
{
    ff_storage_close(p->storage);
    ff_host_close(p->host);
}

static void forget(void *thing)
{
    (void)thing;
}

/* A thing of the class that the serializer keeps. */
static void save(struct place *p, const char *task, struct ff_error *e)
{
    static int thing;
    struct ff_doc *d = ff_doc_new(e);

    (void)ff_doc_set_root(d, ff_new_native_take(d, "test.Thing", &thing, forget, e), e);
    (void)ff_save(p->storage, "run", task, ff_doc_root(d), NULL, e);
    ff_doc_free(d);
}

static void read_it(struct place *p, const char *task, struct ff_error *e)
{
    struct ff_doc *d = ff_read_task(p->storage, "run", task, NULL, e);
    struct ff_value v = ff_resolve(ff_doc_root(d), NULL, e);
    const char *text = "";
    size_t bytes = 0;

    if (v.doc && ff_kind(v) == FF_ARRAY) {
        double out;

        (void)ff_array_read(ff_array(v, e), NULL, &out, NULL, NULL, e);
    } else if (v.doc) {
        (void)ff_str(v, &text, &bytes, e);
        ck_assert_msg(e->code || (bytes == 5 && memcmp(text, "thing", 5) == 0), "%.*s",
                      (int)bytes, text);
    }
    ff_doc_free(d);
}

static void act(struct place *p, const struct row *r, struct ff_error *e)
{
    switch (r->act) {
    case SAVE:
        save(p, "new", e);
        break;
    case SAVE_AND_READ:
        save(p, "new", e);
        read_it(p, "new", e);
        break;
    case READ:
        read_it(p, "old", e);
        break;
    case LIST:
        ff_names_free(ff_list_tasks(p->storage, "run", "nothing*", e));
        break;
    case REMOVE:
        (void)ff_remove_task(p->storage, "run", "old", e);
        break;
    default:
        break;
    }
}

static void check_row(const struct row *r, const struct place *p, const char *plugin,
                      const struct ff_error *e)
{
    ck_assert_msg(e->code == r->code, "%s: %d, not %d: %s: %s", r->misdeed, e->code,
                  r->code, e->place, e->message);
    ck_assert_msg(strstr(e->message, r->message), "%s: %s", r->misdeed, e->message);
    if (!r->said) {
        ck_assert_msg(!p->said[0], "%s: %s", r->misdeed, p->said);
        return;
    }
    ck_assert_msg(strncmp(p->said, plugin, strlen(plugin)) == 0, "%s: %s", r->misdeed,
                  p->said);
    ck_assert_msg(strstr(p->said, r->said) && strstr(p->said, r->clause), "%s: %s",
                  r->misdeed, p->said);
}

static void check(const struct row *r, int is_protocol)
{
    struct ff_error e = FF_ERROR_INIT;
    struct place clean, bad;

    open_host(&clean, "");
    clean.storage = open_storage(&clean, "", &e);
    (void)ff_new_workflow(clean.storage, "run", &e);
    save(&clean, "old", &e);
    ck_assert_msg(!e.code, "%s: %s", e.place, e.message);
    open_host(&bad, is_protocol ? "" : r->misdeed);
    bad.storage = open_storage(&bad, is_protocol ? r->misdeed : "", &e);
    if (r->act == OPEN_TWICE) {
        ff_storage_close(bad.storage);
        bad.storage = open_storage(&bad, r->misdeed, &e);
    }
    act(&bad, r, &e);
    check_row(r, &bad, is_protocol ? "misdeed: " : "misdeeds: ", &e);
    ck_assert_msg(strcmp(r->misdeed, "create logs as the host") == 0 ||
                      !strstr(bad.error, "somebody else"),
                  "%s", bad.error);
    close_place(&bad);
    e = (struct ff_error)FF_ERROR_INIT; /* the old value is as it was */
    if (r->act != REMOVE) {
        read_it(&clean, "old", &e);
    }
    ck_assert_msg(!e.code && !clean.said[0], "%s: %s: %s %s", r->misdeed, e.place,
                  e.message, clean.said);
    close_place(&clean);
}

#define ANSWERS "(error.h: 0, or a negative ff_code"

static const struct row protocol_rows[] = {
    {"", SAVE_AND_READ, FF_OK, "", NULL, NULL},
    {"has no objects", OPEN, FF_E_PLUGIN, "no ff.objects/1", NULL, NULL},
    {"bind returns 2", OPEN, FF_E_PLUGIN, "bind() returned 2", "bind() returned 2",
     ANSWERS},
    {"asks for a buffer twice", READ, FF_E_NO_MEMORY, "", "buffer() was called twice",
     "(ff.objects/1: buffer: called once)"},
    {"says that more came", READ, FF_E_PLUGIN, "more bytes came than there was room for",
     "more bytes came", "(ff.objects/1: size_bytes: on done, how many came)"},
    {"brings what is behind the end", READ, FF_E_PLUGIN, "from behind the object's end",
     "from behind the object's end", "(ff.objects/1: object_bytes:"},
    {"a tag without an end", READ, FF_E_PLUGIN, "the tag has no end",
     "the tag has no end", "(ff.objects/1: tag)"},
    {"an item returns 5", READ, FF_E_PLUGIN, "done() returned 5", "done() returned 5",
     ANSWERS},
    {"an item fails without a word", READ, FF_E_IO, "without saying why",
     "done() failed (input/output) without saying why", "(error.h: ff_fail says why)"},
    {"forgets an item", READ, FF_E_PLUGIN, "run() returned without done()",
     "run() returned without done()", "exactly once for each item"},
    {"does nothing", READ, FF_E_PLUGIN, "run() returned without done()",
     "run() returned without done()", "exactly once for each item"},
    {"ends an item twice", READ, FF_OK, "", "done() was called twice",
     "exactly once for each item"},
    {"lists no name", LIST, FF_OK, "", "an object without a name",
     "(ff.objects/1: each gets the name)"},
    {"lists for ever", LIST, FF_E_LIMIT, "lists more than 16777216 names", NULL, NULL},
    {"sync hides a failure", SAVE, FF_E_IO, "the disk is on fire",
     "sync() returned FF_OK and filled the error", "(error.h: the function that fails"},
    {"sync returns 9", SAVE, FF_E_PLUGIN, "sync() returned 9", "sync() returned 9",
     ANSWERS},
    {"a task without an end", READ, FF_E_LIMIT, "larger than max_bytes", NULL, NULL},
    {"writes short and claims all", SAVE_AND_READ, FF_E_CORRUPT, "", NULL, NULL},
    {"commit begins nothing", SAVE, FF_E_PLUGIN, "gave no intent",
     "begin() returned success but gave no intent", "(plugin.h: begin)"},
    {"commit displaces a wild length", REMOVE, FF_OK, "", "displaced a value of 9223372",
     "(ff.commit/1, ff_displaced: size_bytes)"},
    {"calls after close", OPEN_TWICE, FF_OK, "",
     "log() was called after destroy() had returned",
     "(plugin.h: what create() is given is the instance's own until then)"},
};

START_TEST(misdeed_of_a_protocol_is_named)
{
    check(&protocol_rows[_i], 1);
}
END_TEST

#define LENT "(plugin.h: no memory crosses the border to be freed on the other side)"

static const struct row serializer_rows[] = {
    {"", SAVE_AND_READ, FF_OK, "", NULL, NULL},
    {"create frees options", SAVE, FF_OK, "", "create() freed the document", LENT},
    {"create returns 3", SAVE, FF_E_PLUGIN, "create() returned 3", "create() returned 3",
     ANSWERS},
    {"create logs as the host", SAVE, FF_OK, "", NULL, NULL},
    {"returns 17", SAVE, FF_E_PLUGIN, "pickle() returned 17", "pickle() returned 17",
     ANSWERS ", or FF_DECLINED)"},
    {"hides a failure", SAVE, FF_E_IO, "the disk is on fire",
     "pickle() returned FF_OK and filled the error", "(error.h: the function that fails"},
    {"fails without a word", SAVE, FF_E_IO, "without saying why",
     "pickle() failed (input/output) without saying why", "(error.h: ff_fail says why)"},
    {"returns another code", SAVE, FF_E_USAGE, "the disk is on fire",
     "pickle() returned -2 (wrong usage), its error says -11 (input/output)",
     "(error.h: a function that fails returns the code of its error)"},
    {"texts without an end", SAVE, FF_E_IO, "mmmm", "pickle() left a text of its error",
     "(error.h: all text ends with NUL)"},
    {"extra is no tuple", SAVE, FF_E_PLUGIN, "is not a tuple",
     "pickle() returned success but what it wants to keep in the stream is not a tuple",
     "(plugin.h: pickle)"},
    {"gives back its own memory", SAVE, FF_OK, "",
     "give_back() of memory that borrow() did not give", "(ff.pool/1:"},
    {"gives back twice", READ, FF_OK, "", "give_back() of memory", "(ff.pool/1:"},
    {"borrows a wild length", SAVE, FF_OK, "",
     "borrow() was asked for 18446744073709551608 bytes", "(ff.pool/1:"},
    {"stays in a lock group", SAVE, FF_OK, "",
     "pickle() returned inside the lock group \"libmisdeed\"", "(ff.lockgroup/1:"},
    {"leaves a lock group twice", READ, FF_OK, "",
     "leave() of the lock group \"libmisdeed\", which this thread is not in",
     "(ff.lockgroup/1:"},
    {"gives no object", READ, FF_E_PLUGIN, "gave no object",
     "unpickle() returned success but gave no object", "(plugin.h: unpickle)"},
    {"gives an object of another document", READ, FF_E_PLUGIN, "in another document",
     "its object is in another document", "(plugin.h: unpickle)"},
    {"frees what it was lent", READ, FF_E_PLUGIN, "freed the document that it was lent",
     "unpickle() freed the document", LENT},
    {"a wild text", READ, FF_E_LIMIT, "are more than there can be", NULL, NULL},
    {"a wild array", READ, FF_E_USAGE, "more bytes than 2^63", NULL, NULL},
};

START_TEST(misdeed_of_a_serializer_is_named)
{
    check(&serializer_rows[_i], 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("misdeeds");
    TCase *cases = tcase_create("misdeeds");
    SRunner *runner;
    int failed;

    tcase_set_timeout(cases, 60);
    tcase_add_loop_test(cases, misdeed_of_a_protocol_is_named, 0,
                        COUNT_OF(protocol_rows));
    tcase_add_loop_test(cases, misdeed_of_a_serializer_is_named, 0,
                        COUNT_OF(serializer_rows));
    suite_add_tcase(suite, cases);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
