#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the same image as a COG with Geoloom's writer and with GDAL's, in turns, and compares what they spend.

    compare.py --writer BINARY --image FILE --work FOLDER [--rounds 3] [--only SETTING]...

Pixels of all files must have the same CRC-32, or nothing is reported and the exit code is 1. CPU seconds are
user + system time of the whole process. A round runs each program once, so that whatever else the machine does
falls on all of them; ratios are taken within a round. Writes WORK/results.json and WORK/results.md.
"""
import argparse
import datetime
import json
import os
import pathlib
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
# How a process is measured and a machine described is the same in all benchmarks.
sys.path.insert(0, str(HERE.parent / "granule-median"))
from measure import checksum, machine, measure  # noqa: E402

# What is compared: name, options of the writer, options of gdal_translate. libtiff's level 6 is libdeflate's 7.
SETTINGS = [
    ("DEFLATE", ["deflate", "6", "plain"], ["COMPRESS=DEFLATE", "PREDICTOR=NO"]),
    ("DEFLATE, same level", ["deflate", "7", "plain"], ["COMPRESS=DEFLATE", "PREDICTOR=NO"]),
    ("DEFLATE, predictor", ["deflate", "6", "predictor"], ["COMPRESS=DEFLATE", "PREDICTOR=YES"]),
    ("level 4 and predictor, against GDAL's default", ["deflate", "4", "predictor"], ["COMPRESS=DEFLATE", "PREDICTOR=NO"]),
    ("DEFLATE, fast", ["deflate", "1", "predictor"], ["COMPRESS=DEFLATE", "PREDICTOR=YES", "LEVEL=1"]),
    ("ZSTD, predictor", ["zstd", "9", "predictor"], ["COMPRESS=ZSTD", "PREDICTOR=YES"]),
]


def writer_command(arguments, threads, options):
    return [arguments.writer, arguments.image, arguments.work, str(threads), *options], arguments.work / "written.tif"


def gdal_command(arguments, threads, options):
    path = arguments.work / "gdal.tif"
    creation = [f"NUM_THREADS={threads}", "RESAMPLING=AVERAGE", *options]
    return ["gdal_translate", "-q", "-of", "COG", *(part for option in creation for part in ("-co", option)), arguments.image, path], path


def run_all(arguments):
    results, pixels = [], None
    for number in range(arguments.rounds):
        for name, ours, theirs in SETTINGS:
            for threads in (1, 2):
                for program, made in (("geoloom", writer_command(arguments, threads, ours)), ("GDAL", gdal_command(arguments, threads, theirs))):
                    command, path = made
                    path.unlink(missing_ok=True)
                    run = measure(command, arguments.work / "last.log")
                    run.update(setting=name, program=program, threads=threads, round=number, bytes=path.stat().st_size)
                    found = checksum(path)
                    pixels = pixels or found
                    if found != pixels:
                        sys.exit(f"compare: {program} gives pixels {found}, and {pixels} was expected")
                    results.append(run)
                    print(f"  round {number + 1}: {name:20} {program:8} {threads} thread(s) {run['cpu_seconds']:6.2f} s CPU, "
                          f"{run['wall_seconds']:6.2f} s, {run['bytes'] / 1e6:.1f} MB", file=sys.stderr)
    return results, pixels


def median_of(results, quantity, **wanted):
    return statistics.median(run[quantity] for run in results if all(run[key] == value for key, value in wanted.items()))


def ratio_of(results, quantity, setting, threads):
    """GDAL's over Geoloom's in the same round."""
    pick = {(run["program"], run["round"]): run[quantity] for run in results if run["setting"] == setting and run["threads"] == threads}
    return statistics.median(pick["GDAL", number] / pick["geoloom", number] for number in {run["round"] for run in results})


def floors(arguments):
    """libdeflate alone on the tiles of a file made with the setting."""
    found = {}
    for name, options, _ in SETTINGS:
        if options[0] != "deflate":
            continue
        command, path = writer_command(arguments, 1, options)
        measure(command, arguments.work / "last.log")
        done = subprocess.run([HERE / "deflate_floor.py", path, options[1]], check=True, text=True, capture_output=True)
        found[name] = json.loads(done.stdout)
    return found


def report(results, pixels, floor, arguments):
    version = subprocess.run(["gdal_translate", "--version"], text=True, capture_output=True, check=True).stdout.strip()
    deflate = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", "libdeflate0"], text=True, capture_output=True, check=False).stdout
    lines = [f"Measured {datetime.date.today()} on {machine()}; load {os.getloadavg()[0]:.1f} at the end.",
             f"{version}; libdeflate {deflate}. 10980 x 10980 x 3 bytes, {arguments.rounds} round(s), medians.", "",
             "| setting | floor: libdeflate alone, CPU s | geoloom: CPU s, MB, MiB | GDAL: CPU s, MB, MiB | CPU ratio | wall s, 2 threads | wall ratio, 2 threads |",
             "|---|---|---|---|---|---|---|"]
    for name, _, _ in SETTINGS:
        cells = [name, f"{floor[name]['cpu_seconds']:.2f}" if name in floor else ""]
        for program in ("geoloom", "GDAL"):
            of = {"setting": name, "program": program, "threads": 1}
            cells.append(f"{median_of(results, 'cpu_seconds', **of):.2f}, {median_of(results, 'bytes', **of) / 1e6:.1f}, "
                         f"{median_of(results, 'peak_mib', **of):.0f}")
        cells.append(f"{ratio_of(results, 'cpu_seconds', name, 1):.2f}")
        cells.append(" / ".join(f"{median_of(results, 'wall_seconds', setting=name, program=program, threads=2):.2f}"
                                for program in ("geoloom", "GDAL")))
        cells.append(f"{ratio_of(results, 'wall_seconds', name, 2):.2f}")
        lines.append("| " + " | ".join(cells) + " |")
    lines += ["", f"All files have equal pixels: {pixels}."]
    (arguments.work / "results.md").write_text("\n".join(lines) + "\n")
    (arguments.work / "results.json").write_text(json.dumps({"runs": results, "floor": floor, "pixels": pixels}, indent=1) + "\n")
    print("\n".join(lines))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("writer", "image", "work"):
        parser.add_argument(f"--{name}", type=lambda text: pathlib.Path(text).resolve(), required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", action="append", default=[], choices=[name for name, _, _ in SETTINGS])
    arguments = parser.parse_args()
    if arguments.only:
        SETTINGS[:] = [setting for setting in SETTINGS if setting[0] in arguments.only]
    arguments.work.mkdir(parents=True, exist_ok=True)
    floor = floors(arguments)
    results, pixels = run_all(arguments)
    report(results, pixels, floor, arguments)


if __name__ == "__main__":
    main()
