#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Results against NumPy, files against other readers, and real scenes where GEOLOOM_TEST_DATA names them.

    accuracy_test.py GEOLOOM [--only TEST]...
"""
import json
import os
import pathlib
import random
import re
import subprocess
import sys

import numpy
from osgeo import gdal

import documents
import scenes
from program import ROOT, VENV_PYTHON, main
from stores import FolderStore

SIZE = (150, 130)
INVALID = 0


def map_of(bench, document, *arguments, name="out"):
    bench.run(document, "-p", f"results={name}", *arguments)
    return scenes.read_masked(bench.folder / name / "map.tif")


# The rule of median_rgb, by NumPy.

def median_colour(stack):
    """(scenes, 3, rows, columns) -> (3, rows, columns): of the samples without 0 and 255, ordered by the sum of their
    bands and then by scene, the one in the middle, the upper one of two."""
    kept = ((stack != 0) & (stack != 255)).all(axis=1)
    sums = stack.astype(numpy.int64).sum(axis=1)
    order = numpy.argsort(numpy.where(kept, sums, 1 << 30), axis=0, kind="stable")
    count = kept.sum(axis=0)
    chosen = numpy.take_along_axis(order, (count // 2).clip(max=len(stack) - 1)[None], axis=0)
    colours = numpy.take_along_axis(stack, chosen[:, None], axis=0)[0]
    return numpy.where(count > 0, colours, 0), count > 0


VECTORS = [
    ([(10, 10, 10), (30, 30, 30), (20, 20, 20)], (20, 20, 20)),
    ([(10, 10, 10), (20, 20, 20)], (20, 20, 20)),
    ([(1, 1, 1), (4, 4, 4), (2, 2, 2), (3, 3, 3)], (3, 3, 3)),
    ([(0, 90, 90), (7, 8, 9)], (7, 8, 9)),
    ([(255, 1, 1), (254, 254, 254)], (254, 254, 254)),
    ([(0, 0, 0), (255, 255, 255)], (0, 0, 0)),
    ([(200, 200, 200), (10, 10, 10), (90, 90, 90)], (90, 90, 90)),
    ([(30, 10, 20), (10, 20, 30), (20, 30, 10)], (10, 20, 30)),
    ([(9, 9, 9), (3, 3, 3), (9, 8, 10)], (9, 9, 9)),
]


def median_vectors(bench):
    """Each vector is a pixel; scenes that a vector has not are black there."""
    columns = 16
    for n in range(max(len(samples) for samples, _ in VECTORS)):
        pixels = numpy.zeros((3, 16, columns), numpy.uint8)
        for column, (samples, _) in enumerate(VECTORS):
            if n < len(samples):
                pixels[:, 0, column] = samples[n]
        scenes.write_raster(bench.folder / "scenes" / f"scene_{scenes.day(n):%Y%m%d}.tif", pixels, colour=True)
    pixels, _ = map_of(bench, bench.document(documents.colours(tile=16)))
    for column, (samples, wanted) in enumerate(VECTORS):
        bench.expect_equal(tuple(int(value) for value in pixels[:, 0, column]), wanted, f"median of {samples}")


def median_against_numpy(bench):
    for count in (1, 2, 7, 16, 33):
        folder = bench.folder / f"scenes{count}"
        scenes.colour_series(folder, count, SIZE, seed=count)
        wanted, valid = median_colour(numpy.stack([scenes.colour_pixels(n, SIZE, count) for n in range(count)]))
        pixels, mask = map_of(bench, bench.document(documents.colours(tile=64)), "-p", f"scenes={folder}", name=f"out{count}")
        bench.expect(numpy.array_equal(pixels, wanted), f"{count} scenes: colours")
        bench.expect(numpy.array_equal(mask, numpy.broadcast_to(valid, mask.shape)), f"{count} scenes: validity")


# Statistics of a masked uint16 series.

def series(count, size):
    """Values and validity (scenes, bands, rows, columns) as `load` must give them."""
    values = numpy.stack([scenes.reflectance_pixels(n, size) for n in range(count)])
    classes = numpy.stack([scenes.class_pixels(n, size)[0] for n in range(count)]).repeat(2, axis=1).repeat(2, axis=2)
    valid = (values != INVALID).all(axis=1) & numpy.isin(classes, scenes.CLEAR)
    return values, numpy.broadcast_to(valid[:, None], values.shape)


def per_pixel(values, valid, function, nothing=numpy.nan):
    """`function` of the valid samples in order of time, pixel by pixel."""
    out = numpy.full(values.shape[1:], nothing, numpy.float64)
    for place in numpy.ndindex(out.shape):
        samples = values[(slice(None), *place)][valid[(slice(None), *place)]]
        if len(samples):
            out[place] = function(samples)
    return out


def ranked(samples, index):
    return numpy.sort(samples)[index]


def nearest_rank(samples, q):
    return ranked(samples, max(0, int(numpy.ceil(q * len(samples) - 1e-12)) - 1))


STATISTICS = {
    "median": (lambda s: numpy.float32(numpy.median(s)), "float32"),
    "{stat: median, even: lower}": (lambda s: ranked(s, (len(s) - 1) // 2), "uint16"),
    "{stat: median, even: upper}": (lambda s: ranked(s, len(s) // 2), "uint16"),
    "mean": (lambda s: numpy.float32(s.astype(numpy.float64).sum() / len(s)), "float32"),
    "min": (numpy.min, "uint16"),
    "max": (numpy.max, "uint16"),
    "first": (lambda s: s[0], "uint16"),
    "last": (lambda s: s[-1], "uint16"),
    "{stat: quantile, q: 0.25, method: nearest_rank}": (lambda s: nearest_rank(s, 0.25), "uint16"),
}


def statistics_against_numpy(bench):
    size, count = (64, 48), 12
    scenes.reflectance_series(bench.folder / "scenes", count, size)
    values, valid = series(count, size)
    for number, (reduce, (function, dtype)) in enumerate(STATISTICS.items()):
        pixels, mask = map_of(bench, bench.document(documents.statistics(reduce, tile=32)), name=f"out{number}")
        wanted = per_pixel(values, valid, function)
        known = ~numpy.isnan(wanted)
        bench.expect_equal(pixels.dtype.name, dtype, f"{reduce}: type")
        bench.expect(numpy.array_equal(mask, known), f"{reduce}: validity", f"{(mask != known).sum()} differ")
        bench.expect(numpy.array_equal(pixels[known], wanted[known]), f"{reduce}: values",
                     f"{(pixels[known] != wanted[known]).sum()} of {known.sum()} differ")
    for q in (0.0, 0.1, 0.5, 0.77, 1.0):
        pixels, mask = map_of(bench, bench.document(documents.statistics(f"{{stat: quantile, q: {q}}}", tile=32)), name=f"quantile{q}")
        wanted = per_pixel(values, valid, lambda s: numpy.quantile(s.astype(numpy.float64), q))  # noqa: B023
        known = ~numpy.isnan(wanted)
        # NumPy interpolates in another order; the last bit of float32 may differ.
        bench.expect(numpy.allclose(pixels[known], wanted[known], rtol=2e-7, atol=0), f"quantile {q}")
    pixels, mask = map_of(bench, bench.document(documents.statistics("std", tile=32)), name="std")
    wanted = per_pixel(values, valid, lambda s: s.astype(numpy.float64).std())
    known = ~numpy.isnan(wanted)
    # Two passes in NumPy, one here; a zero of both is exact.
    bench.expect(pixels.dtype == "float32" and numpy.array_equal(mask, known), "std: type and validity")
    bench.expect(numpy.allclose(pixels[known], wanted[known], rtol=2e-7, atol=0), "std")
    pixels, mask = map_of(bench, bench.document(documents.statistics("count", tile=32)), name="count")
    bench.expect(numpy.array_equal(pixels[0], valid[:, 0].sum(axis=0)) and mask.all(), "count, 0 included")
    pixels, mask = map_of(bench, bench.document(documents.statistics("{stat: max, min_count: 6}", tile=32)), name="min_count")
    bench.expect(numpy.array_equal(mask, valid.sum(axis=0) >= 6), "min_count")


def months_against_numpy(bench):
    size, count = (64, 48), 20
    scenes.reflectance_series(bench.folder / "scenes", count, size)
    values, valid = series(count, size)
    months = [scenes.day(n).month for n in range(count)]
    pixels, mask = map_of(bench, bench.document(documents.statistics("{stat: max, every: month}", tile=32)))
    for place, month in enumerate(sorted(set(months))):
        chosen = [n for n in range(count) if months[n] == month]
        wanted = per_pixel(values[chosen], valid[chosen], numpy.max)
        known = ~numpy.isnan(wanted)
        here = slice(2 * place, 2 * place + 2)
        bench.expect(numpy.array_equal(mask[here], known) and numpy.array_equal(pixels[here][known], wanted[known]), f"month {month}")


def every_loss_is_counted(bench):
    """Saved as uint8, values beyond 255 are clipped and counted."""
    size, count = (64, 48), 3
    scenes.reflectance_series(bench.folder / "scenes", count, size)
    values, valid = series(count, size)
    document = bench.document(documents.statistics("max", tile=32, type_=", type: uint8, nodata: 0"))
    outcome = bench.run(document)
    wanted = per_pixel(values, valid, numpy.max)
    bench.expect_equal(outcome.json()["clipped"], int((wanted > 255).sum()), "clipped values")
    pixels, _ = scenes.read_masked(bench.folder / "out" / "map.tif")
    known = ~numpy.isnan(wanted)
    bench.expect(numpy.array_equal(pixels[known], wanted[known].clip(max=255)), "and clipped to the end of the type")


# Files as other readers see them.

def rio(*arguments):
    return subprocess.run([str(VENV_PYTHON.parent / "rio"), *map(str, arguments)], capture_output=True, text=True, check=False)


def profiles_are_cogs(bench):
    if not VENV_PYTHON.exists():
        print("profiles_are_cogs: not judged, .setup/venv is absent", file=sys.stderr)
        return
    size = (700, 600)  # large enough for overviews
    scenes.colour_series(bench.folder / "scenes", 3, size)
    lossless = []
    for profile in ("deflate", "zstd", "lzw", "jpeg", "{compress: deflate, block: 256, predictor: false}"):
        name = re.sub(r"\W+", "_", profile)
        last = f"mosaic: {{layer: composite, as: map, profile: {profile}}}"
        bench.run(bench.document(documents.colours(tile=512, last=last)), "-p", f"results={name}")
        store = FolderStore(bench.folder / name)
        judged = rio("cogeo", "validate", "--strict", store.path / "map.tif")
        bench.expect(judged.returncode == 0 and "is a valid cloud optimized GeoTIFF" in judged.stdout, f"{profile}: a strict COG",
                     judged.stdout + judged.stderr)
        pixels, mask = scenes.read_masked(store.path / "map.tif")
        if profile == "jpeg":
            difference = numpy.abs(pixels.astype(int) - lossless[0][0].astype(int))
            bench.expect(difference[:, lossless[0][1][0]].mean() < 25, "jpeg is about the same", difference.mean())
            bench.expect(numpy.array_equal(mask, lossless[0][1]), "jpeg keeps validity exactly")
        else:
            lossless.append((pixels, mask))
            bench.expect(numpy.array_equal(pixels, lossless[0][0]), f"{profile}: the same pixels")
    tiles = [name for name in FolderStore(bench.folder / "deflate").names() if name.startswith("layers/composite/") and name.endswith(".tif")]
    for name in tiles:
        judged = rio("cogeo", "validate", "--strict", bench.folder / "deflate" / name)
        bench.expect("is a valid cloud optimized GeoTIFF" in judged.stdout, f"{name}: a strict COG", judged.stdout + judged.stderr)


def foreign_readers(bench):
    check = ROOT / "tests" / "foreign_readers_check.py"
    if not VENV_PYTHON.exists() or not check.exists():
        print("foreign_readers: not judged, .setup/venv is absent", file=sys.stderr)
        return
    scenes.reflectance_series(bench.folder / "scenes", 6, (128, 96))
    bench.run(bench.document(documents.statistics("median")), "-p", "results=reflectance")
    scenes.colour_series(bench.folder / "colours", 4, SIZE)
    bench.run(bench.document(documents.classes()), "-p", "scenes=colours", "-p", "results=classes")
    for items in sorted(bench.folder.glob("*/layers/*/items.json")):
        judged = subprocess.run([str(VENV_PYTHON), str(check), str(items)], capture_output=True, text=True, check=False)
        bench.expect(judged.returncode == 0, f"{items.relative_to(bench.folder)} is read by pystac and odc-stac",
                     judged.stdout + judged.stderr[-1500:])


def gdal_opens_a_layer_of_tiles(bench):
    """As one mosaic, from the folder of its items; addresses are relative."""
    scenes.reflectance_series(bench.folder / "scenes", 4, (128, 96))
    bench.run(bench.document(documents.statistics("median")))
    code = "import sys; from osgeo import gdal; gdal.Translate(sys.argv[1], gdal.Open('items.json'), creationOptions=['COMPRESS=DEFLATE'])"
    joined = bench.folder / "joined.tif"
    said = subprocess.run([sys.executable, "-c", code, str(joined)], cwd=bench.folder / "out/layers/statistic", capture_output=True,
                          text=True, check=False)
    if bench.expect(joined.exists(), "GDAL opens items.json", said.stderr):
        got, wanted = gdal.Open(str(joined)), gdal.Open(str(bench.folder / "out" / "map.tif"))
        bench.expect_equal(got.GetGeoTransform(), wanted.GetGeoTransform(), "it lies where the map lies")
        bench.expect_equal(got.GetSpatialRef().GetAuthorityCode(None), "32631", "in its CRS")
        bench.expect(numpy.array_equal(got.ReadAsArray(), wanted.ReadAsArray(), equal_nan=True), "with its pixels")


# Scenes and layers of other domains.

def tiles_read_a_map(bench):
    """A layer of the whole area, read tile by tile, is the same as its tiles."""
    scenes.colour_series(bench.folder / "scenes", 4, SIZE)
    classify = "      - reclass: {rules: [{from: 0, to: 100, value: 1}, {from: 100, value: 2}]}\n"
    more = "".join(f"  {name}:\n    over: tiles\n    do:\n      - load: {{layer: {layer}, bands: [red]}}\n{classify}      - save: {name}\n"
                   f"  join_{name}:\n    do: [{{mosaic: {{layer: {name}, as: {name}_map}}}}]\n"
                   for name, layer in (("of_tiles", "composite"), ("of_map", "map")))
    bench.run(bench.document(documents.colours(more=more)))
    of_tiles, of_map = (scenes.read_masked(bench.folder / "out" / f"of_{kind}_map.tif") for kind in ("tiles", "map"))
    bench.expect(numpy.array_equal(of_tiles[0], of_map[0]) and numpy.array_equal(of_tiles[1], of_map[1]), "the same classes")
    bench.expect(set(numpy.unique(of_map[0][of_map[1]])) == {1, 2}, "both classes are there")
    again = bench.run(bench.document(documents.colours(more=more)))
    bench.expect_equal({name: step["done"] for name, step in again.steps().items() if step["done"]}, {}, "and it is remembered")


# Real scenes.

def real(name):
    root = os.environ.get("GEOLOOM_TEST_DATA")
    path = pathlib.Path(root) / name if root else None
    if path is None or not path.exists():
        print(f"{name}: not tried, GEOLOOM_TEST_DATA does not hold it", file=sys.stderr)
        return None
    return path


def stac_bands(items):
    """Files and band numbers of the scenes of an item collection: [(time, id, {band: (path, number)})]."""
    found = []
    for path in items:
        item = json.loads(path.read_text())
        bands = {}
        for key, asset in item["assets"].items():
            names = [band.get("name", key) for band in asset.get("eo:bands", asset.get("bands", [{}]))]
            for number, name in enumerate(names, 1):
                bands[name.upper()] = (str((path.parent / asset["href"]).resolve()), number)
        found.append((item["properties"]["datetime"], item["id"], bands))
    return sorted(found)


def clear_reflectance(bands, names):
    """The bands of a scene and where SCL calls all of them clear."""
    layers = [scenes.read_raster(bands[name][0])[bands[name][1] - 1] for name in names]
    classes = scenes.read_raster(bands["SCL"][0])[bands["SCL"][1] - 1]
    factor = layers[0].shape[0] // classes.shape[0]
    clear = numpy.isin(classes.repeat(factor, 0).repeat(factor, 1), scenes.CLEAR)
    for layer, name in zip(layers, names):
        dataset = scenes.gdal.Open(bands[name][0])  # lives as long as its bands are used
        nodata = dataset.GetRasterBand(bands[name][1]).GetNoDataValue()
        clear &= layer != nodata if nodata is not None else True
    return numpy.stack(layers), numpy.stack([clear] * len(layers))


def flanders(bench):
    folder = real("s2-flanders-2018")
    if folder is None:
        return
    names = ["B04", "B08"]
    items = f"{folder}/stac/items/S2_*.json"
    load = f"load: {{scenes: $scenes, bands: [{', '.join(names)}], mask: {{band: SCL, keep: [4, 5, 6]}}}}"
    text = documents.statistics("{stat: median, even: lower}", tile=32, load=load)
    pixels, mask = map_of(bench, bench.document(text), "-p", f"scenes={items}")
    series_ = [clear_reflectance(bands, names) for _, _, bands in stac_bands(sorted((folder / "stac" / "items").glob("S2_*.json")))]
    bench.expect_equal(len(series_), 118, "scenes")
    wanted = per_pixel(*map(numpy.stack, zip(*series_)), lambda s: ranked(s, (len(s) - 1) // 2))
    known = ~numpy.isnan(wanted)
    bench.expect(known.any(), "there is something to compare")
    bench.expect(numpy.array_equal(mask, known), "Flanders: validity", f"{(mask != known).sum()} differ")
    bench.expect(numpy.array_equal(pixels[known], wanted[known]), "Flanders: values", f"{(pixels[known] != wanted[known]).sum()} differ")


def slovenia(bench):
    folder = real("s2-slovenia")
    if folder is None:
        return
    items = sorted((folder / "stac" / "items").glob("S2A_L1C*.json"))
    names = ["B02", "B03", "B04"]
    load = f"load: {{scenes: $scenes, bands: [{', '.join(names)}]}}"
    pixels, mask = map_of(bench, bench.document(documents.statistics("max", tile=64, load=load)),
                          "-p", f"scenes={folder}/stac/items/S2A_L1C*.json")
    stack = numpy.stack([numpy.stack([scenes.read_raster(bands[name][0])[bands[name][1] - 1] for name in names])
                         for _, _, bands in stac_bands(items)])
    bench.expect(mask.any() and numpy.array_equal(pixels[mask], stack.max(axis=0)[mask]), "Slovenia: the largest values")


def scenes_that_do_not_nest(bench):
    """Real scenes of three paths, whose pixels are of different sizes, by nearest: as GDAL's warper picks them."""
    folder = real("landsat8-nyc-2018")
    if folder is None:
        return
    band = sorted(folder.glob("*/*B4*.[tT][iI][fF]*"))
    (bench.folder / "list.txt").write_text("\n".join(map(str, band)))
    load = "load: {scenes: $scenes, resampling: nearest}"
    document = bench.document(documents.statistics("max", load=load))
    pixels, valid = map_of(bench, document, "-p", "scenes=list.txt")
    like = gdal.Open(str(bench.folder / "out/map.tif"))
    left, width, _, top, _, height = like.GetGeoTransform()
    wanted = numpy.zeros(pixels.shape[1:], pixels.dtype)
    for path in band:
        warped = gdal.Warp("", str(path), format="MEM", dstSRS=like.GetProjection(), resampleAlg="nearest", errorThreshold=0,
                           outputBounds=(left, top + height * like.RasterYSize, left + width * like.RasterXSize, top),
                           width=like.RasterXSize, height=like.RasterYSize)
        wanted = numpy.maximum(wanted, warped.ReadAsArray())
    bench.expect(numpy.array_equal(pixels[0][valid[0]], wanted[valid[0]]), "New York by nearest",
                 (pixels[0] != wanted).sum())
    noted = bench.call("plan", document, "-p", "scenes=list.txt")
    bench.expect("scenes are warped" in noted.out, "the plan says so", noted)


def odd_files(bench):
    folder = real("edge")
    if folder is None:
        return
    for path in sorted(entry for entry in folder.iterdir() if entry.suffix.lower() in (".tif", ".tiff")):
        for more in ([], ["--png", "picture.png"]):
            outcome = bench.call("inspect", path, *more)
            bench.expect(outcome.code in (0, 2, 6), f"{path.name} {more} ends cleanly", outcome)
            bench.expect(outcome.code == 0 or outcome.err.startswith("error: "), f"{path.name}: a message", outcome)


def cut_files(bench):
    """Whatever is cut off or altered, there is a message and no crash."""
    scenes.colour_series(bench.folder / "scenes", 1, (64, 64))
    (path,) = (bench.folder / "scenes").iterdir()
    whole = path.read_bytes()
    dice = random.Random(7)
    for number in range(40):
        data = bytearray(whole[:dice.randrange(len(whole))] if number % 2 else whole)
        for _ in range(0 if number % 2 else 8):
            data[dice.randrange(min(512, len(data)))] = dice.randrange(256)
        (bench.folder / "odd.tif").write_bytes(data)
        outcome = bench.call("inspect", "odd.tif", "--png", "odd.png")
        bench.expect(outcome.code in (0, 2, 6, 9), f"file {number} ends cleanly", outcome)


TESTS = [median_vectors, median_against_numpy, statistics_against_numpy, months_against_numpy, every_loss_is_counted, profiles_are_cogs,
         foreign_readers, gdal_opens_a_layer_of_tiles, tiles_read_a_map, flanders, slovenia, scenes_that_do_not_nest, odd_files, cut_files]

if __name__ == "__main__":
    sys.exit(main(TESTS, __doc__))
