#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes pickles of real packages beside itself, one file a package and protocol, with the
packages that are installed: NAME-VERSION-pPROTOCOL.pkl. What is in the tree was made by Python
3.11 with numpy 1.24.4 and pandas 1.5.3, numpy 2.3.5 and pandas 2.3.3, numpy 2.4.6 and pandas
3.0.0, scikit-learn 1.3.2, cloudpickle 3.1.3."""
import array, os, pickle

HERE = os.path.dirname(os.path.abspath(__file__))


def write(package, value, protocols=(4, 5), dumps=pickle.dumps):
    for p in protocols:
        with open(f"{HERE}/{package.__name__}-{package.__version__}-p{p}.pkl", "wb") as f:
            f.write(dumps(value, protocol=p))


def numpy_value(np):
    record = np.dtype([("a", "<i4"), ("b", "<f8", (2,))])
    value = {
        "f8": np.arange(6.0).reshape(2, 3), "fortran": np.asfortranarray(np.arange(6).reshape(2, 3)),
        "axes": np.arange(24, dtype="i2").reshape(2, 3, 4).transpose(1, 0, 2),
        "strided": np.arange(6)[::2], "big": np.arange(2, dtype=">i4"), "text": np.array(["ab"]),
        "bytes": np.array([b"ab"]), "dates": np.array(["2020-01-02"], "M8[D]"),
        "record": np.zeros(1, record), "objects": np.array([1, "a", None], object),
        "scalar": np.float64(1.5), "day": np.datetime64("2020-01-02", "D"),
        "dtype": np.dtype("M8[25us]"), "masked": np.ma.masked_array([1, 2], mask=[0, 1]),
        "generator": np.random.default_rng(1), "array": array.array("d", [1.5]),
    }
    if hasattr(np, "dtypes") and hasattr(np.dtypes, "StringDType"):
        value["strings"] = np.array(["a", "bb"], np.dtypes.StringDType())
    return value


def pandas_value(pd):
    frame = pd.DataFrame({"n": [1, 2, 3], "x": [0.5, 1.5, 2.5], "name": ["a", "b", "c"],
                          "y": [4.5, 5.5, 6.5], "when": pd.date_range("2020-01-01", periods=3),
                          "kind": pd.Categorical(["u", "v", "u"])})
    return {"df": frame, "labelled": frame.set_index("name")[["n"]],
            "series": pd.Series([1.0, 2.0], index=[10, 20], name="s"),
            "many": pd.DataFrame({"a": [1]}, index=pd.MultiIndex.from_tuples([(1, "b")])),
            "stamp": pd.Timestamp("2020-01-01", tz="UTC"), "span": pd.Timedelta("1s")}


def main():
    import numpy as np
    write(np, numpy_value(np))
    try:
        import pandas as pd
        write(pd, pandas_value(pd))
    except ImportError:
        print("no pandas")
    try:
        import sklearn.linear_model
        model = sklearn.linear_model.LogisticRegression().fit([[0.0], [1.0], [2.0]], [0, 0, 1])
        write(sklearn, model)
    except ImportError:
        print("no scikit-learn")
    try:
        import cloudpickle
        write(cloudpickle, {"f": lambda x: x + 1, "C": type("C", (), {"m": lambda self: 1})},
              dumps=cloudpickle.dumps)
    except ImportError:
        print("no cloudpickle")


if __name__ == "__main__":
    main()
