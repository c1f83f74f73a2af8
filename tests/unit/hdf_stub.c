/* SPDX-License-Identifier: Apache-2.0 */
/* hdf_stub.c: see hdf_stub.h. */
#include "hdf_stub.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "core/base/region.h"

/* Outside of a test case too, so not Check's. */
static void need(int ok, const char *what)
{
    if (!ok) {
        (void)fprintf(stderr, "hdf_stub: %s\n", what);
        abort();
    }
}

static atomic_long calls, fail_at, open_files;
static atomic_int fail_code;
static atomic_ullong read_total;

void stub_fail_at(long n, int code)
{
    atomic_store(&calls, 0);
    atomic_store(&fail_code, code);
    atomic_store(&fail_at, n);
}

long stub_calls(void)
{
    return atomic_load(&calls);
}

long stub_open_files(void)
{
    return atomic_load(&open_files);
}

uint64_t stub_read_bytes(void)
{
    return atomic_load(&read_total);
}

static int tick(struct ff_error *e)
{
    long n = atomic_fetch_add(&calls, 1) + 1;

    return n == atomic_load(&fail_at)
               ? ff_fail(e, atomic_load(&fail_code), "stub", "the test asked for it")
               : FF_OK;
}

/* ---- files ---- */

struct ff_file {
    int fd, mode;
    char path[512];
};

static struct stub *of(const struct ff_files *);

static int f_open(const struct ff_files *self, const char *name, int mode,
                  struct ff_file **out, const struct ff_call *call, struct ff_error *e)
{
    struct ff_file *f;
    int rc = tick(e);

    (void)call;
    if (rc) {
        return rc;
    }
    f = calloc(1, sizeof *f);
    need(f != NULL, "memory");
    (void)snprintf(f->path, sizeof f->path, "%s/%s", of(self)->folder, name);
    f->mode = mode;
    f->fd =
        open(f->path, mode == FF_OPEN_READ ? O_RDONLY : O_RDWR | O_CREAT | O_EXCL, 0600);
    if (f->fd < 0) {
        free(f);
        return ff_fail(e, errno == ENOENT ? FF_E_NOT_FOUND : FF_E_EXISTS, name, "open");
    }
    atomic_fetch_add(&open_files, 1);
    *out = f;
    return FF_OK;
}

static int f_read(const struct ff_files *self, struct ff_file *f, uint64_t offset,
                  void *dst, size_t size_bytes, const struct ff_call *call,
                  struct ff_error *e)
{
    int rc = tick(e);

    (void)self;
    (void)call;
    atomic_fetch_add(&read_total, size_bytes);
    if (rc) {
        return rc;
    }
    return pread(f->fd, dst, size_bytes, (off_t)offset) == (ssize_t)size_bytes
               ? FF_OK
               : ff_fail(e, FF_E_CORRUPT, "stub", "past the end");
}

static int f_write(const struct ff_files *self, struct ff_file *f, uint64_t offset,
                   const void *src, size_t size_bytes, const struct ff_call *call,
                   struct ff_error *e)
{
    int rc = tick(e);

    (void)self;
    (void)call;
    if (rc) {
        return rc;
    }
    return pwrite(f->fd, src, size_bytes, (off_t)offset) == (ssize_t)size_bytes
               ? FF_OK
               : ff_fail(e, FF_E_IO, "stub", "write");
}

static int spans(int rc, struct ff_file *f, uint64_t offset, const struct ff_span *s,
                 size_t count, int writing, struct ff_error *e)
{
    struct iovec parts[1024];
    ssize_t total = 0, n;

    need(count <= 1024, "spans");
    for (size_t i = 0; i < count; i++) {
        parts[i] = (struct iovec){s[i].data, s[i].size_bytes};
        total += (ssize_t)s[i].size_bytes;
    }
    if (rc) {
        return rc;
    }
    n = writing ? pwritev(f->fd, parts, (int)count, (off_t)offset)
                : preadv(f->fd, parts, (int)count, (off_t)offset);
    if (!writing) {
        atomic_fetch_add(&read_total, (unsigned long long)total);
    }
    return n == total ? FF_OK : ff_fail(e, FF_E_IO, "stub", "spans");
}

static int f_read_spans(const struct ff_files *self, struct ff_file *f, uint64_t offset,
                        const struct ff_span *s, size_t count, const struct ff_call *call,
                        struct ff_error *e)
{
    (void)self;
    (void)call;
    return spans(tick(e), f, offset, s, count, 0, e);
}

static int f_write_spans(const struct ff_files *self, struct ff_file *f, uint64_t offset,
                         const struct ff_span *s, size_t count,
                         const struct ff_call *call, struct ff_error *e)
{
    (void)self;
    (void)call;
    return spans(tick(e), f, offset, s, count, 1, e);
}

static int f_size(const struct ff_files *self, struct ff_file *f, uint64_t *size_bytes,
                  struct ff_error *e)
{
    struct stat st;
    int rc = tick(e);

    (void)self;
    need(fstat(f->fd, &st) == 0, "fstat");
    *size_bytes = (uint64_t)st.st_size;
    return rc;
}

static int f_resize(const struct ff_files *self, struct ff_file *f, uint64_t size_bytes,
                    int reserve, struct ff_error *e)
{
    int rc = tick(e);

    (void)self;
    if (rc) {
        return rc;
    }
    rc = ftruncate(f->fd, (off_t)size_bytes);
    if (rc == 0 && reserve && size_bytes) {
        rc = posix_fallocate(f->fd, 0, (off_t)size_bytes);
    }
    return rc ? ff_fail(e, FF_E_NO_SPACE, "stub", "resize") : FF_OK;
}

static void f_close(const struct ff_files *self, struct ff_file *f)
{
    (void)self;
    (void)close(f->fd);
    if (f->mode == FF_OPEN_CREATE) {
        (void)unlink(f->path);
    }
    atomic_fetch_sub(&open_files, 1);
    free(f);
}

static int f_finish(const struct ff_files *self, struct ff_file *f,
                    const struct ff_call *call, struct ff_error *e)
{
    int rc = tick(e);

    (void)call;
    f->mode = rc ? f->mode : FF_OPEN_READ;
    f_close(self, f);
    return rc;
}

static const struct ff_files files = {
    .struct_size = FF_SIZE(ff_files, remove),
    .open = f_open,
    .read = f_read,
    .read_spans = f_read_spans,
    .write = f_write,
    .write_spans = f_write_spans,
    .size = f_size,
    .resize = f_resize,
    .finish = f_finish,
    .close = f_close,
};

static struct stub *current;

static struct stub *of(const struct ff_files *self)
{
    (void)self;
    return current;
}

static const void *find(const struct ff_protocols *p, const char *key, const char *id)
{
    (void)p;
    (void)key;
    return strcmp(id, FF_FILES_1) == 0 ? &files : NULL;
}

/* ---- values: a cell is an index into `cells`, 0 is absent ---- */

struct cell {
    int kind;
    char key[32], text[64];
    int64_t number;
};
struct dict {
    struct cell items[8];
    size_t count;
};
static struct dict dict;
static char only_doc;

static struct ff_value value(uint64_t cell)
{
    return (struct ff_value){(const struct ff_doc *)(const void *)&only_doc, cell};
}

static const struct cell *cell_of(struct ff_value v)
{
    return v.cell >= 10 && v.cell < 10 + dict.count ? &dict.items[v.cell - 10] : NULL;
}

static int v_kind(struct ff_value v)
{
    return v.cell == 1     ? FF_ARRAY
           : v.cell == 2   ? FF_DICT
           : v.cell >= 100 ? FF_STR
           : cell_of(v)    ? cell_of(v)->kind
                           : FF_ABSENT;
}

static int v_boolean(struct ff_value v, int *out, struct ff_error *e)
{
    const struct cell *c = cell_of(v);

    if (!c || c->kind != FF_BOOL) {
        return ff_fail(e, FF_E_TYPE, "stub", "not a bool");
    }
    *out = (int)c->number;
    return FF_OK;
}

static int v_int64(struct ff_value v, int64_t *out, struct ff_error *e)
{
    const struct cell *c = cell_of(v);

    if (!c || c->kind != FF_INT) {
        return ff_fail(e, FF_E_TYPE, "stub", "not an int");
    }
    *out = c->number;
    return FF_OK;
}

static int v_str(struct ff_value v, const char **text, size_t *size, struct ff_error *e)
{
    const struct cell *c = cell_of(v);

    if (v.cell >= 100) {
        *text = dict.items[v.cell - 100].key;
        *size = strlen(*text);
        return FF_OK;
    }
    if (!c || c->kind != FF_STR) {
        return ff_fail(e, FF_E_TYPE, "stub", "not a str");
    }
    *text = c->text;
    *size = strlen(*text);
    return FF_OK;
}

static size_t v_length(struct ff_value v)
{
    return v.cell == 2 ? dict.count : 0;
}

static int v_item(struct ff_value v, size_t i, struct ff_value *key, struct ff_value *val,
                  struct ff_error *e)
{
    (void)v;
    (void)e;
    *key = value(100 + i);
    *val = value(10 + i);
    return FF_OK;
}

static struct ff_value v_get(struct ff_value v, const char *key)
{
    for (size_t i = 0; v.cell == 2 && i < dict.count; i++) {
        if (strcmp(dict.items[i].key, key) == 0) {
            return value(10 + i);
        }
    }
    return (struct ff_value){NULL, 0};
}

static const struct ff_array *v_array(struct ff_value v, struct ff_error *e)
{
    (void)e;
    return v.cell == 1 ? current->given : NULL;
}

static struct ff_value v_new_array_take(struct ff_doc *doc, struct ff_array *taken,
                                        struct ff_error *e)
{
    (void)doc;
    (void)e;
    current->got = taken;
    return value(1);
}

/* {"key": "text" | number | true | false, ...} */
static struct ff_value v_from_json(struct ff_doc *doc, const char *text, size_t size,
                                   struct ff_error *e)
{
    int used = 0;

    (void)doc;
    (void)size;
    dict.count = 0;
    text += *text == '{';
    while (*text && *text != '}') {
        struct cell *c = &dict.items[dict.count];
        char word[16];

        memset(c, 0, sizeof *c);
        if (sscanf(text, " \"%31[^\"]\" : %n", c->key, &used) != 1) {
            (void)ff_fail(e, FF_E_USAGE, "stub", "not JSON");
            return (struct ff_value){NULL, 0};
        }
        text += used;
        if (sscanf(text, "\"%63[^\"]\"%n", c->text, &used) == 1) {
            c->kind = FF_STR;
        } else if (sscanf(text, "%ld%n", &c->number, &used) == 1) {
            c->kind = FF_INT;
        } else if (sscanf(text, "%15[a-z]%n", word, &used) == 1) {
            c->kind = FF_BOOL;
            c->number = strcmp(word, "true") == 0;
        }
        text += used;
        text += strspn(text, ", ");
        dict.count++;
    }
    return value(2);
}

static struct ff_doc *v_doc_new(struct ff_error *e)
{
    (void)e;
    return (struct ff_doc *)(void *)&only_doc;
}

static void v_doc_free(struct ff_doc *doc)
{
    (void)doc;
}

static const struct ff_values values = {
    .struct_size = FF_SIZE(ff_values, doc_free),
    .kind = v_kind,
    .boolean = v_boolean,
    .int64 = v_int64,
    .str = v_str,
    .length = v_length,
    .item = v_item,
    .get = v_get,
    .array = v_array,
    .new_array_take = v_new_array_take,
    .from_json = v_from_json,
    .doc_new = v_doc_new,
    .doc_free = v_doc_free,
};

/* ---- threads ---- */

struct run {
    uint64_t count;
    atomic_ullong next;
    int (*work)(void *, uint64_t, struct ff_error *);
    void *ctx;
    pthread_mutex_t lock;
    int code;
    struct ff_error error;
};

static void *run_some(void *ctx)
{
    struct run *r = ctx;

    for (;;) {
        uint64_t i = atomic_fetch_add(&r->next, 1);
        struct ff_error own = FF_ERROR_INIT;
        int rc;

        if (i >= r->count) {
            return NULL;
        }
        rc = r->work(r->ctx, i, &own);
        if (rc) {
            pthread_mutex_lock(&r->lock);
            if (!r->code) {
                r->code = rc;
                r->error = own;
            }
            atomic_store(&r->next, r->count);
            pthread_mutex_unlock(&r->lock);
        }
    }
}

static int for_each(const struct ff_host_services *host, uint64_t count,
                    int (*work)(void *, uint64_t, struct ff_error *), void *ctx,
                    const struct ff_call *call, struct ff_error *e)
{
    struct run r = {.count = count, .work = work, .ctx = ctx};
    pthread_t other;
    int started;

    (void)host;
    (void)call;
    pthread_mutex_init(&r.lock, NULL);
    started = count > 1 && pthread_create(&other, NULL, run_some, &r) == 0;
    (void)run_some(&r);
    if (started) {
        pthread_join(other, NULL);
    }
    if (r.code && e && !e->code) {
        *e = r.error;
    }
    return r.code;
}

static void *borrow(const struct ff_host_services *host, size_t size_bytes,
                    const struct ff_call *call, struct ff_error *e)
{
    void *memory = NULL;

    (void)host;
    (void)call;
    if (posix_memalign(&memory, 4096, size_bytes ? size_bytes : 1)) {
        (void)ff_fail(e, FF_E_NO_MEMORY, "stub", "no memory");
        return NULL;
    }
    return memory;
}

static void give_back(const struct ff_host_services *host, void *memory)
{
    (void)host;
    free(memory);
}

static const struct ff_pool pool = {.struct_size = FF_SIZE(ff_pool, give_back),
                                    .for_each = for_each,
                                    .borrow = borrow,
                                    .give_back = give_back};

static pthread_mutex_t group = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static _Thread_local int group_depth;

static int enter(const struct ff_host_services *host, const char *name,
                 struct ff_error *e)
{
    (void)host;
    (void)e;
    need(strcmp(name, "libhdf5") == 0, "lock group");
    group_depth++;
    return pthread_mutex_lock(&group);
}

static void leave(const struct ff_host_services *host, const char *name)
{
    (void)host;
    (void)name;
    pthread_mutex_unlock(&group);
    group_depth--;
}

int stub_has_group(void)
{
    return group_depth > 0;
}

static const struct ff_lock_group locks = {
    .struct_size = FF_SIZE(ff_lock_group, leave), .enter = enter, .leave = leave};

static const void *query(const struct ff_host_services *host, const char *id)
{
    (void)host;
    return strcmp(id, FF_VALUES_1) == 0       ? (const void *)&values
           : strcmp(id, FF_POOL_1) == 0       ? (const void *)&pool
           : strcmp(id, FF_LOCK_GROUP_1) == 0 ? (const void *)&locks
                                              : NULL;
}

/* ---- the whole ---- */

void stub_open(struct stub *s, const char *folder, const char *options)
{
    struct ff_error e = FF_ERROR_INIT;
    int rc;

    memset(s, 0, sizeof *s);
    current = s;
    stub_fail_at(0, 0);
    s->host.struct_size = FF_SIZE(ff_host_services, query);
    s->host.abi = FF_ABI;
    s->host.threads = 2;
    s->host.version = "0.1.0";
    s->host.query = query;
    s->protocols.struct_size = FF_SIZE(ff_protocols, find);
    s->protocols.find = find;
    (void)snprintf(s->folder, sizeof s->folder, "%s",
                   folder ? folder : "/tmp/ff-hdf-XXXXXX");
    if (!folder) {
        need(mkdtemp(s->folder) != NULL, "mkdtemp");
    }
    s->serializer = ff_serializer_describe();
    rc = s->serializer->create(&s->host,
                               options ? v_from_json(NULL, options, 0, &e)
                                       : (struct ff_value){NULL, 0},
                               &s->inst, &e);
    need(rc == FF_OK, e.message);
}

void stub_close(struct stub *s)
{
    DIR *dir = strncmp(s->folder, "/tmp/ff-hdf-", 12) == 0 ? opendir(s->folder) : NULL;
    struct dirent *entry;

    s->serializer->destroy(s->inst);
    while (dir && (entry = readdir(dir))) {
        (void)unlinkat(dirfd(dir), entry->d_name, 0);
    }
    if (dir) {
        closedir(dir);
        (void)rmdir(s->folder);
    }
}

int stub_pickle(struct stub *s, const struct ff_array *a, const char *name,
                const struct ff_call *call, struct ff_error *e)
{
    struct ff_pid pid = {
        .struct_size = FF_SIZE(ff_pid, extra), .version = "0.0.0", .name = name};

    s->given = a;
    return s->serializer->pickle(s->inst, value(1), &s->protocols, &pid, call, e);
}

struct ff_array *stub_unpickle(struct stub *s, const char *name, struct ff_error *e)
{
    struct ff_pid pid = {
        .struct_size = FF_SIZE(ff_pid, extra), .version = "0.0.0", .name = name};
    struct ff_value out;

    s->got = NULL;
    return s->serializer->unpickle(s->inst, &pid, &s->protocols, NULL, &out, NULL, e)
               ? NULL
               : s->got;
}

unsigned char *stub_load(const struct stub *s, const char *name, size_t *size_bytes)
{
    char path[512];
    unsigned char *data;
    FILE *f;

    (void)snprintf(path, sizeof path, "%s/%s", s->folder, name);
    f = fopen(path, "rb");
    need(f != NULL, path);
    (void)fseek(f, 0, SEEK_END);
    *size_bytes = (size_t)ftell(f);
    rewind(f);
    data = malloc(*size_bytes + 1);
    need(fread(data, 1, *size_bytes, f) == *size_bytes, path);
    (void)fclose(f);
    return data;
}

void stub_store(const struct stub *s, const char *name, const void *data,
                size_t size_bytes)
{
    char path[512];
    FILE *f;

    (void)snprintf(path, sizeof path, "%s/%s", s->folder, name);
    f = fopen(path, "wb");
    need(f != NULL, path);
    need(fwrite(data, 1, size_bytes, f) == size_bytes, path);
    (void)fclose(f);
}

int stub_exists(const struct stub *s, const char *name)
{
    char path[512];

    (void)snprintf(path, sizeof path, "%s/%s", s->folder, name);
    return access(path, F_OK) == 0;
}

void stub_array_make(struct stub_array *a, const char *descr, uint64_t item_bytes,
                     int ndim, const int64_t *shape, const int64_t *chunk)
{
    memset(a, 0, sizeof *a);
    for (int i = 0; i < ndim; i++) {
        a->shape[i] = shape[i];
        a->chunk[i] = chunk[i];
    }
    need(ff_strides_c((size_t)ndim, shape, item_bytes, a->strides, &a->total_bytes),
         "shape");
    a->data = malloc(a->total_bytes + 1);
    need(a->data != NULL, "memory");
    for (uint64_t i = 0; i < a->total_bytes; i++) {
        a->data[i] = (unsigned char)((i * 2654435761u) >> 13 & 0x7f);
    }
    a->array.struct_size = FF_SIZE(ff_array, query);
    a->array.descr = descr;
    a->array.itemsize_bytes = item_bytes;
    a->array.ndim = ndim;
    a->array.shape = a->shape;
    a->array.chunk = a->chunk;
    a->array.data = a->data;
    a->array.strides = a->strides;
}

void stub_array_free(struct stub_array *a)
{
    free(a->data);
}

unsigned char *stub_read_all(const struct ff_array *a, uint64_t *total_bytes,
                             struct ff_error *e)
{
    int64_t strides[FF_MAX_NDIM], start[FF_MAX_NDIM] = {0};
    struct ff_region region = {start, a->shape, NULL};
    unsigned char *data;

    need(ff_strides_c((size_t)a->ndim, a->shape, a->itemsize_bytes, strides, total_bytes),
         "shape");
    data = malloc(*total_bytes + 1);
    need(data != NULL, "memory");
    memset(data, 0xee, *total_bytes);
    if (a->read(a, &region, data, strides, NULL, e)) {
        free(data);
        return NULL;
    }
    return data;
}
