#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Makes a run of about 100 000 items and five steps, and prints how long questions about it take:

    measure.py GEOLOOM FOLDER [--rounds N] [--kilometres 158]

The items are empty but for a few: no scene touches their tiles. FOLDER should be in memory, because every item is
two records that are on disk before the next one starts. A run that is there is used again.
"""
import argparse
import os
import pathlib
import shutil
import statistics
import subprocess
import time

import numpy
from osgeo import gdal, osr

gdal.UseExceptions()
BANDS = ("red", "green", "blue")
WANTED = ("red", "green", "blue", "red, green", "red, blue")
DOCUMENT = """geoloom: 1
name: run-records
store: {folder}/store
area:
  aoi: {{bbox: [400000, 5000000, {right}, {top}], crs: "EPSG:32631"}}
  grid: {{crs: "EPSG:32631", tile: 500}}
  resolution: 100 m
steps:
"""
STEP = "  step{n}: {{over: tiles, do: [{{load: {{scenes: {folder}/scenes, bands: [{bands}]}}}}, {{reduce: first}}, {{save: layer{n}}}]}}\n"


def write_scene(folder):
    """6.4 km at the corner of the area."""
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(32631)
    (folder / "scenes").mkdir(parents=True)
    file = gdal.GetDriverByName("GTiff").Create(str(folder / "scenes/scene_20210101.tif"), 64, 64, 3, gdal.GDT_Byte)
    file.SetProjection(reference.ExportToWkt())
    file.SetGeoTransform((400000, 100, 0, 5006400, 0, -100))
    for number, name in enumerate(BANDS, 1):
        file.GetRasterBand(number).SetDescription(name)
        file.GetRasterBand(number).WriteArray(numpy.full((64, 64), number, numpy.uint8))
    file.FlushCache()


def measured(*command, **environment):
    """Seconds of the clock and of the processor."""
    started = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, **environment})
    _, status, usage = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status) != 0:
        raise SystemExit(f"{' '.join(map(str, command))} failed")
    return time.monotonic() - started, usage.ru_utime + usage.ru_stime


def tell(what, times):
    wall, processor = (statistics.median(each) for each in zip(*times))
    print(f"{what:45} {1000 * wall:9.0f} ms, {1000 * processor:8.0f} ms of processor")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("geoloom")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--kilometres", type=int, default=158)
    arguments = parser.parse_args()
    folder, geoloom, store = arguments.folder.resolve(), arguments.geoloom, ("--store", f"{arguments.folder.resolve()}/store")
    if not (folder / "store/receipts").exists():
        write_scene(folder)
        side = 1000 * arguments.kilometres
        text = DOCUMENT.format(folder=folder, right=400000 + side, top=5000000 + side)
        text += "".join(STEP.format(n=n, folder=folder, bands=bands) for n, bands in enumerate(WANTED, 1))
        (folder / "workflow.yaml").write_text(text)
        tell("the run itself", [measured(geoloom, "run", folder / "workflow.yaml", "--quiet")])
    environment = {"XDG_CACHE_HOME": str(folder / "cache"), "XDG_STATE_HOME": str(folder / "state")}
    rounds = range(arguments.rounds)
    tell("geoloom --version", [measured(geoloom, "--version") for _ in rounds])
    shutil.rmtree(folder / "cache", ignore_errors=True)
    tell("runs show, no index yet", [measured(geoloom, "runs", "show", *store, **environment)])
    for command in ("show", "missing", "list"):
        tell(f"runs {command}", [measured(geoloom, "runs", command, *store, **environment) for _ in rounds])
    page = folder / "report.html"
    tell("runs report", [measured(geoloom, "runs", "report", *store, "--output", page, **environment)])
    index = sum(path.stat().st_size for path in (folder / "cache/geoloom").glob("*"))
    receipts = sum(path.stat().st_size for path in (folder / "store/receipts").glob("*"))
    print(f"receipts {receipts / 1e6:.0f} MB, index {index / 1e6:.0f} MB, report {page.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
