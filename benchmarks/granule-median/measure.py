# SPDX-License-Identifier: Apache-2.0
"""Running programs and taking down what they spend; used by compare.py."""
import json
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import time

# In a process of its own: what the caller holds in memory would count as the peak of its children.
CHECKSUM = """
import sys, zlib
from osgeo import gdal
gdal.UseExceptions()
pixels = gdal.Open(sys.argv[1]).ReadAsArray(*map(int, sys.argv[2:]))
print(pixels.dtype, "x".join(map(str, pixels.shape)), format(zlib.crc32(pixels.tobytes()), "08x"))
"""


class Program:
    """Something to run, often: `command` writes the one file that matches `pattern` into the folder `fresh`."""

    def __init__(self, name, rounds, command, fresh, pattern="**/composite/**/*.tif", environment=None):
        self.name, self.rounds, self.command, self.fresh, self.pattern = name, rounds, command, fresh, pattern
        self.environment = environment or {}
        self.runs = []

    def median(self, quantity):
        return statistics.median(run[quantity] for run in self.runs)

    def peak_mib(self):
        return max(run["peak_mib"] for run in self.runs)

    def run(self, log):
        shutil.rmtree(self.fresh, ignore_errors=True)
        if self.pattern == "result.tif":
            self.fresh.mkdir(parents=True)
        self.runs.append(measure(self.command, log, self.environment))
        return self.runs[-1]

    def result(self):
        return result_file(self.pattern, self.fresh)


def memory_mib(pid):
    try:
        for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
    except (FileNotFoundError, ProcessLookupError):
        pass
    return None


def measure(command, log, variables=None, every_seconds=None):
    """Runs a command; returns its seconds and peak memory, or stops everything if it fails. With
    `every_seconds` also (seconds, MiB) over time."""
    environment = dict(os.environ, XDG_STATE_HOME=str(log.parent / "state"), OMP_NUM_THREADS="1", **(variables or {}))
    over_time = []
    with open(log, "w") as output:
        begin = time.perf_counter()
        child = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=environment)
        while every_seconds and os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            mib = memory_mib(child.pid)
            if mib is not None:
                over_time.append((round(time.perf_counter() - begin, 2), round(mib, 1)))
            time.sleep(every_seconds)
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - begin
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        sys.exit(f"compare: exit code {child.returncode} from {' '.join(map(str, command))}\n{log.read_text()}")
    run = {"cpu_seconds": usage.ru_utime + usage.ru_stime, "user_seconds": usage.ru_utime,
           "system_seconds": usage.ru_stime, "wall_seconds": wall, "peak_mib": usage.ru_maxrss / 1024}
    if every_seconds:
        run["memory_over_time"] = over_time
    return run


def result_file(pattern, folder):
    found = sorted(folder.glob(pattern))
    if len(found) != 1:
        sys.exit(f"compare: one {pattern} was expected in {folder}, found {len(found)}")
    return found[0]


def checksum(path, window=()):
    """Type, shape and CRC-32 of the pixels, of all or of a window (column, row, width, height)."""
    command = ["/usr/bin/python3", "-c", CHECKSUM, path, *map(str, window)]
    return subprocess.run(command, check=True, text=True, capture_output=True).stdout.strip()


def receipt_seconds(store):
    """What the receipts of a store say: seconds of reading, computing, encoding, and of the items, added up."""
    total = dict.fromkeys(("read", "compute", "encode", "wall"), 0.0)
    for segment in sorted((store / "receipts").glob("*.seg")):
        for line in segment.read_text().splitlines():
            seconds = json.loads(line[line.index("{"):]).get("seconds", {}) if "{" in line else {}
            for part in total:
                total[part] += seconds.get(part, 0.0)
    return {part: round(value, 3) for part, value in total.items()}


def processor():
    facts = {}
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        key, _, value = line.partition(":")
        facts.setdefault(key.strip(), value.strip())
    return facts


def has_avx512():
    return "avx512f" in processor().get("flags", "").split()


def machine():
    facts = processor()
    vectors = next((name for name in ("avx512f", "avx2") if name in facts.get("flags", "").split()), "neither AVX2 nor AVX-512")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (f"{os.cpu_count()} cores of {facts.get('model name', platform.machine())} (family {facts.get('cpu family')}, "
            f"model {facts.get('model')}, {vectors}), {memory:.0f} GiB")


def output_of(command):
    """The first line a command prints; empty where it fails."""
    done = subprocess.run(command, text=True, capture_output=True)
    return done.stdout.splitlines()[0].strip() if done.returncode == 0 and done.stdout else ""
