/* SPDX-License-Identifier: Apache-2.0 */
/* opcodes.c: the table of opcodes by their byte. */
#include "opcodes.h"

#define ROW(name, byte, arg, protocol, function) [byte] = {#name, FF_ARG_##arg, protocol},
const struct ff_opcode ff_opcodes[256] = {FF_OPCODES(ROW)};
