#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Loads one cube with Geoloom and with what Python users would run, and compares pixels, CPU time, time and memory.

    compare.py --geoloom BINARY --peer-python PYTHON --scenes FOLDER --work FOLDER [--rounds 3] [--threads 2] [--only JOB]

FOLDER is what generate_cube.py wrote. Pixels come first: a job whose pixels are not what README.md says ends the
comparison with exit code 1. Writes WORK/results.json and prints tables.
"""
import argparse
import json
import multiprocessing
import os
import pathlib
import re
import shutil
import statistics
import sys

import numpy
from osgeo import gdal

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "granule-median"))
import decode_floor  # noqa: E402
from measure import measure  # noqa: E402

gdal.UseExceptions()
BANDS = ["B02", "B03", "B04", "B08", "B11", "B12"]
# The window in the middle of the scenes: on whole blocks, and on two other maps.
ALIGNED = {"crs": "EPSG:32631", "left": 305120, "top": 4894900}
OTHER_ZONE = {"crs": "EPSG:32632", "left": -177260, "top": 4929120}
EQUAL_AREA = {"crs": "EPSG:6933", "left": 52270, "top": 5108290}
JOBS = {
    "aligned": {**ALIGNED, "method": "nearest"},
    "other zone, nearest": {**OTHER_ZONE, "method": "nearest"},
    "other zone, bilinear": {**OTHER_ZONE, "method": "bilinear"},
    "EPSG:6933, bilinear": {**EQUAL_AREA, "method": "bilinear"},
}
# Real scenes over one field: small files of several bands, which stackstac does not read.
REAL = {"crs": "EPSG:32631", "left": 501360, "top": 5629680, "size": 64, "pattern": "S2_*.json", "bands": ["B02", "B03", "B04", "B08"],
        "assets": {band: ["10m", number] for number, band in enumerate(["B02", "B03", "B04", "B08"], 1)}, "method": "nearest"}
PEERS = ["rasterio", "odc-stac", "stackstac"]
PEER_SETTINGS = {"GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR"}
MOST_DN = 1  # between methods that make new values
# Nearest: pixels whose centre is within 2^-20 pixel of an edge between two, along columns or rows.
MOST_ON_EDGES = 4 * 2.0 ** -20
DIFFERENCES = ("differ", "by_more_than_one", "only_one_has_it")


def parameters(job):
    keys = ("crs", "left", "top", "resolution", "size", "method")
    return [*(part for key in keys for part in ("-p", f"{key}={job[key]}")), "-p", f"bands=[{', '.join(job['bands'])}]"]


def differences(ours, theirs, shape, counts):
    """Of a GeoTIFF of all dates and bands and an array of a peer. In a process of its own: see measure.py."""
    mine = gdal.Open(str(ours)).ReadAsArray()  # at once: bands are interleaved
    pixels = numpy.load(theirs, mmap_mode="r").reshape(-1, *shape[2:])
    for number in range(len(pixels)):
        a, b = mine[number].astype(numpy.int32), pixels[number].astype(numpy.int32)
        both = (a != 0) & (b != 0)
        for key, wrong in (("differ", both & (a != b)), ("by_more_than_one", both & (abs(a - b) > MOST_DN)), ("only_one_has_it", (a != 0) != (b != 0))):
            counts[key] = counts.get(key, 0) + int(wrong.sum())


class Comparison:
    def __init__(self, arguments, job):
        self.arguments, self.job = arguments, job
        self.path, self.log, self.ours = (arguments.work / name for name in ("job.json", "log.txt", "cube.tif"))
        self.path.write_text(json.dumps(job))

    def geoloom(self, document, *options):
        store = self.arguments.work / "store"
        shutil.rmtree(store, ignore_errors=True)
        command = [self.arguments.geoloom, "run", HERE / document, "-p", f"items={self.job['items']}/{self.job['pattern']}", "-p", f"results={store}",
                   *parameters(self.job), "--threads", str(self.job["threads"]), "--quiet", *options]
        return measure([str(part) for part in command], self.log), store

    def peer(self, way, *options):
        command = [self.arguments.peer_python, HERE / "peers.py", way, self.path, *options]
        measure([str(part) for part in command], self.log, PEER_SETTINGS)
        return json.loads(self.log.read_text().splitlines()[-1])

    def scale(self):
        """GDAL's XSCALE and YSCALE for kernels as wide as ours: they grow with the scale, but for pixels of about one size."""
        record = next((self.arguments.work / "store" / "runs").glob("*/run.json")).read_text()
        found = re.search(r'"scale":\s*(\[[^\]]*,[^\]]*\])', record)
        return [1 if along <= 1.05 else 1 / along for along in json.loads(found.group(1))] if found else [1, 1]

    def prepare(self):
        """The cube to compare with, and the scale that it was made with."""
        _, store = self.geoloom("cube.yaml")
        self.job["scale"] = self.scale()
        self.path.write_text(json.dumps(self.job))
        next(store.glob("cube*.tif")).rename(self.ours)

    def differences(self, way, *options):
        """Runs a peer; what it spent, and how its pixels differ from ours."""
        pixels = self.arguments.work / "pixels.npy"
        spent = self.peer(way, "--pixels", pixels, *options)
        dates = len(list(pathlib.Path(self.job["items"]).glob(self.job["pattern"])))
        shape = (dates, len(self.job["bands"]), self.job["size"], self.job["size"])
        with multiprocessing.Manager() as manager:
            counts = manager.dict(samples=numpy.prod(shape).item())
            child = multiprocessing.Process(target=differences, args=(self.ours, pixels, shape, counts))
            child.start()
            child.join()
            if child.exitcode != 0:
                sys.exit("compare: pixels could not be compared")
            found = dict(counts)
        pixels.unlink()
        return spent, found

    def compare(self):
        """Rounds of everybody, and the differences from each peer; of rasterio also when it places pixels exactly."""
        self.prepare()
        _, exact = self.differences("rasterio", "--exact")
        found, spent = {"rasterio, exact": exact}, {}
        for number in range(self.arguments.rounds):
            spent.setdefault("geoloom", []).append(self.geoloom("count.yaml")[0])
            for way in self.job["peers"]:
                if number == 0:
                    run, found[way] = self.differences(way)
                else:
                    run = self.peer(way)
                spent.setdefault(way, []).append(run)
        return {"pixels": found, "runs": spent}


def memory_by_dates(arguments, job):
    """Peak memory of 60 and 240 dates under a small budget and without one."""
    found = []
    for items in ("items", "items_240"):
        for budget in ("256M", "1G"):
            comparison = Comparison(arguments, {**job, "items": str(arguments.scenes / items)})
            spent, _ = comparison.geoloom("count.yaml", "--memory", budget)
            found.append({"dates": len(list((arguments.scenes / items).glob("*.json"))), "budget": budget, **spent})
    return found


def floor(scenes, dates, window):
    """CPU seconds of one thread that inflates the blocks of a window with libdeflate, and does nothing else."""
    files = [scenes / f"{date:03d}_{band}.tif" for date in range(dates) for band in BANDS]
    places, samples = decode_floor.block_places(files, window)
    contents = [file.read_bytes() for file in files]
    seconds = min(decode_floor.inflate_all(contents, places, 2 * samples) for _ in range(2))
    return {"blocks": len(places), "stored_mb": sum(size for _, _, size in places) / 1e6, "cpu_seconds": seconds}


def table(name, found):
    lines = [f"### {name}\n", "| | seconds | over geoloom | CPU s | over geoloom | peak MiB | samples that differ | by more than 1 | only one has it |",
             "|---|---|---|---|---|---|---|---|---|"]
    ours = found["runs"]["geoloom"]
    for way, runs in found["runs"].items():
        row = [way]
        for quantity in ("wall_seconds", "cpu_seconds"):
            ratio = statistics.median(theirs[quantity] / mine[quantity] for theirs, mine in zip(runs, ours, strict=True))
            row += [f"{statistics.median(run[quantity] for run in runs):.2f}", f"{ratio:.1f}"]
        check = found["pixels"].get(way, {})
        row += [f"{max(run['peak_mib'] for run in runs):.0f}", *(f"{check[key]:,}" if check else "" for key in DIFFERENCES)]
        lines.append("| " + " | ".join(row) + " |")
    check = found["pixels"]["rasterio, exact"]
    lines.append("| rasterio, exact | | | | | | " + " | ".join(f"{check[key]:,}" for key in DIFFERENCES) + " |")
    return "\n".join(lines) + "\n"


def fits(name, pixels):
    """Whether pixels are as README.md says; peers that place pixels by approximation are only reported."""
    if name.endswith("aligned"):
        return all(not any(counts[key] for key in DIFFERENCES) for counts in pixels.values())
    exact = pixels["rasterio, exact"]
    if name.endswith("nearest"):
        return exact["differ"] + exact["only_one_has_it"] <= MOST_ON_EDGES * exact["samples"]
    return exact["by_more_than_one"] == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--geoloom", type=pathlib.Path, required=True)
    parser.add_argument("--peer-python", required=True)
    parser.add_argument("--scenes", type=pathlib.Path, required=True)
    parser.add_argument("--work", type=pathlib.Path, required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", choices=[*JOBS, "real, aligned"])
    parser.add_argument("--data", type=pathlib.Path, default=os.environ.get("GEOLOOM_TEST_DATA"), help="real scenes; default: GEOLOOM_TEST_DATA")
    arguments = parser.parse_args()
    for name in ("geoloom", "scenes", "work"):
        setattr(arguments, name, getattr(arguments, name).resolve())
    arguments.work.mkdir(parents=True, exist_ok=True)
    common = {"items": str(arguments.scenes / "items"), "bands": BANDS, "resolution": 10, "size": 1024, "threads": arguments.threads, "scale": [1, 1], "pattern": "*.json", "assets": {}, "peers": PEERS}
    jobs = {**JOBS}
    if arguments.data:
        jobs["real, aligned"] = {**REAL, "items": str(arguments.data / "s2-flanders-2018" / "stac" / "items"), "peers": PEERS[:2]}
    results = {}
    for name, job in jobs.items():
        if arguments.only and name != arguments.only:
            continue
        found = Comparison(arguments, {**common, **job}).compare()
        print(table(name, found), flush=True)
        if not fits(name, found["pixels"]):
            sys.exit(f"compare: {name}: pixels are not those of the peers")
        results[name] = found
    if arguments.only == "real, aligned":
        return 0
    results["memory"] = memory_by_dates(arguments, {**common, **JOBS["aligned"]}) + memory_by_dates(arguments, {**common, **JOBS["other zone, bilinear"]})
    results["floor"] = {"aligned": floor(arguments.scenes, 60, (512, 512, 1024, 1024)), "warped": floor(arguments.scenes, 60, (0, 0, 1536, 1536))}
    for name, bound in results["floor"].items():
        print(f"inflating what {name} needs: {bound['blocks']} blocks of {bound['stored_mb']:.0f} MB, {bound['cpu_seconds']:.2f} CPU s")
    for run in results["memory"]:
        print(f"{run['dates']} dates, --memory {run['budget']}: {run['peak_mib']:.0f} MiB, {run['cpu_seconds']:.2f} CPU s")
    (arguments.work / "results.json").write_text(json.dumps({**results, "machine": os.uname().machine}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
