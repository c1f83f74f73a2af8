#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Each public function says what it does and which codes it gives; so does each function of the
# tables that plugins fill or call. A comment is of all functions down to a blank line, in a table of
# one member. What begins with "----" or stands alone, and says "Errors", holds what all down to the
# next one share.
# shellcheck source-path=SCRIPTDIR source=style.sh
. "$(dirname "$0")/style.sh"

# uncommented FILE...: what says nothing of itself, and what can fail and names no code
uncommented() {
    awk '
        function judge(what, common) {
            declared++
            if (own common == "") print FILENAME ":" FNR " " what " has no comment"
            else if (text ~ /struct ff_error \*/ && own common group !~ /FF_E_[A-Z]/)
                print FILENAME ":" FNR " " what " names no code"
        }
        function name_of(text) {
            sub(/\(.*/, "", text)
            sub(/.*[ *]/, "", text)
            return text
        }
        FNR == 1 { own = group = common = text = ""; inside = in_comment = alone = 0 }
        /^#include/ { group = "" } # the comment at the top is of no function
        /^#/ || /^extern "C"/ { own = ""; alone = 0; next }
        /^$/ {
            if (alone && !inside && own ~ /Errors/) group = own
            own = ""
            alone = 0
            next
        }
        in_comment || /^ *\/\*/ {
            if (!in_comment) own = ""
            own = own $0
            in_comment = $0 !~ /\*\//
            if (!in_comment && own ~ /^\/\* ----/) group = own ~ /Errors/ ? own : ""
            alone = 1
            next
        }
        { alone = 0 }
        /^(struct|enum|union) [a-z0-9_]+ \{/ { inside = 1; common = own; struct = $2; own = ""; next }
        /^}/ { inside = 0; common = own = ""; next }
        text != "" || /^FF_API / || (inside && /\(\*[a-z0-9_]+\)\(/) {
            text = text " " $0
            if (text !~ /;/) next
            if (!inside) judge(name_of(text), "")
            else if (FILENAME ~ /plugin\.h$|^-?$/) {
                behind = text ~ /\/\*/ ? substr(text, index(text, "/*")) : ""
                match(text, /\(\*[a-z0-9_]+\)/)
                judge(struct "." substr(text, RSTART + 2, RLENGTH - 3), common behind)
                own = ""
            }
            text = ""
        }
        END { if (declared < least) print "only " declared " functions were seen" }' \
        least="$1" "${@:2}"
}

found=$(uncommented 150 include/functionfuse/*.h)
none 'each function says what it does, and its codes' "$found"
bites 'a function without a comment' "$(uncommented 1 - <<<'FF_API int ff_f(struct ff_error *);')"
bites 'one that names no code' "$(uncommented 1 - <<<$'/* Does it. */\nFF_API int ff_f(int x,\n         struct ff_error *);')"
bites 'one below the blank line after a comment' \
    "$(uncommented 1 - <<<$'/* FF_E_IO. */\nFF_API int ff_f(struct ff_error *);\n\nFF_API int ff_g(void);')"
none 'what a group shares is enough' \
    "$(uncommented 2 - <<<$'/* ---- x ----\n * Errors: FF_E_IO. */\n\n/* Does it. */\nFF_API int ff_f(struct ff_error *);\nFF_API void ff_g(void);')"
bites 'a member without a comment' \
    "$(uncommented 1 - <<<$'struct ff_t {\n    int (*f)(void *inst);\n};')"
bites 'a member below one with a comment' \
    "$(uncommented 1 - <<<$'struct ff_t {\n    /* Does it. */\n    int (*f)(void);\n    int (*g)(void);\n};')"
bites 'a member that names no code' \
    "$(uncommented 1 - <<<$'/* A table. */\nstruct ff_t {\n    /* Does it. */\n    int (*f)(struct ff_error *);\n};')"
none 'a comment behind a member is enough' \
    "$(uncommented 1 - <<<$'struct ff_t {\n    void (*f)(void *inst); /* the last call */\n};')"
bites 'that another group says nothing' \
    "$(uncommented 1 - <<<$'/* ---- x ----\n * Errors: FF_E_IO. */\n\n/* ---- y ---- */\n\n/* Does it. */\nFF_API int ff_f(struct ff_error *);')"
finish
