/* SPDX-License-Identifier: Apache-2.0 */
/* vfd.c: a virtual file driver of libhdf5 that reaches an open ff.files handle, and nothing
 * else: no name, no lock, no environment. Also the lock group, and the library's errors.
 */
#include "hdf.h"

#include <hdf5.h>
#if H5_VERSION_GE(1, 13, 0)
#include <H5FDdevelop.h>
#endif

#include "core/base/alloc.h"

struct driver_file {
    H5FD_t pub; /* first: the library's part */
    struct hdf_io *io;
    haddr_t eoa, eof;
};

struct driver_info { /* what the file access list carries */
    struct hdf_io *io;
};

static H5FD_t *driver_open(const char *name, unsigned flags, hid_t list, haddr_t max)
{
    const struct driver_info *info = H5Pget_driver_info(list);
    struct driver_file *f = info ? ff_calloc(1, sizeof *f) : NULL;
    uint64_t size_bytes = 0;

    (void)name;
    (void)flags;
    (void)max;
    if (!f) {
        if (info && !info->io->failed) {
            info->io->failed = ff_fail(info->io->error, FF_E_NO_MEMORY, NULL,
                                       "no memory for a file driver");
        }
        return NULL;
    }
    f->io = info->io;
    if (!f->io->failed) { /* the library opens twice */
        f->io->failed =
            f->io->files->size(f->io->files, f->io->file, &size_bytes, f->io->error);
    }
    f->eof = size_bytes;
    return &f->pub;
}

static herr_t driver_close(H5FD_t *file)
{
    ff_free(file);
    return 0;
}

static int driver_cmp(const H5FD_t *a, const H5FD_t *b)
{
    uintptr_t x = (uintptr_t)((const struct driver_file *)a)->io->file;
    uintptr_t y = (uintptr_t)((const struct driver_file *)b)->io->file;

    return x < y ? -1 : x > y;
}

static herr_t driver_query(const H5FD_t *file, unsigned long *flags)
{
    (void)file;
    *flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA |
             H5FD_FEAT_DATA_SIEVE | H5FD_FEAT_AGGREGATE_SMALLDATA |
             H5FD_FEAT_DEFAULT_VFD_COMPATIBLE;
    return 0;
}

static haddr_t driver_get_eoa(const H5FD_t *file, H5FD_mem_t type)
{
    (void)type;
    return ((const struct driver_file *)file)->eoa;
}

static herr_t driver_set_eoa(H5FD_t *file, H5FD_mem_t type, haddr_t address)
{
    (void)type;
    ((struct driver_file *)file)->eoa = address;
    return 0;
}

static haddr_t driver_get_eof(const H5FD_t *file, H5FD_mem_t type)
{
    (void)type;
    return ((const struct driver_file *)file)->eof;
}

static bool is_silent(const struct driver_file *f)
{
    return f->io->dead || f->io->failed;
}

/* The library reads up to its end of allocation; what was never written there is zero. */
static herr_t driver_read(H5FD_t *file, H5FD_mem_t type, hid_t list, haddr_t address,
                          size_t size_bytes, void *dst)
{
    struct driver_file *f = (struct driver_file *)file;
    struct hdf_io *io = f->io;
    size_t there = address < f->eof ? (size_t)(f->eof - address) : 0;

    (void)type;
    (void)list;
    there = there < size_bytes ? there : size_bytes;
    memset(dst, 0, size_bytes);
    if (there && !is_silent(f)) {
        io->failed = io->files->read(io->files, io->file, address, dst, there, io->call,
                                     io->error);
    }
    return 0;
}

static herr_t driver_write(H5FD_t *file, H5FD_mem_t type, hid_t list, haddr_t address,
                           size_t size_bytes, const void *src)
{
    struct driver_file *f = (struct driver_file *)file;
    struct hdf_io *io = f->io;

    (void)type;
    (void)list;
    if (!is_silent(f)) {
        io->failed = io->files->write(io->files, io->file, address, src, size_bytes,
                                      io->call, io->error);
    }
    f->eof = address + size_bytes > f->eof ? address + size_bytes : f->eof;
    return 0;
}

static herr_t driver_truncate(H5FD_t *file, hid_t list, hbool_t closing)
{
    struct driver_file *f = (struct driver_file *)file;
    struct hdf_io *io = f->io;

    (void)list;
    (void)closing;
    if (f->eoa != f->eof && !is_silent(f)) {
        io->failed = io->files->resize(io->files, io->file, f->eoa, 1, io->error);
    }
    f->eof = f->eoa;
    return 0;
}

static const H5FD_class_t driver_class = {
#ifdef H5FD_CLASS_VERSION
    .version = H5FD_CLASS_VERSION,
    .value = (H5FD_class_value_t)511, /* the last one for unregistered drivers */
#endif
    .name = "functionfuse",
    .maxaddr = (haddr_t)INT64_MAX,
    .fc_degree = H5F_CLOSE_STRONG,
    .fapl_size = sizeof(struct driver_info),
    .open = driver_open,
    .close = driver_close,
    .cmp = driver_cmp,
    .query = driver_query,
    .get_eoa = driver_get_eoa,
    .set_eoa = driver_set_eoa,
    .get_eof = driver_get_eof,
    .read = driver_read,
    .write = driver_write,
    .truncate = driver_truncate,
    .fl_map = H5FD_FLMAP_DICHOTOMY,
};

struct hdf_io *hdf_io_new(const struct ff_files *files)
{
    struct hdf_io *io = ff_calloc(1, sizeof *io);

    if (io) {
        io->files = files;
    }
    return io;
}

void hdf_io_free(struct hdf_io *io)
{
    if (io && !io->held) {
        ff_free(io);
    }
}

void hdf_io_drop_driver(struct hdf_io *io)
{
    if (io->driver > 0) {
        (void)H5FDunregister(io->driver);
        io->driver = 0;
    }
}

bool hdf_io_close(struct hdf_io *io, int64_t h5_file)
{
    bool ok = H5Fclose(h5_file) >= 0;

    /* The driver never fails: the library is out of memory. To close again what it could not
     * close crashes 1.10.8 in H5F__close(); what it still has of the file stays. */
    if (!ok) {
        io->dead = true;
        io->held = true;
    } else {
        hdf_io_drop_driver(io);
    }
    return ok;
}

int64_t hdf_access_list(struct hdf_io *io)
{
    struct driver_info info = {io};
    hid_t list = H5Pcreate(H5P_FILE_ACCESS);
    hid_t driver = H5FDregister(&driver_class);
    bool ok = list >= 0 && driver >= 0 && H5Pset_driver(list, driver, &info) >= 0 &&
              H5Pset_fclose_degree(list, H5F_CLOSE_STRONG) >= 0;

    /* H5FD_close() of 1.10.8 gives up the file's hold on the driver and then calls it: ours
     * must be the last one. */
    hdf_io_drop_driver(io);
    io->driver = driver > 0 ? driver : 0;
    if (!ok && list >= 0) {
        (void)H5Pclose(list);
    }
    if (!ok) {
        hdf_io_drop_driver(io);
    }
    return ok ? list : -1;
}

static void keep_printer(struct hdf_quiet *quiet)
{
    unsigned is_v2 = 1;
    H5E_auto1_t v1 = NULL;
    H5E_auto2_t v2 = NULL;

    (void)H5Eauto_is_v2(H5E_DEFAULT, &is_v2);
    quiet->is_v1 = !is_v2;
    if (is_v2) {
        (void)H5Eget_auto2(H5E_DEFAULT, &v2, &quiet->data);
    } else {
        (void)H5Eget_auto1(&v1, &quiet->data);
    }
    quiet->function = is_v2 ? (void (*)(void))v2 : (void (*)(void))v1;
}

static void give_back_printer(const struct hdf_quiet *quiet)
{
    if (quiet->is_v1) {
        (void)H5Eset_auto1((H5E_auto1_t)quiet->function, quiet->data);
    } else {
        (void)H5Eset_auto2(H5E_DEFAULT, (H5E_auto2_t)quiet->function, quiet->data);
    }
}

int hdf_enter(const struct hdf_inst *inst, struct hdf_quiet *quiet, struct ff_error *e)
{
    int rc = inst->locks->enter(inst->host, HDF_LOCK_GROUP, e);

    if (rc) {
        return rc;
    }
    *quiet = (struct hdf_quiet){.stack = H5Eget_current_stack()};
    keep_printer(quiet);
    (void)H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    return FF_OK;
}

void hdf_leave(const struct hdf_inst *inst, const struct hdf_quiet *quiet)
{
    /* A thread that lives on with entries in its stack keeps the library from closing. */
    (void)H5Eclear2(H5E_DEFAULT);
    give_back_printer(quiet);
    if (quiet->stack > 0) {
        (void)H5Eset_current_stack(quiet->stack); /* closes it */
    }
    inst->locks->leave(inst->host, HDF_LOCK_GROUP);
}

static herr_t append_entry(unsigned n, const H5E_error2_t *entry, void *ctx)
{
    char *text = ctx;
    size_t used = strlen(text);

    (void)n;
    (void)snprintf(text + used, 400 - used, "%s%s", used ? "; " : "",
                   entry->desc ? entry->desc : "?");
    return 0;
}

int hdf_outcome(struct hdf_io *io, bool ok, int code, const char *place, const char *what)
{
    char text[400] = "";

    if (io->failed) {
        return io->failed;
    }
    if (ok) {
        return FF_OK;
    }
    (void)H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, append_entry, text);
    (void)H5Eclear2(H5E_DEFAULT);
    return ff_fail(io->error, code, place, "%s: libhdf5 says: %s", what,
                   text[0] ? text : "nothing");
}
