#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Areas and grids of tiles against independent rules: pyproj and shapely, odc-geo, morecantile.

    grid_test.py GEOLOOM [--only TEST]...
"""
import json
import os
import pathlib
import subprocess
import sys

import numpy
from osgeo import gdal, ogr, osr

from program import VENV_PYTHON, main

gdal.UseExceptions()
DATA = os.environ.get("GEOLOOM_TEST_DATA")

# The UTM rule written down once more, with the libraries eo-grow uses.
UTM_RULE = """
import json, math, sys
from pyproj import Transformer
from shapely.geometry import Polygon, box, shape
from shapely.ops import transform, unary_union
path, width, height, buffer_x, buffer_y, offset_x, offset_y = sys.argv[1], *map(float, sys.argv[2:])
data = json.load(open(path))
crs = data.get("crs", {}).get("properties", {}).get("name", "EPSG:4326")
crs = "EPSG:4326" if "CRS84" in crs else "EPSG:" + crs.split(":")[-1]
area = unary_union([shape(f["geometry"]) for f in data["features"]])
area = transform(Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform, area)
cells = []
for south in (False, True):
    low, high = (-80, 0) if south else (0, 84)
    for zone in range(1, 61):
        west = -186 + 6 * zone
        ring = [(x, low) for x in range(west, west + 6)] + [(west + 6, y) for y in range(low, high)]
        ring += [(x, high) for x in range(west + 6, west, -1)] + [(west, y) for y in range(high, low, -1)]
        piece = area.intersection(Polygon(ring))
        if piece.area == 0:
            continue
        epsg = (32700 if south else 32600) + zone
        piece = transform(Transformer.from_crs("EPSG:4326", epsg, always_xy=True).transform, piece)
        x0, y0, x1, y1 = piece.bounds
        left, lower = math.floor((x0 - offset_x) / width) * width + offset_x, math.floor((y0 - offset_y) / height) * height + offset_y
        for i in range(math.ceil((x1 - left) / width)):
            for j in range(math.ceil((y1 - lower) / height)):
                cell = (left + i * width, lower + j * height, left + (i + 1) * width, lower + (j + 1) * height)
                if piece.intersects(box(*cell)):
                    cells.append((epsg, i, j, cell[0] - buffer_x, cell[1] - buffer_y, cell[2] + buffer_x, cell[3] + buffer_y))
digits = len(str(len(cells) - 1))
print(json.dumps([[f"eopatch-id-{n:0{digits}}-col-{c[1]}-row-{c[2]}", *c] for n, c in enumerate(cells)]))
"""

ODC_RULE = """
import json, sys
from odc.geo import XY
from odc.geo.geom import box
from odc.geo.gridspec import GridSpec
grid = GridSpec("epsg:6933", (9600, 9600), resolution=10, origin=XY(x=-181 * 96000, y=-77 * 96000))
area = box(*map(float, sys.argv[1:]), "epsg:4326").to_crs("epsg:6933", resolution=0.01)
print(json.dumps(sorted([f"x{ix:03d}y{iy:03d}", *list(g.boundingbox)[:4]] for (ix, iy), g in grid.tiles_from_geopolygon(area))))
"""

WEB_RULE = """
import json, sys
import morecantile
tms = morecantile.tms.get("WebMercatorQuad")
tiles = list(tms.tiles(*map(float, sys.argv[2:]), zooms=[int(sys.argv[1])]))
print(json.dumps(sorted([f"{t.z}_{t.x}_{t.y}", *list(tms.xy_bounds(t))] for t in tiles)))
"""


def truth(rule, *arguments):
    done = subprocess.run([VENV_PYTHON, "-c", rule, *map(str, arguments)], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def features(path):
    """Name -> (CRS code, box), in the order of the file."""
    found = {}
    file = gdal.OpenEx(str(path), gdal.OF_VECTOR)
    for layer in (file.GetLayer(i) for i in range(file.GetLayerCount())):
        code = int(layer.GetSpatialRef().GetAuthorityCode(None))
        for feature in layer:
            x0, x1, y0, y1 = feature.GetGeometryRef().GetEnvelope()
            found[feature["name"]] = (code, (x0, y0, x1, y1))
    return found


def collection(path, polygons, crs=None):
    data = {"type": "FeatureCollection", "features": [
        {"type": "Feature", "properties": {}, "geometry": {"type": "Polygon", "coordinates": [ring]}} for ring in polygons]}
    if crs:
        data["crs"] = {"type": "name", "properties": {"name": f"urn:ogc:def:crs:EPSG::{crs}"}}
    pathlib.Path(path).write_text(json.dumps(data))
    return str(path)


def star(random, x, y, radius):
    angles = numpy.sort(random.uniform(0, 2 * numpy.pi, 9))
    reach = radius * random.uniform(0.4, 1, 9)
    ring = [[float(x + r * numpy.cos(a)), float(y + r * numpy.sin(a))] for a, r in zip(angles, reach)]
    return ring + ring[:1]


def compare_with_rule(bench, name, path, width, height, buffer=(0, 0), offset=(0, 0)):
    wanted = truth(UTM_RULE, path, width, height, *buffer, *offset)
    grid = f"utm: {{size: [{width} m, {height} m], offset: [{offset[0]} m, {offset[1]} m], names: eo-grow}}"
    said = bench.call("grid", "--aoi", path, "--grid", grid, "--pixel", "5 m", "--buffer", f"{buffer[0]} m, {buffer[1]} m", "-o", f"{name}.gpkg")
    bench.expect_equal(said.code, 0, f"{name}: {said}")
    got = features(bench.folder / f"{name}.gpkg")
    bench.expect_equal(list(got), [cell[0] for cell in wanted], f"{name}: the names in order")
    bench.expect(all(got[cell[0]] == (cell[1], tuple(cell[4:])) for cell in wanted if cell[0] in got), f"{name}: CRS and boxes")
    return len(wanted)


def utm_rule(bench):
    random = numpy.random.default_rng(5)
    places = [(18.0, 48.0), (-0.1, 0.05), (147.9, -35.0), (-66.1, 9.0)]
    for number, (x, y) in enumerate(places):
        path = collection(bench.folder / f"star{number}.geojson", [star(random, x, y, 0.3), star(random, x + 0.5, y, 0.2)])
        compare_with_rule(bench, f"star{number}", path, 5000, 3000, (30, 40), (10, 20))
    web = collection(bench.folder / "web.geojson", [star(random, 2e6, 6e6, 3e5)], crs=3857)
    compare_with_rule(bench, "web", web, 20000, 20000)


def real_areas(bench):
    if not DATA:
        return
    inputs = pathlib.Path(DATA) / "eo-grow/golden/input-data"
    bench.expect_equal(compare_with_rule(bench, "world", inputs / "test_large_area.geojson", 1000000, 1000000), 368, "cells of the world")
    compare_with_rule(bench, "small", inputs / "test_area.geojson", 2400, 1100, (120, 55))
    # eo-grow's own file of that grid has the same cells under other names.
    bench.call("grid", "--grid", f"file: {inputs / 'test_custom_grid.geojson'}, name: name", "--pixel", "5 m", "-o", "own.gpkg")
    bench.expect_equal(list(features(bench.folder / "own.gpkg").values()), list(features(bench.folder / "small.gpkg").values()), "the file's cells")


def other_grids(bench):
    area = (21.3, -12.2, 24.9, -10.1)
    text = ",".join(map(str, area))
    for name, grid, wanted in (("africa", "africa_10", truth(ODC_RULE, *area)), ("web", "web_mercator: 9", truth(WEB_RULE, 9, *area))):
        bench.call("grid", "--aoi", text, "--grid", grid, "-o", f"{name}.gpkg")
        got = features(bench.folder / f"{name}.gpkg")
        bench.expect_equal(sorted(got), [cell[0] for cell in wanted], f"{name}: the cells")
        bench.expect(all(numpy.allclose(got[cell[0]][1], cell[1:5], atol=1e-6) for cell in wanted if cell[0] in got), f"{name}: the boxes")


def antimeridian(bench):
    said = bench.call("grid", "--aoi", "179.2,-17.5,-179.1,-16", "--grid", "utm: 50 km", "-o", "fiji.geojson", "--json").json()
    bench.expect_equal([zone["name"] for zone in said["zones"]], ["01S", "60S"], "both zones")
    file = gdal.OpenEx(str(bench.folder / "fiji.geojson"), gdal.OF_VECTOR)
    layer = file.GetLayer(0)
    parts = []
    for feature in layer:
        shape = feature.GetGeometryRef()
        pieces = [shape] if shape.GetGeometryType() == ogr.wkbPolygon else [shape.GetGeometryRef(i) for i in range(shape.GetGeometryCount())]
        parts += [piece.GetEnvelope() for piece in pieces]
    bench.expect(len(parts) > said["tiles"], "tiles over 180 degrees are cut")
    bench.expect(all(x1 - x0 < 2 for x0, x1, _, _ in parts), "nothing reaches around the Earth")


def write_scene(path, epsg, x, y):
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(epsg)
    path.parent.mkdir(exist_ok=True)
    file = gdal.GetDriverByName("GTiff").Create(str(path), 300, 300, 1, gdal.GDT_Byte)
    file.SetProjection(reference.ExportToWkt())
    file.SetGeoTransform((x, 10, 0, y, 0, -10))
    file.GetRasterBand(1).WriteArray(numpy.full((300, 300), 1 + epsg % 10, numpy.uint8))
    file.FlushCache()


WORKFLOW = """geoloom: 1
name: zones
params: {{east: {{type: number, default: 18.0005}}}}
store: out
area:
  aoi: {{bbox: [17.9995, 47.97, $east, 47.98]}}
  grid: {{utm: 1000 m}}
  resolution: 10 m
  {more}
steps:
  first:
    over: tiles
    do: [{{load: {{scenes: scenes, bands: [band1]}}}}, {{reduce: first}}, {{save: first}}]
"""


def a_run_of_two_zones(bench):
    for epsg, x, y in ((32633, 722000, 5319000), (32634, 275000, 5319000)):
        write_scene(bench.folder / "scenes" / f"scene_{epsg}_2020010{epsg % 10}.tif", epsg, x, y)
    document = bench.document(WORKFLOW.format(more=""))
    first = bench.run(document).json()["steps"][0]
    names = list(features_of_plan(bench, document))
    bench.expect({name[:3] for name in names} == {"33N", "34N"}, "tiles of both zones", names)
    bench.expect_equal(bench.run(document).json()["steps"][0]["done"], 0, "nothing is made again")
    # A larger area keeps what is made: names and grids of tiles do not depend on it.
    grown = bench.run(document, "-p", "east=18.05").json()["steps"][0]
    bench.expect(grown["unchanged"] >= first["done"] > 0, "tiles of the smaller area are not made again", grown)
    bench.expect(set(names) < set(features_of_plan(bench, document, "-p", "east=18.05")), "and keep their names")
    split = bench.document(WORKFLOW.format(more="split: [2, 1]\n  buffer: 5 px"), "split.yaml")
    bench.expect_equal(len(features_of_plan(bench, split)), 2 * len(names), "split")


def features_of_plan(bench, document, *arguments):
    bench.call("plan", document, *arguments, "--geojson", "plan.geojson")
    return {f["properties"]["name"]: f for f in json.loads((bench.folder / "plan.geojson").read_text())["features"]}


def selections(bench):
    area = ("grid", "--aoi", "17.87338,47.88549,18.14598,48.06064", "--grid", "utm: 5000 m", "--json")
    count = lambda text: bench.call(*area, f"--tiles={text}").json()["tiles"]  # noqa: E731
    bench.expect_equal([count(text) for text in ("::10", "1::10", "-10:", "3,5-7", "33N_142_1061", "4:6,0")], [3, 3, 10, 4, 1, 3], "--tiles")
    bench.expect(0 < count("bbox=18.1,48.04,18.2,48.2") < 6, "--tiles bbox")
    for text in ("30:", "bbox=0,0,1,1", "bbox=1,2", "33N_1_1"):
        bench.expect_equal(bench.call(*area, f"--tiles={text}").code, 2, f"--tiles {text} is refused")


def bad_input(bench):
    (bench.folder / "none.csv").write_text('id,WKT\n1,"POLYGON ((0 0,1 0,1 1,0 0))"\n')
    collection(bench.folder / "empty.geojson", [])
    collection(bench.folder / "bow.geojson", [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]])
    collection(bench.folder / "good.geojson", [[[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]])
    (bench.folder / "text.geojson").write_text("hello")
    utm, pixel = ("--grid", "utm: 5000 m"), ("--pixel", "30 m")
    cases = [(("--aoi", "bow.geojson", *utm), 2, "Self-intersection"), (("--aoi", "empty.geojson", *utm), 2, "no shape"),
             (("--aoi", "none.csv", *utm), 2, "coordinate reference system"), (("--aoi", "absent.geojson", *utm), 4, "no such file"),
             (("--aoi", "text.geojson", *utm), 2, "vector file"), (("--aoi", "good.geojson", *utm, *pixel), 2, "whole number of pixels"),
             (("--aoi", "10,83,12,86", *utm), 2, "84"), (("--aoi", "1,2,0,1", *utm), 2, "empty"), (utm, 2, "aoi"), (("--aoi", "good.geojson"), 2, "--grid"),
             (("--aoi", "good.geojson", "--grid", "afrika_10"), 2, "africa_10"), (("--aoi", "good.geojson", *utm, "-o", "tiles.shp"), 2, ".gpkg")]
    for arguments, code, word in cases:
        said = bench.call("grid", *arguments)
        bench.expect(said.code != 0 and word in said.err, f"{' '.join(arguments)} is refused and says '{word}'", said)
        bench.expect(code != 2 or said.code == 2, f"{' '.join(arguments)} exits with 2", said)


TESTS = [utm_rule, real_areas, other_grids, antimeridian, a_run_of_two_zones, selections, bad_input]

if __name__ == "__main__":
    sys.exit(main(TESTS, __doc__))
