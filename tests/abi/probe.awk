# SPDX-License-Identifier: Apache-2.0
# probe.awk: of members.awk's lines a C source whose assembler text, marked with "@ABI", says the numbers:
# so they can be had for machines that are not this one. -v headers="a.h b.h"
BEGIN {
    n = split(headers, header, " ")
    for (i = 1; i <= n; i++) print "#include <functionfuse/" header[i] ">"
    print "#define SAY(what, a, b) __asm__ volatile(\"# @ABI \" what \" %c0 %c1\" : : \"i\"(a), \"i\"(b))"
    print "void probe(void);\nvoid probe(void)\n{"
}
$1 == "struct" {
    printf "SAY(\"%s %s\", offsetof(struct %s, %s), sizeof(((struct %s *)0)->%s));\n", $2, $3, $2, $3, $2, $3
}
$1 == "enum" { printf "SAY(\"%s\", %s, 0);\n", $2, $2 }
END { print "}" }
