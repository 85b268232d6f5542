#!/usr/bin/python3
"""Fails on an include that goes up a layer. Run without arguments it first tests itself, on a small tree
with one fault of each kind, and then checks src/.

What is allowed is written here once; ARCHITECTURE.md explains it.
"""
import pathlib
import re
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent

# A layer may include itself and what stands before it.
LAYERS = ["error", "http", "geo", "gdal", "store", "kernels", "tiff", "raster", "render", "catalog", "learn", "workflow",
          "ops", "engine", "serve", "cli"]
STRANGERS = {("ops", "engine"), ("engine", "ops")}

GDAL_HEADER = re.compile(r"(gdal|ogr|cpl_|vrtdataset|gnm)[\w/]*\.h(pp)?$")
PROJ_HEADER = re.compile(r"(proj|proj_api|proj_[a-z]+|geodesic)\.h$|proj/")
CODEC_HEADER = re.compile(r"(tiff|tiffio|tiffconf|libdeflate|zstd|lzma|jpeglib|turbojpeg|Lerc_c_api)\.h$")
HTTP_HEADER = re.compile(r"curl/|boost/(asio|beast)|jwt(-cpp)?[./]")
STANDARD_HEADER = re.compile(r"[a-z_0-9]+$|(assert|errno|fenv|float|inttypes|limits|math|stddef|stdint|stdlib|string)\.h$")
TEST_HEADER = re.compile(r"(gtest|gmock)/")
# #include, and Highway's way to name the source that is compiled once per CPU target.
INCLUDE = re.compile(r'^\s*#\s*(?:include|define\s+HWY_TARGET_INCLUDE)\s*([<"])([^>"]+)[>"]', re.M)
MODULE = re.compile(r"geoloom_module\s*\(\s*(\w+)(.*?)\)", re.S)


def allowed(layer, other):
    return LAYERS.index(other) <= LAYERS.index(layer) and (layer, other) not in STRANGERS


def fault_of(layer, file, quoted, header, folders):
    """What is wrong with this include, or None."""
    if ".." in pathlib.PurePosixPath(header).parts:
        return "name the header from src/, without .."
    top = header.split("/")[0]
    if quoted and "/" in header and top in folders:
        if top not in LAYERS:
            return f"{top}/ is no layer that tests/layers_test.py knows"
        if not allowed(layer, top):
            return f"{layer}/ must not see {top}/"
        return None
    if GDAL_HEADER.match(header) and layer != "gdal":
        return "only gdal/ includes GDAL"
    if PROJ_HEADER.match(header) and layer != "geo":
        return "only geo/ includes PROJ"
    if CODEC_HEADER.match(header) and layer != "tiff":
        return "only tiff/ includes codecs"
    if HTTP_HEADER.match(header) and layer != "http":
        return "only http/ includes libcurl and Boost.Beast"
    if layer == "kernels" and not header.startswith("hwy/"):
        beside = quoted and (file.parent / header).exists()
        of_a_test = file.stem.endswith(("_test", "_bench")) and TEST_HEADER.match(header)
        if not beside and not of_a_test and not STANDARD_HEADER.match(header):
            return "kernels/ includes only the standard library and Highway"
    if layer == "kernels" and quoted and "/" in header and not header.startswith("hwy/"):
        return "kernels/ includes only the standard library and Highway"
    return None


def faults(root):
    source = root / "src"
    folders = {path.name for path in source.iterdir() if path.is_dir()} | set(LAYERS)
    for file in sorted(path for path in source.rglob("*") if path.suffix in (".h", ".cpp", ".hpp", ".inc")):
        parts = file.relative_to(source).parts
        # A source directly in src/ (main) puts the program together, as cli/ does.
        layer = parts[0] if len(parts) > 1 else "cli"
        where = file.relative_to(root)
        if layer not in LAYERS:
            yield f"{where}:1: {layer}/ is no layer that tests/layers_test.py knows"
            continue
        text = file.read_text(encoding="utf-8")
        for found in INCLUDE.finditer(text):
            fault = fault_of(layer, file, found.group(1) == '"', found.group(2), folders)
            # kernels/ sees no other layer at all, lower ones included.
            top = found.group(2).split("/")[0]
            if not fault and layer == "kernels" and top in LAYERS and top != "kernels":
                fault = "kernels/ includes only the standard library and Highway"
            if fault:
                line = text.count("\n", 0, found.start(2)) + 1
                yield f"{where}:{line}: {found.group(2)}: {fault}"
    # The same order holds between the libraries.
    for file in sorted(source.glob("*/CMakeLists.txt")):
        for name, arguments in MODULE.findall(re.sub(r"#.*", "", file.read_text())):
            words = arguments.split()
            keyword = None
            for word in words:
                if word in ("SOURCES", "TESTS", "DEPENDS", "LIBRARIES"):
                    keyword = word
                elif keyword == "DEPENDS" and name in LAYERS:
                    if word not in LAYERS or word == name or not allowed(name, word):
                        yield f"{file.relative_to(root)}:1: DEPENDS {word}: {name}/ must not see {word}/"


def test_itself():
    # File, content, and how many faults it has.
    tree = {
        "src/geo/grid.h": ("#pragma once\n#include <proj.h>\n#include <vector>\n", 0),
        "src/geo/up.cpp": ('#include "geo/grid.h"\n\n#include "raster/cube.h"\n', 1),
        "src/gdal/open.cpp": ('#include <gdal.h>\n#include <cpl_vsi.h>\n#include "error/error.h"\n', 0),
        "src/raster/cube.h": ('#include "kernels/rank.h"\n#include <nlohmann/json.hpp>\n', 0),
        "src/raster/reads.cpp": ('  #  include "gdal_priv.h"\n#include <ogr_spatialref.h>\n', 2),
        "src/raster/projects.cpp": ("#include <proj.h>\n", 1),
        "src/tiff/codec.cpp": ("#include <tiffio.h>\n#include <libdeflate.h>\n", 0),
        "src/raster/codec.cpp": ("#include <zstd.h>\n", 1),
        "src/http/client.cpp": ('#include <curl/curl.h>\n#include <boost/beast/core.hpp>\n#include "error/error.h"\n', 0),
        "src/http/up.cpp": ('#include "geo/grid.h"\n', 1),
        "src/serve/own.cpp": ("#include <boost/asio.hpp>\n#include <curl/curl.h>\n", 2),
        "src/kernels/rank.h": ("#include <cstdint>\n#include <span>\n", 0),
        "src/kernels/rank.cpp": ('#define HWY_TARGET_INCLUDE "kernels/rank.cpp"\n'
                                 '#include <hwy/foreach_target.h>\n#include "hwy/highway.h"\n#include "rank.h"\n', 0),
        "src/kernels/rank_test.cpp": ('#include <gtest/gtest.h>\n#include "kernels/rank.h"\n', 0),
        "src/kernels/bad.cpp": ('#include <fmt/format.h>\n#include "error/error.h"\n#include <gtest/gtest.h>\n', 3),
        "src/ops/median.cpp": ('#include "workflow/op.h"\n#include "engine/loom.h"\n', 1),
        "src/engine/loom.cpp": ('#include "ops/median.h"\n#include "workflow/op.h"\n', 1),
        "src/cli/run.cpp": ('#include "ops/median.h"\n#include "engine/loom.h"\n', 0),
        "src/serve/up.cpp": ('// #include "cli/run.h"\n#include "../cli/run.h"\n', 1),
        "src/helpful/x.h": ("#pragma once\n", 1),
        "src/main.cpp": ('#include "cli/run.h"\n', 0),
        "src/geo/CMakeLists.txt": ("geoloom_module(geo SOURCES a.cpp\n DEPENDS error store)\n", 1),
        "src/ops/CMakeLists.txt": ("geoloom_module(ops SOURCES a.cpp DEPENDS workflow)\n", 0),
    }
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for name, (content, _) in tree.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(content)
        found = list(faults(root))
    for name, (_, expected) in tree.items():
        here = [fault for fault in found if fault.startswith(name + ":")]
        if len(here) != expected:
            sys.exit(f"layers_test does not work: {expected} faults expected in {name}, found {here}")


if __name__ == "__main__":
    test_itself()
    all_faults = list(faults(ROOT))
    print("\n".join(all_faults) if all_faults else "layers: no include goes up")
    sys.exit(1 if all_faults else 0)
