#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A band of rows of a tile of 9600 x 9600 pixels: 75 dates x 10 bands of uint16, a fifth under clouds that are masked.

    generate_tile.py FOLDER [--rows 256]
"""
import argparse
import datetime
import pathlib
import shutil

import numpy
from osgeo import gdal, osr

gdal.UseExceptions()
WIDTH, BANDS, DATES, PATCH = 9600, 10, 75, 32
NAMES = "blue green red nir rededge1 rededge2 rededge3 nir08 swir16 swir22".split()
OPTIONS = ["COMPRESS=ZSTD", "ZSTD_LEVEL=1", "PREDICTOR=2", "TILED=YES", "BLOCKXSIZE=256", "BLOCKYSIZE=256", "INTERLEAVE=BAND"]


def spread(values, times):
    return values.repeat(times, -2).repeat(times, -1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--rows", type=int, default=256)
    options = parser.parse_args()
    rows = options.rows
    scenes = options.folder / "scenes"
    scenes.mkdir(parents=True, exist_ok=True)
    shutil.copy(pathlib.Path(__file__).parent / "tile.yaml", options.folder)
    random = numpy.random.Generator(numpy.random.PCG64(5))
    base = spread(500 + 3500 * random.random((BANDS, rows // 8, WIDTH // 8), dtype=numpy.float32), 8)
    noise = 200 * random.standard_normal((rows, WIDTH + 4096), dtype=numpy.float32)
    map_system = osr.SpatialReference()
    map_system.ImportFromEPSG(6933)
    patches = (rows // PATCH, WIDTH // PATCH)
    for date in range(DATES):
        season = 1 + 0.2 * numpy.sin(2 * numpy.pi * date / DATES)
        missing = spread(random.random(patches) < 0.2, PATCH)
        cloud = spread((random.random(patches) > 0.92) * 2000 * random.random(patches), PATCH).astype(numpy.float32)
        day = datetime.date(2019, 1, 1) + datetime.timedelta(days=date * 365 // DATES)
        image = gdal.GetDriverByName("GTiff").Create(str(scenes / f"S2_{day:%Y%m%d}.tif"), WIDTH, rows, BANDS, gdal.GDT_UInt16, OPTIONS)
        image.SetGeoTransform((0, 10, 0, 0, 0, -10))
        image.SetProjection(map_system.ExportToWkt())
        for number in range(BANDS):
            shift = int(random.integers(0, 4096))
            pixels = numpy.clip(base[number] * season + noise[:, shift:shift + WIDTH] + cloud, 1, 10000).astype(numpy.uint16)
            pixels[missing] = 0
            band = image.GetRasterBand(number + 1)
            band.SetNoDataValue(0)
            band.SetDescription(NAMES[number])
            band.SetScale(1e-4)
            band.SetOffset(0)
            band.WriteArray(pixels)
        image = band = None  # closes the file


if __name__ == "__main__":
    main()
