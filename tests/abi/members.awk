# SPDX-License-Identifier: Apache-2.0
# members.awk: of headers, as lines: "struct NAME MEMBER" for each member of each struct, "enum NAME"
# for each enumerator, "define NAME VALUE" for each macro whose value is a literal, "calls DECLARATION"
# for each function and each pointer to one.
{
    while (sub(/\\$/, " ")) {
        line = $0
        getline
        $0 = line $0
    }
}
/^#define FF_[A-Z0-9_]+[ \t]+("[^"]*"|[0-9]+u?)[ \t]*(\/\*.*)?$/ {
    name = $2
    sub(/^#define [A-Z0-9_]+[ \t]+/, "")
    match($0, /^("[^"]*"|[0-9]+u?)/)
    print "define", name, substr($0, RSTART, RLENGTH)
}
/^[ \t]*#/ { next }
{ text = text $0 "\n" }
END {
    while (match(text, /\/\*([^*]|\*+[^*\/])*\*+\//)) {
        text = substr(text, 1, RSTART - 1) " " substr(text, RSTART + RLENGTH)
    }
    gsub(/[ \t\n]+/, " ", text)
    rest = text
    while (match(rest, /(FF_API|FF_EXPORT|typedef) [^;{]*\([^;{]*;/)) {
        print "calls", substr(rest, RSTART, RLENGTH - 1)
        rest = substr(rest, RSTART + RLENGTH)
    }
    while (match(text, /(struct|enum) ff_[a-z0-9_]+ \{[^{}]*\}/)) {
        body = substr(text, RSTART, RLENGTH)
        text = substr(text, RSTART + RLENGTH)
        split(body, word, " ")
        sub(/^[^{]*\{/, "", body)
        sub(/\}$/, "", body)
        if (word[1] == "enum") enumerators(body)
        else members(word[2], body)
    }
}
function enumerators(body, list, n, i) {
    n = split(body, list, ",")
    for (i = 1; i <= n; i++) {
        sub(/=.*/, "", list[i])
        gsub(/ /, "", list[i])
        if (list[i] != "") print "enum", list[i]
    }
}
function members(struct, body, list, n, i) {
    n = split(body, list, ";")
    for (i = 1; i <= n; i++) {
        if (match(list[i], /\(\*[a-z0-9_]+\)/)) {
            print "struct", struct, substr(list[i], RSTART + 2, RLENGTH - 3)
            print "calls " struct ":" list[i]
        } else if (list[i] ~ /[a-z]/) {
            declarators(struct, list[i])
        }
    }
}
function declarators(struct, declaration, list, n, i) {
    gsub(/\[[^]]*\]/, "", declaration)
    n = split(declaration, list, ",")
    for (i = 1; i <= n; i++) {
        sub(/ +$/, "", list[i])
        sub(/.*[ *]/, "", list[i])
        print "struct", struct, list[i]
    }
}
