#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Steps over the windows of a vector file: the pixels of the tiles they lie in, stable names, cut and left out where they should be.

    windows_test.py GEOLOOM [--only TEST]...
"""
import json
import sys

import numpy
from osgeo import gdal, ogr, osr

import scenes
from program import main

ogr.UseExceptions()
SIZE, TILE = (300, 220), 96
COLUMNS, ROWS = SIZE
# Name, and the corners of a polygon or a point, in pixels of the scenes from their upper left corner.
FEATURES = {
    "inside": [(10.2, 10.2), (40.7, 33.1)],
    "over_four_tiles": [(90.1, 90.2), (100.8, 98.9)],
    "point": [(150.5, 60.5)],
    "on_a_corner": [(96, 96)],
    "over_the_edge": [(280, 200), (340, 260)],
    "outside": [(400, 10), (420, 30)],
}
INSIDE = [name for name in FEATURES if name != "outside"]


def place(column, row):
    return scenes.ORIGIN[0] + column * scenes.PIXEL, scenes.ORIGIN[1] - row * scenes.PIXEL


def write_features(path, features=None, epsg=scenes.EPSG):
    features = FEATURES if features is None else features
    path.unlink(missing_ok=True)
    here, there = osr.SpatialReference(), osr.SpatialReference()
    here.ImportFromEPSG(scenes.EPSG)
    there.ImportFromEPSG(epsg)
    for reference in (here, there):
        reference.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    file = ogr.GetDriverByName("GPKG").CreateDataSource(str(path))
    layer = file.CreateLayer("fields", there, ogr.wkbUnknown)
    layer.CreateField(ogr.FieldDefn("code", ogr.OFTString))
    for name, corners in features.items():
        (left, top), (right, bottom) = place(*corners[0]), place(*corners[-1])
        wkt = f"POINT ({left} {top})" if len(corners) == 1 else \
            f"POLYGON (({left} {top}, {right} {top}, {right} {bottom}, {left} {bottom}, {left} {top}))"
        shape = ogr.CreateGeometryFromWkt(wkt)
        if epsg != scenes.EPSG:
            shape.Transform(osr.CoordinateTransformation(here, there))
        feature = ogr.Feature(layer.GetLayerDefn())
        feature.SetField("code", name)
        feature.SetGeometry(shape)
        layer.CreateFeature(feature)
    file = layer = None  # noqa: F841  closes the file
    return path


def document(bench, windows="{file: fields.gpkg, name: code}", more="", load="", name="windows.yaml"):
    return bench.document(f"""geoloom: 1
name: windows
store: out
area: {{same_grid_as: scenes, tiles: {TILE} px}}
steps:
  whole:
    over: tiles
    do:
      - load: {{scenes: scenes, bands: [red, green, blue], reject: {{any_band_in: [0, 255]}}{load}}}
      - median_rgb: {{}}
      - save: whole
  parts:
    over: {{windows_of: {windows}}}
    do:
      - load: {{scenes: scenes, bands: [red, green, blue], reject: {{any_band_in: [0, 255]}}{load}}}
      - median_rgb: {{}}
      - save: parts
{more}""", name)


def drawn(bench, count=6):
    scenes.colour_series(bench.folder / "scenes", count, SIZE)
    write_features(bench.folder / "fields.gpkg")


def files_of(bench, layer):
    """Item -> file of a layer, as its list says."""
    collection = json.loads((bench.folder / "out" / "layers" / layer / "items.json").read_text())
    folder = bench.folder / "out" / "layers" / layer
    found = {}
    for feature in collection["features"]:
        (asset,) = [a for a in feature["assets"].values() if a["href"].endswith(".tif")]
        path = (folder / asset["href"]).resolve()
        found[path.name.rsplit("-", 1)[0]] = path
    return found


def mosaic_of(bench, layer):
    """All tiles of a layer put together: pixels and validity."""
    pixels, valid = numpy.zeros((3, ROWS, COLUMNS)), numpy.zeros((3, ROWS, COLUMNS), bool)
    for path in files_of(bench, layer).values():
        column, row, values, mask = piece(path)
        height, width = values.shape[1:]
        pixels[:, row:row + height, column:column + width] = values
        valid[:, row:row + height, column:column + width] = mask
    return pixels, valid


def piece(path):
    """Column and row on the scenes' grid, pixels, validity."""
    transform = gdal.Open(str(path)).GetGeoTransform()
    column, row = (transform[0] - scenes.ORIGIN[0]) / scenes.PIXEL, (scenes.ORIGIN[1] - transform[3]) / scenes.PIXEL
    assert column == round(column) and row == round(row)
    return (round(column), round(row), *scenes.read_masked(path))


def expect_parts_of(bench, whole, layer, names=INSIDE, grow=0):
    pixels, valid = mosaic_of(bench, whole)
    files = files_of(bench, layer)
    bench.expect_equal(sorted(files), sorted(names), f"{layer}: the windows in the area, by their names")
    for name, path in files.items():
        column, row, values, mask = piece(path)
        height, width = values.shape[1:]
        (left, top), (right, bottom) = FEATURES[name][0], FEATURES[name][-1]
        wanted = (max(0, int(numpy.floor(left)) - grow), max(0, int(numpy.floor(top)) - grow),
                  min(COLUMNS, max(int(numpy.ceil(right)), int(numpy.floor(left)) + 1) + grow),
                  min(ROWS, max(int(numpy.ceil(bottom)), int(numpy.floor(top)) + 1) + grow))
        bench.expect_equal((column, row, column + width, row + height), wanted, f"{layer}: {name} covers the feature")
        part = (slice(None), slice(row, row + height), slice(column, column + width))
        bench.expect(numpy.array_equal(mask, valid[part]) and numpy.array_equal(values * mask, (pixels * valid)[part]),
                     f"{layer}: {name} has the tiles' pixels")


def pixels_of_the_tiles(bench):
    drawn(bench)
    bench.run(document(bench, more=f"""  read:
    over: {{windows_of: {{file: fields.gpkg, name: code}}}}
    do: [{{load: {{layer: whole}}}}, {{save: read}}]
  again:
    over: {{windows_of: {{file: fields.gpkg, name: code}}}}
    do: [{{load: {{layer: parts}}}}, {{save: again}}]
"""))
    for layer in ("parts", "read", "again"):
        expect_parts_of(bench, "whole", layer)
    plan = bench.call("plan", str(bench.folder / "windows.yaml"))
    bench.expect("6 features > 5 in the area" in plan.out, "the plan tells what is left out", plan)


def warped(bench):
    """Halo, resampling, another CRS of the features, and pixels more on every side."""
    drawn(bench)
    write_features(bench.folder / "fields.gpkg", epsg=4326)
    text = open(document(bench, "{file: fields.gpkg, name: code, grow: 3}", load=", resampling: cubic"), encoding="utf-8").read()
    for number in range(6):
        path = bench.folder / "scenes" / f"scene_{scenes.day(number):%Y%m%d}.tif"
        scenes.write_raster(path, scenes.colour_pixels(number, SIZE), colour=True, origin=(scenes.ORIGIN[0] + 3.7, scenes.ORIGIN[1] + 2.2))
    scenes.write_raster(bench.folder / "grid.tif", scenes.colour_pixels(0, SIZE), colour=True)
    bench.run(bench.document(text.replace("same_grid_as: scenes", "same_grid_as: grid.tif"), "warped.yaml"))
    expect_parts_of(bench, "whole", "parts", grow=3)


def only_what_is_new(bench):
    """Names are the file's: a feature more, or fewer, makes nothing else again."""
    drawn(bench)
    some = {name: corners for name, corners in FEATURES.items() if name != "inside"}
    write_features(bench.folder / "fields.gpkg", some)
    path = document(bench)
    bench.run(path)
    write_features(bench.folder / "fields.gpkg")
    step = bench.run(path).steps()["parts"]
    bench.expect_equal((step["done"], step["unchanged"]), (1, len(INSIDE) - 1), "one window is new")
    numbered = bench.run(document(bench, "fields.gpkg")).steps()["parts"]
    bench.expect_equal(numbered["done"] + numbered["unchanged"], len(INSIDE), "without a column they are numbered")
    picked = document(bench, "{file: fields.gpkg, name: code, where: \"code LIKE 'over%'\"}")
    step = bench.run(picked).steps()["parts"]
    bench.expect_equal((step["done"], step["unchanged"]), (0, 2), "a filter makes none again")
    tile = bench.run(document(bench), "--tiles", "0_0").steps()["parts"]
    bench.expect_equal(tile["done"] + tile["unchanged"], 2, "those that touch the tile")


def mistakes(bench):
    drawn(bench)
    write_features(bench.folder / "away.gpkg", {"outside": FEATURES["outside"]})
    cases = {"{file: absent.gpkg}": ([2, 5], "absent.gpkg"), "{file: fields.gpkg, name: colour}": ([2], "colour"), "{}": ([2], "file"),
             "{file: away.gpkg}": ([4], "none of the 1 features"), "{file: fields.gpkg, layer: roads}": ([2], "roads")}
    for windows, (codes, word) in cases.items():
        outcome = bench.call("plan", document(bench, windows))
        bench.expect(outcome.code in codes and word in outcome.err, f"{windows} is refused with the reason", outcome)
    write_features(bench.folder / "twice.gpkg", {"a/b": FEATURES["inside"]})
    outcome = bench.call("plan", document(bench, "{file: twice.gpkg, name: code}"))
    bench.expect(outcome.code == 2 and "a/b" in outcome.err, "a name that is no file name", outcome)
    for more, word in (("  map:\n    do: [{mosaic: {layer: parts, as: map}}]\n", "made of windows"),
                       ("  other:\n    over: tiles\n    do: [{load: {layer: parts}}, {save: other}]\n", "made of windows"),
                       ("  map:\n    over: {windows_of: fields.gpkg}\n    do: [{mosaic: {layer: whole, as: map}}]\n", "over windows")):
        outcome = bench.call("plan", document(bench, more=more))
        bench.expect(outcome.code == 2 and word in outcome.err, f"refused: {more}", outcome)


def crop_calendars(bench):
    """A window is made of the scenes of its own feature's time."""
    dates = ["20180305", "20180601", "20180910"]
    for number, date in enumerate(dates):
        scenes.write_raster(bench.folder / "scenes" / f"scene_{date}.tif",
                            numpy.full((1, 64, 64), 10 * (number + 1), numpy.uint16), names=["red"], nodata=0)
    x, y = scenes.ORIGIN
    rows = [("spring", "2018-03-01", "2018-05-31"), ("long", "2018-03-05", "2018-09-10"), ("winter", "2018-11-01", "2018-12-31")]
    lines = [f'"POINT ({x + 5 + 100 * number} {y - 5})",{name},{first},{last},{first}..{last}'
             for number, (name, first, last) in enumerate(rows)]
    (bench.folder / "fields.csv").write_text("\n".join(["WKT,name,sowing,harvest,season", *lines]) + "\n")
    text = """geoloom: 1
name: calendars
store: {store}
area: {{same_grid_as: scenes, tiles: 64 px}}
steps:
  fields:
    over: {{windows_of: {{file: fields.csv, name: name, crs: EPSG:%d, period: {period}}}}}
    do:
      - load: {{scenes: scenes}}
      - reduce: {{stat: [max, count]}}
      - save: {{layer: fields, type: float32}}
""" % scenes.EPSG
    for store, period in (("out", "[sowing, harvest]"), ("out2", "season")):
        outcome = bench.run(bench.document(text.format(store=store, period=period)))
        bench.expect_equal(outcome.steps()["fields"]["empty"], 1, "no scenes in winter")
        folder = bench.folder / store / "layers" / "fields"
        files = {path.name.rsplit("-", 1)[0]: path for path in folder.glob("*.tif")}
        got = {name: scenes.read_raster(path)[:, 0, 0].tolist() for name, path in files.items()}
        bench.expect_equal(got, {"spring": [10, 1], "long": [30, 3]}, "each field has its own time")
    for period, word in (("[name]", "periods such as"), ("[sowing, nothing]", "nothing"), ("[a, b, c]", "names 3 columns")):
        outcome = bench.call("plan", bench.document(text.format(store="out3", period=period)))
        bench.expect(outcome.code == 2 and word in outcome.err, f"refused: period: {period}", outcome)


TESTS = [pixels_of_the_tiles, warped, only_what_is_new, crop_calendars, mistakes]

if __name__ == "__main__":
    sys.exit(main(TESTS, __doc__))
