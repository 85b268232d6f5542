#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Ops of time series against the libraries their users know: SciPy (interpolation, smoothing, slopes), NumPy (least squares,
climatologies), pymannkendall (trends) and nrt (breaks), on a made series with gaps and on real ones where GEOLOOM_TEST_DATA
names them.

    series_test.py GEOLOOM [--only TEST]...
"""
import datetime
import json
import os
import pathlib
import subprocess

import numpy

import scenes
from program import VENV_PYTHON, main, skip

JUDGE = pathlib.Path(__file__).with_name("series_judge.py")
SIZE = (12, 16)  # rows, columns
YEARS = range(2010, 2018)
REAL = pathlib.Path(os.environ.get("GEOLOOM_TEST_DATA", "/nonexistent")) / "s2-slovenia"


def days_of(dates):
    return [(date - datetime.date(1970, 1, 1)).days for date in dates]


def made_series():
    """Months of eight years, float32 with a course of the year, a trend, a break, ties and gaps, and pixels that are odd."""
    random = numpy.random.default_rng(20)
    dates = [datetime.date(year, month, 1) for year in YEARS for month in range(1, 13)]
    time = numpy.arange(len(dates)) / 12
    values = 0.5 + 0.3 * numpy.sin(2 * numpy.pi * time + 0.3)[:, None, None] + random.normal(0, 0.05, (len(dates), *SIZE))
    values += 0.02 * time[:, None, None] * random.normal(0, 1, SIZE)
    values[70:, 6:] -= 0.3
    values[:, 3] = numpy.round(values[:, 3], 1)
    values[random.random(values.shape) < 0.25] = numpy.nan
    values = values.astype(numpy.float32)
    values[:, 0, 0] = numpy.nan
    values[:, 0, 1] = numpy.nan
    values[40, 0, 1] = 0.4
    values[:, 0, 2] = 0.25
    values[[50, 51], 0, 3] = numpy.inf, -numpy.inf
    values[:, 0, 4] = numpy.nan
    values[[3, 60, 90], 0, 4] = 0.1, 0.5, 0.2
    return dates, values


def write_made(folder):
    dates, values = made_series()
    for date, plane in zip(dates, values):
        scenes.write_raster(folder / f"scene_{date:%Y%m%d}.tif", plane[None], names=["ndvi"], nodata=float("nan"))
    return days_of(dates), numpy.where(numpy.isfinite(values), values, numpy.nan)


def real_series():
    """NDVI of 68 dates, NaN in clouds, read without the program."""
    days, planes = [], []
    for path in sorted((REAL / "ndvi").glob("*.tif")):
        ndvi = scenes.read_raster(path)[0]
        cloud = scenes.read_raster(REAL / "ndvi_cloud" / path.name.replace("NDVI", "CLM"))[0]
        planes.append(numpy.where(cloud == 0, ndvi, numpy.nan))
        time = datetime.datetime.strptime(path.stem[5:], "%Y%m%dT%H%M%S")
        days.append((time - datetime.datetime(1970, 1, 1)) / datetime.timedelta(days=1))
    return days, numpy.stack(planes)


def run_steps(bench, loads, steps, same_grid_as):
    """Layer name -> {band name: pixels}; `steps` are ops by the layer they make, `loads` those before them."""
    load = "\n      - ".join(loads)
    chain = "".join(f"      - {op}\n      - save: {{layer: {layer}, type: float32}}\n" for layer, op in steps.items())
    maps = "".join(f"      - mosaic: {{layer: {layer}, as: {layer}_map}}\n" for layer in steps)
    bench.run(bench.document(f"""geoloom: 1
name: series
store: out
area: {{same_grid_as: {same_grid_as}, tiles: 128 px}}
steps:
  fits:
    over: tiles
    do:
      - {load}
{chain}  maps:
    do:
{maps}"""))
    return {layer: scenes.read_named(bench.folder / "out" / f"{layer}_map.tif") for layer in steps}


def judged(bench, days, values, got):
    """What the libraries say: {check: [worst difference, most that is allowed]}."""
    flat = {f"{layer}/{band}": pixels for layer, bands in got.items() for band, pixels in bands.items()}
    numpy.savez(bench.folder / "series.npz", days=days, values=values, **flat)
    done = subprocess.run([VENV_PYTHON, "-W", "ignore", JUDGE, bench.folder / "series.npz"], capture_output=True, text=True)
    if not bench.expect(done.returncode == 0, "the judge judges", done.stderr[-3000:]):
        return
    checks = json.loads(done.stdout)
    bench.expect(len(checks) > 0, "something is judged")
    for check, (worst, allowed) in checks.items():
        bench.expect(worst <= allowed, check, f"differs by {worst}, allowed is {allowed}")


STEPS = {
    **{f"filled_{method}": f"interpolate: {{method: {method}, from: series}}"
       for method in ("linear", "cubic", "nearest", "previous", "next")},
    "harmonic": "harmonic: {harmonics: 2, trend: true, from: series}",
    "curve": "harmonic: {harmonics: 2, trend: true, predict: true, from: series}",
    "trend": "trend: {outputs: [slope, intercept, tau, s, z, p, count], min_count: 2, from: series}",
    "seasonal": "trend: {test: seasonal, outputs: [slope, intercept, tau, s, z, p, count], min_count: 2, from: series}",
}

MADE_STEPS = {
    **STEPS,
    "smooth": "smooth: {method: savitzky_golay, window: 7, order: 3, from: series}",
    "whittaker": "smooth: {method: whittaker, lambda: 10, from: series}",
    "climatology": "climatology: {by: month, baseline: 2010..2015, from: series, as: usual}",
    "anomaly": "anomaly: {outputs: [mean, difference, z, percent], within: 2016..2017, every: month, from: [series, usual]}",
    "mosum": "breaks: {method: mosum, history: 2010..2013, from: series}",
    "cusum": "breaks: {method: cusum, history: 2010..2013, level: 0.01, from: series}",
    "phenology": "phenology: {outputs: [start, peak, end, length, base, amplitude, large_integral, small_integral], from: series}",
    "difference": "difference: {outputs: [difference, relative, ratio], from: [first, last]}",
    "transition": "transition: {from: [first_class, last_class]}",
}

CLASSES = "reclass: {rules: [{to: 0.4, value: 1}, {from: 0.4, value: 2}], from: %s, as: %s_class}"


def a_made_series(bench):
    days, values = write_made(bench.folder / "scenes")
    loads = ["load: {scenes: scenes, as: series}", "load: {scenes: scenes, period: 2010-01, as: first}",
             "load: {scenes: scenes, period: 2017-12, as: last}", CLASSES % ("first", "first"), CLASSES % ("last", "last")]
    got = run_steps(bench, loads, MADE_STEPS, "scenes")
    judged(bench, days, values, got)


def a_real_series(bench):
    if not REAL.exists():
        print("SKIPPED a_real_series: GEOLOOM_TEST_DATA names no folder with s2-slovenia/")
        return
    days, values = real_series()
    steps = {**STEPS, "whittaker": "smooth: {method: whittaker, lambda: 10, from: series}",
             "mosum": "breaks: {method: mosum, history: 2015-07..2016-09, harmonics: 1, trend: false, from: series}",
             "cusum": "breaks: {method: cusum, history: 2015-07..2016-09, harmonics: 1, trend: false, from: series}"}
    load = f'load: {{scenes: "{REAL}/stac", bands: [ndvi], mask: {{band: cloud_mask, keep: [0]}}, as: series}}'
    got = run_steps(bench, [load], steps, f'"{REAL}/ndvi"')
    part = (slice(10, 24), slice(20, 34))  # the libraries take a while
    judged(bench, days, values[(slice(None), *part)],
           {layer: {band: pixels[part] for band, pixels in bands.items()} for layer, bands in got.items()})


def climatology_as_a_layer(bench):
    """A climatology that was saved is known again: as GeoTIFF and as cube, as a layer and as a file of another run."""
    write_made(bench.folder / "scenes")
    document = """geoloom: 1
name: usual
store: out
area: {same_grid_as: scenes, tiles: 128 px}
steps:
  usual:
    over: tiles
    do:
      - load: {scenes: scenes}
      - climatology: {by: month, baseline: 2010..2015}
      - save: {layer: usual_tif, type: float32}
      - save: {layer: usual_cube, format: zarr}
  compare:
    over: tiles
    do:
      - load: {scenes: scenes, period: 2016..2017, as: series}
      - load: {layer: usual_tif, as: usual_tif}
      - anomaly: {outputs: [difference, z], min_climatology_count: 3, from: [series, usual_tif]}
      - save: by_tif
      - load: {layer: usual_cube, as: usual_cube}
      - anomaly: {outputs: [difference, z], min_climatology_count: 3, from: [series, usual_cube]}
      - save: by_cube
  maps:
    do:
      - mosaic: {layer: by_tif, as: by_tif_map}
      - mosaic: {layer: by_cube, as: by_cube_map}
      - mosaic: {layer: usual_tif, as: usual_map}
"""
    bench.run(bench.document(document))
    by_tif, by_cube = (scenes.read_named(bench.folder / "out" / f"by_{kind}_map.tif") for kind in ("tif", "cube"))
    bench.expect_equal(sorted(by_tif), sorted(by_cube), "bands")
    bench.expect(any(numpy.isfinite(pixels).any() for pixels in by_tif.values()), "there are anomalies")
    for band in by_tif:
        bench.expect(numpy.array_equal(by_tif[band], by_cube[band], equal_nan=True), f"{band} by cube")
    bench.run(bench.document("""geoloom: 1
name: later
store: later
area: {same_grid_as: scenes, tiles: 128 px}
steps:
  compare:
    over: tiles
    do:
      - load: {scenes: scenes, period: 2016..2017, as: series}
      - load: {scenes: out/usual_map.tif, as: usual}
      - anomaly: {outputs: [difference, z], min_climatology_count: 3, from: [series, usual]}
      - save: by_file
  maps:
    do:
      - mosaic: {layer: by_file, as: by_file_map}
""", "later.yaml"))
    by_file = scenes.read_named(bench.folder / "later" / "by_file_map.tif")
    bench.expect_equal(sorted(by_file), sorted(by_tif), "bands by file")
    for band in by_tif:
        # A scene is valid where all its bands are: here where every month has a mean and a deviation.
        there = numpy.isfinite(by_file[band])
        bench.expect(there.any() and numpy.array_equal(by_tif[band][there], by_file[band][there]), f"{band} by file")


def an_empty_baseline(bench):
    """A tile with dates where the baseline had no scene: its means are given, and nothing is compared. Savitzky-Golay on a tile
    without dates, joined with something that is there: it is carried out and gives nothing."""
    plane = numpy.full((1, 128, 256), 3, "float32")
    for date, wide in (("20100115", False), ("20110115", False), ("20160115", True)):
        scenes.write_raster(bench.folder / "scenes" / f"scene_{date}.tif", plane if wide else plane[:, :, :128], names=["ndvi"],
                            nodata=float("nan"))
    scenes.write_raster(bench.folder / "ground.tif", plane, names=["height"], nodata=float("nan"))
    bench.run(bench.document("""geoloom: 1
name: thin
store: out
area: {same_grid_as: ground.tif, tiles: 128 px}
steps:
  usual:
    over: tiles
    do:
      - load: {scenes: scenes, period: 2010..2011}
      - climatology: {by: month, baseline: 2010..2011}
      - save: {layer: usual_tif, type: float32}
      - save: {layer: usual_cube, format: zarr}
  compare:
    over: tiles
    do:
      - load: {scenes: scenes, period: 2016, as: series}
      - load: {layer: usual_tif, as: usual_tif}
      - anomaly: {outputs: [mean, difference, z], from: [series, usual_tif], every: month, within: 2016-01}
      - save: by_tif
      - load: {layer: usual_cube, as: usual_cube}
      - anomaly: {outputs: [mean, difference, z], from: [series, usual_cube], every: month, within: 2016-01}
      - save: by_cube
  smoothed:
    over: tiles
    do:
      - load: {scenes: scenes, period: 2010..2011, as: series}
      - smooth: {method: savitzky_golay, window: 3, order: 1, from: series, as: smooth}
      - reduce: {stat: mean, from: smooth, as: mean}
      - load: {scenes: ground.tif, as: ground}
      - reduce: {stat: mean, from: ground, as: height}
      - join: {from: [height, mean]}
      - save: joined
  maps:
    do:
      - mosaic: {layer: by_tif, as: by_tif_map}
      - mosaic: {layer: by_cube, as: by_cube_map}
      - mosaic: {layer: joined, as: joined_map}
"""))
    for name in ("by_tif", "by_cube"):
        got = scenes.read_named(bench.folder / "out" / f"{name}_map.tif")
        bench.expect(numpy.all(got["ndvi_mean"] == 3), f"{name}: means everywhere")
        bench.expect(numpy.all(got["ndvi_difference"][:, :128] == 0), f"{name}: compared where there is a climatology")
        bench.expect(numpy.isnan(got["ndvi_difference"][:, 128:]).all(), f"{name}: and not where there is none")
    joined = scenes.read_named(bench.folder / "out" / "joined_map.tif")
    bench.expect(any(numpy.all(pixels == 3) for pixels in joined.values()), "heights are everywhere")
    bench.expect(any(numpy.isnan(pixels).all() for pixels in joined.values()), "two dates do not fill a window of three")


def what_is_refused(bench):
    """Messages that say what to do, before any pixel is read."""
    write_made(bench.folder / "scenes")
    for op, said in (("smooth: {method: savitzky_golay, window: 6}", "window: 7"),
                     ("breaks: {history: 2010, harmonics: 1, min_count: 4}", "min_count: 6"),
                     ("climatology: {by: week, baseline: 2010}", "month"),
                     ("harmonic: {harmonics: 2, min_count: 3}", "5 coefficients"),
                     ("trend: {season: month}", "test: seasonal")):
        outcome = bench.call("validate", bench.document(f"""geoloom: 1
name: refused
store: out
area: {{same_grid_as: scenes, tiles: 128 px}}
steps:
  fits:
    over: tiles
    do:
      - load: {{scenes: scenes}}
      - {op}
      - save: layer
"""))
        bench.expect(outcome.code != 0 and said in outcome.err, f"{op} is refused with '{said}'", outcome)


TESTS = [a_made_series, a_real_series, climatology_as_a_layer, an_empty_baseline, what_is_refused]

if __name__ == "__main__":
    if not VENV_PYTHON.exists() or subprocess.run([VENV_PYTHON, "-c", "import scipy, pymannkendall, nrt"], capture_output=True).returncode:
        skip("SciPy, pymannkendall and nrt are not installed; setup/install.sh checks")
    raise SystemExit(main(TESTS, __doc__))
