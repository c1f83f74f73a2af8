/* SPDX-License-Identifier: Apache-2.0 */
/* opcodes.h: the 68 opcodes of pickle, once: the reader, the writer and listings expand this
 * table. Source: CPython's Lib/pickletools.py and Modules/_pickle.c. */
#ifndef FF_CORE_OPCODES_H
#define FF_CORE_OPCODES_H

#include <stdint.h>

/* What stands behind the opcode. */
enum ff_op_arg {
    FF_ARG_NONE,
    FF_ARG_1, /* so many bytes, little endian */
    FF_ARG_2,
    FF_ARG_4,
    FF_ARG_8,
    FF_ARG_LINE,  /* up to and with a newline */
    FF_ARG_LINES, /* two of them */
    FF_ARG_DATA1, /* a length of so many bytes, and the data */
    FF_ARG_DATA4,
    FF_ARG_DATA8
};

/* X(name, byte, argument, protocol that has it first, the reader's function) */
/* clang-format off */
#define FF_OPCODES(X)                                                                    \
    X(MARK,             '(',  NONE,  0, mark)                                            \
    X(STOP,             '.',  NONE,  0, stop)                                            \
    X(POP,              '0',  NONE,  0, pop)                                             \
    X(POP_MARK,         '1',  NONE,  1, pop_mark)                                        \
    X(DUP,              '2',  NONE,  0, dup)                                             \
    X(FLOAT,            'F',  LINE,  0, float_line)                                      \
    X(INT,              'I',  LINE,  0, int_line)                                        \
    X(BININT,           'J',  4,     1, binint)                                          \
    X(BININT1,          'K',  1,     1, binint1)                                         \
    X(LONG,             'L',  LINE,  0, long_line)                                       \
    X(BININT2,          'M',  2,     1, binint2)                                         \
    X(NONE,             'N',  NONE,  0, none)                                            \
    X(PERSID,           'P',  LINE,  0, persid)                                          \
    X(BINPERSID,        'Q',  NONE,  1, binpersid)                                       \
    X(REDUCE,           'R',  NONE,  0, reduce)                                          \
    X(STRING,           'S',  LINE,  0, string_line)                                     \
    X(BINSTRING,        'T',  DATA4, 1, binstring)                                       \
    X(SHORT_BINSTRING,  'U',  DATA1, 1, binstring)                                       \
    X(UNICODE,          'V',  LINE,  0, unicode_line)                                    \
    X(BINUNICODE,       'X',  DATA4, 1, unicode)                                         \
    X(APPEND,           'a',  NONE,  0, append)                                          \
    X(BUILD,            'b',  NONE,  0, build)                                           \
    X(GLOBAL,           'c',  LINES, 0, global)                                          \
    X(DICT,             'd',  NONE,  0, dict)                                            \
    X(EMPTY_DICT,       '}',  NONE,  1, empty_dict)                                      \
    X(APPENDS,          'e',  NONE,  1, appends)                                         \
    X(GET,              'g',  LINE,  0, get_line)                                        \
    X(BINGET,           'h',  1,     1, binget)                                          \
    X(INST,             'i',  LINES, 0, inst)                                            \
    X(LONG_BINGET,      'j',  4,     1, long_binget)                                     \
    X(LIST,             'l',  NONE,  0, list)                                            \
    X(EMPTY_LIST,       ']',  NONE,  1, empty_list)                                      \
    X(OBJ,              'o',  NONE,  1, obj)                                             \
    X(PUT,              'p',  LINE,  0, put_line)                                        \
    X(BINPUT,           'q',  1,     1, binput)                                          \
    X(LONG_BINPUT,      'r',  4,     1, long_binput)                                     \
    X(SETITEM,          's',  NONE,  0, setitem)                                         \
    X(TUPLE,            't',  NONE,  0, tuple)                                           \
    X(EMPTY_TUPLE,      ')',  NONE,  1, empty_tuple)                                     \
    X(SETITEMS,         'u',  NONE,  1, setitems)                                        \
    X(BINFLOAT,         'G',  8,     1, binfloat)                                        \
    X(PROTO,            0x80, 1,     2, proto)                                           \
    X(NEWOBJ,           0x81, NONE,  2, newobj)                                          \
    X(EXT1,             0x82, 1,     2, ext1)                                            \
    X(EXT2,             0x83, 2,     2, ext2)                                            \
    X(EXT4,             0x84, 4,     2, ext4)                                            \
    X(TUPLE1,           0x85, NONE,  2, tuple1)                                          \
    X(TUPLE2,           0x86, NONE,  2, tuple2)                                          \
    X(TUPLE3,           0x87, NONE,  2, tuple3)                                          \
    X(NEWTRUE,          0x88, NONE,  2, newtrue)                                         \
    X(NEWFALSE,         0x89, NONE,  2, newfalse)                                        \
    X(LONG1,            0x8a, DATA1, 2, longs)                                           \
    X(LONG4,            0x8b, DATA4, 2, longs)                                           \
    X(BINBYTES,         'B',  DATA4, 3, bytes)                                           \
    X(SHORT_BINBYTES,   'C',  DATA1, 3, bytes)                                           \
    X(SHORT_BINUNICODE, 0x8c, DATA1, 4, unicode)                                         \
    X(BINUNICODE8,      0x8d, DATA8, 4, unicode)                                         \
    X(BINBYTES8,        0x8e, DATA8, 4, bytes)                                           \
    X(EMPTY_SET,        0x8f, NONE,  4, empty_set)                                       \
    X(ADDITEMS,         0x90, NONE,  4, additems)                                        \
    X(FROZENSET,        0x91, NONE,  4, frozenset)                                       \
    X(NEWOBJ_EX,        0x92, NONE,  4, newobj_ex)                                       \
    X(STACK_GLOBAL,     0x93, NONE,  4, stack_global)                                    \
    X(MEMOIZE,          0x94, NONE,  4, memoize)                                         \
    X(FRAME,            0x95, 8,     4, frame)                                           \
    X(BYTEARRAY8,       0x96, DATA8, 5, bytearray)                                       \
    X(NEXT_BUFFER,      0x97, NONE,  5, next_buffer)                                     \
    X(READONLY_BUFFER,  0x98, NONE,  5, readonly_buffer)
/* clang-format on */

#define FF_OP_ENUM(name, byte, arg, protocol, function) FF_OP_##name = byte,
enum ff_op { FF_OPCODES(FF_OP_ENUM) };
#undef FF_OP_ENUM

struct ff_opcode {
    const char *name; /* NULL: not an opcode */
    uint8_t arg;      /* enum ff_op_arg */
    uint8_t protocol;
};

/* All 256 bytes. */
extern const struct ff_opcode ff_opcodes[256];

#endif
