#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""make_joblib.py FILE PROTOCOL [COMPRESS]: how joblib-*.joblib were made, with the joblib that the name says."""
import sys

import joblib
import numpy as np

inner = np.empty(2, dtype=object)
inner[:] = [np.arange(3), np.array(["x", None], dtype=object)]
value = {
    "c": np.arange(6, dtype="<f8").reshape(2, 3),
    "f": np.asfortranarray(np.arange(6, dtype="<i4").reshape(2, 3)),
    "o": np.array([1, "two", None], dtype=object),
    "s": np.array([(1, 2.5)], dtype=[("a", "<i4"), ("b", "<f8")]),
    "z": np.zeros((0, 3)),
    "u": np.array(["ab", "c"]),
    "t": np.array(["2020-01-01"], dtype="M8[D]"),
    "be": np.arange(3, dtype=">i2"),
    "n": inner,  # in joblib-1.6-p0 and -p1
    "end": 7,
}
joblib.dump(value, sys.argv[1], compress=int(sys.argv[3]) if len(sys.argv) > 3 else 0, protocol=int(sys.argv[2]))
