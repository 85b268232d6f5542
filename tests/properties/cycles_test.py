#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Whole learning cycles on real data, each one document and one command: that of eo-grow's published example, judged by NumPy and by LightGBM
in Python, and that of a crop mask from its published training table.

    cycles_test.py GEOLOOM [--only TEST]...

Without the data in GEOLOOM_TEST_DATA nothing is tried; eo-grow's cycle needs LightGBM in the tests' environment.
"""
import csv
import json
import os
import pathlib
import shutil
import subprocess
import sys
import zipfile

import numpy
from osgeo import gdal, ogr

from program import ROOT, VENV_PYTHON, main, skip

gdal.UseExceptions()
DATA = pathlib.Path(os.environ.get("GEOLOOM_TEST_DATA") or "/nowhere")
EXAMPLES = ROOT / "examples"
# Twelve bands as the example has them: all but B10. Their places in files of all thirteen.
BANDS = ["B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B11", "B12"]
PLACES = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12]
NDIS = {"NDVI": (7, 3), "NDWI": (2, 7), "NDBI": (10, 7)}
MONTHS = ["2015-07", "2015-08", "2015-09"]
TILE = 51  # 100 x 101 pixels are four tiles, each with more than 1500

# What LightGBM's own package makes of the same rows, and of the same model file.
JUDGE = """
import json, sys
import lightgbm, numpy
asked = json.load(open(sys.argv[1]))
arrays = numpy.load(asked["rows"])
features, label, fold = arrays["features"], arrays["label"], arrays["fold"]
parameters = dict(n_estimators=400, learning_rate=0.01, colsample_bytree=0.66, num_leaves=200, n_jobs=1, verbosity=-1, deterministic=True,
                  force_col_wise=True)
kept = fold < 0
model = lightgbm.LGBMRegressor(**parameters).fit(features[kept], label[kept])
off = model.predict(features[~kept]) - label[~kept]
spread = label[~kept] - label[~kept].mean()
scores = {"mse": (off ** 2).mean(), "rmse": (off ** 2).mean() ** 0.5, "mae": abs(off).mean(), "r2": 1 - (off ** 2).sum() / (spread ** 2).sum()}
loaded = lightgbm.Booster(model_file=asked["model"])
pixels = numpy.load(asked["pixels"])
again = lightgbm.LGBMRegressor(**parameters).fit(features, label)
numpy.savez(sys.argv[2], predicted=loaded.predict(pixels, num_threads=1), again=again.predict(pixels))
json.dump(scores, open(sys.argv[3], "w"))
"""


def lightgbm_library():
    asked = subprocess.run([VENV_PYTHON, "-c", "import lightgbm, pathlib; print(next(pathlib.Path(lightgbm.__file__).parent.rglob('lib_lightgbm.so')))"],
                           capture_output=True, text=True, check=False)
    return asked.stdout.strip() if asked.returncode == 0 else None


def images():
    return sorted((DATA / "s2-slovenia/scenes").glob("S2A_L1C_*.tif"))


def eo_grow_features():
    """Months x 15 x rows x columns: medians of clear observations and their normalised differences, in float32."""
    by_month = {month: [] for month in MONTHS}
    for image in images():
        date = image.stem.split("_")[-1]
        pixels = gdal.Open(str(image)).ReadAsArray()[PLACES].astype(numpy.float32) * numpy.float32(1e-4)
        cloud = gdal.Open(str(DATA / "s2-slovenia/cloud" / image.name.replace("S2A_L1C_", "CLM_"))).ReadAsArray()
        pixels[:, cloud == 1] = numpy.nan
        by_month[f"{date[:4]}-{date[4:6]}"].append(pixels)
    months = []
    for month in MONTHS:
        bands = numpy.nanmedian(numpy.stack(by_month[month]), axis=0).astype(numpy.float32)
        months.append(numpy.concatenate([bands] + [((bands[a] - bands[b]) / (bands[a] + bands[b]))[None] for a, b in NDIS.values()]))
    return numpy.stack(months)


def write_raster(path, like, values):
    source = gdal.Open(str(like))
    file = gdal.GetDriverByName("GTiff").Create(str(path), source.RasterXSize, source.RasterYSize, 1, gdal.GDT_Float32)
    file.SetGeoTransform(source.GetGeoTransform())
    file.SetProjection(source.GetProjection())
    file.GetRasterBand(1).WriteArray(values.astype(numpy.float32))


def forest_share():
    """What takes the place of the example's GHSL built-up probability, which the data does not have: the share of forest in 5 x 5 pixels, percent."""
    forest = (gdal.Open(str(DATA / "s2-slovenia/labels/LULC.tif")).ReadAsArray() == 2).astype(float)
    padded = numpy.pad(forest, 2, mode="edge")
    return numpy.rint(100 * sum(padded[y:y + forest.shape[0], x:x + forest.shape[1]] for y in range(5) for x in range(5)) / 25)


def run_eo_grow(bench, library):
    (bench.folder / "scenes.txt").write_text("".join(f"{DATA}/s2-slovenia/stac/items/{image.stem}.json\n" for image in images()))
    write_raster(bench.folder / "reference.tif", DATA / "s2-slovenia/labels/LULC.tif", forest_share())
    given = {"scenes": "scenes.txt", "reference": "reference.tif", "results": "out", "months": f"{MONTHS[0]}..{MONTHS[-1]}", "dates": 3,
             "bands": "[" + ", ".join(BANDS) + "]", "ndis": "[" + ", ".join(NDIS) + "]", "clouds": "cloud_mask", "unusable": "[1]", "tile": f"{TILE} px"}
    parameters = [word for name, value in given.items() for word in ("-p", f"{name}={value}")]
    # LightGBM's threads wait for each other by spinning: on a machine that others use one is quickest.
    return bench.run(EXAMPLES / "eo-grow/workflow.yaml", "--threads", "1", *parameters, environment={"GEOLOOM_LIGHTGBM": library}, timeout=1500)


def eo_grow_cycle(bench):
    library = lightgbm_library()
    if not library:
        print("eo_grow_cycle: not tried, LightGBM is not installed", file=sys.stderr)
        return
    outputs = run_eo_grow(bench, library).json()["outputs"]
    out = bench.folder / "out"
    features, reference = eo_grow_features(), forest_share()
    merged_arrays(bench, out, features, reference)
    table = numpy.load(out / "split.npz")
    bench.expect_equal(int((table["fold"] == 0).sum()), 1200, "a fifth of the samples is tested")
    flat = features.reshape(-1, features.shape[2] * features.shape[3])
    judged(bench, out, outputs, table, flat.T)


def merged_arrays(bench, out, features, reference):
    """Three arrays as eo-grow's MergeSamplesPipeline writes them, pixel by pixel what NumPy takes from the scenes."""
    table = numpy.load(out / "training.npz")
    merged, label, patch = (numpy.load(out / f"{name}_merged.npy") for name in ("features", "reference", "patch"))
    bench.expect_equal((merged.shape, label.shape, patch.shape), ((6000, 3, 15), (6000, 1), (6000,)), "shapes of the arrays")
    bench.expect_equal((str(merged.dtype), str(patch.dtype)), ("float32", "uint32"), "types of the arrays")
    bench.expect_equal(numpy.bincount(patch).tolist(), [1500] * 4, "1500 samples of each tile")
    bench.expect((numpy.diff(patch.astype(int)) >= 0).all(), "tile after tile")
    left, dx, _, top, _, dy = gdal.Open(str(images()[0])).GetGeoTransform()
    column, row = ((table["x"] - left) // dx).astype(int), ((table["y"] - top) // dy).astype(int)
    bench.expect_equal(len(set(zip(column, row))), 6000, "no pixel twice")
    bench.expect(((row // TILE) * 2 + column // TILE == patch).all(), "samples lie in their tiles")
    wanted = features[:, :, row, column].transpose(2, 0, 1)
    off = numpy.abs(merged - wanted)
    bench.expect((off[:, :, :12] == 0).all(), "bands are those of the scenes", off[:, :, :12].max())
    bench.expect(off.max() < 1e-6, "indices are NumPy's", off.max())
    bench.expect((label[:, 0] == reference[row, column]).all(), "labels are those of the reference")
    # A simple random sample: the mean of what was drawn is that of all pixels, within four standard errors.
    share = abs(label.mean() - reference.mean()) / (reference.std() / 6000 ** 0.5)
    bench.expect(share < 4, "labels are drawn at random", share)


def judged(bench, out, outputs, table, pixels):
    with zipfile.ZipFile(out / "model.zip") as package:
        (bench.folder / "model.txt").write_bytes(package.read("model.txt"))
        bench.expect_equal([feature["name"] for feature in json.loads(package.read("card.json"))["features"]],
                           [f"{name}_{month}" for month in MONTHS for name in [*BANDS, *NDIS]], "features in order")
    numpy.savez(bench.folder / "rows.npz", features=table["features"], label=table["label"], fold=table["fold"])
    # The pixels as the step that predicts reads them: those of the layer `features`.
    layer = numpy.zeros(pixels.shape, numpy.float32).reshape(101, 100, -1)
    for path in (out / "layers/features").glob("*.tif"):
        tile = gdal.Open(str(path))
        left, dx, _, top, _, dy = tile.GetGeoTransform()
        x, y = round((left - 465181.052231820416637) / dx), round((top - 5080254.633496410213411) / dy)
        scale = numpy.array([tile.GetRasterBand(band + 1).GetScale() or 1 for band in range(tile.RasterCount)], numpy.float32)
        layer[y:y + tile.RasterYSize, x:x + tile.RasterXSize] = tile.ReadAsArray().transpose(1, 2, 0) * scale
    bench.expect(numpy.abs(layer.reshape(pixels.shape) - pixels).max() < 1e-6, "features of all pixels are NumPy's")
    numpy.save(bench.folder / "pixels.npy", layer.reshape(pixels.shape))
    asked = {"rows": str(bench.folder / "rows.npz"), "model": str(bench.folder / "model.txt"), "pixels": str(bench.folder / "pixels.npy")}
    (bench.folder / "asked.json").write_text(json.dumps(asked))
    (bench.folder / "judge.py").write_text(JUDGE)
    subprocess.run([VENV_PYTHON, "judge.py", "asked.json", "judged.npz", "scores.json"], cwd=bench.folder, check=True)
    for name, wanted in json.loads((bench.folder / "scores.json").read_text()).items():
        bench.expect(abs(outputs[name] - wanted) <= 1e-9 * abs(wanted), f"{name} is LightGBM's own", (outputs[name], wanted))
    theirs = numpy.load(bench.folder / "judged.npz")
    bench.expect((theirs["predicted"] == theirs["again"]).all(), "the model is the one that LightGBM's package trains of all rows")
    wanted = numpy.clip(theirs["predicted"], 0, 100)
    predicted = gdal.Open(str(out / "prediction_map.tif")).ReadAsArray().ravel()
    bench.expect((predicted == wanted.astype(numpy.float32)).all(), "the prediction is LightGBM's own of the same file",
                 numpy.abs(predicted - wanted).max())
    result = gdal.Open(str(out / "result.tif"))
    bench.expect_equal(result.GetRasterBand(1).DataType, gdal.GDT_Byte, "exported as uint8")
    bench.expect_equal(result.GetMetadataItem("LAYOUT", "IMAGE_STRUCTURE"), "COG", "as a COG")
    bench.expect((result.ReadAsArray().ravel() == numpy.rint(predicted)).all(), "rounded half to even")


def fractions_of_classes(bench):
    """eo-grow's golden test of FractionSamplingPipeline: its two patches, its land use polygons, its fractions. Of each class round(count * fraction)
    pixels. The raster that its numbers are of was burned in a way that is not in the data, so counts are GDAL's of the same polygons."""
    golden = DATA / "eo-grow/golden"
    config = json.loads((golden / "config/sampling/sampling_fraction.json").read_text())
    expected = json.loads((golden / "expected/sampling/sampling_fraction.json").read_text())
    polygons = golden / "input-data/test_area_lulc.geojson"
    fractions = config["fraction_of_samples"]
    for number, patch in enumerate(expected.values()):
        left, bottom, right, top = (float(word) for word in patch["bbox"].replace("(", " ").replace(")", " ").replace(",", " ").split()[1:5])
        size = (int((right - left) / 10), int((top - bottom) / 10))
        bench.run(bench.document(f"""geoloom: 1
name: golden
store: golden{number}
area: {{grid: {{crs: "EPSG:32638", origin: [{left}, {top}], resolution: 10, size: [{size[0]}, {size[1]}]}}, tiles: 512 px}}
steps:
  draw:
    over: tiles
    do:
      - rasterize: {{file: "{polygons}", column: LULC_ID, band: LULC_ID, background: 0, as: classes}}
      - rasterize: {{file: "{polygons}", column: LULC_POLYGON_ID, band: POLYGON_ID, type: uint16, background: 0, as: polygons}}
      - join: {{from: [polygons, classes]}}
      - sample: {{layer: drawn, label: LULC_ID, fraction: {{{", ".join(f"{code}: {share}" for code, share in fractions.items())}}}, exclude: {config["exclude_values"]}, seed: {config["seed"]}}}
  merge: {{do: [{{merge_samples: {{layer: drawn, as: merged}}}}]}}
"""))
        source = ogr.Open(str(polygons))
        burned = gdal.GetDriverByName("MEM").Create("", *size, 1, gdal.GDT_Byte)
        burned.SetGeoTransform((left, 10, 0, top, 0, -10))
        burned.SetProjection(source.GetLayer(0).GetSpatialRef().ExportToWkt())
        gdal.RasterizeLayer(burned, [1], source.GetLayer(0), options=["ATTRIBUTE=LULC_ID"])
        classes = burned.ReadAsArray()
        table = numpy.load(bench.folder / f"golden{number}/merged.npz")
        got = {int(code): int(count) for code, count in zip(*numpy.unique(table["label"], return_counts=True))}
        wanted = {int(code): round(int((classes == int(code)).sum()) * share) for code, share in fractions.items()
                  if int(code) not in config["exclude_values"]}
        bench.expect_equal(got, wanted, f"patch {number}: samples of each class")
        theirs = {value["value"]: value["count"] for value in patch["mask_timeless"]["LULC_ID"]["values"]}
        bench.expect(set(theirs) == set(got) and all(abs(got[code] - count) <= max(2, 0.01 * count) for code, count in theirs.items()),
                     f"patch {number}: eo-grow's own numbers, but for how polygons were burned", (got, theirs))
        column, row = ((table["x"] - left) // 10).astype(int), ((top - table["y"]) // 10).astype(int)
        bench.expect((classes[row, column] == table["label"]).all(), f"patch {number}: labels are those of the pixels")
        bench.expect_equal(len(set(zip(column, row))), len(row), f"patch {number}: no pixel twice")


def blocks_of_pixels(bench):
    """BlockSamplingPipeline with sample_size [4, 3]: blocks lie in their tile as a whole, no corner is drawn twice, and arrays are NumPy's slices."""
    (bench.folder / "scenes.txt").write_text(f"{DATA}/s2-slovenia/stac/items/{images()[0].stem}.json\n")
    bench.run(bench.document(f"""geoloom: 1
name: blocks
store: out
area: {{same_grid_as: scenes.txt, tiles: {TILE} px}}
steps:
  draw:
    over: tiles
    do:
      - load: {{scenes: scenes.txt, bands: [B02, B08]}}
      - reduce: first
      - sample: {{layer: drawn, block: [4, 3], number: 40, seed: 42}}
  merge:
    do:
      - merge_samples: {{layer: drawn, as: merged}}
      - save_table: {{layer: merged, format: npy, column: features, as: blocks}}
"""))
    blocks, table = numpy.load(bench.folder / "out/blocks.npy"), numpy.load(bench.folder / "out/merged.npz")
    bench.expect_equal(blocks.shape, (160, 4, 3, 2), "N x height x width x bands")
    image = gdal.Open(str(images()[0]))
    left, dx, _, top, _, dy = image.GetGeoTransform()
    pixels = image.ReadAsArray()[[1, 7]].astype(numpy.float32) * numpy.float32(1e-4)
    column = numpy.rint((table["x"] - left) / dx - 1.5).astype(int)
    row = numpy.rint((table["y"] - top) / dy - 2).astype(int)
    bench.expect_equal(len(set(zip(column, row))), 160, "no corner twice")
    same = [(pixels[:, y:y + 4, x:x + 3].transpose(1, 2, 0) == block).all() for x, y, block in zip(column, row, blocks)]
    bench.expect(all(same), "blocks are slices of the scene", sum(same))
    whole = (column // TILE == (column + 2) // TILE) & (row // TILE == (row + 3) // TILE)
    bench.expect(whole.all(), "blocks lie in their tile as a whole")


def crop_mask_inputs(bench):
    """A year of Sentinel-2 over farmland in Flanders, as no African scenes are in the data; rain of AgERA5 in place of CHPclim. No elevation model is there either: a
    made-up ramp from 0 to 60 percent stands for slope, to see the rule at work, and slope is no feature."""
    flanders = DATA / "s2-flanders-2018"
    (bench.folder / "scenes.txt").write_text("".join(f"{path}\n" for path in sorted((flanders / "stac/items").glob("S2_L2A_2018*.json"))))
    with open(flanders / "weather_daily.csv", encoding="utf-8") as file:
        days = [(row["date"], float(row["precipitation_flux"])) for row in csv.DictReader(file)]
    like = flanders / "labels/LC.tif"
    for name, months in (("rain_first", range(1, 7)), ("rain_second", range(7, 13))):
        rain = sum(mm for date, mm in days if date.startswith("2018") and int(date[5:7]) in months)
        write_raster(bench.folder / f"{name}.tif", like, numpy.full((64, 64), rain))
    write_raster(bench.folder / "slope.tif", like, numpy.tile(numpy.linspace(0, 60, 64), (64, 1)))
    tables = DATA / "crop-mask"
    given = {"training": tables / "eastern_training.txt", "places": tables / "eastern_coords_epsg6933.txt", "scenes": "scenes.txt", "results": "out",
             "rain_first": "rain_first.tif", "rain_second": "rain_second.tif", "slope": "slope.tif", "first": "2018-01..2018-06", "second": "2018-07..2018-12",
             "year": "2018"}
    return [word for name, value in given.items() for word in ("-p", f"{name}={value}")]


def crop_mask_cycle(bench):
    parameters = crop_mask_inputs(bench)
    outputs = bench.run(EXAMPLES / "crop-mask/published.yaml", *parameters, timeout=1500).json()["outputs"]
    # scikit-learn 1.2 with these parameters, shuffled 7-fold, has 0.854; grouped by the same 32 clusters, otherwise dealt, 0.57.
    bench.expect(abs(outputs["shuffled"] - 0.854) < 0.01, "balanced accuracy of shuffled folds", outputs)
    bench.expect(0.5 < outputs["spatial"] < 0.62, "and of places 500 km wide", outputs)
    out = bench.folder / "out"
    filtered, mask, prob, reason = (gdal.Open(str(out / f"{name}.tif")).ReadAsArray()
                                    for name in ("crop_mask", "crop_mask_by_pixel", "crop_probability", "crop_reason"))
    slope = gdal.Open(str(bench.folder / "slope.tif")).ReadAsArray()
    steep = slope > 50
    bench.expect((filtered[steep] == 255).all() and (mask[steep] == 255).all(), "steeper than 50 percent is no part of the map")
    bench.expect_equal(sorted(set(numpy.unique(reason[steep])) - {255}), [2], "for the second reason")
    kept = (mask != 255) & (filtered != 255)
    bench.expect(kept[~steep].mean() > 0.9, "the rest is", kept[~steep].mean())
    bench.expect_equal(sorted(numpy.unique(filtered[kept])), [0, 1], "a mask of zeros and ones")
    bench.expect((numpy.where(mask[kept] == 1, prob[kept] >= 50, prob[kept] <= 50)).all(), "percent for crop, cut to whole numbers")
    segments = gdal.Open(str(out / "fields.tif")).ReadAsArray()
    majority = gdal.Open(str(out / "majority.tif")).ReadAsArray()
    predicted = gdal.Open(str(next((out / "layers/predicted").glob("*.tif")))).ReadAsArray()[0]
    for number in numpy.unique(segments[segments > 0]):
        inside = (segments == number) & (predicted != 255)
        wanted = int((predicted[inside] == 1).sum() * 2 > inside.sum())
        bench.expect((majority[inside] == wanted).all(), f"segment {number} has the majority of its pixels")
    features_of_the_table(bench, out)
    accuracy_by_design(bench, out, parameters, filtered)


def features_of_the_table(bench, out):
    """The layer has the table's features but slope, and values of their kind."""
    with open(DATA / "crop-mask/eastern_training.txt", encoding="utf-8") as file:
        names = file.readline().lstrip("# ").split()[1:-1]
    layer = gdal.Open(str(next((out / "layers/features").glob("*.tif"))))
    bench.expect_equal([layer.GetRasterBand(band + 1).GetDescription() for band in range(layer.RasterCount)], names, "features of the table")
    with zipfile.ZipFile(out / "forest.zip") as package:
        card = json.loads(package.read("card.json"))
    bench.expect_equal([feature["name"] for feature in card["features"]], names, "and of the forest")


def accuracy_by_design(bench, out, parameters, filtered):
    """Labelled by the parcel register: annual cropland or not. Checked by the estimator's formula on the same units (Olofsson et al. 2014, equations 4 and 5)."""
    register = gdal.Open(str(DATA / "s2-flanders-2018/labels/LC.tif"))
    left, dx, _, top, _, dy = register.GetGeoTransform()
    truth = register.ReadAsArray() == 11
    shutil.copy(out / "sample.gpkg", bench.folder / "labelled.gpkg")
    source = ogr.Open(str(bench.folder / "labelled.gpkg"), 1)
    layer, units = source.GetLayer(0), []
    for unit in layer:
        point = unit.GetGeometryRef()
        column, row = int((point.GetX() - left) // dx), int((point.GetY() - top) // dy)
        unit.SetField("label", "crop" if truth[row, column] else "other")
        layer.SetFeature(unit)
        units.append((int(filtered[row, column]), int(truth[row, column])))
    layer = source = None
    text = (EXAMPLES / "crop-mask/accuracy.yaml").read_text().replace("include: workflow.yaml", f"include: {EXAMPLES}/crop-mask/published.yaml")
    said = bench.run(bench.document(text, "accuracy.yaml"), *parameters, "-p", "labels=labelled.gpkg", timeout=1500)
    steps = said.steps()
    bench.expect(all(step["done"] == 0 for name, step in steps.items() if name != "accuracy"), "nothing of the map is made again", steps)
    mapped, label = numpy.array(units).T
    shares = [(filtered == code).sum() / (filtered != 255).sum() for code in (0, 1)]
    wanted = sum(share * (label[mapped == code] == code).mean() for code, share in enumerate(shares))
    got = said.json()["outputs"]["accuracy"]
    bench.expect(abs(got - wanted) < 1e-9, "the overall accuracy by design", (got, wanted))
    bench.expect_equal(len(units), 300, "units")


TESTS = (eo_grow_cycle, fractions_of_classes, blocks_of_pixels, crop_mask_cycle)

if __name__ == "__main__":
    if not (DATA / "crop-mask").exists():
        skip("GEOLOOM_TEST_DATA names no folder of test data")
    sys.exit(main(TESTS, __doc__))
