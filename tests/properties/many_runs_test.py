#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""One document, many runs: files that are included, profiles, who gave a parameter its value, and tables of parameters.

    many_runs_test.py GEOLOOM [--only TEST]...
"""
import json
import sys

import scenes
from program import main

BASE = """geoloom: 1
params:
  root: {type: path, default: out}
  least: {type: integer, default: 1, range: 1..9}
store: $root
area: {same_grid_as: scenes, tiles: 64 px}
steps:
  composite:
    over: tiles
    do:
      - load: {scenes: scenes, bands: [red, green, blue], reject: {any_band_in: [0, 255]}}
      - reduce: {stat: median, min_count: $least}
      - save: composite
  map: {do: [{mosaic: {layer: composite, as: map}}]}
"""
MAIN = "geoloom: 1\nname: many\ninclude: shared/base.yaml\n"
PROFILES = MAIN + """profiles:
  dev:
    store: "${root}/dev"
    pool: {memory: 900M, threads: 1}
    limits: {retry: 1, timeout: 5 min, max_failed: 50 %}
  prod:
    store: "${root}/prod"
    deadline: 1 h
    pool: {memory: 2G, threads: 2}
    steps: {composite: {retry: {attempts: 7}}}
"""


def drawn(bench, text, name="workflow.yaml"):
    scenes.colour_series(bench.folder / "scenes", 3, (128, 128))
    (bench.folder / "shared").mkdir(exist_ok=True)
    (bench.folder / "shared/base.yaml").write_text(BASE)
    return bench.document(text, name)


def includes(bench):
    """A document in two files gives the bytes of one file; the record holds both."""
    split = bench.run(drawn(bench, MAIN))
    whole = bench.run(bench.document(BASE.replace("geoloom: 1", "geoloom: 1\nname: many"), "whole.yaml"), "-p", "root=whole")
    bench.expect_equal((bench.folder / "out/map.tif").read_bytes(), (bench.folder / "whole/map.tif").read_bytes(), "the same bytes")
    bench.expect(split.code == whole.code == 0, "both", split)
    base = bench.folder / "shared/base.yaml"
    base.write_text("geoloom: 1\nbroken: [")
    (bench.folder / "out/map.tif").unlink()
    retried = bench.call("runs", "retry", "--store", "out", "--json")
    bench.expect(retried.code == 0 and (bench.folder / "out/map.tif").exists(), "a run goes on from its record alone", retried)
    outcome = bench.call("validate", bench.folder / "workflow.yaml")
    bench.expect(outcome.code == 2 and "shared/base.yaml:2" in outcome.err, "mistakes are told where they stand", outcome)
    base.write_text(BASE.replace("min_count", "min_cuont"))
    outcome = bench.call("validate", "workflow.yaml")
    bench.expect(outcome.code == 2 and "shared/base.yaml:12" in outcome.err and "min_count" in outcome.err, "deep ones too", outcome)


def fingerprints(bench, store):
    """Of the files of a store's layers, whose names carry them."""
    return sorted(path.relative_to(bench.folder / store).as_posix() for path in (bench.folder / store / "layers").rglob("*.tif"))


def profiles(bench):
    document = drawn(bench, PROFILES)
    plain = bench.run(document)
    dev = bench.run(document, "--profile", "dev")
    prod = bench.run(document, "--profile", "prod")
    bench.expect(len({outcome.json()["run"] for outcome in (plain, dev, prod)}) == 3, "three runs")
    bench.expect(fingerprints(bench, "out/dev") != [], "where the profile says")
    for store in ("out", "out/prod"):
        bench.expect_equal([name for name in fingerprints(bench, store) if name.startswith("layers/")],
                           fingerprints(bench, "out/dev"), "the same identities and names")
        bench.expect_equal((bench.folder / store / "map.tif").read_bytes(), (bench.folder / "out/dev/map.tif").read_bytes(), "the same bytes")
    for profile, memory, threads in (("dev", 900 << 20, 1), ("prod", 2 << 30, 2)):
        plan = bench.call("plan", document, "--profile", profile, "--json").json()
        bench.expect_equal((plan["memory_bytes"], plan["threads"]), (memory, threads), f"the pool of {profile}")
        bench.expect_equal([step["made"] for step in plan["steps"]], [4, 1], f"the store of {profile}")
    plan = bench.call("plan", document, "--profile", "dev", "--threads", 3, "--json").json()
    bench.expect_equal(plan["threads"], 3, "options win")
    shown = bench.call("runs", "show", "--store", "out/dev", "--json").json()
    bench.expect_equal(shown["profile"], "dev", "the run knows its profile")
    bench.expect("profile dev" in bench.call("runs", "show", "--store", "out/dev").out, "and tells it")
    again = bench.call("runs", "retry", "--store", "out/prod", "--json")
    bench.expect(again.code == 0, "its record alone is enough", again)


def profiles_of_one_store(bench):
    """Another profile is another run, which finds everything made."""
    document = drawn(bench, PROFILES.replace('store: "${root}/dev"', "description: here").replace('store: "${root}/prod"', "description: there"))
    first = bench.run(document, "--profile", "dev")
    second = bench.run(document, "--profile", "prod")
    bench.expect(first.json()["run"] != second.json()["run"], "another run", second)
    bench.expect_equal([step["done"] for step in second.json()["steps"]], [0, 0], "with nothing to do")


def wrong_profiles(bench):
    for profile, says in [("{params: {least: 2}}", "cannot change 'params'"), ("{steps: {composite: {do: []}}}", "cannot change 'do'"),
                          ("{pool: {memory: lots}}", "is no amount of memory"), ("{limits: {retri: 2}}", "did you mean 'retry'"),
                          ("{steps: {composit: {retry: 2}}}", "there is no step 'composit'")]:
        outcome = bench.call("plan", drawn(bench, MAIN + f"profiles: {{dev: {profile}}}\n"), "--profile", "dev")
        bench.expect(outcome.code == 2 and says in outcome.err and "workflow.yaml:4" in outcome.err, profile, outcome)
    outcome = bench.call("run", drawn(bench, PROFILES), "--profile", "prd")
    bench.expect(outcome.code == 2 and "did you mean 'prod'" in outcome.err, "an unknown one", outcome)


def origins(bench):
    document = drawn(bench, MAIN + "params: {more: 1, least: 2, other-name: a, given: b}\n")
    (bench.folder / "values.yaml").write_text("# values\nmore: 5\nleast: 3\n")
    environment = {"GEOLOOM_PARAM_LEAST": "9", "GEOLOOM_PARAM_OTHER_NAME": "z", "GEOLOOM_PARAM_NOBODY": "1", "GEOLOOM_PARAM_MORE": "7"}
    outcome = bench.run(document, "-P", "values.yaml", "-p", "least=1", "-p", "given=c", environment=environment)
    shown = bench.call("runs", "show", "--origins", "--store", "out")
    lines = shown.out.splitlines()
    for line in ('given = "c"  (command line)', "least = 1  (command line)", "more = 5  (values.yaml:2)", 'root = "out"  (default, ',
                 'other-name = "z"  (environment GEOLOOM_PARAM_OTHER_NAME)', "profile: none"):
        bench.expect(any(said.startswith(line) for said in lines), line, shown)
    bench.expect(any("shared/base.yaml:3)" in line for line in lines), "a default of an included file", shown)
    parameters = bench.call("runs", "show", "--store", "out", "--json").json()["parameters"]
    bench.expect_equal(parameters["more"], {"value": 5, "origin": "values.yaml", "place": "values.yaml:2"}, "as JSON")
    bench.expect_equal(outcome.json()["exit_code"], 0, "runs")
    refused = bench.call("run", document, environment={"GEOLOOM_PARAM_LEAST": "many"})
    bench.expect(refused.code == 2 and "GEOLOOM_PARAM_LEAST" in refused.err, "a wrong value names the variable", refused)
    record = next((bench.folder / "out/runs").glob("*/run.json"))
    bench.expect_equal(json.loads(record.read_text())["profile"], "", "no profile")


MATRIX = MAIN.replace("include", "params: {region: {type: string}}\ninclude") + 'store: "out/${region}"\n'


def rows(outcome):
    return [(row["label"], row["state"]) for row in outcome.json()]


def matrix(bench):
    document = drawn(bench, MATRIX)
    table = bench.folder / "regions.csv"
    table.write_text("region,least\nnorth,1\nsouth,2\n")
    planned = bench.call("plan", document, "--matrix", "regions.csv", "--json")
    bench.expect_equal([(row["row"], len(row["steps"])) for row in planned.json()], [("regions.csv:2", 2), ("regions.csv:3", 2)], "plans")
    bench.expect(not (bench.folder / "out").exists(), "which make nothing")
    first = bench.call("run", document, "--matrix", "regions.csv", "--json")
    bench.expect_equal((first.code, rows(first)), (0, [("north", "done"), ("south", "done")]), "both rows")
    bench.expect((bench.folder / "out/south/map.tif").exists(), "in stores of their own")
    parameters = bench.call("runs", "show", "--store", "out/south", "--json").json()["parameters"]
    bench.expect_equal((parameters["least"]["value"], parameters["least"]["origin"]), (2, "matrix regions.csv:3"), "the origin is the row")
    table.write_text(table.read_text() + "west,\n")
    again = bench.call("run", document, "--matrix", "regions.csv", "--json", "-p", "least=2")
    made = [[step["done"] for step in row["steps"]] for row in again.json()]
    bench.expect_equal(made, [[4, 1], [0, 0], [4, 1]], "what is missing; an option wins over a row")
    text = bench.call("run", document, "--matrix", "regions.csv")
    bench.expect(text.code == 0 and len(text.out.splitlines()) == 4 and "regions.csv:4  west   done" in text.out, "a table", text)


def a_row_that_fails(bench):
    """The others are carried out."""
    document = drawn(bench, MATRIX)
    base = bench.folder / "shared/base.yaml"
    base.write_text(BASE.replace("params:", "params:\n  from: {type: path, default: scenes}").replace("load: {scenes: scenes", "load: {scenes: $from"))
    (bench.folder / "empty").mkdir()
    (bench.folder / "regions.csv").write_text("region,from\nnorth,scenes\nsouth,empty\nwest,scenes\n")
    outcome = bench.call("run", document, "--matrix", "regions.csv", "--json")
    bench.expect_equal((outcome.code, rows(outcome)), (3, [("north", "done"), ("south", "error"), ("west", "done")]), "the others go on")
    bench.expect("empty" in outcome.json()[1]["error"] and "regions.csv:3" in outcome.err, "with the reason", outcome)


def wrong_matrices(bench):
    document = drawn(bench, MATRIX)
    for table, says in [("regoin\nnorth\n", "regions.csv:1: the column 'regoin' is no parameter"), ("region,least\nnorth,many\n", "regions.csv:2"),
                        ("region,least\nnorth\n", "regions.csv:2: 1 cells"), ("region\n", "no row"),
                        ("region,least\nnorth,1\nnorth,2\n", "regions.csv:2 and regions.csv:3 both make the layer 'composite' in out/north"),
                        ("least\n1\n", "parameter 'region' has no value")]:
        (bench.folder / "regions.csv").write_text(table)
        for command in ("run", "plan"):
            outcome = bench.call(command, document, "--matrix", "regions.csv")
            bench.expect(outcome.code == 2 and says in outcome.err, f"{command}: {table}", outcome)
    bench.expect(not (bench.folder / "out").exists(), "nothing was begun")


def rows_that_share_a_store(bench):
    """They may, when their layers have names of their own."""
    drawn(bench, MAIN)
    text = BASE.replace("geoloom: 1", "geoloom: 1\nname: many").replace("params:", "params:\n  region: {type: string}")
    text = text.replace("save: composite", 'save: "composite_${region}"')
    text = text.replace("  map: {do: [{mosaic: {layer: composite, as: map}}]}\n", "")
    (bench.folder / "regions.csv").write_text("region\nnorth\nsouth\n")
    outcome = bench.call("run", bench.document(text), "--matrix", "regions.csv", "--json")
    bench.expect_equal((outcome.code, len(outcome.json())), (0, 2), "both")
    bench.expect(all((bench.folder / f"out/layers/composite_{name}/items.json").exists() for name in ("north", "south")), "side by side", outcome)


if __name__ == "__main__":
    sys.exit(main([includes, profiles, profiles_of_one_store, wrong_profiles, origins, matrix, a_row_that_fails, wrong_matrices,
                   rows_that_share_a_store], __doc__))
