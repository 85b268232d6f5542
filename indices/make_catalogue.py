#!/usr/bin/env python3
"""Writes indices/catalogue.yaml from the PyPI package spyndex, or checks that it is what the package says.

    indices/make_catalogue.py            write
    indices/make_catalogue.py --check    compare only; exit code 1 where they differ

The catalogue is that of Awesome Spectral Indices (https://github.com/awesome-spectral-indices), which spyndex
carries with it; both are under the MIT licence, Copyright (c) 2021 David Montero Loaiza. What is taken over are
facts: names, formulas, bands, constants and references.
"""
import argparse
import pathlib
import sys

import spyndex

HEAD = """\
# Spectral indices: names, formulas, bands, constants and references, as the catalogue of Awesome Spectral
# Indices lists them (https://github.com/awesome-spectral-indices, MIT licence, Copyright (c) 2021 David
# Montero Loaiza). Written by indices/make_catalogue.py from spyndex {version}; a test compares the two.
"""


def quoted(text):
    return '"' + " ".join(str(text).split()).replace("\\\\", "").replace('"', "'") + '"'


def catalogue():
    lines = [HEAD.format(version=spyndex.__version__)]
    lines.append("bands:")
    for name, band in sorted(spyndex.bands.items()):
        lines.append(f"  {name}: {{common: {band.common_name}, wavelength_nm: "
                     f"[{band.min_wavelength}, {band.max_wavelength}], title: {quoted(band.long_name)}}}")
    lines.append("constants:")
    for name, constant in sorted(spyndex.constants.items()):
        default = "" if constant.default is None else f"default: {float(constant.default):g}, "
        lines.append(f"  {name}: {{{default}title: {quoted(constant.description)}}}")
    lines.append("indices:")
    for name, index in sorted(spyndex.indices.items()):
        lines.append(f"  {name}:")
        lines.append(f"    title: {quoted(index.long_name)}")
        lines.append(f"    domain: {index.application_domain}")
        lines.append(f"    formula: {quoted(index.formula)}")
        lines.append(f"    reference: {quoted(index.reference)}")
    return "\n".join(lines) + "\n"


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--check", action="store_true", help="compare only")
    arguments.add_argument("--file", type=pathlib.Path, default=pathlib.Path(__file__).with_name("catalogue.yaml"))
    given = arguments.parse_args()
    wanted = catalogue()
    if not given.check:
        given.file.write_text(wanted, encoding="utf-8")
        return 0
    if given.file.read_text(encoding="utf-8") == wanted:
        return 0
    print(f"{given.file} is not what spyndex {spyndex.__version__} says: run indices/make_catalogue.py", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
