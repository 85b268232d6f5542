#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Every index of the catalogue against spyndex, and formulas against NumPy.

    indices_test.py GEOLOOM [--only TEST]...
"""
import json
import pathlib
import subprocess

import numpy

import scenes
from program import ROOT, VENV_PYTHON, main, skip

BANDS = ["A", "B", "G", "G1", "N", "N2", "R", "RE1", "RE2", "RE3", "S1", "S2", "T", "T1", "T2", "WV", "Y", "VV", "VH",
         "HH", "HV"]
WAVELENGTHS = {"lambdaG": 559.8, "lambdaN": 832.8, "lambdaN2": 864.7, "lambdaR": 664.6, "lambdaS1": 1613.7,
               "lambdaS2": 2202.4, "PAR": 1.5}
SIZE = (8, 32)


def python_with_spyndex():
    if not VENV_PYTHON.exists():
        skip("the Python environment of the tests is not there: make test makes it")
    return VENV_PYTHON


JUDGE = """
import json, sys, numpy, spyndex
pixels = numpy.load(sys.argv[1])
constants = json.loads(sys.argv[2])
for name, constant in spyndex.constants.items():
    if constant.default is not None:
        constants.setdefault(name, float(constant.default))
values = dict(pixels)
for a in "NRGB":
    for b in "NRGBL":
        first, second = values[a], constants["L"] if b == "L" else values[b]
        kernel = {"rbf": lambda: numpy.exp(-((first - second) ** 2) / (2 * constants["sigma"] ** 2)),
                  "linear": lambda: first * second + 0 * first,
                  "polynomial": lambda: (first * second + constants["c"]) ** constants["p"]}[sys.argv[3]]
        values["k" + a + b] = kernel()
out = {}
for name in spyndex.indices:
    params = {key: values.get(key, constants.get(key)) for key in spyndex.indices[name].bands}
    with numpy.errstate(all="ignore"):
        out[name] = numpy.asarray(spyndex.computeIndex(name, params), dtype=float) + numpy.zeros_like(pixels["R"])
numpy.savez(sys.argv[4], **out)
"""


def reflectances():
    random = numpy.random.default_rng(5)
    return {band: random.uniform(0.05, 0.6, SIZE).astype(numpy.float32) for band in BANDS}


def one_date(bench, pixels):
    stack = numpy.stack([pixels[band] for band in pixels])
    scenes.write_raster(bench.folder / "scenes" / "scene_20200501.tif", stack, names=list(pixels), nodata=float("nan"))


def run_op(bench, op):
    bench.run(bench.document(f"""geoloom: 1
name: indices
store: out
area: {{same_grid_as: scenes, tiles: 32 px}}
steps:
  make:
    over: tiles
    do:
      - load: {{scenes: scenes}}
      - {op}
      - save: {{layer: result, type: float32}}
  map: {{do: [{{mosaic: {{layer: result, as: map}}}}]}}
"""))
    return scenes.read_named(bench.folder / "out" / "map.tif")


def all_indices(bench):
    python = python_with_spyndex()
    pixels = reflectances()
    one_date(bench, pixels)
    names = [index["name"] for index in bench.call("indices", "--json").json()]
    bench.expect(len(names) > 250, "the catalogue is there")
    numpy.savez(bench.folder / "bands.npz", **{band: each.astype(float) for band, each in pixels.items()})
    for kernel in ("rbf", "linear", "polynomial"):
        chosen = names if kernel == "rbf" else [name for name in names if name.startswith("k")]
        constants = ", ".join(f"{name}: {value}" for name, value in WAVELENGTHS.items())
        got = run_op(bench, f"index: {{names: [{', '.join(chosen)}], constants: {{{constants}}}, kernel: {kernel}}}")
        done = subprocess.run([python, "-c", JUDGE, bench.folder / "bands.npz", json.dumps(WAVELENGTHS), kernel,
                               bench.folder / "truth.npz"], capture_output=True, text=True)
        if not bench.expect(done.returncode == 0, "spyndex answers", done.stderr[-2000:]):
            return
        with numpy.load(bench.folder / "truth.npz") as truth:
            bad = [f"{name} by {worst(got[name], truth[name]):.2g}" for name in chosen
                   if not agree(got[name], truth[name])]
            bench.expect(not bad, f"{len(chosen)} indices agree with spyndex, kernel {kernel}", ", ".join(bad))


def worst(got, truth):
    both = numpy.isfinite(got) & numpy.isfinite(truth)
    return numpy.max(numpy.abs(got - truth)[both] / (1e-3 + numpy.abs(truth[both]))) if both.any() else numpy.inf


def agree(got, truth):
    """Computed in float32: equal to 1e-3 of their size, or next to a division by almost nothing; to 1e-4 nearly everywhere."""
    finite = numpy.isfinite(truth)
    if (numpy.isfinite(got) & ~finite).any():
        return False
    close = numpy.isclose(got, truth, rtol=1e-4, atol=1e-5) | (~finite & ~numpy.isfinite(got))
    return close.mean() > 0.98 and numpy.isclose(got, truth, rtol=2e-2, atol=1e-3, equal_nan=True)[finite].all()


def formulas(bench):
    pixels = {band: reflectances()[band] for band in ("R", "N", "B")}
    pixels["N"][0, :5] = numpy.nan
    pixels["R"][1, :5] = 0
    pixels["N"][1, :5] = 0
    one_date(bench, pixels)
    got = run_op(bench, """expr: {bands: {lai: "3.618 * (2.5 * (N - R) / (N + 6 * R - 7.5 * B + 1)) - 0.118",
          logs: "-ln(R)", steps: "if(N > R, floor(N * 10), -1)", curve: "sin(N) ^ 2 + cos(N) ** 2", ratio: "N / R"}}""")
    red, nir, blue = (pixels[band].astype(float) for band in ("R", "N", "B"))
    red[numpy.isnan(nir)] = numpy.nan  # the bands of one file share what is valid
    with numpy.errstate(all="ignore"):
        truth = {"lai": 3.618 * (2.5 * (nir - red) / (nir + 6 * red - 7.5 * blue + 1)) - 0.118, "logs": -numpy.log(red),
                 "steps": numpy.where(nir > red, numpy.floor((pixels["N"] * numpy.float32(10)).astype(float)), -1.0),
                 "curve": numpy.where(numpy.isnan(nir), numpy.nan, 1.0), "ratio": nir / red}
    truth["steps"][numpy.isnan(nir)] = -1  # as openEO: a condition that is missing does not hold
    for name, expected in truth.items():
        bench.expect(numpy.allclose(got[name], expected, rtol=1e-5, atol=1e-6, equal_nan=True), f"{name} is NumPy's",
                     f"got {got[name][:2, :6]}, NumPy {expected[:2, :6]}")


def same_catalogue(bench):
    python = python_with_spyndex()
    done = subprocess.run([python, pathlib.Path(ROOT) / "indices" / "make_catalogue.py", "--check"], capture_output=True,
                          text=True)
    bench.expect(done.returncode == 0, "the catalogue is what spyndex says", done.stderr)


if __name__ == "__main__":
    main([all_indices, formulas, same_catalogue], __doc__)
