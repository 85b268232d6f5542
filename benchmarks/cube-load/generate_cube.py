#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes scenes like those of one Sentinel-2 granule: six 16-bit bands of reflectance, a file each, with STAC items.

    generate_cube.py FOLDER [--scenes 60] [--size 1536]

The landscape, clouds and swath edges are drawn as for the median (../granule-median/generate_scenes.py): with
integers alone, from seeded numbers, so that pixels are the same on every machine. Files are tiled by 512, DEFLATE
with differences, 0 where nothing was seen. FOLDER/items holds the items of the dates, FOLDER/items_240 those of four
times as many dates, whose files are links to the same scenes. FOLDER/pixels.json is written last.
"""
import argparse
import datetime
import json
import multiprocessing
import os
import pathlib
import sys
import zlib

import numpy
from osgeo import gdal, osr

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "granule-median"))
from generate_scenes import Granule  # noqa: E402

gdal.UseExceptions()
BANDS = ["B02", "B03", "B04", "B08", "B11", "B12"]
EPSG, LEFT, TOP, PIXEL = 32631, 300000, 4900020, 10
TIFF_OPTIONS = ["TILED=YES", "BLOCKXSIZE=512", "BLOCKYSIZE=512", "COMPRESS=DEFLATE", "PREDICTOR=2"]
PROCESSES = 2
granule = None


def reference(epsg):
    system = osr.SpatialReference()
    system.ImportFromEPSG(epsg)
    system.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    return system


def day_of(number, scenes):
    return datetime.datetime(2023, 1, 1, 10, 40) + datetime.timedelta(days=number * 365 // scenes)


def bands_of(size, number, scenes):
    """Six bands of date `number`, uint16: two draws of the three 8-bit bands, spread over reflectance."""
    global granule
    if granule is None:
        granule = Granule(size, 1)
    draws = [granule.scene(number + half * scenes, scenes) for half in range(2)]
    unseen = (draws[0][0] == 0) | (draws[1][0] == 0)  # in all bands alike
    for half, draw in enumerate(draws):
        for band in draw:
            spread = numpy.roll(granule.noise[(number + half) % 4], (number * 7, half * 31), (0, 1)) // 24
            wide = 800 + band.astype(numpy.int32) * 24 + spread
            yield numpy.where(unseen, 0, numpy.clip(wide, 1, 65535)).astype(numpy.uint16)


def make_scene(job):
    number, scenes, size, folder = job
    checksum = 0
    for name, pixels in zip(BANDS, bands_of(size, number, scenes), strict=True):
        path = folder / f"{number:03d}_{name}.tif"
        file = gdal.GetDriverByName("GTiff").Create(str(path), size, size, 1, gdal.GDT_UInt16, options=TIFF_OPTIONS)
        file.SetGeoTransform([LEFT, PIXEL, 0, TOP, 0, -PIXEL])
        file.SetProjection(reference(EPSG).ExportToWkt())
        file.GetRasterBand(1).SetNoDataValue(0)
        file.WriteArray(pixels)
        file = None  # closes it
        checksum = zlib.crc32(pixels.tobytes(), checksum)
    return checksum


def item(folder, number, scenes, size, prefix):
    """A STAC item whose assets are the files <prefix>_<band>.tif of the folder above."""
    to_degrees = osr.CoordinateTransformation(reference(EPSG), reference(4326))
    west, south, east, north = to_degrees.TransformBounds(LEFT, TOP - size * PIXEL, LEFT + size * PIXEL, TOP, 21)
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    asset = {"type": "image/tiff; application=geotiff", "roles": ["data"],
             "raster:bands": [{"data_type": "uint16", "nodata": 0}]}
    return {"type": "Feature", "stac_version": "1.0.0", "id": f"scene_{number:03d}", "collection": "generated",
            "stac_extensions": ["https://stac-extensions.github.io/projection/v1.1.0/schema.json",
                                "https://stac-extensions.github.io/raster/v1.1.0/schema.json"],
            "geometry": {"type": "Polygon", "coordinates": [ring]}, "bbox": [west, south, east, north], "links": [],
            "properties": {"datetime": f"{day_of(number, scenes):%Y-%m-%dT%H:%M:%SZ}", "proj:epsg": EPSG, "proj:shape": [size, size],
                           "proj:transform": [PIXEL, 0, LEFT, 0, -PIXEL, TOP]},
            "assets": {name: {"href": str(folder / f"{prefix}_{name}.tif"), **asset} for name in BANDS}}


def write_items(folder, scenes, size):
    folder = folder.resolve()
    for count in (scenes, 4 * scenes):
        items = folder / ("items" if count == scenes else f"items_{count}")
        items.mkdir(exist_ok=True)
        for number in range(count):
            prefix = f"{number:03d}"
            if number >= scenes:
                for name in BANDS:
                    link = folder / f"{prefix}_{name}.tif"
                    link.unlink(missing_ok=True)
                    os.link(folder / f"{number % scenes:03d}_{name}.tif", link)
            (items / f"{prefix}.json").write_text(json.dumps(item(folder, number, count, size, prefix)))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--scenes", type=int, default=60)
    parser.add_argument("--size", type=int, default=1536)
    arguments = parser.parse_args()
    folder, stamp = arguments.folder, arguments.folder / "pixels.json"
    key = [arguments.scenes, arguments.size]
    if stamp.exists() and json.loads(stamp.read_text())["set"] == key:
        return
    folder.mkdir(parents=True, exist_ok=True)
    jobs = [(number, *key, folder) for number in range(arguments.scenes)]
    with multiprocessing.Pool(PROCESSES) as pool:
        checksums = pool.map(make_scene, jobs, chunksize=2)
    write_items(folder, *key)
    stored = sum((folder / f"{number:03d}_{name}.tif").stat().st_size for number in range(arguments.scenes) for name in BANDS)
    record = {"set": key, "pixels_crc32": f"{zlib.crc32(repr(checksums).encode()):08x}", "stored_bytes": stored,
              "bytes_per_sample": round(stored / (arguments.scenes * len(BANDS) * arguments.size ** 2), 3)}
    stamp.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
