#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Two bands of a made-up landscape as raw uint16 planes: fields with bent edges, each with a value of its own in either
band, slopes within fields and noise; a lake of invalid pixels (0). The same seed makes the same image.

    generate_image.py SIZE OUT.raw
"""
import sys

import numpy as np

FIELD, STRIP = 30, 400


def field_numbers(rows, size, rng_bend):
    """Of each pixel: cells of a lattice whose edges are bent by waves."""
    y, x = np.mgrid[rows, 0:size].astype(np.float32)
    for length, height, phase in rng_bend:
        x, y = x + height * np.sin(y / length + phase), y + height * np.sin(x / length - phase)
    return (np.floor(y / FIELD).astype(np.int64) * 2654435761 + np.floor(x / FIELD).astype(np.int64) * 40503) & 0xFFFF


def main():
    size, path = int(sys.argv[1]), sys.argv[2]
    rng = np.random.default_rng(20190631)
    bend = [(50, 9, 0.3), (17, 4, 1.1), (311, 60, 2.0)]
    values = rng.integers(1500, 9000, (2, 1 << 16)).astype(np.float32)
    with open(path, "wb") as file:
        for band in range(2):
            noise = np.random.default_rng(7 + band)
            for top in range(0, size, STRIP):
                rows = slice(top, min(top + STRIP, size))
                image = values[band][field_numbers(rows, size, bend)]
                y, x = np.mgrid[rows, 0:size].astype(np.float32)
                image += 300 * np.sin(x / 40 + band) * np.cos(y / 55) + noise.normal(0, 120, image.shape)
                image = np.clip(image, 1, 10000).astype("<u2")
                image[(x - size * 0.7) ** 2 + (y - size * 0.2) ** 2 < (size * 0.05) ** 2] = 0
                image.tofile(file)


if __name__ == "__main__":
    main()
