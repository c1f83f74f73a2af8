/* SPDX-License-Identifier: Apache-2.0 */
/* xml.c: the documents that a server answers with, by expat: flat, bounded, without entities
 * of their own. */
#include <expat.h>
#include <string.h>

#include "core/base/alloc.h"
#include "options.h"

enum { PATH_BYTES = 256, TEXT_MAX_BYTES = 16 << 10, MAX_DEPTH = 12 };

struct reading {
    XML_Parser parser;
    ff_s3_xml_each *each;
    void *ctx;
    char path[PATH_BYTES];
    unsigned depth;
    struct ff_buf text;
    bool stopped;
    const char *why; /* it is refused */
};

static void stop(struct reading *r, const char *why)
{
    r->stopped = true;
    r->why = r->why ? r->why : why;
    (void)XML_StopParser(r->parser, XML_FALSE);
}

static void on_begin(void *ctx, const XML_Char *name, const XML_Char **attributes)
{
    struct reading *r = ctx;
    const char *colon = strrchr(name, ':');
    size_t used = strlen(r->path), length;

    (void)attributes;
    name = colon ? colon + 1 : name;
    length = strlen(name);
    if (r->stopped || r->depth >= MAX_DEPTH || used + length + 2 > sizeof r->path) {
        stop(r, "it is nested too deeply");
        return;
    }
    (void)snprintf(r->path + used, sizeof r->path - used, "%s%s", used ? "/" : "", name);
    r->depth++;
    ff_buf_clear(&r->text);
    if (r->each(r->ctx, r->path, NULL)) {
        stop(r, NULL);
    }
}

static void on_end(void *ctx, const XML_Char *name)
{
    struct reading *r = ctx;
    char *slash;

    (void)name;
    if (r->stopped) {
        return;
    }
    if (ff_buf_append_byte(&r->text, 0)) {
        stop(r, "a text in it is too long");
        return;
    }
    if (r->each(r->ctx, r->path, (char *)r->text.data)) {
        stop(r, NULL);
    }
    ff_buf_clear(&r->text);
    slash = strrchr(r->path, '/');
    *(slash ? slash : r->path) = '\0';
    r->depth--;
}

static void on_text(void *ctx, const XML_Char *text, int length)
{
    struct reading *r = ctx;

    if (!r->stopped && ff_buf_append(&r->text, text, (size_t)length)) {
        stop(r, "a text in it is too long");
    }
}

static void on_doctype(void *ctx, const XML_Char *name, const XML_Char *system_id,
                       const XML_Char *public_id, int has_subset)
{
    (void)name, (void)system_id, (void)public_id, (void)has_subset;
    stop(ctx, "it declares a document type");
}

int ff_s3_xml(const char *data, size_t size_bytes, ff_s3_xml_each *each, void *ctx,
              struct ff_error *e)
{
    struct reading r = {.each = each, .ctx = ctx};
    enum XML_Status status;

    /* Complete and Copy answers may begin with blanks that kept the connection open. */
    while (size_bytes && strchr(" \t\r\n", *data)) {
        data++;
        size_bytes--;
    }
    r.parser = size_bytes && size_bytes <= INT32_MAX ? XML_ParserCreate(NULL) : NULL;
    if (!r.parser) {
        return ff_fail(e, FF_E_CORRUPT, NULL, "the answer is %s",
                       size_bytes ? "too long, or there is no memory" : "empty");
    }
    ff_buf_init(&r.text, TEXT_MAX_BYTES);
    XML_SetUserData(r.parser, &r);
    XML_SetElementHandler(r.parser, on_begin, on_end);
    XML_SetCharacterDataHandler(r.parser, on_text);
    XML_SetStartDoctypeDeclHandler(r.parser, on_doctype);
    status = XML_Parse(r.parser, data, (int)size_bytes, 1);
    if (status != XML_STATUS_OK && !r.stopped) {
        r.why = XML_ErrorString(XML_GetErrorCode(r.parser));
    }
    XML_ParserFree(r.parser);
    ff_buf_free(&r.text);
    return r.why ? ff_fail(e, FF_E_CORRUPT, NULL, "the answer is no document: %s", r.why)
                 : FF_OK;
}
