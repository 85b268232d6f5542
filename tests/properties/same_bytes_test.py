#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The same bytes whatever the machine does: threads, reads, memory, CPU target, reader, order of listing, company.

    same_bytes_test.py GEOLOOM [--only TEST]...
"""
import os
import shutil
import sys

import numpy

import documents
import scenes
from program import main
from stores import FolderStore, digests, receipts, store_of

SIZE = (300, 260)  # no whole number of tiles or blocks


def drawn(bench, count=9):
    scenes.colour_series(bench.folder / "scenes", count, SIZE)
    return bench.document(documents.colours(tile=96))


def expect_same(bench, document, wanted, name, *arguments, **options):
    store = store_of(bench, name)
    bench.run(document, "-p", f"results={store.url}", *arguments, **options)
    bench.expect_equal(digests(store), wanted, name)


def reference(bench, document):
    store = store_of(bench, "reference")
    bench.run(document, "-p", f"results={store.url}", "--threads", 1, "--reads", 1)
    return digests(store)


def threads_and_memory(bench):
    document = drawn(bench)
    wanted = reference(bench, document)
    for threads in (1, 2, 5):
        for reads in (1, 4):
            expect_same(bench, document, wanted, f"threads_{threads}_reads_{reads}", "--threads", threads, "--reads", reads)
    for memory in ("160M", "300M", "4G"):
        expect_same(bench, document, wanted, f"memory_{memory}", "--memory", memory, "--threads", 1)


def cpu_targets(bench):
    targets = bench.call("doctor", "--json").json()["cpu_targets"]
    bench.expect(targets, "doctor names the targets")
    scenes.reflectance_series(bench.folder / "reflectance", 8)
    colour = drawn(bench)
    documents_by_name = {"colours": (colour, "scenes")}
    for stat in ("median", "mean", "{stat: quantile, q: 0.3}", "max"):
        name = "".join(filter(str.isalpha, stat))
        documents_by_name[name] = (bench.document(documents.statistics(stat), f"{name}.yaml"), "reflectance")
    for name, (document, folder) in documents_by_name.items():
        results = {}
        for target in targets:
            store = store_of(bench, f"{name}_{target}")
            bench.run(document, "-p", f"scenes={folder}", "-p", f"results={store.url}", environment={"GEOLOOM_CPU_TARGET": target})
            results[target] = digests(store)
        for target in targets:
            bench.expect_equal(results[target], results[targets[0]], f"{name} on {target} as on {targets[0]}")
    unknown = bench.call("run", colour, environment={"GEOLOOM_CPU_TARGET": "ABACUS"})
    bench.expect_equal(unknown.code, 2, "an unknown target is refused")
    for target in targets:
        store = store_of(bench, f"switch_{target}")
        run = bench.run(colour, "-p", "scenes=scenes", "-p", f"results={store.url}", "--cpu-target", target,
                        environment={"GEOLOOM_CPU_TARGET": targets[-1]})
        bench.expect_equal(run.json()["cpu_target"], target, "the switch forces, over the environment")
        bench.expect_equal(digests(store), digests(store_of(bench, f"colours_{target}")), f"--cpu-target {target}")
    unknown = bench.call("run", colour, "--cpu-target", "ABACUS")
    bench.expect_equal(unknown.code, 2, "an unknown target is refused by the switch")
    bench.expect(targets[0] in unknown.err, "and those that are possible are named")


def readers(bench):
    document = drawn(bench)
    expect_same(bench, document, reference(bench, document), "by_gdal", environment={"GEOLOOM_READER": "gdal"})


def mosaic_hash(store):
    return [output["pixel_hash"] for record in receipts(store) for output in record["outputs"] if output["layer"] == "map"]


def tile_sizes(bench):
    drawn(bench)
    pictures, hashes = [], []
    for tile in (16, 64, 100, 128, 1024):
        store = FolderStore(bench.folder / f"tile_{tile}")
        bench.run(bench.document(documents.colours(tile=tile)), "-p", f"results={store.url}")
        pictures.append(scenes.read_raster(store.path / "map.tif"))
        hashes.append(mosaic_hash(store))
    bench.expect(all(numpy.array_equal(picture, pictures[0]) for picture in pictures), "the same pixels for any tile size")
    bench.expect_equal(hashes, [hashes[0]] * len(hashes), "the same pixel hash for any tile size")


def source_layouts(bench):
    """Blocks of the scenes decide what is read, not what comes out."""
    pictures = []
    for name, options in (("b128", {}), ("b256", {"block": 256}), ("cog", {"cog": True})):
        scenes.colour_series(bench.folder / name, 6, SIZE, **options)
        store = FolderStore(bench.folder / f"out_{name}")
        bench.run(bench.document(documents.colours(tile=96)), "-p", f"scenes={name}", "-p", f"results={store.url}")
        pictures.append(scenes.read_raster(store.path / "map.tif"))
    bench.expect(all(numpy.array_equal(picture, pictures[0]) for picture in pictures), "the same pixels for any tiling of the scenes")


def listing_order(bench):
    document = drawn(bench)
    wanted = {name: value for name, value in reference(bench, document).items() if "/" not in name}
    names = sorted(os.listdir(bench.folder / "scenes"))
    shuffled = names[5:] + names[4::-1]

    def expect_map(name, scenes_argument):
        store = store_of(bench, name)
        bench.run(document, "-p", f"scenes={scenes_argument}", "-p", f"results={store.url}")
        bench.expect_equal({key: value for key, value in digests(store).items() if "/" not in key}, wanted, name)

    (bench.folder / "made_in_other_order").mkdir()
    for name in shuffled:
        shutil.copy2(bench.folder / "scenes" / name, bench.folder / "made_in_other_order" / name)
    expect_map("folder", "made_in_other_order")
    expect_map("glob", "made_in_other_order/*.tif")
    listed = "\n".join(f"scenes/{name}" for name in names)
    (bench.folder / "sorted.txt").write_text(listed)
    expect_map("sorted_list", "sorted.txt")
    # Single files by name have times and are put in their order.
    text = documents.colours(tile=96).replace("scenes: $scenes", "scenes: [" + ", ".join(f"scenes/{name}" for name in shuffled) + "]")
    several = bench.document(text, "several.yaml")
    store = store_of(bench, "several_files")
    bench.run(several, "-p", f"results={store.url}")
    bench.expect_equal({key: value for key, value in digests(store).items() if "/" not in key}, wanted, "several files in other order")


def a_list_keeps_its_order(bench):
    """A list file is taken as it stands; what does not depend on order gives the same pixels."""
    drawn(bench)
    names = sorted(os.listdir(bench.folder / "scenes"))
    maps = []
    for label, order in (("up", names), ("down", names[::-1])):
        (bench.folder / f"{label}.txt").write_text("\n".join(f"scenes/{name}" for name in order))
        load = "load: {scenes: $scenes, bands: [red, green, blue], reject: {any_band_in: [0, 255]}}"
        document = bench.document(documents.statistics("{stat: [median, max, count]}", load=load).replace(
            "save: {layer: statistic}", "save: {layer: statistic, type: float32}"))
        store = FolderStore(bench.folder / f"out_{label}")
        bench.run(document, "-p", f"scenes={label}.txt", "-p", f"results={store.url}")
        maps.append(scenes.read_raster(store.path / "map.tif"))
    bench.expect(numpy.array_equal(maps[0], maps[1], equal_nan=True), "a median does not depend on the order")


def two_processes_at_once(bench):
    document = drawn(bench)
    wanted = reference(bench, document)
    store = store_of(bench)
    for attempt in range(3):
        processes = [bench.start("run", document, "-p", f"results={store.url}", "--json") for _ in range(2)]
        outcomes = [bench.finish(process) for process in processes]
        for outcome in outcomes:
            bench.expect_equal(outcome.code, 0, f"both end well, attempt {attempt}")
            if outcome.code:
                print(outcome, file=sys.stderr)
        bench.expect_equal(digests(store), wanted, f"the same bytes, attempt {attempt}")
        shutil.rmtree(store.path)


TESTS = [threads_and_memory, readers, cpu_targets, tile_sizes, source_layouts, listing_order, a_list_keeps_its_order,
         two_processes_at_once]

if __name__ == "__main__":
    sys.exit(main(TESTS, __doc__))
