# SPDX-License-Identifier: Apache-2.0
# later.awk: a header or a source as a later version would have it: each struct that has a size has
# two members more, and who fills it says so.
/^struct ff_[a-z0-9_]+ \{/ { sized = 0 }
/uint32_t struct_size/ { sized = 1 }
/^\};/ && sized {
    print "    uint64_t later[2];"
    sized = 0
}
{
    if (match($0, /struct_size = FF_SIZE\(ff_[a-z_]+, [a-z_]+\)/)) {
        begin = substr($0, RSTART, RLENGTH)
        sub(/[a-z_]+\)$/, "later)", begin)
        $0 = substr($0, 1, RSTART - 1) begin substr($0, RSTART + RLENGTH)
    }
    sub(/FF_SIZE\(ff_error, fix\), 0/, "FF_SIZE(ff_error, later), 0")
    print
}
