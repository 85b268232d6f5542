#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""CPU seconds per million pixels of the ops of time series, beside the libraries their users know.

    compare.py GEOLOOM [--pixels 512] [--peer-pixels 400] [--rounds 3] [--json FILE]

The program runs a document per op on one thread; what it takes to load the series and to write one band is measured by a document
that only counts, in the same rounds, and taken off. Libraries that work on one series get one after another. That the answers agree is
what tests/properties/series_test.py shows. Run with .setup/venv/bin/python.
"""
import argparse
import datetime
import json
import os
import pathlib
import resource
import subprocess
import tempfile
import time

import numpy
import pymannkendall
import rasterio
import rasterio.transform
import scipy.interpolate
import scipy.signal

DATES, GAPS = 60, 0.2
OPS = {
    "nothing but loading": "reduce: count",
    "interpolate linear": "interpolate: {method: linear}\n      - reduce: mean",
    "interpolate cubic": "interpolate: {method: cubic}\n      - reduce: mean",
    "smooth savitzky_golay": "smooth: {method: savitzky_golay, window: 7, order: 2}\n      - reduce: mean",
    "smooth whittaker": "smooth: {method: whittaker, lambda: 100}\n      - reduce: mean",
    "harmonic": "harmonic: {harmonics: 2, trend: true, outputs: rmse}",
    "trend": "trend: {test: mann_kendall, outputs: slope}",
    "trend seasonal": "trend: {test: seasonal, season: dekad, outputs: slope, min_count: 2}",
    "breaks": "breaks: {method: mosum, history: 2018-01..2018-12, outputs: statistic}",
    "phenology": "phenology: {outputs: length}",
    "climatology": "climatology: {by: quarter, baseline: 2018..2019}",
}


def make_scenes(folder, pixels):
    random = numpy.random.default_rng(1)
    folder.mkdir()
    first, stack = datetime.date(2018, 1, 3), []
    transform = rasterio.transform.from_origin(500000, 5000000, 10, 10)
    for n in range(DATES):
        wave = 0.5 + 0.3 * numpy.sin(2 * numpy.pi * n * 10 / 365.25)
        values = (wave + random.normal(0, 0.05, (pixels, pixels))).astype(numpy.float32)
        values[random.random(values.shape) < GAPS] = numpy.nan
        stack.append(values)
        name = folder / f"s_{first + datetime.timedelta(days=10 * n):%Y%m%d}.tif"
        with rasterio.open(name, "w", driver="GTiff", width=pixels, height=pixels, count=1, dtype="float32", crs="EPSG:32633",
                           transform=transform, nodata=float("nan"), tiled=True, blockxsize=128, blockysize=128) as file:
            file.write(values, 1)
            file.set_band_description(1, "ndvi")
    return numpy.stack(stack)


def children_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run_op(binary, folder, op, number):
    document = folder / f"op{number}.yaml"
    document.write_text(f"""geoloom: 1
name: op
store: {folder}/out{number}
area: {{same_grid_as: {folder}/scenes, tiles: 256 px}}
steps:
  op:
    over: tiles
    do:
      - load: {{scenes: {folder}/scenes}}
      - {op}
      - save: {{layer: result, type: float32}}
""")
    before = children_seconds()
    subprocess.run([binary, "run", document, "--quiet", "--threads", "1"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    spent = children_seconds() - before
    subprocess.run(["rm", "-rf", folder / f"out{number}"], check=True)
    return spent


def peers(stack, count):
    """Seconds of each library for `count` series, by op and name."""
    series = stack.reshape(DATES, -1)[:, :count].astype(numpy.float64)
    days = 10.0 * numpy.arange(DATES)
    angle = 2 * numpy.pi * days / 365.25
    design = numpy.column_stack([numpy.ones(DATES), days / 300 - 1, numpy.cos(angle), numpy.sin(angle), numpy.cos(2 * angle), numpy.sin(2 * angle)])
    full = numpy.nan_to_num(series)
    there = numpy.isfinite(series)

    def each(function):
        return lambda: [function(days[there[:, p]], series[there[:, p], p], p) for p in range(count)]

    calls = {
        ("interpolate linear", "NumPy interp"): each(lambda x, y, p: numpy.interp(days, x, y)),
        ("interpolate linear", "SciPy interp1d"): each(lambda x, y, p: scipy.interpolate.interp1d(x, y, bounds_error=False)(days)),
        ("interpolate cubic", "SciPy CubicSpline"): each(lambda x, y, p: scipy.interpolate.CubicSpline(x, y)(days)),
        ("smooth savitzky_golay", "SciPy savgol_filter, no gaps"): lambda: scipy.signal.savgol_filter(full, 7, 2, axis=0),
        ("harmonic", "NumPy lstsq"): each(lambda x, y, p: numpy.linalg.lstsq(design[there[:, p]], y)),
        ("trend", "pymannkendall original_test"): each(lambda x, y, p: pymannkendall.original_test(series[:, p])),
        ("trend seasonal", "pymannkendall seasonal_test, 36 seasons"): each(lambda x, y, p: pymannkendall.seasonal_test(series[:, p], 36)),
    }
    out = {}
    for (op, name), call in calls.items():
        best = min(timed(call) for _ in range(2))
        out.setdefault(op, {})[name] = best / count * 1e6
    return out


def timed(call):
    begin = time.process_time()
    call()
    return time.process_time() - begin


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("geoloom", type=pathlib.Path)
    parser.add_argument("--pixels", type=int, default=512)
    parser.add_argument("--peer-pixels", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=pathlib.Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = pathlib.Path(place)
        stack = make_scenes(folder / "scenes", arguments.pixels)
        spent = {op: [] for op in OPS}
        for _ in range(arguments.rounds):
            for number, (op, text) in enumerate(OPS.items()):
                spent[op].append(run_op(arguments.geoloom.resolve(), folder, text, number))
        others = peers(stack, arguments.peer_pixels)
    million = arguments.pixels ** 2 / 1e6
    base = min(spent["nothing but loading"]) / million
    result = {"load": os.getloadavg()[0], "dates": DATES, "pixels": arguments.pixels ** 2, "rounds": arguments.rounds, "loading": base, "ops": {}}
    print(f"{DATES} dates, {GAPS:.0%} gaps, float32; CPU seconds per million pixels; loading and counting alone: {base:.2f}\n")
    print("| op | geoloom, above loading | peer | its seconds | times ours |\n|---|---|---|---|---|")
    for op in list(OPS)[1:]:
        own = max(min(spent[op]) / million - base, 0.01)
        result["ops"][op] = {"geoloom": own, **others.get(op, {})}
        rows = others.get(op) or {"": None}
        for name, seconds in rows.items():
            told = f"{name} | {seconds:.0f} | {seconds / own:.0f}" if seconds else " | | "
            print(f"| {op} | {own:.2f} | {told} |")
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
