#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What is already made is not made again, what is touched by a change is, and nothing is taken for what it is not.

    resume_test.py GEOLOOM [--store folder|s3] [--only TEST]...
"""
import sys
import time

import documents
import scenes
from program import kill, main, wait_until
from stores import KINDS, digests, environment_of, items_without_times, receipts, store_of

SIZE = (256, 256)
TILES = 16


def drawn(bench, count=5):
    scenes.colour_series(bench.folder / "scenes", count, SIZE)
    return store_of(bench)


def counts(outcome):
    """(made, unchanged) by step."""
    return {name: (step["done"], step["unchanged"]) for name, step in outcome.steps().items()}


def results(store):
    """All but the log of who carried the run out."""
    return [name for name in store.names() if "/executions/" not in name]


def same_run_does_nothing(bench):
    store = drawn(bench)
    document = bench.document(documents.classes())
    first = bench.run(document, "-p", f"results={store.url}")
    bench.expect_equal(counts(first), {"composite": (TILES, 0), "brightness": (TILES, 0), "map": (1, 0)}, "all is made")
    before = {name: store.stamp(name) for name in results(store)}
    time.sleep(1.1)  # times of objects are whole seconds
    second = bench.run(document, "-p", f"results={store.url}")
    bench.expect_equal(counts(second), {"composite": (0, TILES), "brightness": (0, TILES), "map": (0, 1)}, "all is unchanged")
    bench.expect_equal(second.json()["run"], first.json()["run"], "it is the same run")
    after = {name: store.stamp(name) for name in results(store)}
    bench.expect_equal(sorted(after), sorted(before), "no file comes or goes")
    bench.expect_equal([name for name in after if before.get(name) != after[name]], [], "no file is written again")


def a_network_gets_more_reads(bench):
    """Layers on an object store are read over a network; what is asked for and what the memory allows wins."""
    store = drawn(bench)
    document = bench.document(documents.classes())

    def reads(*arguments):
        return bench.call("plan", document, "-p", f"results={store.url}", "--threads", 2, "--json", *arguments).json()["reads"]

    bench.expect_equal(reads(), 32 if bench.store_kind == "s3" else 2, "reads in flight")
    bench.expect_equal(reads("--reads", 3), 3, "as asked for")
    tight = reads("--memory", "165M")
    bench.expect(2 <= tight < 16, "fewer where the memory is short", tight)


def scenes_are_read_where_they_are(bench):
    """The map of scenes beside the store, read over its network, is that of the same scenes in a folder."""
    store = drawn(bench)
    archive = store_of(bench, "archive")
    (bench.folder / "archive").mkdir()
    for path in sorted((bench.folder / "scenes").iterdir()):
        archive.write(path.name, path.read_bytes())
    document = bench.document(documents.colours())
    first = f"{archive.url}/{sorted(path.name for path in (bench.folder / 'scenes').glob('*.tif'))[0]}"
    there = bench.document(documents.colours().replace("same_grid_as: $scenes", f"same_grid_as: '{first}'"), "there.yaml")
    bench.run(document, "-p", f"results={store.url}")
    away = store_of(bench, "away")
    bench.run(there, "-p", f"scenes={archive.url}/*.tif", "-p", f"results={away.url}")
    bench.expect_equal(away.read("map.tif"), store.read("map.tif"), "the same map")


def a_parameter_redoes_what_it_touches(bench):
    store = drawn(bench)
    bench.run(bench.document(documents.classes(limit=100)), "-p", f"results={store.url}")
    before = digests(store)
    changed = bench.run(bench.document(documents.classes(limit=150)), "-p", f"results={store.url}")
    bench.expect_equal(counts(changed), {"composite": (0, TILES), "brightness": (TILES, 0), "map": (1, 0)}, "reclass and map only")
    now = digests(store)
    bench.expect(now["map.tif"] != before["map.tif"], "the map is another one")
    back = bench.run(bench.document(documents.classes(limit=100)), "-p", f"results={store.url}")
    bench.expect_equal(counts(back), {"composite": (0, TILES), "brightness": (0, TILES), "map": (0, 1)}, "changed back: nothing to do")
    again = digests(store)
    bench.expect_equal([name for name in before if again.get(name) != before[name]], [], "changed back: the files of before")


def a_task_parameter_redoes_the_task(bench):
    store = drawn(bench)
    bench.run(bench.document(documents.colours()), "-p", f"results={store.url}")
    last = "mosaic: {layer: composite, as: map, profile: {compress: lzw}}"
    changed = bench.run(bench.document(documents.colours(last=last)), "-p", f"results={store.url}")
    bench.expect_equal(counts(changed), {"composite": (0, TILES), "map": (1, 0)}, "only the map")


def a_comment_redoes_nothing(bench):
    store = drawn(bench)
    text = documents.classes()
    bench.run(bench.document(text), "-p", f"results={store.url}")
    spelled = "# a comment\n" + text.replace("{layer: composite, bands: [red]}", "{bands: [red], layer: composite}")
    spelled = spelled.replace("name: classes", "name: classes_by_another_name  # and a comment")
    second = bench.run(bench.document(spelled, "renamed.yaml"), "-p", f"results={store.url}")
    bench.expect_equal(counts(second), {"composite": (0, TILES), "brightness": (0, TILES), "map": (0, 1)}, "nothing is made")
    for threads, memory in ((1, "300M"), (3, "2G")):
        other = bench.run(bench.document(text), "-p", f"results={store.url}", "--threads", threads, "--memory", memory)
        bench.expect_equal(counts(other)["composite"], (0, TILES), "threads and memory make nothing")


def a_changed_scene_redoes_its_items(bench):
    store = drawn(bench)
    document = bench.document(documents.classes())
    bench.run(document, "-p", f"results={store.url}")
    scenes.write_raster(bench.folder / "scenes" / "scene_20180103.tif", scenes.colour_pixels(77, SIZE), colour=True)
    second = bench.run(document, "-p", f"results={store.url}")
    bench.expect_equal(counts(second)["composite"], (TILES, 0), "all tiles of the scene are made")


def crashed_and_changed_back(bench):
    """Half of the items are made with one parameter, and none of them may be taken for the other's."""
    store, clean = drawn(bench), store_of(bench, "clean")
    one, two = documents.classes(limit=100), documents.classes(limit=150)
    bench.run(bench.document(one, "one.yaml"), "-p", f"results={clean.url}")
    wanted = digests(clean)
    bench.run(bench.document(one, "one.yaml"), "-p", f"results={store.url}")
    process = bench.start("run", bench.document(two, "two.yaml"), "-p", f"results={store.url}", "--threads", 1)
    there = len(store.names())
    wait_until(lambda: len(store.names()) > there + 4, process)
    kill(process)
    back = bench.run(bench.document(one, "one.yaml"), "-p", f"results={store.url}")
    bench.expect_equal(counts(back), {"composite": (0, TILES), "brightness": (0, TILES), "map": (0, 1)}, "nothing was lost")
    now = digests(store)
    bench.expect_equal([name for name in wanted if now.get(name) != wanted[name]], [], "the bytes of the first parameter")
    for layer in ("composite", "brightness", "map"):
        bench.expect_equal(items_without_times(store, layer), items_without_times(clean, layer), f"items.json of {layer}")
    forth = bench.run(bench.document(two, "two.yaml"), "-p", f"results={store.url}")
    made, unchanged = counts(forth)["brightness"]
    bench.expect_equal(made + unchanged, TILES, "the other parameter is finished")
    other = store_of(bench, "other")
    bench.run(bench.document(two, "two.yaml"), "-p", f"results={other.url}")
    now = digests(store)
    bench.expect_equal([name for name, value in digests(other).items() if now.get(name) != value], [], "the bytes of the second parameter")


def a_lost_file_is_made_again(bench):
    store = drawn(bench)
    document = bench.document(documents.classes())
    bench.run(document, "-p", f"results={store.url}")
    before = digests(store)
    lost = [name for name in before if name.startswith("layers/composite/64_64-")][0]
    store.remove(lost)
    again = bench.run(document, "-p", f"results={store.url}")
    bench.expect_equal(counts(again), {"composite": (1, TILES - 1), "brightness": (0, TILES), "map": (0, 1)}, "only the lost tile")
    bench.expect_equal(digests(store), before, "the same bytes")


def remove_receipts(store):
    for name in store.names():
        if name.startswith("receipts/"):
            store.remove(name)


def no_receipts_makes_all_again(bench):
    store = drawn(bench)
    document = bench.document(documents.classes())
    bench.run(document, "-p", f"results={store.url}")
    before = digests(store)
    remove_receipts(store)
    again = bench.run(document, "-p", f"results={store.url}")
    bench.expect_equal(counts(again)["composite"], (TILES, 0), "files without receipts are no results")
    bench.expect_equal(digests(store), before, "the same bytes")


def a_mosaic_refuses_a_gap(bench):
    """One step by itself makes the tiles but one; the map's step then finds a gap."""
    store = drawn(bench)
    refuse, mark = bench.document(documents.classes(), "refuse.yaml"), bench.document(documents.classes(gaps="mark"), "mark.yaml")
    arguments = ["-p", f"results={store.url}"]
    bench.run(refuse, *arguments, "--only", "composite,brightness")
    lost = [name for name in store.names() if name.startswith("layers/brightness/128_64-")][0]
    store.remove(lost)
    outcome = bench.call("run", refuse, *arguments, "--only", "map")
    bench.expect(outcome.code != 0, "a gap is refused", outcome)
    bench.expect("128_64" in outcome.err and "1 of 16" in outcome.err, "the gap is named", outcome)
    bench.expect("map.tif" not in store.names(), "no map is made", store.names())
    marked = bench.run(mark, *arguments, "--only", "map")
    bench.expect(any("128_64" in note for note in marked.json()["notes"]), "the gap is noted", marked)
    local = bench.folder / "fetched.tif"
    local.write_bytes(store.read("map.tif"))
    valid = scenes.read_masked(local)[1][0]
    bench.expect(not valid[64:128, 128:192].any(), "the gap is invalid")
    bench.expect(valid[:64].mean() > 0.9 and valid[64:128, :128].mean() > 0.9, "the rest is valid")
    bench.expect(any(note for record in receipts(store) for note in record["notes"]), "the receipt tells of it")
    whole = bench.run(refuse, *arguments)
    bench.expect_equal(counts(whole), {"composite": (0, TILES), "brightness": (1, TILES - 1), "map": (1, 0)}, "the gap is filled")
    local.write_bytes(store.read("map.tif"))
    bench.expect(scenes.read_masked(local)[1][0][64:128, 128:192].mean() > 0.9, "the map is whole")


def trials_leave_the_map_alone(bench):
    store = drawn(bench)
    document = bench.document(documents.classes())
    arguments = ["-p", f"results={store.url}"]
    trial = bench.run(document, *arguments, "--sample", 2)
    bench.expect("map.tif" not in store.names(), "a trial makes no friendly map", store.names())
    bench.expect(any(layer["map"] and "trials/" in layer["map"] for layer in trial.json()["layers"]), "it says where its map is", trial)
    full = bench.run(document, *arguments)
    bench.expect_equal(counts(full)["composite"], (TILES - 2, 2), "the trial's tiles are kept")
    before = digests(store)
    for selection in (["--tiles", "0-3,64_64"], ["--sample", "3"], ["--resolution", "20m"]):
        bench.run(document, *arguments, *selection)
        now = digests(store)
        bench.expect_equal([name for name in before if now.get(name) != before[name]], [], f"{selection} leaves the map alone")
    collection = items_without_times(store, "composite")
    bench.expect_equal(len(collection["features"]), TILES, "items.json still has all tiles")


TESTS = [same_run_does_nothing, a_network_gets_more_reads, scenes_are_read_where_they_are,
         a_parameter_redoes_what_it_touches, a_task_parameter_redoes_the_task, a_comment_redoes_nothing,
         a_changed_scene_redoes_its_items, crashed_and_changed_back, a_lost_file_is_made_again, no_receipts_makes_all_again,
         a_mosaic_refuses_a_gap, trials_leave_the_map_alone]

if __name__ == "__main__":
    sys.exit(main(TESTS, __doc__, KINDS, environment_of=environment_of))
