#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Geometric medians with three deviations: Geoloom's kernel, hdstats and geomad on the same series.

    compare.py --bench geomedian_bench --work FOLDER [--peer NAME=PYTHON]... [--pixels 30000] [--rounds 3]

Answers are compared with a float64 iteration to 1e-9 before any time is told. Times are CPU seconds of one thread; in each
round every program runs once, in turn.
"""
import argparse
import os
import pathlib
import platform
import subprocess
import sys

import numpy

BANDS, SLICES = 10, 60
CHECKED = 5000  # pixels whose answers are compared with the reference
NAMES = ("smad", "emad", "bcmad")


def make_series(folder, pixels):
    """Reflectances that follow the seasons, with noise; a fifth missing, a tenth of the rest brightened by clouds."""
    random = numpy.random.Generator(numpy.random.PCG64(3))
    base = 0.05 + 0.35 * random.random((BANDS, 1, pixels), dtype=numpy.float32)
    season = 1 + 0.2 * numpy.sin(numpy.linspace(0, 2 * numpy.pi, SLICES, dtype=numpy.float32))[None, :, None]
    series = base * season + 0.02 * random.standard_normal((BANDS, SLICES, pixels), dtype=numpy.float32)
    cloudy = random.random((SLICES, pixels)) < 0.10
    series = numpy.where(cloudy, series + 0.5 * random.random((SLICES, pixels), dtype=numpy.float32), series)
    missing = random.random((SLICES, pixels)) < 0.20
    series = numpy.where(missing, numpy.float32(numpy.nan), numpy.clip(series, 1e-3, 1.6)).astype(numpy.float32)
    folder.mkdir(parents=True, exist_ok=True)
    series.tofile(folder / "series.bin")
    return series


def reference(series):
    """Weiszfeld in float64 until steps are below 1e-9, then the deviations, also in float64."""
    x = series[:, :, :CHECKED].astype(numpy.float64)
    y = numpy.nanmean(x, 1)
    active = numpy.ones(y.shape[1], bool)
    while active.any():
        distance = numpy.sqrt(((x[:, :, active] - y[:, None, active]) ** 2).sum(0))
        if (distance == 0).any():
            sys.exit("the reference has no step for observations that coincide with the median")
        weight = 1 / distance
        new = numpy.nansum(x[:, :, active] * weight, 1) / numpy.nansum(weight, 0)
        step = numpy.sqrt(((new - y[:, active]) ** 2).sum(0))
        y[:, active] = new
        active[numpy.flatnonzero(active)[step < 1e-9]] = False
    g = y[:, None]
    cosine = (x * g).sum(0) / numpy.sqrt((x * x).sum(0) * (g * g).sum(0))
    distances = 1 - cosine, numpy.sqrt(((x - g) ** 2).sum(0)), abs(x - g).sum(0) / abs(x + g).sum(0)
    return numpy.concatenate([y, [numpy.nanmedian(each, 0) for each in distances]])


def run(command, environment=None):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, env=environment)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{done.stderr}")
    return [list(map(float, line.split())) for line in done.stdout.splitlines()]


def answer(folder, name, pixels):
    return numpy.fromfile(folder / f"{name}.bin", numpy.float32).reshape(BANDS + 3, pixels)


def cpu():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def errors(got, wanted):
    difference = abs(got[:, :CHECKED].astype(numpy.float64) - wanted)
    return [difference[:BANDS].max(), difference[:BANDS].mean()] + [difference[BANDS + i].max() for i in range(len(NAMES))]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bench", required=True)
    parser.add_argument("--work", type=pathlib.Path, required=True)
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=PYTHON")
    parser.add_argument("--pixels", type=int, default=30000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    peers = dict(each.split("=", 1) for each in options.peer)
    here = pathlib.Path(__file__).resolve().parent
    series = make_series(options.work, options.pixels)
    wanted = reference(series)
    sizes = [BANDS, SLICES, options.pixels]
    per_million = 1e6 / options.pixels
    print(f"One thread of {cpu()}, load {os.getloadavg()[0]:.1f}. {SLICES} dates x {BANDS} bands x {options.pixels} pixels, float32.")
    print("CPU seconds per million pixels, least of the rounds; errors are the greatest of all bands and of "
          f"{CHECKED} pixels, but for `its mean`, against float64 to 1e-9.\n")
    print("| eps | | median | with the deviations | times ours | error of the median | its mean | smad | emad | bcmad |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for eps in (1e-4, 1e-7):
        times = {}
        for _ in range(options.rounds):
            for name, python in peers.items():
                median, rest = run([python, here / "peer.py", name, options.work, *sizes, eps])[0]
                times.setdefault(name, []).append((median, median + rest))
            for median, both in run([options.bench, options.work, *sizes, eps, "best", 1]):
                times.setdefault("geoloom", []).append((median, both))
        best = {name: [min(column) * per_million for column in zip(*rows, strict=True)] for name, rows in times.items()}
        for name, (median, both) in sorted(best.items(), key=lambda item: item[1][1]):
            found = errors(answer(options.work, name, options.pixels), wanted)
            print(f"| {eps:g} | {name} | {median:.2f} | {both:.2f} | {both / best['geoloom'][1]:.1f} | "
                  + " | ".join(f"{error:.1e}" for error in found) + " |", flush=True)
    print("\n| CPU target, eps 1e-4 | median | with the deviations |\n|---|---|---|")
    first = None
    for target in ("AVX3", "AVX2", "SSE4", "SCALAR"):
        try:
            rows = run([options.bench, options.work, *sizes, 1e-4, target, 2])
        except SystemExit:
            continue  # not on this machine
        got = answer(options.work, "geoloom", options.pixels)
        first = got if first is None else first
        if not numpy.array_equal(got.view(numpy.uint32), first.view(numpy.uint32)):
            sys.exit(f"{target} gives other bytes")
        median, both = (min(column) * per_million for column in zip(*rows, strict=True))
        print(f"| {target} | {median:.2f} | {both:.2f} |", flush=True)


if __name__ == "__main__":
    main()
