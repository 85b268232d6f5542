#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Cubes of real scenes against eo-learn, the library below eo-grow: loading tiles, masking clouds, medians along time,
bilinear enlargement and clipped vectors, on the patch that comes with eo-learn's own examples.

    GEOLOOM_EO_LEARN_PYTHON=PYTHON eo_learn_test.py GEOLOOM [--only TEST]...

PYTHON has eo-learn (1.5.7 was compared with). Without it, or without the data in GEOLOOM_TEST_DATA, nothing is tried.
"""
import json
import os
import pathlib
import subprocess

import numpy
from osgeo import gdal, ogr

from program import main, skip

gdal.UseExceptions()
ROOT = os.environ.get("GEOLOOM_TEST_DATA")
DATA = pathlib.Path(ROOT or "/nowhere") / "s2-slovenia"
PYTHON = os.environ.get("GEOLOOM_EO_LEARN_PYTHON")
BANDS = ["B02", "B03", "B04", "B08", "B11"]
NUMBERS = [2, 3, 4, 8, 12]  # in files of all 13 bands: ..., B08, B8A, B09, B10, B11, B12
TILE = 48

# What eo-learn makes of one tile: its bands, the same without clouds, their median, twice as many pixels.
EO_LEARN = """
import datetime, json, sys
import numpy
from eolearn.core import EOPatch, FeatureType
from eolearn.features.feature_manipulation import SpatialResizeTask
from eolearn.features.utils import ResizeLib, ResizeMethod, ResizeParam
from eolearn.io import ImportFromTiffTask, VectorImportTask
from eolearn.mask import MaskFeatureTask
from sentinelhub import BBox, CRS
asked = json.load(open(sys.argv[1]))
patch = EOPatch(bbox=BBox(asked["box"], CRS("32633")), timestamps=[datetime.datetime.fromisoformat(time) for time in asked["times"]])
bands, clouds = (FeatureType.DATA, "BANDS"), (FeatureType.MASK, "CLM")
slices, masks = [], []
for number, (scene, mask) in enumerate(zip(asked["scenes"], asked["masks"])):
    one = EOPatch(bbox=patch.bbox)
    one = ImportFromTiffTask((FeatureType.DATA_TIMELESS, "one"), scene).execute(one)
    one = ImportFromTiffTask((FeatureType.MASK_TIMELESS, "clm"), mask).execute(one)
    slices.append(one[FeatureType.DATA_TIMELESS, "one"][..., [number - 1 for number in asked["bands"]]])
    masks.append(one[FeatureType.MASK_TIMELESS, "clm"])
patch[bands] = numpy.stack(slices).astype("float32")
patch[clouds] = numpy.stack(masks)
patch = MaskFeatureTask([bands[0], "BANDS", "CLEAR"], clouds, mask_values=[1], no_data_value=numpy.nan).execute(patch)
clear = patch[FeatureType.DATA, "CLEAR"]
patch[FeatureType.DATA_TIMELESS, "MEDIAN"] = numpy.nanmedian(clear, axis=0)
large = EOPatch(bbox=patch.bbox, timestamps=patch.timestamps[:1])
large[bands] = patch[bands][:1]
large = SpatialResizeTask(resize_type=ResizeParam.SCALE_FACTORS, height_param=2, width_param=2, features=[bands], resize_method=ResizeMethod.LINEAR,
                          resize_library=ResizeLib.CV2).execute(large)
vectors = VectorImportTask((FeatureType.VECTOR_TIMELESS, "LULC"), asked["vectors"], clip=True).execute(EOPatch(bbox=patch.bbox))[FeatureType.VECTOR_TIMELESS, "LULC"]
numpy.savez(sys.argv[2], first=patch[bands][0], clear=clear, median=patch[FeatureType.DATA_TIMELESS, "MEDIAN"], large=large[bands][0])
json.dump(sorted([int(row.RABA_ID), row.LULC_NAME, row.geometry.area] for row in vectors.itertuples()), open(sys.argv[3], "w"))
"""


def scenes():
    """Of the dates that have all bands: their images and cloud masks."""
    images = sorted((DATA / "scenes").glob("S2A_L1C_*.tif"))
    return [(path, DATA / "cloud" / path.name.replace("S2A_L1C_", "CLM_")) for path in images]


def write_list(bench):
    lines = [str(DATA / "stac/items" / (image.stem + ".json")) for image, _ in scenes()]
    (bench.folder / "scenes.txt").write_text("\n".join(lines) + "\n")


def by_geoloom(bench, transform, size):
    write_list(bench)
    left, dx, _, top, _, dy = transform
    grid = "grid: {{crs: 'EPSG:32633', origin: [{0!r}, {1!r}], resolution: [{2!r}, {3!r}], size: [{4}, {5}]}}, tiles: {6} px"
    bands = "[" + ", ".join(BANDS) + "]"
    text = f"""geoloom: 1
name: peer
store: STORE
area: {{AREA}}
sources: {{s2: {{scenes: scenes.txt}}}}
steps:
"""
    cube = text.replace("STORE", "cube").replace("AREA", grid.format(left, top, dx, -dy, *size, TILE)) + f"""  first:
    over: tiles
    do: [{{load: {{source: s2, bands: {bands}, period: 2015-07-11}}}}, {{reduce: median}}, {{save: {{layer: first}}}}]
  median:
    over: tiles
    do: [{{load: {{source: s2, bands: {bands}, mask: {{band: cloud_mask, drop: [1]}}}}}}, {{reduce: median}}, {{save: {{layer: median}}}}]
  vectors:
    over: tiles
    do: [{{clip_vectors: {{file: {DATA}/labels/LULC.gpkg, as: vectors}}}}]
"""
    large = text.replace("STORE", "large").replace("AREA", grid.format(left, top, dx / 2, -dy / 2, 2 * size[0], 2 * size[1], 2 * TILE)) + f"""  large:
    over: tiles
    do: [{{load: {{source: s2, bands: {bands}, period: 2015-07-11, resampling: bilinear}}}}, {{reduce: mean}}, {{save: {{layer: large}}}}]
"""
    bench.run(bench.document(cube, "cube.yaml"))
    bench.run(bench.document(large, "large.yaml"))


def file_of(bench, store, layer, item):
    path = bench.folder / store / f"layers/{layer}/layer.json"
    for entry in json.loads(path.read_text())["items"]:
        if entry["item"] == item:
            return entry, bench.folder / store / entry.get("file", "")
    raise AssertionError(f"{path} has no item {item}")


def pixels(path):
    image = gdal.Open(str(path))
    values = image.ReadAsArray().astype("float64")
    nodata = image.GetRasterBand(1).GetNoDataValue()
    if nodata is not None and not numpy.isnan(nodata):
        values[values == nodata] = numpy.nan
    return numpy.moveaxis(values, 0, -1)


def compared_with_eo_learn(bench):
    image = gdal.Open(str(scenes()[0][0]))
    transform, size = image.GetGeoTransform(), (image.RasterXSize, image.RasterYSize)
    by_geoloom(bench, transform, size)
    compared = 0
    for entry in json.loads((bench.folder / "cube/layers/first/layer.json").read_text())["items"]:
        x, y, width, height = entry["window"]
        box = [transform[0] + x * transform[1], transform[3] + (y + height) * transform[5], transform[0] + (x + width) * transform[1], transform[3] + y * transform[5]]
        asked = {"box": box, "times": [path.stem[-15:] for path, _ in scenes()], "scenes": [str(path) for path, _ in scenes()],
                 "masks": [str(mask) for _, mask in scenes()], "bands": NUMBERS, "vectors": str(DATA / "labels/LULC.gpkg")}
        (bench.folder / "asked.json").write_text(json.dumps(asked))
        done = subprocess.run([PYTHON, "-W", "ignore", "-c", EO_LEARN, bench.folder / "asked.json", bench.folder / "peer.npz", bench.folder / "peer.json"],
                              capture_output=True, text=True)
        if not bench.expect(done.returncode == 0, "eo-learn runs", done.stderr):
            return
        peer = numpy.load(bench.folder / "peer.npz")
        item = entry["item"]
        for layer in ("first", "median"):
            ours = pixels(file_of(bench, "cube", layer, item)[1])
            bench.expect(numpy.array_equal(ours, peer[layer].astype("float64"), equal_nan=True), f"{item}, {layer}: the pixels of eo-learn",
                         (ours.shape, peer[layer].shape, int((ours != peer[layer]).sum())))
            compared += ours.size
        ours = pixels(file_of(bench, "large", "large", f"{2 * x}_{2 * y}")[1])
        # Within a tile: at its edge eo-learn knows nothing of the pixels beyond. OpenCV weighs in single precision.
        inner = (slice(2, -2), slice(2, -2))
        off = numpy.abs(ours[inner] - peer["large"][inner]).max() if ours.shape == peer["large"].shape else numpy.inf
        bench.expect(off <= 0.51, f"{item}: bilinear pixels", (ours.shape, peer["large"].shape, off))
        features, path = file_of(bench, "cube", "vectors", item)
        dataset = ogr.Open(str(path)) if features["state"] == "done" else None
        rows = sorted([feature["RABA_ID"], feature["LULC_NAME"], feature.GetGeometryRef().GetArea()] for feature in (dataset.GetLayer(0) if dataset else []))
        wanted = json.loads((bench.folder / "peer.json").read_text())
        same = [row[:2] for row in rows] == [row[:2] for row in wanted] and numpy.allclose([row[2] for row in rows], [row[2] for row in wanted], rtol=1e-9, atol=1e-6)
        bench.expect(same, f"{item}: the features of eo-learn", (rows, wanted))
    print(f"  compared {compared} pixel values with eo-learn's")


if __name__ == "__main__":
    if not PYTHON:
        skip("GEOLOOM_EO_LEARN_PYTHON names no Python that has eo-learn (pip install eo-learn)")
    if not DATA.is_dir():
        skip("GEOLOOM_TEST_DATA holds no s2-slovenia")
    main([compared_with_eo_learn], __doc__)
