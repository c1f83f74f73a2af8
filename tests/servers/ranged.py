# SPDX-License-Identifier: Apache-2.0
"""ranged.py FOLDER [FAULT...]: serves a folder over HTTP with byte ranges. Prints its URL.

Each request is a line on standard error. Faults, for the tests of what a reader must survive:

  lists=no       folders have no page: 403, as nginx says without "autoindex on"
  lists=none     ... and 404, as a store of objects says
  lists=site     ... and 200 with a page that is no list
  ranges=no      a Range is ignored: 200 with the whole
  ranges=wrong   206 with the bytes behind those that were asked for
  length=no      no Content-Length
  etag=no        no ETag
  cut=N          every Nth answer with a body breaks off in its middle
  busy=N         every Nth request is answered with 503
  stall=SECONDS  silence in the middle of each body
  to=URL         a redirect, with 302, of whatever is not a folder
  auth=yes       401
  tls=CERT,KEY   over TLS
"""
import html
import os
import ssl
import sys
import time
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote, unquote

FOLDER = os.path.realpath(sys.argv[1])
FAULTS = dict(a.split("=", 1) for a in sys.argv[2:])
counts = {"request": 0, "body": 0}


def every(kind, fault):
    """Whether it is this one's turn."""
    counts[kind] += 1
    return fault in FAULTS and counts[kind] % int(FAULTS[fault]) == 0


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, form, *arguments):
        sys.stderr.write(f"{self.command} {self.path} {self.headers.get('Range', '-')}\n")
        sys.stderr.flush()

    def say(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def page(self, path):
        lists = FAULTS.get("lists", "yes")
        if lists != "yes":
            status = {"no": 403, "none": 404, "site": 200}[lists]
            return self.say(status, b"<html><a href='t'>welcome</a></html>",
                            Content_Type="text/html")
        rows = []
        for name in sorted(os.listdir(path)):
            end = "/" if os.path.isdir(os.path.join(path, name)) else ""
            rows.append(f'<a href="{html.escape(quote(name + end))}">{html.escape(name)}</a>')
        body = "<html><head><title>Index of /</title></head><h1>Index of /</h1><pre>" \
               '<a href="../">../</a><a href="?C=N;O=D">Name</a>\n' + "\n".join(rows) + "</pre>"
        return self.say(200, body.encode(), Content_Type="text/html; charset=utf-8")

    def span(self, size):
        """What is asked for: None, all; or first and last."""
        given = self.headers.get("Range", "")
        if not given.startswith("bytes=") or FAULTS.get("ranges") == "no":
            return None
        first, _, last = given[6:].partition("-")
        first, last = int(first), int(last) if last else size - 1
        return first, min(last, size - 1)

    def send_file(self, path):
        status = os.stat(path)
        size, span = status.st_size, self.span(status.st_size)
        first, last = span or (0, size - 1)
        if span and first >= size:
            return self.say(416, Content_Range=f"bytes */{size}")
        if FAULTS.get("ranges") == "wrong" and span:
            first, last = first + 1, min(last + 1, size - 1)
        self.send_response(206 if span else 200)
        if span:
            self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
        if "etag" not in FAULTS:
            self.send_header("ETag", f'"{status.st_ino:x}-{status.st_mtime_ns:x}-{size:x}"')
        self.send_header("Last-Modified", formatdate(status.st_mtime, usegmt=True))
        if FAULTS.get("length") == "no":
            self.send_header("Connection", "close")
        else:
            self.send_header("Content-Length", str(last - first + 1))
        self.end_headers()
        if self.command != "HEAD":
            self.send_bytes(path, first, last - first + 1)

    def send_bytes(self, path, first, size):
        cut = every("body", "cut")
        with open(path, "rb") as file:
            file.seek(first)
            if cut or "stall" in FAULTS:
                self.wfile.write(file.read(size // 2))
                self.wfile.flush()
                size -= size // 2
            if cut:
                self.close_connection = True
                return
            time.sleep(float(FAULTS.get("stall", 0)))
            while size > 0:
                data = file.read(min(size, 1 << 20))
                self.wfile.write(data)
                size -= len(data)

    def do_GET(self):
        path = os.path.realpath(FOLDER + unquote(self.path.partition("?")[0]))
        if every("request", "busy"):
            return self.say(503, b"busy", Retry_After="0")
        if "auth" in FAULTS:
            return self.say(401, b"who are you?", WWW_Authenticate="Basic")
        if "to" in FAULTS and not self.path.endswith("/"):
            return self.say(302, Location=FAULTS["to"] + self.path)
        if path != FOLDER and not path.startswith(FOLDER + "/") or not os.path.exists(path):
            return self.say(404, b"there is no such thing")
        if not os.path.isdir(path):
            return self.say(404) if self.path.endswith("/") else self.send_file(path)
        if self.path.endswith("/"):
            return self.page(path)
        return self.say(301, Location=self.path + "/")

    do_HEAD = do_GET


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass  # a reader that has enough hangs up


server = Server(("127.0.0.1", 0), Handler)
scheme = "http"
if "tls" in FAULTS:
    scheme = "https"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*FAULTS["tls"].split(","))
    server.socket = context.wrap_socket(server.socket, server_side=True)
print(f"{scheme}://127.0.0.1:{server.server_port}/", flush=True)
server.serve_forever()
