#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Masks from polygons and from conditions on bands: against GDAL and NumPy, tiles against the whole.

    masks_test.py GEOLOOM [--only TEST]...
"""
import json
import sys

import numpy
from osgeo import gdal, ogr, osr

import documents
import scenes
from program import main

SIZE = (300, 280)
NODATA = 0


def scene(folder):
    columns, rows = SIZE
    x, y = numpy.meshgrid(numpy.arange(columns), numpy.arange(rows))
    red = 3000 + 900 * numpy.sin(x / 31) + 700 * numpy.cos(y / 27)
    nir = 4000 + 1500 * numpy.sin((x + y) / 19)
    pixels = numpy.stack([red, nir]).astype(numpy.uint16)
    pixels[:, 100:130, 60:90] = NODATA
    scenes.write_raster(folder / "S2_20180503_B.tif", pixels, names=("red", "nir"), nodata=NODATA)
    return pixels


def reference_of(epsg):
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(epsg)
    reference.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    return reference


def shapes(seed=3, count=12):
    """Stars and boxes with holes, on the scene's map."""
    random = numpy.random.Generator(numpy.random.PCG64(seed))
    wide, high = SIZE[0] * scenes.PIXEL, SIZE[1] * scenes.PIXEL
    out = []
    for number in range(count):
        x, y = scenes.ORIGIN[0] + random.uniform(-0.1, 1.1) * wide, scenes.ORIGIN[1] - random.uniform(-0.1, 1.1) * high
        angles = numpy.sort(random.uniform(0, 2 * numpy.pi, 12))
        radii = random.uniform(80, 400, 12)
        ring = [(x + r * numpy.cos(a), y + r * numpy.sin(a)) for a, r in zip(angles, radii, strict=True)]
        rings = [ring + ring[:1]]
        if number % 3 == 0:
            hole = [(x + 0.2 * (px - x), y + 0.2 * (py - y)) for px, py in ring]
            rings.append(hole + hole[:1])
        out.append(rings)
    return out


def write_geojson(path, polygons):
    """In degrees, as GeoJSON is."""
    to_degrees = osr.CoordinateTransformation(reference_of(scenes.EPSG), reference_of(4326))
    features = []
    for number, rings in enumerate(polygons):
        there = [[to_degrees.TransformPoint(*point)[:2] for point in ring] for ring in rings]
        features.append({"type": "Feature", "properties": {"kind": "water" if number % 2 else "field"},
                         "geometry": {"type": "Polygon", "coordinates": there}})
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))


def burnt_by_gdal(path, where=None, buffer_m=0.0, rim=0):
    """GDAL's pixels inside of the shapes: those whose centres are. With a rim of pixels around the area."""
    grid = gdal.GetDriverByName("MEM").Create("", SIZE[0] + 2 * rim, SIZE[1] + 2 * rim, 1, gdal.GDT_Byte)
    grid.SetGeoTransform((scenes.ORIGIN[0] - rim * scenes.PIXEL, scenes.PIXEL, 0, scenes.ORIGIN[1] + rim * scenes.PIXEL, 0, -scenes.PIXEL))
    grid.SetProjection(reference_of(scenes.EPSG).ExportToWkt())
    dataset = gdal.OpenEx(str(path), gdal.OF_VECTOR)
    source = dataset.GetLayer(0)
    source.SetAttributeFilter(where)
    to_map = osr.CoordinateTransformation(reference_of(4326), reference_of(scenes.EPSG))
    memory = ogr.GetDriverByName("Memory").CreateDataSource("")
    layer = memory.CreateLayer("shapes", reference_of(scenes.EPSG))
    for feature in source:
        shape = feature.GetGeometryRef().Clone()
        shape.Transform(to_map)
        burnt = ogr.Feature(layer.GetLayerDefn())
        burnt.SetGeometry(shape.Buffer(buffer_m, 16) if buffer_m else shape)
        layer.CreateFeature(burnt)
    gdal.RasterizeLayer(grid, [1], layer, burn_values=[1])
    return grid.ReadAsArray() > 0


def dilated(mask, radius):
    """Set where a set pixel is at most so many pixels away; nothing is set beyond the array."""
    out = numpy.zeros_like(mask)
    rows, columns = mask.shape
    for dy in range(-radius, radius + 1):
        for dx in range(-radius, radius + 1):
            if dx * dx + dy * dy > radius * radius:
                continue
            out[max(0, dy):rows + min(0, dy), max(0, dx):columns + min(0, dx)] |= \
                mask[max(0, -dy):rows + min(0, -dy), max(0, -dx):columns + min(0, -dx)]
    return out


def eroded(mask, radius):
    """With nothing set beyond the array."""
    wide = numpy.pad(mask, radius)
    return ~dilated(~numpy.pad(wide, radius), radius)[2 * radius:-2 * radius, 2 * radius:-2 * radius]


def opened_then_dilated(mask, opening, radius):
    return dilated(dilated(eroded(mask, opening), opening), radius)


def document(tile, mask, area="same_grid_as: S2_20180503_B.tif"):
    return documents.masked(tile, f"scenes: S2_20180503_B.tif, mask: {mask}", area)


def masked(bench, tile, mask, name, **more):
    outcome = bench.run(bench.document(document(tile, mask, **more)), "-p", f"results={name}")
    if outcome.code != 0:
        raise AssertionError(outcome)
    return scenes.read_masked(bench.folder / name / "map.tif")


def equal_in_tiles(bench, mask, name):
    """The map of one tile, after a look at those of many."""
    result = masked(bench, 1024, mask, f"{name}_whole")
    masked(bench, 37, mask, f"{name}_tiles")
    bench.expect_equal((bench.folder / f"{name}_tiles" / "map.tif").read_bytes(), (bench.folder / f"{name}_whole" / "map.tif").read_bytes(),
                       f"{name}: tiles are the whole, byte for byte")
    return result


def polygons_against_gdal(bench):
    pixels = scene(bench.folder)
    path = bench.folder / "shapes.geojson"
    write_geojson(path, shapes())
    seen = pixels[0] != NODATA
    for name, keys, truth in (
            ("outside", "", ~burnt_by_gdal(path)),
            ("inside", ", keep: inside", burnt_by_gdal(path)),
            ("some", ", where: \"kind = 'water'\"", ~burnt_by_gdal(path, "kind = 'water'")),
            ("grown", ", buffer: 35 m", ~burnt_by_gdal(path, buffer_m=35.0))):
        got, valid = equal_in_tiles(bench, "{vector: {file: shapes.geojson" + keys + "}}", name)
        bench.expect_equal(int((valid[0] != (truth & seen)).sum()), 0, f"{name}: the pixels that GDAL burns")
        bench.expect((got[:, truth & seen] == pixels[:, truth & seen]).all(), f"{name}: values are left as they are")
        bench.expect(0 < int(valid[0].sum()) < int(seen.sum()), f"{name}: some pixels are masked")


def polygons_are_part_of_what_results_are_made_of(bench):
    scene(bench.folder)
    write_geojson(bench.folder / "shapes.geojson", shapes())
    text = document(64, "{vector: shapes.geojson}")
    made = [bench.run(bench.document(text)).steps()["pixels"]["done"]]
    made.append(bench.run(bench.document(text)).steps()["pixels"]["done"])
    write_geojson(bench.folder / "shapes.geojson", shapes(seed=4))
    made.append(bench.run(bench.document(text)).steps()["pixels"]["done"])
    bench.expect(made[0] > 0 and made[1] == 0 and made[2] == made[0], "other shapes make results again, the same ones do not", str(made))


def conditions_against_numpy(bench):
    pixels = scene(bench.folder)
    seen = pixels[0] != NODATA
    red, nir = pixels.astype(numpy.float64)
    with numpy.errstate(invalid="ignore", divide="ignore"):
        index = (nir - red) / (nir + red)
        truth = {"(nir - red) / (nir + red) > 0.1 and not red < 2500": (index > 0.1) & ~(red < 2500),
                 "max(red, nir) >= 4200 or sqrt(abs(nir - red)) < 3.5": (numpy.maximum(red, nir) >= 4200) | (numpy.sqrt(abs(nir - red)) < 3.5)}
    for number, (text, holds) in enumerate(truth.items()):
        _, valid = equal_in_tiles(bench, f"{{expression: {text}}}" if "," not in text else f"{{expression: '{text}'}}", f"condition{number}")
        bench.expect_equal(int((valid[0] != (seen & ~holds)).sum()), 0, f"{text}: as NumPy says")


CLEAN = ", clean: [{open: 30 m}, {dilate: 7 px}]"


def part_of_the_area(bench, mask, name, whole):
    """An area that is a part of the scene gives the pixels that the whole scene gives there."""
    left, top, columns, rows = 70, 90, 110, 95
    corner = (scenes.ORIGIN[0] + left * scenes.PIXEL, scenes.ORIGIN[1] - top * scenes.PIXEL)
    area = f"grid: {{crs: 'EPSG:{scenes.EPSG}', origin: [{corner[0]}, {corner[1]}], resolution: {scenes.PIXEL}, size: [{columns}, {rows}]}}"
    _, valid = masked(bench, 41, mask, f"{name}_part", area=area)
    bench.expect_equal(int((valid[0] != whole[top:top + rows, left:left + columns]).sum()), 0, f"{name}: what lies beyond the area counts")


def cleaned_polygons_against_numpy(bench):
    pixels = scene(bench.folder)
    path = bench.folder / "shapes.geojson"
    write_geojson(path, shapes())
    seen, rim = pixels[0] != NODATA, 40
    inside = burnt_by_gdal(path, rim=rim)
    for name, keys, mask in (("outside", "", inside), ("inside", ", keep: inside", ~inside)):
        grown = opened_then_dilated(mask, 3, 7)[rim:-rim, rim:-rim]
        rule = "{vector: {file: shapes.geojson" + keys + "}" + CLEAN + "}"
        _, valid = equal_in_tiles(bench, rule, name)
        bench.expect_equal(int((valid[0] != (seen & ~grown)).sum()), 0, f"{name}: cleaned as NumPy does")
        bench.expect(0 < int((grown != mask[rim:-rim, rim:-rim]).sum()), f"{name}: cleaning changes something")
        part_of_the_area(bench, rule, name, valid[0])


def cleaned_conditions_against_numpy(bench):
    pixels = scene(bench.folder)
    seen = pixels[0] != NODATA
    red, nir = pixels.astype(numpy.float64)
    bright, dark = (red > 4200) & seen, (nir < 2700) & seen  # what is not seen neither holds nor grows
    truth = seen & ~opened_then_dilated(bright, 3, 7) & ~dilated(dark, 4)
    rule = "[{expression: red > 4200" + CLEAN + "}, {expression: nir < 2700, clean: {dilate: 40 m}}]"
    _, valid = equal_in_tiles(bench, rule, "cleaned")
    bench.expect_equal(int((valid[0] != truth).sum()), 0, "cleaned as NumPy does")
    bench.expect(0 < int(valid[0].sum()) < int((seen & ~bright & ~dark).sum()), "conditions grow")
    part_of_the_area(bench, rule, "cleaned", valid[0])
    row, column = numpy.argwhere(seen & ~truth & ~bright & ~dark)[0]
    outcome = bench.call("pixel", scenes.lon_lat_of(column, row), bench.document(document(1024, rule)))
    bench.expect(outcome.code == 0 and "near pixels masked by" in outcome.out, "why a pixel went", outcome)


TESTS = [cleaned_polygons_against_numpy, cleaned_conditions_against_numpy, polygons_against_gdal, polygons_are_part_of_what_results_are_made_of, conditions_against_numpy]

if __name__ == "__main__":
    sys.exit(main(TESTS, __doc__))
