#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Reads one window of many scenes from a server that is far away, in several ways, and tells what each costs.

    compare.py --geoloom BINARY --peer-python PYTHON --scenes FOLDER --work FOLDER [--latency-ms 50] [--rounds 3]

The server is ../../tests/servers/file_server.py in a process of its own. The window is 1024 x 1024 pixels from
(1024, 1024) on, whole blocks of scenes in blocks of 512. Geoloom makes the whole median from the document and
the list of scenes, as `geoloom run` does; the peers only read. A result that differs from the one made of the
files themselves ends the comparison with exit code 1. Writes WORK/results.json and prints a table.
"""
import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import time
import urllib.request
import zlib

from osgeo import gdal

gdal.UseExceptions()
HERE = pathlib.Path(__file__).resolve().parent
SERVER = HERE.parent.parent / "tests" / "servers" / "file_server.py"
DOCUMENT = HERE.parent / "granule-median" / "workflow.yaml"
FIRST, SIZE, BLOCK = 1024, 1024, 512
# What the best practice for such reads is, of rasterio's and GDAL's documentation.
TUNED = {"GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR", "CPL_VSIL_CURL_ALLOWED_EXTENSIONS": ".tif", "GDAL_INGESTED_BYTES_AT_OPEN": "32768",
         "GDAL_HTTP_MERGE_CONSECUTIVE_RANGES": "YES"}
READER = """
import sys, zlib, numpy, rasterio
from concurrent.futures import ThreadPoolExecutor
from rasterio.windows import Window
threads, names, first, size = int(sys.argv[1]), open(sys.argv[2]).read().split(), int(sys.argv[3]), int(sys.argv[4])
stack = numpy.empty((len(names), 3, size, size), numpy.uint8)
def read(number):
    with rasterio.open(names[number]) as scene:
        scene.read(window=Window(first, first, size, size), out=stack[number])
if threads == 1:
    for number in range(len(names)):
        read(number)
else:
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(read, range(len(names))))
print(zlib.crc32(stack))
"""


class Server:
    def __init__(self, folder, latency_ms):
        self.process = subprocess.Popen([sys.executable, SERVER, folder, "--latency-ms", str(latency_ms)], stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def forget(self):
        urllib.request.urlopen(urllib.request.Request(self.url + "/_stats", method="DELETE")).close()

    def stats(self):
        with urllib.request.urlopen(self.url + "/_stats") as answer:
            return json.load(answer)


def needed(files):
    """Rows of blocks that the window touches, and their bytes; both of all scenes."""
    rows = size = 0
    blocks = range(FIRST // BLOCK, (FIRST + SIZE - 1) // BLOCK + 1)
    for file in files:
        dataset = gdal.Open(str(file))
        band = dataset.GetRasterBand(1)
        if band.GetBlockSize() != [BLOCK, BLOCK]:
            sys.exit(f"compare: {file} has no blocks of {BLOCK}")
        rows += len(blocks)
        size += sum(int(band.GetMetadataItem(f"BLOCK_SIZE_{column}_{row}", "TIFF")) for row in blocks for column in blocks)
    return rows, size


def run(command, environment, stdout=subprocess.DEVNULL):
    start = time.monotonic()
    done = subprocess.run(list(map(str, command)), env={**os.environ, **environment}, stdout=stdout, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"compare: {' '.join(map(str, command))} failed:\n{done.stderr[-2000:]}")
    return time.monotonic() - start, done.stdout


def geoloom(arguments, scenes, store, *options):
    """Wall seconds, and the checksum of the composite."""
    shutil.rmtree(store, ignore_errors=True)
    seconds, _ = run([arguments.geoloom, "run", DOCUMENT, "-p", f"scenes={scenes}", "-p", f"results={store}", "--tiles", f"{FIRST}_{FIRST}",
                      "--quiet", *options], {"XDG_STATE_HOME": str(arguments.work / "state")})
    result = next((store / "layers" / "composite").glob("*.tif"))
    return seconds, zlib.crc32(gdal.Open(str(result)).ReadAsArray().tobytes())


def rasterio(arguments, names, threads, environment):
    seconds, text = run([arguments.peer_python, "-c", READER, threads, names, FIRST, SIZE], environment, subprocess.PIPE)
    return seconds, int(text)


def programs(arguments, remote):
    local = arguments.work / "local.txt"
    local.write_text("".join(f"{file}\n" for file in sorted(arguments.scenes.glob("*.tif"))))
    median = geoloom(arguments, local, arguments.work / "local")[1]
    read = rasterio(arguments, local, 1, {})[1]
    store = arguments.work / "store"
    return [
        ("rasterio, one after another", read, 1, lambda: rasterio(arguments, remote, 1, TUNED)),
        ("rasterio, 10 threads", read, arguments.rounds, lambda: rasterio(arguments, remote, 10, TUNED)),
        ("geoloom --reads 1", median, 1, lambda: geoloom(arguments, remote, store, "--reads", "1")),
        ("geoloom", median, arguments.rounds, lambda: geoloom(arguments, remote, store)),
    ]


def compare(arguments, server):
    files = sorted(arguments.scenes.glob("*.tif"))
    rows, size = needed(files)
    remote = arguments.work / "remote.txt"
    remote.write_text("".join(f"{server.url}/{file.name}\n" for file in files))
    results = []
    for name, expected, rounds, program in programs(arguments, remote):
        seconds = []
        for _ in range(rounds):
            server.forget()
            took, checksum = program()
            if checksum != expected:
                sys.exit(f"compare: {name} gives other pixels than the files")
            seconds.append(took)
            print(f"  {name}: {took:.2f} s", file=sys.stderr)
        stats = server.stats()
        headers = len(files)  # one of each scene, wherever it was asked for
        results.append({"program": name, "seconds": statistics.median(seconds), "requests": stats["requests"], "heads": stats["heads"],
                        "header_requests": headers, "bytes": stats["bytes"], "connections": stats["connections"],
                        "requests_per_row": (stats["requests"] - headers) / rows, "bytes_ratio": stats["bytes"] / size,
                        "bytes_ratio_without_headers": (stats["bytes"] - min(32768, stats["bytes"] // headers) * headers) / size})
    return {"scenes": len(files), "latency_ms": arguments.latency_ms, "rows": rows, "needed_bytes": size, "results": results}


def table(found):
    first = found["results"][0]["seconds"]
    lines = [f"{found['scenes']} scenes, {found['rows']} rows of blocks of {found['needed_bytes'] / 1e6:.1f} MB, {found['latency_ms']:g} ms\n",
             "| | wall, s | times as fast | requests | beyond one header a scene, per row | bytes, of those needed | without headers | connections |",
             "|---|---|---|---|---|---|---|---|"]
    for entry in found["results"]:
        lines.append(f"| {entry['program']} | {entry['seconds']:.2f} | {first / entry['seconds']:.1f} | {entry['requests']} | "
                     f"{entry['requests_per_row']:.2f} | {entry['bytes_ratio']:.3f} | {entry['bytes_ratio_without_headers']:.3f} | {entry['connections']} |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--geoloom", type=pathlib.Path, required=True)
    parser.add_argument("--peer-python", required=True)
    parser.add_argument("--scenes", type=pathlib.Path, required=True)
    parser.add_argument("--work", type=pathlib.Path, required=True)
    parser.add_argument("--latency-ms", type=float, default=50)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    for name in ("geoloom", "scenes", "work"):
        setattr(arguments, name, getattr(arguments, name).resolve())
    arguments.work.mkdir(parents=True, exist_ok=True)
    with Server(arguments.scenes, arguments.latency_ms) as server:
        found = compare(arguments, server)
    (arguments.work / "results.json").write_text(json.dumps(found, indent=1) + "\n")
    print(table(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
