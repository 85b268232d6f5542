#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Late values and trials: what a step reports stands in the parameters and axes of later ones, with the bytes that a document
with the values written out gives; once, also when the run goes on; and trials are tried, tolerated and chosen from.

    late_values_test.py GEOLOOM [--only TEST]...
"""
import json
import sys

import scenes
from program import main
from workers import worker

HEAD = """geoloom: 1
name: late
store: {store}
area: {{same_grid_as: scenes, tiles: 64 px}}
"""
LOAD = "load: {scenes: scenes, bands: [red, green, blue], period: 2018-01, reject: {any_band_in: [0, 255]}}"
FIRST = f"""  first: {{over: tiles, do: [{{{LOAD}}}, {{reduce: {{stat: count}}}}, {{save: counts}}]}}
  measure: {{do: [{{statistics: {{layer: counts, as: seen, bands: count, classes: true}}}}]}}
"""
COUNTED = f"""  counted:
    over: tiles
    do:
      - {LOAD}
      - reduce: {{stat: median, min_count: "= round($measure.seen.count.mean)"}}
      - save: counted
  map: {{do: [{{mosaic: {{layer: counted, as: counted_map}}}}]}}
"""
TUNING = f"""trials:
  tuning:
    grid: {{stat: [min, median, max], least: [1, 3]}}
    maximize: = $score.of_trial.red.mean - 0 * $score.of_trial.items
steps:
  tried:
    over: [tiles, {{trials: tuning}}]
    do:
      - {LOAD}
      - reduce: {{stat: $item.stat, min_count: $item.least}}
      - save: {{layer: tried, type: uint8}}
  score:
    over: {{trials: tuning}}
    do: [{{statistics: {{layer: tried, as: of_trial}}}}]
  best:
    over: tiles
    do:
      - load: {{layer: tried, at: {{tuning: $tuning.best.trial}}}}
      - save: best
  map: {{do: [{{mosaic: {{layer: best, as: best_map}}}}]}}
outputs:
  stat: $tuning.best.stat
  least: $tuning.best.least
  score: $tuning.best.score
  done: $tuning.trials.done
"""


def series(bench):
    scenes.colour_series(bench.folder / "scenes", 8, (160, 96))


def pixels(bench, path):
    return scenes.read_masked(bench.folder / path)[0].tobytes()


def parameters(bench):
    """The mean number of observations is the least number of a later step; written out it gives the same bytes."""
    series(bench)
    document = bench.document(HEAD.format(store="out") + "steps:\n" + FIRST + COUNTED)
    planned = bench.call("plan", document)
    bench.expect(planned.code == 0 and "known when there is $measure.seen.count.mean" in planned.out, "the plan says what is not known", planned)
    bench.expect_equal(bench.call("runs", "missing", "--store", "out").code, 5, "planning makes no run")
    said = bench.run(document)
    bench.expect_equal(said.steps()["counted"]["done"], 6, "carried out in one go")
    shown = json.loads(bench.call("runs", "show", "--store", "out", "--json").out)
    mean = shown["late"]["counted"]["measure.seen.count.mean"]
    bench.expect(1 < mean < 8, "the record tells the value", shown["late"])
    bench.run(bench.document(HEAD.format(store="plain") + "steps:\n" + COUNTED.replace('"= round($measure.seen.count.mean)"', str(round(mean))), "plain.yaml"))
    bench.expect_equal(pixels(bench, "out/counted_map.tif"), pixels(bench, "plain/counted_map.tif"), "as if written out")
    again = bench.run(document)
    bench.expect_equal(again.json()["run"], said.json()["run"], "the same run")
    bench.expect_equal(sum(step["done"] for step in again.steps().values()), 0, "nothing is made twice")
    bench.expect_equal(bench.call("runs", "missing", "--store", "out").code, 0, "nothing is missing")


def axes(bench):
    """A list that a step reports is the axis of a later one."""
    series(bench)
    text = HEAD.format(store="out") + "steps:\n" + FIRST + f"""  each:
    over: [tiles, {{missing: $measure.seen.values}}]
    do: [{{{LOAD}}}, {{reduce: max}}, {{save: {{layer: each, nodata: $item.missing}}}}]
  maps: {{over: {{missing: $measure.seen.values}}, do: [{{mosaic: {{layer: each, as: each_map}}}}]}}
"""
    said = bench.run(bench.document(text))
    shown = json.loads(bench.call("runs", "show", "--store", "out", "--json").out)
    values = shown["late"]["each"]["measure.seen.values"]
    bench.expect(len(values) > 1 and values == sorted(values), "the values there are", shown["late"])
    bench.expect_equal(said.steps()["each"]["done"], 6 * len(values), "an item for each tile and value")
    bench.expect_equal(sorted(path.name for path in (bench.folder / "out").glob("each_map*.tif")), sorted(f"each_map_{value}.tif" for value in values), "a map for each value")


def skipped(bench):
    """What depends on a skipped step is skipped, unless it names a value for want of it."""
    series(bench)
    text = HEAD.format(store="out") + "steps:\n" + FIRST.replace("measure: {", "measure: {when: $first.items.total > 100, ") + COUNTED + f"""  otherwise:
    over: tiles
    do: [{{{LOAD}}}, {{reduce: {{stat: median, min_count: "= $measure.seen.items ?? 2"}}}}, {{save: otherwise}}]
"""
    done = bench.run(bench.document(text)).steps()
    bench.expect("absent" in done["counted"]["skipped"], "the one is skipped", done["counted"])
    bench.expect("skipped" in done["map"]["skipped"], "and what reads its layer", done["map"])
    bench.expect_equal(done["otherwise"]["done"], 6, "the other has a value")
    bench.expect_equal(bench.call("runs", "missing", "--store", "out").code, 0, "nothing is missing")


def unfit(bench):
    """A value that does not fit ends the step, not the run; finished work is kept, and the run is not complete."""
    series(bench)
    text = HEAD.format(store="out") + "steps:\n" + FIRST + COUNTED.replace("round($measure.seen.count.mean)", "round(0 - $measure.seen.count.mean)")
    outcome = bench.call("run", bench.document(text), "--json", "--quiet")
    bench.expect(outcome.code == 3 and "min_count must be between" in outcome.err, "said", outcome)
    bench.expect("late.yaml" in outcome.err or "document.yaml" in outcome.err or ".yaml:" in outcome.err, "with its place", outcome)
    bench.expect_equal(json.loads(outcome.out)["steps"][0]["done"], 6, "the others are made")
    shown = bench.call("runs", "show", "--store", "out")
    bench.expect("counted          waits: " in shown.out, "shown", shown)


def trials(bench):
    """A grid of trials, its best one read by its label; and the table of all."""
    series(bench)
    document = bench.document(HEAD.format(store="out") + TUNING)
    said = bench.run(document)
    got = said.json()["outputs"]
    bench.expect(got["stat"] == "max" and got["done"] == 6, "the brightest wins", got)
    bench.run(bench.document(HEAD.format(store="plain") + f"""steps:
  best: {{over: tiles, do: [{{{LOAD}}}, {{reduce: {{stat: max, min_count: {got["least"]}}}}}, {{save: best}}]}}
  map: {{do: [{{mosaic: {{layer: best, as: best_map}}}}]}}
""", "plain.yaml"))
    bench.expect_equal(pixels(bench, "out/best_map.tif"), pixels(bench, "plain/best_map.tif"), "the best one's pixels")
    table = json.loads(bench.call("runs", "show", "--store", "out", "--json").out)["trials"]["tuning"]
    bench.expect_equal([entry["trial"] for entry in table["trials"]], ["min-1", "min-3", "median-1", "median-3", "max-1", "max-3"], "one table with all")
    bench.expect(f"{table['best']}" in bench.call("runs", "show", "--store", "out").out, "shown", table)
    bench.expect_equal(max(entry["score"] for entry in table["trials"]), got["score"], "the best has the best score")
    wider = bench.run(bench.document(HEAD.format(store="out") + TUNING.replace("least: [1, 3]", "least: [1, 2, 3]"), "wider.yaml"))
    bench.expect_equal(wider.steps()["tried"]["unchanged"], 36, "trials that stay are not made again")


def tolerated(bench):
    """Trials that fail are tolerated up to a number; the run is complete without them."""
    series(bench)
    fails = TUNING.replace("grid: {stat: [min, median, max], least: [1, 3]}", "list: [{stat: min, from: scenes}, {stat: max, from: broken}, {stat: median, from: scenes}]\n    tolerate: 1").replace("{scenes: scenes,", "{scenes: $item.from,").replace(", min_count: $item.least", "").replace("  least: $tuning.best.least\n", "")
    scenes.colour_series(bench.folder / "broken", 8, (160, 96))
    for path in (bench.folder / "broken").glob("*.tif"):
        path.write_bytes(path.read_bytes()[:-2000])
    document = bench.document(HEAD.format(store="out") + fails)
    said = bench.call("run", document, "--json", "--quiet")
    bench.expect_equal(said.code, 0, f"complete: {said.err}")
    got = json.loads(said.out)
    bench.expect(got["outputs"]["stat"] == "median" and got["outputs"]["done"] == 2, "the best of the others", got["outputs"])
    bench.expect_equal({step["name"]: step["given_up"] for step in got["steps"]}["score"], 1, "the gather of the failed trial is given up")
    bench.expect_equal(bench.call("runs", "missing", "--store", "out").code, 0, "nothing is missing")
    strict = bench.call("run", bench.document(HEAD.format(store="strict") + fails.replace("    tolerate: 1\n", ""), "strict.yaml"), "--json", "--quiet")
    bench.expect(strict.code == 3 and "as more than 0 of 3 failed" in strict.err, "not more than allowed", strict)
    bench.expect("$tuning.best.trial" in strict.err, "and what needs the best is not started", strict)


def elsewhere(bench):
    """Workers learn of late values while they work on the run."""
    series(bench)
    text = "steps:\n" + FIRST + COUNTED
    bench.run(bench.document(HEAD.format(store="here") + text, "here.yaml"))
    store = bench.folder / "there"
    store.mkdir()
    with worker(bench, "--read", bench.folder / "scenes", "--write", store, "--memory", "400M", "--tasks", 2) as serving:
        said = bench.call("run", bench.document(HEAD.format(store=store) + text, "there.yaml"), "--via", f"http://127.0.0.1:{serving.port}", "--yes", "--json", "--quiet")
        bench.expect_equal(said.code, 0, said.err)
    bench.expect_equal(pixels(bench, "there/counted_map.tif"), pixels(bench, "here/counted_map.tif"), "the same bytes")


if __name__ == "__main__":
    sys.exit(main([parameters, axes, skipped, unfit, trials, tolerated, elsewhere], __doc__))
