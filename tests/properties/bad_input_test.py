#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Input as archives really hold it and nobody would wish it, with NumPy as the truth about pixels.

    bad_input_test.py GEOLOOM [--only TEST]...

More of it is where it belongs: signatures that expire, offsets that come and go, missing assets, several CRSs and uncovered
grids in archives_test.py; cut files and scenes elsewhere in faults_test.py; areas that are wrong in grid_test.py.
"""
import json
import os
import pathlib
import shutil
import sys

import numpy
import scenes
from osgeo import osr
from program import main, skip

DATA = os.environ.get("GEOLOOM_TEST_DATA")
SCENES = 12  # of a series


def real(name):
    if not DATA:
        skip("GEOLOOM_TEST_DATA does not say where real scenes are")
    return pathlib.Path(DATA) / name


def document(bench, like, source, load, stat):
    indented = "".join(f"    {line}\n" for line in source.splitlines())
    return bench.document(f"""geoloom: 1
name: odd
store: out
area: {{same_grid_as: {like}, tiles: 64 px}}
sources:
  a:
{indented}steps:
  made:
    over: tiles
    do: [{{load: {{source: a, {load}}}}}, {{reduce: {stat}}}, {{save: {{layer: made}}}}]
  whole:
    do: [{{mosaic: {{layer: made, as: map}}}}]
""")


def map_of(bench, *arguments):
    """Pixels and validity, a plane a band."""
    bench.run(document(bench, *arguments))
    return scenes.read_masked(bench.folder / "out" / "map.tif")


def nodata_absent(bench):
    """MODIS without a declared nodata: every pixel is a value, also the lowest; a nodata of the document takes its value out."""
    folder = real("modis-sinop-2013") / "ndvi_cog"
    files = sorted(folder.glob("*.tif"))
    stack = numpy.stack([scenes.read_raster(file)[0] for file in files]).astype(int)
    bench.expect(len(files) == 12 and stack.min() < 0, "negative values are there", stack.min())
    source = f"scenes: {folder}"
    for stat, wanted in (("count", numpy.full(stack[0].shape, 12)), ("min", stack.min(axis=0)), ("max", stack.max(axis=0))):
        (pixels,), (valid,) = map_of(bench, files[0], source, "bands: [NDVI]", stat)
        bench.expect(numpy.all(valid), f"{stat}: all pixels are valid", (~valid).sum())
        bench.expect_equal(int((pixels != wanted).sum()), 0, f"{stat}: pixels that differ")
    values, times = numpy.unique(stack, return_counts=True)
    value = int(values[times.argmax()])
    (pixels,), _ = map_of(bench, files[0], source, f"bands: [NDVI], nodata: {value}", "count")
    bench.expect_equal(int((pixels != (stack != value).sum(axis=0)).sum()), 0, f"with nodata {value}: counts that differ")
    bench.expect(times.max() > 1, "and some are taken out", times.max())


def day_without_time(bench):
    """Days in names are those days west of Greenwich, too: one day, and the ends of periods."""
    folder = real("modis-sinop-2013") / "ndvi_cog"
    first, second = (folder / f"MOD13Q1_NDVI_{day}.tif" for day in ("2013-09-14", "2013-10-16"))
    source = f"scenes: {folder}"
    for period, file in (("2013-09-14", first), ("2013-09-15..2013-10-16", second), ("2013-10", second)):
        (pixels,), (valid,) = map_of(bench, first, source, f"bands: [NDVI], period: {period}", "min")
        bench.expect(numpy.all(valid) and numpy.array_equal(pixels, scenes.read_raster(file)[0]), f"{period} is {file.name}")
    before = bench.call("run", document(bench, first, source, "bands: [NDVI], period: 2013-09-13", "min"))
    bench.expect(before.code == 4 and "2013-09-13" in before.err, "the day before has no scene", before)


def time_filter_that_leaves_nothing(bench):
    files, _ = flanders_items(bench)
    for period, code in (("2031", 4), ("2018-13", 2), ("2018-09..2018-05", 2)):
        none = bench.call("run", document(bench, files[0], "stac: items.json", f"bands: [B04], period: {period}", "min"))
        bench.expect(none.code == code and period[:4] in none.err, f"{period} is refused with {code}", none)
        bench.expect(not (bench.folder / "out" / "layers").exists(), "and nothing is made")


def flanders_items(bench, **properties):
    """Real scenes under items of our own: their ids, and the pixels of B02, B03, B04, B08."""
    files = sorted((real("s2-flanders-2018") / "s2").glob("S2_L2A_2018*_10m.tif"))[:SCENES]
    items, pixels = [], []
    for file in files:
        day = file.name[7:22]
        when = f"{day[:4]}-{day[4:6]}-{day[6:8]}T{day[9:11]}:{day[11:13]}:{day[13:15]}Z"
        box = [3.0193, 50.8130, 3.0284, 50.8189]
        ring = [[box[a], box[b]] for a, b in ((0, 1), (2, 1), (2, 3), (0, 3), (0, 1))]
        bands = [{"name": name, "common_name": common} for name, common in (("B02", "blue"), ("B03", "green"), ("B04", "red"), ("B08", "nir"))]
        items.append({"type": "Feature", "stac_version": "1.0.0", "id": file.stem, "collection": "s2", "bbox": box, "links": [],
                      "geometry": {"type": "Polygon", "coordinates": [ring]}, "properties": {"datetime": when, **properties},
                      "assets": {"10m": {"href": str(file), "type": "image/tiff; application=geotiff", "eo:bands": bands}}})
        pixels.append(scenes.read_raster(file))
    (bench.folder / "items.json").write_text(json.dumps({"type": "FeatureCollection", "features": items}))
    return files, numpy.stack(pixels)


def negative_reflectance(bench):
    """Real scenes that claim an offset of -1000: shadows and water fall below zero, stay values, and count in every statistic."""
    files, stored = flanders_items(bench, **{"s2:processing_baseline": "05.09"})
    valid = (stored[:, 2] != 0) & (stored[:, 3] != 0)  # whole pixels; files declare 0
    physical = stored.astype(int) - 1000
    bench.expect((physical[:, 2:] < 0).mean() > 0.05, "there are many", (physical[:, 2:] < 0).mean())
    some = valid.any(axis=0)
    for stat in ("min", "max", "mean"):
        pixels, known = map_of(bench, files[0], "stac: items.json\nsensor: sentinel-2-l2a", "bands: [red, nir]", stat)
        for number, band in enumerate((2, 3)):  # of the files
            wanted = getattr(numpy.ma.array(physical[:, band], mask=~valid), stat)(axis=0)
            away = numpy.abs(pixels[number] - wanted)[some]
            bench.expect(numpy.array_equal(known[number], some), f"{stat}: validity", (known[number] != some).sum())
            bench.expect(numpy.all(away <= (1e-3 if stat == "mean" else 0)), f"{stat}: pixels", away.max())
        bench.expect(stat != "min" or pixels[0].min() < -100, "they are below zero", pixels[0].min())


def wrong_proj_transform_or_shape(bench):
    """Whatever items say of the grids of real files, pixels are where the files are; each collection is told once."""
    right = [10, 0, 501360, 0, -10, 5629680]
    for words, properties in (("GDAL's order", {"proj:transform": [501360, 10, 0, 5629680, 0, -10], "proj:shape": [64, 64]}),
                              ("(501370, 5629680)", {"proj:transform": [10, 0, 501370, 0, -10, 5629680]}),
                              ("32 x 64", {"proj:transform": right, "proj:shape": [32, 64]}),
                              ("EPSG:32632", {"proj:transform": right, "proj:epsg": 32632})):
        files, stored = flanders_items(bench, **properties)
        (pixels,), (known,) = map_of(bench, files[0], "stac: items.json", "bands: [B04]", "max")
        bench.expect(numpy.all(known) and numpy.array_equal(pixels, stored[:, 2].max(axis=0)), f"{words}: the files' pixels")
        (record,) = (bench.folder / "out" / "runs").glob("*/run.json")
        (report,) = json.loads(record.read_text())["reports"].values()
        bench.expect(len(report["notes"]) == 1 and words in report["notes"][0], f"{words}: one warning", report["notes"])
        shutil.rmtree(bench.folder / "out")


def tile_at_the_zone_border(bench):
    """A scene of one zone over the border to the next: tiles of both zones have the pixel under each centre."""
    size, left, top = 300, 722000.0, 5319000.0  # 18 degrees east runs through it
    random = numpy.random.default_rng(4)
    stored = random.integers(1, 60000, (1, size, size)).astype(numpy.uint16)
    path = scenes.write_raster(bench.folder / "scenes" / "border_20200105.tif", stored, origin=(left, top), epsg=32633, nodata=0)
    bench.run(bench.document("""geoloom: 1
name: border
store: out
area: {aoi: {bbox: [17.9995, 47.97, 18.004, 47.98]}, grid: {utm: 1000 m}, resolution: 10 m}
steps:
  made:
    over: tiles
    do: [{load: {scenes: scenes, resampling: nearest}}, {reduce: first}, {save: made}]
"""))
    systems = {}
    for code in (32633, 32634):
        systems[code] = osr.SpatialReference()
        systems[code].ImportFromEPSG(code)
    seen = {}
    for file in sorted((bench.folder / "out" / "layers" / "made").rglob("*.tif")):
        image = scenes.gdal.Open(str(file))
        code = int(image.GetSpatialRef().GetAuthorityCode(None))
        x, dx, _, y, _, dy = image.GetGeoTransform()
        columns, rows = numpy.meshgrid(x + dx * (numpy.arange(image.RasterXSize) + 0.5), y + dy * (numpy.arange(image.RasterYSize) + 0.5))
        there = osr.CoordinateTransformation(systems[code], systems[32633])
        places = numpy.array(there.TransformPoints(numpy.stack([columns.ravel(), rows.ravel()], axis=1).tolist()))[:, :2]
        column, row = (places[:, 0] - left) / 10, (top - places[:, 1]) / 10
        near = numpy.minimum(abs(column - numpy.round(column)), abs(row - numpy.round(row))) < 1e-4  # between two pixels
        inside = (column > 0) & (column < size) & (row > 0) & (row < size)
        wanted = numpy.zeros(column.shape, int)
        wanted[inside] = stored[0, row[inside].astype(int), column[inside].astype(int)]
        pixels, known = (each[0].ravel() for each in scenes.read_masked(file))
        bench.expect(numpy.array_equal(known[~near], inside[~near]), f"{file.name}: validity", (known != inside)[~near].sum())
        sure = inside & ~near
        bench.expect_equal(int((pixels != wanted)[sure].sum()), 0, f"{file.name}: pixels that differ")
        seen[code] = seen.get(code, 0) + int(sure.sum())
    bench.expect(path.exists() and min(seen.get(32633, 0), seen.get(32634, 0)) > 5000, "both zones have pixels", seen)


TESTS = [nodata_absent, day_without_time, time_filter_that_leaves_nothing, negative_reflectance, wrong_proj_transform_or_shape,
         tile_at_the_zone_border]

if __name__ == "__main__":
    sys.exit(main(TESTS, __doc__))
