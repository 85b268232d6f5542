#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Scenes of one day at their place make one date: across the end of a UTC day, whole pixels from one scene, the newest first.

    solar_day_test.py GEOLOOM [--only TEST]...

odc-stac, asked to group by solar day, is the truth about the dates.
"""
import json
import subprocess
import sys

import numpy

import scenes
from program import VENV_PYTHON, main

EPSG = 32756  # 153 degrees east: 10 h 12 min before UTC
SIZE = 32
HALF = SIZE // 2
ODC = """
import json, sys, warnings
import odc.stac, pystac
warnings.simplefilter("ignore")
items = list(pystac.ItemCollection.from_file(sys.argv[1]))
cube = odc.stac.load(items, bands=["red"], crs="EPSG:32756", resolution=10, groupby="solar_day", chunks={})
print(json.dumps([str(time)[:10] for time in (cube.time.values + __import__("numpy").timedelta64(int(153 / 15 * 3600), "s"))]))
"""


def write_item(bench, name, time, red, nir, valid=None, baseline="05.09", lonlat=None):
    """A scene of two bands; where `valid` is false red is nodata, and nir is not."""
    folder = bench.folder / "served"
    red, nir = (numpy.full((1, SIZE, SIZE), value, numpy.uint16) for value in (red, nir))
    if valid is not None:
        red[0][~valid] = 0
    assets = {}
    for band, pixels in (("red", red), ("nir", nir)):
        path = scenes.write_raster(folder / f"{name}_{band}.tif", pixels, epsg=EPSG, nodata=0, cog=True)
        assets[band] = {"href": str(path), "type": "image/tiff; application=geotiff", "roles": ["data"],
                        "raster:bands": [{"data_type": "uint16", "nodata": 0}]}
    west, south, east, north = box = [152.99, -45.3, 153.01, -45.0]
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Feature", "stac_version": "1.0.0", "stac_extensions": [
                "https://stac-extensions.github.io/projection/v1.0.0/schema.json",
                "https://stac-extensions.github.io/raster/v1.1.0/schema.json"],
            "id": name, "collection": "s2", "bbox": box, "geometry": {"type": "Polygon", "coordinates": [ring]}, "links": [],
            "properties": {"datetime": time, "s2:processing_baseline": baseline, "proj:epsg": EPSG, "proj:shape": [SIZE, SIZE],
                           "proj:transform": [scenes.PIXEL, 0, scenes.ORIGIN[0], 0, -scenes.PIXEL, scenes.ORIGIN[1]]},
            "assets": assets}


def left():
    mask = numpy.zeros((SIZE, SIZE), bool)
    mask[:, :HALF] = True
    return mask


def document(bench, items, load="", reduce="stat: [first, count]"):
    (bench.folder / "items.json").write_text(json.dumps({"type": "FeatureCollection", "features": items}))
    return bench.document(f"""geoloom: 1
name: days
store: out
area:
  grid: {{crs: "EPSG:{EPSG}", origin: [{scenes.ORIGIN[0]}, {scenes.ORIGIN[1]}], resolution: {scenes.PIXEL}, size: [{SIZE}, {SIZE}]}}
  tiles: {SIZE} px
sources: {{a: {{stac: items.json}}}}
steps:
  made:
    over: tiles
    do:
      - load: {{source: a, bands: [red, nir]{load}}}
      - reduce: {{{reduce}}}
      - save: made
""")


def result(bench):
    """Band -> pixels of the newest file."""
    path = max((bench.folder / "out" / "layers" / "made").glob("*.tif"), key=lambda file: file.stat().st_mtime_ns)
    dataset = scenes.gdal.Open(str(path))
    return {dataset.GetRasterBand(n + 1).GetDescription(): dataset.GetRasterBand(n + 1).ReadAsArray() for n in range(dataset.RasterCount)}


def overpass(bench):
    """Two scenes of one overpass on both sides of midnight UTC, and one of the day after."""
    return [write_item(bench, "b_first", "2020-05-01T23:59:50Z", 100, 1100, left()),
            write_item(bench, "a_second", "2020-05-02T00:00:10Z", 200, 1200),
            write_item(bench, "c_later", "2020-05-03T00:00:00Z", 300, 1300)]


def one_overpass_is_one_date(bench):
    items = overpass(bench)
    bench.run(document(bench, items))
    bands = result(bench)
    bench.expect(numpy.all(bands["count"] == 2), "two dates", numpy.unique(bands["count"]))
    bench.expect(numpy.all(bands["red_first"] == 200), "of equal baselines the first by its id", numpy.unique(bands["red_first"]))
    if VENV_PYTHON.exists():
        done = subprocess.run([VENV_PYTHON, "-c", ODC, bench.folder / "items.json"], capture_output=True, text=True, check=False)
        bench.expect_equal(done.stdout.strip(), '["2020-05-02", "2020-05-03"]', f"odc-stac's dates {done.stderr[-300:]}")
    bench.run(document(bench, items, load=", group_by: scene"))
    bench.expect(numpy.all(result(bench)["count"][:, HALF:] == 2), "scene by scene, where one is not valid")
    bench.expect(numpy.all(result(bench)["count"][:, :HALF] == 3), "scene by scene")


def whole_pixels_of_the_newest(bench):
    """The newest baseline comes first; where one of its bands has no value, all bands are the other scene's."""
    items = [write_item(bench, "a_old", "2020-05-02T00:00:10Z", 200, 1200, baseline="02.14"),
             write_item(bench, "z_new", "2020-05-01T23:59:50Z", 100, 1100, left())]
    bench.run(document(bench, items, reduce="stat: [first, max]"))
    bands = result(bench)
    for band, (new, old) in {"red": (100, 200), "nir": (1100, 1200)}.items():
        for stat in ("first", "max"):
            bench.expect(numpy.all(bands[f"{band}_{stat}"][:, :HALF] == new), f"{band}: the newest", bands[f"{band}_{stat}"][0])
            bench.expect(numpy.all(bands[f"{band}_{stat}"][:, HALF:] == old), f"{band}: the other, whole", bands[f"{band}_{stat}"][0])


def periods_count_solar_days(bench):
    items = overpass(bench)
    path = document(bench, items, load=", period: 2020-05-02")
    outcome = bench.run(path)
    bands = result(bench)
    bench.expect(numpy.all(bands["count"] == 1) and numpy.all(bands["red_first"] == 200), "the scene before midnight counts",
                 (numpy.unique(bands["count"]), numpy.unique(bands["red_first"])))
    bench.expect("3 scenes found, 2 used" in outcome.err, "and the day after does not", outcome)
    none = bench.call("run", document(bench, items, load=", period: 2020-05-01"))
    bench.expect(none.code == 4 and "2020-05-01" in none.err, "no scene on the solar day before", none)


def unreadable_scene_of_a_date(bench):
    """The other scene of the day stands in, and the receipt names the one that is missing."""
    items = overpass(bench)
    path = bench.folder / "served" / "a_second_red.tif"
    with open(path, "r+b") as file:
        file.truncate(path.stat().st_size - 40)
    strict = bench.call("run", document(bench, items))
    bench.expect(strict.code != 0 and "a_second" in strict.err, "strictly it is an error", strict)
    outcome = bench.run(document(bench, items, load=", tolerate: {scenes: 1}"))
    bands = result(bench)
    bench.expect(numpy.all(bands["red_first"][:, :HALF] == 100) and numpy.all(bands["red_first"][:, HALF:] == 300), "what is left",
                 bands["red_first"][0])
    bench.expect(outcome.json()["scenes_dropped"] == 1, "it is told", outcome)


TESTS = [one_overpass_is_one_date, whole_pixels_of_the_newest, periods_count_solar_days, unreadable_scene_of_a_date]

if __name__ == "__main__":
    sys.exit(main(TESTS, __doc__))
