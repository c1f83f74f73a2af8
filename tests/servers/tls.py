# SPDX-License-Identifier: Apache-2.0
"""tls.py: fault.py over TLS, right and wrong. Certificates are made when they are first asked for, in
the server's own folder, by the command openssl."""
import os
import socket
import ssl
import subprocess
import threading
import time

ENDLESS_S = 30
EC = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
HERE = "IP:127.0.0.1,DNS:localhost"

# what a certificate is like: its names, its days, who signs it
CERTIFICATES = {
    "good": (HERE, "2", "ca"),
    "expired": (HERE, "-1", "ca"),
    "wrong_host": ("DNS:elsewhere.example", "2", "ca"),
    "unknown_ca": (HERE, "2", "other"),
    "self_signed": (HERE, "2", None),
    "old_tls": (HERE, "2", "ca"),
}


def openssl(*words):
    subprocess.run(["openssl", *words], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)


# ---- handshakes that come to nothing: each gets the socket, after the first bytes have come ----

def stall(sock):
    time.sleep(ENDLESS_S)


def closed(sock):
    pass


def cut(sock):
    """The beginning of a ServerHello."""
    sock.sendall(b"\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03")


def plain(sock):
    sock.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")


def garbage(sock):
    sock.sendall(b"\xff" * 4096)


HANDSHAKES = {f.__name__: f for f in (stall, closed, cut, plain, garbage)}


class Tls:
    """`serve(socket)` is the server itself."""

    def __init__(self, folder, serve):
        self.folder, self.serve = folder, serve
        self.ports = {}
        self.requests = self.not_tls = 0

    def path(self, name):
        return os.path.join(self.folder, name)

    def ca(self, name="ca"):
        if not os.path.exists(self.path(name + ".pem")):
            openssl("req", "-x509", *EC, "-days", "2", "-subj", "/CN=" + name,
                    "-keyout", self.path(name + ".key"), "-out", self.path(name + ".pem"))
        return self.path(name + ".pem")

    def certificate(self, kind):
        names, days, signer = CERTIFICATES[kind]
        key, pem, asked = (self.path(f"{kind}.server.{end}") for end in ("key", "pem", "csr"))
        subject = ["-subj", "/CN=server", "-addext", "subjectAltName=" + names, "-keyout", key]
        if not signer:
            openssl("req", "-x509", *EC, "-days", days, *subject, "-out", pem)
            return key, pem
        openssl("req", *EC, *subject, "-out", asked)
        openssl("x509", "-req", "-in", asked, "-CA", self.ca(signer), "-CAkey",
                self.path(signer + ".key"), "-CAcreateserial", "-days", days,
                "-copy_extensions", "copy", "-out", pem)
        return key, pem

    def context(self, kind):
        key, pem = self.certificate(kind)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if kind == "old_tls":
            context.set_ciphers("ALL:@SECLEVEL=0")
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = ssl.TLSVersion.TLSv1_1
        context.load_cert_chain(pem, key)
        return context

    def wrong_handshake(self, kind, sock):
        first = sock.recv(1 << 16)
        self.not_tls += first[:1] not in (b"\x16", b"")
        HANDSHAKES[kind](sock)

    def right_handshake(self, kind, context, sock):
        with context.wrap_socket(sock, server_side=True) as wrapped:
            if kind == "good":
                self.serve(wrapped)
            else:
                self.requests += wrapped.recv(1) != b""

    def accept(self, kind, context, listener):
        def run(sock):
            try:
                if context:
                    self.right_handshake(kind, context, sock)
                else:
                    self.wrong_handshake(kind, sock)
            except OSError:
                pass
            finally:
                sock.close()
        while True:
            threading.Thread(target=run, args=(listener.accept()[0],), daemon=True).start()

    def port_of(self, kind):
        if kind not in self.ports:
            context = None if kind in HANDSHAKES else self.context(kind)
            listener = socket.create_server(("127.0.0.1", 0), backlog=64)
            threading.Thread(target=self.accept, args=(kind, context, listener),
                             daemon=True).start()
            self.ports[kind] = listener.getsockname()[1]
        return self.ports[kind]
