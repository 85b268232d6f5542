#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tiles of the web's map from one large COG: `geoloom serve` beside rasterio's WarpedVRT, as tile servers in Python use it.

    compare.py --geoloom GEOLOOM --work FOLDER [--size PIXELS] [--tiles N] [--rounds N]

CPU milliseconds per tile of 256 x 256 pixels, HTTP and PNG included (of ours; of the peer without HTTP). Pixels are compared first. In each
round both make the same tiles, in turn; medians of the rounds.
"""
import argparse
import http.client
import math
import os
import pathlib
import random
import resource
import socket
import statistics
import subprocess
import threading
import time

import numpy
import rasterio
import rasterio.io
import scipy.signal
from rasterio.crs import CRS
from rasterio.enums import Resampling
from rasterio.shutil import copy
from rasterio.transform import from_bounds, from_origin
from rasterio.vrt import WarpedVRT
from rasterio.warp import transform_bounds

HALF, TILE = 20037508.342789244, 256
ZOOMS = (14, 12, 9)


def make_cog(path, size):
    """Three bands of bytes with texture: what deflate makes of real pictures."""
    numbers = numpy.random.default_rng(7)
    plain = path.with_suffix(".plain.tif")
    profile = {"driver": "GTiff", "width": size, "height": size, "count": 3, "dtype": "uint8", "crs": "EPSG:32631", "tiled": True,
               "transform": from_origin(600000, 4900020, 10, 10), "photometric": "RGB"}
    with rasterio.open(plain, "w", **profile) as file:
        for band in range(3):
            noise = numbers.standard_normal((size, size)).astype("float32")
            for axis in (0, 1):
                noise = scipy.signal.lfilter([0.2], [1, -0.8], noise, axis=axis)
            file.write(numpy.clip(noise / noise.std() * 30 + 110, 1, 254).astype("uint8"), band + 1)
    copy(plain, path, driver="COG", COMPRESS="DEFLATE", BLOCKSIZE=512, OVERVIEW_RESAMPLING="AVERAGE")
    plain.unlink()


def box_of(zoom, column, row):
    side = 2 * HALF / 2 ** zoom
    return -HALF + column * side, HALF - (row + 1) * side, -HALF + (column + 1) * side, HALF - row * side


def addresses(path, zoom, count):
    """Tiles that lie inside of the picture; where there are few, those that touch it, again and again."""
    with rasterio.open(path) as file:
        west, south, east, north = transform_bounds(file.crs, "EPSG:3857", *file.bounds)
    side = 2 * HALF / 2 ** zoom
    columns = range(math.ceil((west + HALF) / side), math.floor((east + HALF) / side))
    rows = range(math.ceil((HALF - north) / side), math.floor((HALF - south) / side))
    inside = [(zoom, column, row) for column in columns for row in rows]
    if not inside:
        inside = [(zoom, int((west + east) / 2 / side + HALF / side), int((HALF - (south + north) / 2) / side))]
    chosen = random.Random(zoom)
    return [chosen.choice(inside) for _ in range(count)]


class Server:
    def __init__(self, binary, path, work):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.process = subprocess.Popen([binary, "serve", "--port", str(self.port), "--map", f"m={path}"], stderr=open(work / "journal", "w"))
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port)
        while self.process.poll() is None:
            try:
                self.get("/readyz")
                return
            except OSError:
                self.connection.close()
                time.sleep(0.05)
        raise SystemExit(f"geoloom serve ended: see {work / 'journal'}")

    def get(self, path):
        self.connection.request("GET", path)
        answer = self.connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise SystemExit(f"{path}: {answer.status} {body[:300]}")
        return body

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_mib(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) / 1024

    def tile(self, address):
        return self.get("/maps/m/tiles/{}/{}/{}.png".format(*address))


def peer_tile(file, address):
    """As tile servers in Python do it: a WarpedVRT of the tile's window, and a PNG."""
    options = {"crs": CRS.from_epsg(3857), "resampling": Resampling.bilinear, "transform": from_bounds(*box_of(*address), TILE, TILE),
               "width": TILE, "height": TILE, "add_alpha": True}
    with WarpedVRT(file, **options) as warped:
        pixels = warped.read()
    with rasterio.io.MemoryFile() as memory:
        with memory.open(driver="PNG", width=TILE, height=TILE, count=4, dtype="uint8") as png:
            png.write(pixels)
        return pixels, memory.read()


def own_cpu_seconds():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def check(server, file, address):
    with rasterio.io.MemoryFile(server.tile(address)) as memory, memory.open() as png:
        ours = png.read()[:3]
    theirs, _ = peer_tile(file, address)
    inner = theirs[3] == 255
    worst = numpy.abs(ours.astype(int) - theirs[:3])[:, inner].max()
    if worst > 2:
        raise SystemExit(f"{address}: shades differ by {worst}")
    return worst


def many_clients(server, chosen, clients, seconds):
    """Every client asks again as soon as it is answered."""
    times, until = [], time.monotonic() + seconds

    def ask(start):
        connection, i = http.client.HTTPConnection("127.0.0.1", server.port), start
        while time.monotonic() < until:
            began = time.monotonic()
            connection.request("GET", "/maps/m/tiles/{}/{}/{}.png".format(*chosen[i % len(chosen)]))
            answer = connection.getresponse()
            answer.read()
            times.append((time.monotonic() - began, answer.status))
            i += 1
    threads = [threading.Thread(target=ask, args=(n * 7,)) for n in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return times


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--geoloom", required=True)
    parser.add_argument("--work", type=pathlib.Path, required=True)
    parser.add_argument("--size", type=int, default=10980)
    parser.add_argument("--tiles", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=10)
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    path = arguments.work / f"picture_{arguments.size}.tif"
    if not path.exists():
        make_cog(path, arguments.size)
    server = Server(arguments.geoloom, path, arguments.work)
    try:
        with rasterio.open(path) as file:
            print("| zoom | geoloom, ms | WarpedVRT, ms | ratio | PNG, KB | theirs |\n|---|---|---|---|---|---|")
            for zoom in ZOOMS:
                chosen = addresses(path, zoom, arguments.tiles)
                if zoom >= 14:
                    worst = max(check(server, file, address) for address in chosen[:10])
                ours, theirs = [], []
                for _ in range(arguments.rounds):
                    before = server.cpu_seconds()
                    sizes = [len(server.tile(address)) for address in chosen]
                    ours.append((server.cpu_seconds() - before) / len(chosen) * 1000)
                    fewer = chosen[:max(5, len(chosen) // 5)]
                    before = own_cpu_seconds()
                    their_sizes = [len(peer_tile(file, address)[1]) for address in fewer]
                    theirs.append((own_cpu_seconds() - before) / len(fewer) * 1000)
                mine, peer = statistics.median(ours), statistics.median(theirs)
                print(f"| {zoom} | {mine:.1f} | {peer:.1f} | {peer / mine:.1f} | {sum(sizes) / len(sizes) / 1000:.0f} | {sum(their_sizes) / len(their_sizes) / 1000:.0f} |", flush=True)
        print(f"\nShades of zoom 14 differ by at most {worst}.")
        times = many_clients(server, addresses(path, 14, 500), 100, arguments.seconds)
        seconds = sorted(each for each, _ in times)
        bad = sum(status != 200 for _, status in times)
        print(f"100 clients for {arguments.seconds:.0f} s: {len(times) / arguments.seconds:.0f} tiles/s, median {seconds[len(seconds) // 2] * 1000:.0f} ms, "
              f"99 % within {seconds[int(len(seconds) * 0.99)] * 1000:.0f} ms, {bad} not answered by 200; peak {server.memory_mib():.0f} MiB.")
    finally:
        server.process.terminate()
        server.process.wait()


if __name__ == "__main__":
    main()
