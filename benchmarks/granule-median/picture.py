#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Draws where the time goes, as bars of input, compute and output:  picture.py RESULTS.json PICTURE.svg"""
import json
import pathlib
import sys
from xml.sax.saxutils import escape

import report

COLOURS = {"read": "#2f6f9f", "compute": "#d98c2b", "encode": "#5b8c5a", "rest": "#b8b8b8", "floor": "#8fb4cc"}
LEGEND = {"read": "input", "compute": "compute", "encode": "output", "rest": "start and end"}
LEFT, WIDTH, BAR, GAP, TOP = 330, 480, 22, 12, 46


def bars(record):
    """(label, [(colour key, seconds)]); the slowest peers would make the others invisible and are left to the table."""
    yield "inflating alone, libdeflate", [("floor", record["floor"]["libdeflate_cpu_seconds"])]
    for name, program in record["programs"].items():
        if name.endswith("typical") or name in (report.TWO_THREADS, report.REFERENCE_AVX2):
            continue
        parts = report.seconds_of_parts(program)
        # Parts are wall time of one thread or several; together they cannot be more than the CPU time.
        total, known = report.median(program, "cpu_seconds"), sum(parts.values())
        yield name, [(part, seconds * min(1.0, total / known)) for part, seconds in parts.items()]


def draw(record):
    rows = list(bars(record))
    longest = max(sum(seconds for _, seconds in parts) for _, parts in rows)
    height = TOP + len(rows) * (BAR + GAP) + 10
    svg = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT + WIDTH + 90} {height}" font-family="sans-serif" font-size="13">',
           f'<rect width="100%" height="100%" fill="white"/>',
           f'<text x="10" y="24" font-size="15">CPU seconds of one window, 216 scenes</text>']
    for number, (part, title) in enumerate(LEGEND.items()):
        x = LEFT + 80 + number * 105
        svg.append(f'<rect x="{x}" y="13" width="13" height="13" fill="{COLOURS[part]}"/><text x="{x + 18}" y="24">{title}</text>')
    for number, (name, parts) in enumerate(rows):
        x, y = float(LEFT), TOP + number * (BAR + GAP)
        svg.append(f'<text x="{LEFT - 8}" y="{y + 16}" text-anchor="end">{escape(name)}</text>')
        for part, seconds in parts:
            width = seconds / longest * WIDTH
            svg.append(f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{BAR}" fill="{COLOURS[part]}"/>')
            x += width
        svg.append(f'<text x="{x + 6:.1f}" y="{y + 16}">{sum(seconds for _, seconds in parts):.2f}</text>')
    return "\n".join(svg) + "\n</svg>\n"


if __name__ == "__main__":
    pathlib.Path(sys.argv[2]).write_text(draw(json.loads(pathlib.Path(sys.argv[1]).read_text())))
