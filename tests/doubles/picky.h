/* SPDX-License-Identifier: Apache-2.0 */
/* picky.h: the class "test.Thing" of the serializer "picky": it does what each thing says. */
#ifndef FF_TESTS_PICKY_H
#define FF_TESTS_PICKY_H

struct test_thing {
    int number;  /* what is kept */
    int outcome; /* what pickle() returns: FF_OK, FF_DECLINED, a failure */
    int leave;   /* write the object before that */
};

#endif
