#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Domains with axes of values: one item per tile and month gives the bytes a run of that month alone gives; layers
are read item by item, `at` a value, and `along` an axis as time; what does not fit together is told before any work.

    axes_test.py GEOLOOM [--only TEST]...
"""
import sys

import numpy

import scenes
from program import main

SIZE = (160, 96)
MONTHS = ["2018-01", "2018-02", "2018-03"]

HEAD = """geoloom: 1
name: axes
store: {store}
area: {{same_grid_as: scenes, tiles: 64 px}}
steps:
"""
MONTHLY = """  monthly:
    over: [tiles, {month: 2018-01..2018-03}]
    do:
      - load: {scenes: scenes, bands: [red, green, blue], period: $item.month, reject: {any_band_in: [0, 255]}}
      - reduce: median
      - save: monthly
  maps:
    over: {month: 2018-01..2018-03}
    do: [{mosaic: {layer: monthly, as: month}}]
"""
ALONG = """  highest:
    over: tiles
    do:
      - load: {layer: monthly, along: month}
      - reduce: max
      - save: highest
  map:
    do: [{mosaic: {layer: highest, as: highest_map}}]
"""
AT = """  change:
    over: [tiles, {month: 2018-02..2018-03}]
    do:
      - load: {layer: monthly, bands: [red], as: now}
      - load: {layer: monthly, bands: [red], at: {month: 2018-01}, as: first}
      - save: {layer: now, from: now}
      - save: {layer: first, from: first}
"""


def series(bench):
    scenes.colour_series(bench.folder / "scenes", 16, SIZE)  # every fifth day of three months


def months(bench):
    series(bench)
    said = bench.run(bench.document(HEAD.format(store="out") + MONTHLY)).steps()
    bench.expect_equal(said["monthly"]["done"], 6 * 3, "tiles times months")
    for month in MONTHS:
        alone = HEAD.format(store=f"alone_{month}") + MONTHLY.replace("over: [tiles, {month: 2018-01..2018-03}]", "over: tiles").replace(
            "$item.month", month).replace("    over: {month: 2018-01..2018-03}\n", "")
        bench.run(bench.document(alone, f"{month}.yaml"))
        got = (bench.folder / f"out/month_{month}.tif").read_bytes()
        wanted = (bench.folder / f"alone_{month}/month.tif").read_bytes()
        pixels = scenes.read_masked(bench.folder / f"out/month_{month}.tif")
        bench.expect(numpy.array_equal(pixels[0], scenes.read_masked(bench.folder / f"alone_{month}/month.tif")[0], equal_nan=True), f"pixels of {month}")
        bench.expect(len(got) == len(wanted) and pixels[1].any(), f"{month} has pixels", (len(got), len(wanted)))
    again = bench.run(bench.folder / "workflow.yaml").steps()
    bench.expect_equal(again["monthly"]["done"], 0, "nothing is made twice")


def along(bench):
    series(bench)
    bench.run(bench.document(HEAD.format(store="out") + MONTHLY + ALONG))
    values, valid = [], []
    for month in MONTHS:
        pixels, mask = scenes.read_masked(bench.folder / f"out/month_{month}.tif")
        values.append(numpy.where(mask, pixels, -numpy.inf))
        valid.append(mask)
    wanted = numpy.max(values, axis=0)
    got, mask = scenes.read_masked(bench.folder / "out/highest_map.tif")
    # A pixel of a layer is valid band by band.
    bench.expect(numpy.array_equal(mask, numpy.any(valid, axis=0)), "valid where any month is")
    bench.expect(numpy.array_equal(got[mask], wanted[mask]), "the highest of the months", (got[mask][:9], wanted[mask][:9]))


def at(bench):
    series(bench)
    said = bench.run(bench.document(HEAD.format(store="out") + MONTHLY + AT)).steps()
    bench.expect_equal(said["change"]["done"], 6 * 2, "tiles times two months")
    for month in MONTHS[1:]:
        for layer, wanted in (("now", month), ("first", MONTHS[0])):
            made = sorted((bench.folder / "out/layers" / layer).glob(f"0_0.{month}-*.tif"))
            source = sorted((bench.folder / "out/layers/monthly").glob(f"0_0.{wanted}-*.tif"))
            bench.expect_equal((len(made), len(source)), (1, 1), f"files of {layer} {month}")
            got = scenes.read_raster(made[0])[0]
            bench.expect(numpy.array_equal(got, scenes.read_raster(source[0])[0], equal_nan=True), f"{layer} at {month} reads {wanted}")


def a_month_without_scenes(bench):
    series(bench)
    document = HEAD.format(store="out") + MONTHLY.replace("2018-03", "2018-09") + ALONG
    said = bench.run(bench.document(document)).steps()
    bench.expect_equal((said["monthly"]["done"], said["monthly"]["empty"]), (6 * 3, 6 * 6), "empty months are no failure")
    bench.expect_equal(said["highest"]["done"], 6, "and are left out along the axis")
    nothing = HEAD.format(store="nothing") + MONTHLY.replace("2018-01..2018-03", "2031-01..2031-03")
    outcome = bench.run(bench.document(nothing, "nothing.yaml"), expect=4)
    bench.expect("no scene is left" in outcome.err and "nothing.yaml:9" in outcome.err, "no scene at all is told with its place", outcome.err)


MISTAKES = (
    (MONTHLY + ALONG.replace("{layer: monthly, along: month}", "{layer: monthly}"), "has one file per month, and step 'highest' does not say which"),
    (MONTHLY + ALONG.replace("along: month", "along: year"), "layer 'monthly' has no axis 'year'"),
    (MONTHLY + AT.replace("at: {month: 2018-01}", "at: {month: 2019-01}"), "layer 'monthly' has no month '2019-01'"),
    (MONTHLY + AT.replace("2018-02..2018-03", "2018-02..2018-04"), "layer 'monthly' has no month '2018-04'"),
    (MONTHLY.replace("    over: {month: 2018-01..2018-03}\n", ""), "carry the step out for each"),
    (MONTHLY.replace("save: monthly", "save: \"m_${item.month}\""), "the layers of step 'monthly' depend on the item"),
    (MONTHLY.replace("$item.month", "$item.mnth"), "the step has no axis of values 'mnth'"),
    (MONTHLY.replace("over: [tiles, {month: 2018-01..2018-03}]", "over: [tiles, tiles]"), "can stand once"),
    (MONTHLY.replace("over: [tiles, {month: 2018-01..2018-03}]", "over: [tile]"), "there is no axis 'tile'"),
)


def mistakes(bench):
    series(bench)
    for number, (text, wanted) in enumerate(MISTAKES):
        document = bench.document(HEAD.format(store="out") + text, f"mistake{number}.yaml")
        outcome = bench.call("validate", document)
        bench.expect_equal(outcome.code, 2, f"exit code of {wanted}")
        bench.expect(wanted in outcome.err and f"mistake{number}.yaml:" in outcome.err, f"tells: {wanted}", outcome.err)


TESTS = [months, along, at, a_month_without_scenes, mistakes]

if __name__ == "__main__":
    sys.exit(main(TESTS, __doc__))
