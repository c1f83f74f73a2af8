# SPDX-License-Identifier: Apache-2.0
# blocks.awk: the fenced blocks of a page, each into a file of its own in DIR (-v dir=DIR). Prints
# a line for each: file, language ("-": none), "whole", "part" or "-", the file that it quotes.
# What a block quotes stands in the line before it: <!-- path --> or <!-- part of path -->.
/^```/ {
    if (open) {
        close(file)
        open = 0
        kind = "-"
        path = "-"
    } else {
        open = 1
        language = substr($0, 4)
        file = sprintf("%s/block-%02d", dir, ++count)
        printf "" > file
        print file, language == "" ? "-" : language, kind == "" ? "-" : kind, path == "" ? "-" : path
    }
    next
}
open {
    print > file
    next
}
/^<!-- part of .* -->$/ {
    kind = "part"
    path = $4
    next
}
/^<!-- .* -->$/ {
    kind = "whole"
    path = $2
    next
}
/./ {
    kind = "-"
    path = "-"
}
