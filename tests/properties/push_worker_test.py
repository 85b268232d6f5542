# SPDX-License-Identifier: Apache-2.0
"""`geoloom serve`: tasks of runs and granule medians by HTTP, as other programs send them.

    push_worker_test.py build/release/geoloom [--only TEST]... [--long] [--sanitized]
"""
import argparse
import base64
import concurrent.futures
import contextlib
import http.client
import json
import pathlib
import shutil
import socket
import subprocess
import sys
import time
import types

import numpy

import documents
import scenes
from program import ROOT, kill, run_tests, wait_until
from workers import enveloped, worker

sys.path.insert(0, str(ROOT / "tests" / "servers"))
from file_server import Fault, FileServer  # noqa: E402

ROWS, COLUMNS, DATES, TILE = 150, 200, 9, 64
SECRET = "a-secret-of-tests-0123456789"


def archive(bench, seed=1, rows=ROWS, columns=COLUMNS):
    """Scenes of bytes with gaps (0), saturation (255) and many equal sums."""
    random = numpy.random.default_rng(seed)
    paths = []
    for number in range(DATES):
        pixels = random.integers(0, 12, (3, rows, columns)).astype("uint8") * 23
        pixels[pixels == 253] = 255
        name = f"archive/T31TCJ_{scenes.day(number):%Y%m%d}T104441_TCI.tif"
        paths.append(str(scenes.write_raster(bench.folder / name, pixels, colour=True)))
    return paths


def median(paths, window):
    """The rule, written down once more: drop samples with 0 or 255, sort by (sum, order), take the upper middle."""
    x, y, width, height = window
    samples = numpy.stack([scenes.read_raster(path)[:, y:y + height, x:x + width] for path in paths]).astype(int)
    kept = ~((samples == 0) | (samples == 255)).any(axis=1)
    keys = numpy.where(kept, samples.sum(axis=1) * 65536 + numpy.arange(len(paths))[:, None, None], 1 << 40)
    count = kept.sum(axis=0)
    chosen = numpy.take_along_axis(numpy.argsort(keys, axis=0), (count // 2)[None], axis=0)[0]
    picked = numpy.take_along_axis(samples, chosen[None, None].repeat(3, axis=1), axis=0)[0]
    return (picked * (count > 0)).astype("uint8")


def request(bench, paths, window, name="tile.tif"):
    return {"window": window, "destination": str(bench.folder / "results" / name), "datasets": paths}


memory_of_a_worker = "512M"


def serving(bench, *more, environment=None, results="results", **options):
    (bench.folder / results).mkdir(exist_ok=True)
    return worker(bench, "--read", bench.folder / "archive", "--write", bench.folder / results, "--memory", memory_of_a_worker,
                  *more, environment=environment, **options)


LOSSLESS = ("--median-profile", '{"compress": "deflate"}')


def medians(bench):
    paths = archive(bench)
    with serving(bench, *LOSSLESS) as served:
        for number, window in enumerate(([0, 0, 64, 64], [64, 37, 100, 64], [0, 0, COLUMNS, ROWS], [199, 149, 1, 1])):
            payload = request(bench, paths, window, f"tile_{number}.tif")
            body = [payload, enveloped(payload), enveloped(payload, "snake"), enveloped(payload, attempt=2)][number]
            answer = served.send("/median", body)
            bench.expect_equal((answer.status, answer.body), (204, ""), f"window {window}")
            made = scenes.read_raster(payload["destination"])
            bench.expect(numpy.array_equal(made, median(paths, window)), f"pixels of {window}")
        reordered = request(bench, paths[::-1], [0, 0, COLUMNS, ROWS], "reordered.tif")
        bench.expect_equal(served.send("/median", reordered).status, 204, "datasets in another order")
        bench.expect(numpy.array_equal(scenes.read_raster(reordered["destination"]),
                                       median(paths[::-1], [0, 0, COLUMNS, ROWS])), "ties keep the order given")
        bench.expect(not numpy.array_equal(median(paths, [0, 0, COLUMNS, ROWS]),
                                           median(paths[::-1], [0, 0, COLUMNS, ROWS])), "the order matters here")


def many_at_once(bench):
    paths = archive(bench)
    payloads = [request(bench, paths, [number, number // 2, 60 + number, 50 + number], f"tile_{number}.tif") for number in range(24)]
    with serving(bench, "--tasks", 4, "--queue", 100, *LOSSLESS) as served, concurrent.futures.ThreadPoolExecutor(24) as senders:
        bench.expect_equal(list(senders.map(lambda payload: served.send("/median", payload).status, payloads)), [204] * 24, "all are done")
        for payload in payloads:
            bench.expect(numpy.array_equal(scenes.read_raster(payload["destination"]), median(paths, payload["window"])), payload["window"])
        unfinished = [path for path in (bench.folder / "results/.scratch").rglob("*") if path.is_file() and path.suffix == ".tif"]
        bench.expect_equal(unfinished, [], "no unfinished files are left")


def jpeg_tiles(bench):
    paths = archive(bench, rows=400, columns=600)
    payload = request(bench, paths, [0, 0, 600, 400])
    destination = pathlib.Path(payload["destination"])
    with serving(bench) as served:
        contents = []
        for _ in range(2):
            bench.expect_equal(served.send("/median", payload).status, 204, "made")
            contents.append(destination.read_bytes())
    bench.expect(contents[0] == contents[1], "a redelivery writes the same bytes")
    from osgeo import gdal
    image = gdal.Open(str(destination))
    bench.expect_equal(image.GetMetadataItem("COMPRESSION", "IMAGE_STRUCTURE"), "YCbCr JPEG", "compression")
    bench.expect_equal(image.GetRasterBand(1).GetBlockSize(), [256, 256], "blocks")
    bench.expect_equal(image.GetRasterBand(1).GetMaskFlags(), gdal.GMF_PER_DATASET, "a mask band tells zeros from ringing")


def windows_that_are_wrong(bench):
    paths = archive(bench)
    with serving(bench) as served:
        for window in ([COLUMNS, 0, 1, 1], [0, ROWS, 1, 1], [COLUMNS - 10, 0, 11, 5], [0, 0, 0, 5], [0, 0, 5, 0],
                       [-1, 0, 5, 5], [0, 0, -5, 5], [0, 0, 1 << 62, 1], [1 << 62, 1 << 62, 1 << 62, 1 << 62],
                       [0, 0, 10 ** 30, 1], [0, 0, 5], "all", None, [0.5, 0, 5, 5]):
            answer = served.send("/median", request(bench, paths, window))
            bench.expect_equal(answer.status, 422, f"window {window}")
            bench.expect(answer.error()["message"], f"a reason for {window}")
        bench.expect_equal(list((bench.folder / "results").glob("*.tif")), [], "nothing is made")


def bad_bodies(bench):
    archive(bench)
    with serving(bench) as served:
        for raw in (b"", b"x", b"[]", b"\xff\xfe", b'{"message": 5}', b'{"message": {}}', b'{"message": {"data": "!!!"}}',
                    b'{"message": {"data": "eA=="}}', b"[" * 100000, b'{"a":' * 100000):
            bench.expect_equal(served.send("/median", raw=raw).status, 400, raw[:40])
        for payload in ({}, {"window": [0, 0, 1, 1]}, {"geoloom_task": 1}, {"geoloom_task": 99}):
            for path in ("/median", "/tasks"):
                bench.expect_equal(served.send(path, payload).status, 422, f"{path} {payload}")
        too_large = served.send("/median", raw=b"x" * ((16 << 20) + 1))
        bench.expect_equal(too_large.status, 413, "a body above the limit")
        bench.expect_equal(served.send("/elsewhere", {}).status, 404, "another path")
        bench.expect_equal(served.send("/median", method="GET").status, 405, "another method")
        bench.expect_equal(served.get("/healthz").status, 200, "it still serves")


def places_outside(bench):
    """Whatever a name looks like, nothing outside of the roots is read or written."""
    paths = archive(bench)
    secret = scenes.write_raster(bench.folder / "secret.tif", numpy.ones((3, ROWS, COLUMNS), "uint8"), colour=True)
    archive_folder = bench.folder / "archive"
    (archive_folder / "link.tif").symlink_to(secret)
    (archive_folder / "linked").symlink_to(bench.folder)
    (archive_folder / "posing.tif").write_text(
        f'<VRTDataset rasterXSize="{COLUMNS}" rasterYSize="{ROWS}"><VRTRasterBand dataType="Byte" band="1"><SimpleSource>'
        f"<SourceFilename>{secret}</SourceFilename></SimpleSource></VRTRasterBand></VRTDataset>")
    datasets = ["/etc/passwd", str(secret), f"file://{secret}", f"{archive_folder}/../secret.tif", f"{archive_folder}/link.tif",
                f"{archive_folder}/linked/secret.tif", f"/vsicurl/file://{secret}", f"/vsizip/{secret}", "/vsimem/x.tif",
                "http://127.0.0.1:1/x.tif", "https://example.org/x.tif", "s3://bucket/x.tif", "/vsis3/bucket/x.tif",
                f"{archive_folder}/posing.tif", f"GTIFF_DIR:1:{secret}", f"vrt://{secret}", f"{archive_folder}/%2e%2e/secret.tif",
                f"{archive_folder}/*.tif", "$HOME/x.tif", "<VRTDataset>.tif", "\0.tif", "secret.tif", "../secret.tif"]
    outside = bench.folder / "outside"
    outside.mkdir()
    (bench.folder / "results").mkdir()
    (bench.folder / "results" / "way").symlink_to(outside)
    results = bench.folder / "results"
    destinations = ["/etc/x.tif", str(outside / "x.tif"), f"{results}/../outside/x.tif", f"{results}/way/x.tif", f"file://{outside}/x.tif",
                    "/vsimem/x.tif", "http://127.0.0.1:1/x.tif", "s3://bucket/x.tif", f"{results}/", str(results), f"{results}/a b.tif",
                    f"{results}/..", "x.tif", "", f"{results}-2/x.tif", f"/vsigzip/{results}/x.tif"]
    with serving(bench) as served:
        for dataset in datasets:
            answer = served.send("/median", request(bench, [dataset], [0, 0, 10, 10]))
            bench.expect_equal(answer.status, 422, f"dataset {dataset!r}")
            bench.expect("places that may" not in answer.body, "the answer does not list the roots")
        for destination in destinations:
            answer = served.send("/median", {**request(bench, paths, [0, 0, 10, 10]), "destination": destination})
            bench.expect_equal(answer.status, 422, f"destination {destination!r}")
        for store in (str(outside), "/", "out", "../results", f"file://{results}", "s3://bucket/x", "http://127.0.0.1:1/"):
            task = {"geoloom_task": 1, "store": store, "run": "r", "step": "s", "item": "i"}
            bench.expect_equal(served.send("/tasks", task).status, 422, f"store {store!r}")
        bench.expect_equal(list(outside.iterdir()), [], "nothing was written outside")
        bench.expect_equal(list(results.glob("*.tif")), [], "nothing was made")


def base64_url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def signed(key, claims, header=None):
    """A token signed by the openssl program."""
    parts = base64_url(json.dumps(header or {"alg": "RS256", "typ": "JWT"}).encode()) + b"." + base64_url(json.dumps(claims).encode())
    signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", str(key)], input=parts, capture_output=True, check=True).stdout
    return (parts + b"." + base64_url(signature)).decode()


def tokens(bench):
    paths = archive(bench)
    keys = {}
    for name in ("ours", "theirs"):
        keys[name] = bench.folder / f"{name}.pem"
        subprocess.run(["openssl", "genrsa", "-out", keys[name], "2048"], check=True, capture_output=True)
    public = bench.folder / "public.pem"
    subprocess.run(["openssl", "rsa", "-in", keys["ours"], "-pubout", "-out", public], check=True, capture_output=True)
    now = int(time.time())
    good = {"iss": "https://issuer.example", "aud": "https://worker.example", "iat": now, "exp": now + 3600,
            "email": "push@project.example", "email_verified": True}
    payload = request(bench, paths, [0, 0, 10, 10])
    with serving(bench, "--push-keys", public, "--push-issuer", "https://issuer.example", "--push-audience",
                 "https://worker.example", "--push-email", "push@project.example", environment={"GEOLOOM_TOKEN": SECRET}) as served:
        def status(token):
            return served.send("/median", payload, headers={"Authorization": f"Bearer {token}"} if token else {}).status
        bench.expect_equal(status(signed(keys["ours"], good)), 204, "a good token")
        bench.expect_equal(status(SECRET), 204, "the shared secret")
        none = base64_url(b'{"alg":"none"}') + b"." + base64_url(json.dumps(good).encode()) + b"."
        for what, token in {"no token": None, "another secret": SECRET + "x", "expired": signed(keys["ours"], {**good, "exp": now - 600}),
                            "forged": signed(keys["theirs"], good), "not yet": signed(keys["ours"], {**good, "nbf": now + 600}),
                            "another audience": signed(keys["ours"], {**good, "aud": "https://other.example"}),
                            "another issuer": signed(keys["ours"], {**good, "iss": "https://other.example"}),
                            "another account": signed(keys["ours"], {**good, "email": "x@y.example"}),
                            "unverified": signed(keys["ours"], {**good, "email_verified": False}),
                            "without signature": none.decode(), "half": signed(keys["ours"], good)[:-20]}.items():
            bench.expect_equal(status(token), 401, what)
        bench.expect_equal(served.get("/healthz").status, 200, "health is for everybody")
        log = served.log.read_text()
        bench.expect(SECRET not in log and "eyJ" not in log, "no token in the log")


def refuses_to_be_open(bench):
    archive(bench)
    (bench.folder / "results").mkdir()
    base = ["serve", "--write", bench.folder / "results"]
    for what, arguments, environment in (
            ("an address others reach, without authentication", [*base, "--address", "0.0.0.0", "--port", "1"], {}),
            ("the platform's port, without authentication", base, {"PORT": "65535"}),
            ("no place to write to", ["serve"], {}),
            ("a short secret", base, {"GEOLOOM_TOKEN": "short"}),
            ("a port that is none", base, {"PORT": "x"}),
            ("acknowledging without a record", [*base, "--acknowledge-permanent"], {}),
            ("a profile that is none", [*base, "--median-profile", "x"], {}),
            ("a profile with an unknown codec", [*base, "--median-profile", '{"compress": "zip"}'], {})):
        outcome = bench.call(*arguments, environment=environment, timeout=60)
        bench.expect(outcome.code == 2 and "hint" in outcome.err, what, outcome)


def port_from_the_environment(bench):
    archive(bench)
    from workers import Worker, free_port, wait_until_ready
    port = free_port()
    (bench.folder / "results").mkdir()
    log = bench.folder / "log"
    with open(log, "w") as stream:
        process = bench.start("serve", "--write", bench.folder / "results", environment={"PORT": str(port), "GEOLOOM_TOKEN": SECRET},
                              stderr=stream)
    served = Worker(bench, process, port, log)
    wait_until_ready(served)
    process.terminate()
    bench.expect_equal(process.wait(60), 0, "it ends cleanly")
    addresses = [line["address"] for line in served.lines() if "address" in line]
    bench.expect_equal(addresses, ["0.0.0.0"], "a container is reached from outside")


def one_message_three_times(bench):
    paths = archive(bench)
    payload = request(bench, paths, [0, 0, COLUMNS, ROWS])
    with serving(bench) as served, concurrent.futures.ThreadPoolExecutor(3) as senders:
        answers = list(senders.map(lambda n: served.send("/median", enveloped(payload, identifier="7")).status, range(3)))
        bench.expect_equal(answers, [204] * 3, "all are told that it is done")
        first = pathlib.Path(payload["destination"]).read_bytes()
        bench.expect_equal(served.send("/median", enveloped(payload, identifier="7")).status, 204, "and once more")
        bench.expect(pathlib.Path(payload["destination"]).read_bytes() == first, "the same bytes")
        bench.expect_equal([p.name for p in (bench.folder / "results").glob("*") if p.is_file()], ["tile.tif"], "one file")


# --- tasks of runs

def frozen_run(bench):
    """A run carried out here, and its record alone in another store, as a dispatcher leaves it."""
    archive(bench)
    document = bench.document(documents.colours(tile=TILE))
    outcome = bench.run(document, "-p", "scenes=archive", "-p", "results=here").json()
    store = bench.folder / "there"
    record = pathlib.Path("runs") / outcome["run"] / "run.json"
    (store / record.parent).mkdir(parents=True)
    shutil.copy(bench.folder / "here" / record, store / record)
    names = sorted(path.name.split("-")[0] for path in (bench.folder / "here/layers/composite").glob("*.tif"))
    tasks = [{"geoloom_task": 1, "store": str(store), "run": outcome["run"], "step": "composite", "item": name} for name in names]
    return tasks, {**tasks[0], "step": "map", "item": "all"}


def files_of(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.glob("layers/**/*")) if path.suffix == ".tif"}


def tasks_of_a_run(bench):
    """Two workers share the tiles, a third joins them; the bytes are those of a run in one process."""
    tasks, whole = frozen_run(bench)
    with serving(bench, results="there") as a, serving(bench, results="there") as b:
        early = a.send("/tasks", whole)
        bench.expect_equal(early.status, 422, "a map before its tiles")
        for number, task in enumerate(tasks):
            body = task if number % 2 else enveloped(task)
            bench.expect_equal((a, b)[number % 2].send("/tasks", body).status, 204, task["item"])
        bench.expect_equal(b.send("/tasks", whole).status, 204, "the map")
        bench.expect_equal(a.send("/tasks", tasks[1]).status, 204, "a tile that another worker made")
        bench.expect(all(line["severity"] != "ERROR" or line["item"] == "all" for line in a.lines() + b.lines()), "no other errors")
    bench.expect_equal(files_of(bench.folder / "there"), files_of(bench.folder / "here"), "the same bytes")
    missing = bench.call("runs", "missing", "--store", bench.folder / "there")
    bench.expect_equal((missing.code, missing.out), (0, ""), "nothing is missing")


def tasks_that_are_wrong(bench):
    tasks, _ = frozen_run(bench)
    good = tasks[0]
    with serving(bench, results="there") as served:
        for what, task in {"run": {**good, "run": "20260101T000000Z-00000000"}, "path as run": {**good, "run": "../../here"},
                           "step": {**good, "step": "composit"}, "item": {**good, "item": "9_9"},
                           "newer format": {**good, "geoloom_task": 2}}.items():
            answer = served.send("/tasks", task)
            bench.expect_equal(answer.status, 422, what)
        bench.expect_equal(served.send("/tasks", good).status, 204, "the good one")


def killed_worker(bench):
    """kill -9 in the middle of a task: the message comes again, to another worker, and nothing is lost or torn."""
    tasks, whole = frozen_run(bench)
    with serving(bench, "--queue", 100, results="there") as first:
        with concurrent.futures.ThreadPoolExecutor(len(tasks)) as senders:
            sent = [senders.submit(first.send, "/tasks", task) for task in tasks]
            wait_until(lambda: any(future.done() for future in sent))
            kill(first.process)
            outcomes = [future.exception() or future.result().status for future in sent]
        bench.expect(204 in outcomes, "some were done", outcomes)
    with serving(bench, results="there") as second:
        for task in [*tasks, whole]:
            bench.expect_equal(second.send("/tasks", task).status, 204, task["item"])
    bench.expect_equal(files_of(bench.folder / "there"), files_of(bench.folder / "here"), "the same bytes")


@contextlib.contextmanager
def held_archive(bench):
    """The same scenes on a server that answers nothing before it is released: tasks take as long as a test likes."""
    paths = archive(bench)
    with FileServer(bench.folder / "archive", faults=[Fault("*", "hold")]) as server:
        yield server, paths, [f"{server.url}/{pathlib.Path(path).name}" for path in paths]


def stopped_worker(bench):
    """SIGTERM under load: each task is either done and told so, or refused, so that the sender keeps it."""
    with held_archive(bench) as (server, paths, urls), serving(bench, "--queue", 100, "--read", server.url, *LOSSLESS) as served:
        payloads = [request(bench, urls, [0, 0, COLUMNS, ROWS - number], f"tile_{number}.tif") for number in range(24)]
        def send(payload):
            try:
                return served.send("/median", payload).status
            except (OSError, http.client.HTTPException):
                return "gone"
        with concurrent.futures.ThreadPoolExecutor(len(payloads)) as senders:
            sent = [senders.submit(send, payload) for payload in payloads]
            wait_until(lambda: server.held)
            served.process.terminate()
            wait_until(lambda: any(future.done() for future in sent))
            server.release()
            statuses = [future.result() for future in sent]
        bench.expect_equal(served.process.wait(60), 0, "it ends cleanly")
    bench.expect(set(statuses) <= {204, 503, "gone"}, "done, refused, or after the end", statuses)
    bench.expect(204 in statuses and set(statuses) != {204}, "some of both", statuses)
    for payload, status in zip(payloads, statuses):
        if status == 204:
            made = scenes.read_raster(payload["destination"])
            bench.expect(numpy.array_equal(made, median(paths, payload["window"])), "done means that the file is there")


def busy_worker(bench):
    with held_archive(bench) as (server, _, urls), serving(bench, "--tasks", 1, "--queue", 2, "--queue-seconds", 300,
                                                           "--read", server.url) as served:
        payloads = [request(bench, urls, [0, 0, COLUMNS, ROWS - number], f"tile_{number}.tif") for number in range(16)]
        with concurrent.futures.ThreadPoolExecutor(len(payloads)) as senders:
            sent = [senders.submit(served.send, "/median", payload) for payload in payloads]
            wait_until(lambda: sum(future.done() for future in sent) == len(payloads) - 3)
            server.release()
            answers = [future.result() for future in sent]
        refused = [answer for answer in answers if answer.status == 429]
        bench.expect(all(int(answer.headers["retry-after"]) >= 1 for answer in refused), "busy, with a time to come back",
                     answers)
        bench.expect_equal(sorted(answer.status for answer in answers), [204] * 3 + [429] * 13, "the others are done")


def recorded_failures(bench):
    paths = archive(bench)
    with serving(bench, "--acknowledge-permanent", "--record", bench.folder / "given-up") as served:
        hopeless = request(bench, paths, [COLUMNS, 0, 1, 1])
        bench.expect_equal(served.send("/median", enveloped(hopeless, attempt=3, identifier="42")).status, 200, "acknowledged")
        bench.expect_equal(served.send("/median", request(bench, paths, [0, 0, 5, 5])).status, 204, "others are done")
    recorded = "".join(path.read_text() for path in (bench.folder / "given-up/refused").glob("*.seg"))
    bench.expect("does not lie" in recorded and '"message_id":"42"' in recorded and "tile.tif" in recorded, "it is on record", recorded)


def vanished_dataset(bench):
    """A file that goes away between the listing and the reading is a reason, not a crash."""
    paths = archive(bench)
    pathlib.Path(paths[4]).unlink()
    with serving(bench) as served:
        answer = served.send("/median", request(bench, paths, [0, 0, 10, 10]))
        bench.expect_equal(answer.status, 422, "a dataset that is gone")
        bench.expect(pathlib.Path(paths[4]).name in answer.body, "it is named", answer)


def replaced_dataset(bench):
    """A worker that lives for long sees that an archive was updated under it."""
    paths = archive(bench)
    payload = request(bench, paths, [0, 0, 50, 50])
    with serving(bench, *LOSSLESS) as served:
        bench.expect_equal(served.send("/median", payload).status, 204, "before")
        before = median(paths, payload["window"])
        other = archive_of_others(bench)
        for old, new in zip(paths, other):
            pathlib.Path(new).replace(old)
        bench.expect_equal(served.send("/median", payload).status, 204, "after")
        after = median(paths, payload["window"])
        bench.expect(not numpy.array_equal(before, after), "the archive differs")
        bench.expect(numpy.array_equal(scenes.read_raster(payload["destination"]), after), "pixels of the new files")


def archive_of_others(bench):
    (bench.folder / "aside").mkdir()
    return archive(types.SimpleNamespace(folder=bench.folder / "aside"), seed=2)


def resident_bytes(process):
    for line in pathlib.Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) * 1024
    return 0


def memory_is_flat(bench, tasks=400):
    """After the first tenth the process does not grow with the number of tasks, of any outcome."""
    paths = archive(bench)
    with serving(bench, *LOSSLESS) as served:
        connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=60)
        early = 0
        for number in range(tasks):
            window = [number % 100, number % 50, 32, 32] if number % 5 else [COLUMNS, 0, 5, 5]
            connection.request("POST", "/median", json.dumps(request(bench, paths, window)))
            answer = connection.getresponse()
            answer.read()
            bench.expect(answer.status == (204 if number % 5 else 422), f"task {number}", answer.status)
            if number == tasks // 10:
                early = resident_bytes(served.process)
        late = resident_bytes(served.process)
    bench.expect(late < early * 1.05 + (4 << 20), "memory is flat", f"{early >> 20} MiB, later {late >> 20} MiB")


def memory_is_flat_over_many(bench):
    memory_is_flat(bench, 10000)


def idle_connections(bench):
    """Connections that never say anything keep nobody waiting."""
    paths = archive(bench)
    with serving(bench) as served:
        silent = []
        for number in range(300):
            silent.append(socket.create_connection(("127.0.0.1", served.port)))
            if number % 2:
                silent[-1].sendall(b"POST /median HTTP/1.1\r\nHost: x\r\nContent-Le")
        bench.expect_equal(served.send("/median", request(bench, paths, [0, 0, 10, 10])).status, 204, "others are served")
        for connection in silent:
            connection.close()


TESTS = [medians, many_at_once, jpeg_tiles, windows_that_are_wrong, bad_bodies, places_outside, tokens, refuses_to_be_open, port_from_the_environment,
         one_message_three_times, tasks_of_a_run, tasks_that_are_wrong, killed_worker, stopped_worker, busy_worker, recorded_failures,
         vanished_dataset, replaced_dataset, memory_is_flat, idle_connections]


def main():
    global memory_of_a_worker
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("geoloom")
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--sanitized", action="store_true", help="leave out what a sanitizer makes meaningless: memory")
    arguments = parser.parse_args()
    tests = [memory_is_flat_over_many] if arguments.long else TESTS
    if arguments.sanitized:
        memory_of_a_worker = "2G"  # most of the other is the sanitizer's own
        tests = [test for test in tests if test is not memory_is_flat]
    return run_tests(arguments.geoloom, tests, only=arguments.only)


if __name__ == "__main__":
    sys.exit(main())
