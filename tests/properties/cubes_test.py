#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Layers as Zarr cubes: xarray and GDAL open one cube per layer with pixels, times and CRS as rasterio reads them of the
same layer as GeoTIFFs; the bytes do not depend on threads and order; a cube follows its scenes; other steps read it.

    cubes_test.py GEOLOOM --store folder|s3 [--only TEST]...
"""
import hashlib
import json
import pathlib
import subprocess
import sys
import time

import numpy
from osgeo import gdal

import scenes
from program import VENV_PYTHON, kill, main, skip
from stores import KINDS, environment_of, store_of
from workers import worker

SIZE = (160, 96)
DATES = 6

# The cube and the map of the same pixels, as their users open them.
JUDGE = """
import json, sys
import numpy, rasterio, rioxarray, xarray
import odc.geo.xr
cube_path, map_path = sys.argv[1:]
cube = xarray.open_zarr(cube_path, consolidated=True)
loose = xarray.open_zarr(cube_path, consolidated=False)
with rasterio.open(map_path) as file:
    pixels, valid, names = file.read(), file.read_masks() > 0, file.descriptions
    crs, transform = file.crs, file.transform
bands = [name for name in cube.data_vars]
said = {"bands": bands, "times": [str(t)[:19] for t in cube.time.values], "labels": [str(l) for l in cube.label.values],
        "same_loose": bool(cube.identical(loose)), "epsg": cube.rio.crs.to_epsg(), "odc_epsg": cube.odc.geobox.crs.to_epsg(),
        "rio_transform": cube.rio.transform() == transform, "odc_transform": cube.odc.geobox.transform == transform,
        "rio_crs": cube.rio.crs == crs, "chunks": cube[bands[0]].encoding["chunks"], "file_bands": len(names)}
different = 0
for number, name in enumerate(names):
    band, _, label = name.partition("_") if len(cube.label) > 1 else (name, "", str(cube.label.values[0]))
    values = cube[band].isel(time=said["labels"].index(label)).values
    wanted = numpy.where(valid[number], pixels[number], numpy.nan)
    different += int((~((values == wanted) | (numpy.isnan(values) & numpy.isnan(wanted)))).sum())
said["different"] = different
said["valid"] = int(valid.sum())
print(json.dumps(said))
"""


def document(steps, tile=64, store="out"):
    return f"""geoloom: 1
name: cubes
params: {{results: {{type: path, default: {store}}}}}
store: $results
area: {{same_grid_as: scenes, tiles: {tile} px}}
steps:
{steps}"""


BOTH = """  series:
    over: tiles
    do:
      - load: {scenes: scenes, bands: [red, nir], mask: {band: SCL, keep: [4, 5, 6]}}
      - save: {layer: cube, format: zarr, profile: {compress: zstd, block: 32}}
      - save: {layer: tiles}
  map:
    do: [{mosaic: {layer: tiles, as: map}}]
"""


def local_copy(bench, store, name):
    """The objects below a name as a folder, which Python opens."""
    folder = bench.folder / "copies" / name
    names = [each for each in store.names() if each.startswith(name + "/") or each == name]
    for each in names:
        path = bench.folder / "copies" / each
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(store.read(each))
    return folder


def cube_bytes(store, cube="cube.zarr"):
    return {name: hashlib.sha256(store.read(name)).hexdigest() for name in store.names() if name.startswith(cube + "/")}


def judged(bench, store, cube="cube.zarr", tif="map.tif"):
    done = subprocess.run([str(VENV_PYTHON), "-c", JUDGE, str(local_copy(bench, store, cube)), str(local_copy(bench, store, tif))],
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise AssertionError(done.stderr[-3000:])
    return json.loads(done.stdout)


def opens_in_xarray(bench):
    scenes.reflectance_series(bench.folder / "scenes", DATES, SIZE)
    store = store_of(bench)
    said = bench.run(bench.document(document(BOTH)), "-p", f"results={store.url}")
    published = {entry["layer"]: entry["map"] for entry in said.json()["layers"]}
    bench.expect(published["cube"].endswith("cube.zarr"), "the cube is published by its name", published)
    seen = judged(bench, store)
    bench.expect_equal(seen["bands"], ["red", "nir"], "bands are variables")
    listed = json.loads((bench.folder / "scenes/items.json").read_text())["features"]
    bench.expect_equal(seen["times"], [item["properties"]["datetime"][:19] for item in listed], "times are those of the scenes")
    bench.expect_equal(seen["labels"], [item["id"] for item in listed], "labels are their ids")
    for key in ("same_loose", "rio_transform", "odc_transform", "rio_crs"):
        bench.expect(seen[key], key, seen)
    bench.expect_equal((seen["epsg"], seen["odc_epsg"]), (scenes.EPSG, scenes.EPSG), "CRS as rioxarray and odc read it")
    bench.expect_equal(seen["file_bands"], 2 * DATES, "all bands of all dates were compared")
    bench.expect_equal(seen["different"], 0, "pixels differ")
    bench.expect(0 < seen["valid"] < 2 * DATES * SIZE[0] * SIZE[1], "some pixels are masked", seen["valid"])
    opened = gdal.Open(f'ZARR:"{bench.folder / "copies/cube.zarr"}":/nir:2')
    pixels, valid = scenes.read_masked(bench.folder / "copies/map.tif")
    bench.expect((opened.ReadAsArray() == numpy.where(valid[5], pixels[5], 0)).all(), "GDAL reads the same")
    bench.expect_equal((opened.GetGeoTransform()[:2], opened.GetSpatialRef().GetAuthorityCode(None), opened.GetRasterBand(1).GetNoDataValue()),
                       ((scenes.ORIGIN[0], scenes.PIXEL), str(scenes.EPSG), 0), "where, and what is nodata")
    listed = json.loads(store.read("layers/cube/items.json"))["features"]
    bench.expect_equal([(item["id"], item["assets"]["cube"]["href"], item["assets"]["cube"]["type"]) for item in listed],
                       [("cube.zarr", "../../cube.zarr", "application/vnd+zarr")], "STAC knows the cube")


def same_bytes(bench):
    scenes.reflectance_series(bench.folder / "scenes", DATES, SIZE)
    path = bench.document(document(BOTH))
    bytes_of = []
    for number, arguments in enumerate((["--threads", "1"], ["--threads", "4"], ["--threads", "3", "--memory", "256M"])):
        store = store_of(bench, f"out{number}")
        bench.run(path, "-p", f"results={store.url}", *arguments)
        bytes_of.append(cube_bytes(store))
    bench.expect(len(bytes_of[0]) > DATES * 2 * 15, "there are chunks", len(bytes_of[0]))
    for other in bytes_of[1:]:
        bench.expect_equal(other, bytes_of[0], "bytes of all objects of the cube")
    stamps = {name: store.stamp(name) for name in bytes_of[0]}
    again = bench.run(path, "-p", f"results={store.url}").steps()
    bench.expect_equal(again["series"]["done"], 0, "nothing is made again")
    bench.expect_equal({name: store.stamp(name) for name in stamps}, stamps, "and nothing written again")


def follows_its_scenes(bench):
    """A date in between, and one that goes: the cube is that of a new store."""
    folder = scenes.reflectance_series(bench.folder / "scenes", DATES, SIZE)
    listing = folder / "items.json"
    everything = json.loads(listing.read_text())

    def run(store, dates):
        listing.write_text(json.dumps({**everything, "features": [everything["features"][n] for n in dates]}))
        bench.run(path, "-p", f"results={store.url}")
        return cube_bytes(store)

    path = bench.document(document(BOTH.replace("scenes: scenes", "scenes: scenes/items.json")))
    store = store_of(bench)
    for number, dates in enumerate(([0, 1, 3], [0, 1, 2, 3], [1, 2, 3], [0, 1, 3])):
        got = run(store, dates)
        fresh = run(store_of(bench, f"fresh{number}"), dates)
        bench.expect_equal(got, fresh, f"the cube of dates {dates}")
        bench.expect_equal(len([name for name in got if name.startswith("cube.zarr/red/") and "/.z" not in name]), 15 * len(dates), "chunks of red")


def other_steps_read_it(bench):
    steps = BOTH + """  from_cube:
    over: tiles
    do: [{load: {layer: cube, bands: [nir]}}, {reduce: median}, {save: median_cube}]
  from_tiles:
    over: tiles
    do: [{load: {layer: tiles, bands: [nir]}}, {reduce: median}, {save: median_tiles}]
  whole:
    do: [{mosaic: {layer: cube, as: joined}}]
"""
    scenes.reflectance_series(bench.folder / "scenes", DATES, SIZE)
    store = store_of(bench)
    bench.run(bench.document(document(steps)), "-p", f"results={store.url}")
    def hashes(layer):
        return [item["assets"][layer]["bands"][0]["statistics"] for item in json.loads(store.read(f"layers/{layer}/items.json"))["features"]]
    bench.expect_equal(hashes("median_cube"), hashes("median_tiles"), "medians of the cube are those of the tiles")
    scratch = bench.folder / "copies"
    joined = [scenes.read_masked(local_copy(bench, store, name)) for name in ("joined.tif", "map.tif")]
    bench.expect((joined[0][1] == joined[1][1]).all(), "validity of the mosaics")
    bench.expect((joined[0][0][joined[0][1]] == joined[1][0][joined[1][1]]).all(), "pixels of the mosaics")
    bench.expect(scratch.exists(), "files were compared")


def a_lost_chunk_is_made_again(bench):
    scenes.reflectance_series(bench.folder / "scenes", DATES, SIZE)
    store = store_of(bench)
    path = bench.document(document(BOTH))
    bench.run(path, "-p", f"results={store.url}")
    before = cube_bytes(store)
    chunk = next(name for name in store.names() if name.startswith("layers/cube/64_0-") and name.endswith("/nir/2.1.1"))
    store.remove(chunk)
    again = bench.run(path, "-p", f"results={store.url}").steps()
    bench.expect_equal(again["series"]["done"], 1, "the item of the chunk")
    bench.expect(chunk in store.names(), "it is there again")
    bench.expect_equal(cube_bytes(store), before, "and the cube as it was")
    record = json.loads(store.read("layers/cube/cube.zarr.json"))
    store.remove("layers/cube/cube.zarr.json")
    store.remove("cube.zarr/red/0.0.0")
    store.write("cube.zarr/red/99.0.0", b"of another time")
    bench.run(path, "-p", f"results={store.url}")
    bench.expect_equal(cube_bytes(store), before, "a cube without record is made whole")
    bench.expect_equal(json.loads(store.read("layers/cube/cube.zarr.json")), record, "with its record")


def months_are_times(bench):
    steps = """  monthly:
    over: [tiles, {month: 2018-01..2018-02}]
    do:
      - load: {scenes: scenes, bands: [red], period: $item.month, mask: {band: SCL, keep: [4, 5, 6]}}
      - reduce: {stat: [median, count]}
      - save: {layer: months, format: zarr, profile: {block: 64}}
"""
    scenes.reflectance_series(bench.folder / "scenes", 10, SIZE)
    store = store_of(bench)
    bench.run(bench.document(document(steps)), "-p", f"results={store.url}")
    copy = local_copy(bench, store, "months.zarr")
    done = subprocess.run([str(VENV_PYTHON), "-c", f"""
import json, xarray
cube = xarray.open_zarr({str(copy)!r})
print(json.dumps({{"times": [str(t)[:10] for t in cube.time.values], "bounds": [str(t)[:10] for t in cube.time_bnds.values.ravel()],
                   "bands": list(cube.data_vars), "shape": list(cube[list(cube.data_vars)[0]].shape),
                   "types": [str(cube[b].encoding["dtype"]) for b in cube.data_vars]}}))"""],
                          capture_output=True, text=True, check=False)
    bench.expect_equal(done.returncode, 0, done.stderr[-2000:])
    seen = json.loads(done.stdout)
    bench.expect_equal(seen["times"], ["2018-01-01", "2018-02-01"], "months on the time axis")
    bench.expect_equal(seen["bounds"], ["2018-01-01", "2018-02-01", "2018-02-01", "2018-03-01"], "with their ends")
    bench.expect_equal(seen["shape"], [2, SIZE[1], SIZE[0]], "shape")
    bench.expect_equal((len(seen["bands"]), sorted(set(seen["types"]))), (2, ["float32", "uint16"]), "variables of different types")


def scale_and_offset_are_applied(bench):
    """Physical values are those of stored * scale + offset, and nodata is NaN, as the file says."""
    scenes.reflectance_series(bench.folder / "scenes", 2, SIZE)
    steps = """  series:
    over: tiles
    do:
      - load: {scenes: scenes, bands: [red], scale: 0.0001, offset: -0.1}
      - save: {layer: cube, format: zarr, profile: {block: 32}}
"""
    store = store_of(bench)
    bench.run(bench.document(document(steps)), "-p", f"results={store.url}")
    done = subprocess.run([str(VENV_PYTHON), "-c", f"""
import numpy, xarray
cube = xarray.open_zarr({str(local_copy(bench, store, "cube.zarr"))!r})
numpy.save({str(bench.folder / "values.npy")!r}, cube.red.values)"""], capture_output=True, text=True, check=False)
    bench.expect_equal(done.returncode, 0, done.stderr[-2000:])
    values = numpy.load(bench.folder / "values.npy")
    for number in range(2):
        stored = scenes.read_raster(bench.folder / f"scenes/S2_{scenes.day(number):%Y%m%d}_B.tif")[0].astype(float)
        wanted = numpy.where(stored == 0, numpy.nan, stored * 0.0001 - 0.1)
        bench.expect(numpy.allclose(values[number], wanted, rtol=0, atol=1e-6, equal_nan=True), f"values of date {number}",
                     numpy.nanmax(numpy.abs(values[number] - wanted)))


def tiles_beside_chunks(bench):
    """Tiles of 80 pixels are no whole number of chunks of 64: each is a cube."""
    scenes.reflectance_series(bench.folder / "scenes", 2, SIZE)
    store = store_of(bench)
    steps = BOTH.replace("block: 32", "block: 64")
    bench.run(bench.document(document(steps, tile=80)), "-p", f"results={store.url}")
    cubes = sorted({name.split("/")[0] for name in store.names() if ".zarr/" in name})
    bench.expect_equal(cubes, ["cube_0_0.zarr", "cube_0_80.zarr", "cube_80_0.zarr", "cube_80_80.zarr"], "a cube of each tile")
    refused = bench.call("run", bench.document(document(BOTH.replace("block: 32", "block: 40"), tile=80)), "-p", f"results={store.url}")
    bench.expect_equal(refused.code, 3, f"chunks of 40 pixels ({refused.err[-500:]})")
    bench.expect("multiple of 16" in refused.err, "says what fits", refused.err[-800:])
    whole = store_of(bench, "whole")
    bench.run(bench.document(document(BOTH.replace("block: 32", "block: 80"), tile=80)), "-p", f"results={whole.url}")
    bench.expect_equal(judged(bench, whole)["different"], 0, "chunks as large as tiles make one cube")


def refusals(bench):
    scenes.colour_series(bench.folder / "scenes", 2, SIZE)
    said = bench.call("validate", bench.document(document("""  a:
    over: tiles
    do: [{load: {scenes: scenes, bands: [red], reject: {any_band_in: [0, 255]}}}, {save: {layer: cube, format: zarr}}]
""")))
    plan = bench.call("plan", bench.folder / "workflow.yaml")
    bench.expect_equal(plan.code, 2, f"bands without nodata ({said.code})")
    bench.expect("nodata: 255" in plan.err, "the hint", plan.err)
    for profile, word in (("{compress: lzw}", "deflate or zstd"), ("{overviews: mode}", "no overviews")):
        outcome = bench.call("validate", bench.document(document(f"""  a:
    over: tiles
    do: [{{load: {{scenes: scenes, bands: [red]}}}}, {{save: {{layer: cube, format: zarr, profile: {profile}}}}}]
""")))
        bench.expect(outcome.code == 2 and word in outcome.err, f"profile {profile}", outcome)


def trials_stand_aside(bench):
    """A part of the tiles: a cube of its own, of the same extent, and the whole one stays as it is."""
    scenes.reflectance_series(bench.folder / "scenes", 2, SIZE)
    store = store_of(bench)
    path = bench.document(document(BOTH))
    bench.run(path, "-p", f"results={store.url}")
    whole = cube_bytes(store)
    said = bench.run(path, "-p", f"results={store.url}", "--tiles", "0_0").json()
    bench.expect_equal(cube_bytes(store), whole, "the whole cube")
    trial = f"trials/{said['run']}/cube.zarr"
    part = {name.removeprefix(trial): digest for name, digest in cube_bytes(store, trial).items()}
    bench.expect_equal(part, {name.removeprefix("cube.zarr"): digest for name, digest in whole.items()
                              if name.removeprefix("cube.zarr") in part}, "chunks of the trial are those of the whole")
    bench.expect_equal(len([name for name in part if name.startswith("/red/") and "/." not in name]), 2 * 4, "of one tile only")


def cleaned(bench):
    scenes.reflectance_series(bench.folder / "scenes", 2, SIZE)
    store = store_of(bench)
    path = bench.document(document(BOTH))
    bench.run(path, "-p", f"results={store.url}")
    bench.run(path, "-p", f"results={store.url}", "--tiles", "0_0")
    orphans = bench.call("runs", "clean", "--orphans", "--older-than", "0", "--store", store.url, "--json")
    bench.expect_equal((orphans.code, orphans.json()["files"] if orphans.code == 0 else orphans.err), (0, []), "no chunk is an orphan")
    outcome = bench.call("runs", "clean", "--all", "--yes", "--store", store.url, "--json")
    bench.expect_equal(outcome.code, 0, outcome.err[-500:])
    bench.expect_equal(store.names(), [], "nothing is left")


def workers_make_the_same_cube(bench):
    """Items made by two processes that know nothing of each other, put together by a third."""
    scenes.reflectance_series(bench.folder / "scenes", DATES, SIZE)
    path = bench.document(document(BOTH))
    alone, store = store_of(bench, "alone"), store_of(bench)
    bench.run(path, "-p", f"results={alone.url}")
    secret = {"GEOLOOM_TOKEN": "a-secret-of-tests-0123456789"}
    if bench.store_kind == "folder":
        pathlib.Path(store.url).mkdir()
    rights = ("--read", bench.folder, "--write", store.url, "--memory", "400M", "--tasks", 2)
    with worker(bench, *rights, environment=secret) as one, worker(bench, *rights, environment=secret) as other:
        via = ",".join(f"http://127.0.0.1:{each.port}" for each in (one, other))
        said = bench.run(path, "-p", f"results={store.url}", "--via", via, environment=secret)
        bench.expect_equal(said.steps()["series"]["done"], 6, "items made by workers")
        made = [sum(line.get("text") != "ready" and line.get("item") is not None for line in each.lines()) for each in (one, other)]
    bench.expect(sum(made) >= 6, "the workers made the items", made)
    bench.expect_equal(cube_bytes(store), cube_bytes(alone), "the same cube")


def killed_and_resumed(bench):
    scenes.reflectance_series(bench.folder / "scenes", 12, (320, 192))
    path = bench.document(document(BOTH))
    undisturbed, store = store_of(bench, "undisturbed"), store_of(bench)
    bench.run(path, "-p", f"results={undisturbed.url}")
    whole = cube_bytes(undisturbed)

    def files():
        return sum(name.startswith(("layers/cube/", "cube.zarr/")) for name in store.names())

    met = 0
    # Chunks of items first, then names in the cube. Looking at a bucket takes longer.
    for wanted in (50, 600, 1500, 2600, 3400) if bench.store_kind == "folder" else (50, 2600):
        process = bench.start("run", path, "-p", f"results={store.url}", "--threads", 2)
        while files() < wanted and process.poll() is None:
            time.sleep(0.001)
        met += process.poll() is None
        kill(process)
    bench.expect(met > 0, "it was killed on its way")
    bench.run(path, "-p", f"results={store.url}")
    bench.expect_equal(cube_bytes(store), whole, "the cube is that of a run that nobody disturbed")


TESTS = [opens_in_xarray, workers_make_the_same_cube, killed_and_resumed, same_bytes, follows_its_scenes, other_steps_read_it, a_lost_chunk_is_made_again, months_are_times, scale_and_offset_are_applied,
         tiles_beside_chunks, refusals, trials_stand_aside, cleaned]

if __name__ == "__main__":
    if not VENV_PYTHON.exists():
        skip("the Python environment of the tests is absent; setup/install.sh test makes it")
    sys.exit(main(TESTS, __doc__, KINDS, environment_of=environment_of))
