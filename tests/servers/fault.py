# SPDX-License-Identifier: Apache-2.0
"""fault.py: a small S3 server in memory that misbehaves when it is told to. Prints its URL.

It checks each signature with a signer of its own, and knows single objects with conditions, ranges,
lists in pages of three, removal of many, and uploads in parts. control.py has what it can be told on
the same port, faults.py the faults, tls.py the same over TLS. fault.py FOLDER: for certificates.
"""
import bisect
import calendar
import hashlib
import hmac
import json
import re
import signal
import socket
import struct
import sys
import threading
import time
from email.utils import formatdate
from urllib.parse import parse_qsl, quote, unquote
from xml.sax.saxutils import escape

import control
import faults
import tls

KEY, SECRET = "ffkey", "ffsecretffsecret"
MAX_HEAD, MAX_BODY, SIGNATURE_S = 64 << 10, 256 << 20, 900


class Hangup(Exception):
    """The connection is over."""


class Request:
    def __init__(self, head, body):
        lines = head.decode("latin-1").split("\r\n")
        self.method, self.target, _ = lines[0].split(" ", 2)
        self.headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            self.headers[name.lower()] = value.strip()
        self.body = body
        self.path, _, self.query_text = self.target.partition("?")
        self.query = dict(parse_qsl(self.query_text, keep_blank_values=True))
        self.bucket, _, self.key = unquote(self.path[1:]).partition("/")


class Answer:
    def __init__(self, status, body=b"", **headers):
        self.status, self.body = status, body
        self.headers = [("Server", "fault"), ("x-amz-request-id", "ff1")]
        self.headers += [(n.replace("_", "-"), v) for n, v in headers.items()]
        self.length = str(len(body))

    def wire(self, is_head=False):
        lines = [f"HTTP/1.1 {self.status} X"] + [f"{n}: {v}" for n, v in self.headers]
        if self.length is not None and self.status not in (204, 304):
            lines.append(f"Content-Length: {self.length}")
        return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (b"" if is_head else self.body)


def failure(status, code, more=""):
    return Answer(status, f"<Error><Code>{code}</Code><Message>m</Message>{more}</Error>".encode())


class Store:
    """The objects, and what was counted. Every method with the lock held."""

    def __init__(self):
        self.lock = threading.RLock()
        self.objects, self.uploads, self.begun = {}, {}, {}
        self.requests, self.serial = [], 0
        self.fault, self.fired, self.leaks, self.bad_signatures = None, 0, 0, 0
        self.ignore_conditions = False
        self.last_headers = {}
        self.page, self.sorted, self.shift_s = 3, None, 0
        self.tls = None
        # of the credentials that it gives; the shift that those who ask know nothing of
        self.lifetime_s, self.asked, self.unknown_s = 600, 0, 0
        # whom faults signal; connections up to this one are those of a victim that is dead
        self.victim, self.dead = 0, 0
        self.going, self.landed = threading.Event(), threading.Event()

    def now(self):
        return time.time() + self.shift_s

    def names(self):
        if self.sorted is None:
            self.sorted = sorted(self.objects)
        return self.sorted

    def hold(self, key, what):
        if key not in self.objects:
            self.sorted = None
        self.objects[key] = what

    def drop(self, key):
        if self.objects.pop(key, None):
            self.sorted = None

    def put(self, key, body, writer=""):
        self.serial += 1
        tag = '"%s-%d"' % (hashlib.md5(body).hexdigest(), self.serial)
        self.hold(key, (body, tag, writer, self.now()))
        return tag

    def condition(self, r):
        """The answer when the request's condition does not hold."""
        old = self.objects.get(r.key)
        if self.ignore_conditions:
            return None
        if "if-none-match" in r.headers and old:
            return failure(412, "PreconditionFailed")
        if "if-match" in r.headers and (not old or r.headers["if-match"] != old[1]):
            return failure(412 if old else 404, "PreconditionFailed" if old else "NoSuchKey")
        return None

    # ---- operations ----

    def refusal(self, r):
        """The answer when the request's signature is wrong, or older than a server takes."""
        if not signed(r):
            self.bad_signatures += 1
            return self.dated(failure(403, "SignatureDoesNotMatch"))
        when = calendar.timegm(time.strptime(r.headers["x-amz-date"], "%Y%m%dT%H%M%SZ"))
        if abs(when - self.now()) > SIGNATURE_S:
            return self.dated(failure(403, "RequestTimeTooSkewed"))
        return None

    def credentials(self):
        """As the service of a container gives them."""
        self.asked += 1
        until = time.strftime("%Y-%m-%dT%H:%M:%SZ",
                              time.gmtime(self.now() - self.unknown_s + self.lifetime_s))
        body = json.dumps({"AccessKeyId": KEY, "SecretAccessKey": SECRET, "Token": "tokentoken",
                           "Expiration": until}).encode()
        return Answer(200, body) if self.lifetime_s else failure(503, "SlowDown")

    def dated(self, a):
        a.headers.append(("Date", formatdate(self.now(), usegmt=True)))
        return a

    def carry_out(self, r):
        return self.dated(self.answer(r))

    def answer(self, r):
        if not r.key:
            if "uploads" in r.query:
                return self.list_uploads(r)
            return self.remove_many(r) if r.method == "POST" else self.list(r)
        if r.method == "POST" or "uploadId" in r.query:
            return self.upload(r)
        bad = self.condition(r)
        if bad:
            return bad
        if r.method == "PUT":
            return Answer(200, ETag=self.put(r.key, r.body,
                                             r.headers.get("x-amz-meta-ff-writer", "")))
        if r.method == "DELETE":
            self.drop(r.key)
            return Answer(204)
        return self.get(r)

    def get(self, r):
        if r.key not in self.objects:
            return failure(404, "NoSuchKey")
        body, tag, writer, when = self.objects[r.key]
        a = Answer(200, body, ETag=tag, Last_Modified=formatdate(when, usegmt=True))
        if writer:
            a.headers.append(("x-amz-meta-ff-writer", writer))
        match = re.fullmatch(r"bytes=(\d+)-(\d*)", r.headers.get("range", ""))
        if match:
            first = int(match[1])
            last = min(int(match[2] or len(body)), len(body) - 1)
            if first > last:
                return failure(416, "InvalidRange")
            a.status, a.body = 206, body[first:last + 1]
            a.length = str(len(a.body))
            a.headers.append(("Content-Range", f"bytes {first}-{last}/{len(body)}"))
        return a

    def list(self, r):
        prefix = r.query.get("prefix", "")
        after = bytes.fromhex(r.query.get("continuation-token", "")).decode()
        names, keys = [], self.names()
        for i in range(bisect.bisect_left(keys, max(prefix, after)), len(keys)):
            if not keys[i].startswith(prefix) or len(names) > self.page:
                break
            end = keys[i].find("/", len(prefix)) if "delimiter" in r.query else -1
            name = keys[i][:end + 1] if end >= 0 else keys[i]
            if name > after and name not in names[-1:]:
                names.append(name)
        page, rest = names[:self.page], names[self.page:]
        text = ["<ListBucketResult><EncodingType>url</EncodingType>"
                f"<IsTruncated>{'true' if rest else 'false'}</IsTruncated>"]
        if rest:
            text.append(f"<NextContinuationToken>{page[-1].encode().hex()}</NextContinuationToken>")
        for name in page:
            if name in self.objects:
                body, tag, _, when = self.objects[name]
                stamp = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(when))
                text.append(f"<Contents><Key>{quote(name)}</Key><LastModified>{stamp}</LastModified>"
                            f"<ETag>{escape(tag)}</ETag><Size>{len(body)}</Size></Contents>")
            else:
                text.append(f"<CommonPrefixes><Prefix>{quote(name)}</Prefix></CommonPrefixes>")
        return Answer(200, "".join(text + ["</ListBucketResult>"]).encode())

    def remove_many(self, r):
        for key in re.findall(r"<Key>(.*?)</Key>", r.body.decode()):
            self.drop(key.replace("&amp;", "&"))
        return Answer(200, b"<DeleteResult></DeleteResult>")

    def list_uploads(self, r):
        text = []
        for number in self.uploads:
            key, when = self.begun[number]
            if key.startswith(r.query.get("prefix", "")):
                stamp = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(when))
                text.append(f"<Upload><Key>{quote(key)}</Key><UploadId>{number}</UploadId>"
                            f"<Initiated>{stamp}</Initiated></Upload>")
        return Answer(200, ("<ListMultipartUploadsResult><EncodingType>url</EncodingType>" +
                            "".join(text) + "</ListMultipartUploadsResult>").encode())

    def upload(self, r):
        if "uploads" in r.query:
            self.serial += 1
            self.begun[str(self.serial)] = r.key, self.now()
            self.uploads[str(self.serial)] = {}, r.headers.get("x-amz-meta-ff-writer", "")
            return Answer(200, b"<InitiateMultipartUploadResult><UploadId>%d</UploadId>"
                               b"</InitiateMultipartUploadResult>" % self.serial)
        parts, writer = self.uploads.get(r.query["uploadId"], (None, ""))
        if parts is None:
            return failure(404, "NoSuchUpload")
        if r.method == "PUT":
            parts[int(r.query["partNumber"])] = r.body
            return Answer(200, ETag='"%s"' % hashlib.md5(r.body).hexdigest())
        del self.uploads[r.query["uploadId"]]
        if r.method == "DELETE":
            return Answer(204)
        tag = self.put(r.key, b"".join(parts[n] for n in sorted(parts)), writer)
        return Answer(200, f"<CompleteMultipartUploadResult><ETag>{escape(tag)}</ETag>"
                           "</CompleteMultipartUploadResult>".encode())


def signed(r):
    """Whether the signature is what Amazon's description says it must be."""
    match = re.fullmatch(r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]*)/s3/aws4_request,"
                         r"SignedHeaders=([^,]+),Signature=([0-9a-f]{64})",
                         r.headers.get("authorization", ""))
    if not match or match[1] != KEY:
        return False
    _, day, region, names, given = match.groups()
    hashed = r.headers.get("x-amz-content-sha256", "")
    if hashed != hashlib.sha256(r.body).hexdigest():
        return False
    headers = "".join(f"{n}:{' '.join(r.headers.get(n, '').split())}\n" for n in names.split(";"))
    canonical = "\n".join([r.method, r.path, r.query_text, headers, names, hashed])
    scope = f"{day}/{region}/s3/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", r.headers.get("x-amz-date", ""), scope,
                      hashlib.sha256(canonical.encode("latin-1")).hexdigest()])
    key = ("AWS4" + SECRET).encode()
    for word in (day, region, "s3", "aws4_request"):
        key = hmac.new(key, word.encode(), hashlib.sha256).digest()
    return hmac.compare_digest(hmac.new(key, text.encode(), hashlib.sha256).hexdigest(), given)


class Connection:
    def __init__(self, sock, store, elsewhere, serial=0):
        self.sock, self.store, self.elsewhere, self.serial = sock, store, elsewhere, serial
        self.rest = b""

    def more(self):
        data = self.sock.recv(1 << 20)
        if not data:
            raise Hangup
        self.rest += data

    def until(self, end, most):
        while end not in self.rest:
            if len(self.rest) > most:
                raise Hangup
            self.more()
        text, _, self.rest = self.rest.partition(end)
        return text

    def read(self):
        while not self.rest:
            self.more()
        if self.rest.startswith(b"!"):
            return self.until(b"\n", MAX_HEAD).decode()
        head = self.until(b"\r\n\r\n", MAX_HEAD)
        match = re.search(rb"\r\ncontent-length: *(\d+)", head, re.I)
        length = min(int(match[1]), MAX_BODY) if match else 0
        chunks, got = [self.rest[:length]], len(self.rest[:length])
        self.rest = self.rest[length:]
        while got < length:
            data = self.sock.recv(min(1 << 20, length - got))
            if not data:
                raise Hangup
            chunks.append(data)
            got += len(data)
        return Request(head, b"".join(chunks))

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise Hangup

    def send(self, data):
        self.sock.sendall(data)

    def take_fault(self, r):
        f = self.store.fault
        if not f or f[1] not in (r.method, "ANY") or f[4] not in r.target or f[2] == 0:
            return None
        f[2] -= 1
        if f[0] in faults.FAULTS:
            self.store.fired += 1
        return faults.FAULTS.get(f[0])

    def serve(self, r):
        with self.store.lock:
            if 0 < self.serial <= self.store.dead:
                self.reset()
            if r.path == "/-credentials":
                self.send(self.store.credentials().wire())
                return
            refusal = self.store.refusal(r)
            if refusal:
                self.send(refusal.wire(r.method == "HEAD"))
                return
            self.store.requests.append((r.method, r.target))
            r.number = len(self.store.requests)
            self.store.last_headers[r.method] = r.headers
            fault, n = self.take_fault(r), self.store.fault and self.store.fault[3]
        if fault:
            fault(self, r, n)
            return
        self.send(self.carry_out(r).wire(r.method == "HEAD"))

    def carry_out(self, r):
        with self.store.lock:
            return self.store.carry_out(r)

    def run(self):
        try:
            while True:
                r = self.read()
                if isinstance(r, str):
                    self.send(control.obey(self.store, self, r).encode() + b"\n")
                else:
                    self.serve(r)
        except (Hangup, OSError):
            pass
        finally:
            self.sock.close()


def listen():
    s = socket.create_server(("127.0.0.1", 0), backlog=256)
    return s, s.getsockname()[1]


def count_visits(sock, store):
    while True:
        visitor, _ = sock.accept()
        with store.lock:
            store.leaks += 1
        visitor.close()


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    store = Store()
    sock, port = listen()
    other, elsewhere = listen()
    threading.Thread(target=count_visits, args=(other, store), daemon=True).start()
    store.tls = tls.Tls(sys.argv[1], lambda s: Connection(s, store, elsewhere).run())
    print(f"http://127.0.0.1:{port}", flush=True)
    serial = 0
    while True:
        client, _ = sock.accept()
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        serial += 1
        threading.Thread(target=Connection(client, store, elsewhere, serial).run,
                         daemon=True).start()


if __name__ == "__main__":
    main()
