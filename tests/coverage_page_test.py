#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""docs/coverage.md holds what it promises: every expected row, tests that exist, commands that the program has.

    coverage_page_test.py GEOLOOM
"""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
EXPECTED = ["declared inputs and outputs", "the graph by itself", "composition", "conditions", "exit handlers", "parameters at run time", "schemas",
            "artefacts are kept", "metadata and logs", "lineage", "reproducible", "caching", "retry, time limits, cancelling", "sweeps"]


def rows(page):
    for line in page.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if line.startswith("| ") and len(cells) == 3 and cells[0] != "expected":
            yield cells


def known_tests(build):
    listed = subprocess.run(["ctest", "--test-dir", str(build), "-N"], capture_output=True, text=True, check=True, timeout=60).stdout
    names = set(re.findall(r"Test +#\d+: (\S+)", listed))
    for source in (ROOT / "src").rglob("*_test.cpp"):
        names |= set(re.findall(r"^TEST(?:_F|_P)?\((\w+),", source.read_text(), re.MULTILINE))
    return names


def is_command(geoloom, words):
    call = subprocess.run([geoloom, *words, "--help"], capture_output=True, text=True, timeout=60)
    return call.returncode == 0 and "Usage: " in call.stdout


def main():
    geoloom = str(pathlib.Path(sys.argv[1]).resolve())
    found, tests, faults, checked = list(rows(ROOT / "docs/coverage.md")), known_tests(pathlib.Path(geoloom).parent), [], 0
    for name in EXPECTED:
        checked += 1
        if name not in [row[0] for row in found]:
            faults.append(f"no row '{name}'")
    for name, how, shown in found:
        named = re.findall(r"`([^`]+)`", shown)
        if not named:
            faults.append(f"{name}: no test")
        for test in named:
            checked += 1
            if test not in tests:
                faults.append(f"{name}: there is no test {test}")
        for command in re.findall(r"`geoloom ([a-z -]+?)(?: --?[a-z-]+| [A-Z]+)?`", how):
            checked += 1
            if not is_command(geoloom, command.split()):
                faults.append(f"{name}: geoloom {command} is no command")
    for fault in faults:
        print(fault)
    print(f"{checked - len(faults)} passed, {len(faults)} failed")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
