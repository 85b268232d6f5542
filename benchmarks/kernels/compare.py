#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks the answers of kernels_bench against NumPy's, times NumPy on the same samples, and writes the tables.

    compare.py FOLDER

FOLDER is what kernels_bench wrote. An answer that differs ends this with exit code 1 and no table. NumPy
gets what suits it: arrays without holes are used as they are, those with holes are float32 with NaN,
made beforehand.
"""
import argparse
import datetime
import json
import os
import pathlib
import sys
import time
import warnings

import numpy

TYPES = ("uint8", "uint16", "int16", "float32")
SECONDS = 0.15  # for one figure of NumPy
SERIES_BYTES = 64 << 20  # as kernels_bench has
KERNELS = ("median", "median_lower", "quantile", "min", "max", "mean")


def partition_across(samples):
    return numpy.partition(samples, (len(samples) - 1) // 2, axis=0)[(len(samples) - 1) // 2]


def partition_along(samples):
    """The same with the samples of a pixel side by side."""
    by_pixel = numpy.ascontiguousarray(samples.T)
    by_pixel.partition((len(samples) - 1) // 2, axis=1)
    return by_pixel[:, (len(samples) - 1) // 2]


def peers(quantile):
    """Names and functions of NumPy by kernel; of several the fastest counts."""
    return {
        "median": [("median", lambda a: numpy.median(a, axis=0))],
        "median_lower": [("partition", partition_across), ("partition, transposed", partition_along)],
        "quantile": [("quantile", lambda a: numpy.quantile(a, quantile, axis=0))],
        "min": [("min", lambda a: a.min(axis=0))],
        "max": [("max", lambda a: a.max(axis=0))],
        "mean": [("mean", lambda a: a.mean(axis=0, dtype=numpy.float64))],
        "median_of_valid": [("nanmedian", lambda a: numpy.nanmedian(a, axis=0))],
        "quantile_of_valid": [("nanquantile", lambda a: numpy.nanquantile(a, quantile, axis=0))],
        "min_of_valid": [("nanmin", lambda a: numpy.nanmin(a, axis=0))],
        "max_of_valid": [("nanmax", lambda a: numpy.nanmax(a, axis=0))],
        "mean_of_valid": [("nanmean", lambda a: numpy.nanmean(a, axis=0, dtype=numpy.float64))],
        "count": [("count_nonzero", lambda a: numpy.count_nonzero(a, axis=0))],
        "median_rgb": [("packed keys, sorted", median_rgb)],
    }


def median_rgb(bands):
    """The tuned worker of benchmarks/granule-median; one number holds key and scene."""
    red, green, blue = bands
    scenes = len(red)
    low, high = numpy.minimum(red, green), numpy.maximum(red, green)
    bad = (numpy.minimum(low, blue) == 0) | (numpy.maximum(high, blue) == 255)
    key = red.astype(numpy.uint32)
    key += green
    key += blue
    key <<= 16
    key |= numpy.arange(scenes, dtype=numpy.uint32)[:, None]
    key[bad] = 0xFFFFFFFF
    order = numpy.ascontiguousarray(key.T)
    order.sort(axis=1)
    kept = scenes - numpy.count_nonzero(bad, axis=0)
    pixel = numpy.arange(red.shape[1])
    chosen = order[pixel, numpy.minimum(kept // 2, scenes - 1)] & 0xFFFF
    chosen[kept == 0] = 0
    colour = [band[chosen, pixel] for band in bands]
    return numpy.where(kept == 0, 0, colour[0])


def nanoseconds(function, samples, pixels):
    """Least CPU time per pixel: of fewer pixels where all would take too long, of repeated ones where they fit a cache."""
    probe = 256
    begin = time.process_time()
    function(samples[..., :probe])
    each = (time.process_time() - begin) / probe
    most = min(SECONDS / max(each, 1e-9), SERIES_BYTES / (samples.nbytes / pixels))
    count = max(probe, int(most))
    part = numpy.tile(samples, -(-count // pixels))[..., :count].copy()
    best, spent = 1e9, 0.0
    for _ in range(5):
        begin = time.process_time()
        function(part)
        took = time.process_time() - begin
        best, spent = min(best, took), spent + took
        if spent > SECONDS:
            break
    return best / count * 1e9


class Answers:
    def __init__(self, folder, pixels):
        self.folder, self.pixels, self.compared = folder, pixels, 0

    def read(self, name, dtype, rows=1):
        values = numpy.fromfile(self.folder / f"{name}.bin", dtype)
        return values.reshape(rows, self.pixels) if rows > 1 else values

    def check(self, kernel, dtype, slices, expected, pixels):
        interpolated = kernel.startswith(("quantile", "mean"))
        result = "uint32" if kernel == "count" else "float32" if interpolated or kernel in ("median", "median_of_valid") else dtype
        ours = self.read(f"{kernel}_{dtype}_{slices}", result)[:pixels]
        expected = numpy.asarray(expected).astype(result)
        # Interpolation and means may round differently in the last place of float32.
        equal = numpy.allclose(ours, expected, rtol=2.5e-7, atol=1e-7) if interpolated else numpy.array_equal(ours, expected)
        if not equal:
            first = int(numpy.flatnonzero(ours != expected)[0])
            sys.exit(f"compare: {kernel} of {slices} {dtype}: pixel {first} is {ours[first]}, and NumPy says {expected[first]}")
        self.compared += 1


def run_numpy(answers, quantile, series):
    """(kernel, type, slices) -> (nanoseconds, name); answers are compared on the way."""
    found = {}
    functions = peers(quantile)

    def measure(kernel, dtype, slices, samples, pixels):
        for name, function in functions[kernel]:
            few = min(pixels, 512) if "nan" in name else pixels
            answers.check(kernel, dtype, slices, function(samples[..., :few]), few)
            took = nanoseconds(function, samples, pixels)
            if (kernel, dtype, slices) not in found or took < found[kernel, dtype, slices][0]:
                found[kernel, dtype, slices] = (took, name)

    for slices in series:
        bands = numpy.stack([answers.read(f"band{b}_{slices}", "uint8", slices) for b in range(3)])
        measure("median_rgb", "uint8", slices, bands, answers.pixels)
        for dtype in TYPES:
            samples = answers.read(f"samples_{dtype}_{slices}", dtype, slices)
            valid = answers.read(f"valid_{dtype}_{slices}", "uint8", slices)
            for kernel in KERNELS:
                measure(kernel, dtype, slices, samples, answers.pixels)
            holes = numpy.where(valid != 0, samples, numpy.float32("nan")).astype(numpy.float32)
            for kernel in KERNELS:
                if f"{kernel}_of_valid" in functions:
                    measure(f"{kernel}_of_valid", dtype, slices, holes, answers.pixels)
            if dtype == "uint8":
                measure("count", dtype, slices, valid, answers.pixels)
    return found


def machine():
    facts = dict(line.split(":", 1) for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines() if ":" in line)
    facts = {key.strip(): value.strip() for key, value in facts.items()}
    return f"{facts.get('model name', 'unknown')} (family {facts.get('cpu family')}, model {facts.get('model')})"


def tables(record, numpy_times):
    timings = {(t["kernel"], t["type"], t["slices"], t["target"]): t for t in record["timings"]}
    targets = list(dict.fromkeys(t["target"] for t in record["timings"]))
    best, read = targets[0], record["memory"]["read_gb_per_s"]
    lines = [f"Nanoseconds per pixel. GB/s: samples and validity read, on {best}; in brackets the share of reading memory "
             f"in a row, {read:.1f} GB/s. NumPy: times as long as {best}.", ""]
    for slices in dict.fromkeys(t["slices"] for t in record["timings"]):
        lines += [f"### {slices} samples", "", "| kernel | type | " + " | ".join(targets) + " | GB/s | NumPy |",
                  "|---" * (len(targets) + 4) + "|"]
        for kernel, dtype in dict.fromkeys((t["kernel"], t["type"]) for t in record["timings"]):
            each = [timings[kernel, dtype, slices, target] for target in targets]
            speed = each[0]["bytes_per_pixel"] / each[0]["ns_per_pixel"]
            peer = numpy_times.get((kernel, dtype, slices))
            ratio = f"{peer[0] / each[0]['ns_per_pixel']:.3g} ({peer[1]})" if peer else ""
            shown = " | ".join(f"{t['ns_per_pixel']:.1f}" for t in each)
            lines.append(f"| {kernel} | {dtype} | {shown} | {speed:.1f} ({100 * speed / read:.0f} %) | {ratio} |")
        lines.append("")
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    folder = parser.parse_args().folder
    warnings.simplefilter("ignore", RuntimeWarning)  # pixels without a sample
    record = json.loads((folder / "timings.json").read_text())
    answers = Answers(folder, record["exported_pixels"])
    numpy_times = run_numpy(answers, record["quantile"], dict.fromkeys(t["slices"] for t in record["timings"]))
    best = record["timings"][0]["target"]

    def span(*kernels):
        ratios = [numpy_times[t["kernel"], t["type"], t["slices"]][0] / t["ns_per_pixel"] for t in record["timings"]
                  if t["target"] == best and t["kernel"] in kernels]
        return f"{min(ratios):.3g} to {max(ratios):.3g}"

    memory = record["memory"]
    lines = [f"Measured {datetime.date.today()} on one core of {machine()}; load {os.getloadavg()[0]:.1f} at the end; NumPy {numpy.__version__}.",
             f"Memory: {memory['read_gb_per_s']:.1f} GB/s read in a row, {memory['copy_gb_per_s']:.1f} GB/s copied.",
             f"{answers.compared} answers compared with NumPy's, all equal. On {best} NumPy's `median` and `nanmedian` take "
             f"{span('median', 'median_of_valid')} times as long, its `partition`, the faster way of two, {span('median_lower')} times.", "",
             *tables(record, numpy_times)]
    (folder / "results.md").write_text("\n".join(lines))
    record["numpy"] = [{"kernel": k, "type": t, "slices": n, "ns_per_pixel": took, "function": name}
                       for (k, t, n), (took, name) in numpy_times.items()]
    (folder / "results.json").write_text(json.dumps(record, indent=1) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
