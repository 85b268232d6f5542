#!/usr/bin/python3
"""Every document in tests/broken_documents must be refused, at the right place and in the right words.

    broken_documents_test.py GEOLOOM

runs `geoloom validate` on each. The comment lines at its start say what must come out:

    # expect-exit: 2            exit code; 2 (invalid) when it is not said
    # expect-line: 7            the message names this line of the document
    # expect-key: steps.a.do    ... and this key
    # expect-text: did you mean  ... and contains this text; may be given several times
    # arguments: -p year=2018   more arguments for the command

They run in a folder that has one good scene, `scenes/`, and an empty folder, `empty/`.
"""
import pathlib
import re
import shlex
import struct
import subprocess
import sys
import tempfile

DOCUMENTS = pathlib.Path(__file__).resolve().parent / "broken_documents"
HEADER = re.compile(r"# ([a-z]+(?:-[a-z]+)?): (.*)$")
KNOWN = {"expect-exit", "expect-line", "expect-key", "expect-text", "arguments"}


def write_scene(path, size=32):
    """A GeoTIFF of three bands of uint8 in EPSG:32631, without any library."""
    short, long, double = 3, 4, 12
    formats = {short: "H", long: "I", double: "d"}
    pixels = bytes(i % 251 for i in range(size * size * 3))
    geo_keys = [1, 1, 0, 3, 1024, 0, 1, 1, 1025, 0, 1, 1, 3072, 0, 1, 32631]
    tags = [(256, long, [size]), (257, long, [size]), (258, short, [8, 8, 8]), (259, short, [1]),
            (262, short, [2]), (273, long, [8]), (277, short, [3]), (278, long, [size]),
            (279, long, [len(pixels)]), (284, short, [1]), (33550, double, [10.0, 10.0, 0.0]),
            (33922, double, [0.0, 0.0, 0.0, 500000.0, 5000000.0, 0.0]), (34735, short, geo_keys)]
    after = 8 + len(pixels)
    directory_size = 2 + 12 * len(tags) + 4
    extra = b""
    directory = struct.pack("<H", len(tags))
    for tag, kind, values in tags:
        data = struct.pack(f"<{len(values)}{formats[kind]}", *values)
        if len(data) > 4:
            place = after + directory_size + len(extra)
            extra += data
            data = struct.pack("<I", place)
        directory += struct.pack("<HHI", tag, kind, len(values)) + data.ljust(4, b"\0")
    path.write_bytes(struct.pack("<2sHI", b"II", 42, after) + pixels + directory +
                     struct.pack("<I", 0) + extra)


def expectations(document):
    """The header as {name: [values]}."""
    found = {name: [] for name in KNOWN}
    for line in document.read_bytes().decode("utf-8", "replace").split("\n"):
        if not line.startswith("#"):
            break
        match = HEADER.match(line)
        if match and match[1] in KNOWN:
            found[match[1]].append(match[2])
        elif match and match[1].startswith("expect"):
            raise SystemExit(f"{document}: what is '{match[1]}'?")
    return found


def faults(document, expected, exit_code, said):
    wanted = int((expected["expect-exit"] or ["2"])[0])
    if exit_code != wanted:
        yield f"exit code {exit_code}, not {wanted}"
    for line in expected["expect-line"]:
        if not re.search(re.escape(document.name) + rf":{line}(?!\d)", said):
            yield f"does not name line {line}"
    for key in expected["expect-key"]:
        if not re.search(rf"(?<![\w.]){re.escape(key)}(?![\w.\[])", said):
            yield f"does not name the key {key}"
    for text in expected["expect-text"]:
        if text not in said:
            yield f"does not say: {text}"


def check(geoloom, document, folder):
    expected = expectations(document)
    arguments = shlex.split(" ".join(expected["arguments"]))
    try:
        result = subprocess.run([geoloom, "validate", str(document), *arguments], cwd=folder,
                                capture_output=True, timeout=60)
    except subprocess.TimeoutExpired:
        return ["no answer within a minute"], ""
    said = result.stderr.decode("utf-8", "replace")
    found = list(faults(document, expected, result.returncode, said))
    if "out" in (entry.name for entry in folder.iterdir()):
        found.append("validating made the store")
    return found, said


def main():
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    geoloom = str(pathlib.Path(sys.argv[1]).resolve())
    documents = sorted(DOCUMENTS.glob("*.yaml"))
    failed = 0
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "scenes").mkdir()
        (folder / "empty").mkdir()
        write_scene(folder / "scenes" / "scene_20180501.tif")
        for document in documents:
            found, said = check(geoloom, document, folder)
            if found:
                failed += 1
                print(f"{document.name}: {'; '.join(found)}\n  said: {said.strip()}")
    print(f"{len(documents) - failed} passed, {failed} failed")
    return 1 if failed or len(documents) < 30 else 0


if __name__ == "__main__":
    sys.exit(main())
