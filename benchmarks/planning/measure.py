#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Plans an area of a million tiles and prints seconds and peak memory:  measure.py GEOLOOM FOLDER [--rounds N]"""
import argparse
import os
import pathlib
import re
import statistics
import subprocess
import time

import numpy
from osgeo import gdal, osr

gdal.UseExceptions()
METRES, PIXEL = 500_000, 500

AREAS = {
    "lattice": 'grid: {crs: "EPSG:32633", tile: 500}',
    "two UTM zones": "grid: {utm: 500 m}",
}
DOCUMENT = """geoloom: 1
name: million
store: {store}
area:
  aoi: {{bbox: [300000, 4000000, 800000, 4500000], crs: "EPSG:32633"}}
  {grid}
  resolution: 10 m
steps:
  first:
    over: tiles
    do: [{{load: {{scenes: {scenes}, bands: [band1]}}}}, {{reduce: first}}, {{save: first}}]
"""


def write_scenes(folder):
    """Three dates over the whole area, in pixels of 500 m that nest with those of the tiles."""
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(32633)
    folder.mkdir(parents=True, exist_ok=True)
    size = METRES // PIXEL
    for day in (1, 2, 3):
        file = gdal.GetDriverByName("GTiff").Create(str(folder / f"scene_2021010{day}.tif"), size, size, 1, gdal.GDT_Byte)
        file.SetProjection(reference.ExportToWkt())
        file.SetGeoTransform((300000, PIXEL, 0, 4500000, 0, -PIXEL))
        file.GetRasterBand(1).WriteArray(numpy.full((size, size), day, numpy.uint8))
        file.FlushCache()


def measured(*command):
    """Seconds, peak of memory in MiB, and what was printed."""
    started = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    out = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)} failed")
    return time.monotonic() - started, usage.ru_maxrss / 1024, out


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("geoloom")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    write_scenes(given.folder / "scenes")
    print("| | tiles | wall, s | peak, MiB |\n|---|---|---|---|")
    for name, grid in AREAS.items():
        document = given.folder / f"{name.replace(' ', '_')}.yaml"
        document.write_text(DOCUMENT.format(store=given.folder / "store", scenes=given.folder / "scenes", grid=grid))
        for command in ("grid", "plan"):
            rounds = [measured(given.geoloom, command, str(document)) for _ in range(given.rounds)]
            tiles = re.search(r"(\d+) tiles|items +(\d+)", rounds[0][2] if command == "grid" else rounds[0][2].split("step")[1])
            count = next(group for group in tiles.groups() if group) if command == "plan" else re.findall(r"(\d+) tiles", rounds[0][2])[-1]
            print(f"| {command}, {name} | {count} | {statistics.median(r[0] for r in rounds):.1f} | {max(r[1] for r in rounds):.0f} |", flush=True)


if __name__ == "__main__":
    main()
