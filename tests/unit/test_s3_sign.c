/* SPDX-License-Identifier: Apache-2.0 */
/* The signer against botocore's: vectors that tests/data/s3/make_sigv4.py wrote; $FF_S3_VECTORS
 * names others. */
#include <stdio.h>
#include <string.h>

#include "core/base/alloc.h"
#include "core/base/buf.h"
#include "protocols/s3/options.h"
#include "run.h"

enum { FIELDS = 12, LINE_BYTES = 16384, MAX_HEADERS = 16 };

static int digit(char c)
{
    return c >= 'a' ? c - 'a' + 10 : c - '0';
}

/* "6162 6364" in place; each becomes name and value. */
static void unpack(char *packed, struct ff_s3_to_sign *s)
{
    char *save = NULL;

    for (char *word = strtok_r(packed, " ", &save); word;
         word = strtok_r(NULL, " ", &save)) {
        char *colon;
        size_t n = strlen(word) / 2;

        for (size_t i = 0; i < n; i++) {
            word[i] = (char)(digit(word[2 * i]) << 4 | digit(word[2 * i + 1]));
        }
        word[n] = '\0';
        colon = strchr(word, ':');
        ck_assert(colon && s->header_count < MAX_HEADERS);
        *colon = '\0';
        s->headers[s->header_count].name = word;
        s->headers[s->header_count++].value = colon + 1;
    }
}

static void check_line(char *line, size_t number)
{
    char *f[FIELDS], expected[2048], date[17];
    struct ff_s3_secrets secrets;
    struct ff_s3_to_sign s = {.header_count = 0};
    struct ff_buf out;
    struct tm tm = {0};

    for (size_t i = 0; i < FIELDS; i++) {
        f[i] = strsep(&line, "\t\n");
        ck_assert_msg(f[i] != NULL, "line %zu has %zu fields", number, i);
    }
    secrets = (struct ff_s3_secrets){.key = f[5], .secret = f[6], .token = f[7]};
    ck_assert_ptr_nonnull(strptime(f[3], "%Y%m%dT%H%M%SZ", &tm));
    s.method = f[0];
    s.path = f[1];
    s.query = f[2];
    s.region = f[4];
    s.body_hash = f[8];
    s.secrets = &secrets;
    s.time_s = timegm(&tm);
    unpack(f[9], &s);
    ff_s3_amz_date(s.time_s, date);
    ck_assert_str_eq(date, f[3]);
    ff_buf_init(&out, 8192);
    ck_assert_int_eq(ff_s3_sign(&s, &out), 0);
    (void)snprintf(expected, sizeof expected,
                   "AWS4-HMAC-SHA256 Credential=%s/%.8s/%s/s3/aws4_request,"
                   "SignedHeaders=%s,Signature=%s",
                   f[5], f[3], f[4], f[10], f[11]);
    ck_assert_msg(!strcmp(ff_buf_text(&out), expected), "line %zu\n  %s\n  %s", number,
                  ff_buf_text(&out), expected);
    ff_buf_free(&out);
}

START_TEST(signature_of_each_vector_is_that_of_botocore)
{
    const char *other = getenv("FF_S3_VECTORS");
    FILE *file = fopen(other ? other : DATA_DIR "/s3/sigv4.vectors", "r");
    char *line = malloc(LINE_BYTES);
    size_t n = 0;

    ck_assert(file && line);
    while (fgets(line, LINE_BYTES, file)) {
        check_line(line, ++n);
    }
    ck_assert_uint_ge(n, 300);
    (void)fclose(file);
    free(line);
}
END_TEST

START_TEST(encoding_keeps_what_is_unreserved)
{
    static const struct {
        const char *text, *path, *query;
    } cases[] = {
        {"", "", ""},
        {"a/b c", "a/b%20c", "a%2Fb%20c"},
        {"-._~09azAZ", "-._~09azAZ", "-._~09azAZ"},
        {"=:@!*'()&;,$+%", "%3D%3A%40%21%2A%27%28%29%26%3B%2C%24%2B%25",
         "%3D%3A%40%21%2A%27%28%29%26%3B%2C%24%2B%25"},
        {"a//b/../c", "a//b/../c", "a%2F%2Fb%2F..%2Fc"},
        {"\xc3\xa4\x01\x7f", "%C3%A4%01%7F", "%C3%A4%01%7F"},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        for (int keep = 0; keep < 2; keep++) {
            struct ff_buf out;
            char *back;

            ff_buf_init(&out, 1000);
            ck_assert_int_eq(ff_s3_encode(&out, cases[i].text, keep), 0);
            ck_assert_str_eq(ff_buf_text(&out), keep ? cases[i].path : cases[i].query);
            back = ff_strdup(ff_buf_text(&out));
            ck_assert(ff_s3_decode(back));
            ck_assert_str_eq(back, cases[i].text);
            ff_free(back);
            ff_buf_free(&out);
        }
    }
}
END_TEST

START_TEST(decoding_refuses_what_is_no_code)
{
    static const char *const bad[] = {"%", "%1", "%zz", "a%00b", "%%"};
    char text[16];

    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        (void)snprintf(text, sizeof text, "%s", bad[i]);
        ck_assert_msg(!ff_s3_decode(text), "%s", bad[i]);
    }
    (void)snprintf(text, sizeof text, "a+b%%2Bc");
    ck_assert(ff_s3_decode(text));
    ck_assert_str_eq(text, "a b+c");
}
END_TEST

START_TEST(base64_is_that_of_rfc_4648)
{
    static const char *const cases[][2] = {
        {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}};

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct ff_buf out;

        ff_buf_init(&out, 100);
        ck_assert_int_eq(
            ff_s3_base64((const uint8_t *)cases[i][0], strlen(cases[i][0]), &out), 0);
        ck_assert_str_eq(ff_buf_text(&out), cases[i][1]);
        ff_buf_free(&out);
    }
}
END_TEST

/* ---- documents ---- */

static int join(void *ctx, const char *path, char *text)
{
    if (text && *text) {
        (void)ff_buf_printf(ctx, "%s=%s;", path, text);
    }
    return 0;
}

START_TEST(document_is_read_flat_and_bounded)
{
    static const struct {
        const char *xml, *flat; /* NULL: refused */
    } cases[] = {
        {"<a><b>1</b><c>2&amp;3</c></a>", "a/b=1;a/c=2&3;"},
        {" \r\n <x:a xmlns:x='u'><x:b>1</x:b></x:a>", "a/b=1;"},
        {"", NULL},
        {"<a>", NULL},
        {"<html><br></html>", NULL},
        {"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", NULL},
        {"<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>", NULL},
        {"<a>\xff</a>", NULL},
        {"<a><a><a><a><a><a><a><a><a><a><a><a><a/></a></a></a></a></a></a></a></a></a></"
         "a>"
         "</a></a>",
         NULL},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct ff_error e = FF_ERROR_INIT;
        struct ff_buf flat;
        int code;

        ff_buf_init(&flat, 1000);
        code = ff_s3_xml(cases[i].xml, strlen(cases[i].xml), join, &flat, &e);
        ck_assert_int_eq(code, cases[i].flat ? FF_OK : FF_E_CORRUPT);
        ck_assert_int_eq(e.code, code);
        if (cases[i].flat) {
            ck_assert_str_eq(ff_buf_text(&flat), cases[i].flat);
        }
        ff_buf_free(&flat);
    }
}
END_TEST

/* ---- files of ~/.aws ---- */

START_TEST(ini_gives_the_value_of_its_section)
{
    static const char text[] = "# comment\n"
                               "[default]\n"
                               "aws_access_key_id = AK1 # mine\n"
                               "aws_secret_access_key=a/b+c=#d\r\n"
                               "s3 =\n"
                               "  region = nested\n"
                               "[ profile lab ]\n"
                               "region=eu-1\n"
                               "[x\n"
                               "region=bad\n";
    static const struct {
        const char *section, *name, *value;
    } cases[] = {
        {"default", "aws_access_key_id", "AK1"},
        {"default", "aws_secret_access_key", "a/b+c=#d"},
        {"default", "region", NULL},
        {"default", "s3", ""},
        {"profile lab", "region", "eu-1"},
        {"lab", "region", NULL},
        {"x", "region", NULL},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char *value = ff_s3_ini_get(text, cases[i].section, cases[i].name);

        if (cases[i].value) {
            ck_assert_ptr_nonnull(value);
            ck_assert_str_eq(value, cases[i].value);
        } else {
            ck_assert_ptr_null(value);
        }
        ff_free(value);
    }
}
END_TEST

START_TEST(endpoint_says_host_and_path)
{
    static const struct {
        const char *endpoint, *bucket, *region;
        int style;
        const char *host, *path; /* NULL: refused */
        bool https, loopback;
    } cases[] = {
        {NULL, "data", "eu-1", 0, "data.s3.eu-1.amazonaws.com", "", true, false},
        {NULL, "my.data", "eu-1", 0, "s3.eu-1.amazonaws.com", "/my.data", true, false},
        {NULL, "data", "cn-1", 1, "s3.cn-1.amazonaws.com.cn", "/data", true, false},
        {"http://127.0.0.1:9000", "data", "r", 0, "127.0.0.1:9000", "/data", false, true},
        {"http://localhost:80/", "data", "r", 0, "localhost", "/data", false, true},
        {"https://s3.lab:443/x/", "data", "r", 0, "s3.lab", "/x/data", true, false},
        {"https://s3.lab", "data", "r", 2, "data.s3.lab", "", true, false},
        {"https://[::1]:80", "data", "r", 0, "[::1]:80", "/data", true, true},
        {"s3.lab", "data", "r", 0, "s3.lab", "/data", true, false},
        {"http://127.0.0.1.evil.example", "data", "r", 0, "127.0.0.1.evil.example",
         "/data", false, false},
        {"ftp://s3.lab", "data", "r", 0, NULL, NULL, false, false},
        {"https://", "data", "r", 0, NULL, NULL, false, false},
        {"https://user:word@s3.lab", "data", "r", 0, NULL, NULL, false, false},
        {"https://s3.lab/?x", "data", "r", 0, NULL, NULL, false, false},
        {"https://s3.lab", "My_Data", "r", 2, NULL, NULL, false, false},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct ff_s3_options o = {.https = true,
                                  .style = (enum ff_s3_style)cases[i].style};
        struct ff_error e = FF_ERROR_INIT;

        o.bucket = ff_strdup(cases[i].bucket);
        o.endpoint = cases[i].endpoint ? ff_strdup(cases[i].endpoint) : NULL;
        (void)snprintf(o.region, sizeof o.region, "%s", cases[i].region);
        ck_assert_int_eq(ff_s3_endpoint(&o, &e), cases[i].host ? FF_OK : FF_E_USAGE);
        if (cases[i].host) {
            ck_assert_str_eq(o.host, cases[i].host);
            ck_assert_str_eq(o.base_path, cases[i].path);
            ck_assert(o.https == cases[i].https);
            ck_assert(o.loopback == cases[i].loopback);
        } else {
            ck_assert_ptr_null(strstr(e.message, "word"));
        }
        ff_s3_options_free(&o);
    }
}
END_TEST

RUN_TESTS("s3_sign", signature_of_each_vector_is_that_of_botocore,
          encoding_keeps_what_is_unreserved, decoding_refuses_what_is_no_code,
          base64_is_that_of_rfc_4648, document_is_read_flat_and_bounded,
          ini_gives_the_value_of_its_section, endpoint_says_host_and_path)
