#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The index beside the receipts is a cache: questions about runs get the answers that the records give, whatever happened to it.

    run_index_test.py GEOLOOM [--only TEST]...
"""
import sqlite3
import sys

import documents
import scenes
from held_series import HeldSeries
from program import main
from stores import FolderStore, receipts

SIZE = (192, 192)
TILES = 9


def index_of(bench):
    (path,) = (bench.folder / "cache" / "geoloom").glob("*.sqlite")
    return path


def answers(bench, *run):
    """As the index has it, and as it is when there was no index."""
    show = bench.call("runs", "show", *run, "--json").json()
    missing = bench.call("runs", "missing", *run, "--json")
    for path in (bench.folder / "cache" / "geoloom").glob("*"):
        path.unlink()
    fresh = bench.call("runs", "show", *run, "--json").json()
    bench.expect_equal(show["steps"], fresh["steps"], "the index says what the records say")
    bench.expect_equal(missing.json(), bench.call("runs", "missing", *run, "--json").json(), "and misses what is missing")
    bench.expect_equal(missing.code, 3 if missing.json() else 0, "the exit code of runs missing")
    return {step["name"]: step for step in show["steps"]}, missing.json()


def drawn(bench):
    scenes.colour_series(bench.folder / "scenes", 3, SIZE)
    return bench.document(documents.colours(tile=64))


def complete_and_reused(bench):
    document = drawn(bench)
    bench.run(document)
    steps, missing = answers(bench)
    bench.expect_equal((steps["composite"]["done"], steps["map"]["done"], missing), (TILES, 1, []), "a complete run")
    bench.run(document, "--tiles", "0-2")
    answers(bench)
    changed = bench.document(documents.colours(tile=64, last="mosaic: {layer: composite, as: other}").replace("layer: map", "layer: other"), "other.yaml")
    bench.run(changed)
    steps, _ = answers(bench)
    bench.expect_equal(steps["composite"]["done"], TILES, "items of another run count where they are the same")


def files_that_vanish(bench):
    bench.run(drawn(bench))
    answers(bench)
    bench.call("runs", "show")
    victim = next((bench.folder / "out" / "layers" / "composite").glob("64_64-*.tif"))
    victim.unlink()
    steps, missing = answers(bench)
    bench.expect_equal((steps["composite"]["missing"], {"step": "composite", "item": "64_64"} in missing), (1, True), "a file that is gone is missed")


def damaged_index(bench):
    bench.run(drawn(bench))
    wanted = bench.call("runs", "show", "--json").json()
    for damage in (b"no database", b"", b"SQLite format 3\0" + b"x" * 5000):
        path = index_of(bench)
        for name in path.parent.glob("*"):
            name.unlink()
        path.write_bytes(damage)
        bench.expect_equal(bench.call("runs", "show", "--json").json(), wanted, f"an index of {len(damage)} wrong bytes")
    with sqlite3.connect(index_of(bench)) as database:
        database.execute("DROP TABLE survey_steps")
    bench.expect_equal(bench.call("runs", "show", "--json").json(), wanted, "an index without a table")
    blocked = {"XDG_CACHE_HOME": str(bench.folder / "workflow.yaml")}
    bench.expect_equal(bench.call("runs", "show", "--json", environment=blocked).json(), wanted, "no place for an index")


def a_run_under_way(bench):
    with HeldSeries(bench, items=3) as series:
        process = series.start()
        steps, missing = answers(bench)
        done = steps["composite"]["done"]
        bench.expect(0 < done < 64, "some are done", done)
        bench.expect_equal(len([item for item in missing if item["step"] == "composite"]), 64 - done, "the others are missing")
        bench.call("runs", "show")
        series.server.release()
        bench.expect_equal(bench.finish(process).code, 0, "the run ends well")
        shown = {step["name"]: step for step in bench.call("runs", "show", "--json").json()["steps"]}
        bench.expect_equal(shown["composite"]["done"], 64, "the index follows")
        answers(bench)


def cleaned_store(bench):
    document = drawn(bench)
    bench.run(document)
    bench.call("runs", "show")
    bench.expect_equal(bench.call("runs", "clean", "--all", "--yes").code, 0, "the run is cleaned")
    bench.expect_equal(bench.call("runs", "list").out, "", "no run is left")
    bench.run(document)
    steps, _ = answers(bench)
    bench.expect_equal(steps["composite"]["done"], TILES, "made again")


def list_of_runs(bench):
    bench.run(drawn(bench))
    (run,) = bench.call("runs", "list", "--json").json()
    made = receipts(FolderStore(bench.folder / "out"))
    bench.expect_equal((run["made"], run["empty"]), (len(made), 0), "what the run made")
    bench.expect_equal((run["started"], run["finished"]), (min(r["started"] for r in made), max(r["finished"] for r in made)), "from when to when")
    text = bench.call("runs", "list").out
    bench.expect(run["run"] in text and f"{len(made)} items made" in text, "as text", text)


# Lineage, logs and causes: what the records tell about single items.

def lineage(bench):
    document = drawn(bench)
    bench.run(document)
    names = sorted(path.stem for path in (bench.folder / "scenes").glob("*.tif"))
    (run,) = bench.call("runs", "list", "--json").json()
    for what in ("out/map.tif", "map/all", "map", bench.folder / "out" / "map_quicklook.png"):
        said = bench.call("runs", "lineage", what, "--json").json()
        bench.expect_equal(said["scenes"], names, f"{what}: its scenes")
        bench.expect_equal(sorted(item["step"] for item in said["inputs"]), ["composite"] * TILES, f"{what}: its tiles")
        bench.expect_equal((said["run"], said["output"]["made_by_run"], said["parameters"]["scenes"]["value"]), (run["run"], run["run"], "scenes"), f"{what}: its run")
    tile = next((bench.folder / "out" / "layers" / "composite").glob("64_0-*.tif"))
    said = bench.call("runs", "lineage", tile, "--json").json()
    bench.expect_equal((said["output"]["item"], said["inputs"], said["scenes"]), ("64_0", [], names), "a tile")
    text = bench.call("runs", "lineage", "composite/64_0")
    bench.expect(text.code == 0 and "from 3 scenes" in text.out and names[0] in text.out, "as text", text)
    bench.run(document, "--tiles", "0")
    said = bench.call("runs", "lineage", names[1], "--json").json()
    bench.expect_equal([len(each["items"]) for each in said["runs"]], [TILES + 1, 2], "all runs of the store that the scene went into")
    direct = [item["step"] for item in said["runs"][0]["items"] if item["reads_it"]]
    bench.expect_equal(direct, ["composite"] * TILES, "tiles read it, the map holds it")
    unknown = bench.call("runs", "lineage", names[1][:-1])
    bench.expect(unknown.code == 5 and names[1] in unknown.err, "a name that is nearly one", unknown)


def causes_have_a_next_command(bench):
    paths = scenes.colour_series(bench.folder / "scenes", 4, SIZE)
    whole = paths[2].read_bytes()
    paths[2].write_bytes(whole[:len(whole) // 2])
    document = bench.document(documents.colours(tile=64))
    bench.run(document, expect=3)
    causes = {cause["cause"]: cause for cause in bench.call("runs", "why", "--json").json()}
    corrupt = causes["corrupt"]
    bench.expect(corrupt["since"] and corrupt["made_in_these_steps"] == TILES - len(corrupt["items"]), "since when, and what is unaffected", corrupt)
    bench.expect("tolerate" in corrupt["first"] and corrupt["next"].startswith("geoloom run "), "scenes are left out", corrupt)
    bench.expect(causes["missing"]["next"].startswith("geoloom runs retry "), "the map waits", causes["missing"])
    text = bench.call("runs", "why").out
    bench.expect("  unaffected: " in text and f"  next: {corrupt['next']}\n" in text, "as text", text)
    failed = bench.call("runs", "logs", "--failed", "--step", "composite", "--json").out.splitlines()
    bench.expect_equal(len(failed), len(corrupt["items"]), "the log of what failed")


def logs_are_followed(bench):
    with HeldSeries(bench, items=3) as series:
        process = series.start()
        log = bench.start("runs", "logs", "--follow", "--step", "composite")
        first = log.stdout.readline()
        bench.expect(" composite/" in first and " done in " in first, "what was logged before", first)
        series.server.release()
        bench.expect_equal(bench.finish(process).code, 0, "the run ends well")
        lines = {first} | {log.stdout.readline() for _ in range(63)}
        bench.expect_equal(len(lines), 64, "each attempt, as it comes")
        log.terminate()
        bench.expect_equal(bench.finish(log).code, 143, "until it is stopped")


if __name__ == "__main__":
    sys.exit(main([complete_and_reused, files_that_vanish, damaged_index, a_run_under_way, cleaned_store, list_of_runs, lineage,
                   causes_have_a_next_command, logs_are_followed], __doc__))
