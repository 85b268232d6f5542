#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The op itself on the same landscape: reading a layer, stretch and clusters, cells, numbers, the file.

    whole_map.py --geoloom PROGRAM --work FOLDER [--size 9600] [--memory 2G] [--rounds 1] [--fit map|item]

The layer is made first, in tiles; what is measured is a run that has nothing else to do than `segment`, on one thread: its CPU seconds,
the time that passed, and the most memory it held.
"""
import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

import numpy
from osgeo import gdal, osr

gdal.UseExceptions()

DOCUMENT = """geoloom: 1
name: segments
store: STORE
area: {same_grid_as: SCENE, tiles: 2400 px}
steps:
  picture:
    over: tiles
    do: [{load: {scenes: SCENE}}, {save: {layer: picture, nodata: 0, profile: {compress: zstd, level: 1}}}]
"""
SEGMENTS = """  segments:
    do:
      - segment: {layer: picture, clusters: 60, every: 100, smallest: 100, fit: FIT, as: ids, profile: {compress: zstd, level: 1}}
"""


def write_scene(raw, size, path):
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(6933)
    options = ["TILED=YES", "BLOCKXSIZE=512", "BLOCKYSIZE=512", "COMPRESS=ZSTD", "ZSTD_LEVEL=1", "PREDICTOR=2", "BIGTIFF=YES"]
    scene = gdal.GetDriverByName("GTiff").Create(str(path), size, size, 2, gdal.GDT_UInt16, options)
    scene.SetGeoTransform((0, 10, 0, 10 * size, 0, -10))
    scene.SetProjection(reference.ExportToWkt())
    pixels = numpy.memmap(raw, "<u2", "r", shape=(2, size, size))
    for number, name in enumerate(("ndvi_1", "ndvi_2")):
        band = scene.GetRasterBand(number + 1)
        band.SetDescription(name)
        band.SetNoDataValue(0)
        for top in range(0, size, 512):
            band.WriteArray(pixels[number, top : top + 512], 0, top)
    scene = None  # noqa: F841  closes the file


def measured(command):
    start = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    told = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(f"{' '.join(command)} failed")
    return json.loads(told), usage.ru_utime + usage.ru_stime, time.monotonic() - start, usage.ru_maxrss / 1024


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--geoloom", required=True)
    parser.add_argument("--work", required=True, type=pathlib.Path)
    parser.add_argument("--size", type=int, default=9600)
    parser.add_argument("--memory", default="2G")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--fit", choices=("map", "item"), default="map")
    args = parser.parse_args()
    work = args.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    raw, scene, store = work / "image.raw", work / "picture_20200101.tif", work / "store"
    subprocess.run([sys.executable, str(pathlib.Path(__file__).with_name("generate_image.py")), str(args.size), str(raw)], check=True)
    write_scene(raw, args.size, scene)
    raw.unlink()
    text = DOCUMENT.replace("SCENE", str(scene)).replace("STORE", str(store))
    document = work / "segments.yaml"
    command = [str(pathlib.Path(args.geoloom).resolve()), "run", str(document), "--json", "--threads", "1", "--memory", args.memory]
    for number in range(args.rounds):
        shutil.rmtree(store, ignore_errors=True)
        document.write_text(text)
        measured(command)
        document.write_text(text + SEGMENTS.replace("FIT", args.fit))
        _, cpu, wall, peak = measured(command)
        print(f"{args.size} x {args.size} pixels, 2 bands, fit: {args.fit}, --memory {args.memory}: "
              f"{cpu:.1f} s of CPU, {wall:.1f} s passed, {peak:.0f} MiB at most")
    shutil.rmtree(store, ignore_errors=True)
    scene.unlink()


if __name__ == "__main__":
    main()
