# SPDX-License-Identifier: Apache-2.0
"""faults.py: what fault.py does wrong. Each fault gets the connection, the request and a number, and
sends what it likes; connection.carry_out(request) does what was asked and gives the right answer."""
import gzip
import os
import signal
import threading
import time
from email.utils import formatdate

ENDLESS_S, ENDLESS_BYTES = 30, 256 << 20  # of what never ends: no longer than any test waits
FAULTS = {}


def fault(f):
    FAULTS[f.__name__] = f
    return f


def error(c, r, status, code, more="", headers=()):
    body = f"<Error><Code>{code}</Code><Message>m</Message>{more}</Error>".encode()
    lines = "".join(f"{n}: {v}\r\n" for n, v in headers)
    c.send(f"HTTP/1.1 {status} X\r\n{lines}Content-Length: {len(body)}\r\n\r\n".encode() +
           (b"" if r.method == "HEAD" else body))


def changed(change):
    """A fault that carries out what was asked and changes the answer."""
    def run(c, r, n):
        a = c.carry_out(r)
        change(a, r, n)
        c.send(a.wire(r.method == "HEAD"))
        if a.length is None or a.length != str(len(a.body)):
            c.reset_later = True
            c.sock.shutdown(1)
    FAULTS[change.__name__] = run
    return run


def without(a, name):
    a.headers = [h for h in a.headers if h[0].lower() != name]


def body_is(a, text):
    a.body = text if isinstance(text, bytes) else text.encode()
    a.length = str(len(a.body))


# ---- connections ----

@fault
def cut(c, r, n):
    """The first n bytes of the right answer."""
    data = c.carry_out(r).wire(r.method == "HEAD")
    if n < len(data):
        c.send(data[:n])
        c.sock.shutdown(2)
    else:
        c.send(data)


@fault
def cut_without_length(c, r, n):
    """The right head without a length, n bytes of the body, and the end of the connection."""
    a = c.carry_out(r)
    a.length = None
    head, _, body = a.wire().partition(b"\r\n\r\n")
    c.send(head + b"\r\n\r\n" + body[:n])
    c.sock.shutdown(2)


@fault
def reset_before(c, r, n):
    c.reset()


@fault
def reset_landed(c, r, n):
    c.carry_out(r)
    c.reset()


@fault
def landed_and_replaced(c, r, n):
    """Carried out, the answer lost, and somebody else came since."""
    c.carry_out(r)
    with c.store.lock:
        c.store.put(r.key, b"another's")
    c.reset()


@fault
def lost_and_replaced(c, r, n):
    with c.store.lock:
        c.store.put(r.key, b"another's")
    c.reset()


@fault
def late(c, r, n):
    """Nothing is answered, and it is carried out n milliseconds later."""
    threading.Timer(n / 1000, c.carry_out, [r]).start()
    c.reset()


def gone(is_carried_out):
    """Who asks is gone at the n-th request since the fault was armed: killed before it was sent, or
    after it was carried out. Nothing that it asks from then on gets here."""
    def run(c, r, n):
        if r.number < n:
            c.send(c.carry_out(r).wire(r.method == "HEAD"))
            return
        if r.number == n and is_carried_out:
            c.carry_out(r)
        c.reset()
    return run


FAULTS["gone_before"] = gone(False)
FAULTS["gone_after"] = gone(True)


def killed(is_carried_out):
    """The victim is killed at the n-th request, before it is carried out or after, without an answer.
    What it has sent besides is not carried out any more."""
    def run(c, r, n):
        if r.number < n:
            c.send(c.carry_out(r).wire(r.method == "HEAD"))
            return
        with c.store.lock:
            if r.number == n and is_carried_out:
                c.carry_out(r)
            if r.number == n:
                os.kill(c.store.victim, signal.SIGKILL)
        c.reset()
    return run


def stopped(is_carried_out):
    """The victim is stopped at the n-th request; both go on when they are told to."""
    def run(c, r, n):
        met = r.number == n
        answer = c.carry_out(r) if is_carried_out or not met else None
        if met:
            os.kill(c.store.victim, signal.SIGSTOP)
            c.store.going.wait(ENDLESS_S)
        answer = answer or c.store.refusal(r) or c.carry_out(r)
        c.send(answer.wire(r.method == "HEAD"))
    return run


def late_kill(c, r, n):
    """The victim is killed at the n-th request, which is carried out when they are told to go on."""
    if r.number == n:
        os.kill(c.store.victim, signal.SIGKILL)
        c.store.going.wait(ENDLESS_S)
        c.carry_out(r)
        c.store.landed.set()
        c.reset()
    c.send(c.carry_out(r).wire(r.method == "HEAD"))


FAULTS["late_kill"] = late_kill
FAULTS["kill_before"] = killed(False)
FAULTS["kill_after"] = killed(True)
FAULTS["stop_before"] = stopped(False)
FAULTS["stop_after"] = stopped(True)


@fault
def slow(c, r, n):
    """The answer is right, and n milliseconds late."""
    time.sleep(n / 1000)
    c.send(c.carry_out(r).wire(r.method == "HEAD"))


@fault
def slow_then_busy(c, r, n):
    """The first one is answered late, those after it at once: that the server is busy."""
    if r.number == 1:
        slow(c, r, n)
    else:
        error(c, r, 503, "SlowDown")


@fault
def silent(c, r, n):
    time.sleep(ENDLESS_S)


gathered, gathering = [], threading.Condition()


@fault
def together(c, r, n):
    """Answered when n such requests are there at once; refused when they are not within a second."""
    with gathering:
        gathered.append(r.target)
        gathering.notify_all()
        there = gathering.wait_for(lambda: len(gathered) >= n, 1)
    if there:
        c.send(c.carry_out(r).wire(r.method == "HEAD"))
    else:
        error(c, r, 400, "NotTogether")


@fault
def drip(c, r, n):
    for byte in c.carry_out(r).wire(r.method == "HEAD"):
        c.send(bytes([byte]))
        time.sleep(1)


# ---- heads ----

@fault
def garbage(c, r, n):
    c.send(b"SSH-2.0-OpenSSH_9.2\r\n\r\n" * 40)
    c.sock.shutdown(2)


@fault
def status_of_nothing(c, r, n):
    c.send(b"HTTP/1.1 999 X\r\nContent-Length: 0\r\n\r\n")


@fault
def big_header(c, r, n):
    c.send(b"HTTP/1.1 200 X\r\nX-Big: " + b"x" * (1 << 20) + b"\r\nContent-Length: 0\r\n\r\n")


@fault
def many_headers(c, r, n):
    c.send(b"HTTP/1.1 200 X\r\n" + b"".join(b"X-%d: y\r\n" % i for i in range(100000)) +
           b"Content-Length: 0\r\n\r\n")


@fault
def endless_head(c, r, n):
    c.send(b"HTTP/1.1 200 X\r\n")
    for _ in range(ENDLESS_BYTES >> 16):
        c.send(b"X-More: " + b"y" * 65526 + b"\r\n")


@fault
def hundred_hundreds(c, r, n):
    c.send(b"HTTP/1.1 100 Continue\r\n\r\n" * 100 + c.carry_out(r).wire(r.method == "HEAD"))


@fault
def endless(c, r, n):
    c.send(b"HTTP/1.1 200 X\r\nETag: \"e\"\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(ENDLESS_BYTES >> 16):
        c.send(b"10000\r\n" + b"z" * 65536 + b"\r\n")


@changed
def no_length(a, r, n):
    a.length = None


@changed
def longer(a, r, n):
    a.length = str(len(a.body) + 10)


@changed
def shorter(a, r, n):
    a.length = str(max(len(a.body) - 10, 0))


@changed
def huge_length(a, r, n):
    a.length = str((1 << 63) - 1)


@changed
def overflowing_length(a, r, n):
    a.length = str((1 << 64) + len(a.body))


@changed
def negative_length(a, r, n):
    a.length = "-1"


@changed
def two_lengths(a, r, n):
    a.headers.append(("Content-Length", str(len(a.body) + 1)))


@changed
def html(a, r, n):
    a.status = 200
    body_is(a, "<!DOCTYPE html><html><body>Please log in</body></html>")
    without(a, "etag")
    without(a, "content-range")


@changed
def no_range(a, r, n):
    without(a, "content-range")


@changed
def wrong_range(a, r, n):
    without(a, "content-range")
    a.headers.append(("Content-Range", "bytes 0-999/3000"))


@changed
def backward_range(a, r, n):
    without(a, "content-range")
    a.headers.append(("Content-Range", "bytes 99-0/3000"))


@fault
def range_ignored(c, r, n):
    """The whole object instead of a part of it."""
    r.headers.pop("range", None)
    c.send(c.carry_out(r).wire(r.method == "HEAD"))


@changed
def no_tag(a, r, n):
    without(a, "etag")


@changed
def long_tag(a, r, n):
    without(a, "etag")
    a.headers.append(("ETag", '"' + "x" * 200 + '"'))


@changed
def squeezed(a, r, n):
    """A gzip bomb: nobody asked for an encoding."""
    body_is(a, gzip.compress(b"\0" * (1 << 20)))
    a.headers.append(("Content-Encoding", "gzip"))


# ---- refusals ----

def refusal(name, status, code, more="", headers=()):
    FAULTS[name] = lambda c, r, n: error(c, r, status, code, more, headers)


for number in (300, 304, 400, 404, 405, 409, 411, 418, 429, 500, 501, 502, 503, 504, 507, 509):
    refusal(f"status_{number}", number, "Whatever")
refusal("basic", 401, "Unauthorized", headers=[("WWW-Authenticate", "Basic realm=x")])
refusal("denied", 403, "AccessDenied")
refusal("slow_down", 503, "SlowDown")
refusal("retry_in_years", 503, "SlowDown", headers=[("Retry-After", "1000000000")])
refusal("expired", 400, "ExpiredToken")
refusal("digest", 400, "BadDigest")
refusal("conflict", 409, "ConditionalRequestConflict")
refusal("timeout", 400, "RequestTimeout")
refusal("region", 400, "AuthorizationHeaderMalformed", "<Region>eu-north-7</Region>")
refusal("bad_region", 400, "AuthorizationHeaderMalformed", "<Region>a/../b</Region>")
refusal("escapes", 400, "\x1b[2J", "<Message>\x1b]0;x\x07</Message>")
# also where the message is cut to length
refusal("echo", 400, "X", "<Message>" + "m" * 190 + "ffsecretffsecret canarytokencanary</Message>")


@fault
def skewed(c, r, n):
    """Its clock is ten minutes ahead, and it takes nobody else's."""
    error(c, r, 403, "RequestTimeTooSkewed",
          headers=[("Date", formatdate(c.store.now() + 600, usegmt=True))])


@fault
def failed_after_landing(c, r, n):
    c.carry_out(r)
    error(c, r, 500, "InternalError")


@fault
def array_removed(c, r, n):
    """Somebody has removed the whole array that the object is a chunk of."""
    folder = r.key.rpartition("/")[0] + "/"
    with c.store.lock:
        for key in [k for k in c.store.objects if k.startswith(folder)]:
            c.store.drop(key)
    c.send(c.carry_out(r).wire())


@fault
def upload_removed(c, r, n):
    """By somebody else, before it was completed; what is there is as long."""
    with c.store.lock:
        parts, _ = c.store.uploads.pop(r.query["uploadId"])
        c.store.put(r.key, b"o" * sum(map(len, parts.values())))
    c.send(c.carry_out(r).wire())


@fault
def own_write_refused(c, r, n):
    """A proxy sent it twice: the second one met the first."""
    c.carry_out(r)
    c.send(c.carry_out(r).wire(r.method == "HEAD"))


@fault
def error_in_200(c, r, n):
    error(c, r, 200, "InternalError")


@fault
def landed_error_in_200(c, r, n):
    c.carry_out(r)
    error(c, r, 200, "InternalError")


@fault
def long_refusal(c, r, n):
    body = b"<Error><Code>X</Code><Message>" + b"m" * (32 << 20) + b"</Message></Error>"
    c.send(b"HTTP/1.1 400 X\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


def redirect(name, status, place):
    FAULTS[name] = lambda c, r, n: error(
        c, r, status, "TemporaryRedirect",
        headers=[("Location", place.replace("@", str(c.elsewhere)) + r.target)])


redirect("moved_301", 301, "http://127.0.0.1:@")
redirect("moved_302", 302, "http://127.0.0.1:@")
redirect("moved_307", 307, "http://127.0.0.1:@")
redirect("moved_308", 308, "http://127.0.0.1:@")
redirect("moved_to_file", 307, "file:///etc/passwd?")
redirect("moved_to_metadata", 307, "http://169.254.169.254")


# ---- lists ----

def page(name, text):
    """A whole list instead of the right one; {p}: the prefix that was asked for."""
    def run(c, r, n):
        body = text if isinstance(text, bytes) else text.replace(
            "{p}", r.query.get("prefix", "")).encode()
        c.send(b"HTTP/1.1 200 X\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    FAULTS[name] = run


def entry(key):
    return (f"<Contents><Key>{key}</Key><LastModified>2020-01-01T00:00:00Z</LastModified>"
            '<ETag>"x"</ETag><Size>1</Size></Contents>')


LIST = "<ListBucketResult><EncodingType>url</EncodingType>{}</ListBucketResult>"
MORE = "<IsTruncated>true</IsTruncated>"
page("same_token", LIST.format(MORE + "<NextContinuationToken>00</NextContinuationToken>" +
                               entry("{p}a")))
page("no_token", LIST.format(MORE))
page("empty_pages", LIST.format(MORE + "<NextContinuationToken>00</NextContinuationToken>"))
page("outside", LIST.format(entry("other/key")))
page("parent", LIST.format(entry("{p}../../x")))
page("nul", LIST.format(entry("{p}a%00b")))
page("bad_escape", LIST.format(entry("{p}a%zz")))
page("long_key", LIST.format(entry("{p}" + "k" * 5000)))
page("no_size", LIST.format("<Contents><Key>{p}a</Key><Size>-1</Size></Contents>"))
page("no_list", "<Other></Other>")
page("cut_document", "<ListBucketResult><Contents><Key>{p}a")
page("entities", '<!DOCTYPE l [<!ENTITY a "b"><!ENTITY c "&a;&a;">]>' + LIST.format(entry("{p}&c;")))
page("external", '<!DOCTYPE l [<!ENTITY a SYSTEM "file:///etc/passwd">]>' +
     LIST.format(entry("{p}&a;")))
page("deep", "<a>" * 100000)
page("bad_utf8", LIST.format(entry("@")).encode().replace(b"@", b"\xff\xfe"))
page("no_document", "")
