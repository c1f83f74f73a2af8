/* SPDX-License-Identifier: Apache-2.0 */
/* schema.h: the options of a plugin, held against the JSON Schema of its descriptor. plugin.h
 * says which part of JSON Schema that is. */
#ifndef FF_CORE_SCHEMA_H
#define FF_CORE_SCHEMA_H

#include <functionfuse/plugin.h>

/* Whether `text` is a schema of that part. FF_E_PLUGIN: it is not, and where; FF_E_NO_MEMORY. */
int ff_schema_verify(const char *text, struct ff_error *);

/* What a descriptor has of one, as far as it reaches, or NULL. */
static inline const char *ff_schema_of_serializer(const struct ff_serializer *s)
{
    return FF_HAS(s, ff_serializer, options_schema) ? s->options_schema : NULL;
}
static inline const char *ff_schema_of_protocol(const struct ff_protocol *p)
{
    return FF_HAS(p, ff_protocol, options_schema) ? p->options_schema : NULL;
}

/* The one of whichever is not NULL; "" = none. */
static inline const char *ff_schema_text(const struct ff_serializer *s,
                                         const struct ff_protocol *p)
{
    const char *text = s ? ff_schema_of_serializer(s) : ff_schema_of_protocol(p);

    return text ? text : "";
}

/* Options (absent: as if empty) by a schema that ff_schema_verify takes; NULL: none, and all
 * fits. FF_E_USAGE: the place,
 * what is expected, and the nearest name as the fix; FF_E_NO_MEMORY. */
int ff_schema_check(const char *text, struct ff_value options, struct ff_error *);

#endif
