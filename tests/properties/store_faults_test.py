#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""An object store on a bad day: what may pass is tried again, what may not pauses the run, and no finished work is lost.

    store_faults_test.py GEOLOOM [--only TEST]...
"""
import contextlib
import itertools
import os
import sys
import threading

import documents
import scenes
from program import ROOT, main
from stores import digests, environment_of, receipts, store_of

sys.path.insert(0, str(ROOT / "tests" / "servers"))
import faulty_proxy  # noqa: E402

SIZE = (192, 192)
TILES = 9
QUICK = {"GDAL_HTTP_RETRY_DELAY": "0.05"}


class Day:
    """A document with its store in a bucket, and the bytes that must come out."""

    def __init__(self, bench):
        self.bench = bench
        scenes.colour_series(bench.folder / "scenes", 3, SIZE)
        self.document = bench.document(documents.colours())
        bench.run(self.document, "-p", "results=clean")
        clean = bench.folder / "clean"
        self.wanted = {path.relative_to(clean).as_posix(): path for path in clean.rglob("*.tif")}
        self.store = store_of(bench)

    @contextlib.contextmanager
    def faults(self, fault):
        port = int(os.environ["AWS_S3_ENDPOINT"].split(":")[1])
        with faulty_proxy.before(port, fault) as proxy:
            yield proxy, {**QUICK, "AWS_S3_ENDPOINT": proxy.address}

    def run(self, environment=None, expect=0, *arguments):
        return self.bench.run(self.document, "-p", f"results={self.store.url}", *arguments, expect=expect, environment=environment)

    def expect_whole(self):
        got = digests(self.store, suffixes=(".tif",))
        self.bench.expect_equal(set(got), set(self.wanted), "all files are there")
        self.bench.expect_equal([name for name, path in self.wanted.items() if self.store.read(name) != path.read_bytes()], [], "with the same bytes")

    def expect_goes_on(self):
        """The same command, on a good day, finishes what was begun, and makes nothing twice."""
        done = sum(1 for record in receipts(self.store) if record["step"] == "composite")
        steps = self.run().steps()
        self.bench.expect_equal(steps["composite"]["unchanged"], done, "finished tiles are not made again")
        self.expect_whole()
        return done


def every(n, name, methods=("GET", "PUT", "HEAD", "POST", "DELETE")):
    """The fault at every n-th request, counted over all connections."""
    counter, lock = itertools.count(1), threading.Lock()

    def fault(request):
        if request.command not in methods:
            return None
        with lock:
            return name if next(counter) % n == 0 else None
    return fault


def after_puts(n, name):
    """The fault at everything, once n tiles are in the store."""
    counter, lock = itertools.count(1), threading.Lock()
    state = {"on": False}

    def fault(request):
        with lock:
            if request.command == "PUT" and "/layers/" in request.path and next(counter) > n:
                state["on"] = True
            return name if state["on"] else None
    return fault


def a_busy_server(bench):
    day = Day(bench)
    for name in ("SlowDown", "InternalError"):
        with day.faults(every(5, name)) as (proxy, environment):
            day.run(environment)
            bench.expect(proxy.faults(), f"{name} was said")
        day.expect_whole()


def denied_midway(bench):
    day = Day(bench)
    with day.faults(after_puts(4, "AccessDenied")) as (proxy, environment):
        outcome = bench.call("run", day.document, "-p", f"results={day.store.url}", "--threads", 1, environment=environment)
        bench.expect(outcome.code in (3, 8), "it ends with a code for it", outcome)
        bench.expect("AWS_" in outcome.err, "and says which variable", outcome)
        refused = len(proxy.faults())
        bench.expect(refused < 200, "it does not hammer at a closed door", refused)
    bench.expect(day.expect_goes_on() >= 0, "the rest is made later")


def a_wrong_clock(bench):
    day = Day(bench)
    with day.faults(lambda request: "RequestTimeTooSkewed") as (_, environment):
        outcome = bench.call("run", day.document, "-p", f"results={day.store.url}", environment=environment)
        bench.expect_equal(outcome.code, 8, "denied")
        bench.expect("clock" in outcome.err and "RequestTimeTooSkewed" in outcome.err, "the message speaks of the clock", outcome)


def answers_are_cut(bench):
    """Scenes that are read over the network, with bodies that end early."""
    day = Day(bench)
    archive = store_of(bench, "archive")
    (bench.folder / "archive").mkdir()
    for path in sorted((bench.folder / "scenes").iterdir()):
        archive.write(path.name, path.read_bytes())
    first = f"{archive.url}/{min(path.name for path in (bench.folder / 'scenes').glob('*.tif'))}"
    day.document = bench.document(documents.colours().replace("same_grid_as: $scenes", f"same_grid_as: '{first}'"), "there.yaml")
    with day.faults(lambda request: every_cut(request) if "archive" in request.path else None) as (proxy, environment):
        outcome = bench.call("run", day.document, "-p", f"results={day.store.url}", "-p", f"scenes={archive.url}/*.tif", environment=environment)
        bench.expect(proxy.faults(), "answers were cut")
        bench.expect(outcome.code in (0, 3, 6, 7), "it ends well, or with an error", outcome)
        bench.expect("defect" not in outcome.err, "which is not called a defect", outcome)
    bench.run(day.document, "-p", f"results={day.store.url}", "-p", f"scenes={archive.url}/*.tif")
    bench.expect(day.store.read("map.tif") == day.wanted["map.tif"].read_bytes(), "no wrong pixel came out of it")


every_cut = every(7, "cut", ("GET",))


def a_stalled_answer(bench):
    day = Day(bench)
    with day.faults(every(9, "stall", ("PUT", "GET"))) as (proxy, environment):
        proxy.stall_seconds = 5
        day.run({**environment, "GDAL_HTTP_TIMEOUT": "2"})
        bench.expect(proxy.faults(), "answers stalled")
    day.expect_whole()


def credentials_are_renewed(bench):
    """The file of credentials is written anew while the run goes on; the old key is refused from then on."""
    day = Day(bench)
    home = bench.folder / "home"
    (home / ".aws").mkdir(parents=True)
    file = home / ".aws" / "credentials"

    def write(key):
        fresh = file.with_suffix(".new")
        fresh.write_text(f"[default]\naws_access_key_id = {key}\naws_secret_access_key = secret\naws_session_token = token-{key}\n")
        fresh.rename(file)

    write("FIRSTKEY")
    counter, lock, seen = itertools.count(1), threading.Lock(), set()
    state = {"rotated": False}

    def fault(request):
        key = "SECONDKEY" if "SECONDKEY" in request.headers.get("Authorization", "") else "FIRSTKEY"
        with lock:
            if request.command == "PUT" and "/layers/" in request.path and next(counter) == 4:
                write("SECONDKEY")
                state["rotated"] = True
            seen.add(key)
            return "ExpiredToken" if state["rotated"] and key == "FIRSTKEY" else None

    hidden = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    with day.faults(fault) as (proxy, environment):
        for name in hidden:
            bench.environment.pop(name)
        day.run({**environment, "HOME": str(home), "CPL_AWS_CREDENTIALS_FILE": str(file)})
        bench.expect_equal(seen, {"FIRSTKEY", "SECONDKEY"}, "both keys were used")
        bench.expect("ExpiredToken" in proxy.faults(), "the old one was refused")
    bench.environment.update({name: os.environ[name] for name in hidden})
    day.expect_whole()
    secrets = [name for name in day.store.names() if any(word in day.store.read(name) for word in (b"token-", b"SECONDKEY"))]
    bench.expect_equal(secrets, [], "no record holds a key")


def expired_credentials_pause_the_run(bench):
    day = Day(bench)
    with day.faults(after_puts(3, "ExpiredToken")) as (_, environment):
        outcome = bench.call("run", day.document, "-p", f"results={day.store.url}", "--threads", 1, environment=environment)
        bench.expect(outcome.code in (3, 8), "it ends with a code for it", outcome)
        bench.expect("renew" in outcome.err, "and says what to do", outcome)
    day.expect_goes_on()


def access_is_configured(bench):
    """What the environment says reaches the server, and no secret comes back."""
    store = store_of(bench, "place")
    store.write("a.txt", b"one")
    seen = []

    def note(request):
        seen.append({name.lower(): value for name, value in request.headers.items()})

    port = int(os.environ["AWS_S3_ENDPOINT"].split(":")[1])
    with faulty_proxy.before(port, note) as proxy:
        environment = {"AWS_S3_ENDPOINT": proxy.address, "HOME": str(bench.folder)}
        bench.call("store", "ls", store.url, environment={**environment, "AWS_REQUEST_PAYER": "requester", "AWS_SESSION_TOKEN": "a-token"})
        bench.expect({headers.get("x-amz-request-payer") for headers in seen} == {"requester"}, "the reader pays", seen[:1])
        bench.expect({headers.get("x-amz-security-token") for headers in seen} == {"a-token"}, "a temporary key", seen[:1])
        seen.clear()
        bench.call("store", "ls", store.url, environment={**environment, "AWS_NO_SIGN_REQUEST": "YES"})
        bench.expect(seen and not any("authorization" in headers for headers in seen), "nothing is signed", seen[:1])
        seen.clear()
        keys = {name: bench.environment.pop(name) for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
        outcome = bench.call("store", "ls", store.url, environment=environment)
        bench.environment.update(keys)
        bench.expect(outcome.code == 8 and "AWS_NO_SIGN_REQUEST=YES" in outcome.err and not seen, "without keys it says which to set", outcome)
    for address in ("https://127.0.0.1:1/a.tif?sig=topsecret&se=2030", "https://me:topsecret@127.0.0.1:1/a.tif"):
        outcome = bench.call("inspect", address, "--json", environment={"GDAL_HTTP_MAX_RETRY": "0"})
        bench.expect(outcome.code == 7 and "topsecret" not in outcome.err + outcome.out, "no message holds a secret", outcome)


TESTS = [access_is_configured, a_busy_server, denied_midway, a_wrong_clock, answers_are_cut, a_stalled_answer, credentials_are_renewed, expired_credentials_pause_the_run]

if __name__ == "__main__":
    sys.exit(main(TESTS, __doc__, store="s3", environment_of=environment_of))
