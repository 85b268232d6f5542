#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs Geoloom and its peers on the same window, in turns, and compares what they spend.

    compare.py --geoloom BINARY --peer-python PYTHON --scenes FOLDER --work FOLDER
               [--rounds 3] [--slow-rounds 1] [--memory 512M] [--quarter FOLDER]

Every result's pixels must have the same CRC-32, or nothing is reported and the exit code is 1. CPU
seconds are user + system time of the whole process from start to end, as is the peak of its memory;
both come from the kernel. A round runs each program once, so that whatever else the machine does falls
on all of them; ratios are taken within a round. --quarter also runs a quarter of a granule, of scenes that
enlarge_scenes.py laid out in FOLDER. Writes WORK/results.json, WORK/results.md and WORK/time.svg.
"""
import argparse
import datetime
import json
import os
import pathlib
import statistics
import subprocess
import sys

import picture
import report
from measure import Program, checksum, has_avx512, machine, measure, output_of, receipt_seconds, result_file

HERE = pathlib.Path(__file__).resolve().parent
SIZE = 1024
WINDOW = (0, 0, SIZE, SIZE)
# In scenes of 2048 pixels: on the borders of blocks, and half a block off.
ALIGNED, UNALIGNED = (512, 512, SIZE, SIZE), (256, 256, SIZE, SIZE)
SHARED = {"aligned": (0, 0, 768, 768), "unaligned": (256, 256, 768, 768)}  # the same place in both results
DEBIAN_PYTHON = "/usr/bin/python3"
NUMPY_AVX512 = "AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL"
VERSIONS = ("import sys, numpy, rasterio; print('Python', sys.version.split()[0], 'NumPy', numpy.__version__, "
            "'rasterio', rasterio.__version__, 'with GDAL', rasterio.__gdal_version__)")


def geoloom_command(arguments, scenes, store, threads, document=HERE / "workflow.yaml"):
    return [arguments.geoloom, "run", document, "-p", f"scenes={scenes}", "-p", f"results={store}",
            "--threads", str(threads), "--memory", arguments.memory, "--quiet"]


def geoloom_programs(arguments):
    programs = [Program(f"geoloom, {threads} thread{'s' * (threads > 1)}", arguments.rounds,
                    geoloom_command(arguments, arguments.scenes, arguments.work / f"geoloom-{threads}", threads),
                    arguments.work / f"geoloom-{threads}") for threads in (1, 2)]
    if has_avx512():
        store = arguments.work / "geoloom-avx2"
        programs.append(Program(report.REFERENCE_AVX2, arguments.rounds, geoloom_command(arguments, arguments.scenes, store, 1), store,
                                environment={"GEOLOOM_CPU_TARGET": "AVX2"}))
    return programs


def peer_programs(arguments):
    """The workers with the newest NumPy, and with the system's where it has NumPy and rasterio."""
    programs = []
    for python, note in ((arguments.peer_python, ""), (DEBIAN_PYTHON, " (Debian)")):
        numpy = output_of([python, "-c", "import numpy, rasterio; print(numpy.__version__)"])
        if not numpy:
            print(f"  {python} has no NumPy with rasterio: left out", file=sys.stderr)
            continue
        has_numba = bool(output_of([python, "-c", "import numba; print(numba.__version__)"]))
        for mode, rounds in (("tuned", arguments.rounds), ("jit", arguments.rounds if has_numba else 0),
                             ("typical", arguments.slow_rounds)):
            folder = arguments.work / f"numpy-{mode}-{numpy}"
            command = [python, HERE / "numpy_worker.py", mode, arguments.scenes, *map(str, WINDOW), folder / "result.tif"]
            programs.append(Program(f"NumPy {numpy}{note}, {mode}", rounds, command, folder, "result.tif"))
            if mode == "tuned" and note and has_avx512():
                # Such a NumPy sorts fast with AVX-512 alone; without, it does what it does on most processors.
                folder = arguments.work / f"numpy-{mode}-{numpy}-avx2"
                programs.append(Program(f"NumPy {numpy}{note}, {mode}{report.WITHOUT_AVX512}", rounds, [*command[:-1], folder / "result.tif"],
                                        folder, "result.tif", {"NPY_DISABLE_CPU_FEATURES": NUMPY_AVX512}))
    return [program for program in programs if program.rounds > 0]


def run_all(programs, arguments):
    """Rounds of all programs; the checksum all results have."""
    expected, log = None, arguments.work / "last.log"
    for program in programs:
        # Numba compiles once and keeps that beside the script; a first run must not pay for it.
        if program.name.endswith("jit"):
            program.run(log)
            program.runs.clear()
    for number in range(max(program.rounds for program in programs)):
        for program in programs:
            if number >= program.rounds:
                continue
            run = program.run(log)
            if program.pattern == "result.tif":
                run["parts"] = json.loads(log.read_text().splitlines()[-1])
            else:
                run["parts"] = receipt_seconds(program.fresh)
            pixels = checksum(program.result())
            expected = expected or pixels
            if pixels != expected:
                sys.exit(f"compare: {program.name} gives pixels {pixels}, and {programs[0].name} gave {expected}")
            print(f"  round {number + 1}: {program.name:46} {run['cpu_seconds']:6.2f} s CPU, {run['wall_seconds']:6.2f} s, "
                  f"{run['peak_mib']:5.0f} MiB, pixels equal", file=sys.stderr)
    return expected


def measure_plan(arguments):
    command = [arguments.geoloom, "plan", HERE / "workflow.yaml", "-p", f"scenes={arguments.scenes}",
               "-p", f"results={arguments.work / 'planned'}", "--memory", arguments.memory]
    return min((measure(command, arguments.work / "plan.log") for _ in range(3)), key=lambda run: run["wall_seconds"])


def measure_floor(scenes, window):
    done = subprocess.run([HERE / "decode_floor.py", scenes, *map(str, window)], check=True, text=True, capture_output=True)
    return json.loads(done.stdout)


def measure_windows(arguments):
    """A window on the borders of blocks against one half a block off, one thread, in turns."""
    scenes, programs = arguments.work / "scenes-2048", {}
    subprocess.run([HERE / "enlarge_scenes.py", arguments.scenes, scenes, "--size", "2048"], check=True, stdout=sys.stderr)
    for name, window in (("aligned", ALIGNED), ("unaligned", UNALIGNED)):
        document = arguments.work / f"{name}.yaml"
        text = (HERE / "workflow.yaml").read_text()
        document.write_text(text.replace("same_grid_as: $scenes\n", f"same_grid_as: $scenes\n  window: {list(window)}\n"))
        store = arguments.work / name
        programs[name] = Program(name, arguments.rounds, geoloom_command(arguments, scenes, store, 1, document), store)
    for _ in range(arguments.rounds + 1):
        for program in programs.values():
            program.run(arguments.work / "last.log")
    for program in programs.values():
        program.runs.pop(0)  # it found files that were just written
    pixels = {name: checksum(program.result(), SHARED[name]) for name, program in programs.items()}
    if pixels["aligned"] != pixels["unaligned"]:
        sys.exit(f"compare: where the aligned and the unaligned window overlap, they differ: {pixels}")
    ratio = [u["cpu_seconds"] / a["cpu_seconds"] for u, a in zip(programs["unaligned"].runs, programs["aligned"].runs)]
    return {"cpu_ratio": statistics.median(ratio),
            **{name: {"cpu_seconds": program.median("cpu_seconds"), "peak_mib": program.peak_mib(),
                      "floor": measure_floor(scenes, window)}
               for (name, program), window in zip(programs.items(), (ALIGNED, UNALIGNED))}}


def run_quarter(arguments, small_result):
    """A job of many tiles, two threads, with its memory over time; its answers are those of the small job."""
    store = arguments.work / "quarter"
    program = Program("quarter", 1, None, store)
    subprocess.run(["rm", "-rf", str(store)], check=True)
    command = geoloom_command(arguments, arguments.quarter, store, 2, HERE / "granule.yaml")
    run = measure(command, arguments.work / "quarter.log", every_seconds=0.25)
    done = subprocess.run([HERE / "check_blocks.py", small_result, result_file("map.tif", store)], text=True, capture_output=True)
    if done.returncode != 0:
        sys.exit(f"compare: the quarter of a granule: {done.stdout}{done.stderr}")
    # The map comes last and the start is small: what has to be flat lies between.
    def highest(begin, end):
        within = [mib for when, mib in run["memory_over_time"] if begin <= when / run["wall_seconds"] <= end]
        return max(within, default=run["peak_mib"])

    scenes = json.loads((arguments.quarter / "pixels.json").read_text())
    size = scenes["set"][1]
    share = (size / 10980) ** 2
    return {**run, "program": program.name, "checked": done.stdout.strip(), "scenes": scenes, "parts": receipt_seconds(store),
            "earlier_mib": highest(0.1, 0.45), "later_mib": highest(0.45, 0.8),
            "granule_cpu_seconds": run["cpu_seconds"] / share, "granule_wall_seconds": run["wall_seconds"] / share}


def ratios(programs):
    """CPU of a program over CPU of geoloom with one thread in the same round: median, least, greatest."""
    found = {}
    by_name = {program.name: program for program in programs}
    for program in programs:
        reference = by_name[report.REFERENCE_AVX2 if report.WITHOUT_AVX512 in program.name else report.REFERENCE]
        each = [run["cpu_seconds"] / base["cpu_seconds"] for run, base in zip(program.runs, reference.runs)]
        found[program.name] = {"median": statistics.median(each), "least": min(each), "greatest": max(each)}
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("geoloom", "scenes", "work"):
        parser.add_argument(f"--{name}", type=lambda text: pathlib.Path(text).resolve(), required=True)
    # Not resolved: the link inside of a virtual environment is what makes it one.
    parser.add_argument("--peer-python", type=pathlib.Path, required=True)
    parser.add_argument("--rounds", type=int, default=3, help="rounds of all but the slowest peers, at least 1")
    parser.add_argument("--slow-rounds", type=int, default=1, help="rounds of the slowest peers")
    parser.add_argument("--memory", default="512M")
    parser.add_argument("--quarter", type=lambda text: pathlib.Path(text).resolve(), help="scenes of 5490 pixels, or any size")
    arguments = parser.parse_args()
    if arguments.rounds < 1:
        parser.error("--rounds: at least 1")
    arguments.work.mkdir(parents=True, exist_ok=True)

    plan = measure_plan(arguments)
    programs = geoloom_programs(arguments) + peer_programs(arguments)
    pixels = run_all(programs, arguments)
    record = {
        "date": str(datetime.date.today()), "machine": machine(), "memory": arguments.memory, "pixels": pixels,
        "versions": {"geoloom": output_of([arguments.geoloom, "--version"]),
                     "peers": [output_of([python, "-c", VERSIONS]) for python in (arguments.peer_python, DEBIAN_PYTHON)],
                     "numba": output_of([arguments.peer_python, "-c", "import numba; print(numba.__version__)"]),
                     "libdeflate": output_of(["dpkg-query", "-W", "-f", "${Version}", "libdeflate0"])},
        "scenes": json.loads((arguments.scenes / "pixels.json").read_text()),
        "plan": plan, "floor": measure_floor(arguments.scenes, WINDOW), "windows": measure_windows(arguments)}
    ratio = ratios(programs)
    record["programs"] = {p.name: {"runs": p.runs, "cpu_over_geoloom": ratio[p.name]} for p in programs}
    if arguments.quarter:
        record["quarter"] = run_quarter(arguments, programs[0].result())
    record["load"] = os.getloadavg()[0]
    (arguments.work / "results.json").write_text(json.dumps(record, indent=1) + "\n")
    lines = report.lines(record)
    (arguments.work / "results.md").write_text("\n".join(lines) + "\n")
    (arguments.work / "time.svg").write_text(picture.draw(record))
    print("\n".join(lines))


if __name__ == "__main__":
    main()
