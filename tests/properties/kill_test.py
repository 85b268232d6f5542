#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""kill -9 at seeded points, resumed until done: the bytes of a run that nobody disturbed, and nothing left behind.

    kill_test.py GEOLOOM [--store folder|s3] [--kills N] [--seed S]
"""
import argparse
import collections
import functools
import random
import sys
import time

import documents
import scenes
from program import kill, run_tests
from stores import KINDS, digests, empty, environment_of, items_without_times, receipts, store_of, stray_files

LAYERS = ["composite", "brightness", "map"]


def committed(store):
    return sum(name.startswith("layers/") and name.endswith((".tif", ".png")) for name in store.names())


def ended(process):
    return process.poll() is not None


def kill_after(process, store, files, delay):
    """Kills a moment after so many files are there. False: the run was faster."""
    while committed(store) < files and not ended(process):
        time.sleep(0.001)
    time.sleep(delay)
    if ended(process):
        process.communicate()
        return False
    kill(process)
    return True


def killed_and_resumed(bench, kills, seed):
    dice = random.Random(seed)
    scenes.colour_series(bench.folder / "scenes", 12, (384, 384))
    document = bench.document(documents.classes(tile=64))
    undisturbed, store = store_of(bench, "undisturbed"), store_of(bench)
    bench.run(document, "-p", f"results={undisturbed.url}")
    wanted = digests(undisturbed)
    total, done, left = committed(undisturbed), 0, kills
    # A run that was faster than this program does not count; it begins anew.
    for _ in range(10 * kills):
        if left == 0:
            break
        if committed(store) == total:
            empty(store)
        before = committed(store)
        # The last kills find little to do; some points lie before the first file.
        target = min(total, before + dice.randint(0, max(1, 2 * (total - before) // (left + 1))))
        threads = dice.choice([1, 2, 3])
        process = bench.start("run", document, "-p", f"results={store.url}", "--threads", threads)
        met = kill_after(process, store, target, dice.uniform(0, 0.08))
        done, left = done + met, left - met
    bench.expect_equal(done, kills, "the kills met a run")
    last = bench.run(document, "-p", f"results={store.url}")
    bench.expect_equal(sum(step["failed"] for step in last.steps().values()), 0, "the resumed run is whole")
    bench.expect_equal(digests(store), wanted, "the bytes of an undisturbed run")
    # Compacting may have copied records.
    made = {(receipt["step"], receipt["item"], receipt["finished"]) for receipt in receipts(store)}
    counts = collections.Counter((step, item) for step, item, _ in made)
    bench.expect_equal([item for item, times in counts.items() if times > 1], [], "nothing that had a receipt is made again")
    bench.expect_equal(len(counts), len(receipts(undisturbed)), "each item has one")
    for layer in LAYERS:
        bench.expect_equal(items_without_times(store, layer), items_without_times(undisturbed, layer), f"items.json of {layer}")
    bench.expect_equal(stray_files(store), [], "nothing is left behind in the store")
    bench.expect_equal([str(path) for path in bench.scratch.rglob("*") if path.is_file()], [], "nothing is left behind in TMPDIR")
    again = bench.run(document, "-p", f"results={store.url}")
    bench.expect_equal(sum(step["done"] for step in again.steps().values()), 0, "then there is nothing to do")
    print(f"{done} of {kills} kills met a run, store {bench.store_kind}, seed {seed}", file=sys.stderr)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("geoloom")
    parser.add_argument("--store", choices=KINDS, default="folder")
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    test = functools.partial(killed_and_resumed, kills=arguments.kills, seed=arguments.seed)
    test.__name__ = "killed_and_resumed"
    with environment_of(arguments.store) as environment:
        return run_tests(arguments.geoloom, [test], arguments.store, environment)


if __name__ == "__main__":
    sys.exit(main())
