#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Whether a composite of enlarged scenes is right, by the composite of the small ones.

    check_blocks.py SMALL.tif LARGE.tif

Each pixel of the large result has the samples of one of the small result, in another order of scenes. So
the middle brightness, red + green + blue, must be the same everywhere; of samples that are equally
bright the first in the order of scenes is taken, so colours may differ there, and only there.
"""
import sys

import numpy
from osgeo import gdal

gdal.UseExceptions()


def main():
    small = gdal.Open(sys.argv[1]).ReadAsArray()
    large = gdal.Open(sys.argv[2])
    width, height, side = large.RasterXSize, large.RasterYSize, small.shape[1]
    other_colours = 0
    for row in range(0, height, side):
        for column in range(0, width, side):
            shape = min(side, height - row), min(side, width - column)
            got = large.ReadAsArray(column, row, shape[1], shape[0])
            wanted = small[:, :shape[0], :shape[1]]
            if not numpy.array_equal(got.sum(axis=0, dtype=numpy.int32), wanted.sum(axis=0, dtype=numpy.int32)):
                sys.exit(f"check_blocks: the brightness at column {column}, row {row} is not that of the small result")
            other_colours += int((got != wanted).any(axis=0).sum())
    print(f"{width} x {height} pixels as bright as those of the small job, {100 * other_colours / width / height:.1f} % "
          f"of another colour among equally bright ones")


if __name__ == "__main__":
    main()
