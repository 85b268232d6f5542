#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Scenes of another grid: tiles against the whole, pixels against GDAL's warper, masks against NumPy.

    warp_test.py GEOLOOM [--only TEST]...
"""
import json
import pathlib
import re
import sys

import numpy
from osgeo import gdal

import documents
import scenes
from program import main

# The scenes' middle in EPSG:3035, and in EPSG:6933 (equal area, far from square at this latitude).
TARGETS = {"EPSG:3035": (3770700.0, 2474700.0), "EPSG:6933": (289700.0, 5193900.0)}
SIZE = (300, 280)  # of the scene
NODATA = 0


def smooth(size, seed=5):
    """Large values that change by some tens from pixel to pixel: a shift by 1/1024 pixel is less than 1."""
    columns, rows = size
    x, y = numpy.meshgrid(numpy.arange(columns), numpy.arange(rows))
    waves = 3000 + 900 * numpy.sin(x / 31 + seed) + 700 * numpy.cos(y / 27) + 300 * numpy.sin((x + y) / 19)
    return numpy.stack([waves, 6000 - waves]).astype(numpy.uint16)


def clouds(size, seed=8):
    random = numpy.random.Generator(numpy.random.PCG64(seed))
    columns, rows = size[0] // 2, size[1] // 2
    classes = numpy.full((1, rows, columns), 4, numpy.uint8)
    for _ in range(25):
        x, y, radius = random.integers(0, columns), random.integers(0, rows), random.integers(1, 9)
        ys, xs = numpy.ogrid[:rows, :columns]
        classes[0][(xs - x) ** 2 + (ys - y) ** 2 <= radius ** 2] = 9
    return classes


def scene(folder, *, hole=True):
    """An item: red and nir of 10 m with some missing pixels, classes of 20 m."""
    pixels = smooth(SIZE)
    if hole:
        pixels[:, 100:130, 60:90] = NODATA
    scenes.write_raster(folder / "S2_20180503_B.tif", pixels, names=("B04", "B08"), nodata=NODATA)
    scenes.write_raster(folder / "S2_20180503_SCL.tif", clouds(SIZE), pixel=2 * scenes.PIXEL, names=("SCL",))
    item = scenes.item_of("S2_20180503", scenes.day(24), {
        "data": {"href": "./S2_20180503_B.tif", "type": "image/tiff; application=geotiff", "roles": ["data"],
                 "eo:bands": [{"name": "B04", "common_name": "red"}, {"name": "B08", "common_name": "nir"}]},
        "SCL": {"href": "./S2_20180503_SCL.tif", "type": "image/tiff; application=geotiff", "roles": ["data"],
                "eo:bands": [{"name": "SCL"}]}})
    (folder / "items.json").write_text(json.dumps({"type": "FeatureCollection", "features": [item]}))
    return folder / "S2_20180503_B.tif"


def target_grid(folder, crs, pixel, size):
    x, y = TARGETS[crs]
    return scenes.write_raster(folder / "grid.tif", numpy.zeros((1, size[1], size[0]), numpy.uint8),
                               pixel=pixel, origin=(x, y), epsg=int(crs.split(":")[1]))


def document(tile, load):
    return documents.masked(tile, f"scenes: items.json, bands: [red, nir]{load}", "same_grid_as: grid.tif")


def warped(bench, tile, load, name, *arguments):
    outcome = bench.run(bench.document(document(tile, load)), "-p", f"results={name}", *arguments)
    if outcome.code != 0:
        raise AssertionError(outcome)
    return scenes.read_masked(bench.folder / name / "map.tif")


def scale_of(bench, name):
    """Source pixels per target pixel, as the run's record has them."""
    record = next((bench.folder / name).glob("runs/*/run.json")).read_text()
    return json.loads(re.search(r'"scale":\s*(\[[^\]]*,[^\]]*\])', record).group(1))


def by_gdal(source, grid, method, scale=(1, 1)):
    """With kernels as wide as ours: they grow with the scale, but for pixels of about one size."""
    x, y = (1 if along <= 1.05 else 1 / along for along in scale)
    like = gdal.Open(str(grid))
    transform, columns, rows = like.GetGeoTransform(), like.RasterXSize, like.RasterYSize
    bounds = (transform[0], transform[3] + rows * transform[5], transform[0] + columns * transform[1], transform[3])
    out = gdal.Warp("", str(source), format="MEM", dstSRS=like.GetProjection(), outputBounds=bounds, width=columns,
                    height=rows, resampleAlg=method, errorThreshold=0, dstNodata=NODATA, multithread=False,
                    overviewLevel="NONE",
                    warpOptions=["UNIFIED_SRC_NODATA=YES", f"XSCALE={x}", f"YSCALE={y}"])
    pixels = out.ReadAsArray()
    return pixels, pixels != NODATA


def whole_kernels(valid):
    """Pixels that are three away from any that is not valid, and from the edge."""
    return numpy.stack([disk_eroded(band, 3) for band in valid])


def tiles_equal_the_whole(bench):
    scene(bench.folder)
    mask = ", mask: {band: SCL, drop: 9, clean: [{open: 30 m}, {dilate: 100 m}]}"
    for crs, pixel in (("EPSG:3035", 10), ("EPSG:6933", 10), ("EPSG:3035", 35)):
        target_grid(bench.folder, crs, pixel, (230, 210))
        for method in ("nearest", "bilinear", "cubic", "average", "mode"):
            name = f"{crs[5:]}_{pixel}_{method}"
            load = f", resampling: {method}{mask}"
            whole, valid = warped(bench, 256, load, name + "_whole")
            bench.expect(valid.any() and not valid.all(), f"{name}: some pixels are valid")
            for tile, memory in ((64, "1G"), (48, "300M")):
                part, part_valid = warped(bench, tile, load, f"{name}_{tile}", "--memory", memory)
                bench.expect(numpy.array_equal(whole, part) and numpy.array_equal(valid, part_valid),
                             f"{name}: tiles of {tile}", f"{(whole != part).sum()} pixels differ")


def pixels_against_gdal(bench):
    """Nearest pixel by pixel; the others within 1 where both are valid. Where a kernel reaches beyond the image or over
    missing pixels GDAL has another rule: it asks for the pixel under the centre, not for half of the weight."""
    source = scene(bench.folder)
    for crs in TARGETS:
        grid = target_grid(bench.folder, crs, 10, (230, 210))
        for method in ("nearest", "bilinear", "cubic"):
            pixels, valid = warped(bench, 128, f", resampling: {method}", f"{crs[5:]}_{method}")
            wanted, there = by_gdal(source, grid, method, scale_of(bench, f"{crs[5:]}_{method}"))
            both = whole_kernels(valid & there) if method != "nearest" else valid & there
            bench.expect(both.mean() > 0.5, f"{crs} {method}: most is valid", both.mean())
            difference = numpy.abs(pixels.astype(int) - wanted.astype(int))[both]
            if method == "nearest":
                bench.expect_equal((int(difference.max()), int((valid != there).sum())), (0, 0), f"{crs} nearest")
            else:
                bench.expect(difference.max() <= 1, f"{crs} {method} within 1", difference.max())
                bench.expect((valid != there).mean() < 0.01, f"{crs} {method} validity", (valid != there).mean())


def means_against_gdal(bench):
    """Pixels four times as large. Where axes are parallel GDAL averages the same box; where they are not, it takes the
    box around the pixel's corners, which is larger than the pixel."""
    source = scene(bench.folder, hole=False)
    origin = (scenes.ORIGIN[0] + 15, scenes.ORIGIN[1] - 15)
    grids = [(scenes.write_raster(bench.folder / "grid.tif", numpy.zeros((1, 46, 50), numpy.uint8), pixel=40, origin=origin), 1)]
    for name in ("parallel", "rotated"):
        if name == "rotated":
            grids.append((target_grid(bench.folder, "EPSG:3035", 40, (50, 46)), 4))
        grid, bound = grids[-1]
        pixels, valid = warped(bench, 32, "", f"{name}_default")
        asked, _ = warped(bench, 32, ", resampling: average", f"{name}_average")
        bench.expect(numpy.array_equal(pixels, asked), f"{name}: smaller pixels are averaged by default")
        wanted, there = by_gdal(source, grid, "average")
        inner = whole_kernels(valid & there)
        difference = numpy.abs(pixels.astype(int) - wanted.astype(int))[inner]
        bench.expect(inner.mean() > 0.5 and difference.max() <= bound, f"{name}: means within {bound}", difference.max())


def disk_dilated(mask, radius):
    out = numpy.zeros_like(mask)
    rows, columns = mask.shape
    for dy in range(-radius, radius + 1):
        for dx in range(-radius, radius + 1):
            if dx * dx + dy * dy <= radius * radius:
                out[max(0, dy):rows + min(0, dy), max(0, dx):columns + min(0, dx)] |= \
                    mask[max(0, -dy):rows + min(0, -dy), max(0, -dx):columns + min(0, -dx)]
    return out


def disk_eroded(mask, radius):
    padded = numpy.pad(~mask, radius, constant_values=True)
    return ~disk_dilated(padded, radius)[radius:-radius, radius:-radius]


def masks_against_numpy(bench):
    """Opened by 40 m and grown by 100 m: 2 and 5 pixels of the mask."""
    source = scene(bench.folder, hole=False)
    pathlib.Path(bench.folder / "grid.tif").write_bytes(source.read_bytes())
    cloud = clouds(SIZE)[0] == 9
    cleaned = disk_dilated(disk_dilated(disk_eroded(cloud, 2), 2), 5)
    wanted = ~cleaned.repeat(2, axis=0).repeat(2, axis=1)
    for tile in (300, 64):
        load = ", mask: [{band: SCL, drop: 9, clean: [{open: 40 m}, {dilate: 100 m}]}]"
        _, valid = warped(bench, tile, load, f"cleaned_{tile}")
        bench.expect(numpy.array_equal(valid[0], wanted), f"tiles of {tile}", (valid[0] != wanted).sum())
    _, valid = warped(bench, 128, ", mask: [{band: SCL, drop: 9}, {band: red, above: 3500}]", "ranges")
    plain = ~cloud.repeat(2, axis=0).repeat(2, axis=1) & (smooth(SIZE)[0] <= 3500)
    bench.expect(numpy.array_equal(valid[0], plain), "classes and a range")


def every_pixel_has_a_reason(bench):
    scene(bench.folder)
    grid = target_grid(bench.folder, "EPSG:3035", 10, (230, 210))
    load = ", mask: {band: SCL, drop: 9, clean: [{dilate: 60 m}]}"
    path = bench.document(document(64, load))
    pixels, valid = warped(bench, 64, load, "out")
    place = gdal.Transformer(gdal.Open(str(grid)), None, ["DST_SRS=EPSG:4326"])
    random = numpy.random.Generator(numpy.random.PCG64(4))
    reasons = set()
    for _ in range(14):
        column, row = int(random.integers(0, 230)), int(random.integers(0, 210))
        _, (lon, lat, _) = place.TransformPoint(0, column + 0.5, row + 0.5)
        outcome = bench.call("pixel", f"{lon:.9f},{lat:.9f}", path, "--json")
        said = outcome.json()
        date = said["steps"][0]["sources"][0]["dates"][0]
        where = f"pixel {column},{row}"
        bench.expect_equal(said["pixel"], [column, row], where)
        bench.expect_equal(date["kept"], bool(valid[0, row, column]), f"{where}: kept")
        bench.expect_equal(date["reason"] == "", date["kept"], f"{where}: {date['reason']}")
        if date["kept"]:
            bench.expect_equal(date["values"]["red"], int(pixels[0, row, column]), f"{where}: value")
        reasons.add(date["reason"])
    bench.expect(len(reasons) >= 3, "several reasons", reasons)


def refusals(bench):
    scene(bench.folder)
    target_grid(bench.folder, "EPSG:3035", 10, (64, 64))
    for load, word in ((", mask: {band: SCL, clean: [{dilate: 60 m}]}", "neither which classes"),
                       (", mask: {band: SCL, drop: 9, clean: [{dilate: 60}]}", "length"),
                       (", mask: {band: SCL, drop: 9, clean: [{dilate: 60 m, open: 2 px}]}", "one of open"),
                       (", mask: {band: SCL, bits_set: 17}", "counted from 0"),
                       (", resampling: bilnear", "bilinear"),
                       (", resampling: {rde: cubic}", "red"),
                       (", kind: category, resampling: cubic", "classes")):
        outcome = bench.call("run", bench.document(document(64, load)))
        bench.expect(outcome.code == 2 and word in outcome.err, f"{load} says {word}", outcome)


def overviews_are_read_as_if_they_were_the_scene(bench):
    """Of an image four times as fine as the grid: that of factor 4 of two, whose values are far from the image's."""
    pixels = numpy.stack([numpy.full((256, 320), 1000, numpy.uint16), numpy.full((256, 320), 2000, numpy.uint16)])
    path = scenes.write_raster(bench.folder / "S2_20180503_B.tif", pixels, names=("B04", "B08"), nodata=NODATA)
    file = gdal.Open(str(path), gdal.GA_Update)
    file.BuildOverviews("AVERAGE", [2, 4, 8])
    random = numpy.random.Generator(numpy.random.PCG64(3))
    drawn = random.integers(1, 5000, (2, 64, 80)).astype(numpy.uint16)
    drawn[:, 10:20, 30:50] = NODATA
    for band in (1, 2):
        file.GetRasterBand(band).GetOverview(1).WriteArray(drawn[band - 1])
    file = None
    item = scenes.item_of("S2_20180503", scenes.day(24), {
        "data": {"href": "./S2_20180503_B.tif", "type": "image/tiff; application=geotiff", "roles": ["data"],
                 "eo:bands": [{"name": "B04", "common_name": "red"}, {"name": "B08", "common_name": "nir"}]}})
    (bench.folder / "items.json").write_text(json.dumps({"type": "FeatureCollection", "features": [item]}))
    scenes.write_raster(bench.folder / "grid.tif", numpy.zeros((1, 32, 40), numpy.uint8), pixel=8 * scenes.PIXEL)
    got, valid = warped(bench, 64, ", resampling: average, overviews: true", "eight")
    bench.expect_equal(set(got[0][valid[0]]), {1000}, "the overview of factor 8 is what a grid of that size gets")
    scenes.write_raster(bench.folder / "grid.tif", numpy.zeros((1, 42, 53), numpy.uint8), pixel=6 * scenes.PIXEL)
    got, valid = warped(bench, 64, ", resampling: average, overviews: true", "whole")
    warped(bench, 19, ", resampling: average, overviews: true", "tiles")
    bench.expect_equal((bench.folder / "tiles" / "map.tif").read_bytes(), (bench.folder / "whole" / "map.tif").read_bytes(),
                       "overviews: tiles are the whole, byte for byte")
    overview = scenes.write_raster(bench.folder / "overview.tif", drawn, pixel=4 * scenes.PIXEL, nodata=NODATA)
    (bench.folder / "items.json").write_text(json.dumps({"type": "FeatureCollection", "features": [
        {**item, "assets": {"data": {**item["assets"]["data"], "href": "./overview.tif"}}}]}))
    expected, there = warped(bench, 64, ", resampling: average", "as_a_scene")
    bench.expect_equal((int((valid != there).sum()), int((got != expected).sum())), (0, 0), f"the pixels of {overview.name}")
    outcome = bench.call("run", bench.document(document(64, ", overviews: true, mask: {band: SCL, drop: 9}")))
    bench.expect(outcome.code == 2 and "own pixels" in outcome.err, "not with masks", outcome)


TESTS = [overviews_are_read_as_if_they_were_the_scene, tiles_equal_the_whole, pixels_against_gdal, means_against_gdal, masks_against_numpy, every_pixel_has_a_reason,
         refusals]

if __name__ == "__main__":
    sys.exit(main(TESTS, __doc__))
