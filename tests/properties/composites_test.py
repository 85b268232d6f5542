#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Composites of real Sentinel-2 scenes against geomad and NumPy, which see the same samples.

    composites_test.py GEOLOOM [--only TEST]...
"""
import os
import pathlib
import subprocess
import sys

import numpy

import scenes
from program import VENV_PYTHON, main, skip

BANDS = ["B02", "B03", "B04", "B08", "B05", "B06", "B07", "B8A", "B11", "B12"]
SCALE = numpy.float32(1e-4)
DOCUMENT = """
geoloom: 1
name: composites
store: out
params:
  items: {{type: path}}
area: {{same_grid_as: $items, tiles: 32 px}}
steps:
  composites:
    over: tiles
    do:
      - load: {{scenes: $items, bands: [{bands}], mask: {{band: SCL, keep: [4, 5, 6]}}, period: 2018-03..2018-08, as: series}}
{do}
  maps:
    do:
{maps}
"""
# float32 [rows * columns, bands, dates] in, the median and the deviations out.
GEOMAD = """
import sys, numpy, geomad
x = numpy.load(sys.argv[1])[None]
g = geomad.nangeomedian_pcm(x, num_threads=1, eps=float(sys.argv[2]), maxiters=100000)
mads = [getattr(geomad, name)(x, g, num_threads=1) for name in ("smad_pcm", "emad_pcm", "bcmad_pcm")]
numpy.save(sys.argv[3], numpy.concatenate([g, numpy.stack(mads, -1)], -1)[0])
"""


def flanders():
    root = os.environ.get("GEOLOOM_TEST_DATA")
    folder = pathlib.Path(root or ".") / "s2-flanders-2018" / "stac" / "items"
    if not root or not folder.exists():
        skip("GEOLOOM_TEST_DATA does not hold s2-flanders-2018")
    return folder


def composites(bench, ops):
    """The series [dates, bands, rows, columns], where all bands are valid, and of each layer pixels and validity."""
    layers = {"series": "save: {layer: series}"} | {name: f"save: {{layer: {name}{', type: float32' if 'geomedian' in op else ''}}}" for name, op in ops.items()}
    do = f"      - {layers['series']}\n" + "".join(f"      - {op}\n      - {layers[name]}\n" for name, op in ops.items())
    maps = "".join(f"      - mosaic: {{layer: {name}, as: {name}_map}}\n" for name in layers)
    text = DOCUMENT.format(bands=", ".join(BANDS), do=do, maps=maps)
    bench.run(bench.document(text), "-p", f"items={flanders()}/S2_*.json")
    read = {name: scenes.read_masked(bench.folder / "out" / f"{name}_map.tif") for name in layers}
    pixels, valid = read.pop("series")
    rows, columns = pixels.shape[-2:]
    pixels, valid = (each.reshape(-1, len(BANDS), rows, columns) for each in (pixels, valid))
    return pixels, valid.all(axis=1), read


def summed_distance(x, g):
    """x: [dates, bands, ...], NaN where there is none; g: [bands, ...]. In float64."""
    return numpy.nansum(numpy.sqrt(((x.astype(numpy.float64) - g) ** 2).sum(1)), 0)


def geomedians(bench):
    ops = {"near": "geomedian: {eps: 1e-7, max_iterations: 100000, mads: [smad, emad, bcmad], count: true, from: series}",
           "usual": "geomedian: {from: series}", "stored": "geomedian: {type: input, eps: 1e-7, max_iterations: 100000, from: series}"}
    pixels, valid, got = composites(bench, ops)
    x = numpy.where(valid[:, None], pixels.astype(numpy.float32) * SCALE, numpy.float32(numpy.nan))
    count = valid.sum(0)
    near, near_valid = got["near"]
    g, deviations = near[:10], near[10:13]
    bench.expect(count.max() > 10 and (near_valid == (count > 0)).all(), "valid where there is an observation")
    bench.expect((near[13] == count)[count > 0].all(), "counts")

    flat = numpy.ascontiguousarray(x.reshape(*x.shape[:2], -1).transpose(2, 1, 0))
    numpy.save(bench.folder / "x.npy", flat)
    subprocess.run([VENV_PYTHON, "-c", GEOMAD, bench.folder / "x.npy", "1e-7", bench.folder / "g.npy"], check=True)
    peer = numpy.load(bench.folder / "g.npy").T.reshape(13, *count.shape)
    known = count > 0
    ours, theirs = (summed_distance(x, each.astype(numpy.float64))[known] for each in (g, peer[:10]))
    bench.expect((ours <= theirs * (1 + 1e-6)).all(), "no summed distance is greater than geomad's", (ours / theirs).max())
    # Of two observations any point between them is a median; where few lie far apart, steps get short before the end is near.
    enough = count > 4
    bench.expect(enough.sum() > 1000, "there is enough to compare")
    apart = abs(g - peer[:10])[:, enough].max()
    bench.expect(apart < 1e-5, "geomad's medians within 1e-5", apart)
    for name, mine, other in zip(("smad", "emad", "bcmad"), deviations, peer[10:]):
        apart = abs(mine - other)[enough].max()
        bench.expect(apart < 3e-5, f"geomad's {name} within 3e-5", apart)
    usual = abs(got["usual"][0] - g)[:, enough].max()
    bench.expect(0 < usual < 2e-3, "eps of 1e-4 is near", usual)
    stored, _ = got["stored"]
    bench.expect(abs(stored - g / SCALE)[:, known].max() <= 0.5 + 0.01, "in the bands' own type rounded")


def deviations_by_definition(bench):
    """The deviations from the median that was written, in NumPy."""
    pixels, valid, got = composites(bench, {"all": "geomedian: {mads: [smad, emad, bcmad], from: series}"})
    x = numpy.where(valid[:, None], pixels.astype(numpy.float32) * SCALE, numpy.nan).astype(numpy.float64)
    known = valid.any(0)
    g = got["all"][0][:10].astype(numpy.float64)
    cosine = (x * g).sum(1) / numpy.sqrt((x * x).sum(1) * (g * g).sum(0))
    wanted = 1 - cosine, numpy.sqrt(((x - g) ** 2).sum(1)), abs(x - g).sum(1) / abs(x + g).sum(1)
    for name, mine, distances in zip(("smad", "emad", "bcmad"), got["all"][0][10:], wanted):
        median = numpy.nanmedian(distances[:, known], axis=0).clip(0)
        bench.expect(numpy.allclose(mine[known], median, rtol=2e-6, atol=1e-12), name, abs(mine[known] - median).max())


def picked_dates(bench):
    ndvi = '"(B08 - B04) / (B08 + B04)"'
    ops = {"first": "pick: {rule: first, from: series}", "last": "pick: {rule: last, from: series}",
           "greenest": f"pick: {{highest: {ndvi}, from: series}}", "medoid": "pick: {rule: medoid, from: series}",
           "nearest": "pick: {nearest: 2018-06-15, from: series}"}
    pixels, valid, got = composites(bench, ops)
    known = valid.any(0)
    x = numpy.where(valid[:, None], pixels.astype(numpy.float32) * SCALE, numpy.float32(numpy.nan))
    days = numpy.array(sorted({int(day) for day in numpy.unique(got["first"][0][10][known])} | {int(day) for day in numpy.unique(got["last"][0][10][known])}))
    bench.expect(days.min() >= 17591 and days.max() < 17775, "days of March to August 2018", days)
    red, nir = x[:, 2], x[:, 3]
    scores = {"first": -numpy.arange(len(x))[:, None, None] + 0 * red, "last": numpy.arange(len(x))[:, None, None] + 0 * red,
              "greenest": (nir - red) / (nir + red)}
    for name, score in scores.items():
        chosen = numpy.where(valid, score, -numpy.inf).argmax(0)
        wanted = numpy.take_along_axis(pixels, chosen[None, None], 0)[0]
        bench.expect((got[name][0][:10] == wanted)[:, known].all(), f"{name}: the bands of one date")
    bench.expect((got["first"][1][0] == known).all(), "valid where there is an observation")
    x64 = x.astype(numpy.float64)
    sums = numpy.stack([numpy.nansum(numpy.sqrt(((x64 - each) ** 2).sum(1)), 0) for each in x64])
    sums = numpy.where(valid, sums, numpy.inf)
    medoid = got["medoid"][0][:10].astype(numpy.float32) * SCALE
    ours = summed_distance(x64, medoid.astype(numpy.float64))
    bench.expect((ours <= sums.min(0) * (1 + 1e-6))[known].all(), "medoids have the least summed distance")
    away = abs(got["nearest"][0][10][known].astype(int) - 17697)
    bench.expect((away <= abs(got["first"][0][10][known].astype(int) - 17697)).all(), "nearest is nearer than the first")


def medians_and_quantiles(bench):
    ops = {"median": "reduce: {stat: median, from: series}", "tenth": "reduce: {stat: quantile, q: 0.1, from: series}"}
    pixels, valid, got = composites(bench, ops)
    known = valid.any(0)
    x = numpy.where(valid[:, None], pixels, numpy.nan)[:, :, known]
    bench.expect((got["median"][0][:, known] == numpy.nanmedian(x, 0).astype(numpy.float32)).all(), "medians are NumPy's")
    tenth = numpy.nanquantile(x, 0.1, axis=0)
    bench.expect(numpy.allclose(got["tenth"][0][:, known], tenth, rtol=1e-7), "and tenths")


if __name__ == "__main__":
    flanders()
    if not VENV_PYTHON.exists():
        skip("setup/install.sh has made no environment for geomad")
    sys.exit(main([geomedians, deviations_by_definition, picked_dates, medians_and_quantiles], __doc__))
