#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What no writer of a COG can do without: compressing the tiles of all its levels once.

    deflate_floor.py FILE LEVEL

Reads the tiles of a finished COG with GDAL and compresses each with libdeflate alone, one thread, out of and
into the same buffers. With the file's own predictor. Prints JSON: CPU seconds of the calls, bytes in, bytes out.
"""
import ctypes
import json
import sys
import time

import numpy
from osgeo import gdal

gdal.UseExceptions()


def tiles_of(path):
    """Interleaved tiles as they are compressed, all levels, padded with zeros."""
    dataset = gdal.Open(path)
    predictor = dataset.GetMetadataItem("PREDICTOR", "IMAGE_STRUCTURE") == "2"
    levels = [[dataset.GetRasterBand(number).GetOverview(level) if level >= 0 else dataset.GetRasterBand(number)
               for number in range(1, dataset.RasterCount + 1)] for level in range(-1, dataset.GetRasterBand(1).GetOverviewCount())]
    for bands in levels:
        width, height = bands[0].XSize, bands[0].YSize
        side = bands[0].GetBlockSize()[0]
        for y in range(0, height, side):
            for x in range(0, width, side):
                tile = numpy.zeros((side, side, len(bands)), numpy.uint8)
                rows, columns = min(side, height - y), min(side, width - x)
                for number, band in enumerate(bands):
                    tile[:rows, :columns, number] = band.ReadAsArray(x, y, columns, rows)
                if predictor:
                    tile[:, 1:] -= tile[:, :-1].copy()
                yield tile.tobytes()


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    deflate = ctypes.CDLL("libdeflate.so.0")
    deflate.libdeflate_alloc_compressor.restype = ctypes.c_void_p
    compress = deflate.libdeflate_zlib_compress
    compress.restype = ctypes.c_size_t
    compress.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_void_p, ctypes.c_size_t]
    compressor = deflate.libdeflate_alloc_compressor(int(sys.argv[2]))
    output, spent, taken, made = ctypes.create_string_buffer(1 << 24), 0.0, 0, 0
    for tile in tiles_of(sys.argv[1]):
        begin = time.process_time()
        made += compress(compressor, tile, len(tile), output, len(output))
        spent += time.process_time() - begin
        taken += len(tile)
    print(json.dumps({"cpu_seconds": round(spent, 3), "bytes_in": taken, "bytes_out": made}))


if __name__ == "__main__":
    main()
