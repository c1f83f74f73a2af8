# SPDX-License-Identifier: Apache-2.0
"""fault.py: a small S3 server in memory that misbehaves when it is told to. Prints its URL.

It checks each signature with a signer of its own, and knows single objects with conditions, ranges,
lists in two pages, removal of many, and uploads in parts. It is told what to do on the same port,
by a line instead of a request:

  !arm FAULT METHOD TIMES N [PART]   the next TIMES requests with METHOD whose target holds PART
  !off                               no fault any more: how often one fired, how often another host
                                     was visited, how many signatures were wrong
  !count METHOD PART                 how many such requests came since !off
  !header METHOD NAME                of the last such request with a right signature
  !uploads                           how many uploads were begun and have no end

faults.py has the faults.
"""
import hashlib
import hmac
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

import faults

KEY, SECRET = "ffkey", "ffsecretffsecret"
MAX_HEAD, MAX_BODY = 64 << 10, 256 << 20


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
        self.headers = [("Date", formatdate(usegmt=True)), ("Server", "fault"),
                        ("x-amz-request-id", "ff1")]
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

    def put(self, key, body, writer=""):
        self.serial += 1
        tag = '"%s-%d"' % (hashlib.md5(body).hexdigest(), self.serial)
        self.objects[key] = (body, tag, writer, time.time())
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

    def carry_out(self, r):
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
            self.objects.pop(r.key, None)
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
        names, seen = [], set()
        for key in sorted(self.objects):
            if not key.startswith(prefix):
                continue
            end = key.find("/", len(prefix)) if "delimiter" in r.query else -1
            name = key[:end + 1] if end >= 0 else key
            if name > after and name not in seen:
                seen.add(name)
                names.append(name)
        page, rest = names[:3], names[3:]
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
            self.objects.pop(key.replace("&amp;", "&"), None)
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
            self.begun[str(self.serial)] = r.key, time.time()
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
    def __init__(self, sock, store, elsewhere):
        self.sock, self.store, self.elsewhere = sock, store, elsewhere
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

    def command(self, line):
        s, words = self.store, line[1:].split(" ")
        with s.lock:
            if words[0] == "arm":
                s.fault = [words[1], words[2], int(words[3]), int(words[4]),
                           words[5] if len(words) > 5 else ""]
                s.ignore_conditions = words[1] == "ignore_conditions"
                s.requests = []
                text = "ok" if s.ignore_conditions or words[1] in faults.FAULTS else "no such fault"
            elif words[0] == "off":
                text = f"{s.fired} {s.leaks} {s.bad_signatures}"
                s.fault, s.fired, s.requests, s.ignore_conditions = None, 0, [], False
            elif words[0] == "count":
                text = str(sum(m == words[1] and words[2] in t for m, t in s.requests))
            elif words[0] == "header":
                text = s.last_headers.get(words[1], {}).get(words[2], "")
            else:
                text = str(len(s.uploads))
        self.send(text.encode() + b"\n")

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
            if not signed(r):
                self.store.bad_signatures += 1
                self.send(failure(403, "SignatureDoesNotMatch").wire(r.method == "HEAD"))
                return
            self.store.requests.append((r.method, r.target))
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
                    self.command(r)
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
    print(f"http://127.0.0.1:{port}", flush=True)
    while True:
        client, _ = sock.accept()
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=Connection(client, store, elsewhere).run, daemon=True).start()


if __name__ == "__main__":
    main()
