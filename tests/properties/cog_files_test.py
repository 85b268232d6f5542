#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Files of every profile are Cloud Optimized GeoTIFFs for those who check them, and hold what went in.

    cog_files_test.py GEOLOOM [--only TEST]...

Judges: GDAL's own validator with its full check (structural metadata and every tile), `rio cogeo validate
--strict` in one process, and GDAL's reader for pixels, validity and descriptions.
"""
import subprocess
import sys

import numpy
from osgeo import gdal
from osgeo_utils.samples import validate_cloud_optimized_geotiff

import scenes
from program import VENV_PYTHON, main

SIZE = (620, 430)  # no whole number of tiles
LOSSLESS = ["deflate", "{compress: deflate, level: 1, block: 128}", "{compress: deflate, level: 12, predictor: false}", "zstd",
            "{compress: zstd, level: 1, predictor: false, block: 256}", "lzw", "{compress: lzw, predictor: false}", "lerc"]
NODATA = {"uint8": 0, "uint16": 65535, "int16": -32768, "float32": ".nan"}


def pixels_of(dtype, bands):
    """A surface with noise; a corner that no scene covers, and single gaps."""
    random = numpy.random.Generator(numpy.random.PCG64([7, bands]))
    columns, rows = SIZE
    ramp = (numpy.arange(rows)[:, None] + numpy.arange(columns)[None, :]) // 8
    pixels = ramp[None] + random.integers(1, 60, (bands, rows, columns))
    pixels = (pixels / 7 - 3).astype("float32") if dtype == "float32" else pixels.astype(dtype)
    missing = random.integers(0, 40, (rows, columns)) == 0
    missing[:70, :90] = True
    return pixels, ~missing


def write_masked(path, pixels, valid):
    """A scene that says by a mask what is valid."""
    plain = gdal.Open(str(scenes.write_raster(path.with_suffix(".plain"), pixels, names=[f"b{n + 1}" for n in range(len(pixels))])))
    image = gdal.GetDriverByName("MEM").CreateCopy("", plain)
    image.CreateMaskBand(gdal.GMF_PER_DATASET)
    image.GetRasterBand(1).GetMaskBand().WriteArray(valid.astype("uint8") * 255)
    gdal.SetConfigOption("GDAL_TIFF_INTERNAL_MASK", "YES")
    gdal.GetDriverByName("GTiff").CreateCopy(str(path), image, options=["TILED=YES"])
    path.with_suffix(".plain").unlink()


def workflow(bench, saves, bands):
    names = ", ".join(f"b{number + 1}" for number in range(bands))
    steps = "\n".join(f"""  step{number}:
    over: tiles
    do:
      - load: {{scenes: scenes, bands: [{names}]}}
      - save: {save}""" for number, save in enumerate(saves))
    return bench.document(f"""geoloom: 1
name: files
store: out
area: {{same_grid_as: scenes, tiles: 1024 px}}
steps:
{steps}
""")


def save_all(bench, dtype, bands, profiles):
    """One layer for each profile with nodata and one with a mask; returns (profile, masked, path) of each file."""
    pixels, valid = pixels_of(dtype, bands)
    (bench.folder / "scenes").mkdir()
    write_masked(bench.folder / "scenes" / "scene_20180103.tif", pixels, valid)
    layers, saves = [], []
    for number, profile in enumerate(profiles):
        for masked in (False, True):
            layer = f"l{number}{'m' if masked else 'n'}"
            nodata = "" if masked else f", nodata: {NODATA[dtype]}"
            if ("jpeg" in profile or "max_z_error" in profile) and not masked:
                continue
            saves.append(f"{{layer: {layer}, profile: {profile}{nodata}}}")
            layers.append((profile, masked, layer))
    bench.run(workflow(bench, saves, bands))
    files = [(profile, masked, sorted((bench.folder / "out" / "layers" / layer).glob("*.tif"))[0]) for profile, masked, layer in layers]
    return pixels, valid, files


STRICT = """
import sys
from rio_cogeo import cog_validate
for path in sys.argv[1:]:
    print(path, *cog_validate(path, strict=True, quiet=True))
"""


def expect_valid(bench, files):
    """`files`: (what, path)"""
    for what, path in files:
        warnings, errors, _ = validate_cloud_optimized_geotiff.validate(str(path), full_check=True)
        bench.expect(not errors and not warnings, f"{what}: GDAL's validator", f"{errors} {warnings}")
    if not VENV_PYTHON.exists():
        print("not judged by rio cogeo, .setup/venv is absent", file=sys.stderr)
        return
    judged = subprocess.run([str(VENV_PYTHON), "-c", STRICT, *(str(path) for _, path in files)], capture_output=True, text=True, check=False)
    lines = dict(line.split(" ", 1) for line in judged.stdout.splitlines())
    for what, path in files:
        bench.expect_equal(lines.get(str(path)), "True [] []", f"{what}: a strict COG for rio cogeo ({judged.stderr[-500:]})")


def expect_pixels(bench, path, pixels, valid, what, tolerance=0.0):
    got, mask = scenes.read_masked(path)
    bench.expect(all(numpy.array_equal(plane, valid) for plane in mask), f"{what}: validity")
    difference = numpy.abs(got[:, valid].astype(float) - pixels[:, valid].astype(float))
    bench.expect(difference.max() <= tolerance, f"{what}: pixels", difference.max())


def profiles_of(dtype):
    def test(bench):
        for bands in (1, 3):
            folder = bench.folder
            bench.folder = folder / str(bands)
            bench.folder.mkdir()
            pixels, valid, files = save_all(bench, dtype, bands, LOSSLESS)
            named = [(f"{profile} of {bands} x {dtype}{', masked' if masked else ''}", path) for profile, masked, path in files]
            expect_valid(bench, named)
            for what, path in named:
                expect_pixels(bench, path, pixels, valid, what)
            bench.folder = folder
    test.__name__ = f"{dtype}_is_kept"
    return test


def lossy_files_stay_near(bench):
    for dtype, bands, profile, tolerance in (("uint8", 3, "{compress: jpeg, quality: 95}", 90),
                                             ("uint8", 1, "{compress: jpeg}", 60),
                                             ("float32", 2, "{compress: lerc, max_z_error: 0.25}", 0.25),
                                             ("int16", 1, "{compress: lerc, max_z_error: 2}", 2)):
        folder = bench.folder
        bench.folder = folder / f"{dtype}{bands}"
        bench.folder.mkdir()
        pixels, valid, files = save_all(bench, dtype, bands, [profile])
        named = [(f"{profile} of {bands} x {dtype}", path) for _, _, path in files]
        expect_valid(bench, named)
        for what, path in named:
            expect_pixels(bench, path, pixels, valid, what, tolerance)
        bench.folder = folder


def files_say_what_they_are(bench):
    pixels, valid, files = save_all(bench, "uint16", 2, ["zstd"])
    for _, masked, path in files:
        dataset = gdal.Open(str(path))
        band = dataset.GetRasterBand(2)
        bench.expect_equal(band.GetDescription(), "b2", "band name")
        bench.expect_equal(band.GetNoDataValue(), None if masked else 65535.0, "nodata")
        bench.expect_equal(band.GetMaskFlags(), gdal.GMF_PER_DATASET if masked else gdal.GMF_NODATA, "kind of mask")
        statistics = {key: float(value) for key, value in band.GetMetadata().items() if key.startswith("STATISTICS_")}
        bench.expect_equal(statistics["STATISTICS_MAXIMUM"], float(pixels[1][valid].max()), "maximum")
        bench.expect(abs(statistics["STATISTICS_MEAN"] - pixels[1][valid].mean()) < 1e-9, "mean", statistics)
        structure = dataset.GetMetadata("IMAGE_STRUCTURE")
        bench.expect_equal((structure["COMPRESSION"], structure["INTERLEAVE"], structure["LAYOUT"]), ("ZSTD", "PIXEL", "COG"), "structure")
        bench.expect_equal([band.GetOverview(n).XSize for n in range(band.GetOverviewCount())], [310], "overviews")
        bench.expect_equal(dataset.GetSpatialRef().GetAuthorityCode(None), str(scenes.EPSG), "CRS")
        bench.expect_equal(dataset.GetGeoTransform()[0], scenes.ORIGIN[0], "origin")


COLOURS = {1: (34, 139, 34), 2: (30, 144, 255), 7: (255, 200, 0)}


def colours_in(path, overview=None):
    dataset = gdal.Open(str(path))
    band = dataset.GetRasterBand(1)
    band = band if overview is None else band.GetOverview(overview)
    table = band.GetColorTable()
    return None if table is None else {value: table.GetColorEntry(value)[:3] for value in COLOURS}


def write_classes(path):
    """Classes with a colour table, as land cover maps have it."""
    table = gdal.ColorTable()
    for value, colour in COLOURS.items():
        table.SetColorEntry(value, (*colour, 255))
    classes = numpy.random.Generator(numpy.random.PCG64(5)).choice(numpy.array([0, *COLOURS], numpy.uint8), (1, SIZE[1] // 8, SIZE[0] // 8))
    classes = classes.repeat(8, axis=1).repeat(8, axis=2)
    scenes.write_raster(path, classes, names=["class"], nodata=0)
    image = gdal.Open(str(path), gdal.GA_Update)
    image.GetRasterBand(1).SetColorTable(table)
    image = None  # noqa: F841  closes the file
    return classes


def classes_keep_their_colours(bench):
    classes = write_classes(bench.folder / "scenes" / "cover_20180103.tif")
    document = bench.document("""geoloom: 1
name: cover
params: {wood: "#228b22"}
store: out
area: {same_grid_as: scenes, tiles: 256 px}
steps:
  cover:
    over: tiles
    do:
      - load: {scenes: scenes}
      - save: cover
  wood:
    over: tiles
    do:
      - load: {layer: cover}
      - reclass: {rules: [{is: 1, value: 1}], default: 2}
      - save: {layer: wood, nodata: 0, colours: {1: $wood, 2: "#1e90ff"}}
  maps:
    do: [{mosaic: {layer: cover, as: cover_map}}, {quicklook: {layer: cover_map, size: 620}}, {mosaic: {layer: wood, as: wood_map}}]
""")
    bench.run(document)
    out = bench.folder / "out"
    tile = sorted((out / "layers" / "cover").glob("0_0-*.tif"))[0]
    expect_valid(bench, [("a tile", tile), ("the map", out / "cover_map.tif"), ("the map of wood", out / "wood_map.tif")])
    for what, path in (("tile", tile), ("map", out / "cover_map.tif")):
        bench.expect_equal(colours_in(path), COLOURS, f"colours of the {what}")
        bench.expect_equal(colours_in(path, overview=0), COLOURS, f"colours of the {what}'s overview")
    bench.expect_equal(colours_in(out / "wood_map.tif"), {1: COLOURS[1], 2: COLOURS[2], 7: (0, 0, 0)}, "colours that were given")
    picture = gdal.Open(str(out / "cover_map_quicklook.png")).ReadAsArray()
    wanted = numpy.zeros((3, *classes.shape[1:]), numpy.uint8)
    for value, colour in COLOURS.items():
        wanted[:, classes[0] == value] = numpy.array(colour)[:, None]
    bench.expect(numpy.array_equal(picture[:3] * (picture[3] > 0), wanted), "the picture is drawn in the colours")
    again = bench.run(document, "-p", "wood=#006400").steps()
    bench.expect_equal((again["cover"]["unchanged"], again["wood"]["unchanged"], again["maps"]["unchanged"]), (6, 0, 0), "what other colours make again")
    bench.expect_equal(colours_in(out / "wood_map.tif")[1], (0, 100, 0), "the other colour")


TESTS = [*map(profiles_of, ("uint8", "uint16", "int16", "float32")), lossy_files_stay_near, files_say_what_they_are, classes_keep_their_colours]

if __name__ == "__main__":
    sys.exit(main(TESTS, __doc__))
