#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes one image as large as a Sentinel-2 granule, 10980 x 10980 x 3 bytes, uncompressed and tiled.

    generate_image.py FILE

Scenes of ../granule-median/generate_scenes.py, of 2048 pixels a side, laid side by side: a landscape, noise,
clouds that saturate, swath edges of 0. Pixels are integers from a seeded generator; their CRC-32 is pinned.
"""
import pathlib
import sys
import zlib

import numpy
from osgeo import gdal, osr

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "granule-median"))
import generate_scenes  # noqa: E402

gdal.UseExceptions()

SIDE = 10980
SCENE = 2048
SEED = 1
DATES = (0, 17, 30, 44, 61, 75, 92, 108, 121, 139, 152, 170)
PINNED = "00a0126c"
OPTIONS = ["TILED=YES", "BLOCKXSIZE=512", "BLOCKYSIZE=512", "INTERLEAVE=PIXEL", "PHOTOMETRIC=RGB"]


def image():
    granule = generate_scenes.Granule(SCENE, SEED)
    scenes = [granule.scene(date, 216) for date in DATES]
    bands = numpy.empty((3, SIDE, SIDE), numpy.uint8)
    number = 0
    for y in range(0, SIDE, SCENE):
        for x in range(0, SIDE, SCENE):
            height, width = min(SCENE, SIDE - y), min(SCENE, SIDE - x)
            bands[:, y:y + height, x:x + width] = scenes[number * 5 % len(scenes)][:, :height, :width]
            number += 1
    return bands


def write(path, bands):
    part = path.with_suffix(".part")
    dataset = gdal.GetDriverByName("GTiff").Create(str(part), SIDE, SIDE, 3, gdal.GDT_Byte, OPTIONS)
    dataset.SetGeoTransform([300000, 10, 0, 4900020, 0, -10])
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(32631)
    dataset.SetProjection(reference.ExportToWkt())
    for number, plane in enumerate(bands, 1):
        dataset.GetRasterBand(number).SetNoDataValue(0)
        dataset.GetRasterBand(number).WriteArray(plane)
    dataset = None  # closes the file
    part.rename(path)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    path = pathlib.Path(sys.argv[1])
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    bands = image()
    checksum = f"{zlib.crc32(bands.tobytes()):08x}"
    if checksum != PINNED:
        sys.exit(f"generate image: the pixels have CRC-32 {checksum}, and {PINNED} was expected")
    write(path, bands)
    print(f"generate image: {path}, {path.stat().st_size / 1e6:.0f} MB, pixels {checksum}")


if __name__ == "__main__":
    main()
