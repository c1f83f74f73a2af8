# SPDX-License-Identifier: Apache-2.0
"""make_sigv4.py COUNT SEED: requests and how botocore signs them, for test_s3_sign.

A line: method, path, query, time, region, key, secret, token, hash of the body, headers as
name:value and blank-separated in hex, then the signed headers and the signature."""
import hashlib
import random
import sys
from urllib.parse import quote

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

LETTERS = "abcXYZ019-._~ /=:@!*'()&;,$+%#?[]{}|^`\"<>\\äß€日本\U0001f600"


def text(rng, most):
    return "".join(rng.choice(LETTERS) for _ in range(rng.randint(1, most)))


def one(rng):
    method = rng.choice(["GET", "HEAD", "PUT", "POST", "DELETE"])
    path = "/bucket/" + quote(text(rng, 40), safe="/-_.~")
    names = sorted({quote(text(rng, 8), safe="-_.~") for _ in range(rng.randint(0, 4))})
    query = "&".join(f"{n}={quote(text(rng, 12), safe='-_.~') if rng.random() < 0.8 else ''}" for n in names)
    day = f"20{rng.randint(10, 69):02}{rng.randint(1, 12):02}{rng.randint(1, 28):02}"
    stamp = f"{day}T{rng.randint(0, 23):02}{rng.randint(0, 59):02}{rng.randint(0, 59):02}Z"
    region = rng.choice(["us-east-1", "eu-central-1", "lab"])
    key, secret = "AKIA" + text(rng, 3).encode().hex().upper(), text(rng, 60).encode().hex()[:rng.randint(1, 90)]
    token = text(rng, 30).encode().hex() if rng.random() < 0.3 else ""
    body_hash = rng.choice([hashlib.sha256(text(rng, 9).encode()).hexdigest(), "UNSIGNED-PAYLOAD"])
    headers = {"host": rng.choice(["127.0.0.1:9000", "s3.lab", "[::1]:80"]), "x-amz-date": stamp,
               "x-amz-content-sha256": body_hash}
    if token:
        headers["x-amz-security-token"] = token
    for name in ("range", "if-match", "if-none-match", "content-md5", "x-amz-meta-ab", "x-amz-meta-ab-c"):
        if rng.random() < 0.3:
            headers[name] = rng.choice(["*", '"0123"', "a  b   c", " x ", "bytes=0-9", "a=b;c,d"])
    request = AWSRequest(method=method, url="http://" + headers["host"] + path + ("?" + query if query else ""),
                         headers=headers)
    request.context["timestamp"] = stamp
    auth = S3SigV4Auth(Credentials(key, secret, token or None), "s3", region)
    request.url = request.url
    to_sign = auth.string_to_sign(request, auth.canonical_request(request))
    signed = auth.signed_headers(auth.headers_to_sign(request))
    packed = " ".join(f"{n}:{v}".encode().hex() for n, v in headers.items())
    return [method, path, query, stamp, region, key, secret, token, body_hash, packed, signed,
            auth.signature(to_sign, request)]


def main():
    rng = random.Random(int(sys.argv[2]))
    for _ in range(int(sys.argv[1])):
        print("\t".join(one(rng)))


main()
