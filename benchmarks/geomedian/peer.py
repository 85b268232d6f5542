#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One peer's geometric median and deviations:  peer.py hdstats|geomad FOLDER BANDS SLICES PIXELS EPS

Reads FOLDER/series.bin, writes FOLDER/<peer>.bin and prints the CPU seconds of the median and of the deviations, with one thread.
"""
import importlib
import sys
import time

import numpy

peer, folder = sys.argv[1:3]
bands, slices, pixels = map(int, sys.argv[3:6])
eps = float(sys.argv[6])
library = importlib.import_module(peer)

series = numpy.fromfile(f"{folder}/series.bin", numpy.float32).reshape(bands, slices, 1, pixels)
# As these libraries want it: rows, columns, bands, dates. The order in memory is theirs too.
series = numpy.ascontiguousarray(series.transpose(2, 3, 0, 1))

begin = time.process_time()
median = library.nangeomedian_pcm(series, num_threads=1, eps=eps, maxiters=10000)
middle = time.process_time()
deviations = [getattr(library, f"{name}_pcm")(series, median, num_threads=1) for name in ("smad", "emad", "bcmad")]
end = time.process_time()

answer = numpy.concatenate([median, numpy.stack(deviations, -1)], -1).astype(numpy.float32)
answer.reshape(pixels, bands + 3).T.tofile(f"{folder}/{peer}.bin")
print(f"{middle - begin:.6f} {end - middle:.6f}")
