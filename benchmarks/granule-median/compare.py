#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs Geoloom and its peers on the same window, in turns, and compares what they spend.

    compare.py --geoloom BINARY --peer-python PYTHON --scenes FOLDER --work FOLDER
               [--rounds 3] [--slow-rounds 1] [--memory 768M]

Every result's pixels must have the same CRC-32, or nothing is reported and the exit code is 1. CPU
seconds are user + system time of the whole process from start to end, as is the peak of its memory;
both come from the kernel. A round runs each program once, so that whatever else the machine does falls
on all of them; ratios are taken within a round. Writes WORK/results.json and WORK/results.md.
"""
import argparse
import datetime
import json
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
SIZE = 1024
WINDOW = ["0", "0", str(SIZE), str(SIZE)]
REFERENCE = "geoloom, 1 thread"

# In a process of its own: what this one holds in memory would count as the peak of its children.
CHECKSUM = """
import sys, zlib
from osgeo import gdal
gdal.UseExceptions()
pixels = gdal.Open(sys.argv[1]).ReadAsArray()
print(pixels.dtype, "x".join(map(str, pixels.shape)), format(zlib.crc32(pixels.tobytes()), "08x"))
"""


class Program:
    def __init__(self, name, rounds, command, result, fresh):
        self.name, self.rounds, self.command, self.result, self.fresh = name, rounds, command, result, fresh
        self.runs = []

    def median(self, quantity):
        return statistics.median(run[quantity] for run in self.runs)


def measure(command, log):
    """Runs a command; returns its seconds and peak memory, or stops everything if it fails."""
    environment = dict(os.environ, XDG_STATE_HOME=str(log.parent / "state"), OMP_NUM_THREADS="1")
    with open(log, "w") as output:
        begin = time.perf_counter()
        child = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=environment)
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - begin
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        sys.exit(f"compare: exit code {child.returncode} from {' '.join(map(str, command))}\n{log.read_text()}")
    return {"cpu_seconds": usage.ru_utime + usage.ru_stime, "user_seconds": usage.ru_utime,
            "system_seconds": usage.ru_stime, "wall_seconds": wall, "peak_mib": usage.ru_maxrss / 1024}


def result_file(pattern, folder):
    found = sorted(folder.glob(pattern))
    if len(found) != 1:
        sys.exit(f"compare: one {pattern} was expected in {folder}, found {len(found)}")
    return found[0]


def checksum(path):
    return subprocess.run(["/usr/bin/python3", "-c", CHECKSUM, path], check=True, text=True, capture_output=True).stdout.strip()


def make_programs(arguments):
    programs = []
    for threads in (1, 2):
        store = arguments.work / f"geoloom-{threads}"
        command = [arguments.geoloom, "run", HERE / "workflow.yaml", "-p", f"scenes={arguments.scenes}",
                   "-p", f"results={store}", "--threads", str(threads),
                   "--memory", arguments.memory, "--quiet"]
        programs.append(Program(f"geoloom, {threads} thread{'s' * (threads > 1)}", arguments.rounds, command,
                                (store, "**/composite/**/*.tif"), store))
    for mode, rounds in (("tuned", arguments.rounds), ("jit", arguments.rounds), ("typical", arguments.slow_rounds)):
        folder = arguments.work / f"numpy-{mode}"
        command = [arguments.peer_python, HERE / "numpy_worker.py", mode, arguments.scenes, *WINDOW, folder / "result.tif"]
        programs.append(Program(f"NumPy, {mode}", rounds, command, (folder, "result.tif"), folder))
    return [program for program in programs if program.rounds > 0]


def run_all(programs, arguments):
    expected = None
    for number in range(max(program.rounds for program in programs)):
        for program in programs:
            if number >= program.rounds:
                continue
            shutil.rmtree(program.fresh, ignore_errors=True)
            if program.name.startswith("NumPy"):
                program.fresh.mkdir(parents=True)
            run = measure(program.command, arguments.work / "last.log")
            pixels = checksum(result_file(program.result[1], program.result[0]))
            expected = expected or pixels
            if pixels != expected:
                sys.exit(f"compare: {program.name} gives pixels {pixels}, and {programs[0].name} gave {expected}")
            program.runs.append(run)
            print(f"  round {number + 1}: {program.name:18} {run['cpu_seconds']:6.2f} s CPU, {run['wall_seconds']:6.2f} s, "
                  f"{run['peak_mib']:5.0f} MiB, pixels equal", file=sys.stderr)
    return expected


def measure_plan(arguments):
    command = [arguments.geoloom, "plan", HERE / "workflow.yaml", "-p", f"scenes={arguments.scenes}",
               "-p", f"results={arguments.work / 'planned'}", "--memory", arguments.memory]
    return min((measure(command, arguments.work / "plan.log") for _ in range(3)), key=lambda run: run["wall_seconds"])


def measure_floor(arguments):
    done = subprocess.run([HERE / "decode_floor.py", arguments.scenes, *WINDOW], check=True, text=True, capture_output=True)
    return json.loads(done.stdout)


def ratios(programs):
    """CPU of a program over CPU of the reference in the same round: median, least, greatest."""
    reference = next(program for program in programs if program.name == REFERENCE)
    found = {}
    for program in programs:
        each = [run["cpu_seconds"] / base["cpu_seconds"] for run, base in zip(program.runs, reference.runs)]
        found[program.name] = {"median": statistics.median(each), "least": min(each), "greatest": max(each)}
    return found


def machine():
    facts = {}
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        key, _, value = line.partition(":")
        facts.setdefault(key.strip(), value.strip())
    vectors = next((name for name in ("avx512f", "avx2") if name in facts.get("flags", "").split()), "neither AVX2 nor AVX-512")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (f"{os.cpu_count()} cores of {facts.get('model name', platform.machine())} (family {facts.get('cpu family')}, "
            f"model {facts.get('model')}, {vectors}), {memory:.0f} GiB")


def versions(arguments):
    def output(command):
        return subprocess.run(command, text=True, capture_output=True).stdout.strip().splitlines()[:1]
    peer = output([arguments.peer_python, "-c", "import sys, numpy, numba, rasterio; print('Python', sys.version.split()[0], "
                   "'NumPy', numpy.__version__, 'Numba', numba.__version__, 'rasterio', rasterio.__version__, "
                   "'with GDAL', rasterio.__gdal_version__)"])
    return {"geoloom": " ".join(output([arguments.geoloom, "--version"])), "peers": " ".join(peer),
            "libdeflate": " ".join(output(["dpkg-query", "-W", "-f", "${Version}", "libdeflate0"])),
            "system": platform.platform()}


def table(programs, ratio):
    lines = ["| program | CPU s (user + system) | wall s | peak MiB | CPU over geoloom | runs |", "|---|---|---|---|---|---|"]
    for program in programs:
        r = ratio[program.name]
        spread = f"{r['median']:.2f}" + (f" ({r['least']:.2f} to {r['greatest']:.2f})" if len(program.runs) > 1 else "")
        lines.append(f"| {program.name} | {program.median('cpu_seconds'):.2f} ({program.median('user_seconds'):.2f} + "
                     f"{program.median('system_seconds'):.2f}) | {program.median('wall_seconds'):.2f} | "
                     f"{max(run['peak_mib'] for run in program.runs):.0f} | {spread} | {len(program.runs)} |")
    return lines


def report(programs, ratio, plan, floor, pixels, arguments):
    scenes = json.loads((arguments.scenes / "pixels.json").read_text())
    found = versions(arguments)
    one, two = (next(p for p in programs if p.name.startswith(f"geoloom, {n}")) for n in (1, 2))
    over_floor = one.median("cpu_seconds") / floor["libdeflate_cpu_seconds"]
    over_gdal = one.median("cpu_seconds") / floor["gdal_cpu_seconds"]
    count, size, _ = scenes["set"]
    lines = [f"Measured {datetime.date.today()} on {machine()}; load {os.getloadavg()[0]:.1f} at the end.",
             f"{found['geoloom']}; {found['peers']}; libdeflate {found['libdeflate']}, GDAL {floor['gdal']}.",
             f"{count} scenes of {size} x {size} pixels, {scenes['bytes_per_sample']:.3f} bytes/sample; a window of {SIZE} x {SIZE}: "
             f"{floor['blocks']} blocks, {floor['stored_bytes'] / 1e6:.0f} MB stored, {floor['decoded_bytes'] / 1e6:.0f} MB decoded.",
             "", *table(programs, ratio), "",
             f"- All results have equal pixels: {pixels}.",
             f"- Budget of geoloom: `--memory {arguments.memory}`; times and ratios are medians, in brackets least and greatest; peaks are the greatest.",
             f"- Floor, one thread: inflating the blocks with libdeflate takes {floor['libdeflate_cpu_seconds']:.2f} CPU s, "
             f"reading them through GDAL {floor['gdal_cpu_seconds']:.2f}. Geoloom's whole process is at {over_floor:.2f} and {over_gdal:.2f} times that.",
             f"- Two threads are {one.median('wall_seconds') / two.median('wall_seconds'):.2f} times faster than one (wall).",
             f"- `geoloom plan`: {plan['wall_seconds']:.2f} s (wall), {plan['cpu_seconds']:.2f} CPU s."]
    (arguments.work / "results.md").write_text("\n".join(lines) + "\n")
    record = {"date": str(datetime.date.today()), "machine": machine(), "versions": found, "scenes": scenes, "pixels": pixels,
              "programs": {p.name: {"runs": p.runs, "cpu_over_geoloom": ratio[p.name]} for p in programs},
              "plan": plan, "floor": floor}
    (arguments.work / "results.json").write_text(json.dumps(record, indent=1) + "\n")
    print("\n".join(lines))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("geoloom", "scenes", "work"):
        parser.add_argument(f"--{name}", type=lambda text: pathlib.Path(text).resolve(), required=True)
    # Not resolved: the link inside of a virtual environment is what makes it one.
    parser.add_argument("--peer-python", type=pathlib.Path, required=True)
    parser.add_argument("--rounds", type=int, default=3, help="rounds of all but the slowest peer, at least 1")
    parser.add_argument("--slow-rounds", type=int, default=1, help="rounds of the slowest peer")
    parser.add_argument("--memory", default="768M")
    arguments = parser.parse_args()
    if arguments.rounds < 1:
        parser.error("--rounds: at least 1")
    arguments.work.mkdir(parents=True, exist_ok=True)

    plan = measure_plan(arguments)
    programs = make_programs(arguments)
    # Numba compiles once and keeps that beside the script; a first run must not pay for it.
    jit = next(program for program in programs if program.name == "NumPy, jit")
    jit.fresh.mkdir(parents=True, exist_ok=True)
    measure(jit.command, arguments.work / "last.log")
    pixels = run_all(programs, arguments)
    report(programs, ratios(programs), plan, measure_floor(arguments), pixels, arguments)


if __name__ == "__main__":
    main()
