#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`geoloom runs clean`: what a run made goes, what others need stays, and a killed cleaning does no harm.

    clean_test.py GEOLOOM --store folder|s3 [--only TEST]...
"""
import json
import sys

import documents
import scenes
from program import kill, main, wait_until
from stores import KINDS, digests, environment_of, receipts, store_of

SIZE = (192, 192)
TILES = 9


def two_runs(bench):
    """Two runs that share their composites: run ids, the store."""
    scenes.colour_series(bench.folder / "scenes", 4, SIZE)
    store = store_of(bench)
    ids = []
    for name, limit in (("first.yaml", 100), ("second.yaml", 120)):
        document = bench.document(documents.classes(limit=limit), name)
        ids.append(bench.run(document, "-p", f"results={store.url}").json()["run"])
    return ids, store


def clean(bench, store, *arguments, code=0):
    outcome = bench.call("runs", "clean", "--store", store.url, "--json", *arguments)
    bench.expect_equal(outcome.code, code, f"exit code of clean ({outcome.err[-800:]})")
    return outcome.json()


def missing(bench, store, run):
    return len(bench.call("runs", "missing", run, "--store", store.url, "--json").json())


def one_of_two(bench):
    (first, second), store = two_runs(bench)
    before = store.names()
    maps = digests(store)
    said = clean(bench, store, first)
    bench.expect(not said["done"] and said["bytes"] > 0, "without --yes it only says", said)
    bench.expect_equal(said["shared_receipts"], TILES, "the composites are the other run's as well")
    bench.expect_equal(said["receipts"], TILES + 1, "classes and map go")
    bench.expect_equal(store.names(), before, "nothing is gone yet")
    done = clean(bench, store, first, "--yes")
    bench.expect_equal([file["name"] for file in done["files"]], [file["name"] for file in said["files"]], "it removes what it said")
    left = store.names()
    bench.expect_equal([file["name"] for file in said["files"] if file["name"] in left], [], "they are gone")
    bench.expect_equal(sorted(set(before) - set(left) - {f["name"] for f in said["files"]} - {n for n in before if n.startswith("receipts/")}), [],
                       "nothing else is")
    bench.expect_equal(missing(bench, store, second), 0, "the other run is whole")
    bench.expect("map.tif" in left and digests(store)["map.tif"] == maps["map.tif"], "its map keeps its friendly name")
    bench.expect_equal([run["run"] for run in bench.call("runs", "list", "--store", store.url, "--json").json()], [second], "one run is left")
    again = bench.run(bench.folder / "first.yaml", "-p", f"results={store.url}").steps()
    bench.expect_equal((again["composite"]["done"], again["brightness"]["done"]), (0, TILES), "the cleaned part is made again")


def everything(bench):
    _, store = two_runs(bench)
    clean(bench, store, "--all", "--yes")
    bench.expect_equal(store.names(), [], "nothing is left")
    bench.expect_equal(clean(bench, store, "--all")["files"], [], "and nothing to do")


def friendly_names_of_the_last_run(bench):
    (_, second), store = two_runs(bench)
    clean(bench, store, second, "--yes")
    left = store.names()
    bench.expect_equal([name for name in left if name.startswith("map.")], [], "copies of what is gone are gone")
    bench.expect("layers/composite/items.json" in left, "what is listed of kept layers stays")


def orphans(bench):
    _, store = two_runs(bench)
    # A tile whose receipts are torn away, and one that nothing ever told of.
    names = [name for name in store.names() if name.startswith("layers/brightness/") and name.endswith(".tif")]
    stray = names[0].replace(".tif", "-stray.tif")
    store.write(stray, b"left by a killed attempt")
    bench.expect_equal(clean(bench, store, "--orphans")["files"], [], "a young file may belong to somebody")
    said = clean(bench, store, "--orphans", "--older-than", 0)
    bench.expect_equal([file["name"] for file in said["files"]], [stray], "the stray file")
    clean(bench, store, "--orphans", "--older-than", 0, "--yes")
    bench.expect(stray not in store.names() and names[0] in store.names(), "it is gone, the others are not")


def refusals(bench):
    (first, _), store = two_runs(bench)
    for arguments in ((), (first, "--all"), ("--all", "--orphans")):
        clean(bench, store, *arguments, code=2)
    clean(bench, store, "20200101T000000Z-00000000", code=5)


def killed_while_cleaning(bench):
    """At every point: no receipt promises a file that is gone, and cleaning can be finished."""
    (first, second), store = two_runs(bench)
    count = len(store.names())
    for _ in range(5):
        process = bench.start("runs", "clean", first, "--store", store.url, "--yes")
        gone = wait_until(lambda: len(store.names()) < count or process.poll() is not None, process)  # noqa: B023
        kill(process)
        names = set(store.names())
        promised = {output["name"] for record in receipts(store) for output in record["outputs"]}
        bench.expect_equal(sorted(promised - names), [], "receipts promise what is there")
        count = len(names)
        if not gone:
            break
    if any(run["run"] == first for run in bench.call("runs", "list", "--store", store.url, "--json").json()):
        clean(bench, store, first, "--yes")
    clean(bench, store, "--orphans", "--older-than", 0, "--yes")
    bench.expect_equal(missing(bench, store, second), 0, "the other run is whole")
    promised = {output["name"] for record in receipts(store) for output in record["outputs"]}
    tiles = {name for name in store.names() if name.startswith("layers/") and not name.endswith(".json")}
    bench.expect_equal(tiles, promised, "what is there and what receipts tell are the same")


def by_policy(bench):
    (first, second), store = two_runs(bench)
    bench.run(bench.folder / "first.yaml", "-p", f"results={store.url}", "--sample", "2")  # a trial is not the last run
    bench.expect_equal(clean(bench, store, "--keep-last", 2)["runs"], [], "two whole runs are kept")
    bench.expect_equal(clean(bench, store, "--older-than", "1d")["runs"], [], "all are younger than a day")
    bench.expect_equal(clean(bench, store, "--older-than", "1d", "--keep-last", 1)["runs"], [], "both must say so")
    name = f"runs/{first}/run.json"  # made long ago
    store.write(name, json.dumps({**json.loads(store.read(name)), "created": "2020-01-01T00:00:00Z"}).encode())
    bench.expect_equal(clean(bench, store, "--older-than", "1d")["runs"], [first], "the old one goes")
    bench.expect_equal(clean(bench, store, "--older-than", "1d", "--keep-last", 2)["runs"], [], "but two are kept")
    bench.expect_equal(clean(bench, store, "--older-than", "8w", "--keep-last", 1, "--yes")["runs"], [first], "it is gone")
    bench.expect_equal(missing(bench, store, second), 0, "the other run is whole")
    for arguments, word in ((("--older-than", "soon"), "no age"), (("--keep-last", "1", "--all"), "say what to clean"), (("--older-than", "3y"), "30d")):
        outcome = bench.call("runs", "clean", "--store", store.url, *arguments)
        bench.expect(outcome.code == 2 and word in outcome.err, f"{arguments} is refused", outcome)


TESTS = [one_of_two, by_policy, everything, friendly_names_of_the_last_run, orphans, refusals, killed_while_cleaning]

if __name__ == "__main__":
    sys.exit(main(TESTS, __doc__, KINDS, environment_of=environment_of))
