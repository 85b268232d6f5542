#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`rasterize` against GDAL's and rasterio's own: the same pixels for polygons, lines and points, from other CRSs, by every
rule; tiles of any size give what the whole area gives.

    rasterize_test.py GEOLOOM [--only TEST]...
"""
import json
import subprocess
import sys

import numpy
from osgeo import gdal, ogr, osr

import scenes
from program import VENV_PYTHON, main

SIZE = (600, 560)  # larger than a cell of the lattice in which masks are decided
RASTERIO = """
import json, sys
import numpy, rasterio, rasterio.features
shapes, width, height, transform, touched, out = json.load(open(sys.argv[1]))
burned = rasterio.features.rasterize([(shape, value) for shape, value in shapes], out_shape=(height, width), fill=0,
                                     transform=rasterio.Affine(*transform), all_touched=touched, dtype="uint16")
numpy.save(out, burned)
"""


def reference(epsg):
    system = osr.SpatialReference()
    system.ImportFromEPSG(epsg)
    system.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    return system


def polygons(count, seed):
    """Stars and slivers over the area and beyond its edges, some with holes, some that cross themselves."""
    random = numpy.random.Generator(numpy.random.PCG64(seed))
    shapes = []
    for number in range(count):
        centre = numpy.array(scenes.ORIGIN) + random.uniform(-200, 1, 2) * [-30, 30] * 1.0
        angles = numpy.sort(random.uniform(0, 2 * numpy.pi, random.integers(3, 9)))
        radii = random.uniform(5, 900, len(angles))
        ring = centre + numpy.stack([numpy.cos(angles), numpy.sin(angles)], axis=1) * radii[:, None]
        rings = [ring, centre + (ring - centre) * 0.3] if number % 4 == 0 else [ring]
        text = ",".join("(" + ",".join(f"{x} {y}" for x, y in [*each, each[0]]) + ")" for each in rings)
        shapes.append(f"POLYGON ({text})")
    return shapes


def lines_and_points(count, seed):
    random = numpy.random.Generator(numpy.random.PCG64(seed))
    def places(number):
        return numpy.array(scenes.ORIGIN) + random.uniform([0, -10 * SIZE[1]], [10 * SIZE[0], 0], (number, 2))
    lines = ["LINESTRING (" + ",".join(f"{x} {y}" for x, y in places(random.integers(2, 6))) + ")" for _ in range(count)]
    return lines + [f"POINT ({x} {y})" for x, y in places(count)]


def write_shapes(path, shapes, epsg=scenes.EPSG, driver="GPKG"):
    """Shapes drawn on the area's grid, in a file of that CRS; codes run from 1."""
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset = ogr.GetDriverByName(driver).CreateDataSource(str(path))
    layer = dataset.CreateLayer("shapes", reference(epsg), ogr.wkbUnknown)
    layer.CreateField(ogr.FieldDefn("code", ogr.OFTInteger))
    there = osr.CoordinateTransformation(reference(scenes.EPSG), reference(epsg))
    for number, wkt in enumerate(shapes):
        feature = ogr.Feature(layer.GetLayerDefn())
        feature["code"] = number % 200 + 1
        geometry = ogr.CreateGeometryFromWkt(wkt)
        if epsg != scenes.EPSG:
            geometry.Transform(there)
        feature.SetGeometry(geometry)
        layer.CreateFeature(feature)
    return path


def by_gdal(path, touched=False, order=1, add=False, one=False, size=SIZE):
    """What gdal.RasterizeLayer makes of the file, vertices brought onto the grid's CRS."""
    source = ogr.Open(str(path))
    layer = source.GetLayer(0)
    here = osr.CoordinateTransformation(layer.GetSpatialRef(), reference(scenes.EPSG))
    same = layer.GetSpatialRef().IsSame(reference(scenes.EPSG))
    features = list(layer)[::order]
    memory = ogr.GetDriverByName("Memory").CreateDataSource("")
    copy = memory.CreateLayer("copy", reference(scenes.EPSG), ogr.wkbUnknown)
    copy.CreateField(ogr.FieldDefn("code", ogr.OFTInteger))
    for each in features:
        feature = ogr.Feature(copy.GetLayerDefn())
        feature["code"] = 1 if one else each["code"]
        geometry = each.GetGeometryRef().Clone()
        if not same:
            geometry.Transform(here)
        feature.SetGeometry(geometry)
        copy.CreateFeature(feature)
    image = gdal.GetDriverByName("MEM").Create("", *size, 1, gdal.GDT_UInt16)
    image.SetGeoTransform((scenes.ORIGIN[0], scenes.PIXEL, 0, scenes.ORIGIN[1], 0, -scenes.PIXEL))
    image.SetProjection(reference(scenes.EPSG).ExportToWkt())
    options = ["ATTRIBUTE=code"] + (["ALL_TOUCHED=TRUE"] if touched else []) + (["MERGE_ALG=ADD"] if add else [])
    gdal.RasterizeLayer(image, [1], copy, options=options)
    return image.ReadAsArray()


def run(bench, parameters, tile, name, code=0):
    document = bench.document(f"""geoloom: 1
name: shapes
store: {name}
area: {{grid: {{crs: "EPSG:{scenes.EPSG}", origin: [{scenes.ORIGIN[0]}, {scenes.ORIGIN[1]}], resolution: {scenes.PIXEL}, size: [{SIZE[0]}, {SIZE[1]}]}}, tiles: {tile} px}}
steps:
  labels:
    over: tiles
    do: [{{rasterize: {{{parameters}}}}}, {{save: {{layer: labels, nodata: 65535}}}}]
  map:
    do: [{{mosaic: {{layer: labels, as: map}}}}]
""", f"{name}.yaml")
    outcome = bench.run(document, expect=code)
    return scenes.read_raster(bench.folder / name / "map.tif")[0] if code == 0 else outcome


def expect_same(bench, got, wanted, what):
    different = int((got != wanted).sum())
    bench.expect(different == 0, what, f"{different} of {wanted.size} pixels differ")


USUAL = "file: shapes.gpkg, column: code, type: uint16, background: 0"


def polygons_as_gdal(bench):
    path = write_shapes(bench.folder / "shapes.gpkg", polygons(150, 1))
    for touched in (False, True):
        wanted = by_gdal(path, touched)
        bench.expect(0.1 < (wanted > 0).mean() < 0.999, "shapes cover a part", (wanted > 0).mean())
        for tile in (600, 64):
            got = run(bench, USUAL + (", all_touched: true" if touched else ""), tile, f"out{tile}{touched}")
            expect_same(bench, got, wanted, f"all_touched {touched}, tiles of {tile}")


def rules_as_gdal(bench):
    path = write_shapes(bench.folder / "shapes.gpkg", polygons(120, 2))
    expect_same(bench, run(bench, USUAL + ", overlap: first", 200, "first"), by_gdal(path, order=-1), "first is last backwards")
    expect_same(bench, run(bench, USUAL + ", overlap: sum", 200, "sum"), by_gdal(path, add=True), "sum")
    expect_same(bench, run(bench, USUAL + ", overlap: count", 200, "count"), by_gdal(path, add=True, one=True), "count")


def lines_and_points_as_gdal(bench):
    path = write_shapes(bench.folder / "shapes.gpkg", lines_and_points(40, 3))
    for touched in (False, True):
        got = run(bench, USUAL + (", all_touched: true" if touched else ""), 600, f"out{touched}")
        expect_same(bench, got, by_gdal(path, touched), f"all_touched {touched}")
        expect_same(bench, run(bench, USUAL + (", all_touched: true" if touched else ""), 48, f"tiles{touched}"), got, "tiles and the whole")


def other_crs_as_gdal(bench):
    for epsg, driver, name in ((4326, "GeoJSON", "shapes.geojson"), (3857, "ESRI Shapefile", "shapes.shp")):
        path = write_shapes(bench.folder / name, polygons(60, 4), epsg, driver)
        got = run(bench, f"file: {name}, column: code, type: uint16, background: 0", 256, f"out{epsg}")
        expect_same(bench, got, by_gdal(path), f"EPSG:{epsg}")


def as_rasterio(bench):
    if not VENV_PYTHON.exists():
        return bench.expect(True, "the Python environment of the tests is absent")
    path = write_shapes(bench.folder / "shapes.gpkg", polygons(80, 5))
    source = ogr.Open(str(path))  # layers live as long as it
    features = [(json.loads(each.GetGeometryRef().ExportToJson(options=["COORDINATE_PRECISION=15"])), each["code"]) for each in source.GetLayer(0)]
    transform = [scenes.PIXEL, 0, scenes.ORIGIN[0], 0, -scenes.PIXEL, scenes.ORIGIN[1]]
    (bench.folder / "ask.json").write_text(json.dumps([features, *SIZE, transform, False, str(bench.folder / "burned.npy")]))
    subprocess.run([str(VENV_PYTHON), "-c", RASTERIO, str(bench.folder / "ask.json")], check=True)
    expect_same(bench, run(bench, USUAL, 128, "out"), numpy.load(bench.folder / "burned.npy"), "rasterio")


def resumes_by_tile(bench):
    shapes = ["POLYGON ((500000 5000000, 500100 5000000, 500100 4999900, 500000 5000000))",
              "POLYGON ((504500 4995500, 504600 4995500, 504600 4995400, 504500 4995500))"]
    path = write_shapes(bench.folder / "shapes.gpkg", shapes)
    run(bench, USUAL, 200, "out")
    path.unlink()
    write_shapes(path, [shapes[0], shapes[1].replace("504600", "504700")])
    again = bench.run(bench.folder / "out.yaml").steps()["labels"]
    bench.expect_equal((again["done"], again["unchanged"]), (1, 8), "the tile whose shape moved is made again")
    other = bench.folder / "elsewhere.gpkg"
    path.rename(other)
    moved = bench.folder / "out.yaml"
    moved.write_text(moved.read_text().replace("shapes.gpkg", "elsewhere.gpkg"))
    bench.expect_equal(bench.run(moved).steps()["labels"]["done"], 0, "another name of the file changes nothing")


def refusals(bench):
    write_shapes(bench.folder / "shapes.gpkg", polygons(3, 6))
    for parameters, word in (("file: nowhere.gpkg", "nowhere.gpkg"), ("file: shapes.gpkg, column: cod", "did you mean 'code'"),
                             ("file: shapes.gpkg, value: 300", "not a value of uint8"), ("file: shapes.gpkg, overlap: most", "overlap"),
                             ("file: shapes.gpkg, column: code, value: 1", "exclude each other")):
        document = bench.document(f"""geoloom: 1
name: shapes
store: out
area: {{grid: {{crs: "EPSG:32631", origin: [500000, 5000000], resolution: 10, size: [100, 100]}}, tiles: 50 px}}
steps:
  labels: {{over: tiles, do: [{{rasterize: {{{parameters}}}}}, {{save: labels}}]}}
""")
        outcome = bench.call("plan", document)
        bench.expect(outcome.code in (2, 5) and word in outcome.err, f"{parameters}", outcome)


TESTS = [polygons_as_gdal, rules_as_gdal, lines_and_points_as_gdal, other_crs_as_gdal, as_rasterio, resumes_by_tile, refusals]

if __name__ == "__main__":
    sys.exit(main(TESTS, __doc__))
