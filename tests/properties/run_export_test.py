#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A run is exported, moves to another folder with its scenes, and is carried out there to the same bytes.

    run_export_test.py GEOLOOM [--only TEST]...
"""
import hashlib
import io
import json
import shutil
import sys
import tarfile

import documents
import scenes
from program import main
from stores import FolderStore, digests, receipts

TABLE = "is,value\n1,3\n2,4\n"
MORE = """  recoded:
    over: tiles
    do:
      - load: {layer: brightness}
      - reclass: {table: classes.csv}
      - save: {layer: recoded}
"""


def exported(bench, name="run.tar", count=4):
    """A run of three steps and a table, as a file; and its scenes and table elsewhere."""
    scenes.colour_series(bench.folder / "here" / "scenes", count, (192, 192))
    (bench.folder / "classes.csv").write_text(TABLE)
    document = bench.document(documents.classes().replace("  map:\n", MORE + "  map:\n"))
    outcome = bench.run(document, "-p", "scenes=here/scenes")
    bench.expect_equal(bench.call("runs", "export", "--store", "out", "-o", name).code, 0, "it is exported")
    return outcome


def fingerprints(store):
    return sorted((each["step"], each["item"], each["fingerprint"]) for each in receipts(store))


def replayed_elsewhere(bench):
    exported(bench)
    here, there = FolderStore(bench.folder / "out"), FolderStore(bench.folder / "there")
    # Nothing but the file and the scenes, which are in another folder now.
    (bench.folder / "workflow.yaml").unlink()
    (bench.folder / "classes.csv").unlink()
    lost = bench.call("runs", "replay", "run.tar", "--store", "there")
    bench.expect_equal(lost.code, 0, "the scenes are still there")
    bench.expect("identical: " in lost.err, "it says so", lost)
    shutil.rmtree(there.path)
    (bench.folder / "here").rename(bench.folder / "moved")
    refused = bench.call("runs", "replay", "run.tar", "--store", "there")
    bench.expect(refused.code == 5 and "--root OLD=NEW" in refused.err and "here/scenes" in refused.err, "which files it misses, and what to do", refused)
    bench.expect(not there.path.exists(), "nothing is begun")
    moved = bench.call("runs", "replay", "run.tar", "--store", "there", "--root", f"{bench.folder}/here=moved", "--json")
    bench.expect_equal(moved.code, 0, "replayed")
    verdict = moved.json()
    bench.expect(verdict["identical"] and verdict["items"] == len(receipts(here)) and not verdict["not_in_export"], "every item", verdict)
    bench.expect_equal(digests(there), digests(here), "the same bytes")
    bench.expect_equal(fingerprints(there), fingerprints(here), "the same fingerprints")
    again = bench.call("runs", "replay", "run.tar", "--store", "there", "--root", f"{bench.folder}/here=moved")
    bench.expect(again.code == 0 and "0 items made" in again.err, "then there is nothing to do", again)


def folders_and_parts(bench):
    """A run of which one item failed, as a folder; where it is replayed the scene is whole."""
    scenes.colour_series(bench.folder / "scenes", 3, (192, 192))
    whole = (bench.folder / "scenes" / "scene_20180103.tif").read_bytes()
    document = bench.document(documents.colours())
    bench.run(document, "--only", "composite", "--tiles", "0_0,64_0")
    bench.expect_equal(bench.call("runs", "export", "-o", "exported").code, 0, "as a folder")
    bench.expect_equal(sorted(path.name for path in (bench.folder / "exported").iterdir()),
                       ["document", "export.json", "receipts.jsonl", "run.json"], "what is in it")
    bench.expect_equal((bench.folder / "exported" / "document" / "workflow.yaml").read_text(), documents.colours(), "the document, for people")
    outcome = bench.call("runs", "replay", "exported", "--store", "there", "--json")
    bench.expect(outcome.code == 0 and outcome.json()["items"] == 2, "of a selection", outcome)
    # The same name, size and time, other pixels: nobody but the comparison notices.
    path = bench.folder / "scenes" / "scene_20180103.tif"
    other = scenes.colour_series(bench.folder / "other", 3, (192, 192), seed=7)
    shutil.copyfile(other[0], path)
    outcome = bench.call("runs", "replay", "exported", "--store", "elsewhere", "--json")
    bench.expect(outcome.code == 3 and not outcome.json()["identical"], "other pixels are told", outcome)
    bench.expect(outcome.json()["different"] and "other pixels in layer 'composite'" in outcome.json()["different"][0], "which", outcome)
    path.write_bytes(whole)


def as_tar(path, entries):
    """By name: bytes, or the target of a link."""
    with tarfile.open(path, "w") as file:
        for name, content in entries:
            info = tarfile.TarInfo(name)
            if isinstance(content, str):
                info.type, info.linkname = tarfile.SYMTYPE, content
                file.addfile(info)
            else:
                info.size = len(content)
                file.addfile(info, io.BytesIO(content))


def archives_that_are_none(bench):
    exported(bench, count=2)
    with tarfile.open(bench.folder / "run.tar") as file:
        members = {info.name: file.extractfile(info).read() for info in file}
    good = list(members.items())

    def refused(entries, code, words, what):
        as_tar(bench.folder / "bad.tar", entries)
        outcome = bench.call("runs", "replay", "bad.tar", "--store", "there")
        bench.expect(outcome.code == code and words in outcome.err and "defect" not in outcome.err, what, outcome)
        bench.expect(not (bench.folder / "there").exists(), f"{what}: nothing is begun")

    def changed(name, data):
        about = json.loads(members["export.json"])
        about["files"][name] = hashlib.sha256(data).hexdigest()
        return [*((n, d) for n, d in good if n not in (name, "export.json")), (name, data), ("export.json", json.dumps(about).encode())]

    refused([*good, ("../escaped", b"x")], 8, "leads out", "a name that leads out")
    refused([*good, ("/tmp/escaped", b"x")], 8, "leads out", "an absolute name")
    refused([*good, ("link", "/etc/passwd")], 8, "link", "a link")
    refused([*good, ("run.json", b"{}")], 8, "twice", "a name twice")
    refused([(n, d) for n, d in good if n != "run.json"], 6, "no run.json", "a part is missing")
    refused([(n, d[:-2] if n == "receipts.jsonl" else d) for n, d in good], 6, "checksum", "a part is damaged")
    record = json.loads(members["run.json"])
    refused(changed("run.json", json.dumps({**record, "id": "../../escaped"}).encode()), 8, "no id of a run", "an id that leads out")
    refused(changed("run.json", json.dumps({**record, "geoloom_run": 99}).encode()), 2, "newer Geoloom", "a newer record")
    refused(changed("run.json", b"{]"), 6, "no exported run", "no JSON")
    bench.expect(not list(bench.folder.parent.glob("escaped")) and not list(bench.folder.rglob("escaped")), "nothing escaped")
    (bench.folder / "text.tar").write_text("not a tar file")
    for name, code in (("text.tar", 6), ("nowhere.tar", 5), ("out", 6)):
        outcome = bench.call("runs", "replay", name, "--store", "there")
        bench.expect_equal(outcome.code, code, f"{name}: {outcome.err}")


if __name__ == "__main__":
    sys.exit(main([replayed_elsewhere, folders_and_parts, archives_that_are_none], __doc__))
