#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Puts a run into the documentation:  publish.py RUNS_FOLDER

Replaces results.md here, the picture of docs/speed.md, and what stands there and in README.md between
`<!-- numbers -->` and `<!-- end of numbers -->`.
"""
import json
import pathlib
import shutil
import sys

import report

HERE = pathlib.Path(__file__).resolve().parent
DOCS = HERE.parent.parent / "docs"
BEGIN, END = "<!-- numbers -->", "<!-- end of numbers -->"


def replace_numbers(page, lines):
    text = page.read_text()
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        sys.exit(f"publish: {page} has no {BEGIN} ... {END}")
    before, rest = text.split(BEGIN)
    page.write_text(before + BEGIN + "\n" + "\n".join(lines) + "\n" + END + rest.split(END)[1])


def short_table(record):
    lines = ["| | CPU s | over geoloom | peak MiB |", "|---|---|---|---|",
             f"| inflating the blocks, nothing else | {record['floor']['libdeflate_cpu_seconds']:.2f} | | |"]
    for name, program in record["programs"].items():
        lines.append(f"| {name} | {report.median(program, 'cpu_seconds'):.2f} | {program['cpu_over_geoloom']['median']:.1f} | "
                     f"{report.peak(program):.0f} |")
    return lines


def main():
    runs = pathlib.Path(sys.argv[1])
    record = json.loads((runs / "results.json").read_text())
    (HERE / "results.md").write_text("# A recorded run\n\n" + (runs / "results.md").read_text())
    shutil.copy(runs / "time.svg", DOCS / "images" / "granule-median-time.svg")
    measured = f"Measured {record['date']} on {record['machine']}."
    replace_numbers(HERE / "README.md", [measured, "", *short_table(record)])
    replace_numbers(DOCS / "speed.md", [measured, "", *short_table(record), "", "Geoloom with one thread:", "",
                                        *report.parts_table(record), "", *report.windows_lines(record)])
    print(f"published: {HERE / 'results.md'}, {HERE / 'README.md'}, {DOCS / 'speed.md'}")


if __name__ == "__main__":
    main()
