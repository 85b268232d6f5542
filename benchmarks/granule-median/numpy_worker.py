#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The peer: the same median of the same window, as a Python user makes it with rasterio and NumPy.

    numpy_worker.py typical|tuned|jit FOLDER COLUMN ROW WIDTH HEIGHT RESULT.tif

  typical  what is written first: a float stack with NaN, argsort, take_along_axis
  tuned    what somebody writes who knows NumPy well: one 32-bit number holds key and scene, sorted in
           strips that stay in the cache
  jit      ten reading threads, then a loop over pixels that Numba compiles

The rule, in all of them: a sample with 0 or 255 in any band is rejected; of the m others, ordered by
red + green + blue and then by scene, the colour of number floor(m / 2) is the answer, black if there is none.
Prints one line of JSON: seconds of reading, of reducing and of writing.
"""
import argparse
import json
import pathlib
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy
import rasterio
from rasterio.windows import Window

READERS_OF_JIT = 10
STRIP_PIXELS = 4096


def read_window(files, window, threads):
    """All scenes as (scene, band, row, column)."""
    stack = numpy.empty((len(files), 3, window.height, window.width), numpy.uint8)

    def read_one(number):
        with rasterio.open(files[number]) as scene:
            scene.read(window=window, out=stack[number])

    if threads == 1:
        for number in range(len(files)):
            read_one(number)
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(read_one, range(len(files))))
    return stack


def median_typical(stack):
    rejected = ((stack == 0) | (stack == 255)).any(axis=1)
    brightness = stack.astype(numpy.float32).sum(axis=1)
    brightness[rejected] = numpy.nan  # sorts last
    kept = len(stack) - rejected.sum(axis=0)
    order = numpy.argsort(brightness, axis=0, kind="stable")
    chosen = numpy.take_along_axis(order, numpy.minimum(kept // 2, len(stack) - 1)[None], axis=0)
    result = numpy.take_along_axis(stack, chosen[:, None], axis=0)[0]
    result[:, kept == 0] = 0
    return result


def median_tuned(stack):
    scenes, bands, height, width = stack.shape
    pixels = stack.reshape(scenes, bands, height * width)
    result = numpy.empty((bands, height * width), numpy.uint8)
    scene_number = numpy.arange(scenes, dtype=numpy.uint32)[:, None]
    # Made once: fresh arrays for every strip cost more in page faults than the arithmetic does.
    shape = (scenes, STRIP_PIXELS)
    extreme, rejected, black = numpy.empty(shape, numpy.uint8), numpy.empty(shape, bool), numpy.empty(shape, bool)
    packed, by_pixel = numpy.empty(shape, numpy.uint32), numpy.empty(shape[::-1], numpy.uint32)
    for start in range(0, height * width, STRIP_PIXELS):
        strip = pixels[:, :, start:start + STRIP_PIXELS]
        count = strip.shape[2]
        red, green, blue = strip[:, 0], strip[:, 1], strip[:, 2]
        edge, bad, dark, key, order = extreme[:, :count], rejected[:, :count], black[:, :count], packed[:, :count], by_pixel[:count]
        numpy.minimum(red, green, out=edge)
        numpy.minimum(edge, blue, out=edge)
        numpy.equal(edge, 0, out=dark)
        numpy.maximum(red, green, out=edge)
        numpy.maximum(edge, blue, out=edge)
        numpy.equal(edge, 255, out=bad)
        bad |= dark
        # key << 16 | scene, and the greatest number for what is rejected: one sort does it all.
        numpy.add(red, green, out=key, dtype=numpy.uint32)
        key += blue
        key <<= 16
        key |= scene_number
        numpy.copyto(key, 0xFFFFFFFF, where=bad)
        order[...] = key.T
        order.sort(axis=1)
        kept = scenes - numpy.count_nonzero(bad, axis=0)
        pixel = numpy.arange(count)
        chosen = order[pixel, numpy.minimum(kept // 2, scenes - 1)] & 0xFFFF
        chosen[kept == 0] = 0
        colours = strip[chosen, :, pixel].T.copy()
        colours[:, kept == 0] = 0
        result[:, start:start + STRIP_PIXELS] = colours
    return result.reshape(bands, height, width)


def median_jit(stack):
    import numba

    @numba.njit(cache=True)
    def reduce_pixels(samples, result):
        scenes, _, height, width = samples.shape
        packed = numpy.empty(scenes, numpy.uint32)
        for row in range(height):
            for column in range(width):
                kept = 0
                for scene in range(scenes):
                    red = samples[scene, 0, row, column]
                    green = samples[scene, 1, row, column]
                    blue = samples[scene, 2, row, column]
                    if (red == 0 or green == 0 or blue == 0
                            or red == 255 or green == 255 or blue == 255):
                        continue
                    key = numpy.uint32(red) + numpy.uint32(green) + numpy.uint32(blue)
                    packed[kept] = (key << numpy.uint32(16)) | numpy.uint32(scene)
                    kept += 1
                if kept == 0:
                    result[:, row, column] = 0
                    continue
                ordered = packed[:kept]
                ordered.sort()
                chosen = ordered[kept // 2] & numpy.uint32(0xFFFF)
                for band in range(3):
                    result[band, row, column] = samples[chosen, band, row, column]

    result = numpy.empty(stack.shape[1:], numpy.uint8)
    reduce_pixels(stack, result)
    return result


def write_cog(path, result, like, window):
    with rasterio.open(like) as scene:
        profile = {"driver": "COG", "width": window.width, "height": window.height, "count": 3, "dtype": "uint8",
                   "crs": scene.crs, "transform": scene.window_transform(window), "nodata": 0,
                   "compress": "DEFLATE"}
    with rasterio.open(path, "w", **profile) as out:
        out.write(result)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("mode", choices=("typical", "tuned", "jit"))
    parser.add_argument("folder", type=pathlib.Path)
    for name in ("column", "row", "width", "height"):
        parser.add_argument(name, type=int)
    parser.add_argument("result", type=pathlib.Path)
    arguments = parser.parse_args()
    files = sorted(arguments.folder.glob("*.tif"))
    if not files:
        sys.exit(f"numpy_worker: no scene in {arguments.folder}")
    window = Window(arguments.column, arguments.row, arguments.width, arguments.height)

    begin = time.perf_counter()
    stack = read_window(files, window, READERS_OF_JIT if arguments.mode == "jit" else 1)
    read = time.perf_counter()
    reduce = {"typical": median_typical, "tuned": median_tuned, "jit": median_jit}[arguments.mode]
    result = reduce(stack)
    reduced = time.perf_counter()
    write_cog(arguments.result, result, files[0], window)
    print(json.dumps({"mode": arguments.mode, "read_seconds": round(read - begin, 3),
                      "reduce_seconds": round(reduced - read, 3), "write_seconds": round(time.perf_counter() - reduced, 3)}))


if __name__ == "__main__":
    main()
