#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What no reader of these scenes can do without: inflating every block of the window once.

    decode_floor.py FOLDER COLUMN ROW WIDTH HEIGHT [--rounds 3]

Times one thread that inflates the blocks with libdeflate into one hot buffer, and one that has GDAL
deliver them with ReadBlock. The files are in the page cache after a first reading. Prints JSON: bytes,
blocks, and CPU seconds (the least of the rounds; opening the files and finding the blocks not counted).
"""
import argparse
import ctypes
import json
import pathlib
import time

from osgeo import gdal

gdal.UseExceptions()


def block_places(files, window):
    """(file number, offset, size) of every block the window touches, and the bytes one block holds."""
    column, row, width, height = window
    places, block_bytes = [], 0
    for number, file in enumerate(files):
        dataset = gdal.Open(str(file))
        band = dataset.GetRasterBand(1)
        block_width, block_height = band.GetBlockSize()
        block_bytes = block_width * block_height * dataset.RasterCount
        for y in range(row // block_height, -(-(row + height) // block_height)):
            for x in range(column // block_width, -(-(column + width) // block_width)):
                offset = band.GetMetadataItem(f"BLOCK_OFFSET_{x}_{y}", "TIFF")
                if offset is not None:  # otherwise sparse
                    places.append((number, int(offset), int(band.GetMetadataItem(f"BLOCK_SIZE_{x}_{y}", "TIFF"))))
    return places, block_bytes


def inflate_all(contents, places, block_bytes):
    deflate = ctypes.CDLL("libdeflate.so.0")
    deflate.libdeflate_alloc_decompressor.restype = ctypes.c_void_p
    inflate = deflate.libdeflate_zlib_decompress
    inflate.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p]
    decompressor = deflate.libdeflate_alloc_decompressor()
    output = ctypes.create_string_buffer(block_bytes)
    starts = [ctypes.cast(content, ctypes.c_void_p).value for content in contents]
    begin = time.process_time()
    for number, offset, size in places:
        if inflate(decompressor, starts[number] + offset, size, output, block_bytes, None) != 0:
            raise SystemExit(f"decode_floor: block at {offset} of file {number} does not inflate")
    return time.process_time() - begin


def read_with_gdal(files, window):
    column, row, width, height = window
    spent = 0.0
    for file in files:
        dataset = gdal.Open(str(file))
        bands = [dataset.GetRasterBand(number) for number in (1, 2, 3)]
        block_width, block_height = bands[0].GetBlockSize()
        begin = time.process_time()
        for y in range(row // block_height, -(-(row + height) // block_height)):
            for x in range(column // block_width, -(-(column + width) // block_width)):
                for band in bands:
                    band.ReadBlock(x, y)
        spent += time.process_time() - begin
    return spent


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    for name in ("column", "row", "width", "height"):
        parser.add_argument(name, type=int)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    files = sorted(arguments.folder.glob("*.tif"))
    window = (arguments.column, arguments.row, arguments.width, arguments.height)
    places, block_bytes = block_places(files, window)
    contents = [file.read_bytes() for file in files]
    inflating = min(inflate_all(contents, places, block_bytes) for _ in range(arguments.rounds))
    reading = min(read_with_gdal(files, window) for _ in range(arguments.rounds))
    print(json.dumps({"blocks": len(places), "stored_bytes": sum(size for _, _, size in places),
                      "decoded_bytes": len(places) * block_bytes, "libdeflate_cpu_seconds": round(inflating, 3),
                      "gdal_cpu_seconds": round(reading, 3), "gdal": gdal.__version__}))


if __name__ == "__main__":
    main()
