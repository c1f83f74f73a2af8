/* SPDX-License-Identifier: Apache-2.0 */
/* error.c: the names of the codes, and the library's version. */
#include <functionfuse/functionfuse.h>

const char *ff_version(void)
{
    return FF_VERSION;
}

const char *ff_code_name(int code)
{
    static const char *const names[] = {
        [-FF_OK] = "ok",
        [-FF_E_OTHER] = "other failure",
        [-FF_E_USAGE] = "wrong usage",
        [-FF_E_NOT_FOUND] = "not found",
        [-FF_E_CORRUPT] = "corrupt",
        [-FF_E_PLUGIN] = "plugin",
        [-FF_E_PERMISSION] = "no permission",
        [-FF_E_NETWORK] = "network",
        [-FF_E_CONFLICT] = "conflict",
        [-FF_E_UNSAFE] = "unsafe content",
        [-FF_E_NO_MEMORY] = "no memory",
        [-FF_E_IO] = "input/output",
        [-FF_E_NO_SPACE] = "no space",
        [-FF_E_CANCELLED] = "cancelled",
        [-FF_E_DEADLINE] = "deadline passed",
        [-FF_E_UNSUPPORTED] = "unsupported",
        [-FF_E_UNKNOWN_OUTCOME] = "unknown outcome",
        [-FF_E_STALE] = "stale",
        [-FF_E_LIMIT] = "limit reached",
        [-FF_E_EXISTS] = "exists",
        [-FF_E_TYPE] = "wrong type",
        [-FF_E_FORKED] = "forked",
    };
    const int last = -(int)(sizeof names / sizeof *names) + 1;

    if (code == FF_DECLINED) {
        return "declined";
    }
    return code > 0 || code < last ? names[-FF_E_OTHER] : names[-code];
}
