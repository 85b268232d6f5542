#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`segment` tile by tile against pyshepseg, whose answers are recorded: every pixel in the same segment.

    segments_test.py GEOLOOM [--only TEST]...
"""
import json
import sys

import numpy

import scenes
import segment_cases
from program import main

DOCUMENT = """geoloom: 1
name: segments
store: out
area: {same_grid_as: scenes, tiles: 128 px}
steps:
  picture:
    over: tiles
    do: [{load: {scenes: scenes}}, {save: {layer: picture, nodata: 0}}]
  segments:
    do:
      - segment: {layer: picture, like: pyshepseg, fit: item, clusters: CLUSTERS, every: EVERY, smallest: SMALLEST, touch: TOUCH, FARTHESTas: ids}
"""


def document_of(case):
    text = DOCUMENT
    for key in ("clusters", "every", "smallest", "touch"):
        text = text.replace(key.upper(), str(case[key]))
    return text.replace("FARTHEST", f"farthest: {case['farthest']}, " if "farthest" in case else "")


def segments_are_those_of_pyshepseg(name):
    def test(bench):
        case = segment_cases.CASES[name]
        image = segment_cases.picture(case["bands"])
        scenes.write_raster(bench.folder / "scenes" / "picture_20200101.tif", image, names=["a", "b"], nodata=segment_cases.NULL)
        bench.run(bench.document(document_of(case)))
        pixels, valid = scenes.read_masked(bench.folder / "out" / "ids.tif")
        ids = numpy.where(valid, pixels, 0)[0]
        # As there, single pixels at the rim of invalid ones are drawn to them.
        bench.expect(not (ids[image[0] == segment_cases.NULL] != 0).any(), "what is invalid has no segment")
        recorded = json.loads(segment_cases.RECORDED.read_text())["cases"][name]
        for number, (place, wanted) in enumerate(zip(segment_cases.tiles(), recorded)):
            bench.expect_equal(segment_cases.fingerprint(ids[place]), wanted, f"tile {number}")
        tiles = [set(numpy.unique(ids[place])) - {0} for place in segment_cases.tiles()]
        bench.expect_equal(len(set.union(*tiles)), sum(map(len, tiles)), "segments end at the edges of tiles")
    test.__name__ = "segments_of_" + name.replace(" ", "_")
    return test


TESTS = [segments_are_those_of_pyshepseg(name) for name in segment_cases.CASES]

if __name__ == "__main__":
    sys.exit(main(TESTS, __doc__))
