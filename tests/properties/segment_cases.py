# SPDX-License-Identifier: Apache-2.0
"""Pictures for segmenting, and what pyshepseg makes of them.

pyshepseg (https://github.com/ubarsc/pyshepseg, MIT licence) is in no package index, so its answers are recorded:

    segment_cases.py --record CHECKOUT_OF_PYSHEPSEG

writes pyshepseg_segments.json, with numba and scikit-learn in the environment. Each tile is segmented by itself, with clusters of its own.
"""
import argparse
import hashlib
import json
import pathlib
import sys

import numpy

TILE = 128
SIZE = (256, 200)  # columns, rows: four tiles, two of them lower
NULL = 0
RECORDED = pathlib.Path(__file__).with_name("pyshepseg_segments.json")
CASES = {
    "one band": {"bands": 1, "clusters": 60, "smallest": 50, "every": 10, "touch": "edges"},
    "two bands": {"bands": 2, "clusters": 30, "smallest": 20, "every": 7, "touch": "edges"},
    "corners": {"bands": 2, "clusters": 12, "smallest": 30, "every": 5, "touch": "corners"},
    "a distance": {"bands": 2, "clusters": 20, "smallest": 40, "every": 10, "touch": "edges", "farthest": 300},
}


def picture(bands):
    """(bands, rows, columns), int16: fields with slopes and noise, two lakes of nothing. Sums and products of whole numbers alone,
    so that every machine draws the same."""
    random = numpy.random.Generator(numpy.random.PCG64(41 + bands))
    y, x = numpy.mgrid[: SIZE[1], : SIZE[0]]
    bent = x + (y * y) // 97, y + (x * x) // 131
    fields = (bent[0] // 17) * 31 + bent[1] // 13
    values = random.integers(600, 9000, (bands, fields.max() + 1))
    image = values[:, fields] + (x * (y % 40)) // 9 + random.integers(-150, 151, (bands, SIZE[1], SIZE[0]))
    image = numpy.clip(image, 1, 32000)
    if bands == 1:
        # Whole numbers lie exactly between two centres, and scikit-learn decides such ties by rounding. Here none do at first: centres are
        # 120 apart, and values an odd number away from them.
        lowest, highest = 1001, 1001 + 61 * 120
        image = numpy.where((image > lowest) & (image < highest), (image - lowest) // 2 * 2 + lowest + 1, numpy.clip(image, lowest, highest))
    image[:, (x - 60) ** 2 + (y - 70) ** 2 < 300] = NULL
    image[:, (x - 128) ** 2 + (y - 150) ** 2 < 200] = NULL
    return image.astype(numpy.int16)


def tiles():
    return [(slice(y, min(y + TILE, SIZE[1])), slice(x, min(x + TILE, SIZE[0]))) for y in range(0, SIZE[1], TILE) for x in range(0, SIZE[0], TILE)]


def canonical(ids):
    """Numbers in the order of the segments' first pixels; 0 is none."""
    flat = ids.astype(numpy.int64).ravel()
    values, first, inverse = numpy.unique(flat, return_index=True, return_inverse=True)
    order = numpy.argsort(numpy.where(values == 0, -1, first), kind="stable")
    number = numpy.empty(len(values), numpy.int64)
    number[order] = numpy.arange(len(values)) + (0 if 0 in values else 1)
    return number[inverse].reshape(ids.shape)


def fingerprint(ids):
    """How many segments there are, and which pixels are in which, whatever their numbers."""
    numbers = canonical(ids)
    return {"segments": int(numbers.max()), "sha256": hashlib.sha256(numbers.astype("<u4").tobytes()).hexdigest()}


def record(checkout):
    sys.path.insert(0, str(checkout))
    import pyshepseg
    from pyshepseg import shepseg
    told = {"pyshepseg": pyshepseg.__version__, "cases": {}}
    for name, case in CASES.items():
        image = picture(case["bands"])
        told["cases"][name] = []
        for rows, columns in tiles():
            done = shepseg.doShepherdSegmentation(
                numpy.ascontiguousarray(image[:, rows, columns].astype(numpy.int32)), numClusters=case["clusters"],
                clusterSubsamplePcnt=100 / case["every"], minSegmentSize=case["smallest"], maxSpectralDiff=case.get("farthest", "auto"),
                imgNullVal=NULL, fourConnected=case["touch"] == "edges", fixedKMeansInit=True)
            told["cases"][name].append(fingerprint(done.segimg))
    RECORDED.write_text(json.dumps(told, indent=1) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--record", required=True, type=pathlib.Path)
    record(parser.parse_args().record)
