# SPDX-License-Identifier: Apache-2.0
"""The two kinds of store as the tests look into them: a folder, and an S3-compatible server on loopback."""
import contextlib
import hashlib
import json
import os
import pathlib
import shlex
import shutil
import subprocess

from osgeo import gdal

from program import ROOT, VENV_PYTHON, skip

KINDS = ["folder", "s3"]


class FolderStore:
    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.url = str(path)

    def names(self):
        """All files, hidden ones as well. Some may go while we look."""
        return sorted(os.path.relpath(os.path.join(folder, file), self.path) for folder, _, files in os.walk(self.path) for file in files)

    def read(self, name):
        return (self.path / name).read_bytes()

    def write(self, name, data):
        (self.path / name).write_bytes(data)

    def remove(self, name):
        (self.path / name).unlink()

    def stamp(self, name):
        """Changes when the file is written again, even with the same bytes."""
        status = (self.path / name).stat()
        return status.st_mtime_ns, status.st_size

    def folders(self):
        return sorted(os.path.relpath(os.path.join(folder, name), self.path) for folder, names, _ in os.walk(self.path) for name in names)


class ObjectStore:
    def __init__(self, bucket, prefix):
        self.root = f"{bucket}/{prefix}"
        self.url = "s3://" + self.root.removeprefix("/vsis3/")

    def names(self):
        gdal.VSICurlClearCache()
        entries = gdal.ReadDirRecursive(self.root) or []
        return sorted(entry for entry in entries if not entry.endswith("/"))

    def read(self, name):
        path = f"{self.root}/{name}"
        gdal.VSICurlClearCache()
        status = gdal.VSIStatL(path)
        if status is None:
            raise FileNotFoundError(path)
        handle = gdal.VSIFOpenL(path, "rb")
        data = gdal.VSIFReadL(1, status.size, handle) if status.size else b""
        gdal.VSIFCloseL(handle)
        return bytes(data)

    def write(self, name, data):
        handle = gdal.VSIFOpenL(f"{self.root}/{name}", "wb")
        gdal.VSIFWriteL(data, 1, len(data), handle)
        gdal.VSIFCloseL(handle)

    def remove(self, name):
        gdal.VSICurlClearCache()
        assert gdal.Unlink(f"{self.root}/{name}") == 0

    def stamp(self, name):
        """Time in whole seconds and ETag: wait a second to see that the same bytes were written again."""
        gdal.VSICurlClearCache()
        return gdal.VSIStatL(f"{self.root}/{name}").mtime, gdal.GetFileMetadata(f"{self.root}/{name}", "HEADERS")["ETag"]

    def folders(self):
        return []


def empty(store):
    """As if nothing had ever been there: folders go as well."""
    if isinstance(store, FolderStore):
        return shutil.rmtree(store.path)
    for name in store.names():
        store.remove(name)
    return None


def store_of(bench, name="out"):
    if bench.store_kind == "folder":
        return FolderStore(bench.folder / name)
    return ObjectStore("/vsis3/" + os.environ["GEOLOOM_TEST_S3"].removeprefix("s3://"), f"{bench.folder.parent.name}/{bench.folder.name}/{name}")


def digests(store, prefixes=("layers/",), suffixes=(".tif", ".png")):
    """SHA-256 of the rasters and pictures of a store by name."""
    names = [name for name in store.names() if name.endswith(suffixes)]
    chosen = [name for name in names if "/" not in name or name.startswith(tuple(prefixes))]
    return {name: hashlib.sha256(store.read(name)).hexdigest() for name in chosen}


def items_without_times(store, layer):
    collection = json.loads(store.read(f"layers/{layer}/items.json"))
    for feature in collection["features"]:
        for key in ("created", "updated"):
            feature["properties"].pop(key, None)
    return collection


def receipts(store):
    """All records of the segments, in the order of their names."""
    records = []
    for name in store.names():
        if name.startswith("receipts/"):
            for line in store.read(name).decode("utf-8", "replace").splitlines():
                with contextlib.suppress(ValueError):
                    records.append(json.loads(line[17:]))
    return records


def stray_files(store):
    """What belongs neither to layers, receipts and runs nor to the friendly names."""
    def known(name):
        parts = name.split("/")
        if any(part.startswith(".") for part in parts):
            return False
        if len(parts) == 1:
            return name.endswith((".tif", ".png"))
        return parts[0] in ("layers", "receipts", "runs", "trials")
    return [name for name in store.names() if not known(name)] + \
           [name for name in store.folders() if pathlib.PurePath(name).name.startswith(".")]


@contextlib.contextmanager
def object_server():
    """The environment in which s3:// leads to a server of our own; it is put into ours as well."""
    if not VENV_PYTHON.exists():
        skip(f"{VENV_PYTHON.relative_to(ROOT)} is absent; setup/install.sh test makes it")
    server = subprocess.Popen([str(VENV_PYTHON), str(ROOT / "setup" / "s3_server.py"), "--env"], stdout=subprocess.PIPE, text=True)
    environment = {}
    for line in server.stdout:
        if not line.startswith("export "):
            break
        name, value = shlex.split(line)[1].split("=", 1)
        environment[name] = value
    if not environment:
        skip("the S3 server did not start")
    os.environ.update(environment)
    for name, value in environment.items():
        gdal.SetConfigOption(name, value)
    try:
        yield environment
    finally:
        server.terminate()
        server.wait()


@contextlib.contextmanager
def environment_of(kind):
    if kind == "folder":
        yield {}
    else:
        with object_server() as environment:
            yield environment
