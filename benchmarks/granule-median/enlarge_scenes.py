#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Lays the blocks of a small set of scenes out to scenes of any size, without compressing anything again.

    enlarge_scenes.py SMALL FOLDER --size 5490

SMALL is what generate_scenes.py wrote. Block (x, y) of scene s is, byte by byte, one of the same place
(x mod 2, y mod 2 in a set of 1024 pixels) in another scene of SMALL, chosen by a fixed rule so that over
all scenes each one is used once. So a large scene compresses as the small ones do, all its bytes are on
disk, every pixel has the same samples over time as its pixel in the small set, in another order, and
writing is as fast as the disk. What is not like a real granule: patterns repeat and end at block
borders, which no program here can use, and there are no overviews, which none reads.

Writes FOLDER/pixels.json last. An existing set of the same size is kept.
"""
import argparse
import json
import multiprocessing
import os
import pathlib
import shutil
import struct
import sys

PROCESSES = 2
WIDTH, HEIGHT, OFFSETS, COUNTS = 256, 257, 324, 325  # TIFF tags
BLOCK_WIDTH, BLOCK_HEIGHT = 322, 323
SHORT, LONG = 3, 4
TYPE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 7: 1, 12: 8}


def read_directory(data, path):
    """The first image of a classic little-endian TIFF: tag -> (type, count, raw bytes)."""
    if data[:4] != b"II*\0":
        sys.exit(f"enlarge_scenes: {path} is no classic little-endian TIFF")
    place = struct.unpack_from("<I", data, 4)[0]
    entries = {}
    for number in range(struct.unpack_from("<H", data, place)[0]):
        tag, kind, count = struct.unpack_from("<HHI", data, place + 2 + 12 * number)
        size = TYPE_BYTES[kind] * count
        at = place + 10 + 12 * number if size <= 4 else struct.unpack_from("<I", data, place + 10 + 12 * number)[0]
        entries[tag] = (kind, count, data[at:at + size])
    return entries


def numbers(entry):
    kind, count, raw = entry
    return struct.unpack(f"<{count}{'H' if kind == SHORT else 'I'}", raw)


class SmallScene:
    def __init__(self, path):
        self.data = path.read_bytes()
        self.entries = read_directory(self.data, path)
        size, block = numbers(self.entries[WIDTH])[0], numbers(self.entries[BLOCK_WIDTH])[0]
        if size != numbers(self.entries[HEIGHT])[0] or block != numbers(self.entries[BLOCK_HEIGHT])[0] or size % block:
            sys.exit(f"enlarge_scenes: {path} is not square and of whole blocks")
        self.size, self.block, self.across = size, block, size // block
        self.offsets, self.counts = numbers(self.entries[OFFSETS]), numbers(self.entries[COUNTS])

    def stored_block(self, column, row):
        number = row % self.across * self.across + column % self.across
        return self.data[self.offsets[number]:self.offsets[number] + self.counts[number]]


def write_scene(path, like, size, blocks):
    """A TIFF with the tags of `like` and the given compressed blocks, which come after the directory as in a COG."""
    blocks = list(blocks)
    entries = dict(like.entries)
    for tag, values in ((WIDTH, [size]), (HEIGHT, [size]), (OFFSETS, blocks), (COUNTS, blocks)):
        entries[tag] = (LONG, len(values), bytes(4 * len(values)))
    extra_at = 8 + 2 + 12 * len(entries) + 4
    place = extra_at + sum(len(raw) + len(raw) % 2 for _, _, raw in entries.values() if len(raw) > 4)
    counts = [len(block) for block in blocks]
    offsets = [place + sum(counts[:number]) for number in range(len(blocks))]
    if place + sum(counts) >= 1 << 32:
        sys.exit(f"enlarge_scenes: {path} would be larger than 4 GiB, which this writer cannot do")
    for tag, values in ((WIDTH, [size]), (HEIGHT, [size]), (OFFSETS, offsets), (COUNTS, counts)):
        entries[tag] = (LONG, len(values), struct.pack(f"<{len(values)}I", *values))
    table, extra = struct.pack("<H", len(entries)), b""
    for tag in sorted(entries):
        kind, count, raw = entries[tag]
        if len(raw) > 4:
            value = struct.pack("<I", extra_at + len(extra))
            extra += raw + b"\0" * (len(raw) % 2)
        else:
            value = raw.ljust(4, b"\0")
        table += struct.pack("<HHI", tag, kind, count) + value
    with open(path, "wb") as out:
        out.write(b"II*\0" + struct.pack("<I", 8) + table + struct.pack("<I", 0) + extra)
        for block in blocks:
            out.write(block)


small = None


def make_scene(job):
    number, files, folder, size = job
    global small
    if small is None:
        small = [SmallScene(path) for path in files]
    across = -(-size // small[0].block)
    blocks = (small[(number + 37 * column + 101 * row) % len(small)].stored_block(column, row)
              for row in range(across) for column in range(across))
    part = folder / (files[number].name + ".part")
    write_scene(part, small[number], size, blocks)
    os.replace(part, folder / files[number].name)
    return (folder / files[number].name).stat().st_size


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("small", type=pathlib.Path)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--size", type=int, required=True, help="pixels a side, 10980 for a whole granule")
    arguments = parser.parse_args()
    files = sorted(arguments.small.glob("granule_*.tif"))
    if not files:
        sys.exit(f"enlarge_scenes: no scene in {arguments.small}; generate_scenes.py writes them")
    like = json.loads((arguments.small / "pixels.json").read_text())
    folder, stamp = arguments.folder, arguments.folder / "pixels.json"
    key = [len(files), arguments.size, like["pixels_crc32"]]
    if stamp.exists() and json.loads(stamp.read_text()).get("set") == key:
        return
    folder.mkdir(parents=True, exist_ok=True)
    stamp.unlink(missing_ok=True)
    for old in folder.glob("granule_*"):
        old.unlink()
    wanted = sum(path.stat().st_size for path in files) * (arguments.size / like["set"][1]) ** 2 * 1.1
    free = shutil.disk_usage(folder).free
    if wanted > free:
        sys.exit(f"enlarge_scenes: {wanted / 1e9:.1f} GB are needed, and {folder} has {free / 1e9:.1f} GB left")
    with multiprocessing.Pool(PROCESSES) as pool:
        stored = sum(pool.map(make_scene, [(n, files, folder, arguments.size) for n in range(len(files))], chunksize=4))
    samples = len(files) * arguments.size ** 2 * 3
    stamp.write_text(json.dumps({"set": key, "stored_bytes": stored, "decoded_bytes": samples,
                                 "bytes_per_sample": round(stored / samples, 4)}, indent=1) + "\n")
    print(f"enlarge_scenes: {len(files)} scenes of {arguments.size} x {arguments.size} in {folder}, {stored / 1e9:.1f} GB, "
          f"{stored / samples:.4f} bytes/sample")


if __name__ == "__main__":
    main()
