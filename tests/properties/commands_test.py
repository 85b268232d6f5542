#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Every command as people and scripts use it: what it prints, its JSON, its exit code.

    commands_test.py GEOLOOM [--only TEST]...
"""
import hashlib
import json
import re
import subprocess
import sys

import numpy
from osgeo import gdal, ogr

import documents
import scenes
from program import ROOT, VENV_PYTHON, main
from stores import FolderStore, stray_files

SIZE = (256, 192)
TILES = 12
BAD = "steps: {}\ngeoloom: 1\n"

VALIDATE = """
import json, sys, jsonschema, yaml
schema = json.load(open(sys.argv[1]))
cls = jsonschema.validators.validator_for(schema)
cls.check_schema(schema)
for path in sys.argv[2:]:
    errors = [f"{'/'.join(map(str, e.absolute_path))}: {e.message[:300]}" for e in cls(schema).iter_errors(yaml.safe_load(open(path)))]
    print(json.dumps([path, errors]))
"""


def drawn(bench, count=5, **options):
    scenes.colour_series(bench.folder / "scenes", count, SIZE, **options)
    return bench.document(documents.classes())


def expect_says(bench, outcome, *words, code=0):
    bench.expect_equal(outcome.code, code, f"{outcome.command[1]} exits with {code}")
    for word in words:
        bench.expect(word in outcome.out, f"{outcome.command[1]} says '{word}'", outcome)


def run_json(bench):
    document = drawn(bench)
    said = bench.run(document, "--quiet").json()
    bench.expect_equal(sorted(said), sorted(["run", "exit_code", "cpu_target", "steps", "layers", "outputs", "closing_failures", "scenes", "valid_share", "clipped", "ending", "reason", "scenes_dropped",
                                             "nodata_collisions", "notes", "peak_memory_bytes", "wall_seconds", "interrupted"]), "the keys")
    bench.expect_equal([step["name"] for step in said["steps"]], ["composite", "brightness", "map"], "the steps in order")
    bench.expect_equal(said["scenes"], {"found": 5, "used": 5, "offset_applied": 0}, "the scenes")
    for layer in said["layers"]:
        for key in ("map", "items"):
            bench.expect(not layer[key] or (bench.folder / layer[key]).exists(), f"{layer['layer']}: the {key} is there", layer)
    bench.expect_equal(bench.run(document).json()["exit_code"], 0, "again")
    text = bench.call("run", document)
    bench.expect_equal([line for line in text.out.splitlines() if line.endswith(".tif")], ["out/map.tif"], "the map's path on stdout")
    bench.expect("5 scenes found, 5 used, 0 skipped" in text.err, "the count line", text)


def starters(bench):
    listed = bench.call("init").out.splitlines()
    kinds = [line.split()[0] for line in listed]
    bench.expect(len(kinds) >= 5 and all(len(line.split()) > 5 for line in listed), "every kind says what it is", listed)
    (bench.folder / "regions").mkdir()
    (bench.folder / "regions/region.geojson").write_text(json.dumps(
        {"type": "Polygon", "coordinates": [[[15.0, 46.0], [15.2, 46.0], [15.2, 46.1], [15.0, 46.1], [15.0, 46.0]]]}))
    for kind in kinds:
        outcome = bench.call("init", kind, "-o", f"{kind}.yaml")
        bench.expect(outcome.code == 0 and "geoloom plan" in outcome.err, f"{kind} is written", outcome)
    asked = bench.call("validate", "archive.yaml")
    bench.expect(asked.code == 7 and "example.org" in asked.err, "the kind that docs do not run lacks an archive alone", asked)
    for arguments, says in [(["composit"], "composite"), (["composite", "-o", "cube.yaml"], "exists already"), (["--bbox", "1,2,3,4"], "belongs to an archive"),
                            (["cube", "--stac", "http://127.0.0.1:9"], "for a kind, or for an archive")]:
        outcome = bench.call("init", *arguments)
        bench.expect(outcome.code == 2 and says in outcome.err, f"init {arguments}", outcome)


def errors_as_json(bench):
    outcome = bench.call("validate", bench.document(BAD), "--json")
    bench.expect_equal(outcome.code, 2, "exit code")
    error = outcome.json()["error"]
    bench.expect_equal((error["code"], error["exit_code"]), ("invalid", 2), "the error")
    bench.expect(error["file"].endswith("workflow.yaml") and error["message"], "place and message", error)
    missing = bench.call("run", "absent.yaml", "--json")
    bench.expect(missing.code in (2, 5) and missing.json()["error"]["exit_code"] == missing.code, "a missing document", missing)


def plan(bench):
    document = drawn(bench)
    text = bench.call("plan", document)
    expect_says(bench, text, "EPSG:32631", "4 x 3 of 64 x 64 px", "step composite", "12 over tiles", "5 to 5 per item", "of scene files", "memory")
    bench.expect("decoded" not in text.out, "what costs nothing is not worth a word", text)
    bench.expect(not (bench.folder / "out").exists(), "planning makes no store")
    steps = bench.call("plan", document, "--json").steps()
    composite = steps["composite"]
    bench.expect_equal((composite["items"], composite["made"], composite["most_scenes"]), (TILES, 0, 5), "counts")
    bench.expect(composite["item_memory_bytes"] > 0 and composite["stored_bytes"] > 0, "memory and bytes", composite)
    bench.run(document)
    bench.expect_equal(bench.call("plan", document, "--json").steps()["composite"]["made"], TILES, "then all is made")


def plan_warns_of_what_costs(bench):
    """Blocks decoded again and again are worth a word when that is much; the reason tells what to do."""
    folder = scenes.linked_series(bench.folder / "many" / "scenes", 900, (512, 512), block=512)
    said = bench.call("plan", bench.document(documents.colours(tile=64)), "-p", f"scenes={folder}", "--memory", "3G")
    expect_says(bench, said, "decoded 64.0 times on average", "whole blocks of the scenes")
    said = bench.call("plan", bench.document(documents.colours(tile=512)), "-p", f"scenes={folder}", "--memory", "220M")
    expect_says(bench, said, "times on average", "more --memory")
    said = bench.call("plan", bench.document(documents.colours(tile=512)), "-p", f"scenes={folder}", "--memory", "8G")
    bench.expect("decoded" not in said.out, "decoded once: no word", said)


def plan_geojson(bench):
    document = drawn(bench)
    bench.call("plan", document, "--geojson", "tiles.geojson")
    source = ogr.Open(str(bench.folder / "tiles.geojson"))
    layer = source.GetLayer(0)
    features = list(layer)
    bench.expect_equal(len(features), TILES, "one feature per tile")
    bench.expect_equal(len({feature["name"] for feature in features}), TILES, "names of their own")
    west, east, south, north = layer.GetExtent()
    lon, lat = map(float, scenes.lon_lat_of(128, 96).split(","))
    bench.expect(west < lon < east and south < lat < north, "they lie where the scenes are", layer.GetExtent())
    bench.call("plan", document, "--geojson", "some.geojson", "--tiles", "0,5-6")
    bench.expect_equal(len(json.loads((bench.folder / "some.geojson").read_text())["features"]), 3, "only the selected tiles")


def plan_reads_no_pixel(bench):
    """Valid headers before rubbish: planning and validating go well, running does not."""
    document = drawn(bench, 3, cog=True)
    for path in (bench.folder / "scenes").iterdir():
        data = path.read_bytes()
        head = 4096  # COGs have their directories first
        path.write_bytes(data[:head] + b"\xa5" * (len(data) - head))
    expect_says(bench, bench.call("plan", document), "step composite")
    expect_says(bench, bench.call("validate", document), "valid")
    bench.expect_equal(bench.call("run", document).code, 3, "running fails")


def validate(bench):
    document = drawn(bench)
    expect_says(bench, bench.call("validate", document), "valid", "composite: load@1 > median_rgb@1 > save@2 over tiles (12 items)")
    bench.expect(not (bench.folder / "out").exists(), "validating makes no store")
    bench.expect_equal(bench.call("validate", bench.document(BAD, "bad.yaml")).code, 2, "a bad document")


def graph(bench):
    """Of a document whose scenes need not be there; pictures by Graphviz itself."""
    document = bench.document(documents.classes())
    expect_says(bench, bench.call("graph", document), "composite (over tiles)\n  load > median_rgb > save\n  reads scenes scenes\n  makes composite\n",
                "brightness (over tiles)\n", "reads composite of composite", "reads brightness of brightness", "makes map (a result)")
    dot = bench.call("graph", document, "--format", "dot").out
    for edge in ('"scenes scenes" -> "step composite"', '"step composite" -> "step brightness" [label="composite"]',
                 '"step brightness" -> "step map" [label="brightness"]', '"step map" -> "layer map"'):
        bench.expect(edge in dot, f"edge {edge}", dot)
    bench.expect('-> "layer composite"' not in dot, "what another step reads is no result", dot)
    steps = """steps:
  first: {over: tiles, do: [{load: {scenes: scenes, bands: red}}, {reduce: median}, {save: a}]}
  measure: {do: [{statistics: {layer: a, as: seen}}]}
  second: {over: tiles, when: $first.items.done > 0, do: [{load: {scenes: scenes, bands: red}}, {reduce: {stat: median, min_count: $measure.seen.items}}, {save: b}]}
"""
    late = bench.document(documents.classes().split("steps:")[0] + steps, "late.yaml")
    expect_says(bench, bench.call("graph", late), "  needs $first.items.done of first\n", "  needs $measure.seen.items of measure\n")
    bench.expect('"step measure" -> "step second" [style=dotted, label="$measure.seen.items"]' in bench.call("graph", late, "--format", "dot").out, "an edge of what is reported")
    laid_out = subprocess.run(["dot", "-Tjson"], input=dot, capture_output=True, text=True, check=True)
    nodes = {node["name"] for node in json.loads(laid_out.stdout)["objects"]}
    bench.expect_equal(len(nodes), 6, f"scenes, three steps and two results: {nodes}")
    bench.call("graph", document, "-o", "graph.svg")
    picture = (bench.folder / "graph.svg").read_text()
    bench.expect(picture.lstrip().startswith("<?xml") and all(name in picture for name in ("median_rgb", "brightness")), "a picture", picture[:200])
    without = bench.call("graph", document, "-o", "none.png", environment={"PATH": "/nonexistent"})
    bench.expect(without.code == 5 and "package graphviz" in without.err and not (bench.folder / "none.png").exists(), "without Graphviz", without)


def schema(bench):
    outcome = bench.call("schema")
    bench.expect_equal(outcome.code, 0, "exit code")
    bench.expect("$schema" in outcome.json(), "it says which JSON Schema it is")
    if not VENV_PYTHON.exists():
        print("schema: not judged, .setup/venv is absent", file=sys.stderr)
        return
    (bench.folder / "schema.json").write_text(outcome.out)
    good = sorted(map(str, (ROOT / "examples").glob("*/workflow.yaml"))) + [drawn(bench)]
    bad = [str(path) for path in (ROOT / "tests" / "broken_documents").glob("*.yaml")
           if path.name[:2] in ("01", "03", "06", "51", "54", "56", "59", "60")]
    judged = subprocess.run([str(VENV_PYTHON), "-c", VALIDATE, str(bench.folder / "schema.json"), *good, *bad],
                            capture_output=True, text=True, check=False)
    bench.expect_equal(judged.returncode, 0, f"a valid JSON Schema: {judged.stderr[-500:]}")
    verdicts = dict(json.loads(line) for line in judged.stdout.splitlines())
    for path in good:
        bench.expect_equal(verdicts.get(path), [], f"{path.removeprefix(str(ROOT))} is accepted")
    for path in bad:
        bench.expect(verdicts.get(path), f"{path.removeprefix(str(ROOT))} is refused")


def ops(bench):
    names = re.findall(r"^add_op\(\w+/(\w+)", (ROOT / "src/ops/CMakeLists.txt").read_text(), re.M)
    bench.expect({"load", "reduce", "save", "mosaic"} <= set(names), "the list is found", names)
    expect_says(bench, bench.call("ops"), *names)
    listed = bench.call("ops", "--json").json()
    bench.expect_equal(sorted(op["name"] for op in listed), sorted(names), "all ops")
    bench.expect(all(op["summary"] and op["version"] >= 1 and op["documentation"] for op in listed), "with words and versions")
    for name in names:
        expect_says(bench, bench.call("ops", name), f"# {name}", "## Parameters")
        bench.expect_equal(bench.call("ops", name, "--json").json()["name"], name, "one op as JSON")
    def keys_of(schema, path=""):
        for form in schema.get("anyOf", [schema]):
            for key, below in form.get("properties", {}).items():
                yield path + key
                yield from keys_of(below, f"{path}{key}.")
            if "items" in form:
                yield from keys_of(form["items"], path)

    for op in listed:
        text = bench.call("ops", op["name"]).out.replace("[]", "")
        keys = sorted(set(keys_of(op["parameters"])))
        bench.expect_equal([key for key in keys if f"- `{key}`" not in text], [], f"{op['name']}: the text has the keys of the JSON")
    expect_says(bench, bench.call("ops", "load"), "  - `mask.keep`", "  - `reject.any_band_in`", "  - `tolerate.share`")
    expect_says(bench, bench.call("ops", "reclass"), "  - `rules[].is`")
    expect_says(bench, bench.call("ops", "save"), "  - `profile.level`", "1 to 22")
    near = bench.call("ops", "median_rbg")
    bench.expect(near.code == 2 and "median_rgb" in near.err, "a near name is suggested", near)


def runs(bench):
    document = drawn(bench)
    run = bench.run(document).json()["run"]
    bench.run(document, "--tiles", "0-2")
    for store in (["--store", "out"], []):  # that of the last run
        listed = bench.call("runs", "list", *store, "--json").json()
        bench.expect_equal([entry["trial"] for entry in sorted(listed, key=lambda entry: entry["run"] != run)], [False, True], "two runs, one a trial")
    expect_says(bench, bench.call("runs", "list"), run, "(trial)")
    expect_says(bench, bench.call("runs", "show", run), run, "12 done", "scenes = ")
    steps = bench.call("runs", "show", run, "--json").steps()
    bench.expect_equal((steps["composite"]["done"], steps["composite"]["missing"]), (TILES, 0), "show --json")
    bench.expect_equal(bench.call("runs", "missing", run).code, 0, "nothing is missing")
    bench.expect_equal(bench.call("runs", "missing", run, "--json").json(), [], "nothing is missing, as JSON")
    expect_says(bench, bench.call("runs", "why", run), "every item")
    logged = bench.call("runs", "logs", run)
    bench.expect_equal(len(logged.out.splitlines()), 2 * TILES + 1, "one line per attempt")
    expect_says(bench, bench.call("runs", "logs", run, "--item", "64_64"), "composite/64_64 attempt 1 done")
    lines = bench.call("runs", "logs", run, "--json").out.splitlines()
    bench.expect({json.loads(line)["state"] for line in lines} == {"done"}, "JSON lines")
    unknown = bench.call("runs", "show", "20200101T000000Z-00000000")
    bench.expect_equal(unknown.code, 5, "an unknown run is missing")
    bench.expect_equal(bench.call("runs", "list", "--store", "nowhere").code, 5, "an unknown store is missing")


def runs_retry(bench):
    document = drawn(bench)
    run = bench.run(document).json()["run"]
    store = FolderStore(bench.folder / "out")
    for name in store.names():
        if name.startswith("layers/composite/0_64-"):
            store.remove(name)
    missing = bench.call("runs", "missing", run)
    expect_says(bench, missing, "composite/0_64", code=3)
    expect_says(bench, bench.call("runs", "why", run), "composite/0_64")
    bench.expect_equal(bench.call("runs", "retry", run).code, 0, "retry goes well")
    bench.expect_equal(bench.call("runs", "missing", run).code, 0, "and nothing is missing")
    (bench.folder / "workflow.yaml").unlink()
    for name in store.names():
        if name.startswith("layers/composite/64_0-"):
            store.remove(name)
    bench.expect_equal(bench.call("runs", "retry", run).code, 0, "retry needs no document")


def inspect(bench):
    drawn(bench)
    scene = "scenes/scene_20180103.tif"
    expect_says(bench, bench.call("inspect", scene), "256 x 192 pixels", "3 bands", "uint8", "no nodata", "DEFLATE", "blocks 128 x 128", "32631", "centre",
                "read block by block")
    values = {"0": ("a_zero.tif", numpy.uint8, 0), "NaN": ("a_nan.tif", numpy.float32, float("nan")), "0.25": ("a_quarter.tif", numpy.float32, 0.25)}
    for text, (name, kind, nodata) in values.items():
        scenes.write_raster(bench.folder / name, numpy.ones((1, 64, 64), kind), nodata=nodata)
        expect_says(bench, bench.call("inspect", name), "1 band,", f"nodata {text},")
    bench.expect_equal([bench.call("inspect", name, "--json").json()["bands"][0]["nodata"] for name, *_ in values.values()],
                       [0, "nan", 0.25], "nodata as JSON")
    bench.expect('"nodata": 0,' in bench.call("inspect", "a_zero.tif", "--json").out, "a whole number")
    said = bench.call("inspect", scene, "--json").json()
    bench.expect_equal((said["size"], said["driver"], len(said["bands"])), ([256, 192], "GTiff", 3), "size, driver, bands")
    bench.expect_equal(said["bounds"], [500000.0, 4998080.0, 502560.0, 5000000.0], "bounds")
    place = scenes.lon_lat_of(128, 96)
    lon, lat = map(float, place.split(","))
    bench.expect(abs(said["centre_lon_lat"][0] - lon) < 1e-3 and abs(said["centre_lon_lat"][1] - lat) < 1e-3, "centre", said)
    here = bench.call("inspect", scene, "--at", place, "--size", 32, "--json").json()["window"]
    bench.expect_equal(here, [112, 80, 32, 32], "--at with --size")
    bench.expect_equal(bench.call("inspect", scene, "--window", "10,20,30,40", "--json").json()["window"], [10, 20, 30, 40], "--window")
    for window in ("1,2,3", "a,b,c,d", "5000,0,10,10", "0,0,-5,5"):
        bench.expect_equal(bench.call("inspect", scene, f"--window={window}").code, 2, f"--window {window} is refused")
    bench.expect_equal(bench.call("inspect", "nowhere.tif").code, 5, "a missing file")


def inspect_picture(bench):
    drawn(bench)
    scene = "scenes/scene_20180103.tif"
    bench.expect_equal(bench.call("inspect", scene, "--png", "all.png", "--size", 64).code, 0, "a picture")
    picture = gdal.Open(str(bench.folder / "all.png"))
    bench.expect_equal((picture.RasterXSize, picture.RasterYSize), (64, 48), "as large as asked for")
    bench.call("inspect", scene, "--png", "part.png", "--window", "16,16,40,40")
    part = scenes.read_raster(bench.folder / "part.png")
    bench.expect(numpy.array_equal(part[:3], scenes.read_raster(bench.folder / scene)[:, 16:56, 16:56]), "a window pixel for pixel")


def pixel(bench):
    document = drawn(bench)
    column, row = 70, 33
    bench.run(document)
    stack = numpy.stack([scenes.colour_pixels(n, SIZE)[:, row, column] for n in range(5)])
    kept = [not bool(({0, 255} & set(map(int, colour)))) for colour in stack]
    place = scenes.lon_lat_of(column, row)
    said = bench.call("pixel", place, document, "--json").json()
    bench.expect_equal(said["pixel"], [column, row], "the pixel")
    dates = said["steps"][0]["sources"][0]["dates"]
    bench.expect_equal([date["kept"] for date in dates], kept, "kept and rejected")
    bench.expect(all(date["kept"] or date["reason"] for date in dates), "with reasons", dates)
    bench.expect_equal([[date["values"][band] for band in ("red", "green", "blue")] for date, ok in zip(dates, kept) if ok],
                       [list(map(int, colour)) for colour, ok in zip(stack, kept) if ok], "values")
    collection = json.loads((bench.folder / "out/layers/composite/items.json").read_text())
    href = [feature["assets"] for feature in collection["features"] if feature["id"] == "composite-64_0"][0]
    tile = scenes.read_raster(bench.folder / "out/layers/composite" / next(iter(href.values()))["href"])
    values = said["steps"][0]["saved"][0]["slices"][0]["values"]
    bench.expect_equal([values[band] for band in ("red", "green", "blue")], [int(v) for v in tile[:, row, column - 64]], "as in the file")
    text = bench.call("pixel", place, document)
    expect_says(bench, text, "kept", "scene_20180103", f"{sum(kept)} of 5 kept")
    wanted = " red={} green={} blue={} ".format(*stack[kept.index(True)])
    bench.expect(wanted in text.out, f"whole numbers, as in '{wanted}'", text)
    bench.expect_equal(bench.call("pixel", "0,0", document).code, 2, "a place outside of the area")
    bench.expect_equal(bench.call("pixel", "here", document).code, 2, "no place")


def doctor(bench):
    said = bench.call("doctor", "--json").json()
    for key in ("build", "gdal", "scene_formats", "cpu_target", "cpu_targets", "cores", "memory_bytes", "default_memory_bytes"):
        bench.expect(said.get(key), f"doctor tells {key}", said)
    bench.expect(said["cpu_target"] in said["cpu_targets"] and "VRT" not in said["scene_formats"], "what it tells makes sense", said)
    expect_says(bench, bench.call("doctor"), "CPU target", "GDAL", "cores")
    version = bench.call("--version")
    expect_says(bench, version, "geoloom ")
    bench.expect_equal(version.out.strip(), f"geoloom {said['build']}", "one identity of the build")
    for command in ("run", "plan", "validate", "schema", "ops", "runs", "inspect", "pixel", "doctor"):
        helped = bench.call(command, "--help")
        bench.expect(helped.code == 0 and helped.out and not helped.err, f"{command} --help", helped)


def only(bench):
    document = drawn(bench)
    outcome = bench.run(document, "--only", "composite")
    bench.expect_equal(list(outcome.steps()), ["composite"], "one step")
    bench.expect(not (bench.folder / "out" / "map.tif").exists(), "no map")
    rest = bench.run(document, "--only", "brightness,map")
    bench.expect_equal((rest.steps()["brightness"]["done"], rest.steps()["map"]["done"]), (TILES, 1), "the rest finds what was made")


def coarse_trial(bench):
    document = drawn(bench)
    trial = bench.run(document, "--resolution", "20m")
    (path,) = [layer["map"] for layer in trial.json()["layers"] if layer["map"].endswith("map.tif")]
    dataset = gdal.Open(str(bench.folder / path))
    bench.expect_equal((dataset.RasterXSize, dataset.RasterYSize, dataset.GetGeoTransform()[1]), (128, 96, 20.0), "half as many pixels")
    bench.expect_equal(trial.steps()["composite"]["items"], TILES, "the same tiles")
    bench.expect(not (bench.folder / "out" / "map.tif").exists(), "the friendly name is not taken")
    bench.expect_equal(bench.run(document, "--resolution", "10m").steps()["composite"]["done"], TILES, "the grid's own is no trial")
    bench.expect((bench.folder / "out" / "map.tif").exists(), "and makes the map")
    for resolution in ("30m", "15m", "5m", "fine"):
        refused = bench.call("plan", document, "--resolution", resolution)
        bench.expect(refused.code == 2 and "resolution" in refused.err, f"--resolution {resolution} is refused", refused)


def parameters(bench):
    document = drawn(bench)
    (bench.folder / "given.yaml").write_text("results: from_file\n")
    bench.run(document, "-P", "given.yaml", "--sample", 1)
    bench.expect((bench.folder / "from_file").exists(), "a file of parameters")
    bench.run(document, "-P", "given.yaml", "-p", "results=from_line", "--sample", 1)
    bench.expect((bench.folder / "from_line").exists(), "the command line wins")
    refused = bench.call("run", document, "-p", "result=x")
    bench.expect(refused.code == 2 and "results" in refused.err, "an unknown one, with the nearest", refused)


def selections(bench):
    document = drawn(bench)
    items = lambda *arguments: bench.call("plan", document, *arguments, "--json").steps()["composite"]["items"]  # noqa: E731
    bench.expect_equal([items("--tiles", text) for text in ("0", "0-2", "0,5-6,64_0", "0,0_0")], [1, 3, 4, 1], "--tiles")
    bench.expect_equal([items("--sample", n) for n in (1, 5, 100)], [1, 5, TILES], "--sample")
    for text in ("99", "x", "3-1", "1_1", "-1"):
        bench.expect_equal(bench.call("plan", document, f"--tiles={text}").code, 2, f"--tiles {text} is refused")


def strays(bench):
    document = drawn(bench)
    bench.run(document)
    bench.expect_equal(stray_files(FolderStore(bench.folder / "out")), [], "a store holds what it should")


def look_at_a_series(bench):
    """A month of tiles, one of which lacks a date."""
    folder = scenes.reflectance_series(bench.folder / "scenes", 4, (160, 96))
    scenes.write_raster(folder / "S2_20180108_B.tif", scenes.reflectance_pixels(1, (64, 64), seed=2), names=("B04", "B08"), nodata=0, cog=True)
    scenes.write_raster(folder / "S2_20180108_SCL.tif", scenes.class_pixels(1, (64, 64)), pixel=20, names=("SCL",))
    return bench.document("""geoloom: 1
name: series
store: out
area: {same_grid_as: scenes/S2_20180103_B.tif, tiles: 32 px}
steps:
  series:
    over: tiles
    do:
      - load: {scenes: scenes, bands: [red, nir], mask: {band: SCL, keep: [4, 5, 6]}}
      - save: {layer: cube, format: zarr, profile: {block: 32}}
      - save: {layer: tiles}
""")


def inspect_layer(bench):
    bench.run(look_at_a_series(bench))
    said = bench.call("inspect", "--layer", "tiles", "--store", "out", "--json").json()
    bench.expect_equal([(date["start"][:10], date["items"]) for date in said["dates"]],
                       [("2018-01-03", 15), ("2018-01-08", 4), ("2018-01-13", 15), ("2018-01-18", 15)], "dates and their items")
    valid = scenes.read_masked(bench.folder / "scenes/S2_20180113_B.tif")[1].all(axis=0)
    classes = scenes.read_raster(bench.folder / "scenes/S2_20180113_SCL.tif")[0].repeat(2, axis=0).repeat(2, axis=1)
    share = (valid & numpy.isin(classes, scenes.CLEAR)).mean()
    bench.expect(abs(said["dates"][2]["valid_share"] - share) < 1e-5, "the share of valid pixels", (said["dates"][2], share))
    cube = bench.call("inspect", "--layer", "cube", "--store", "out", "--json").json()
    bench.expect_equal(cube["dates"], said["dates"], "the same of the cube")
    bench.expect_equal((cube["media_type"], [band["name"] for band in cube["bands"]]), ("application/vnd+zarr", ["red", "nir"]), "what it is")
    expect_says(bench, bench.call("inspect", "--layer", "cube", "--store", "out"), "15 of 15 items", "4 dates", "Zarr", "2018-01-08", "S2_20180108")
    bench.expect("did you mean 'cube'?" in bench.call("inspect", "--layer", "cub", "--store", "out").err, "the nearest name")
    bench.expect_equal(bench.call("inspect").code, 2, "neither a file nor a layer")


def view(bench):
    document = look_at_a_series(bench)
    sheet = bench.call("view", "scenes", document, "--png", "scenes.png", "--size", "40", "--bands", "nir", "--json").json()
    bench.expect_equal([text[:10] for text in sheet["dates"]], ["2018-01-03", "2018-01-08", "2018-01-13", "2018-01-18"], "a date each")
    bench.expect_equal(sheet["thumbnail"], [40, 24], "a fourth of 160 x 96, which tiles of 32 pixels allow")
    drawn_sheet = scenes.read_raster(bench.folder / "scenes.png")
    bench.expect_equal(drawn_sheet.shape, (3, sheet["size"][1], sheet["size"][0]), "the picture")
    bench.run(document)
    for layer in ("cube", "tiles"):
        bench.expect_equal(bench.call("view", "layer", layer, "--store", "out", "--png", f"{layer}.png", "--size", "160", "--columns", "2").code, 0, f"view {layer}")
    cube, tiles = (scenes.read_raster(bench.folder / name) for name in ("cube.png", "tiles.png"))
    bench.expect((cube == tiles).all(), "a cube and tiles of the same pixels look alike")
    # The second date has pixels in its upper left 64 x 64 only; all others are dark blue.
    second = cube[:, 4:4 + 96, 8 + 160:8 + 320]
    empty = (second == numpy.array([30, 40, 90])[:, None, None]).all(axis=0)
    bench.expect(empty[64:].all() and empty[:, 64:].all() and not empty[:64, :64].all(), "what is invalid", empty.sum())
    bench.expect_equal(bench.call("view", "layer", "tiles", "--store", "out", "--png", "x.png", "--bands", "red,nir").code, 2, "two bands")
    outcome = bench.call("view", "layer", "tiles", "--store", "nowhere", "--png", "x.png")
    bench.expect_equal(outcome.code, 5, "no store")


def inspect_vectors(bench):
    dataset = ogr.GetDriverByName("GPKG").CreateDataSource(str(bench.folder / "labels.gpkg"))
    layer = dataset.CreateLayer("fields", srs=scenes.osr.SpatialReference(scenes.osr.SRS_WKT_WGS84_LAT_LONG), geom_type=ogr.wkbPolygon)
    layer.CreateField(ogr.FieldDefn("crop", ogr.OFTInteger))
    feature = ogr.Feature(layer.GetLayerDefn())
    feature["crop"] = 3
    feature.SetGeometry(ogr.CreateGeometryFromWkt("POLYGON ((1 43, 2 43, 2 44, 1 43))"))
    layer.CreateFeature(feature)
    layer = dataset = feature = None
    said = bench.call("inspect", "labels.gpkg", "--json").json()["layers"]
    bench.expect_equal(said, [{"name": "fields", "geometry": "Polygon", "features": 1, "crs": "EPSG:4326", "bounds": [1, 43, 2, 44],
                               "columns": [{"name": "crop", "type": "Integer"}]}], "what the file holds")
    expect_says(bench, bench.call("inspect", "labels.gpkg"), "1 layer", "1 feature of Polygon", "EPSG:4326", "column crop: Integer")
    (bench.folder / "points.csv").write_text("x,y,code\n500000,5000000,7\n")
    expect_says(bench, bench.call("inspect", "points.csv"), "1 feature of Point", "CRS not told", "column code: String")
    bench.expect_equal(bench.call("inspect", "points.csv", "--png", "x.png").code, 2, "no picture of a table")
    bench.expect_equal(bench.call("inspect", "nowhere.gpkg").code, 5, "a missing file")


def layer_manifest(bench):
    document = drawn(bench)
    run = bench.run(document).json()["run"]
    path = bench.folder / "out/layers/composite/layer.json"
    told = json.loads(path.read_text())
    bench.expect_equal((told["geoloom_layer"], told["layer"], told["step"], told["run"], told["domain"]), (1, "composite", "composite", run, "tiles"), "what it is")
    bench.expect_equal((len(told["items"]), [band["name"] for band in told["bands"]]), (TILES, ["red", "green", "blue"]), "items and bands")
    for item in told["items"]:
        file = bench.folder / "out" / item["file"]
        bench.expect_equal((item["state"], file.stat().st_size, hashlib.sha256(file.read_bytes()).hexdigest()),
                           ("done", item["bytes"], item["sha256"]), f"item {item['item']}")
    lines = "".join(f"{item['item']} {item['state']} {item['fingerprint']} {item['pixel_hash']}\n" for item in told["items"])
    bench.expect_equal(told["items_hash"], hashlib.sha256(lines.encode()).hexdigest(), "the hash of the list")
    files = "".join(f"{item['file']} {item['sha256']}\n" for item in told["items"])
    bench.expect_equal(told["files_hash"], hashlib.sha256(files.encode()).hexdigest(), "the hash of the files")
    stamp = path.stat().st_mtime_ns
    bench.run(document)
    bench.expect_equal(path.stat().st_mtime_ns, stamp, "not written again")
    bench.run(document, "--sample", "2")
    bench.expect_equal(path.stat().st_mtime_ns, stamp, "nor by a trial")
    for broken in (path.read_text().replace(told["files_hash"], "0" * 64), path.read_text()[:200]):
        path.unlink()  # its inode may have other names
        path.write_text(broken)
        bench.run(document)
        bench.expect_equal(json.loads(path.read_text()), told, "one that is not whole is written again")


TESTS = [inspect_layer, inspect_vectors, layer_manifest, view, run_json, starters, errors_as_json, plan, plan_warns_of_what_costs, plan_geojson, plan_reads_no_pixel, validate, graph, schema, ops, runs, runs_retry, inspect,
         inspect_picture, pixel, doctor, only, coarse_trial, parameters, selections, strays]

if __name__ == "__main__":
    sys.exit(main(TESTS, __doc__))
