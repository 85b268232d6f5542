#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Index, monthly composites and statistics of a year: Geoloom beside xarray with dask and eo-learn, answers checked first.

    compare.py --geoloom BINARY --scenes FOLDER --work FOLDER [--xarray PYTHON] [--eo-learn PYTHON] [--rounds 3]

All of them use one thread. A peer's CPU seconds are those from decoded arrays to results. Geoloom's are those of the whole
process, decoding and writing included, and beside them the part that the run itself counts as computing.
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import numpy
from osgeo import gdal

gdal.UseExceptions()
HERE = pathlib.Path(__file__).resolve().parent
LEFT, TOP, PIXEL = 300000, 4900020, 10  # of the scenes


def measured(command):
    """CPU seconds, peak MiB and what was printed."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    out = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(f"{' '.join(map(str, command))} failed")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, out


def geoloom(given, folder):
    shutil.rmtree(folder, ignore_errors=True)
    cpu, peak, _ = measured([given.geoloom, "run", HERE / "chain.yaml", "-p", f"scenes={given.scenes}", "-p", f"results={folder}",
                               "--threads", "1", "--reads", "1", "--json", "-q"])
    return {"cpu_s": cpu, "peak_mib": peak, **stages(folder)}


def stages(folder):
    """Seconds of reading, computing and encoding, as the receipts of the items say; with one thread those of its clock."""
    text = b"".join(path.read_bytes() for path in (folder / "receipts").glob("*.seg")).decode(errors="replace")
    return {f"{stage}_s": sum(float(found) for found in re.findall(f'"{stage}":([0-9.e-]+)', text)) for stage in ("read", "compute", "encode")}


def pixels_of(folder, size):
    """Results of our run by name: the tiles put together."""
    out = {}
    for layer in ("monthly", "year"):
        for path in sorted((folder / "layers" / layer).glob("*.tif")):
            file = gdal.Open(str(path))
            transform = file.GetGeoTransform()
            left, top = round((transform[0] - LEFT) / PIXEL), round((TOP - transform[3]) / PIXEL)
            for number in range(1, file.RasterCount + 1):
                band = file.GetRasterBand(number)
                plane = out.setdefault(f"{layer}/{band.GetDescription()}", numpy.full((size, size), numpy.nan, numpy.float32))
                plane[top:top + file.RasterYSize, left:left + file.RasterXSize] = band.ReadAsArray()
    return out


def worst_difference(ours, theirs):
    monthly = numpy.stack([ours[name] for name in sorted(ours) if name.startswith("monthly/")])
    pairs = [(monthly, theirs["monthly"])] + [(ours[f"year/NDVI_{stat}"], theirs[stat]) for stat in ("mean", "sd", "min", "max")]
    worst = 0.0
    for mine, other in pairs:
        if mine.shape != other.shape or (numpy.isnan(mine) != numpy.isnan(other)).any():
            sys.exit("the answers are of other pixels")
        worst = max(worst, float(numpy.nanmax(numpy.abs(mine - other))))
    return worst


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--geoloom", type=pathlib.Path, required=True)
    arguments.add_argument("--scenes", type=pathlib.Path, required=True)
    arguments.add_argument("--work", type=pathlib.Path, required=True)
    arguments.add_argument("--xarray", type=pathlib.Path)
    arguments.add_argument("--eo-learn", type=pathlib.Path)
    arguments.add_argument("--rounds", type=int, default=3)
    given = arguments.parse_args()
    given.scenes, given.work = given.scenes.resolve(), given.work.resolve()
    given.work.mkdir(parents=True, exist_ok=True)
    peers = {name: python for name, python in (("xarray", given.xarray), ("eo-learn", given.eo_learn)) if python}
    size = gdal.Open(str(given.scenes / "000_B04.tif")).RasterXSize
    results = {name: [] for name in ["geoloom", *peers]}
    for _ in range(given.rounds):
        results["geoloom"].append(geoloom(given, given.work / "store"))
        for name, python in peers.items():
            _, _, out = measured([python, HERE / "peer.py", name, given.scenes, "--pixels", given.work / f"{name}.npz"])
            results[name].append(json.loads(out))
    ours = pixels_of(given.work / "store", size)
    for name in peers:
        with numpy.load(given.work / f"{name}.npz") as theirs:
            print(f"largest difference from {name}: {worst_difference(ours, theirs):.2g}")
    best = {name: min(rounds, key=lambda each: each.get("compute_s", each["cpu_s"])) for name, rounds in results.items()}
    print(json.dumps(best, indent=2))
    for name in peers:
        print(f"{name}: {best[name]['cpu_s'] / best['geoloom']['compute_s']:.1f} times our seconds of computing, "
              f"{best[name]['cpu_s'] / best['geoloom']['cpu_s']:.1f} times the CPU seconds of our whole run, "
              f"{best[name]['peak_mib'] / best['geoloom']['peak_mib']:.1f} times the memory")


if __name__ == "__main__":
    main()
