# SPDX-License-Identifier: Apache-2.0
"""Stores that the Python package wrote: read, shown, verified, written back, removed."""
import json
import os
import shutil

import numpy

from harness import case, end, ff, same, scratch
from reader import read_task

HERE = os.path.dirname(os.path.abspath(__file__))
GOLDEN = os.path.join(HERE, "..", "data", "golden")


def check_array(store, golden, task):
    out = os.path.join(store, "out.npy")
    ff(store, "get", f"golden/{task}#field", "-o", out)
    expected = numpy.load(os.path.join(golden, "expected", task + ".npy"))
    assert same(numpy.load(out), expected), task
    units = ff(store, "get", f"golden/{task}#units", "-o", "-", "--as", "json")
    assert json.loads(units) == "K"


def check_written_back(store, task):
    before = read_task(store, "golden", task)
    ff(store, "mv", f"golden/{task}", f"other/{task}")
    after = read_task(store, "other", task)
    assert same(before, after), f"{before!r} is not {after!r}"
    ff(store, "verify", "other", "--deep")


def check_store(name):
    golden = os.path.join(GOLDEN, name)
    with open(os.path.join(golden, "expected.json"), encoding="utf-8") as file:
        tasks = json.load(file)["tasks"]
    with scratch() as folder:
        store = os.path.join(folder, "store")
        shutil.copytree(os.path.join(golden, "file"), store)
        for task in tasks:
            with case(f"{name}/{task}: shown, verified"):
                assert ff(store, "show", f"golden/{task}").strip()
                ff(store, "verify", f"golden/{task}", "--deep")
            if task.startswith("array_"):
                with case(f"{name}/{task}: elements"):
                    check_array(store, golden, task)
        with case(f"{name}: gc finds the one orphan of twice"):
            found = json.loads(ff(store, "gc", "--grace", "0", "--json"))
            assert "orphan" in json.dumps(found)
            before = len(os.listdir(os.path.join(store, "golden", "bigdata")))
            ff(store, "gc", "-y", "--grace", "0")
            after = len(os.listdir(os.path.join(store, "golden", "bigdata")))
            assert after == before - 1, (before, after)
            ff(store, "verify", "--deep")
        with case(f"{name}: the workflow to move to"):
            os.mkdir(os.path.join(store, "other"))
        for task in tasks:
            with case(f"{name}/{task}: written back equal"):
                check_written_back(store, task)
        with case(f"{name}: removal takes all big data along"):
            ff(store, "rm", "other/*")
            assert not os.listdir(os.path.join(store, "other", "bigdata"))
            assert not os.listdir(os.path.join(store, "golden", "bigdata"))


def main():
    for name in ("file-numpy1", "file-numpy2"):
        check_store(name)
    end()


main()
