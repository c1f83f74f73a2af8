/* SPDX-License-Identifier: Apache-2.0 */
/* group.c: the group that all arrays of a workflow are in, and its consolidated metadata: a
 * copy of the documents of all arrays that others may have made, and trust. It is edited as
 * text: what else is in it stays to the byte.
 */
#include "zarr/store.h"

#include "core/base/alloc.h"

enum { DOC3, DOC2, DOCS, TRIES = 64 };

static const char group2[] = "{\n    \"zarr_format\": 2\n}";
static const char group3[] = "{\n  \"attributes\": {},\n  \"zarr_format\": 3,\n"
                             "  \"node_type\": \"group\"\n}";

static int make_group(const struct ff_objects *objects, int format,
                      const struct ff_call *call, struct ff_error *e)
{
    struct ff_error own = FF_ERROR_INIT;
    int rc = format == 3 ? zarr_put_text(objects, ZARR_GROUP "/zarr.json", group3,
                                         strlen(group3), "", call, &own)
                         : zarr_put_text(objects, ZARR_GROUP "/.zgroup", group2,
                                         strlen(group2), "", call, &own);

    if (rc && rc != FF_E_CONFLICT && e && !e->code) {
        *e = own;
    }
    return rc == FF_E_CONFLICT ? FF_OK : rc;
}

int zarr_group_ready(struct hdf_inst *inst, const struct ff_objects *objects, int format,
                     unsigned *formats, const struct ff_call *call, struct ff_error *e)
{
    struct zarr_doc docs[DOCS];
    int rc;

    zarr_doc_init(&docs[DOC3], ZARR_GROUP, "zarr.json");
    zarr_doc_init(&docs[DOC2], ZARR_GROUP, ".zgroup");
    rc = zarr_docs_get(objects, docs, DOCS, call, e);
    *formats = (docs[DOC3].code ? 0 : 1u << 3) | (docs[DOC2].code ? 0 : 1u << 2);
    zarr_docs_free(docs, DOCS);
    if (rc || *formats) {
        if (rc == FF_OK && !(*formats & 1u << format) && format == 3 && inst->host->log) {
            inst->host->log(inst->host, FF_LOG_INFO,
                            "HDFSerializer: a zarr group of format 2 stays one");
        }
        return rc;
    }
    *formats = 1u << format;
    return make_group(objects, format, call, e);
}

/* ---- text ---- */

static size_t string_end(const char *text, size_t i)
{
    for (i++; text[i] && text[i] != '"'; i++) {
        i += text[i] == '\\' && text[i + 1];
    }
    return text[i] ? i + 1 : i;
}

static size_t space_end(const char *text, size_t i)
{
    return i + strspn(text + i, " \t\r\n");
}

/* The end of a value that begins at i: of an object, a list, a string, a word. */
static size_t value_end(const char *text, size_t i)
{
    size_t depth = 0;

    do {
        if (text[i] == '"') {
            i = string_end(text, i);
        } else if (strchr("{[", text[i]) && text[i]) {
            depth++;
            i++;
        } else if (strchr("}]", text[i]) && text[i]) {
            if (depth == 0) {
                return i;
            }
            depth--;
            i++;
        } else if (text[i] == ',' && depth == 0) {
            return i;
        } else if (text[i]) {
            i++;
        }
    } while (text[i] && (depth || !strchr(",}]", text[i])));
    return i;
}

/* A member of the object at `open`: where its name begins, and its value. False: none. */
static bool member(const char *text, size_t open, const char *name, size_t *at,
                   size_t *value)
{
    size_t length = strlen(name), i;

    if (text[open] != '{') {
        return false;
    }
    for (i = space_end(text, open + 1); text[i] == '"';) {
        size_t end = string_end(text, i), colon = space_end(text, end);

        *at = i;
        *value = space_end(text, colon + (text[colon] == ':'));
        if (end - i == length + 2 && strncmp(text + i + 1, name, length) == 0) {
            return true;
        }
        i = value_end(text, *value);
        i = space_end(text, i + (text[i] == ','));
    }
    return false;
}

/* The object that maps names to documents, or false. */
static bool find_map(const char *text, bool third, size_t *open)
{
    size_t at, i = space_end(text, 0);

    if (third && !member(text, i, "consolidated_metadata", &at, &i)) {
        return false;
    }
    return member(text, i, "metadata", &at, open) && text[*open] == '{';
}

/* text with `more` put in behind the opening brace */
static int put_in(const char *text, size_t open, const char *name, const char *document,
                  struct ff_buf *out)
{
    bool first = text[space_end(text, open + 1)] == '}';
    int rc = ff_buf_append(out, text, open + 1);

    rc = rc ? rc : ff_buf_printf(out, "\"%s\": %s%s", name, document, first ? "" : ", ");
    return rc ? rc : ff_buf_append_text(out, text + open + 1);
}

/* text without the member; as it was when it has none */
static int take_out(const char *text, size_t open, const char *name, struct ff_buf *out)
{
    size_t at, end;
    int rc;

    if (!member(text, open, name, &at, &end)) {
        return ff_buf_append_text(out, text);
    }
    end = space_end(text, value_end(text, end));
    if (text[end] == ',') {
        end = space_end(text, end + 1);
    } else { /* the last one: the comma before it */
        while (at > open + 1 && strchr(" \t\r\n,", text[at - 1])) {
            at--;
        }
    }
    rc = ff_buf_append(out, text, at);
    return rc ? rc : ff_buf_append_text(out, text + end);
}

struct edit {
    const char *uuid;
    bool drop;
    const char *array2, *attributes2, *array3;
};

static int edit_one(struct ff_buf *text, bool third, const char *name,
                    const char *document, bool drop, struct ff_error *e)
{
    struct ff_buf out;
    size_t open;
    int rc;

    if ((!document && !drop) || !find_map(ff_buf_text(text), third, &open)) {
        return FF_OK;
    }
    ff_buf_init(&out, 2 * (size_t)ZARR_TEXT_MAX);
    rc = drop ? take_out(ff_buf_text(text), open, name, &out)
              : put_in(ff_buf_text(text), open, name, document, &out);
    if (rc) {
        ff_buf_free(&out);
        return ff_fail(e, FF_E_NO_MEMORY, ZARR_GROUP, "no memory for its metadata");
    }
    ff_buf_free(text);
    *text = out;
    return FF_OK;
}

static int edit_text(struct ff_buf *text, bool third, const struct edit *edit,
                     struct ff_error *e)
{
    char name[64];
    int rc;

    if (third) {
        return edit_one(text, true, edit->uuid, edit->array3, edit->drop, e);
    }
    (void)snprintf(name, sizeof name, "%.40s/.zarray", edit->uuid);
    rc = edit_one(text, false, name, edit->array2, edit->drop, e);
    (void)snprintf(name, sizeof name, "%.40s/.zattrs", edit->uuid);
    return rc ? rc : edit_one(text, false, name, edit->attributes2, edit->drop, e);
}

/* Read, edit, put on the condition that nobody else has: again when somebody did. */
static int edit_document(const struct ff_objects *objects, const char *name, bool third,
                         const struct edit *edit, const struct ff_call *call,
                         struct ff_error *e)
{
    int rc = FF_E_CONFLICT;

    for (int i = 0; rc == FF_E_CONFLICT && i < TRIES; i++) {
        struct ff_error own = FF_ERROR_INIT;
        struct zarr_doc doc;
        size_t before, open;

        zarr_doc_init(&doc, ZARR_GROUP, name);
        rc = zarr_docs_get(objects, &doc, 1, call, &own);
        before = doc.text.length_bytes;
        if (rc || doc.code || !find_map(ff_buf_text(&doc.text), third, &open)) {
            zarr_docs_free(&doc, 1);
            if (rc && e && !e->code) {
                *e = own;
            }
            return rc;
        }
        rc = edit_text(&doc.text, third, edit, &own);
        if (rc == FF_OK && doc.text.length_bytes != before) {
            rc = zarr_put_text(objects, doc.name, (const char *)doc.text.data,
                               doc.text.length_bytes, doc.tag, call, &own);
        }
        zarr_docs_free(&doc, 1);
        if (rc && (rc != FF_E_CONFLICT || i + 1 == TRIES) && e && !e->code) {
            *e = own;
        }
    }
    return rc;
}

int zarr_group_add(const struct zarr_writer *w, const char *array2,
                   const char *attributes2, const char *array3,
                   const struct ff_call *call, struct ff_error *e)
{
    struct edit edit = {w->name + strlen(ZARR_GROUP "/"), false, array2, attributes2,
                        array3};
    int rc =
        array2 ? edit_document(w->objects, ".zmetadata", false, &edit, call, e) : FF_OK;

    return rc || !array3 ? rc
                         : edit_document(w->objects, "zarr.json", true, &edit, call, e);
}

int zarr_group_drop(const struct ff_objects *objects, const char *uuid,
                    const struct ff_call *call, struct ff_error *e)
{
    struct edit edit = {uuid, true, NULL, NULL, NULL};
    int rc = edit_document(objects, ".zmetadata", false, &edit, call, e);

    return rc ? rc : edit_document(objects, "zarr.json", true, &edit, call, e);
}

/* The documents go first: a reader that then misses a chunk looks for them. */
int zarr_remove(void *ctx, const struct ff_pid *pid, const struct ff_protocols *protocols,
                const struct ff_call *call, struct ff_error *e)
{
    static const char *const documents[] = {"zarr.json", ".zarray"};
    const struct ff_objects *objects = protocols->find(protocols, NULL, FF_OBJECTS_1);
    struct ff_error own = FF_ERROR_INIT;
    char name[ZARR_NAME_BYTES];
    int rc = FF_OK;

    (void)ctx;
    if (protocols->find(protocols, NULL, FF_FILES_1) &&
        ff_head(objects, pid->name, NULL, NULL, call, &own) == FF_OK) {
        return FF_OK; /* a file: the host removes it */
    }
    for (size_t i = 0; rc == FF_OK && i < 2; i++) {
        (void)snprintf(name, sizeof name, ZARR_GROUP "/%.40s/%s", pid->name,
                       documents[i]);
        rc = ff_remove_object(objects, name, call, e);
    }
    return rc ? rc : zarr_group_drop(objects, pid->name, call, e);
}
