#!/usr/bin/python3
"""What fuzzers begin with: small rasters of every layout the direct reader knows, tokens and claims, expressions, documents of several files, models,
tables of samples.

    fuzz/make_seeds.py FOLDER      writes FOLDER/fuzz_tiff/*.tif, FOLDER/fuzz_raster/*.tif, FOLDER/fuzz_tokens/*,
                                   FOLDER/fuzz_expressions/*, FOLDER/fuzz_files/*,
                                   FOLDER/fuzz_models/*, FOLDER/fuzz_tables/*
"""
import io
import itertools
import json
import pathlib
import shutil
import struct
import sys
import zipfile

import numpy
from osgeo import gdal

CODECS = ["NONE", "DEFLATE", "ZSTD", "LZW", "JPEG", "LERC"]
TYPES = {"uint8": gdal.GDT_Byte, "uint16": gdal.GDT_UInt16, "int16": gdal.GDT_Int16, "float32": gdal.GDT_Float32}


def source(bands, kind):
    dataset = gdal.GetDriverByName("MEM").Create("", 40, 36, bands, TYPES[kind])
    rows, columns = numpy.mgrid[0:36, 0:40]
    for band in range(bands):
        dataset.GetRasterBand(band + 1).WriteArray((rows * 3 + columns * (band + 1)).astype(kind))
    dataset.SetGeoTransform([600000, 10, 0, 5000000, 0, -10])
    return dataset


def options(codec, interleave, tiled, order):
    yield from (f"COMPRESS={codec}", f"INTERLEAVE={interleave}", f"ENDIANNESS={order}",
                f"BIGTIFF={'YES' if order == 'BIG' else 'NO'}")
    if tiled:
        yield from ("TILED=YES", "BLOCKXSIZE=16", "BLOCKYSIZE=16")
    if codec in ("DEFLATE", "ZSTD", "LZW"):
        yield "PREDICTOR=2"


def main(folder):
    gdal.UseExceptions()
    gdal.SetConfigOption("GDAL_TIFF_INTERNAL_MASK", "YES")
    seeds = folder / "fuzz_tiff"
    seeds.mkdir(parents=True, exist_ok=True)
    layouts = itertools.product(CODECS, ["PIXEL", "BAND"], [True, False], ["LITTLE", "BIG"])
    for number, (codec, interleave, tiled, order) in enumerate(layouts):
        kind = "uint8" if codec == "JPEG" else list(TYPES)[number % 4]
        path = seeds / f"{codec}-{interleave}-{'tiles' if tiled else 'strips'}-{order}-{kind}.tif".lower()
        gdal.GetDriverByName("GTiff").CreateCopy(str(path), source(3, kind),
                                                 options=list(options(codec, interleave, tiled, order)))
        if number % 5 == 0:
            dataset = gdal.Open(str(path), gdal.GA_Update)
            dataset.CreateMaskBand(gdal.GMF_PER_DATASET)
            dataset.BuildOverviews("NEAREST", [2])
    shutil.copytree(seeds, folder / "fuzz_raster", dirs_exist_ok=True)


def token_seeds(folder):
    folder.mkdir(parents=True, exist_ok=True)
    vectors = json.loads((pathlib.Path(__file__).parent.parent / "src/http/push_token_vectors.json").read_text())
    texts = [case["token"] for case in vectors["cases"]] + [vectors["jwks"], vectors["pem"], "https://host:1/a?b"]
    good = {"iss": "issuer", "aud": ["audience"], "exp": 1900000001, "email": "e@mail", "email_verified": True}
    texts += [json.dumps(good), json.dumps({**good, "nbf": 1, "iat": 2.5, "aud": "audience"})]
    for number, text in enumerate(texts):
        (folder / f"{number:02}").write_text(text)


EXPRESSIONS = ["$a.b.c > 0.6 and not ($b ?? 3) == 4", "min(1, 2.5) + abs(-3) % 2", "'text' in ['a', \"b\"] or true", "=$year - 1",
               "round($h / 0)", "length([1, 2])"]
# The document first, then a.yaml, b.yaml and c.yaml.
DOCUMENTS = ["""geoloom: 1
name: x
include: [a.yaml, parts/b.yaml]
params: {year: 2021}
steps: {publish: null}
components: {c: c.yaml}
profiles: {dev: {store: out, pool: {memory: 2G}, limits: {retry: 1}, steps: {composite: {timeout: 1 h}}}}
%%
geoloom: 1
store: out
params: {year: {type: year, default: 2018}}
steps:
  composite: {retry: 5, do: [{load: {}}, {save: a}]}
  publish: {do: [{mosaic: {layer: a}}]}
%%
geoloom: 1
area: {tiles: 64 px}
include: ../c.yaml
%%
geoloom_component: 1
params: {p: {type: period}}
do: [{load: {period: $p}}]
""", """geoloom: 1
name: x
store: out
components: {c: a.yaml}
steps: {north: {use: {component: c, with: {stat: max}}}, s: {when: $north.map == 1, max_age: 7 d, do: [{quicklook: {layer: a}}]}}
%%
geoloom_component: 1
params: {stat: {type: string}}
steps: {tiles: {cache: false, over: tiles, do: [{load: {}}, {reduce: $stat}, {save: a}]}}
outputs: {map: $tiles.a}
"""]


def text_seeds(folder, texts):
    folder.mkdir(parents=True, exist_ok=True)
    for number, text in enumerate(texts):
        (folder / f"{number:02}").write_text(text)


def model_seeds(folder):
    samples = pathlib.Path(__file__).parent.parent / "src/learn/model_samples"
    folder.mkdir(parents=True, exist_ok=True)
    for sample in samples.iterdir():
        if sample.suffix in (".txt", ".json", ".ubj", ".onnx") and sample.name != "expected.json":
            shutil.copy(sample, folder)


def array(code, shape, numbers):
    """A .npy file, version 1."""
    header = f"{{'descr': '{code}', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + numbers


def table_seeds(folder):
    """The first byte says what follows: see tables_fuzz.cpp."""
    folder.mkdir(parents=True, exist_ok=True)
    floats = array("<f4", (2, 2), struct.pack("<4f", 1, 2, 3, 4))
    meta = {"geoloom_table": 1, "rows": 2, "features": [{"name": "a", "unit": ""}, {"name": "b", "unit": "m"}],
            "block": [1, 1], "label": {"name": "l", "type": "classes", "unit": "", "classes": [{"code": 1, "name": ""}]},
            "located": False, "dated": False, "grouped": False, "weighted": False, "folded": False, "crs": "",
            "items": ["t"], "sampling": {"seed": 1, "method": "", "recipe": "",
                                         "rates": [{"class": 1, "available": 4, "drawn": 2}]}}
    members = {"meta.json": json.dumps(meta).encode(), "features.npy": floats,
               "label.npy": array("<i8", (2,), struct.pack("<2q", 1, 1)), "item.npy": array("<u4", (2,), bytes(8))}
    for number, method in enumerate((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)):
        table = io.BytesIO()
        with zipfile.ZipFile(table, "w", method) as file:
            for name, content in members.items():
                file.writestr(name, content)
        (folder / f"table{number}").write_bytes(b"\x01" + table.getvalue())
    (folder / "floats").write_bytes(b"\x00" + floats)
    (folder / "days").write_bytes(b"\x00" + array(">M8[D]", (2,), struct.pack(">2q", 1, 2)))
    (folder / "csv").write_bytes(b"\x3a" + b'a,b,c,d\nwheat,2019-04-14,"f ""1""",0.5\n,,,\n')
    (folder / "savetxt").write_bytes(b"\x4a" + b"# a d\n1.000000 2.5\n0.000000 nan\n")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
    model_seeds(pathlib.Path(sys.argv[1]) / "fuzz_models")
    token_seeds(pathlib.Path(sys.argv[1]) / "fuzz_tokens")
    text_seeds(pathlib.Path(sys.argv[1]) / "fuzz_expressions", EXPRESSIONS)
    text_seeds(pathlib.Path(sys.argv[1]) / "fuzz_files", DOCUMENTS)
    table_seeds(pathlib.Path(sys.argv[1]) / "fuzz_tables")
