// SPDX-License-Identifier: Apache-2.0
// stack.cpp: the serializer "acme.stack": a chunked array as several objects, head.json and a .npy
// object for each chunk of rows. Written against plugin.h alone; nothing is thrown across the border.
#include <functionfuse/plugin.h>

#include <algorithm>
#include <new>
#include <string>
#include <vector>

namespace {

constexpr size_t head_max_bytes = 64 << 10;

struct instance {
    const ff_values *values;
    const ff_npy *npy;
};

const ff_objects *objects_of(const ff_protocols *p)
{
    return static_cast<const ff_objects *>(p->find(p, nullptr, FF_OBJECTS_1));
}

// A document for a while.
struct scratch {
    const ff_values *values;
    ff_doc *doc;
    scratch(const ff_values *v, ff_error *e) : values(v), doc(v->doc_new(e)) {}
    scratch(const scratch &) = delete;
    scratch &operator=(const scratch &) = delete;
    ~scratch() { values->doc_free(doc); }
};

// ---- saving ----

// Rows of an array as an array of its own; the elements stay where they are.
struct slab {
    ff_array array{};
    const ff_array *whole;
    int64_t first;
    std::vector<int64_t> shape;

    slab(const ff_array *a, int64_t from, int64_t rows)
        : whole(a), first(from), shape(a->shape, a->shape + a->ndim)
    {
        shape[0] = rows;
        array.struct_size = FF_SIZE(ff_array, query);
        array.flags = a->flags & FF_ARRAY_SERIAL;
        array.ndim = a->ndim;
        array.itemsize_bytes = a->itemsize_bytes;
        array.descr = a->descr;
        array.shape = shape.data();
        array.ctx = this;
        array.read = read;
    }

    static int read(const ff_array *self, const ff_region *r, void *dst, const int64_t *strides,
                    const ff_call *call, ff_error *e) noexcept
    {
        const auto *s = static_cast<const slab *>(self->ctx);
        int64_t start[FF_MAX_NDIM];
        std::copy(r->start, r->start + self->ndim, start);
        start[0] += s->first;
        const ff_region shifted{start, r->count, r->step};
        return s->whole->read(s->whole, &shifted, dst, strides, call, e);
    }
};

int append(void *ctx, const char *text, size_t size_bytes) noexcept
{
    try {
        static_cast<std::string *>(ctx)->append(text, size_bytes);
        return FF_OK;
    } catch (const std::bad_alloc &) {
        return FF_E_NO_MEMORY;
    }
}

int text_read(void *ctx, uint64_t offset, void *dst, size_t size_bytes, const ff_call *,
              ff_error *) noexcept
{
    memcpy(dst, static_cast<const std::string *>(ctx)->data() + offset, size_bytes);
    return FF_OK;
}

int put_head(const instance *in, const ff_objects *objects, const std::string &name,
             const ff_array *a, int64_t rows, const ff_call *call, ff_error *e)
{
    const ff_values *v = in->values;
    scratch s(v, e);
    std::string text;
    const ff_value head = v->new_dict(s.doc, e), shape = v->new_list(s.doc, e);
    for (int i = 0; i < a->ndim; i++) {
        v->append(s.doc, shape, v->new_int(s.doc, a->shape[i], e), e);
    }
    v->set(s.doc, head, "descr", v->new_str(s.doc, a->descr, strlen(a->descr), e), e);
    v->set(s.doc, head, "itemsize", v->new_int(s.doc, static_cast<int64_t>(a->itemsize_bytes), e), e);
    v->set(s.doc, head, "rows", v->new_int(s.doc, rows, e), e);
    v->set(s.doc, head, "shape", shape, e);
    const int code = v->to_json(head, append, &text, e);
    return code ? code
                : ff_put_bytes(objects, (name + "/head.json").c_str(), text.size(), text_read, &text,
                               call, e);
}

int save_parts(const instance *in, const ff_array *a, const ff_objects *objects, const ff_pid *pid,
               const ff_call *call, ff_error *e)
{
    const std::string name = pid->name;
    const int64_t rows = std::max<int64_t>(a->chunk ? a->chunk[0] : a->shape[0], 1);
    int code = FF_OK;
    for (int64_t i = 0; !code && i * rows < a->shape[0]; i++) {
        slab part(a, i * rows, std::min(rows, a->shape[0] - i * rows));
        uint64_t size = 0;
        code = in->npy->size(&part.array, &size, e);
        code = code ? code
                    : ff_put_bytes(objects, (name + "/" + std::to_string(i) + ".npy").c_str(), size,
                                   in->npy->read, &part.array, call, e);
    }
    return code ? code : put_head(in, objects, name, a, rows, call, e);
}

int save(void *inst, ff_value v, const ff_protocols *p, ff_pid *pid, const ff_call *call,
         ff_error *e) noexcept
{
    const auto *in = static_cast<const instance *>(inst);
    const ff_array *a = in->values->array(v, e);
    uint64_t size = 0;
    if (!a || a->ndim == 0 || in->npy->size(a, &size, nullptr)) { // no rows, or no dtype of .npy
        return a ? FF_DECLINED : FF_E_TYPE;
    }
    try {
        return save_parts(in, a, objects_of(p), pid, call, e);
    } catch (const std::bad_alloc &) {
        return ff_fail(e, FF_E_NO_MEMORY, pid->name, "out of memory");
    }
}

// ---- reading ----

// An array that was stored: lazy, read from any thread.
struct stack {
    ff_array array{};
    const instance *in;
    const ff_objects *objects;
    std::string name, descr;
    std::vector<int64_t> shape, chunk;

    int corrupt(ff_error *e, const char *what) const
    {
        return ff_fail(e, FF_E_CORRUPT, name.c_str(), "a stack of arrays: %s", what);
    }

    int read_head(const ff_call *call, ff_error *e);
    // Elements of one part.
    int read_part(int64_t i, const ff_region *, char *dst, const int64_t *strides, const ff_call *,
                  ff_error *) const;
    static int read(const ff_array *, const ff_region *, void *dst, const int64_t *strides,
                    const ff_call *, ff_error *) noexcept;
    static void release(ff_array *self) noexcept { delete static_cast<stack *>(self->ctx); }
};

int stack::read_head(const ff_call *call, ff_error *e)
{
    const ff_values *v = in->values;
    const std::string object = name + "/head.json";
    uint64_t size = 0;
    int code = ff_head(objects, object.c_str(), &size, nullptr, call, e);
    if (code || size > head_max_bytes) {
        return code ? code : corrupt(e, "its head is too long");
    }
    std::string text(size, '\0');
    code = ff_get_bytes(objects, object.c_str(), 0, &text[0], size, nullptr, call, e);
    if (code) {
        return code;
    }
    scratch s(v, e);
    ff_error ignored = FF_ERROR_INIT;
    const ff_value head = v->from_json(s.doc, text.data(), text.size(), &ignored);
    const ff_value axes = v->get(head, "shape");
    int64_t rows = 0, itemsize = 0;
    char dtype[4096];
    if (v->int64(v->get(head, "rows"), &rows, &ignored) || rows < 1 ||
        v->int64(v->get(head, "itemsize"), &itemsize, &ignored) || itemsize < 1 ||
        ff_copy_str(v, v->get(head, "descr"), dtype, sizeof dtype, &ignored) ||
        v->length(axes) < 1 || v->length(axes) > FF_MAX_NDIM) {
        return corrupt(e, "its head is damaged");
    }
    for (size_t i = 0; i < v->length(axes); i++) {
        ff_value key, axis;
        int64_t n = -1;
        if (v->item(axes, i, &key, &axis, &ignored) || v->int64(axis, &n, &ignored) || n < 0) {
            return corrupt(e, "its shape is damaged");
        }
        shape.push_back(n);
    }
    chunk = shape;
    chunk[0] = rows;
    for (int64_t &edge : chunk) {
        edge = std::max<int64_t>(edge, 1);
    }
    descr = dtype;
    array.itemsize_bytes = static_cast<uint64_t>(itemsize);
    return FF_OK;
}

int stack::read_part(int64_t i, const ff_region *region, char *dst, const int64_t *strides,
                     const ff_call *call, ff_error *e) const
{
    const std::string part = name + "/" + std::to_string(i) + ".npy";
    scratch s(in->values, e);
    ff_object *object = nullptr;
    uint64_t size = 0;
    const int code = ff_object_open(objects, part.c_str(), &object, &size, call, e);
    if (code) {
        return code;
    }
    const ff_value v = in->npy->take(s.doc, ff_object_read, object, std::free, size, call, e);
    const ff_array *a = v.doc ? in->values->array(v, e) : nullptr;
    if (!a) {
        return e->code;
    }
    const int64_t rows = std::min(chunk[0], shape[0] - i * chunk[0]);
    if (a->ndim != array.ndim || descr != a->descr || a->shape[0] != rows ||
        !std::equal(shape.begin() + 1, shape.end(), a->shape + 1)) {
        return corrupt(e, "a part is of another dtype or shape");
    }
    return a->read(a, region, dst, strides, call, e);
}

int stack::read(const ff_array *self, const ff_region *r, void *dst, const int64_t *strides,
                const ff_call *call, ff_error *e) noexcept
{
    const auto *s = static_cast<const stack *>(self->ctx);
    const int64_t rows = s->chunk[0], step = r->step ? r->step[0] : 1;
    int64_t start[FF_MAX_NDIM], count[FF_MAX_NDIM];
    int code = FF_OK;
    if (r->start[0] < 0 || (r->count[0] > 0 && r->start[0] + (r->count[0] - 1) * step >= s->shape[0])) {
        return ff_fail(e, FF_E_USAGE, s->name.c_str(), "outside of the shape");
    }
    std::copy(r->start, r->start + self->ndim, start);
    std::copy(r->count, r->count + self->ndim, count);
    try {
        for (int64_t done = 0; !code && done < r->count[0]; done += count[0]) {
            const int64_t row = r->start[0] + done * step, part = row / rows;
            const ff_region within{start, count, r->step};
            start[0] = row - part * rows;
            count[0] = std::min(r->count[0] - done, (rows - start[0] + step - 1) / step);
            code = ff_cancelled(call)
                       ? ff_fail(e, FF_E_CANCELLED, s->name.c_str(), "cancelled")
                       : s->read_part(part, &within, static_cast<char *>(dst) + done * strides[0],
                                      strides, call, e);
        }
    } catch (const std::bad_alloc &) {
        code = ff_fail(e, FF_E_NO_MEMORY, s->name.c_str(), "out of memory");
    }
    return code;
}

int open_stack(const instance *in, const ff_pid *pid, const ff_protocols *p, ff_array **out,
               const ff_call *call, ff_error *e)
{
    auto *s = new stack;
    int code;
    s->in = in;
    s->objects = objects_of(p);
    s->array.ctx = s;
    try {
        s->name = pid->name;
        code = s->read_head(call, e);
    } catch (...) {
        delete s;
        throw;
    }
    if (code) {
        delete s;
        return code;
    }
    s->array.struct_size = FF_SIZE(ff_array, query);
    s->array.ndim = static_cast<int32_t>(s->shape.size());
    s->array.descr = s->descr.c_str();
    s->array.shape = s->shape.data();
    s->array.chunk = s->chunk.data();
    s->array.read = stack::read;
    s->array.release = stack::release;
    *out = &s->array;
    return FF_OK;
}

int load(void *inst, const ff_pid *pid, const ff_protocols *p, ff_doc *out, ff_value *v,
         const ff_call *call, ff_error *e) noexcept
{
    const auto *in = static_cast<const instance *>(inst);
    ff_array *a = nullptr;
    try {
        const int code = open_stack(in, pid, p, &a, call, e);
        if (code) {
            return code;
        }
    } catch (const std::bad_alloc &) {
        return ff_fail(e, FF_E_NO_MEMORY, pid->name, "out of memory");
    }
    *v = in->values->new_array_take(out, a, e);
    return v->doc ? FF_OK : e->code;
}

// ---- the serializer ----

int create(const ff_host_services *host, ff_value, void **inst, ff_error *e) noexcept
{
    auto *in = new (std::nothrow) instance;
    if (!in) {
        return ff_fail(e, FF_E_NO_MEMORY, nullptr, "out of memory");
    }
    in->values = static_cast<const ff_values *>(host->query(host, FF_VALUES_1));
    in->npy = static_cast<const ff_npy *>(host->query(host, FF_NPY_1));
    *inst = in;
    return FF_OK;
}

void destroy(void *inst) noexcept
{
    delete static_cast<instance *>(inst);
}

const char *const classes[] = {"dask.array.core.Array", nullptr};
const char *const needs[] = {FF_OBJECTS_1, FF_VALUES_1, FF_NPY_1, nullptr};

constexpr ff_serializer describe()
{
    ff_serializer s{};
    s.struct_size = FF_SIZE(ff_serializer, next);
    s.abi = FF_ABI;
    s.serializer_class = classes;
    s.name = "acme.stack";
    s.version = "1.0.0";
    s.summary = "chunked arrays as .npy objects, one for each chunk of rows";
    s.needs = needs;
    s.threads = FF_THREADS_FREE;
    s.create = create;
    s.destroy = destroy;
    s.pickle = save;
    s.unpickle = load;
    return s;
}
constexpr ff_serializer descriptor = describe();

} // namespace

FF_PLUGIN_NOTE("serializer", "acme.stack", "1.0.0", "dask.array.core.Array");

const ff_serializer *ff_serializer_describe(void)
{
    return &descriptor;
}
