/* SPDX-License-Identifier: Apache-2.0 */
/* test_index.c: the pages that servers make of folders, and pages that lie. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "core/base/name.h"
#include "core/base/alloc.h"
#include "protocols/http/http.h"

/* The names of a page of the folder "/d/ä/", one a line. */
static int names_of(const char *page, char *out, size_t size)
{
    struct ff_buf buf;
    struct ff_vec names;
    int rc;

    ff_buf_init(&buf, 1 << 20);
    ff_vec_init(&names, sizeof(char *), 1000);
    ck_assert_int_eq(ff_buf_append_text(&buf, page), 0);
    rc = ff_http_index_read(&buf, "/d/ä/", &names);
    *out = '\0';
    for (size_t i = 0; i < names.count; i++) {
        char *name = *(char **)ff_vec_at(&names, i);

        (void)snprintf(out + strlen(out), size - strlen(out), "%s\n", name);
        ff_free(name);
    }
    ff_vec_free(&names);
    ff_buf_free(&buf);
    return rc;
}

static const struct {
    const char *what, *page, *names;
} pages[] = {
    {"nginx 1.22",
     "<html>\r\n<head><title>Index of /d/\xc3\xa4/</title></head>\r\n<body>\r\n"
     "<h1>Index of /d/\xc3\xa4/</h1><hr><pre><a href=\"../\">../</a>\r\n"
     "<a href=\"run7/\">run7/</a>                  28-Nov-2026 09:44           -\r\n"
     "<a href=\"a%20b%25%26\">a b%&amp;</a>        28-Nov-2026 09:44         100\r\n"
     "<a href=\"a%3Ab\">a:b</a>                    28-Nov-2026 09:44         100\r\n"
     "</pre><hr></body>\r\n</html>\r\n",
     "a b%&\na:b\nrun7/\n"},
    {"http.server of Python 3.11",
     "<!DOCTYPE HTML>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
     "<title>Directory listing for /d/\xc3\xa4/</title>\n</head>\n<body>\n"
     "<h1>Directory listing for /d/\xc3\xa4/</h1>\n<hr>\n<ul>\n"
     "<li><a href=\"a%20b%25c\">a b%c</a></li>\n<li><a "
     "href=\"%C3%A9\">\xc3\xa9</a></li>\n"
     "<li><a href=\"run7/\">run7/</a></li>\n<li><a href=\"link\">link@</a></li>\n"
     "</ul>\n<hr>\n</body>\n</html>\n",
     "a b%c\nlink\nrun7/\n\xc3\xa9\n"},
    {"Apache 2.4",
     "<!DOCTYPE HTML PUBLIC \"-//W3C//DTD HTML 3.2 Final//EN\">\n<html>\n <head>\n"
     "  <title>Index of /d/\xc3\xa4</title>\n </head>\n <body>\n<h1>Index of /d</h1>\n"
     "  <table>\n   <tr><th><a href=\"?C=N;O=D\">Name</a></th></tr>\n"
     "<tr><td valign=\"top\"><img src=\"/icons/back.gif\" alt=\"[PARENTDIR]\"></td>"
     "<td><a href=\"/d/\">Parent Directory</a></td></tr>\n"
     "<tr><td valign=\"top\"><img src=\"/icons/folder.gif\" alt=\"[DIR]\"></td>"
     "<td><a href=\"run7/\">run7/</a></td><td align=\"right\">2026-11-28 09:44 "
     "</td></tr>\n"
     "<tr><td></td><td><A HREF='a&amp;b'>a&amp;b</A></td></tr>\n</table></body></html>\n",
     "a&b\nrun7/\n"},
    {"lighttpd 1.4",
     "<!DOCTYPE html>\n<html>\n<head>\n<title>Index of /d/\xc3\xa4/</title>\n</head>\n"
     "<tr class=\"d\"><td class=\"n\"><a href=\"../\">..</a>/</td></tr>\n"
     "<tr class=\"d\"><td class=\"n\"><a href=\"run7/\">run7</a>/</td></tr>\n"
     "<tr><td class=\"n\"><a href=\"t\">t</a></td></tr>\n",
     "run7/\nt\n"},
    {"with the path before each name",
     "<title>Index of</title><a class=x href=\"/d/%C3%A4/t\">t</a><a "
     "href=/d/%C3%A4/u/>u</a>"
     "<a href=\"/d/other/v\">v</a><a href=\"./w:x\">w</a>",
     "t\nu/\nw:x\n"},
    {"links to elsewhere",
     "<title>index OF</title><a href=\"http://x/y\">y</a><a href=\"//x/y\">y</a>"
     "<a href=\"mailto:x\">x</a><a href=\"javascript:x()\">x</a><a href=\"#t\">t</a>"
     "<a href=\"t?x=1\">t</a><a href=\"/\">t</a><a href=\"\">t</a><a name=\"t\">t</a>",
     ""},
    {"names that lead out",
     "<title>Index of</title><a href=\"%2e%2e\">x</a><a href=\"..%2fx\">x</a>"
     "<a href=\"..\">x</a><a href=\".\">x</a><a href=\"/d/\xc3\xa4/../x\">x</a>"
     "<a href=\"a/b\">x</a><a href=\"a//\">x</a><a href=\"a%2Fb\">x</a>",
     ""},
    {"names that are none",
     "<title>Index of</title><a href=\"a%00b\">x</a><a href=\"a%0ab\">x</a>"
     "<a href=\"%ff\">x</a><a href=\"%\">x</a><a href=\"%4\">x</a><a href=\"%zz\">x</a>",
     ""},
    {"one name many times", "<title>Index of</title><a href=t>t</a><a href=\"t\">t</a>",
     "t\n"},
    {"one that breaks off", "<title>Index of</title><a href=\"t\">t</a><a href=\"u",
     "t\n"},
    {"tags that are no links",
     "<title>Index of</title><a><ab href=\"t\"><a ><img href=\"t\"><a\thref=\"t\">",
     "t\n"},
};

START_TEST(index_of_a_server_gives_its_names)
{
    char out[1000];

    ck_assert_msg(names_of(pages[_i].page, out, sizeof out) == 0, "%s", pages[_i].what);
    ck_assert_msg(strcmp(out, pages[_i].names) == 0, "%s:\n%s", pages[_i].what, out);
}
END_TEST

START_TEST(page_without_a_list_is_refused)
{
    static const char *const none[] = {"", "<html><a href=\"t\">welcome</a></html>",
                                       "{\"Index\": \"of\"}"};
    char out[1000];

    ck_assert_int_eq(names_of(none[_i], out, sizeof out), -EINVAL);
    ck_assert_str_eq(out, "");
}
END_TEST

/* Whatever bytes: no read outside of them (the sanitizers look), and only names. */
START_TEST(page_of_any_bytes_is_survived)
{
    static const char alphabet[] = "<a href=\"'>/%&;?#.:ab \tc2\xc3\xa4";
    const char *seed = getenv("FF_SEED");
    unsigned long state = seed ? strtoul(seed, NULL, 10) : 1;
    char page[200], out[4000];

    for (int round = 0; round < 20000; round++) {
        size_t n = sizeof page - 1;

        (void)snprintf(page, sizeof page, "index of<a href=\"");
        for (size_t i = strlen(page); i < n; i++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            page[i] = alphabet[(state >> 33) % (sizeof alphabet - 1)];
        }
        page[n] = '\0';
        (void)names_of(page, out, sizeof out);
        for (char *line = out, *end; (end = strchr(line, '\n')); line = end + 1) {
            *end = '\0';
            end[-1] = end[-1] == '/' ? '\0' : end[-1];
            ck_assert_msg(ff_is_object_name(line) && !strchr(line, '/'), "%s", line);
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("http index");
    TCase *tc = tcase_create("pages");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_loop_test(tc, index_of_a_server_gives_its_names, 0,
                        (int)(sizeof pages / sizeof *pages));
    tcase_add_loop_test(tc, page_without_a_list_is_refused, 0, 3);
    tcase_add_test(tc, page_of_any_bytes_is_survived);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
