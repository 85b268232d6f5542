#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Makes a run of about 100 000 items and five steps, and prints how long questions about it take:

    measure.py GEOLOOM FOLDER [--rounds N] [--kilometres 158] [--s3]

The items are empty but for a few: no scene touches their tiles. FOLDER should be in memory, because every item is
a record that is on disk before the next one starts. A run that is there is used again. With --s3 also the run, and
the run again, in a bucket of a server on this machine.
"""
import argparse
import os
import pathlib
import shlex
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


def in_a_bucket(geoloom, folder, rounds):
    """The same document; the server takes a part of the machine for itself."""
    root = pathlib.Path(__file__).resolve().parents[2]
    server = subprocess.Popen([root / ".setup/venv/bin/python", root / "setup/s3_server.py", "--env"], stdout=subprocess.PIPE, text=True)
    for line in server.stdout:
        if not line.startswith("export "):
            break
        name, value = shlex.split(line)[1].split("=", 1)
        os.environ[name] = value
    document = folder / "bucket.yaml"
    document.write_text((folder / "workflow.yaml").read_text().replace(f"store: {folder}/store", f"store: {os.environ['GEOLOOM_TEST_S3']}/records"))
    try:
        tell("the run, in a bucket", [measured(geoloom, "run", document, "--quiet")])
        tell("again, in a bucket", [measured(geoloom, "run", document, "--quiet") for _ in rounds])
    finally:
        server.terminate()
        server.wait()


def size_of(folder):
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def tell(what, times):
    wall, processor = (statistics.median(each) for each in zip(*times))
    print(f"{what:45} {1000 * wall:9.0f} ms, {1000 * processor:8.0f} ms of processor")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("geoloom")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--kilometres", type=int, default=158)
    parser.add_argument("--s3", action="store_true")
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
    tell("the run again, nothing to do", [measured(geoloom, "run", folder / "workflow.yaml", "--quiet", **environment) for _ in rounds])
    tell("geoloom --version", [measured(geoloom, "--version") for _ in rounds])
    shutil.rmtree(folder / "cache", ignore_errors=True)
    tell("runs show, no index yet", [measured(geoloom, "runs", "show", *store, **environment)])
    for command in ("show", "missing", "list"):
        tell(f"runs {command}", [measured(geoloom, "runs", command, *store, **environment) for _ in rounds])
    page = folder / "report.html"
    for command in (("why",), ("metrics",), ("report", "--output", page)):
        tell(f"runs {command[0]}", [measured(geoloom, "runs", *command, *store, **environment)])
    index = sum(path.stat().st_size for path in (folder / "cache/geoloom").glob("*"))
    receipts = sum(path.stat().st_size for path in (folder / "store/receipts").glob("*"))
    print(f"receipts {receipts / 1e6:.0f} MB, index {index / 1e6:.0f} MB, report {page.stat().st_size / 1e6:.2f} MB, "
          f"all else of the run {size_of(folder / 'store/runs') / 1e6:.2f} MB")
    if arguments.s3:
        in_a_bucket(geoloom, folder, rounds)


if __name__ == "__main__":
    main()
