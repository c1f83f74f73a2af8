/* SPDX-License-Identifier: Apache-2.0 */
/* pickle.c: loading and dumping pickles beside CPython's C pickler, in turns, in one run. Its
 * values are pickled by it, loaded and freed by both, and dumped by both: here from the loaded
 * document and from one that was built by the public builders. The dumps must be the very bytes.
 * Prints a table in Markdown.
 *
 * bench_pickle ROUNDS PYTHON PICKLE_PEER.PY [CASE]
 */
#include "bench.h"

#include <functionfuse/pickle.h>
#include <stdlib.h>
#include <unistd.h>

enum side { LOAD_GC, LOAD_NO_GC, LOAD, DUMP_GC, DUMP_NO_GC, DUMP, DUMP_BUILT, SIDES };

struct row {
    const char *name, *text;
    double aim; /* how many times as fast it is to be; 0: no copy, whatever the size */
};

static const struct row rows[] = {
    {"ints31", "1e6 ints below 2^31", 4},
    {"ints8", "1e6 ints below 256", 4},
    {"ints63", "1e6 ints of 63 bits", 4},
    {"floats", "1e6 floats", 4},
    {"str", "1e6 distinct short str", 4},
    {"shared", "1e6 references to 1,000 str", 1.5},
    {"cyrillic", "1e6 Cyrillic str", 4},
    {"dicts", "dict of 1e5 small dicts", 4},
    {"tuples", "list of 1e5 (int, float, str)", 4},
    {"bytes", "bytes, 100 MB", 0},
    {"lists", "1e5 empty lists", 0},
    {"set", "set of 1e6 ints", 4},
    {"ints256", "1e5 ints of 256 bits", 4},
    {"ndarray", "ndarray, 100 MB", 0},
};
enum { ROWS = sizeof rows / sizeof *rows };
static const int protocols[] = {2, 4, 5};

struct bytes {
    uint8_t *data;
    size_t size_bytes, room_bytes;
};

struct bench {
    struct bench_peers peers;
    char path[BENCH_PATH_BYTES + 16];
    size_t rounds;
    struct bytes stream;
    struct ff_doc *loaded, *built;
    double spent_s[SIDES][BENCH_ROUNDS_MAX];
};

/* ---- a document by the public builders ---- */

/* What was built for a str that occurs more than once: by where its text lies. */
struct known {
    const char *text;
    struct ff_value built;
};
enum { KNOWN = 1 << 16, PROBES = 8 };

struct builder {
    struct ff_doc *doc;
    struct known known[KNOWN + PROBES];
    struct ff_error e;
};

static struct ff_value build(struct builder *b, struct ff_value from);

static struct ff_value build_str(struct builder *b, struct ff_value from)
{
    const char *text;
    size_t size;
    (void)ff_str(from, &text, &size, &b->e);
    struct known *k = &b->known[((uintptr_t)text * 0x9e3779b97f4a7c15u) >> 48];
    struct known *end = k + PROBES;
    while (k < end && k->text && k->text != text) {
        k++;
    }
    if (k < end && k->text == text) {
        return k->built;
    }
    struct ff_value built = ff_new_str(b->doc, text, size, &b->e);
    if (k < end) { /* those that recur come early */
        *k = (struct known){text, built};
    }
    return built;
}

static struct ff_value build_items(struct builder *b, struct ff_value from)
{
    struct ff_value items[8], key, value, to = {NULL, 0};
    size_t count = ff_length(from);
    int kind = ff_kind(from);
    if (kind != FF_TUPLE) {
        to = kind == FF_LIST   ? ff_new_list(b->doc, &b->e)
             : kind == FF_DICT ? ff_new_dict(b->doc, &b->e)
                               : ff_new_set(b->doc, &b->e);
    }
    for (size_t i = 0; i < count && !b->e.code; i++) {
        (void)ff_item(from, i, &key, &value, &b->e);
        value = build(b, value);
        if (kind == FF_DICT) {
            (void)ff_set_item(b->doc, to, build(b, key), value, &b->e);
        } else if (kind != FF_TUPLE) {
            (void)ff_append(b->doc, to, value, &b->e);
        } else if (i < 8) {
            items[i] = value;
        }
    }
    return kind == FF_TUPLE ? ff_new_tuple(b->doc, items, count, &b->e) : to;
}

static struct ff_value build_array(struct builder *b, struct ff_value from)
{
    const struct ff_array *a = ff_array(from, &b->e);
    size_t size = a ? (size_t)a->shape[0] * sizeof(double) : 0;
    double *data = malloc(size + 1);
    struct ff_array_params p = {.struct_size = FF_SIZE(ff_array_params, options),
                                .chunking = FF_CHUNK_NONE,
                                .ndim = 1,
                                .descr = "<f8",
                                .data = data,
                                .ctx = data,
                                .release = free};
    if (a) {
        p.shape = a->shape;
        (void)ff_array_read(a, NULL, data, NULL, NULL, &b->e);
    }
    return ff_new_array_take(b->doc, ff_array_new(&p, &b->e), &b->e);
}

static struct ff_value build(struct builder *b, struct ff_value from)
{
    uint8_t scratch[8];
    const void *data;
    const uint8_t *bytes;
    size_t size;
    double real;
    int on;
    switch (ff_kind(from)) {
    case FF_NONE:
        return ff_new_none(b->doc);
    case FF_BOOL:
        (void)ff_boolean(from, &on, &b->e);
        return ff_new_bool(b->doc, on);
    case FF_INT:
        (void)ff_int_bytes(from, scratch, &bytes, &size, &b->e);
        return ff_new_int_bytes(b->doc, bytes, size, &b->e);
    case FF_FLOAT:
        (void)ff_real(from, &real, &b->e);
        return ff_new_float(b->doc, real, &b->e);
    case FF_STR:
        return build_str(b, from);
    case FF_BYTES:
        (void)ff_bytes(from, &data, &size, &b->e);
        return ff_new_bytes(b->doc, data, size, &b->e);
    case FF_OBJECT:
        return build_array(b, from);
    default:
        return build_items(b, from);
    }
}

/* Of protocol 4, where sets are sets. */
static void build_document(struct bench *b, struct ff_value from)
{
    static struct builder made;
    made = (struct builder){.e = FF_ERROR_INIT};
    made.doc = ff_doc_new(&made.e);
    (void)ff_doc_set_root(made.doc, build(&made, from), &made.e);
    bench_check(&made.e, "build");
    ff_doc_free(b->built);
    b->built = made.doc;
}

/* ---- this library ---- */

static void keep(void *taken)
{
    (void)taken;
}

static struct ff_doc *load(const struct bytes *s)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *doc =
        ff_pickle_load(s->data, s->size_bytes, s->data, keep, NULL, NULL, &e);
    bench_check(&e, "load");
    return doc;
}

static double time_load(const struct bench *b)
{
    double begin = bench_now_s();
    ff_doc_free(load(&b->stream));
    return bench_now_s() - begin;
}

static int append(void *ctx, const void *data, size_t size_bytes)
{
    struct bytes *to = ctx;
    if (to->room_bytes - to->size_bytes < size_bytes) {
        size_t room = 2 * to->room_bytes > to->size_bytes + size_bytes
                          ? 2 * to->room_bytes
                          : to->size_bytes + size_bytes;
        uint8_t *more = realloc(to->data, room);
        if (!more) {
            return FF_E_NO_MEMORY;
        }
        to->data = more;
        to->room_bytes = room;
    }
    memcpy(to->data + to->size_bytes, data, size_bytes);
    to->size_bytes += size_bytes;
    return FF_OK;
}

static struct bytes dump(const struct ff_doc *doc, int protocol)
{
    struct ff_error e = FF_ERROR_INIT;
    struct bytes to = {NULL, 0, 0};
    struct ff_dump_options o = {.struct_size = FF_SIZE(ff_dump_options, call),
                                .protocol = (uint32_t)protocol};
    (void)ff_pickle_dump(ff_doc_root(doc), &o, append, &to, &e);
    bench_check(&e, "dump");
    return to;
}

static double time_dump(const struct ff_doc *doc, int protocol)
{
    double begin = bench_now_s();
    free(dump(doc, protocol).data);
    return bench_now_s() - begin;
}

static void check_dump(const struct bench *b, const struct ff_doc *doc, int protocol,
                       const char *what)
{
    struct bytes got = dump(doc, protocol);
    if (got.size_bytes != b->stream.size_bytes ||
        memcmp(got.data, b->stream.data, got.size_bytes) != 0) {
        bench_die("%s, protocol %d: the dump has other bytes", what, protocol);
    }
    free(got.data);
}

/* ---- one row ---- */

static void take_stream(struct bench *b, int protocol)
{
    double size = bench_peers_do(&b->peers, "write %d %s", protocol, b->path);
    FILE *f = fopen(b->path, "rb");
    free(b->stream.data);
    b->stream = (struct bytes){malloc((size_t)size), (size_t)size, 0};
    if (!f || fread(b->stream.data, 1, (size_t)size, f) != (size_t)size || fclose(f) ||
        unlink(b->path)) {
        bench_die("%s: cannot read it", b->path);
    }
}

static double turn(struct bench *b, enum side side, int protocol)
{
    switch (side) {
    case LOAD_GC:
    case LOAD_NO_GC:
        return bench_peers_do(&b->peers, "load %d", side == LOAD_GC);
    case DUMP_GC:
    case DUMP_NO_GC:
        return bench_peers_do(&b->peers, "dump %d", side == DUMP_GC);
    case LOAD:
        return time_load(b);
    default:
        return time_dump(side == DUMP ? b->loaded : b->built, protocol);
    }
}

/* The middle of the rounds' own ratios. */
static double ratio(const struct bench *b, enum side peer, enum side ours)
{
    double r[BENCH_ROUNDS_MAX];
    for (size_t i = 0; i < b->rounds; i++) {
        r[i] = b->spent_s[peer][i] / b->spent_s[ours][i];
    }
    return bench_median(r, b->rounds);
}

static double middle_ms(const struct bench *b, enum side side)
{
    double s[BENCH_ROUNDS_MAX];
    memcpy(s, b->spent_s[side], sizeof s);
    return 1e3 * bench_median(s, b->rounds);
}

static void report(const struct bench *b, const struct row *r, int protocol)
{
    double times[3] = {ratio(b, LOAD_NO_GC, LOAD), ratio(b, DUMP_NO_GC, DUMP),
                       ratio(b, DUMP_NO_GC, DUMP_BUILT)};
    (void)printf("| %s | %d |", r->text, protocol);
    for (size_t i = 0; i < 3; i++) {
        enum side with_gc = i ? DUMP_GC : LOAD_GC, ours = i == 0   ? LOAD
                                                          : i == 1 ? DUMP
                                                                   : DUMP_BUILT;
        (void)printf(" %.1f x%s (%.1f x) | %.2f / %.2f ms |", times[i],
                     times[i] < r->aim ? " **below**" : "", ratio(b, with_gc, ours),
                     middle_ms(b, ours), middle_ms(b, i ? DUMP_NO_GC : LOAD_NO_GC));
    }
    (void)printf(" %.1f |\n", (double)b->stream.size_bytes / 1e6);
    (void)fflush(stdout);
}

static void run_protocol(struct bench *b, const struct row *r, int protocol)
{
    take_stream(b, protocol);
    b->loaded = load(&b->stream);
    check_dump(b, b->loaded, protocol, r->text);
    if (strcmp(r->name, "ndarray") !=
        0) { /* spelled as numpy 1 does, so others read it */
        check_dump(b, b->built, protocol, "built by hand");
    }
    for (size_t round = 0; round < b->rounds; round++) {
        for (size_t i = 0; i < SIDES; i++) {
            enum side side = (enum side)((i + round) % SIDES);
            b->spent_s[side][round] = turn(b, side, protocol);
        }
    }
    report(b, r, protocol);
    ff_doc_free(b->loaded);
}

static void run_row(struct bench *b, const struct row *r)
{
    struct ff_doc *doc;
    (void)bench_peers_do(&b->peers, "make %s", r->name);
    take_stream(b, 4);
    doc = load(&b->stream);
    build_document(b, ff_doc_root(doc));
    ff_doc_free(doc);
    for (size_t i = 0; i < sizeof protocols / sizeof *protocols; i++) {
        run_protocol(b, r, protocols[i]);
    }
}

int main(int argc, char **argv)
{
    static struct bench b;
    char folder[BENCH_PATH_BYTES];
    if (argc < 4) {
        bench_die("bench_pickle ROUNDS PYTHON PICKLE_PEER.PY [CASE]");
    }
    b.rounds = bench_rounds(argv[1]);
    bench_peers_start(&b.peers, argv[2], argv[3], NULL);
    bench_scratch(folder);
    (void)snprintf(b.path, sizeof b.path, "%s/stream", folder);
    (void)printf("How many times as fast as CPython without its garbage collector (with "
                 "it), then both in ms: the middle of %zu rounds; freeing is counted.\n\n"
                 "| value | protocol | load | | dump | | dump of a built value | | MB |\n"
                 "|---|---:|---:|---:|---:|---:|---:|---:|---:|\n",
                 b.rounds);
    for (size_t i = 0; i < ROWS; i++) {
        if (argc < 5 || strcmp(argv[4], rows[i].name) == 0) {
            run_row(&b, &rows[i]);
        }
    }
    bench_peers_end(&b.peers);
    ff_doc_free(b.built);
    free(b.stream.data);
    bench_remove(folder);
    return 0;
}
