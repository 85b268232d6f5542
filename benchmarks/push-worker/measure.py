#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a push worker adds to the work: time per task on loopback, and memory over many tasks.

    measure.py [--geoloom build/release/geoloom] [--tasks 10000] [--out results.md]

One sender, one connection, one task after the other. The worker's journal tells how long the work of each
task took; what the sender saw beyond that is overhead: HTTP, reading the request, the queue, the journal.
Three kinds of task: a health check (HTTP alone), a tile of a run that is made already, and a granule median.
"""
import argparse
import datetime
import http.client
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "properties"))
import documents  # noqa: E402
import scenes  # noqa: E402
from workers import free_port  # noqa: E402

import numpy  # noqa: E402

DATES, EDGE = 20, 512


def archive(folder):
    random = numpy.random.default_rng(1)
    paths = []
    for number in range(DATES):
        pixels = random.integers(1, 255, (3, EDGE, EDGE)).astype("uint8")
        name = f"T31TCJ_{scenes.day(number):%Y%m%d}T104441_TCI.tif"
        paths.append(str(scenes.write_raster(folder / name, pixels, colour=True)))
    return paths


class Worker:
    def __init__(self, geoloom, folder):
        self.port, self.log = free_port(), folder / "journal"
        self.stream = open(self.log, "w")
        self.process = subprocess.Popen([geoloom, "serve", "--port", str(self.port), "--read", folder / "archive", "--write",
                                         folder, "--memory", "512M"], stderr=self.stream)
        for _ in range(1000):
            try:
                self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
                self.connection.connect()
                return
            except OSError:
                time.sleep(0.01)
        raise SystemExit("the worker does not start")

    def send(self, method, path, payload=None):
        body = None if payload is None else json.dumps(payload)
        start = time.perf_counter()
        self.connection.request(method, path, body)
        answer = self.connection.getresponse()
        answer.read()
        seconds = time.perf_counter() - start
        if answer.status not in (200, 204):
            raise SystemExit(f"{path}: {answer.status}")
        return seconds

    def resident_mib(self):
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1024
        return 0.0

    def work_seconds(self):
        """Of each task done, as the journal tells."""
        return [line["work_seconds"] for line in map(json.loads, self.log.read_text().splitlines())
                if line["message"] == "task done"]

    def stop(self):
        self.process.terminate()
        code = self.process.wait(60)
        self.stream.close()
        return code


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def row(name, seconds, work):
    over = [a - b for a, b in zip(seconds, work)] if work else seconds
    milli = [1000 * value for value in over]
    return (f"| {name} | {len(seconds)} | {1000 * statistics.median(seconds):.2f} | {statistics.median(milli):.2f} | "
            f"{percentile(milli, 0.95):.2f} | {percentile(milli, 0.99):.2f} |")


def tile_tasks(geoloom, folder):
    (folder / "workflow.yaml").write_text(documents.colours(tile=64))
    outcome = subprocess.run([geoloom, "run", "workflow.yaml", "--json", "-p", "scenes=archive", "-p", "results=tiles"], cwd=folder,
                             capture_output=True, check=True, text=True)
    run = json.loads(outcome.stdout)["run"]
    items = sorted(path.name.split("-")[0] for path in (folder / "tiles/layers/composite").glob("*.tif"))
    return [{"geoloom_task": 1, "store": str(folder / "tiles"), "run": run, "step": "composite", "item": item} for item in items]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--geoloom", default=str(ROOT / "build/release/geoloom"))
    parser.add_argument("--tasks", type=int, default=10000)
    parser.add_argument("--out")
    arguments = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="push-worker-"))
    try:
        text = measured(os.path.abspath(arguments.geoloom), folder, arguments.tasks)
    finally:
        shutil.rmtree(folder)
    print(text)
    if arguments.out:
        pathlib.Path(arguments.out).write_text(text + "\n")


def measured(geoloom, folder, count):
    paths = archive(folder / "archive")
    tiles = tile_tasks(geoloom, folder)
    (folder / "medians").mkdir()
    worker = Worker(geoloom, folder)
    health = [worker.send("GET", "/healthz") for _ in range(count // 10)]
    worker.send("POST", "/tasks", tiles[0])  # opens the run
    before = len(worker.work_seconds())
    made = [worker.send("POST", "/tasks", tiles[number % len(tiles)]) for number in range(count // 10)]
    made_work = worker.work_seconds()[before:]
    before += len(made_work)
    medians, memory = [], []
    for number in range(count):
        window = [number % 400, number % 397, 64, 64]
        medians.append(worker.send("POST", "/median", {"window": window, "datasets": paths,
                                                       "destination": str(folder / "medians" / f"{number % 100}.tif")}))
        if number % (count // 10) == count // 10 - 1:
            memory.append(worker.resident_mib())
    median_work = worker.work_seconds()[before:]
    code = worker.stop()
    lines = [f"Measured {datetime.date.today()} on {os.cpu_count()} cores; one connection, one task after the other; load "
             f"{os.getloadavg()[0]:.1f} at the end.", "",
             "| task | tasks | time, median ms | overhead, median ms | 95 % | 99 % |", "|---|---|---|---|---|---|",
             row("health check (HTTP alone)", health, None), row("tile of a run, made already", made, made_work),
             row(f"granule median, 64 x 64 of {DATES} scenes", medians, median_work), "",
             f"Memory after each tenth of the {count} medians, MiB: {', '.join(f'{value:.0f}' for value in memory)}.",
             f"The worker ended with exit code {code}."]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
