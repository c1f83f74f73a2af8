# SPDX-License-Identifier: Apache-2.0
"""control.py: what fault.py is told by a line instead of a request; each gives one line back.

  !arm FAULT METHOD TIMES N [PART]   the next TIMES requests with METHOD whose target holds PART
  !off                               no fault any more: how often one fired, how often another host
                                     was visited, how many signatures were wrong
  !count METHOD PART                 how many such requests came since !arm or !off; METHOD may be ANY
  !header METHOD NAME                of the last such request with a right signature
  !uploads                           how many uploads were begun and have no end
  !victim PID                        whom kill_before, kill_after, stop_before, stop_after signal
  !go                                on with the request that stop_before, stop_after, late_kill hold
  !landed                            when the one that late_kill held has been carried out
  !clock SECONDS                     set forward
  !page COUNT                        of names in a list
  !fill PREFIX COUNT                 so many objects below PREFIX
  !copy FROM TO                      every object below FROM below TO as well
  !keys PREFIX                       their names without it
  !get KEY, !put KEY HEX, !delete KEY
  !tls KIND                          the port of a server with TLS; tls.py has the kinds
  !ca                                the file of the certificates to trust
  !heard                             how many requests came over a TLS that is not right, and how
                                     often what came before one was not TLS
  !credentials SECONDS               how long those live that GET /-credentials gives; 0: it fails
  !asked                             how often it was asked

Keys are with the bucket's key alone, encoded as in a URL."""
from urllib.parse import quote, unquote

import faults

COMMANDS = {}


def command(f):
    COMMANDS[f.__name__] = f
    return f


@command
def arm(s, c, name, method, times, n, part=""):
    s.fault = [name, method, int(times), int(n), part]
    s.ignore_conditions = name == "ignore_conditions"
    s.requests = []
    return "ok" if s.ignore_conditions or name in faults.FAULTS else "no such fault"


@command
def off(s, c):
    text = f"{s.fired} {s.leaks} {s.bad_signatures}"
    s.fault, s.fired, s.requests, s.ignore_conditions = None, 0, [], False
    if s.victim:
        s.dead, s.victim = c.serial, 0
    return text


@command
def count(s, c, method, part=""):
    return str(sum(method in (m, "ANY") and part in t for m, t in s.requests))


@command
def header(s, c, method, name):
    return s.last_headers.get(method, {}).get(name, "")


@command
def uploads(s, c):
    return str(len(s.uploads))


@command
def victim(s, c, pid):
    s.victim = int(pid)
    s.going.clear()
    s.landed.clear()
    return "ok"


@command
def go(s, c):
    s.going.set()
    return "ok"


@command
def clock(s, c, seconds):
    s.shift_s += float(seconds)
    return "ok"


@command
def page(s, c, count):
    s.page = int(count)
    return "ok"


@command
def fill(s, c, prefix, count):
    for i in range(int(count)):
        s.put(f"{unquote(prefix)}{i:06}", b"x")
    return "ok"


@command
def copy(s, c, source, to):
    source, to = unquote(source), unquote(to)
    for key in [k for k in s.objects if k.startswith(source)]:
        s.hold(to + key[len(source):], s.objects[key])
    return "ok"


@command
def keys(s, c, prefix):
    prefix = unquote(prefix)
    return " ".join(quote(k[len(prefix):]) for k in s.names() if k.startswith(prefix))


@command
def get(s, c, key):
    return s.objects[unquote(key)][0].hex() if unquote(key) in s.objects else "none"


@command
def put(s, c, key, text=""):
    s.put(unquote(key), bytes.fromhex(text))
    return "ok"


@command
def delete(s, c, key):
    s.drop(unquote(key))
    return "ok"


@command
def credentials(s, c, seconds):
    s.lifetime_s, s.unknown_s = int(seconds), s.shift_s
    return "ok"


@command
def asked(s, c):
    return str(s.asked)


@command
def tls(s, c, kind):
    return str(s.tls.port_of(kind))


@command
def ca(s, c):
    return s.tls.ca()


@command
def heard(s, c):
    return f"{s.tls.requests} {s.tls.not_tls}"


def obey(store, connection, line):
    word, *words = line[1:].split(" ")
    if word == "landed":  # without the lock, which what lands needs
        return str(store.landed.wait(10))
    with store.lock:
        return COMMANDS[word](store, connection, *words)
