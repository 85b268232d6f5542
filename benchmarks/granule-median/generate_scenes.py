#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes scenes like those of one Sentinel-2 granule in true colour: 8-bit RGB, one grid, a year of dates.

    generate_scenes.py FOLDER [--scenes 216] [--size 1024] [--seed 1] [--check]

Larger ones than 2048 pixels take long to draw: enlarge_scenes.py lays these out to any size.

A fixed landscape with a seasonal gain, sensor noise, fractal clouds that saturate at 255, and slanted
swath edges beyond which all bands are 0. Each scene is a COG: DEFLATE, blocks of 512, averaged overviews.

Pixels are computed with integers alone, from numbers a seeded PCG64 draws, so they are the same on every
machine. The CRC-32 of all pixels is kept in FOLDER/pixels.json, which is written last; for the default
set it is also pinned below. --check computes the scenes again and compares the files byte by byte.
"""
import argparse
import datetime
import filecmp
import json
import multiprocessing
import os
import pathlib
import sys
import tempfile
import zlib

import numpy
from osgeo import gdal, osr

gdal.UseExceptions()

PROCESSES = 2
COG_OPTIONS = ["COMPRESS=DEFLATE", "PREDICTOR=NO", "BLOCKSIZE=512", "OVERVIEW_RESAMPLING=AVERAGE"]
UNIT = 1 << 10  # fixed point: 1.0
# (scenes, size, seed): the CRC-32 of all pixels, scene after scene.
PINNED = {(216, 1024, 1): "75f6ed19"}


def octave(rng, size, step):
    """Random heights of -UNIT..UNIT every `step` pixels, joined by straight lines."""
    nodes = size // step + 2
    lattice = rng.integers(-UNIT, UNIT + 1, (nodes, nodes), dtype=numpy.int32)
    shift = rng.integers(0, step, 2)
    for axis in (0, 1):
        place = numpy.arange(size) + shift[axis]
        low, weight = place // step, (place % step).astype(numpy.int32)
        weight = weight[:, None] if axis == 0 else weight[None, :]
        near, far = lattice.take(low, axis), lattice.take(low + 1, axis)
        lattice = (near * (step - weight) + far * weight) // step
    return lattice


def fractal(rng, size, steps, *, loss):
    """Octaves from coarse to fine, each `loss`/UNIT times as high as the one before."""
    total, height = numpy.zeros((size, size), numpy.int32), UNIT
    for step in steps:
        total += octave(rng, size, step) * height // UNIT
        height = height * loss // UNIT
    return total


def coarse_to_fine(size, finest):
    steps = []
    step = size // 2
    while step >= finest:
        steps.append(step)
        step //= 2
    return steps


class Granule:
    """What all dates share: the land in three bands, and sensor noise that each date shifts."""

    def __init__(self, size, seed):
        rng = numpy.random.Generator(numpy.random.PCG64(seed))
        steps = coarse_to_fine(size, 2)
        shape = fractal(rng, size, steps, loss=620)
        self.size, self.seed = size, seed
        self.land = [shape + fractal(rng, size, steps, loss=620) * 2 // 5 for _ in range(3)]
        # The sum of two draws is a triangle, near enough to a normal deviate.
        self.noise = [rng.integers(-600, 601, (size, size), dtype=numpy.int32) +
                      rng.integers(-600, 601, (size, size), dtype=numpy.int32) for _ in range(4)]

    def scene(self, number, scenes):
        """Three bands of date `number`."""
        size = self.size
        rng = numpy.random.Generator(numpy.random.PCG64([self.seed, number]))
        clouds = fractal(rng, size, coarse_to_fine(size, 4), loss=560)
        # Skies are clear or overcast more often than half and half.
        cover = int(rng.choice([0, 3, 10, 25, 45, 60, 75, 90, 97, 100]))
        ordered = numpy.sort(clouds[::8, ::8], axis=None)
        threshold = int(ordered[(len(ordered) - 1) * (100 - cover) // 100])
        if cover == 0:
            threshold += UNIT
        elif cover == 100:
            threshold -= UNIT
        opacity = numpy.clip((clouds - threshold) * 5 // 2, 0, UNIT)
        cloud_level = (248 + int(rng.integers(0, 60))) * UNIT + clouds * 10
        phase = abs(2 * UNIT * number // scenes - UNIT)  # a triangle over the year
        bands = numpy.empty((3, size, size), numpy.uint8)
        for band in range(3):
            gain = 12 * (UNIT - 200 + phase * (2 + band) // 8)
            haze = int(rng.integers(-20, 21))
            shift = tuple(int(value) for value in rng.integers(0, size, 2))
            noise = numpy.roll(self.noise[(number + band) % len(self.noise)], shift, (0, 1))
            ground = (52 + haze) * UNIT + self.land[band] * gain // UNIT + noise
            value = ground + (cloud_level - ground) // UNIT * opacity
            bands[band] = numpy.clip((value + UNIT // 2) // UNIT, 1, 255)
        cores = (bands == 255).any(axis=0) & (opacity > UNIT * 3 // 5)
        bands[:, cores] = 255
        if number % 5 in (1, 3):
            row, column = numpy.ogrid[0:size, 0:size]
            edge = size * int(rng.integers(-20, 121)) // 100
            outside = column + row * 21 // 100 < edge
            bands[:, outside if number % 2 else ~outside] = 0
        return bands


def scene_name(number, scenes):
    day = datetime.date(2023, 1, 1) + datetime.timedelta(days=number * 365 // scenes)
    return f"granule_{day:%Y%m%d}T{104000 + number // 60 * 100 + number % 60:06d}_TCI.tif"


def write_cog(path, bands):
    size = bands.shape[1]
    image = gdal.GetDriverByName("MEM").Create("", size, size, 3, gdal.GDT_Byte)
    image.SetGeoTransform([300000, 10, 0, 4900020, 0, -10])
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(32631)
    image.SetProjection(reference.ExportToWkt())
    image.WriteArray(bands)
    for number, colour in enumerate((gdal.GCI_RedBand, gdal.GCI_GreenBand, gdal.GCI_BlueBand), 1):
        image.GetRasterBand(number).SetColorInterpretation(colour)
        image.GetRasterBand(number).SetNoDataValue(0)
    copy = gdal.GetDriverByName("COG").CreateCopy(str(path), image, options=COG_OPTIONS)
    copy = None  # closes the file


granule = None


def make_scene(job):
    """Writes one scene, or with a folder to check against, compares; returns (pixel CRC-32, bytes of the file)."""
    number, scenes, size, seed, folder, check = job
    global granule
    if granule is None:
        granule = Granule(size, seed)
    bands = granule.scene(number, scenes)
    name = scene_name(number, scenes)
    if check:
        with tempfile.TemporaryDirectory() as scratch:
            again = pathlib.Path(scratch) / name
            write_cog(again, bands)
            if not filecmp.cmp(again, folder / name, shallow=False):
                raise SystemExit(f"generate scenes: {folder / name} is not what this script writes")
    else:
        part = folder / (name + ".part")
        write_cog(part, bands)
        os.replace(part, folder / name)
    return zlib.crc32(bands.tobytes()), (folder / name).stat().st_size


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--scenes", type=int, default=216)
    parser.add_argument("--size", type=int, default=1024, help="pixels a side, a power of two of at least 512")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--check", action="store_true", help="compare existing files with freshly made ones")
    arguments = parser.parse_args()
    if arguments.size < 512 or arguments.size & (arguments.size - 1):
        parser.error("--size: a power of two of at least 512")
    folder, stamp = arguments.folder, arguments.folder / "pixels.json"
    key = (arguments.scenes, arguments.size, arguments.seed)
    known = json.loads(stamp.read_text()) if stamp.exists() else {}
    if not arguments.check:
        if known.get("set") == list(key) and len(list(folder.glob("granule_*.tif"))) == arguments.scenes:
            return
        folder.mkdir(parents=True, exist_ok=True)
        stamp.unlink(missing_ok=True)
        for old in folder.glob("granule_*"):
            old.unlink()

    jobs = [(number, *key, folder, arguments.check) for number in range(arguments.scenes)]
    with multiprocessing.Pool(PROCESSES) as pool:
        made = pool.map(make_scene, jobs, chunksize=4)
    checksum = 0
    for scene_checksum, _ in made:
        checksum = zlib.crc32(scene_checksum.to_bytes(4, "little"), checksum)
    samples = arguments.scenes * arguments.size ** 2 * 3
    stored = sum(size for _, size in made)
    record = {"set": list(key), "pixels_crc32": f"{checksum:08x}", "stored_bytes": stored,
              "decoded_bytes": samples, "bytes_per_sample": round(stored / samples, 4)}
    pinned = PINNED.get(key)
    if pinned and pinned != record["pixels_crc32"]:
        sys.exit(f"generate scenes: the pixels have CRC-32 {record['pixels_crc32']}, and {pinned} was expected")
    if arguments.check:
        print("generate scenes: every file is what this script writes")
        return
    stamp.write_text(json.dumps(record, indent=1) + "\n")
    print(f"generate scenes: {arguments.scenes} scenes in {folder}, {stored / 1e6:.0f} MB, "
          f"{record['bytes_per_sample']} bytes/sample, pixels {record['pixels_crc32']}")


if __name__ == "__main__":
    main()
