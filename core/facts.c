/* SPDX-License-Identifier: Apache-2.0 */
/* facts.c: what is known of a plugin beside its name and class, as lines: from its note before it is
 * loaded, from its descriptor then. */
#include "core/registry_own.h"

enum { FACTS_MAX_BYTES = 1 << 16, WORDS_MAX = 64 };

#define OFFERS "offers "

static int add_line(struct ff_buf *out, const char *key, const char *const *words)
{
    int code = 0;

    if (!words || !words[0]) {
        return 0;
    }
    code = ff_buf_printf(out, "%s%s", out->length_bytes ? "\n" : "", key);
    for (size_t i = 0; words[i] && i < WORDS_MAX && !code; i++) {
        code = ff_buf_printf(out, " %s", words[i]);
    }
    return code;
}

static int add_word(struct ff_buf *out, const char *key, const char *word)
{
    const char *words[] = {word, NULL};

    return add_line(out, key, words);
}

/* All but what it offers. */
static int describe(const struct ff_plugin *p, struct ff_buf *out)
{
    static const char *const threads[] = {[FF_THREADS_ONE] = "one",
                                          [FF_THREADS_PER_INSTANCE] = "per_instance",
                                          [FF_THREADS_FREE] = "free"};
    const struct ff_serializer *s = p->serializer;
    int code;

    if (!s) {
        return add_line(out, "needs",
                        FF_HAS(p->protocol, ff_protocol, needs) ? p->protocol->needs
                                                                : NULL);
    }
    code = add_line(out, "needs", s->needs);
    code = code ? code : add_word(out, "threads", threads[s->threads]);
    code = code ? code : add_word(out, "lock_group", s->lock_group);
    return code ? code : add_line(out, "reads", s->reads);
}

/* Where the line begins that says what is offered: the last one. */
static const char *offers_in(const char *facts)
{
    const char *line = facts;

    while (line && strncmp(line, OFFERS, strlen(OFFERS)) != 0) {
        line = strchr(line, '\n');
        line = line ? line + 1 : NULL;
    }
    return line;
}

/* Whether a note that says something of it says the same. */
static int is_same(const char *note, const char *offers, struct ff_buf *facts)
{
    size_t bytes = offers ? (size_t)(offers - note) : strlen(note);

    bytes -= offers && bytes; /* the end of the line before */
    return !bytes ||
           (bytes == facts->length_bytes && !memcmp(note, ff_buf_text(facts), bytes));
}

int ff_plugin_bind_facts(struct ff_plugin *p, struct ff_verdict *v, struct ff_error *e)
{
    const char *offers = offers_in(p->row.facts);
    struct ff_buf facts;
    int code;

    ff_buf_init(&facts, FACTS_MAX_BYTES);
    code = describe(p, &facts);
    if (!code && !is_same(p->row.facts, offers, &facts)) {
        ff_verdict_set(v, "note-differs",
                       "its note says \"%.120s\", its descriptor \"%.200s\"",
                       p->row.facts, ff_buf_text(&facts));
        ff_verdict_fix(v, "tell the plugin's author: FF_PLUGIN_NOTE must say the same");
    }
    code = code || !offers
               ? code
               : ff_buf_printf(&facts, "%s%s", facts.length_bytes ? "\n" : "", offers);
    code = code ? ff_fail(e, FF_E_NO_MEMORY, NULL, "no memory to load a plugin")
                : ff_plugin_set(p, FF_TEXT_FACTS, ff_buf_text(&facts), e);
    ff_buf_free(&facts);
    return code;
}

int ff_plugin_add_offers(struct ff_plugin *p, struct ff_error *e)
{
    static const char *const powers[] = {FF_PUSH_1, FF_VERIFY_1, FF_EXPLAIN_1, FF_FILL_1};
    const char *offered[sizeof powers / sizeof *powers + 1] = {NULL};
    struct ff_buf facts;
    size_t count = 0;
    int code;

    if (!p->serializer) {
        return FF_OK; /* what is bound would have to be asked */
    }
    for (size_t i = 0; i < sizeof powers / sizeof *powers; i++) {
        if (ff_call_query(&p->loaded_serializer, powers[i])) {
            offered[count++] = powers[i];
        }
    }
    ff_buf_init(&facts, FACTS_MAX_BYTES);
    code = describe(p, &facts);
    code = code ? code : add_line(&facts, "offers", offered);
    code = code ? ff_fail(e, FF_E_NO_MEMORY, NULL, "no memory to load a plugin")
                : ff_plugin_set(p, FF_TEXT_FACTS, ff_buf_text(&facts), e);
    ff_buf_free(&facts);
    return code;
}
