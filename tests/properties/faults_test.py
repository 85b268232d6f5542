#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Bad input and a bad day: each has an exit code, words that help, and a run that can go on.

    faults_test.py GEOLOOM [--only TEST]...
"""
import os
import pty
import resource
import select
import shutil
import signal
import subprocess
import sys
import time

import numpy

import documents
import scenes
from held_series import ITEMS, HeldSeries, segments
from program import kill, main, wait_until
from stores import FolderStore, digests, receipts, stray_files

SIZE = (192, 192)
TILES = 9
TOLERATE = "load: {scenes: $scenes, bands: [red, green, blue], reject: {any_band_in: [0, 255]}, tolerate: {scenes: 1}}"


def drawn(bench, count=5):
    return scenes.colour_series(bench.folder / "scenes", count, SIZE)


def store_in(bench, name="out"):
    return FolderStore(bench.folder / name)


def expect_refused(bench, outcome, codes, *words):
    bench.expect(outcome.code in codes, f"exit code {codes}", outcome)
    for word in words:
        bench.expect(word in outcome.err, f"the message says '{word}'", outcome)
    bench.expect("internal" not in outcome.err and "defect" not in outcome.err, "it is not called a defect", outcome)


# Scenes.

def nothing_to_read(bench):
    document = bench.document(documents.colours())
    (bench.folder / "empty").mkdir()
    (bench.folder / "empty.txt").write_text("# no scene\n")
    for source in ("empty", "empty.txt", "nowhere", "nowhere/*.tif", "nowhere.txt"):
        expect_refused(bench, bench.call("run", document, "-p", f"scenes={source}"), [2], source.split("/")[0])
    bench.expect(not (bench.folder / "out").exists(), "no store is made")


def listed_scene_is_missing(bench):
    drawn(bench)
    listed = [f"scenes/scene_{scenes.day(n):%Y%m%d}.tif" for n in range(5)] + ["scenes/scene_20190101.tif"]
    (bench.folder / "list.txt").write_text("\n".join(listed))
    document = bench.document(documents.colours())
    outcome = bench.call("run", document, "-p", "scenes=list.txt")
    expect_refused(bench, outcome, [2], "scene_20190101")


def truncate(path, share):
    size = path.stat().st_size
    with open(path, "r+b") as file:
        file.truncate(int(size * share))


def header_is_cut_off(bench):
    paths = drawn(bench)
    truncate(paths[2], 0.0005)
    strict = bench.call("run", bench.document(documents.colours()))
    expect_refused(bench, strict, [2, 6], "scene_20180113")
    tolerant = bench.run(bench.document(documents.colours(load=TOLERATE), "tolerant.yaml"))
    expect_recorded(bench, "scene_20180113", tolerant)


def pixels_are_cut_off(bench):
    paths = drawn(bench)
    truncate(paths[3], 0.5)
    expect_tolerable(bench, paths[3].stem)


def pixels_are_damaged(bench):
    paths = drawn(bench)
    with open(paths[1], "r+b") as file:
        size = paths[1].stat().st_size
        file.seek(size // 3)
        file.write(b"\xff" * (size // 3))
    expect_tolerable(bench, paths[1].stem)


def expect_tolerable(bench, scene):
    """Pixels of this scene cannot be decoded: its items fail, or do without it where the document allows."""
    strict = bench.call("run", bench.document(documents.colours()), "--json")
    expect_refused(bench, strict, [3, 6], scene)
    why = bench.call("runs", "why", "--store", "out", "--json")
    bench.expect(any(scene in str(cause) for cause in why.json()), "runs why names the scene", why)
    tolerant = bench.run(bench.document(documents.colours(load=TOLERATE), "tolerant.yaml"))
    expect_recorded(bench, scene, tolerant)
    expect_as_without(bench, scene)


def expect_recorded(bench, scene, outcome):
    store = store_in(bench)
    bench.expect(outcome.json()["scenes_dropped"] > 0, "the summary counts what was left out", outcome)
    dropped = [entry for record in receipts(store) for entry in record["dropped"]]
    bench.expect(dropped and all(entry["scene"] == scene for entry in dropped), "the receipts name the scene", dropped)
    named = []
    for output in (o for record in receipts(store) if record["dropped"] for o in record["outputs"]):
        dataset = scenes.gdal.Open(str(store.path / output["name"]))
        named.append(dataset.GetMetadataItem("GEOLOOM_SCENES_DROPPED"))
    bench.expect(named and set(named) == {scene}, "the files name the scene", named)


def expect_as_without(bench, scene):
    """Tiles that do without a scene have the pixels of a series without it."""
    store, other = store_in(bench), store_in(bench, "without")
    dropped = [record for record in receipts(store) if record["dropped"]]
    shutil.copytree(bench.folder / "scenes", bench.folder / "fewer")
    (bench.folder / "fewer" / f"{scene}.tif").unlink()
    bench.run(bench.document(documents.colours(), "fewer.yaml"), "-p", "scenes=fewer", "-p", "results=without")
    hashes = {record["item"]: record["outputs"][0]["pixel_hash"] for record in receipts(other) if record["step"] == "composite"}
    for record in dropped:
        bench.expect_equal(record["outputs"][0]["pixel_hash"], hashes[record["item"]], f"{record['item']} is as without the scene")


def too_many_to_tolerate(bench):
    paths = drawn(bench)
    truncate(paths[1], 0.3)
    truncate(paths[3], 0.3)
    expect_refused(bench, bench.call("run", bench.document(documents.colours(load=TOLERATE))), [2, 3, 6], "scene_2018")


def odd(bench, pixels=None, **options):
    """A series whose third scene is another one."""
    drawn(bench)
    pixels = scenes.colour_pixels(2, SIZE) if pixels is None else pixels
    options = {"colour": pixels.shape[0] == 3, **options}
    scenes.write_raster(bench.folder / "scenes" / "scene_20180113.tif", pixels, **options)
    return bench.call("run", bench.document(documents.colours()))


def scenes_of_other_grids_are_warped(bench):
    for what, options in (("another origin", {"origin": (500003.0, 5000000.0)}), ("another pixel size", {"pixel": 7.0})):
        outcome = odd(bench, **options)
        bench.expect(outcome.code == 0, what, outcome)
        plan = bench.call("plan", bench.document(documents.colours()))
        bench.expect("1 of 5 scenes are warped" in plan.out, f"{what} is told", plan)


def scene_elsewhere(bench):
    """The same numbers in another zone are another place."""
    outcome = odd(bench, epsg=32632)
    bench.expect(outcome.code == 0 and "4 used, 1 skipped" in outcome.err, "it does not touch the area", outcome)


def scene_with_fewer_bands(bench):
    expect_refused(bench, odd(bench, scenes.colour_pixels(2, SIZE)[:1]), [2], "scene_20180113", "band")


def scene_of_another_type(bench):
    expect_refused(bench, odd(bench, scenes.colour_pixels(2, SIZE).astype(numpy.uint16)), [2], "scene_20180113", "uint16")


def duplicates_are_one(bench):
    drawn(bench)
    document = bench.document(documents.colours())
    bench.run(document, "-p", "results=once")
    names = [f"scenes/scene_{scenes.day(n):%Y%m%d}.tif" for n in range(5)]
    (bench.folder / "list.txt").write_text("\n".join(names + names[:2]))
    plan = bench.call("plan", document, "-p", "scenes=list.txt")
    bench.expect("duplicate" in plan.out or "twice" in plan.out, "the plan notes them", plan)
    bench.run(document, "-p", "scenes=list.txt", "-p", "results=twice")
    once, twice = (digests(store_in(bench, name)) for name in ("once", "twice"))
    bench.expect_equal(twice["map.tif"], once["map.tif"], "each scene is used once")


def a_vrt_is_no_scene(bench):
    paths = drawn(bench)
    secret = bench.folder / "elsewhere.tif"
    shutil.move(paths[2], secret)
    scenes.gdal.GetDriverByName("VRT").CreateCopy(str(bench.folder / "posing.vrt"), scenes.gdal.Open(str(secret)))
    shutil.move(bench.folder / "posing.vrt", paths[2])
    expect_refused(bench, bench.call("run", bench.document(documents.colours())), [2, 6, 8], "scene_20180113")
    bench.expect(bench.call("inspect", paths[2]).code != 0, "inspect refuses it as well")


def nothing_is_kept(bench):
    """A tile in which every pixel is rejected, and one pixel in another."""
    for n in range(4):
        pixels = scenes.colour_pixels(n, SIZE)
        pixels[:, :64, :64] = 255
        pixels[:, 100, 100] = 0
        scenes.write_raster(bench.folder / "scenes" / f"scene_{scenes.day(n):%Y%m%d}.tif", pixels, colour=True)
    bench.run(bench.document(documents.colours()))
    pixels, valid = scenes.read_masked(bench.folder / "out" / "map.tif")
    bench.expect(not valid[:, :64, :64].any() and (pixels[:, :64, :64] == 0).all(), "the tile is invalid and 0")
    bench.expect(not valid[:, 100, 100].any(), "the pixel is invalid")
    bench.expect(valid[:, 64:].mean() > 0.9, "the others are valid")


def a_tile_without_scenes_is_empty(bench):
    drawn(bench)
    text = documents.colours().replace("  same_grid_as: $scenes\n", "  grid: {crs: EPSG:32631, origin: [500000, 5000000], resolution: 10, size: [384, 192]}\n")
    outcome = bench.run(bench.document(text))
    bench.expect_equal(outcome.steps()["composite"]["empty"], 9, "tiles without scenes are empty")
    valid = scenes.read_masked(bench.folder / "out" / "map.tif")[1]
    bench.expect(not valid[:, :, 192:].any() and valid[:, :, :192].mean() > 0.9, "their pixels are invalid")
    again = bench.run(bench.document(text))
    bench.expect_equal(again.steps()["composite"]["done"], 0, "and that is remembered")


def nothing_to_do(bench):
    """No scene in the period, or none in the area: not a mistake, and not a success either."""
    drawn(bench)
    dated = bench.document(documents.colours(load=documents.LOAD.replace("scenes: $scenes", "scenes: $scenes, period: 2031")), "dated.yaml")
    far = bench.document(documents.colours().replace(
        "  same_grid_as: $scenes\n", "  grid: {crs: EPSG:32631, origin: [900000, 5000000], resolution: 10, size: [128, 128]}\n"), "far.yaml")
    for command in ("run", "plan", "validate"):
        expect_refused(bench, bench.call(command, dated), [4], "dated.yaml:", "5 found", "0 in 2031-01-01..2031-12-31")
        expect_refused(bench, bench.call(command, far), [4], "far.yaml:", "touches the area")
    error = bench.call("run", dated, "--json").json()["error"]
    bench.expect_equal((error["code"], error["exit_code"]), ("empty", 4), "the error as JSON")
    bench.expect(not (bench.folder / "out").exists(), "no store is made")


# Stores.

def store_is_a_file(bench):
    drawn(bench)
    (bench.folder / "out").write_text("a file\n")
    expect_refused(bench, bench.call("run", bench.document(documents.colours())), [2, 8], "out")
    bench.expect_equal((bench.folder / "out").read_text(), "a file\n", "the file is left alone")


def store_is_read_only(bench):
    if os.geteuid() == 0:
        print("store_is_read_only: not tried, root may write everywhere", file=sys.stderr)
        return
    drawn(bench)
    (bench.folder / "out").mkdir(mode=0o555)
    expect_refused(bench, bench.call("run", bench.document(documents.colours())), [8], "out")


def disk_is_full(bench):
    """A limit on the size of files stands for a full disk: it fails in the middle of a file."""
    drawn(bench)
    document = bench.document(documents.colours(tile=96))
    clean = store_in(bench, "clean")
    bench.run(document, "-p", "results=clean")
    limit = max((clean.path / name).stat().st_size for name in digests(clean) if name.endswith(".tif")) // 2

    def bound():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    full = bench.call("run", document, preexec_fn=bound)
    expect_refused(bench, full, [3, 9])
    expect_words_of_space(bench, full)
    expect_goes_on(bench, document, clean)


def volume_is_full(bench):
    """A real small file system, where mounting is allowed."""
    drawn(bench)
    document = bench.document(documents.colours(tile=96))
    clean = store_in(bench, "clean")
    bench.run(document, "-p", "results=clean")
    volume = bench.folder / "out"
    volume.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=192k", "tmpfs", str(volume)], capture_output=True, check=False)
    if mounted.returncode != 0:
        print("volume_is_full: not tried, mounting is not allowed here", file=sys.stderr)
        return
    try:
        full = bench.call("run", document)
        expect_refused(bench, full, [3, 9])
        expect_words_of_space(bench, full)
        subprocess.run(["mount", "-o", "remount,size=64m", str(volume)], check=True)
        expect_goes_on(bench, document, clean)
    finally:
        subprocess.run(["umount", str(volume)], check=False)


def expect_words_of_space(bench, outcome):
    said = outcome.err.lower()
    bench.expect("disk" in said or "space" in said or "too large" in said, "the message speaks of space", outcome)
    why = bench.call("runs", "why", "--store", "out")
    bench.expect("resource" in why.out + outcome.err or outcome.code == 9, "it counts as a matter of resources", why)


def expect_goes_on(bench, document, clean):
    bench.run(document)
    store = store_in(bench)
    bench.expect_equal(digests(store), digests(clean), "with space again the run goes on to the same bytes")
    bench.expect_equal(stray_files(store), [], "nothing is left behind")


# Receipts.

def expect_made_again(bench, document, damage, least):
    store = store_in(bench)
    bench.run(document)
    before = digests(store)
    (segment,) = segments(store)
    store.write(segment, damage(store.read(segment)))
    again = bench.run(document)
    made = sum(step["done"] for step in again.steps().values())
    bench.expect(least <= made <= least + 1, f"{least} items are made again", again)
    bench.expect(any("receipt" in note for note in again.json()["notes"]), "the damage is noted", again)
    bench.expect_equal(digests(store), before, "the same bytes")
    third = bench.run(document)
    bench.expect_equal(sum(step["done"] for step in third.steps().values()), 0, "then there is nothing to do")


def last_receipt_is_torn(bench):
    drawn(bench)
    expect_made_again(bench, bench.document(documents.colours()), lambda data: data[:-20], 1)


def a_receipt_is_altered(bench):
    drawn(bench)

    def flip(data):
        middle = len(data) // 2
        return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1:]

    expect_made_again(bench, bench.document(documents.colours()), flip, 1)


def receipts_are_rubbish(bench):
    drawn(bench)
    expect_made_again(bench, bench.document(documents.colours()), lambda data: b"\0\xff\n" * 50, TILES + 1)


def a_run_record_is_damaged(bench):
    drawn(bench)
    document = bench.document(documents.colours())
    first = bench.run(document).json()["run"]
    record = bench.folder / "out" / "runs" / first / "run.json"
    record.write_bytes(record.read_bytes()[:100])
    shown = bench.call("runs", "show", "--store", "out")
    expect_refused(bench, shown, [6], first)


# Signals.

def expect_stops(bench, number, code):
    with HeldSeries(bench) as series:
        process = series.start("--json")
        process.send_signal(number)
        said = process.stderr.readline()
        while said and "stopping" not in said:
            said = process.stderr.readline()
        bench.expect("stopping" in said, "it says that it stops", said)
        stopped = bench.finish(process)  # does not wait for the server, which answers nobody
        bench.expect_equal(stopped.code, code, "the exit code says what stopped it")
        bench.expect(stopped.json()["interrupted"], "the summary says so", stopped)
        clean, store = store_in(bench, "clean"), store_in(bench)
        bench.expect_equal(stray_files(store), [], "nothing half made is left")
        done = stopped.steps()["composite"]["done"]
        bench.expect(0 < done < ITEMS, "some items are made", done)
        resumed = series.run()
        bench.expect_equal(resumed.steps()["composite"]["unchanged"], done, "what was made is kept")
        series.run("-p", "results=clean")
        bench.expect_equal(digests(store), digests(clean), "the same bytes in the end")


def interrupted(bench):
    expect_stops(bench, signal.SIGINT, 130)


def terminated(bench):
    expect_stops(bench, signal.SIGTERM, 143)


def interrupted_at_once(bench):
    """The second signal does not wait for the items at work, which are held for as long as this takes."""
    with HeldSeries(bench) as series:
        process = series.start()
        process.send_signal(signal.SIGINT)
        while "stopping" not in (said := process.stderr.readline()) and said:
            pass
        process.send_signal(signal.SIGINT)
        bench.expect_equal(bench.finish(process, timeout=60).code, 130, "130 as well")
        series.run()


# What people see.

def wrong_options(bench):
    drawn(bench)
    document = bench.document(documents.colours())
    for arguments in (["run", document, "--wrong"], ["rum", document], ["run"], [], ["run", document, "-p", "scenes"],
                      ["run", document, "-p", "scenez=x"], ["run", document, "--memory", "much"], ["run", document, "--tiles", "99"],
                      ["run", document, "--sample", "0"], ["run", document, "--only", "compozite"], ["run", "absent.yaml"],
                      ["run", document, "--threads", "-1"], ["plan", document, "--resolution", "many"], ["ops", "no_such_op"]):
        outcome = bench.call(*arguments)
        bench.expect(outcome.code == 2 or (outcome.code == 5 and "absent" in str(arguments)), f"{arguments[:1] + arguments[2:]} is refused with 2", outcome)
        bench.expect(outcome.err.strip(), f"{arguments[:1] + arguments[2:]}: something is said")
        if arguments:
            bench.expect(outcome.err.startswith("error: "), f"{arguments[:1] + arguments[2:]}: as all errors are", outcome)
    bench.expect("did you mean 'run'?" in bench.call("rum", document).err, "a near command is suggested")
    bench.expect("geoloom plan --help" in bench.call("plan", document, "--wrong").err, "it says where options are told")
    bench.expect_equal(bench.call("run", "--json").json()["error"]["code"], "invalid", "as JSON")
    bench.expect("Examples:" in bench.call().err, "alone it tells what it does")
    bench.expect_equal([bench.call(*words).code for words in (["--help"], ["--version"], ["run", "--help"])], [0, 0, 0], "asking is no mistake")


def controls(text):
    return sorted({character for character in text if ord(character) < 32 and character != "\n"})


def plain_lines_into_a_pipe(bench):
    drawn(bench)
    outcome = bench.call("run", bench.document(documents.colours()))
    bench.expect_equal(controls(outcome.err + outcome.out), [], "no control characters")
    bench.expect("composite" in outcome.err, "steps are named", outcome)
    bench.expect("out/map.tif" in outcome.out, "the map is on stdout", outcome)
    quiet = bench.call("run", bench.document(documents.colours()), "--quiet")
    bench.expect(len(quiet.err.splitlines()) <= 1, "--quiet says the one count line at most", quiet)


def read_terminal(master, process):
    shown = b""
    while True:
        ready, _, _ = select.select([master], [], [], 0.1)
        if not ready and process.poll() is not None:
            return shown
        if ready:
            try:
                shown += os.read(master, 65536)
            except OSError:
                return shown


def a_bar_on_a_terminal(bench):
    with HeldSeries(bench) as series:
        master, slave = pty.openpty()
        process = bench.start("run", series.document, "-p", f"scenes={series.list}", "--threads", 1, stderr=slave,
                              stdout=subprocess.DEVNULL, environment={"TERM": "xterm"})
        os.close(slave)
        wait_until(lambda: series.server.held, process)
        time.sleep(0.5)  # longer than the bar waits before it is drawn anew
        series.server.release()
        shown = read_terminal(master, process).decode("utf-8", "replace")
        bench.expect_equal(process.wait(), 0, "it ends well")
        bench.expect("\r\x1b[K" in shown and "composite [" in shown and "items/s" in shown, "a bar with a rate is drawn", repr(shown[-500:]))
        os.close(master)


def killed_leaves_no_trace(bench):
    """The scratch folder of a killed run goes with the next one."""
    with HeldSeries(bench) as series:
        kill(series.start())
        series.run()
    bench.expect_equal(stray_files(store_in(bench)), [], "nothing is left behind")


TESTS = [nothing_to_read, listed_scene_is_missing, header_is_cut_off, pixels_are_cut_off, pixels_are_damaged, too_many_to_tolerate,
         scenes_of_other_grids_are_warped, scene_elsewhere, scene_with_fewer_bands, scene_of_another_type,
         duplicates_are_one, a_vrt_is_no_scene, nothing_is_kept, a_tile_without_scenes_is_empty, nothing_to_do, store_is_a_file, store_is_read_only,
         disk_is_full, volume_is_full, last_receipt_is_torn, a_receipt_is_altered, receipts_are_rubbish, a_run_record_is_damaged,
         interrupted, terminated, interrupted_at_once, wrong_options, plain_lines_into_a_pipe, a_bar_on_a_terminal, killed_leaves_no_trace]

if __name__ == "__main__":
    sys.exit(main(TESTS, __doc__))
