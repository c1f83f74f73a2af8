/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_faults.c: the protocol S3 against the server of faults.
 *
 *   test_faults JSON PLUGIN
 */
#include <stdio.h>
#include <stdlib.h>

#include "faults.h"

const char *s3_plugin;

int main(int argc, char **argv)
{
    if (argc != 3) {
        (void)fprintf(stderr, "usage: test_faults JSON PLUGIN\n");
        return 2;
    }
    s3_plugin = argv[2];
    subject_is(argv[1], &s3_plugin, 1);
    case_begin("s3", 0);
    case_run(&refusals_suite, NULL);
    case_run(&broken_suite, NULL);
    case_run(&lists_suite, NULL);
    case_run(&cuts_suite, NULL);
    case_run(&commits_suite, NULL);
    case_run(&parts_suite, NULL);
    case_run(&ignoring_suite, NULL);
    case_run(&waiting_suite, NULL);
    case_run(&tls_suite, NULL);
    case_run(&hedge_suite, NULL);
    return case_end() ? EXIT_FAILURE : EXIT_SUCCESS;
}
