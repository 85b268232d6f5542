#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`geoloom store`: looking into folders and buckets, copying, synchronising, removing.

    store_command_test.py GEOLOOM --store folder|s3 [--only TEST]...
"""
import os
import pty
import sys

from program import main
from stores import KINDS, environment_of, store_of

FILES = {"a.txt": b"one", "deep/er/b.bin": b"b" * 100_000, "pre/x": b"x", "prefix2": b"y"}


def source(bench):
    """A folder of files and the URL of a place to copy them to."""
    folder = bench.folder / "from"
    for name, data in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    store = store_of(bench, "place")
    return str(folder), store


def call(bench, *arguments, code=0, **options):
    outcome = bench.call("store", *arguments, **options)
    bench.expect_equal(outcome.code, code, f"exit code of store {arguments[0]} ({outcome.err[-500:]})")
    return outcome


def copies_and_lists(bench):
    folder, store = source(bench)
    dry = call(bench, "copy", "-r", folder, store.url, "--dry-run")
    bench.expect(dry.out.count("copy ") == 4 and "4 objects" in dry.err, "a dry run says what", dry)
    bench.expect_equal(store.names(), [], "and does nothing")
    call(bench, "copy", "-r", folder, store.url)
    bench.expect_equal(store.names(), sorted(FILES), "all are there")
    listed = call(bench, "ls", "-r", store.url, "--json").json()
    bench.expect_equal({entry["name"]: entry["bytes"] for entry in listed}, {name: len(data) for name, data in FILES.items()}, "ls tells names and sizes")
    call(bench, "copy", f"{store.url}/deep/er/b.bin", "back/")
    bench.expect((bench.folder / "back" / "b.bin").read_bytes() == FILES["deep/er/b.bin"], "one object back")
    bench.expect("no such" in call(bench, "copy", f"{store.url}/none", "x", code=5).err, "a missing one")
    call(bench, "ls", f"{store.url}/prefi", code=5)
    call(bench, "copy", "-r", folder, "https://localhost/x", code=3)


def syncs(bench):
    folder, store = source(bench)
    call(bench, "sync", folder, store.url)
    again = call(bench, "sync", folder, store.url, "--json")
    bench.expect_equal((again.json()["transfers"], again.json()["unchanged"]), (0, 4), "nothing to do")
    os.remove(f"{folder}/a.txt")
    refused = call(bench, "sync", folder, store.url, "--delete", code=2)
    bench.expect("--yes" in refused.err, "removing wants --yes", refused)
    call(bench, "sync", folder, store.url, "--delete", "--yes")
    bench.expect_equal(store.names(), sorted(set(FILES) - {"a.txt"}), "what is gone is gone")
    call(bench, "sync", f"{folder}-typo", store.url, "--delete", "--yes", code=5)
    bench.expect_equal(len(store.names()), 3, "a misspelt source removes nothing")


def removes(bench):
    folder, store = source(bench)
    call(bench, "copy", "-r", folder, store.url)
    call(bench, "rm", f"{store.url}/pre", "--yes", code=5)
    call(bench, "rm", "-r", f"{store.url}/pre", code=2)
    dry = call(bench, "rm", "-r", f"{store.url}/pre", "--dry-run")
    bench.expect_equal(dry.out, "remove x\n", "a dry run")
    bench.expect_equal(len(store.names()), 4, "and nothing happened")
    call(bench, "rm", "-r", f"{store.url}/pre", "--yes")
    bench.expect_equal(store.names(), sorted(set(FILES) - {"pre/x"}), "a prefix ends where a name does")
    call(bench, "rm", "-r", store.url, "--yes")
    bench.expect_equal(store.names(), [], "all")
    call(bench, "rm", "-r", "/", "--yes", code=8)


def asks_on_a_terminal(bench):
    folder, store = source(bench)
    call(bench, "copy", "-r", folder, store.url)
    for answer, left in ((b"n\n", 4), (b"y\n", 3)):
        ours, theirs = pty.openpty()
        process = bench.start("store", "rm", f"{store.url}/a.txt", stdin=theirs)
        os.close(theirs)
        os.write(ours, answer)
        outcome = bench.finish(process)
        os.close(ours)
        bench.expect("[y/N]" in outcome.err, "it asks", outcome)
        bench.expect_equal(len(store.names()), left, f"answer {answer}")


TESTS = [copies_and_lists, syncs, removes, asks_on_a_terminal]

if __name__ == "__main__":
    sys.exit(main(TESTS, __doc__, KINDS, environment_of=environment_of))
