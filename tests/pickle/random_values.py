# SPDX-License-Identifier: Apache-2.0
"""Random values through CPython's C pickler, in every protocol, come back byte for byte.

Usage: random_values.py PROGRAM [SEED [COUNT]]"""
import array
import collections
import datetime as dt
import decimal
import enum
import fractions
import functools
import pathlib
import pickle
import random
import struct
import subprocess
import sys
import types
import uuid

SEED = int(sys.argv[2]) if len(sys.argv) > 2 else 1
COUNT = int(sys.argv[3]) if len(sys.argv) > 3 else 150
R = random.Random(SEED)
NT=collections.namedtuple('NT','x y')
class Color(enum.Enum): RED=1; BLUE='b'
class P: pass
class S:
    __slots__=('p','q')
class L(list): pass
class D(dict): pass
class G:
    def __new__(cls,a=0,k=0): return object.__new__(cls)
    def __getnewargs_ex__(self): return ((1,),{'k':2})
pool=[]
def leaf():
    r=R.randrange(24)
    return [lambda:None,lambda:R.random()<.5,lambda:R.choice([0,1,-1,255,256,65535,65536,2**31-1,2**31,-2**31,-2**31-1,2**55,2**55-1,-2**55,-2**55-1,2**63,2**64,-2**63,R.getrandbits(R.randrange(1,2100)),-R.getrandbits(300)]),
     lambda:R.choice([0.0,-0.0,1.5,float('inf'),float('-inf'),float('nan'),R.random()*10**R.randrange(-300,300),1e16,1e22,123456789012345680.0,0.0001,0.00001,5e-324]),
     lambda:''.join(chr(R.choice([65,0x20,0x5c,10,0,13,26,0xe9,0x20ac,0x1f600,0xd83d,0xde00])) for _ in range(R.choice([0,1,5,100,255,256,300]))),
     lambda:bytes(R.randrange(256) for _ in range(R.choice([0,1,5,255,256,300]))),
     lambda:bytearray(b'ab\xff'),lambda:'x'*R.choice([65535,65536,70000]),lambda:b'y'*R.choice([65535,65536,70000]),
     lambda:1+2j,lambda:range(1,10,2),lambda:...,lambda:int,lambda:len,lambda:dt.datetime(2024,2,29,1,2,3,4,tzinfo=dt.timezone.utc),lambda:decimal.Decimal('1.50'),lambda:fractions.Fraction(1,3),lambda:uuid.UUID(int=R.getrandbits(128)),lambda:pathlib.PurePosixPath('a/b'),lambda:Color.RED,lambda:array.array('i',[1,2]),lambda:ValueError('x',1),lambda:functools.partial(int,base=2),lambda:types.SimpleNamespace(a=1)][r]()
def val(d):
    if pool and R.random()<.15: return R.choice(pool)
    r=R.randrange(14) if d>0 else 99
    n=R.choice([0,1,2,3,4,5,8,9,12])
    if R.random()<.003: n=R.choice([999,1000,1001,2000,2001])
    if n>100: sub=lambda:R.randrange(10**6)
    else: sub=lambda:val(d-1)
    def key():
        while 1:
            k=sub()
            try: hash(k); return k
            except TypeError: pass
    if r==0: v=[];pool.append(v);v.extend(sub() for _ in range(n))
    elif r==1: v=tuple(sub() for _ in range(n))
    elif r==2: v={};pool.append(v); v.update((key(),sub()) for _ in range(n))
    elif r==3: v={key() for _ in range(n)}
    elif r==4: v=frozenset(key() for _ in range(n))
    elif r==5: v=collections.OrderedDict((key(),sub()) for _ in range(n))
    elif r==6: v=collections.deque((sub() for _ in range(n)),R.choice([None,5000]))
    elif r==7: v=NT(sub(),sub())
    elif r==8: v=P();pool.append(v);v.a=sub();v.b=sub()
    elif r==9: v=S();v.p=sub()
    elif r==10: v=L();pool.append(v);v.extend(sub() for _ in range(n));v.z=sub()
    elif r==11: v=D();v.update((key(),sub()) for _ in range(n))
    elif r==12: v=G();v.x=sub()
    elif r==13: v=collections.defaultdict(list); v[key()]=sub()
    else: v=leaf()
    if len(pool)<50: pool.append(v)
    return v


def main():
    program = subprocess.Popen([sys.argv[1]], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    compared = different = 0
    for number in range(COUNT):
        pool.clear()
        value = val(R.randrange(1, 5))
        for protocol in range(6):
            try:
                stream = pickle.dumps(value, protocol)
            except (pickle.PicklingError, TypeError, RecursionError):
                continue
            if len(stream) > 3_000_000:
                continue
            program.stdin.write(struct.pack("<I", len(stream)) + stream)
            program.stdin.flush()
            size, = struct.unpack("<I", program.stdout.read(4))
            back = program.stdout.read(size)
            compared += 1
            if back != stream:
                different += 1
                print(f"value {number}, protocol {protocol}: {len(stream)} bytes became {size}")
    program.stdin.close()
    program.wait()
    print(f"seed {SEED}: {compared} streams, {different} different")
    return 1 if different or program.returncode or compared < COUNT else 0


sys.exit(main())
