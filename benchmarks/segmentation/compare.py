#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Segments of a made-up landscape: Geoloom's kernels beside pyshepseg, answers first.

    compare.py --bench segments_bench --work FOLDER [--pyshepseg FOLDER_OF_ITS_SOURCE] [--size 2400] [--rounds 3]

Both get the same cluster centres; then every pixel must be in the same segment under the same number. Times are CPU seconds
of one thread; in each round both run once, in turn. Without pyshepseg only ours is measured.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import time

import numpy

CLUSTERS, SMALLEST = 60, 100


def ours(args, image, like):
    ids, centres = args.work / "ids.raw", args.work / "centres.raw"
    command = [args.bench, image, args.size, args.size, 2, CLUSTERS, SMALLEST, like, ids, centres]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=True)
    told = json.loads(done.stdout)
    return told, numpy.fromfile(ids, "<u4").reshape(args.size, args.size), numpy.fromfile(centres).reshape(CLUSTERS, 2)


def theirs(shepseg, image, centres, farthest):
    """With our centres, as k-means may settle ties in another way; int32, as differences of uint16 wrap around."""
    from sklearn.cluster import KMeans
    start = time.process_time()
    fitted = KMeans(CLUSTERS, init=centres, n_init=1, max_iter=1).fit(centres)
    fitted.cluster_centers_ = numpy.ascontiguousarray(centres)
    result = shepseg.doShepherdSegmentation(image, numClusters=CLUSTERS, minSegmentSize=SMALLEST, imgNullVal=0,
                                            maxSpectralDiff=farthest, kmeansObj=fitted)
    return time.process_time() - start, result.segimg


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bench", required=True)
    parser.add_argument("--work", required=True, type=pathlib.Path)
    parser.add_argument("--pyshepseg")
    parser.add_argument("--size", type=int, default=2400)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ[name] = "1"
    image = args.work / "image.raw"
    generator = pathlib.Path(__file__).with_name("generate_image.py")
    subprocess.run([sys.executable, str(generator), str(args.size), str(image)], check=True)
    shepseg = None
    if args.pyshepseg:
        sys.path.insert(0, args.pyshepseg)
        from pyshepseg import shepseg
        picture = numpy.fromfile(image, "<u2").reshape(2, args.size, args.size).astype(numpy.int32)
        tiny = picture[:, :64, :64]
        theirs(shepseg, tiny, numpy.linspace(1, 9000, 2 * CLUSTERS).reshape(CLUSTERS, 2), 1000.0)  # compiles
    best = {}
    for _ in range(args.rounds):
        told, ids, centres = ours(args, image, "pyshepseg")
        best["geoloom, as pyshepseg"] = min(best.get("geoloom, as pyshepseg", 1e9), told["label_s"] + told["segment_s"])
        if shepseg:
            seconds, expected = theirs(shepseg, picture, centres, told["farthest"])
            if not numpy.array_equal(ids, expected):
                sys.exit(f"{(ids != expected).sum()} pixels are in other segments")
            best["pyshepseg"] = min(best.get("pyshepseg", 1e9), seconds)
        paper = ours(args, image, "paper")[0]
        best["geoloom, with k-means"] = min(best.get("geoloom, with k-means", 1e9), paper["total_s"])
    megapixels = args.size ** 2 / 1e6
    print(f"{args.size} x {args.size} pixels, 2 bands, {CLUSTERS} clusters, {SMALLEST} pixels; least of {args.rounds} rounds")
    for name, seconds in best.items():
        print(f"| {name} | {seconds:.2f} s | {seconds / megapixels:.3f} s per million pixels |")
    print(f"{told['clumps']} clumps, {told['segments']} segments")


if __name__ == "__main__":
    main()
