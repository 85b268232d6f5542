#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Finished maps of classes, judged by GDAL and rasterio: names of classes in files, polygons, sieving, areas.

    class_maps_test.py GEOLOOM [--only TEST]...
"""
import json
import re
import subprocess
import sys

import numpy
from osgeo import gdal, ogr, osr

import scenes
from program import VENV_PYTHON, main

gdal.UseExceptions()
ogr.UseExceptions()
SIZE = (150, 130)


def random_classes(size, seed, classes=4, side=5):
    """Patches of classes 0 .. classes - 1, frayed at their edges."""
    random = numpy.random.Generator(numpy.random.PCG64(seed))
    coarse = random.integers(0, classes, (size[1] // side + 1, size[0] // side + 1), numpy.uint8)
    pixels = coarse.repeat(side, axis=0).repeat(side, axis=1)[: size[1], : size[0]]
    frayed = random.random(pixels.shape) < 0.15
    return numpy.where(frayed, random.integers(0, classes, pixels.shape, numpy.uint8), pixels).astype(numpy.uint8)


def write_map(path, classes, nodata=255, **options):
    scenes.write_raster(path, classes[None], names=["class"], nodata=nodata, **options)
    return classes


# ---------------------------------------------------------------------------------------------
# Names of classes

NAMES = {0: "bare & rock", 1: "Feld <gepflügt>", 3: "open water"}
NAMED = """geoloom: 1
name: named
params: {water: open water}
store: out
area: {same_grid_as: scenes, tiles: 64 px}
steps:
  cover:
    over: tiles
    do:
      - load: {scenes: scenes, kind: category}
      - reclass: {rules: [{is: 0, value: 0}, {is: 1, value: 1}, {is: 2, value: 2}, {is: 3, value: 3}],
                  classes: {0: bare & rock, 1: "Feld <gepflügt>", 3: $water}, as: cover}
      - majority: {radius: 1, from: cover, as: smooth}
      - exclude: {from: smooth, rules: [{when: class == 2, reason: too steep}, {when: class == 9}], as: cleaned}
      - save: {layer: cover, from: cleaned, bands: [class], nodata: 255, colours: {1: "#228b22"}}
      - save: {layer: reasons, from: cleaned, bands: [reason]}
  maps:
    do:
      - mosaic: {layer: cover, as: cover_map}
      - sieve: {layer: cover, smallest: 4, as: sieved}
      - class_areas: {layer: sieved, as: areas}
"""


def categories(path):
    """As GDAL, and QGIS through it, have them: by the list of categories and by the attribute table."""
    dataset = gdal.Open(str(path))  # bands do not keep it
    band = dataset.GetRasterBand(1)
    # GDAL 3.6's Python does not give them.
    listed = {int(value): name for value, name in re.findall(r"^ {6}(\d+): (.+)$", gdal.Info(dataset), re.MULTILINE)}
    table = band.GetDefaultRAT()
    if table is None:
        return listed, {}
    columns = {table.GetUsageOfCol(column): column for column in range(table.GetColumnCount())}
    rows = {table.GetValueAsInt(row, columns[gdal.GFU_MinMax]): table.GetValueAsString(row, columns[gdal.GFU_Name])
            for row in range(table.GetRowCount())}
    return listed, rows


def green_of(path, value):
    dataset = gdal.Open(str(path))
    table = dataset.GetRasterBand(1).GetDefaultRAT()
    green = table.GetColOfUsage(gdal.GFU_Green)
    return next(table.GetValueAsInt(row, green) for row in range(table.GetRowCount()) if table.GetValueAsInt(row, 0) == value)


def names_are_in_files(bench):
    write_map(bench.folder / "scenes" / "map_20200101.tif", random_classes(SIZE, 1))
    document = bench.document(NAMED)
    bench.run(document)
    out = bench.folder / "out"
    tile = sorted((out / "layers" / "cover").glob("0_0-*.tif"))[0]
    for what, path in (("a tile", tile), ("the map", out / "cover_map.tif"), ("the sieved map", out / "sieved.tif")):
        bench.expect_equal(categories(path), (NAMES, NAMES), f"names in {what}")
        told = bench.call("inspect", path, "--json").json()
        bench.expect_equal(told[0]["bands"][0]["class_names"] if isinstance(told, list) else told["bands"][0]["class_names"],
                           {str(value): name for value, name in NAMES.items()}, f"what inspect tells of {what}")
        dataset = gdal.Open(str(path))
        bench.expect_equal(dataset.GetRasterBand(1).GetMetadataItem("CLASS_NAMES"),
                           json.dumps({str(value): name for value, name in NAMES.items()}, separators=(",", ":"), ensure_ascii=False),
                           f"the item in {what}")
    bench.expect_equal(green_of(tile, 1), 0x8B, "colours stand in the table too")
    reasons = sorted((out / "layers" / "reasons").glob("0_0-*.tif"))[0]
    bench.expect_equal(categories(reasons)[1], {0: "kept", 1: "too steep", 2: "class == 9"}, "reasons are words")
    listed = json.loads((out / "layers" / "cover" / "items.json").read_text())["features"][0]
    band = listed["assets"]["cover"]["bands"][0]
    bench.expect_equal([(each["value"], each["title"]) for each in band["classification:classes"]], list(NAMES.items()), "STAC")
    areas = json.loads((out / "areas.json").read_text())
    bench.expect("open water" in json.dumps(areas), "areas are called by the names that the map carries", areas)


def other_names_make_files_again(bench):
    write_map(bench.folder / "scenes" / "map_20200101.tif", random_classes(SIZE, 1))
    document = bench.document(NAMED)
    bench.run(document)
    bench.run(document, "-p", "water=lakes")
    out = bench.folder / "out"
    bench.expect_equal(categories(out / "cover_map.tif")[1][3], "lakes", "the new name, beside the new map")
    for path in sorted((out / "layers" / "cover").glob("*.tif")):
        bench.expect(path.with_name(path.name + ".aux.xml").exists(), "each file has its own beside it", path)


def names_of_scenes_are_read(bench):
    write_map(bench.folder / "scenes" / "map_20200101.tif", random_classes(SIZE, 1))
    bench.run(bench.document(NAMED))
    document = bench.document("""geoloom: 1
name: again
store: again
area: {same_grid_as: out/cover_map.tif}
steps:
  all:
    do: [{load: {scenes: out/cover_map.tif}}, {save: taken}]
""", "again.yaml")
    # A second file beside a scene is not looked at: anybody could have put it there.
    (bench.folder / "out" / "cover_map.tif.aux.xml").unlink()
    bench.run(document)
    bench.expect_equal(categories(bench.folder / "again" / "taken.tif")[1], NAMES, "names come along from the scene's own metadata")


def cleaning_takes_what_is_beside(bench):
    write_map(bench.folder / "scenes" / "map_20200101.tif", random_classes(SIZE, 1))
    bench.run(bench.document(NAMED))
    out = bench.folder / "out"
    bench.expect(list(out.rglob("*.aux.xml")), "there are some")
    orphans = bench.call("runs", "clean", "--store", out, "--json", "--orphans", "--older-than", "0").json()
    bench.expect_equal(orphans["files"], [], "they are nobody's orphans")
    cleaned = bench.call("runs", "clean", "--store", out, "--json", "--all", "--yes")
    bench.expect_equal(cleaned.code, 0, "cleaning")
    bench.expect_equal(list(out.rglob("*.aux.xml")), [], "they go with their files")


# ---------------------------------------------------------------------------------------------
# Polygons

POLYGONS = """geoloom: 1
name: polygons
params: {tile: 64}
store: out
area: {same_grid_as: scenes, tiles: "${tile} px"}
steps:
  map:
    over: tiles
    do: [{load: {scenes: scenes, kind: category}}, {save: {layer: map, nodata: 255}}]
  whole:
    do:
      - mosaic: {layer: map, as: whole}
      - vectorise: {layer: map, as: edges}
      - vectorise: {layer: map, touch: corners, as: corners}
      - vectorise: {layer: map, format: geojson, as: lon_lat}
      - vectorise: {layer: map, format: flatgeobuf, as: flat}
"""


def random_map(bench, seed, size=SIZE, hole=True):
    classes = random_classes(size, seed)
    if hole:
        classes[20:40, 30:70] = 255
    return write_map(bench.folder / "scenes" / "map_20200101.tif", classes)


def features_of(path):
    dataset = ogr.Open(str(path))
    return [(feature["class"], feature["pixels"], feature["area_ha"], feature["name"], feature.GetGeometryRef().Clone())
            for feature in dataset.GetLayer(0)]


def polygonised(path, corners):
    """What GDAL makes of the same map: class and area of each polygon."""
    dataset = gdal.Open(str(path))
    band = dataset.GetRasterBand(1)
    store = ogr.GetDriverByName("Memory").CreateDataSource("")
    layer = store.CreateLayer("out", None, ogr.wkbPolygon)
    layer.CreateField(ogr.FieldDefn("class", ogr.OFTInteger))
    gdal.Polygonize(band, band.GetMaskBand(), layer, 0, ["8CONNECTED=8"] if corners else [])
    return [(feature["class"], feature.GetGeometryRef().Clone()) for feature in layer]


RASTERIO_SHAPES = """
import json, sys
import rasterio, rasterio.features
with rasterio.open(sys.argv[1]) as file:
    shapes = rasterio.features.shapes(file.read(1), mask=file.read_masks(1) != 0, connectivity=int(sys.argv[2]), transform=file.transform)
    print(json.dumps([[value, shape] for shape, value in shapes]))
"""


def shapes_of_rasterio(path, connectivity):
    told = subprocess.run([VENV_PYTHON, "-c", RASTERIO_SHAPES, path, str(connectivity)], capture_output=True, text=True, check=True).stdout
    return [(int(value), ogr.CreateGeometryFromJson(json.dumps(shape))) for value, shape in json.loads(told)]


def burned(path, like):
    """The polygons as pixels of the map's grid; 255 where there are none."""
    source = gdal.Open(str(like))
    target = gdal.GetDriverByName("MEM").Create("", source.RasterXSize, source.RasterYSize, 1, gdal.GDT_Byte)
    target.SetGeoTransform(source.GetGeoTransform())
    target.SetProjection(source.GetProjection())
    target.GetRasterBand(1).Fill(255)
    dataset = ogr.Open(str(path))
    gdal.RasterizeLayer(target, [1], dataset.GetLayer(0), options=["ATTRIBUTE=class"])
    return target.ReadAsArray()


def key(value, shape):
    box = shape.GetEnvelope()
    return value, *(round(edge, 3) for edge in box), round(shape.Area(), 3)


def polygons_are_those_of_others(bench):
    for seed in (1, 2, 3):
        classes = random_map(bench, seed)
        bench.run(bench.document(POLYGONS))
        out = bench.folder / "out"
        for name, corners in (("edges", False), ("corners", True)):
            ours = features_of(out / f"{name}.gpkg")
            bench.expect(all(shape.IsValid() for *_, shape in ours), f"{name}: all shapes are valid")
            mine = sorted(key(value, shape) for value, _, _, _, shape in ours)
            for judge, theirs in (("gdal", polygonised(out / "whole.tif", corners)),
                                  ("rasterio", shapes_of_rasterio(out / "whole.tif", 8 if corners else 4))):
                bench.expect_equal(mine, sorted(key(*each) for each in theirs), f"{name}: class, box and area as {judge} has them")
            bench.expect(numpy.array_equal(burned(out / f"{name}.gpkg", out / "whole.tif"), classes), f"{name}: burnt back they are the map")
            bench.expect_equal(sum(pixels for _, pixels, *_ in ours), int((classes != 255).sum()), f"{name}: pixels")


def shapes_are_those_of_gdal(bench):
    """Not only box and area: the same sets of points."""
    random_map(bench, 4, (60, 50), hole=False)
    bench.run(bench.document(POLYGONS))
    out = bench.folder / "out"
    theirs = {key(value, shape): shape for value, shape in polygonised(out / "whole.tif", False)}
    different = [value for value, _, _, _, shape in features_of(out / "edges.gpkg") if shape.SymDifference(theirs[key(value, shape)]).Area() > 0]
    bench.expect_equal(different, [], "shapes")


def polygons_do_not_depend_on_tiles(bench):
    random_map(bench, 5)
    told = {}
    for tile in (32, 64, 150):
        bench.run(bench.document(POLYGONS), "-p", f"tile={tile}")
        told[tile] = [(*rest, shape.ExportToWkt()) for *rest, shape in features_of(bench.folder / "out" / "edges.gpkg")]
    bench.expect(told[32] == told[64] == told[150], "polygons of tiles of any size are those of the whole map")
    digests = set()
    for threads in (1, 4):
        bench.run(bench.document(POLYGONS.replace("store: out", f"store: out{threads}")), "--threads", threads)
        digests.add(tuple((bench.folder / f"out{threads}" / name).read_bytes() for name in ("edges.gpkg", "lon_lat.geojson", "flat.fgb")))
    bench.expect_equal(len(digests), 1, "the same bytes for any number of threads")


def formats_and_areas(bench):
    random_map(bench, 6)
    bench.run(bench.document(POLYGONS.replace("  whole:\n    do:", "  whole:\n    do:\n      - class_areas: {layer: map, as: areas}")))
    out = bench.folder / "out"
    ours = features_of(out / "edges.gpkg")
    lon_lat, flat = features_of(out / "lon_lat.geojson"), features_of(out / "flat.fgb")
    def columns(features):
        return sorted((value, pixels, round(hectares, 9)) for value, pixels, hectares, *_ in features)
    bench.expect_equal(columns(lon_lat), columns(ours), "columns of GeoJSON")
    bench.expect_equal(columns(flat), columns(ours), "columns of FlatGeobuf")
    there = osr.SpatialReference()
    there.ImportFromEPSG(scenes.EPSG)
    there.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    degrees = osr.SpatialReference()
    degrees.ImportFromEPSG(4326)
    degrees.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    way = osr.CoordinateTransformation(there, degrees)
    worst = 0
    for (*_, here), (*_, shape) in zip(ours, lon_lat):
        here.Transform(way)
        worst = max(worst, max(abs(a - b) for a, b in zip(here.GetEnvelope(), shape.GetEnvelope())))
    bench.expect(worst < 1e-6, "GeoJSON lies where the map does", worst)
    told = json.loads((out / "areas.json").read_text())["matrices"]["mapped_hectares"]
    sums = {}
    for value, _, hectares, *_ in ours:
        sums[str(value)] = sums.get(str(value), 0) + hectares
    for name, wanted in zip(told["columns"], told["values"]):
        bench.expect(abs(sums[name] - wanted) < 1e-9 * wanted, "areas are those of class_areas", (name, sums[name], wanted))


# ---------------------------------------------------------------------------------------------
# Sieving

SIEVED = """geoloom: 1
name: sieved
store: out
area: {same_grid_as: scenes, tiles: 64 px}
steps:
  map:
    over: tiles
    do: [{load: {scenes: scenes, kind: category}}, {save: {layer: map, nodata: 255}}]
  whole:
    do:
      - mosaic: {layer: map, as: whole}
"""


def sieved_by_gdal(path, smallest, corners):
    dataset = gdal.Open(str(path))
    band = dataset.GetRasterBand(1)
    target = gdal.GetDriverByName("MEM").Create("", band.XSize, band.YSize, 1, gdal.GDT_Byte)
    gdal.SieveFilter(band, band.GetMaskBand(), target.GetRasterBand(1), smallest, 8 if corners else 4)
    return target.ReadAsArray()


RASTERIO_SIEVE = """
import sys
import numpy, rasterio, rasterio.features
with rasterio.open(sys.argv[1]) as file:
    numpy.save(sys.argv[4], rasterio.features.sieve(file.read(1), int(sys.argv[2]), mask=file.read_masks(1) != 0, connectivity=int(sys.argv[3])))
"""


def sieved_by_rasterio(bench, path, smallest, corners):
    out = bench.folder / "sieved.npy"
    subprocess.run([VENV_PYTHON, "-c", RASTERIO_SIEVE, path, str(smallest), "8" if corners else "4", out], check=True)
    return numpy.load(out)


def areas_and_neighbours(classes, corners):
    """Labels of areas and, of each, the sizes of its neighbours: by flooding."""
    labels = numpy.full(classes.shape, -1)
    steps = [(-1, 0), (1, 0), (0, -1), (0, 1)] + ([(-1, -1), (-1, 1), (1, -1), (1, 1)] if corners else [])
    sizes = []
    for first in zip(*numpy.nonzero(classes != 255)):
        if labels[first] >= 0:
            continue
        labels[first] = len(sizes)
        stack, size = [first], 0
        while stack:
            y, x = stack.pop()
            size += 1
            for dy, dx in steps:
                at = y + dy, x + dx
                if 0 <= at[0] < classes.shape[0] and 0 <= at[1] < classes.shape[1] and labels[at] < 0 and classes[at] == classes[first]:
                    labels[at] = len(sizes)
                    stack.append(at)
        sizes.append(size)
    neighbours = [set() for _ in sizes]
    for dy, dx in steps:
        for y in range(max(0, -dy), classes.shape[0] - max(0, dy)):
            for x in range(max(0, -dx), classes.shape[1] - max(0, dx)):
                a, b = labels[y, x], labels[y + dy, x + dx]
                if a >= 0 and b >= 0 and a != b:
                    neighbours[a].add(b)
    return labels, sizes, neighbours


def contested(classes, smallest, corners):
    """Pixels of small areas with several equally large largest neighbours: which one takes them over is where rules differ."""
    labels, sizes, neighbours = areas_and_neighbours(classes, corners)
    undecided = []
    for area, beside in enumerate(neighbours):
        largest = max((sizes[other] for other in beside), default=0)
        values = {classes[labels == other][0] for other in beside if sizes[other] == largest}
        undecided.append(sizes[area] < smallest and len(values) > 1)
    return numpy.where(labels >= 0, numpy.array(undecided)[labels], False)


def sieve_is_that_of_gdal(bench):
    classes = random_map(bench, 7, (100, 90))
    document = SIEVED
    for smallest in (2, 5, 20):
        for touch in ("edges", "corners"):
            document += f"      - sieve: {{layer: map, smallest: {smallest}, touch: {touch}, as: {touch}{smallest}}}\n"
    # 5 pixels of 10 m are 500 square metres and 0.05 ha.
    document += "      - sieve: {layer: map, smallest: 500, unit: m2, as: metres}\n      - sieve: {layer: map, smallest: 0.05, unit: ha, as: hectares}\n"
    bench.run(bench.document(document))
    out = bench.folder / "out"
    compared = ties = 0
    for smallest in (2, 5, 20):
        for corners, touch in ((False, "edges"), (True, "corners")):
            ours = scenes.read_raster(out / f"{touch}{smallest}.tif")[0]
            either = contested(classes, smallest, corners)
            for judge, theirs in (("gdal", sieved_by_gdal(out / "whole.tif", smallest, corners)),
                                  ("rasterio", sieved_by_rasterio(bench, out / "whole.tif", smallest, corners))):
                theirs = numpy.where(classes == 255, 255, theirs)
                differ = (ours != theirs) & ~either
                bench.expect_equal(int(differ.sum()), 0, f"{touch}, {smallest} pixels: as {judge} where neighbours differ in size")
            compared += int((ours != classes).sum())
            ties += int(either.sum())
    bench.expect(compared > 4000, "there was something to take over", compared)
    bench.expect(ties < compared / 5, "ties are few", (ties, compared))
    five = scenes.read_raster(out / "edges5.tif")
    for name in ("metres", "hectares"):
        bench.expect(numpy.array_equal(scenes.read_raster(out / f"{name}.tif"), five), f"{name}: the same size in another unit")


# ---------------------------------------------------------------------------------------------
# Areas of maps in several zones

ZONES = """geoloom: 1
name: zones
store: out
area: {aoi: {bbox: [17.985, 47.965, 18.015, 47.985]}, grid: {utm: 1000 m}, resolution: 10 m}
steps:
  map:
    over: tiles
    do:
      - rasterize: {file: classes.geojson, column: code, classes: {1: forest, 2: water}}
      - save: {layer: map, nodata: 255}
  zone:
    over: zones
    do: [{class_areas: {layer: map, as: zone_areas}}]
  whole:
    do:
      - class_areas: {layer: map, as: areas}
      - class_areas: {layer: map, regions: regions.geojson, name: name, as: regions}
      - class_areas: {layer: map, regions: regions.gpkg, name: name, where: "name <> 'middle'", as: some_regions}
      - design: {layer: map, total: 300, minimum: 20, seed: 3, as: sample}
"""
ASSESS = """geoloom: 1
name: assess
store: out
area: {aoi: {bbox: [17.985, 47.965, 18.015, 47.985]}, grid: {utm: 1000 m}, resolution: 10 m}
steps:
  accuracy:
    do: [{assess: {file: labelled.gpkg, as: accuracy}}]
"""
BORDER = 18.004  # between the classes; between the zones it is 18
REGIONS = {"middle": (17.995, 47.970, 18.010, 47.980), "east": (18.006, 47.968, 18.012, 47.976)}
AREA_ON_EARTH = """
import json, sys
from pyproj import Geod
from shapely.geometry import box
from shapely import segmentize
geod = Geod(ellps="WGS84")
print(json.dumps([abs(geod.geometry_area_perimeter(segmentize(box(*each), 0.0005))[0]) / 1e4 for each in json.loads(sys.argv[1])]))
"""


def hectares_of(boxes):
    told = subprocess.run([VENV_PYTHON, "-c", AREA_ON_EARTH, json.dumps(boxes)], capture_output=True, text=True, check=True).stdout
    return json.loads(told)


def write_boxes(path, boxes, column):
    features = [{"type": "Feature", "properties": {column: value}, "geometry": {"type": "Polygon", "coordinates": [
        [[west, south], [east, south], [east, north], [west, north], [west, south]]]}} for value, (west, south, east, north) in boxes]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))


def matrix_of(bench, name, matrix):
    told = json.loads((bench.folder / "out" / f"{name}.json").read_text())["matrices"][matrix]
    width = len(told["columns"])
    return {(row, column): told["values"][r * width + c] for r, row in enumerate(told["rows"]) for c, column in enumerate(told["columns"])}


def zones_are_taken_together(bench):
    write_boxes(bench.folder / "classes.geojson", [(1, (17.9, 47.9, BORDER, 48.1)), (2, (BORDER, 47.9, 18.1, 48.1))], "code")
    write_boxes(bench.folder / "regions.geojson", list(REGIONS.items()), "name")
    gdal.VectorTranslate(str(bench.folder / "regions.gpkg"), str(bench.folder / "regions.geojson"), dstSRS="EPSG:3857")
    bench.run(bench.document(ZONES))
    got = matrix_of(bench, "regions", "mapped_hectares")
    bench.expect_equal(sorted({row for row, _ in got}), ["east", "middle"], "regions")
    west, south, east, north = REGIONS["middle"]
    wanted = hectares_of([(west, south, BORDER, north), (BORDER, south, east, north), REGIONS["east"]])
    for (row, column), hectares in zip((("middle", "forest"), ("middle", "water"), ("east", "water")), wanted):
        bench.expect(abs(got[row, column] - hectares) < 0.003 * hectares, f"{column} in the region {row}, which counts once", (got[row, column], hectares))
    bench.expect_equal(got["east", "forest"], 0, "the other class is not there")
    some = matrix_of(bench, "some_regions", "mapped_hectares")
    bench.expect(abs(some["east", "water"] - got["east", "water"]) < 0.02 * got["east", "water"] and len(some) <= 2, "regions of another CRS, chosen", some)
    whole = matrix_of(bench, "areas", "mapped_hectares")
    zones = sum(sum(matrix_of(bench, f"zone_areas_{zone}", "mapped_hectares").values()) for zone in ("33N", "34N"))
    total = sum(whole.values())
    bench.expect(total < zones, "tiles of the two zones overlap, and what they share counts once", (total, zones))
    pixels = matrix_of(bench, "areas", "mapped_pixels")
    sample = ogr.Open(str(bench.folder / "out" / "sample.gpkg"))
    layer = sample.GetLayer(0)
    drawn = [(feature["stratum"], feature["mapped"], feature.GetGeometryRef().GetX(), feature["probability"]) for feature in layer]
    bench.expect_equal(len(drawn), 300, "one sample")
    bench.expect_equal([each for each in drawn if (each[2] < BORDER) != (each[1] == "forest") and abs(each[2] - BORDER) > 0.0001], [], "points lie where the map says what it says")
    bench.expect(min(each[2] for each in drawn) < 17.995 and max(each[2] for each in drawn) > 18.005, "in both zones")
    for stratum in ("forest", "water"):
        units = [each for each in drawn if each[0] == stratum]
        bench.expect(abs(len(units) / units[0][3] - pixels["all", stratum]) < 1e-6 * pixels["all", stratum], "probabilities are of the whole map's pixels")
    sample = layer = None
    (bench.folder / "labelled.gpkg").write_bytes((bench.folder / "out" / "sample.gpkg").read_bytes())
    labelled = ogr.Open(str(bench.folder / "labelled.gpkg"), 1)
    for feature in labelled.GetLayer(0):
        feature["label"] = feature["mapped"]
        labelled.GetLayer(0).SetFeature(feature)
    labelled = None
    bench.run(bench.document(ASSESS, "assess.yaml"))
    scalars = json.loads((bench.folder / "out" / "accuracy.json").read_text())["scalars"]
    for name in ("forest", "water"):
        told = scalars[f"{name}.hectares"]
        told = told["value"] if isinstance(told, dict) else told
        bench.expect(abs(told - whole["all", name]) < 1e-6 * total, "a map without errors has the areas that it has", (told, whole["all", name]))


TESTS = [names_are_in_files, other_names_make_files_again, names_of_scenes_are_read, cleaning_takes_what_is_beside,
         polygons_are_those_of_others, shapes_are_those_of_gdal, polygons_do_not_depend_on_tiles, formats_and_areas, sieve_is_that_of_gdal, zones_are_taken_together]

if __name__ == "__main__":
    sys.exit(main(TESTS, __doc__))
