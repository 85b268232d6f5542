#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a map costs end to end (decode, predict, encode) beside the dearest of the three by itself.

    end_to_end.py --geoloom GEOLOOM --program PREDICT_MODEL --work FOLDER [--size PIXELS] [--rounds N] [--model NAME]...

CPU seconds of the whole process on one thread, the least of the rounds; in each round all run once, in turn. The models are those of compare.py.
"""
import argparse
import json
import os
import pathlib
import resource
import shutil
import subprocess

import numpy
import rasterio
import scipy.signal

import compare

LEFT, TOP, CHECKED_ROWS = 600000, 5000000, 64
HEAD = """geoloom: 1
name: {name}
store: {store}
area: {{same_grid_as: "{stack}", tiles: 1024 px}}
steps:
  all:
    over: tiles
    do:
      - load: {{scenes: "{stack}"}}
"""


def write_stack(path, size):
    """A picture of `size` x `size` pixels whose 20 bands correlate by 0.99 from one pixel to the next; int16, thousandths."""
    random = numpy.random.default_rng(4)
    profile = {"driver": "GTiff", "width": size, "height": size, "count": compare.FEATURES, "dtype": "int16", "crs": "EPSG:32631", "nodata": -32768,
               "transform": rasterio.transform.from_origin(LEFT, TOP, 10, 10), "tiled": True, "blockxsize": 512, "blockysize": 512,
               "compress": "deflate", "predictor": 2, "interleave": "band"}
    with rasterio.open(path, "w", **profile) as file:
        for band in range(compare.FEATURES):
            noise = random.standard_normal((size, size)).astype("float32")
            values = scipy.signal.lfilter([(1 - 0.99 ** 2) ** 0.5], [1, -0.99], noise, axis=1)
            file.write(numpy.clip(numpy.rint(values * 1000), -32000, 32000).astype("int16"), band + 1)
            file.set_band_description(band + 1, f"Column_{band}")
        file.scales = [0.001] * compare.FEATURES


def cpu_seconds(command):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)}: {done.stderr[-2000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def run(arguments, name, ops, stack):
    store = arguments.work / "out" / name
    shutil.rmtree(store, ignore_errors=True)
    document = arguments.work / f"{name}.yaml"
    document.write_text(HEAD.format(name=name, store=store, stack=stack) + ops)
    return cpu_seconds([arguments.geoloom, "run", str(document), "--quiet", "--threads", "1"])


def predict_seconds(arguments, model, rows):
    rows.tofile(arguments.work / "rows.bin")
    command = [arguments.program, str(arguments.work / model), str(arguments.work / "rows.bin"), str(compare.FEATURES),
               *(str(arguments.work / name) for name in ("results.bin", "sums.bin", "classes.bin"))]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)["ns_per_row"] * 1e-9


def check_map(arguments, peers, model, rows):
    """The map's first rows are what the model's own library makes of them."""
    answer = peers.models[model][1](rows)
    if answer.ndim == 1:  # raw sums of two classes
        wanted, clear = answer > 0, numpy.abs(answer) > 1e-9
    else:
        apart = numpy.sort(answer, 1)
        wanted, clear = answer.argmax(1), apart[:, -1] - apart[:, -2] > 1e-5  # the file holds shares in float32
    made = numpy.full((CHECKED_ROWS, arguments.size), 255, "uint8")
    for path in (arguments.work / "out/all/layers/map").glob("*.tif"):
        with rasterio.open(path) as tile:
            column, row = round((tile.transform.c - LEFT) / 10), round((TOP - tile.transform.f) / 10)
            if row == 0:
                made[:, column:column + tile.width] = tile.read(1, window=((0, CHECKED_ROWS), (0, tile.width)))
    wrong = int((made.reshape(-1) != wanted)[clear].sum())
    if wrong:
        raise SystemExit(f"{model}: {wrong} pixels of the map are not what its library predicts")


def encode_seconds(arguments):
    """One tile of the map read and written again, for as many as there are."""
    tile = sorted((arguments.work / "out/all/layers/map").glob("*.tif"))[0]
    with rasterio.open(tile) as file:
        share = file.width * file.height / arguments.size ** 2
    return run(arguments, "encode", "      - save: {layer: again}\n", tile) / share


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--geoloom", required=True)
    parser.add_argument("--program", required=True)
    parser.add_argument("--work", type=pathlib.Path, required=True)
    parser.add_argument("--size", type=int, default=2048)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--model", action="append", default=[])
    arguments = parser.parse_args()
    if not (arguments.work / "lightgbm.txt").exists():
        compare.train(arguments.work)
    stack = arguments.work / f"stack_{arguments.size}.tif"
    if not stack.exists():
        write_stack(stack, arguments.size)
    with rasterio.open(stack) as file:
        part = file.read(window=((0, CHECKED_ROWS), (0, arguments.size))).astype("float32") * numpy.float32(0.001)
    rows = numpy.ascontiguousarray(part.reshape(compare.FEATURES, -1).T)
    pixels = arguments.size ** 2
    peers = compare.Peers(arguments.work)
    print("| model | decode, s | predict, s | encode, s | end to end, s | over the dearest |\n|---|---|---|---|---|---|")
    for model in arguments.model or ["lightgbm.txt", "forest.onnx"]:
        least = dict.fromkeys(("decode", "predict", "encode", "all"), 1e9)
        predict = f'      - predict: {{model: "{arguments.work / model}", outputs: [class]}}\n      - save: {{layer: map}}\n'
        for _ in range(arguments.rounds):
            least["all"] = min(least["all"], run(arguments, "all", predict, stack))
            check_map(arguments, peers, model, rows)
            # All bands are decoded, one is written: that is less than a tenth of it.
            least["decode"] = min(least["decode"], run(arguments, "decode", "      - save: {layer: one, bands: [Column_0]}\n", stack))
            least["encode"] = min(least["encode"], encode_seconds(arguments))
            least["predict"] = min(least["predict"], predict_seconds(arguments, model, rows) * pixels)
        dearest = max(least[part] for part in ("decode", "predict", "encode"))
        print(f"| {model} | {least['decode']:.2f} | {least['predict']:.2f} | {least['encode']:.2f} | {least['all']:.2f} | {least['all'] / dearest:.2f} |", flush=True)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
