#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A run whose results go to a bucket: the same bytes as in a folder, resumed, copied back and cleaned.

    bucket_run_test.py GEOLOOM VARIABLE       VARIABLE holds the address of the bucket, as in GEOLOOM_TEST_AZ=az://test
"""
import os
import sys

import documents
import scenes
from program import run_tests, skip


def a_run_in_a_bucket(bench):
    url = f"{os.environ[sys.argv[2]]}/{bench.folder.parent.name}"
    scenes.colour_series(bench.folder / "scenes", 3, (192, 192))
    document = bench.document(documents.colours())
    bench.run(document, "-p", "results=wanted")
    first = bench.run(document, "-p", f"results={url}").json()
    again = bench.run(document, "-p", f"results={url}").steps()
    bench.expect_equal((again["composite"]["done"], again["composite"]["unchanged"]), (0, 9), "nothing is made twice")
    copied = bench.call("store", "copy", "-r", url, "back")
    bench.expect_equal(copied.code, 0, f"copied back ({copied.err[-500:]})")
    for path in sorted((bench.folder / "wanted").rglob("*.tif")):
        name = path.relative_to(bench.folder / "wanted")
        got = bench.folder / "back" / name
        bench.expect(got.exists() and got.read_bytes() == path.read_bytes(), f"{name} has the same bytes")
    cleaned = bench.call("runs", "clean", first["run"], "--store", url, "--yes")
    bench.expect_equal(cleaned.code, 0, f"cleaned ({cleaned.err[-500:]})")
    bench.expect_equal(bench.call("store", "ls", "-r", url).code, 5, "nothing is left")


if __name__ == "__main__":
    if not os.environ.get(sys.argv[2]):
        skip(f"{sys.argv[2]} is not set")
    sys.exit(run_tests(sys.argv[1], [a_run_in_a_bucket]))
